"""The kernels of a Dataflow: what each reads, computes and writes, beat by beat.

A kernel is described completely by integers, fixed-point types and constant arrays, so every
backend prints the same hardware from it. Tensors travel channels-last: a (C, H, W) tensor is the
element sequence (h, w, c), c fastest. A *beat* carries ``lanes`` consecutive elements of a stream,
element 0 in the lowest bits; ``beats`` of them make one frame (one inference).

Arithmetic is the same in every kernel that casts: products and sums are exact in
``accumulator_type`` (always signed), then ReLU if there is one, then one cast to the type of the
output stream.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType
from hpq_hls.hardware.adder_graph import AdderGraph

IntArray = npt.NDArray[np.int64]

MIN_DEPTH = 2
"""A FIFO of two beats passes one beat per cycle without a combinational path through it."""


@dataclass(frozen=True)
class Stream:
    """A handshaken channel between two kernels.

    name: a legal, unique identifier.
    type: type of one element.
    lanes: elements per beat.
    beats: beats per frame.
    depth: FIFO depth in beats (at least MIN_DEPTH).
    """

    name: str
    type: FixedType
    lanes: int
    beats: int
    depth: int = MIN_DEPTH

    @property
    def bits(self) -> int:
        """Width of one beat in bits."""
        return self.lanes * self.type.width

    @property
    def elements(self) -> int:
        """Elements per frame."""
        return self.lanes * self.beats


@dataclass(frozen=True, eq=False)
class Kernel:
    """Base of all kernels.

    name: a legal, unique identifier, also the instance name in RTL.
    layer: the layer of the network this kernel belongs to, as the user knows it ("features.0").
    inputs, outputs: names of streams.
    """

    kind: ClassVar[str]

    name: str
    layer: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def cycles(self, streams: dict[str, Stream]) -> int:
        """Clock cycles that one frame keeps this kernel busy when it never has to wait."""
        return max(streams[name].beats for name in (*self.inputs, *self.outputs))

    @property
    def multipliers(self) -> int:
        """Multipliers working in parallel."""
        return 0


@dataclass(frozen=True)
class WindowGeometry:
    """A sliding window over a (channels, height, width) tensor.

    Output row ``oy`` looks at input rows ``oy * stride[0] - pad_top + ky * dilation[0]``; positions
    outside the input read as ``pad_value`` (a raw value). out_height/out_width are given, not
    derived, so that ceil_mode and asymmetric padding need nothing more.
    """

    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad_top: int
    pad_left: int
    out_height: int
    out_width: int
    pad_value: int = 0

    @property
    def taps(self) -> int:
        """Elements of one channel in one window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def span(self) -> tuple[int, int]:
        """Height and width of the input area one window covers, dilation included."""
        return (
            (self.kernel[0] - 1) * self.dilation[0] + 1,
            (self.kernel[1] - 1) * self.dilation[1] + 1,
        )

    @property
    def scan(self) -> tuple[int, int]:
        """Rows and columns of the padded area that is scanned: all of the input, all of every window."""
        return (
            max((self.out_height - 1) * self.stride[0] + self.span[0], self.pad_top + self.height),
            max((self.out_width - 1) * self.stride[1] + self.span[1], self.pad_left + self.width),
        )

    @property
    def positions(self) -> int:
        """Windows per frame."""
        return self.out_height * self.out_width


