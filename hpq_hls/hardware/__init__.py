"""Dataflow: kernels with folding, streams with widths and FIFO depths."""

from hpq_hls.hardware.build import FifoError, build_dataflow, with_fifo_depths
from hpq_hls.hardware.config import HardwareConfig, Io, LayerFolding, Multipliers, Strategy
from hpq_hls.hardware.kernels import MIN_DEPTH, Dataflow, Kernel, Stream

__all__ = [
    "MIN_DEPTH",
    "Dataflow",
    "FifoError",
    "HardwareConfig",
    "Io",
    "Kernel",
    "LayerFolding",
    "Multipliers",
    "Strategy",
    "Stream",
    "build_dataflow",
    "with_fifo_depths",
]
