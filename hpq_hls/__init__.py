"""A trained torch network in, exactly as many bits as it needs, proved hardware out.

The names here are the public interface; everything else may move.
"""

from hpq_hls.billing.calibration import Calibration
from hpq_hls.calibrate import calibrate
from hpq_hls.cost import ResourceEstimate
from hpq_hls.errors import HpqError
from hpq_hls.finetune import FinetuneResult, finetune
from hpq_hls.fixed import FixedType
from hpq_hls.frontends import from_exported, from_onnx, from_torch, load_exported
from hpq_hls.graph import Graph
from hpq_hls.namesakes import unite_namesakes
from hpq_hls.project import Project, estimate, generate
from hpq_hls.quantize import Precision, QuantizerOptions, quantize
from hpq_hls.search import SearchResult, search
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer, load
from hpq_hls.synth import ResourceReport
from hpq_hls.verify.cosim import CosimResult
from hpq_hls.version import __version__

__all__ = [
    "Calibration",
    "CosimResult",
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
    "estimate",
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

unite_namesakes(__name__)
