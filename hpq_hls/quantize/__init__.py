"""Calibration, scaling and rounding: from floats to integers."""

from hpq_hls.quantize.precision import LayerPrecision, Precision, parse_precision
from hpq_hls.quantize.quantizer import Quantizer, quantize
from hpq_hls.quantize.scaling import Scaling

__all__ = ["LayerPrecision", "Precision", "Quantizer", "Scaling", "parse_precision", "quantize"]
