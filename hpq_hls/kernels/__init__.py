"""The kernels that a Dataflow is made of: one module each.

A kernel is described completely by integers, fixed-point types and constant arrays, so every
backend prints the same hardware from it. Tensors travel channels-last: a (C, H, W) tensor is the
element sequence (h, w, c), c fastest. A *beat* carries ``lanes`` consecutive elements of a stream,
element 0 in the lowest bits; ``beats`` of them make one frame (one inference).

Arithmetic is the same in every kernel that casts: products and sums are exact in
``accumulator_type`` (always signed), then ReLU if there is one, then one cast to the type of the
output stream.
"""

from hpq_hls.kernels.base import MIN_DEPTH, Frame, IntArray, Kernel, Module, Stream, Streams, Table
from hpq_hls.kernels.cast import Cast
from hpq_hls.kernels.channelmac import ChannelMac
from hpq_hls.kernels.combine import Combination, Combine
from hpq_hls.kernels.constant import Constant
from hpq_hls.kernels.contract import Contract, StageKind, own, pipeline, wiring
from hpq_hls.kernels.fork import Fork
from hpq_hls.kernels.gather import Gather
from hpq_hls.kernels.matvec import MatVec
from hpq_hls.kernels.nature import Nature, Sums
from hpq_hls.kernels.pool import Pool, PoolMode
from hpq_hls.kernels.reduce import Reduce, Reduction
from hpq_hls.kernels.reorder import Reorder
from hpq_hls.kernels.splice import Splice, Weld
from hpq_hls.kernels.table import Lookup
from hpq_hls.kernels.unrolled import UnrolledMatVec
from hpq_hls.kernels.weighted import FromRom, Matrix, Weighted
from hpq_hls.kernels.widthconverter import WidthConverter
from hpq_hls.kernels.window import Window

__all__ = [
    "MIN_DEPTH",
    "Cast",
    "ChannelMac",
    "Combination",
    "Combine",
    "Constant",
    "Contract",
    "Fork",
    "Frame",
    "FromRom",
    "Gather",
    "IntArray",
    "Kernel",
    "Lookup",
    "MatVec",
    "Matrix",
    "Module",
    "Nature",
    "Pool",
    "PoolMode",
    "Reduce",
    "Reduction",
    "Reorder",
    "Splice",
    "StageKind",
    "Stream",
    "Streams",
    "Sums",
    "Table",
    "UnrolledMatVec",
    "Weighted",
    "Weld",
    "WidthConverter",
    "Window",
    "own",
    "pipeline",
    "wiring",
]
