"""Dataflow: kernels with folding, streams with widths and FIFO depths."""

from hpq_hls.hardware.build import FifoError, build_dataflow, with_fifo_depths
from hpq_hls.hardware.config import (
    DEFAULT_PART,
    DEFAULT_UTILISATION,
    HardwareConfig,
    Io,
    LayerFolding,
    Multipliers,
    Strategy,
    Tlast,
    check_utilisation,
    target_of,
    whole_cycles,
)
from hpq_hls.hardware.dataflow import Dataflow, Terminal
from hpq_hls.kernels import MIN_DEPTH, Kernel, Stream

__all__ = [
    "DEFAULT_PART",
    "DEFAULT_UTILISATION",
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
    "Terminal",
    "Tlast",
    "build_dataflow",
    "check_utilisation",
    "target_of",
    "whole_cycles",
    "with_fifo_depths",
]
