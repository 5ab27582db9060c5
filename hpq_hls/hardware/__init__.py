"""Dataflow: kernels with folding, streams with widths and FIFO depths."""

from hpq_hls.hardware.build import build_dataflow
from hpq_hls.hardware.config import HardwareConfig, Io, LayerFolding, Strategy
from hpq_hls.hardware.kernels import Dataflow, Kernel, Stream

__all__ = [
    "Dataflow",
    "HardwareConfig",
    "Io",
    "Kernel",
    "LayerFolding",
    "Strategy",
    "Stream",
    "build_dataflow",
]
