"""A trained torch network in, exactly as many bits as it needs, proved hardware out.

The names here are the public interface; everything else may move.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpq_hls.cost import ResourceEstimate
    from hpq_hls.errors import HpqError
    from hpq_hls.frontends import from_exported, from_onnx, from_torch
    from hpq_hls.graph import Graph
    from hpq_hls.project import Project, estimate, generate
    from hpq_hls.quantize import Precision, quantize
    from hpq_hls.search import SearchResult, search
    from hpq_hls.simulate import QuantizedGraph, load
    from hpq_hls.synth import ResourceReport
    from hpq_hls.verify.cosim import CosimResult

__version__ = "0.1.0"

_HOMES = {
    "CosimResult": "hpq_hls.verify.cosim",
    "Graph": "hpq_hls.graph",
    "HpqError": "hpq_hls.errors",
    "Precision": "hpq_hls.quantize",
    "Project": "hpq_hls.project",
    "QuantizedGraph": "hpq_hls.simulate",
    "ResourceEstimate": "hpq_hls.cost",
    "ResourceReport": "hpq_hls.synth",
    "SearchResult": "hpq_hls.search",
    "estimate": "hpq_hls.project",
    "from_exported": "hpq_hls.frontends",
    "from_onnx": "hpq_hls.frontends",
    "from_torch": "hpq_hls.frontends",
    "generate": "hpq_hls.project",
    "load": "hpq_hls.simulate",
    "quantize": "hpq_hls.quantize",
    "search": "hpq_hls.search",
}
__all__ = [
    "CosimResult",
    "Graph",
    "HpqError",
    "Precision",
    "Project",
    "QuantizedGraph",
    "ResourceEstimate",
    "ResourceReport",
    "SearchResult",
    "estimate",
    "from_exported",
    "from_onnx",
    "from_torch",
    "generate",
    "load",
    "quantize",
    "search",
]


def __getattr__(name: str) -> Any:
    """Import each public name when it is first used, so that ``import hpq_hls`` stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hpq_hls' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # also replaces the sub-package of the same name, e.g. hpq_hls.search
    return value
