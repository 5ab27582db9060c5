"""Dataflow: kernels with folding, streams with widths and FIFO depths."""

from hpq_hls.hardware.build import FifoError, build_dataflow, with_fifo_depths
from hpq_hls.hardware.config import (
    CLOCKS_NS,
    DEFAULT_CLOCK_NS,
    DEFAULT_PART,
    DEFAULT_UTILISATION,
    HardwareConfig,
    Io,
    LayerFolding,
    Multiplier,
    Strategy,
    Tlast,
    check_clock,
    check_utilisation,
    target_of,
    whole_cycles,
)
from hpq_hls.hardware.dataflow import Dataflow, Link, Terminal
from hpq_hls.hardware.dead import without_dead
from hpq_hls.hardware.narrowed import NarrowedGraph
from hpq_hls.hardware.system import (
    CORE,
    NAMELESS,
    Control,
    Export,
    Ip,
    Memory,
    System,
    choice_of,
    system_of,
)
from hpq_hls.kernels import MIN_DEPTH, Kernel, Stream

__all__ = [
    "CLOCKS_NS",
    "CORE",
    "DEFAULT_CLOCK_NS",
    "DEFAULT_PART",
    "DEFAULT_UTILISATION",
    "MIN_DEPTH",
    "NAMELESS",
    "Control",
    "Dataflow",
    "Export",
    "FifoError",
    "HardwareConfig",
    "Io",
    "Ip",
    "Kernel",
    "LayerFolding",
    "Link",
    "Memory",
    "Multiplier",
    "NarrowedGraph",
    "Strategy",
    "Stream",
    "System",
    "Terminal",
    "Tlast",
    "build_dataflow",
    "check_clock",
    "check_utilisation",
    "choice_of",
    "system_of",
    "target_of",
    "whole_cycles",
    "with_fifo_depths",
    "without_dead",
]
