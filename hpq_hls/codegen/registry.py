"""The backends by name."""

from __future__ import annotations

from hpq_hls.codegen.base import Backend
from hpq_hls.codegen.rtl import RtlBackend
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.codegen.vivado import VivadoBackend
from hpq_hls.errors import ConfigError

BACKENDS: dict[str, Backend] = {
    backend.name: backend for backend in (VitisBackend(), VivadoBackend(), RtlBackend())
}


def find_backend(name: str) -> Backend:
    """The backend called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in BACKENDS:
        raise ConfigError(f"there is no backend {name!r}; choose one of {', '.join(BACKENDS)}")
    return BACKENDS[name]
