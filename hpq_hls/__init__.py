"""A trained torch network in, exactly as many bits as it needs, proved hardware out.

The names here are the public interface; everything else may move. Each is imported when it is first asked for
(PEP 562), so that ``import hpq_hls`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hpq_hls.lazy import imported_when_asked
from hpq_hls.version import __version__

if TYPE_CHECKING:
    from hpq_hls.billing.calibration import Calibration
    from hpq_hls.calibrate import calibrate
    from hpq_hls.compiling import Compiled, compile  # noqa: A004
    from hpq_hls.cost import ResourceEstimate
    from hpq_hls.errors import HpqError
    from hpq_hls.exploring import Exploration, explore
    from hpq_hls.finetune import FinetuneResult, finetune
    from hpq_hls.fixed import FixedType
    from hpq_hls.frontends import from_exported, from_onnx, from_torch, load_exported
    from hpq_hls.graph import Graph
    from hpq_hls.project import Project, estimate, generate
    from hpq_hls.quantize import Precision, QuantizerOptions, quantize
    from hpq_hls.search import SearchResult, search
    from hpq_hls.simulate import QuantizedGraph, QuantizedLayer, load
    from hpq_hls.synth import ResourceReport
    from hpq_hls.verify.cosim import CosimResult

__all__ = [
    "Calibration",
    "Compiled",
    "CosimResult",
    "Exploration",
    "FinetuneResult",
    "FixedType",
    "Graph",
    "HpqError",
    "Precision",
    "Project",
    "QuantizedGraph",
    "QuantizedLayer",
    "QuantizerOptions",
    "ResourceEstimate",
    "ResourceReport",
    "SearchResult",
    "__version__",
    "calibrate",
    "compile",
    "estimate",
    "explore",
    "finetune",
    "from_exported",
    "from_onnx",
    "from_torch",
    "generate",
    "load",
    "load_exported",
    "quantize",
    "search",
]

_HOMES = {
    "billing.calibration": ("Calibration",),
    "compiling": ("Compiled", "compile"),
    "cost": ("ResourceEstimate",),
    "errors": ("HpqError",),
    "exploring": ("Exploration", "explore"),
    "finetune": ("FinetuneResult",),
    "fixed": ("FixedType",),
    "frontends": ("from_exported", "from_onnx", "from_torch", "load_exported"),
    "graph": ("Graph",),
    "project": ("Project", "estimate", "generate"),
    "quantize": ("Precision", "QuantizerOptions"),
    "search": ("SearchResult",),
    "simulate": ("QuantizedGraph", "QuantizedLayer", "load"),
    "synth": ("ResourceReport",),
    "verify.cosim": ("CosimResult",),
}
_NAMESAKES = ("calibrate", "finetune", "quantize", "search")
"""Packages that are the function of their name too; see ``hpq_hls.namesakes``."""
_named = imported_when_asked(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    """A public name, imported now."""
    return importlib.import_module(f"{__name__}.{name}") if name in _NAMESAKES else _named(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
