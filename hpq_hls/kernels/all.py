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
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from hpq_hls.fixed import FixedType
from hpq_hls.kernels.adder_graph import AdderGraph
from hpq_hls.kernels.base import IntArray, Kernel, Streams
from hpq_hls.kernels.geometry import WindowGeometry


@dataclass(frozen=True, eq=False)
class Window(Kernel):
    """Line buffer and sliding window: pixels in, windows out.

    Input: ``lanes`` = P * L elements per beat, P pixels (``geometry.pixels``) of L channels each, order
    (pixel, channel). L divides C; beats in order (y, x, chunk), C/L chunks, only one where P > 1.
    Output: W = ``geometry.windows`` windows of a row per beat, ``W * taps * L`` elements, beats in order
    (oy, ox, chunk); element ``(w * taps + t) * L + l`` of a beat is tap t = ky * kw + kx of window w and
    channel ``chunk * L + l``, or element ``(w * L + l) * taps + t`` with ``by_channel``.
    One beat of the padded area is scanned per cycle.
    """

    kind: ClassVar[str] = "window"

    geometry: WindowGeometry
    by_channel: bool = False

    def chunks(self, lanes: int) -> int:
        """Beats of a pixel (of P pixels), where an input beat has so many lanes."""
        return self.geometry.channels * self.geometry.pixels // lanes

    def cycles(self, streams: Streams) -> int:
        rows, beats = self.geometry.scan
        return rows * beats * self.chunks(streams[self.inputs[0]].lanes)


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
    shift: for each row (shaped like a bias), by how many bits its sum of products is shifted left before
    the bias is added; the least is 0. None: no row is shifted.
    signs: all weights are +1 or -1, and a ROM holds one bit of each, 1 for -1.
    in_luts: products are built in LUTs whatever their widths, never in DSP blocks.
    """

    by_types: ClassVar[bool] = False

    weight: IntArray
    bias: IntArray | None
    weight_type: FixedType
    bias_type: FixedType | None
    accumulator_type: FixedType
    relu: bool
    shift: IntArray | None = field(default=None, kw_only=True)
    signs: bool = field(default=False, kw_only=True)
    in_luts: bool = field(default=False, kw_only=True)

    @property
    def rom_type(self) -> FixedType:
        """Type of what a ROM holds of a weight."""
        return FixedType(1, 1, signed=False) if self.signs else self.weight_type

    def in_rom(self, weight: IntArray) -> IntArray:
        """Weights as the integers of ``rom_type`` that a ROM holds of them."""
        return (weight < 0).astype(np.int64) if self.signs else weight

    @property
    def shift_type(self) -> FixedType | None:
        """The least unsigned integer type of the shifts."""
        if self.shift is None:
            return None
        width = max(int(self.shift.max()).bit_length(), 1)
        return FixedType(width, width, signed=False)


def _by_fold(shift: IntArray | None, units: int) -> IntArray | None:
    """Shifts in the order in which ``units`` parallel units use them: (folds, units), or (1, units) where
    each unit always shifts by the same, which takes wires only."""
    if shift is None:
        return None
    words = shift.reshape(-1, units)
    return words[:1] if (words == words[0]).all() else words


@dataclass(frozen=True, eq=False)
class Matrix(Weighted):
    """Base of the matrix-vector kernels: weight (G, M, K), bias and shift (G, M)."""

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
    ``y[g, m] = cast(relu(bias[g, m] + (sum_k weight[g, m, k] * x[g, k] << shift[g, m])))``.
    weight: (G, M, K) integers of ``weight_type``, columns already in stream order.
    bias: (G, M) integers of ``bias_type``, or None; shift: (G, M), or None.
    Input beats carry ``simd`` elements (simd divides K), order (vector, g, k); the vector of a
    group is kept in a buffer and reused for every fold of rows. Output beats carry ``pe`` elements
    (pe divides M), order (vector, g, m). Cycles: vectors * G * (M / pe) * (K / simd).
    ROM word of step (g, nf, sf): weight[g, nf * pe + p, sf * simd + s] at bits
    ``(p * simd + s) * rom_type.width``, as ``in_rom`` says.
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

    def cycles(self, streams: Streams) -> int:
        return self.vectors * self.groups * self.neuron_folds * self.synapse_folds

    def weight_words(self) -> IntArray:
        """The ROM in order: (G * M/pe * K/simd, pe, simd) integers."""
        folded = self.weight.reshape(self.groups, self.neuron_folds, self.pe, self.synapse_folds, self.simd)
        return self.in_rom(folded.transpose(0, 1, 3, 2, 4).reshape(-1, self.pe, self.simd))

    def bias_words(self) -> IntArray | None:
        """The bias ROM in order: (G * M/pe, pe) integers."""
        return None if self.bias is None else self.bias.reshape(-1, self.pe)

    def shift_words(self) -> IntArray | None:
        """The shifts in order: (G * M/pe, pe), or (1, pe) where each row of multipliers has one shift."""
        return _by_fold(self.shift, self.pe)


@dataclass(frozen=True, eq=False)
class ChannelMac(Weighted):
    """Per-channel multiply-accumulate: depthwise convolution and standalone batch-norm.

    Input beats carry ``taps * L`` elements, element ``t * L + l``; output beats carry L elements:
    ``y[l] = cast(relu(bias[c] + (sum_t weight[c, t] * x[t, l] << shift[c])))``, c = chunk * L + l.
    Chunks count 0 .. C/L - 1, then the next position follows; ``positions`` of them per frame.
    weight: (C, taps) integers; bias, shift: (C,) integers or None. ROM word of a chunk:
    weight[chunk * L + l, t] at bits ``(t * L + l) * rom_type.width``, as ``in_rom`` says.
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
        return self.in_rom(self.weight.reshape(self.chunks, self.lanes, self.taps).transpose(0, 2, 1))

    def bias_words(self) -> IntArray | None:
        """The bias ROM in order: (C/L, L) integers."""
        return None if self.bias is None else self.bias.reshape(self.chunks, self.lanes)

    def shift_words(self) -> IntArray | None:
        """The shifts in order: (C/L, L), or (1, L) where each lane has one shift."""
        return _by_fold(self.shift, self.lanes)


