"""Matrix-vector products whose weights are constants in the logic (hpq_unrolled)."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import finished, result_bits, unread_bits
from hpq_hls.billing.constdot import Products, Wires, constant_dots, with_constant
from hpq_hls.billing.delays import Pace
from hpq_hls.billing.memories import as_shift_register
from hpq_hls.billing.products import constant_levels, digits_of, most_shifted, signed_width
from hpq_hls.billing.stages import PLAIN_STAGES, tree_registers, tree_time
from hpq_hls.fixed import Epilogue, FixedType, Overflow, Rounding
from hpq_hls.fixed.interval import bits_for
from hpq_hls.kernels.adder_graph import side_by_side
from hpq_hls.kernels.adder_pipeline import Adders, Pipelined, offsets_of, pipelined, sum_of
from hpq_hls.kernels.adder_positions import left_of
from hpq_hls.kernels.adder_view import AdderView, PipelineView, adder_view, pipeline_view
from hpq_hls.kernels.base import Frame, IntArray, Kernel, Module, Stream, Streams, Table
from hpq_hls.kernels.nature import Sums
from hpq_hls.kernels.weighted import Matrix


@dataclass(frozen=True, eq=False)
class UnrolledMatVec(Matrix):
    """Matrix-vector products with every multiplication in hardware, initiation interval 1.

    One beat in carries ``positions * G * K`` elements (position, g, k), one beat out
    ``positions * G * M`` elements (position, g, m), with the arithmetic of MatVec; all positions
    share the weights. ``beats`` beats per frame. adders: where the strategy is ``da``, how products are made
    without multiplications; there shifts are in the weights.
    """

    kind: ClassVar[str] = "unrolled"
    header: ClassVar[str] = "unrolled"
    per_beat: ClassVar[bool] = True

    positions: int
    beats: int
    adders: Adders | None = None

    def shift_words(self) -> IntArray | None:
        """The shifts side by side, (1, G * M)."""
        return None if self.shift is None else self.shift.reshape(1, -1)

    @property
    def multipliers(self) -> int:
        if self.adders is not None:
            return 0
        return self.positions * int(np.count_nonzero(self.weight))

    @property
    def in_step(self) -> bool:
        return self.epilogue.is_same_for_all_beats

    def latency(self, streams: Streams) -> int:
        """A result is a register, and a product one or more."""
        if self.pipelined is not None:
            return self.pipelined.registers
        given, made = self.ends(streams)
        stages, tree = self.ending(made.type), tree_registers(self.cols, self.every)
        return self.stages(given.type) + tree + stages.front + stages.inside + 1

    def digits(self, x: FixedType) -> int:
        """Digits of a weight, as a sum of powers of two, up to which its product is built from shifted copies
        of an element of type ``x`` (DIGITS in the RTL): where that is cheaper than a DSP block; at any number
        or for powers of two alone where the layer asks for it."""
        if self.in_luts:
            return self.weight_type.width
        always = self.sharing is not None and self.sharing.always
        return 1 if always else most_shifted(signed_width(x))

    def stages(self, x: FixedType) -> int:
        """Registers of a product."""
        return max(math.ceil(self._levels(x) / self.every), 1)

    def _levels(self, x: FixedType) -> int:
        """Sums that follow each other in a product."""
        return constant_levels(self._sizes, self.digits(x))

    @functools.cached_property
    def _sizes(self) -> Sequence[int]:
        """The weights that there are, without their signs."""
        sizes: list[int] = np.unique(np.abs(self.weight)).tolist()
        return sizes

    def _all_shifted(self, x: FixedType) -> bool:
        return max(map(digits_of, self._sizes), default=0) <= self.digits(x)

    def critical(self, streams: Streams) -> int:
        delays = self.pace.delays
        if self.pipelined is not None:
            return max(delays.control, self.pipelined.critical)
        given, made = self.ends(streams)
        width = signed_width(given.type) + signed_width(self.weight_type)
        level = delays.adder(min(width + (self.cols - 1).bit_length(), self.accumulator_type.width))
        product = min(self._levels(given.type), self.every) * delays.adder(width)
        if not self._all_shifted(given.type):
            product = max(product, delays.multiply(PLAIN_STAGES))
        tree = tree_time(self.cols, self.every, level)
        return max(delays.control, product, tree, self.ending(made.type).time)

    def at(self, pace: Pace) -> Kernel:
        adders = None if self.adders is None else replace(self.adders, pace=pace)
        return replace(self, pace=pace, adders=adders)

    @functools.cached_property
    def pipelined(self) -> Pipelined | None:
        """The adders of all groups side by side as RTL has them, or None where there are multipliers."""
        adders, sums = self.adders, self.accumulator_type
        if adders is None:
            return None
        by_group = offsets_of(self.weight, self.bias, self.bias_type, sums)
        offsets = tuple(offset for group in by_group for offset in group)
        graph = side_by_side(adders.graphs)
        return pipelined(graph, offsets, adders.shift, sums, adders.made, self.epilogue, adders.pace)

    @functools.cached_property
    def pipeline(self) -> PipelineView | None:
        """The same as statements of RTL."""
        return None if self.pipelined is None else pipeline_view(self.pipelined)

    @functools.cached_property
    def graph(self) -> AdderView | None:
        """The adders of all groups side by side as statements of C++."""
        return None if self.adders is None else adder_view(self.adders.graphs)

    def bill(self, bill: Bill, streams: Streams) -> None:
        """What a row costs that follows from its own weights; one without any is a constant, and costs
        nothing."""
        given, made = self.ends(streams)
        elements = self.positions * self.groups * self.cols
        if given.same_as or made.unread:  # positions are not alike
            inputs = np.asarray(given.same_as or range(elements))
            _bill(bill, self, inputs, self.positions, streams)
            return
        per_position = Bill(bill.family)
        _bill(per_position, self, np.arange(elements // self.positions), 1, streams)
        for _ in range(self.positions):
            bill.take(per_position)

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        """The elements of groups all of whose rows are unread, and of columns that are zero in all others."""
        read = np.zeros((self.positions, self.groups, self.rows, 1), dtype=bool)
        read.reshape(-1)[self.ends(streams)[1].read] = True
        weights = self.weight != 0 if constants else np.ones(self.weight.shape, dtype=bool)
        return [np.flatnonzero(~(read & weights).any(axis=2).reshape(-1)).tolist()]

    def tables(self) -> Mapping[str, Table]:
        weight = None if self.adders is not None else self.in_rom(self.weight.reshape(-1, self.cols))
        return self._tables(weight, self.bias, in_memory=False)

    def module(self) -> Module | None:
        if self.adders is None:
            return None
        return Module(
            "kernels/unrolled_adders.sv.j2", "a layer as a graph of adders, without multiplications"
        )

    def summary(self, streams: Streams) -> str:
        text = f"{self.groups} x {self.rows}x{self.cols} matrix, unrolled, {self.positions} at once"
        if self.adders is not None:
            text += f", {sum(len(graph.adders) for graph in self.adders.graphs)} adders each"
        return self._described(text)

    def exact_sums(self, streams: Streams) -> Sums:
        """A beat is a block, because each position has hardware of its own."""
        groups = self.positions * self.groups
        columns = np.arange(groups * self.cols).reshape(groups, self.cols)
        parts = [
            None if part is None else np.concatenate([part] * self.positions)
            for part in (self.weight, self.bias, self.shift)
        ]
        assert parts[0] is not None
        return self._sums(self.ends(streams)[0].type, self.beats, columns, parts[0], *parts[1:])

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        """With multiplications, or by the graph of adders, where nothing looks at the weights."""
        made = streams[self.outputs[0]]
        vectors = frames[0].astype(object).reshape(self.beats * self.positions, self.groups, 1, self.cols)
        if self.adders is None:
            result = self._summed(vectors * self.weight.astype(object), self.bias, self.shift, streams)
            return [result.reshape(made.beats, made.lanes)]
        sums = [
            [graph.evaluate(part[0].tolist()) for graph, part in zip(self.adders.graphs, vector, strict=True)]
            for vector in vectors
        ]
        assert self.shift is None
        result = self._summed(np.asarray(sums, dtype=object)[..., None], self.bias, None, streams)
        return [result.reshape(made.beats, made.lanes)]


def _bill(bill: Bill, kernel: UnrolledMatVec, inputs: IntArray, positions: int, streams: Streams) -> None:
    """So many positions. inputs: (positions * G * K,) which input each element is, -1: zero."""
    if kernel.pipelined is None:
        _bill_multiplied(bill, kernel, inputs, positions, streams)
    else:
        _bill_adders(bill, kernel, kernel.pipelined, inputs.reshape(positions, -1), streams)


def _bill_adders(
    bill: Bill, kernel: UnrolledMatVec, one: Pipelined, inputs: IntArray, streams: Streams
) -> None:
    """The adders, the constants among them, their registers, and the casts."""
    stream = kernel.ends(streams)[1]
    made = stream.type
    read = _rows_read(kernel, stream, len(inputs))
    zero = _always_zero(kernel, one, made)
    each, varies = read.reshape(-1, len(zero)), (kernel.weight != 0).any(axis=-1).reshape(-1)
    bill.settled += made.width * int(np.count_nonzero(each & ~varies))
    bill.ff += made.width * int(np.count_nonzero(each & varies & zero))  # their registers' reset never ends
    read &= np.tile(~zero, len(inputs))
    left = left_of(one, inputs.tolist(), read.reshape(len(inputs), -1).tolist())
    bill.add(Term.GRAPH, left.adder_luts)
    bill.ff += left.flip_flops
    kind = replace(made, rounding=Rounding.TRN) if one.end.half else made
    for total in left.sums:
        bits, signed = bits_for(total.interval)
        width = min(bits + (not signed), one.end.width)  # of copies of its sign above, synthesis knows
        sums = FixedType(width, width - kernel.accumulator_type.fraction)
        epilogue = kernel.epilogue.of_lanes([total.row])
        if epilogue.slopes and not signed:
            epilogue = Epilogue()  # nothing is negative
        bits = result_bits(sums, kind, epilogue, total.low)
        bill.ff += (one.registers - one.rows[total.row % len(one.rows)]) * bits
        bill.settled += made.width - bits
        finished(bill, sums, kind, epilogue, 1, in_luts=kernel.in_luts, low=total.low)


def _always_zero(kernel: UnrolledMatVec, one: Pipelined, made: FixedType) -> npt.NDArray[np.bool_]:
    """Rows whose sums are all negative, and become 0, where there is no register that hides it."""
    seen, graph = _zeroed(kernel, made) and one.registers == 1 and not kernel.epilogue.slopes, one.graph
    return np.array([seen and term is not None and sum_of(graph, term).hi < 0 for term in graph.outputs])


def _zeroed(kernel: UnrolledMatVec, made: FixedType) -> bool:
    """Whether what is negative becomes 0."""
    return kernel.epilogue.low == 0 or (made.overflow is not Overflow.WRAP and not made.signed)


def _rows_read(kernel: UnrolledMatVec, made: Stream, positions: int) -> npt.NDArray[np.bool_]:
    """Which results are read: of each position, or of any where they are alike."""
    read = np.zeros(positions * kernel.groups * kernel.rows, dtype=bool)
    read[np.asarray(made.read, dtype=np.int64)[: len(read)]] = True
    return read


def _bill_multiplied(
    bill: Bill, kernel: UnrolledMatVec, inputs: IntArray, positions: int, streams: Streams
) -> None:
    """hpq_unrolled of so many positions. inputs: as of ``_bill``."""
    given, made = kernel.ends(streams)
    shape = (positions, kernel.groups, kernel.rows, kernel.cols)
    columns = np.broadcast_to(inputs.reshape(positions, kernel.groups, 1, kernel.cols), shape)
    read = _rows_read(kernel, made, positions).reshape(positions, kernel.groups, kernel.rows, 1)
    weights = np.where(read & (columns >= 0), kernel.weight, 0)
    each = (columns.reshape(-1, kernel.cols), weights.reshape(-1, kernel.cols))
    accumulator = kernel.accumulator_type
    types = given.type, kernel.weight_type
    digits, stages = kernel.digits(given.type), kernel.stages(given.type)
    how = Products(digits, stages, kernel.every, kernel.in_luts)
    sums = constant_dots(bill, *each, types, accumulator.width, how)
    rows = kernel.groups * kernel.rows
    biases = [0] * rows if kernel.bias is None else kernel.bias.reshape(-1).tolist()
    shifts = [0] * rows if kernel.shift is None else kernel.shift.reshape(-1).tolist()
    align, epilogue = kernel.product_shift(given.type), kernel.epilogue
    for number, total in enumerate(sums):
        if total is None:
            bill.settled += made.type.width * bool(read.reshape(-1)[number])
            continue
        row = number % rows
        accumulated = total.shifted(align + shifts[row], negative=total.negative)
        bias = biases[row] << kernel.bias_shift
        _bill_row(bill, kernel, accumulated, bias, made.type, epilogue.of_lanes([number]))


def _bill_row(
    bill: Bill, kernel: UnrolledMatVec, total: Wires, bias: int, made: FixedType, epilogue: Epilogue
) -> None:
    """The accumulator of a row, what it is cast with, and the result."""
    accumulator, stages = kernel.accumulator_type, kernel.ending(made)
    unread, delayed, unseen = unread_bits(accumulator, made, epilogue), total.delayed, 0
    copied = not bias and not total.negative
    if kernel.cols > 1:  # of the sum in front of the bias too, where nothing is added that carries
        silent = min(unread, (bias & -bias).bit_length() - 1) if bias else 0 if total.negative else unread
        unseen = min(max(silent - total.low, 0), total.bits)
        bill.ff -= unseen * max(delayed, 1)
    left = total.bits - unseen
    if bias:
        total = with_constant(bill, total, bias, accumulator.width)
    elif total.negative:
        bill.add(Term.NEGATE, total.bits)
        total = replace(total, signed=True, negative=False)
    high = min(total.high, accumulator.width)
    if stages.front:
        bill.ff += max(high - max(total.low, unread), 0)
    width = max(min(high + (0 if total.signed else 1), accumulator.width) - total.low, 1)
    sums = FixedType(width, width - accumulator.fraction + total.low)
    ranged = epilogue.above(total.low)
    ending = Bill(bill.family)
    finished(ending, sums, made, ranged, 1, in_luts=kernel.in_luts, stages=stages)
    bits = result_bits(sums, made, ranged)
    bill.ff += bits
    bill.settled += made.width - bits
    delayed += stages.front and copied
    if copied and not ending.row.any() and not (total.signed and _zeroed(kernel, made)):
        as_shift_register(bill, delayed + 1, bits)
    else:
        as_shift_register(bill, delayed, left)
    bill.take(ending)
