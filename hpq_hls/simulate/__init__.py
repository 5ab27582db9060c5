"""The quantized network and its exact execution in numpy."""

from hpq_hls.simulate.engine import reference, simulate, simulate_all
from hpq_hls.simulate.layer import LayerSpec, QuantizedLayer
from hpq_hls.simulate.quantized_graph import QuantizedGraph, Saturation, assemble
from hpq_hls.simulate.simulator import Simulator
from hpq_hls.simulate.storage import load

__all__ = [
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