@dataclass(frozen=True, eq=False)
class UnrolledMatVec(Matrix):
    """Matrix-vector products with every multiplication in hardware, initiation interval 1.

    One beat in carries ``positions * G * K`` elements (position, g, k), one beat out
    ``positions * G * M`` elements (position, g, m), with the arithmetic of MatVec; all positions
    share the weights. ``beats`` beats per frame. adders: where the strategy is ``da``, one graph per
    group that computes ``weight[g] @ x[g]`` without multiplications; there shifts are in the weights.
    """

    kind: ClassVar[str] = "unrolled"

    positions: int
    beats: int
    adders: tuple[AdderGraph, ...] | None = None

    def shift_words(self) -> IntArray | None:
        """The shifts side by side, (1, G * M)."""
        return None if self.shift is None else self.shift.reshape(1, -1)

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
    beats ``positions * L`` elements, element ``p * L + l``.
    MAX: the largest raw value; input and output types have the same width, fraction and sign.
    AVERAGE: ``cast(relu(reciprocal * sum_t x[t, l]))`` with the unsigned constant ``reciprocal`` of
    ``reciprocal_type``; a power-of-two window has reciprocal 1 and a shift in its type.
    in_luts: as of ``Weighted``, for the products by the reciprocal.
    """

    kind: ClassVar[str] = "pool"
    by_types: ClassVar[bool] = False

    mode: PoolMode
    positions: int
    taps: int
    lanes: int
    reciprocal: int
    reciprocal_type: FixedType | None
    accumulator_type: FixedType | None
    relu: bool
    in_luts: bool = field(default=False, kw_only=True)

    @property
    def multipliers(self) -> int:
        return self.positions * self.lanes if self.mode is PoolMode.AVERAGE and self.reciprocal != 1 else 0


@dataclass(frozen=True, eq=False)
class Add(Kernel):
    """Element-wise sum of two streams of equal lanes: ``y = cast(relu(a + b))``, exact at the finer
    of the two fractions before the cast."""

    kind: ClassVar[str] = "add"
    by_types: ClassVar[bool] = False

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
class Terminal:
    """Where a value of the network enters or leaves the design, through one AXI4-Stream port.

    name: of the network's input or output. port: prefix of its signals, "s_axis" for s_axis_TDATA.
    stream: name of the stream behind it. shape: of the tensor in torch layout, without the batch axis.
    order: for each element of the port's frame, in transmission order, its flat index in that tensor.
    """

    name: str
    port: str
    stream: str
    shape: tuple[int, ...]
    order: IntArray


@dataclass(frozen=True, eq=False)
class Dataflow:
    """A network in hardware: kernels in topological order, connected by streams.

    name: a legal identifier, the name of the top-level function and module.
    inputs, outputs: its AXI4-Stream ports, in the order of the network's.
    """

    name: str
    kernels: tuple[Kernel, ...]
    streams: Streams
    inputs: tuple[Terminal, ...]
    outputs: tuple[Terminal, ...]

    @classmethod
    def single(
        cls,
        name: str,
        kernels: tuple[Kernel, ...],
        streams: Streams,
        *,
        input: str,  # noqa: A002  (as the property)
        output: str,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        input_order: IntArray,
        output_order: IntArray,
    ) -> Dataflow:
        """A design with one input and one output, which are names of streams."""
        given = Terminal(input, "s_axis", input, input_shape, input_order)
        made = Terminal(output, "m_axis", output, output_shape, output_order)
        return cls(name, kernels, streams, (given,), (made,))

    @property
    def input(self) -> str:
        """Name of the stream at the only input port."""
        (terminal,) = self.inputs
        return terminal.stream

    @property
    def output(self) -> str:
        """Name of the stream at the only output port."""
        (terminal,) = self.outputs
        return terminal.stream

    def of_layer(self, layer: str) -> Sequence[Kernel]:
        """The kernels that a layer became."""
        return [kernel for kernel in self.kernels if kernel.layer == layer]
