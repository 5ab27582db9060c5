"""The "vivado" backend: the project of the "vitis" backend in the dialect of Vivado HLS."""

from __future__ import annotations

from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import Memory, System


class VivadoBackend(VitisBackend):
    """Prints C++ and scripts for Vivado HLS 2018.3 to 2020.1; the same kernels, other pragmas."""

    name: str = "vivado"
    dialect: str = "dialect_vivado.j2"

    def built(self, system: System) -> System:
        """See ``Backend``."""
        if system.memory is Memory.M_AXI:
            raise ConfigError(
                "backend vivado and memory m_axi exclude each other, because Vivado HLS exports no kernel "
                "that v++ links; choose backend vitis, or memory axis"
            )
        return system

    def _in_dialect(self, text: str) -> str:
        return text.replace(" style=flp", " enable_flush").replace(" type=complete", " complete")
