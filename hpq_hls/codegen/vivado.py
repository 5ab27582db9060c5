"""The "vivado" backend: the project of the "vitis" backend in the dialect of Vivado HLS."""

from __future__ import annotations

from hpq_hls.codegen.vitis import VitisBackend


class VivadoBackend(VitisBackend):
    """Prints C++ and scripts for Vivado HLS 2018.3 to 2020.1; the same kernels, other pragmas."""

    name: str = "vivado"
    dialect: str = "dialect_vivado.j2"

    def _in_dialect(self, text: str) -> str:
        return text.replace(" style=flp", " enable_flush").replace(" type=complete", " complete")
