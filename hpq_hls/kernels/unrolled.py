"""Matrix-vector products whose weights are constants in the logic (hpq_unrolled)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import DSP_MIN_OPERAND, DSP_MIN_PRODUCT, dsp_blocks, finished, in_dsp, tree
from hpq_hls.billing.delays import Pace
from hpq_hls.billing.products import constant_product, most_digits, signed_width
from hpq_hls.billing.stages import PLAIN_STAGES, tree_registers, tree_time
from hpq_hls.fixed import Epilogue, FixedType, Rounding
from hpq_hls.fixed.interval import bits_for
from hpq_hls.kernels.adder_graph import side_by_side
from hpq_hls.kernels.adder_pipeline import Adders, Pipelined, offsets_of, pipelined, sum_of
from hpq_hls.kernels.adder_view import AdderView, PipelineView, adder_view, pipeline_view
from hpq_hls.kernels.base import Frame, IntArray, Kernel, Module, Streams, Table
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
        """A product and a result are a register each."""
        if self.pipelined is not None:
            return self.pipelined.registers
        stages = self.ending(self.ends(streams)[1].type)
        return 2 + tree_registers(self.cols, self.every) + stages.front + stages.inside

    def critical(self, streams: Streams) -> int:
        delays = self.pace.delays
        if self.pipelined is not None:
            return max(delays.control, self.pipelined.critical)
        given, made = self.ends(streams)
        width = signed_width(given.type) + signed_width(self.weight_type)
        level = delays.adder(min(width + (self.cols - 1).bit_length(), self.accumulator_type.width))
        if not self.in_luts and in_dsp(signed_width(given.type), signed_width(self.weight_type)):
            product = delays.multiply(PLAIN_STAGES)
        else:
            product = (most_digits(self.weight) - 1) * delays.adder(width)
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
        """Synthesis merges equal products: one for each different weight that an input meets, be it in
        several positions. Powers of two are wires, zeros nothing at all."""
        given, made = self.ends(streams)
        accumulator = self.accumulator_type
        per_position = Bill(bill.family)
        rows = self.groups * self.rows
        if self.pipelined is not None:
            _bill_adders(
                per_position, self.pipelined, accumulator, made.type, self.epilogue, in_luts=self.in_luts
            )
        else:
            bill.ff += made.bits
            stages = self.ending(made.type)
            per_position.ff += rows * accumulator.width * stages.front
            if given.same_as:
                _multiplied(bill, self, _by_different_inputs(self, given.same_as), given.type)
            else:
                for matrix in self.weight:
                    _multiplied(per_position, self, matrix, given.type)
            if self.bias is not None:
                per_position.add(Term.BIAS, rows * accumulator.width)
            finished(
                per_position,
                accumulator,
                made.type,
                self.epilogue,
                rows,
                in_luts=self.in_luts,
                stages=stages,
            )
        for _ in range(self.positions):
            bill.take(per_position)

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


def _bill_adders(
    bill: Bill,
    one: Pipelined,
    accumulator: FixedType,
    made: FixedType,
    epilogue: Epilogue,
    *,
    in_luts: bool,
) -> None:
    """The adders of one position, the constants among them, their registers, and the casts."""
    graph = one.graph
    bill.add(Term.GRAPH, graph.adder_bits)
    bill.ff += one.flip_flops
    kind = replace(made, rounding=Rounding.TRN) if one.end.half else made
    for term in graph.outputs:
        width = accumulator.width
        if term is not None:
            bits, signed = bits_for(sum_of(graph, term))
            width = bits + (0 if signed else 1)
        sums = FixedType(width, width - accumulator.fraction)
        finished(bill, sums, kind, epilogue, 1, in_luts=in_luts)


def _by_different_inputs(kernel: UnrolledMatVec, same_as: tuple[int, ...]) -> IntArray:
    """The rows of all positions and groups as one matrix, whose columns are the inputs that differ."""
    _, column = np.unique(same_as, return_inverse=True)
    count, shape = int(column.max()) + 1, (kernel.positions, kernel.groups, kernel.rows)
    matrix = np.zeros((*shape, count), dtype=np.int64)
    columns = np.broadcast_to(
        column.reshape(kernel.positions, kernel.groups, 1, kernel.cols), (*shape, kernel.cols)
    )
    np.put_along_axis(matrix, columns, np.broadcast_to(kernel.weight, columns.shape), axis=3)
    return matrix.reshape(-1, count)


def _multiplied(bill: Bill, kernel: UnrolledMatVec, matrix: IntArray, given: FixedType) -> None:
    """hpq_constdot for every row of a (rows, columns) matrix."""
    operand = given.width + (0 if given.signed else 1)
    product = operand + kernel.weight_type.width + (0 if kernel.weight_type.signed else 1)
    users = _products(bill, matrix, operand, given.width, kernel.in_luts)
    for row, alone in zip(matrix, users, strict=True):
        _row(bill, row, product, alone, kernel)


def _row(bill: Bill, row: IntArray, product: int, alone: int, kernel: UnrolledMatVec) -> None:
    terms = int(np.count_nonzero(row))
    if terms:
        tree(bill, terms, product, kernel.accumulator_type.width, alone, every=kernel.every)


def _products(bill: Bill, matrix: IntArray, operand: int, width: int, in_luts: bool) -> list[int]:
    """The products of a (rows, columns) matrix; returns for each row those in DSP blocks of its own."""
    own = [0] * matrix.shape[0]
    for column in matrix.T:
        values, first, counts = np.unique(column, return_index=True, return_counts=True)
        for value, row, count in zip(values.tolist(), first.tolist(), counts.tolist(), strict=True):
            if value == 0:
                continue
            bits = value.bit_length() + 1 if value > 0 else (value + 1).bit_length() + 1
            magnitude = abs(value)
            if magnitude & (magnitude - 1) == 0:
                bill.ff += width if value > 0 else operand
                if value < 0:
                    bill.add(Term.NEGATE, width)
                continue
            bill.multiply(operand, bits, 1, in_luts=in_luts)
            if in_luts:
                bill.ff += operand + bits - 1
                bill.add(Term.CONSTANT, constant_product(width, operand == width, value))
            elif bits >= DSP_MIN_OPERAND and operand + bits >= DSP_MIN_PRODUCT:
                bill.dsp += dsp_blocks(operand, bits, bill.family)
                own[row] += count == 1
            else:
                bill.ff += operand + bits - 1
                bill.add(Term.CONSTANT, width * (magnitude.bit_count() - 1) + (width if value < 0 else 0))
    return own
