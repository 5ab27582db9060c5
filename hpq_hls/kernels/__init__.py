"""The kernels that a Dataflow is made of: one module each."""

from hpq_hls.kernels.all import (
    Add,
    Cast,
    ChannelMac,
    Dataflow,
    Fork,
    Gather,
    Matrix,
    MatVec,
    Pool,
    PoolMode,
    UnrolledMatVec,
    Weighted,
    WidthConverter,
    Window,
)
from hpq_hls.kernels.base import MIN_DEPTH, Frame, IntArray, Kernel, Stream, Streams, Table
from hpq_hls.kernels.combine import Combination, Combine
from hpq_hls.kernels.contract import Contract, StageKind, pipeline, tree_registers, wiring
from hpq_hls.kernels.reduce import Reduce, Reduction
from hpq_hls.kernels.reorder import Reorder
from hpq_hls.kernels.splice import Splice, Weld

__all__ = [
    "MIN_DEPTH",
    "Add",
    "Cast",
    "ChannelMac",
    "Combination",
    "Combine",
    "Contract",
    "Dataflow",
    "Fork",
    "Frame",
    "Gather",
    "IntArray",
    "Kernel",
    "MatVec",
    "Matrix",
    "Pool",
    "PoolMode",
    "Reduce",
    "Reduction",
    "Reorder",
    "Splice",
    "StageKind",
    "Stream",
    "Streams",
    "Table",
    "UnrolledMatVec",
    "Weighted",
    "Weld",
    "WidthConverter",
    "Window",
    "pipeline",
    "tree_registers",
    "wiring",
]
