"""The quantized network and its exact execution in numpy."""

from hpq_hls.simulate.coverage import Coverage, LayerCoverage
from hpq_hls.simulate.engine import reference, simulate, simulate_all
from hpq_hls.simulate.layer import LayerSpec, QuantizedLayer
from hpq_hls.simulate.loading import load
from hpq_hls.simulate.quantized_graph import QuantizedGraph, assemble
from hpq_hls.simulate.saturation import Saturation
from hpq_hls.simulate.simulator import Simulator

__all__ = [
    "Coverage",
    "LayerCoverage",
    "LayerSpec",
    "QuantizedGraph",
    "QuantizedLayer",
    "Saturation",
    "Simulator",
    "assemble",
    "load",
    "reference",
    "simulate",
    "simulate_all",
]
