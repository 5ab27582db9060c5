"""Calibration, scaling and rounding: from floats to integers."""

from hpq_hls.namesakes import unite_namesakes
from hpq_hls.quantize.options import QuantizerOptions, Scaling, WeightRounding
from hpq_hls.quantize.precision import LayerPrecision, Precision, parse_precision
from hpq_hls.quantize.quantizer import Quantizer, quantize

__all__ = [
    "LayerPrecision",
    "Precision",
    "Quantizer",
    "QuantizerOptions",
    "Scaling",
    "WeightRounding",
    "parse_precision",
    "quantize",
]

unite_namesakes(__name__)