@dataclass(frozen=True, eq=False)
class Window(Kernel):
    """Line buffer and sliding window: pixels in, windows out.

    Input: ``lanes`` = L channels per beat, L divides C; beats in order (y, x, chunk), C/L chunks.
    Output: one beat of ``taps * L`` elements per (oy, ox, chunk), chunk fastest; element
    ``(ky * kw + kx) * L + l`` of a beat is tap (ky, kx) of channel ``chunk * L + l``.
    One position of the padded area is scanned per cycle and chunk.
    """

    kind: ClassVar[str] = "window"

    geometry: WindowGeometry

    def cycles(self, streams: dict[str, Stream]) -> int:
        rows, columns = self.geometry.scan
        return rows * columns * (self.geometry.channels // streams[self.inputs[0]].lanes)


@dataclass(frozen=True, eq=False)
class Gather(Kernel):
    """Pure wiring for io parallel: output element ``i`` is input element ``index[i]`` of the same
    beat, or ``pad_value`` where ``index[i]`` is -1. Both streams have one beat per frame."""

    kind: ClassVar[str] = "gather"

    index: IntArray
    pad_value: int


@dataclass(frozen=True, eq=False)
class Weighted(Kernel):
    """Base of the kernels that multiply by constant weights, add a bias, apply ReLU and cast.

    weight: integers of ``weight_type``; bias: integers of ``bias_type``, or None.
    """

    weight: IntArray
    bias: IntArray | None
    weight_type: FixedType
    bias_type: FixedType | None
    accumulator_type: FixedType
    relu: bool


@dataclass(frozen=True, eq=False)
class Matrix(Weighted):
    """Base of the matrix-vector kernels: weight (G, M, K), bias (G, M)."""

    @property
    def groups(self) -> int:
        """Number of groups, G."""
        return int(self.weight.shape[0])

    @property
    def rows(self) -> int:
        """Rows per group, M."""
        return int(self.weight.shape[1])

    @property
    def cols(self) -> int:
        """Columns per group, K."""
        return int(self.weight.shape[2])


@dataclass(frozen=True, eq=False)
class MatVec(Matrix):
    """Matrix-vector unit folded by PE x SIMD, weights in a ROM.

    For each of ``vectors`` vectors of a frame, for each of G groups:
    ``y[g, m] = cast(relu(bias[g, m] + sum_k weight[g, m, k] * x[g, k]))``.
    weight: (G, M, K) integers of ``weight_type``, columns already in stream order.
    bias: (G, M) integers of ``bias_type``, or None.
    Input beats carry ``simd`` elements (simd divides K), order (vector, g, k); the vector of a
    group is kept in a buffer and reused for every fold of rows. Output beats carry ``pe`` elements
    (pe divides M), order (vector, g, m). Cycles: vectors * G * (M / pe) * (K / simd).
    ROM word of step (g, nf, sf): weight[g, nf * pe + p, sf * simd + s] at bits
    ``(p * simd + s) * weight_type.width``.
    """

    kind: ClassVar[str] = "matvec"

    vectors: int
    pe: int
    simd: int

    @property
    def neuron_folds(self) -> int:
        """Row folds per group, M / pe."""
        return self.rows // self.pe

    @property
    def synapse_folds(self) -> int:
        """Column folds, K / simd."""
        return self.cols // self.simd

    @property
    def multipliers(self) -> int:
        return self.pe * self.simd

    def cycles(self, streams: dict[str, Stream]) -> int:
        return self.vectors * self.groups * self.neuron_folds * self.synapse_folds

    def weight_words(self) -> IntArray:
        """The ROM in order: (G * M/pe * K/simd, pe, simd) integers."""
        folded = self.weight.reshape(self.groups, self.neuron_folds, self.pe, self.synapse_folds, self.simd)
        return folded.transpose(0, 1, 3, 2, 4).reshape(-1, self.pe, self.simd)

    def bias_words(self) -> IntArray | None:
        """The bias ROM in order: (G * M/pe, pe) integers."""
        return None if self.bias is None else self.bias.reshape(-1, self.pe)


@dataclass(frozen=True, eq=False)
class ChannelMac(Weighted):
    """Per-channel multiply-accumulate: depthwise convolution and standalone batch-norm.

    Input beats carry ``taps * L`` elements, element ``t * L + l``; output beats carry L elements:
    ``y[l] = cast(relu(bias[c] + sum_t weight[c, t] * x[t, l]))``, c = chunk * L + l.
    Chunks count 0 .. C/L - 1, then the next position follows; ``positions`` of them per frame.
    weight: (C, taps) integers; bias: (C,) integers or None. ROM word of a chunk:
    weight[chunk * L + l, t] at bits ``(t * L + l) * weight_type.width``.
    """

    kind: ClassVar[str] = "channelmac"

    positions: int
    lanes: int

    @property
    def channels(self) -> int:
        """Number of channels, C."""
        return int(self.weight.shape[0])

    @property
    def taps(self) -> int:
        """Taps per channel."""
        return int(self.weight.shape[1])

    @property
    def chunks(self) -> int:
        """Beats per position."""
        return self.channels // self.lanes

    @property
    def multipliers(self) -> int:
        return self.lanes * self.taps

    def weight_words(self) -> IntArray:
        """The ROM in order: (C/L, taps, L) integers."""
        return self.weight.reshape(self.chunks, self.lanes, self.taps).transpose(0, 2, 1)

    def bias_words(self) -> IntArray | None:
        """The bias ROM in order: (C/L, L) integers."""
        return None if self.bias is None else self.bias.reshape(self.chunks, self.lanes)


@dataclass(frozen=True, eq=False)
class UnrolledMatVec(Matrix):
    """Matrix-vector products with every multiplication in hardware, initiation interval 1.

    One beat in carries ``positions * G * K`` elements (position, g, k), one beat out
    ``positions * G * M`` elements (position, g, m), with the arithmetic of MatVec; all positions
    share the weights. ``beats`` beats per frame. adders: where the strategy is ``da``, one graph per
    group that computes ``weight[g] @ x[g]`` without multiplications.
    """

    kind: ClassVar[str] = "unrolled"

    positions: int
    beats: int
    adders: tuple[AdderGraph, ...] | None = None

    @property
    def multipliers(self) -> int:
        if self.adders is not None:
            return 0
        return self.positions * int(np.count_nonzero(self.weight))


class PoolMode(enum.Enum):
    """What a pooling kernel does with the elements of a window."""

    MAX = "max"
    AVERAGE = "average"


@dataclass(frozen=True, eq=False)
class Pool(Kernel):
    """Reduces the taps of a window, channel by channel.

    Input beats carry ``positions * taps * L`` elements, element ``(p * taps + t) * L + l``; output
    beats ``positions * L`` elements, element ``p * L + l``. (positions is 1 but for io parallel.)
    MAX: the largest raw value; input and output types have the same width, fraction and sign.
    AVERAGE: ``cast(relu(reciprocal * sum_t x[t, l]))`` with the unsigned constant ``reciprocal`` of
    ``reciprocal_type``; a power-of-two window has reciprocal 1 and a shift in its type.
    """

    kind: ClassVar[str] = "pool"

    mode: PoolMode
    positions: int
    taps: int
    lanes: int
    reciprocal: int
    reciprocal_type: FixedType | None
    accumulator_type: FixedType | None
    relu: bool

    @property
    def multipliers(self) -> int:
        return self.positions * self.lanes if self.mode is PoolMode.AVERAGE and self.reciprocal != 1 else 0


@dataclass(frozen=True, eq=False)
class Add(Kernel):
    """Element-wise sum of two streams of equal lanes: ``y = cast(relu(a + b))``, exact at the finer
    of the two fractions before the cast."""

    kind: ClassVar[str] = "add"

    accumulator_type: FixedType
    relu: bool


@dataclass(frozen=True, eq=False)
class Cast(Kernel):
    """Element-wise ``y = cast(relu(x))``: a ReLU that stands alone, or a change of type."""

    kind: ClassVar[str] = "cast"

    relu: bool


@dataclass(frozen=True, eq=False)
class Fork(Kernel):
    """Copies every beat to each of its outputs."""

    kind: ClassVar[str] = "fork"


@dataclass(frozen=True, eq=False)
class WidthConverter(Kernel):
    """Regroups elements into beats of another size; one of the two lane counts divides the other."""

    kind: ClassVar[str] = "widthconverter"


@dataclass(frozen=True, eq=False)
class Dataflow:
    """A network in hardware: kernels in topological order, connected by streams.

    name: a legal identifier, the name of the top-level function and module.
    input, output: names of the streams at the AXI4-Stream ports.
    input_order, output_order: for each element of the port's frame, in transmission order, its flat
    index in the tensor in torch layout.
    """

    name: str
    kernels: tuple[Kernel, ...]
    streams: dict[str, Stream]
    input: str
    output: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_order: IntArray
    output_order: IntArray

    def of_layer(self, layer: str) -> Sequence[Kernel]:
        """The kernels that a layer became."""
        return [kernel for kernel in self.kernels if kernel.layer == layer]
