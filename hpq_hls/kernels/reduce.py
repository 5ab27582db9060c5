"""Many elements become one: sum, mean, largest, smallest, or where the largest or smallest is."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import (
    around_product,
    comparators,
    constant_product,
    dsp_blocks,
    finished,
    result_bits,
    tree,
    unread_bits,
)
from hpq_hls.billing.counters import count_bits
from hpq_hls.billing.memories import dual_port_ram
from hpq_hls.billing.products import digits_of, most_shifted, signed_width
from hpq_hls.billing.stages import (
    CastStages,
    Scaling,
    cast_stages,
    compared_between,
    comparison,
    levels_between,
    scaling,
    tree_registers,
    tree_time,
)
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels.base import FABRIC_REMARK, Frame, Kernel, Streams, Table
from hpq_hls.kernels.contract import Contract, StageKind, pipeline
from hpq_hls.kernels.meaning import finish, slope_table
from hpq_hls.kernels.nature import Nature, Sums, evenly


class Reduction(enum.Enum):
    """What becomes of the elements; the value is the name in the RTL."""

    SUM = "SUM"
    MAX = "MAX"
    MIN = "MIN"
    ARGMAX = "ARGMAX"
    ARGMIN = "ARGMIN"


@dataclass(frozen=True, eq=False)
class Reduce(Kernel):
    """Reduces elements that come one after the other, side by side, or both.

    An input beat carries ``positions * taps * lanes`` elements, element ``(p * taps + t) * lanes + l``; beats
    come in order (outer, step, chunk), ``chunks`` of them in each of ``steps`` steps. Reduced are the taps
    and steps: ``length = steps * taps`` elements, of number ``step * taps + t``. An output beat carries
    ``positions * lanes`` elements, element ``p * lanes + l``, beats in order (outer, chunk): they leave with
    the last step. More than one step goes with one position, more than one chunk with one tap.

    SUM: ``cast(epilogue(reciprocal * sum))`` with the unsigned constant ``reciprocal`` of
    ``reciprocal_type``: 1 for a sum, and, with a shift in its type, for the mean of a power of two.
    MAX, MIN: the raw value; input and output types have the same width, fraction and sign.
    ARGMAX, ARGMIN: the number of the first of the largest or smallest, an unsigned integer.
    in_luts: products by the reciprocal are built in LUTs whatever their widths, never in DSP blocks.
    """

    kind: ClassVar[str] = "reduce"
    header: ClassVar[str] = "reduce"
    by_types: ClassVar[bool] = False
    per_beat: ClassVar[bool] = True

    mode: Reduction
    positions: int
    taps: int
    lanes: int
    steps: int
    chunks: int
    epilogue: Epilogue
    reciprocal: int = 1
    reciprocal_type: FixedType | None = None
    accumulator_type: FixedType | None = None
    in_luts: bool = field(default=False, kw_only=True)

    @property
    def length(self) -> int:
        """Elements that become one."""
        return self.steps * self.taps

    @property
    def results(self) -> int:
        """Elements of an output beat."""
        return self.positions * self.lanes

    @property
    def sums(self) -> bool:
        """Whether it adds; else it compares."""
        return self.mode is Reduction.SUM

    @property
    def index_width(self) -> int:
        """Bits of the number of an element, 0 where nobody asks for it."""
        if self.mode in (Reduction.ARGMAX, Reduction.ARGMIN):
            return max(count_bits(self.length), 1)
        return 0

    @property
    def multipliers(self) -> int:
        return self.results if self.reciprocal != 1 else 0

    def every(self, x: FixedType) -> int:
        """Levels of its trees between registers."""
        width = self.stored_width(x)
        if not self.sums:
            return compared_between(self.pace, width)
        sums = self.accumulator_type
        assert sums is not None
        return levels_between(self.pace, max(width, sums.width))

    def built_in_luts(self, x: FixedType) -> bool:
        """Whether products are built in LUTs without leaving that to synthesis: always, or where shifted
        copies of the sum, added up, are cheaper than a DSP block."""
        total = signed_width(self.total_type(x))
        return self.multipliers > 0 and (self.in_luts or digits_of(self.reciprocal) <= most_shifted(total))

    def stages(self, x: FixedType) -> int:
        """Registers of the product by the reciprocal."""
        return self._scaling(x).registers if self.reciprocal != 1 else 0

    def _scaling(self, x: FixedType) -> Scaling:
        sums = self.accumulator_type
        assert sums is not None
        return scaling(self.pace, self.reciprocal, sums.width, soft=self.built_in_luts(x))

    def ending(self, made: FixedType) -> CastStages:
        """The registers behind the product by the reciprocal, in the cast."""
        sums = self.accumulator_type
        assert sums is not None
        return cast_stages(self.pace, 0, sums, made, self.epilogue, fixed=True)

    def latency(self, streams: Streams) -> int:
        given, made = self.ends(streams)
        stored = 0 if self.steps == 1 else 1 if self.chunks == 1 else 2
        after = int(self.steps == 1)
        if self.sums:
            after = 1 + self.stages(given.type) + self.ending(made.type).inside
        return tree_registers(self.taps, self.every(given.type)) + stored + after

    def critical(self, streams: Streams) -> int:
        given, made = self.ends(streams)
        delays, width = self.pace.delays, self.stored_width(given.type)
        level = delays.adder(width) if self.sums else comparison(delays, width)
        times = [delays.control, tree_time(self.taps, self.every(given.type), level)]
        if self.steps > 1:
            times.append(level)
        if self.sums:
            times += [self._scaling(given.type).time, self.ending(made.type).time]
        return max(times)

    def contract(self, streams: Streams) -> Contract:
        registers = self.latency(streams)
        if self.steps == 1:
            return pipeline(registers)
        return Contract(
            StageKind.REDUCE, (registers, self.steps * self.chunks, (self.steps - 1) * self.chunks)
        )

    def in_fabric(self) -> Kernel:
        return replace(self, in_luts=True) if self.multipliers else self

    def nominal(self, accumulator: FixedType) -> Kernel:
        return self if self.accumulator_type is None else replace(self, accumulator_type=accumulator)

    def stored_width(self, x: FixedType) -> int:
        """Bits of an element that is kept from step to step."""
        if not self.sums:
            return x.width + self.index_width
        return x.width + (0 if x.signed else 1) + count_bits(self.length)

    # ------------------------------------------------------------------ resources

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = streams[self.inputs[0]], streams[self.outputs[0]]
        width, stored = given.type.width, self.stored_width(given.type)
        if self.sums:
            tree(bill, self.taps, width, stored, 0, self.results, every=self.every(given.type))
        else:
            every = self.every(given.type)
            comparators(bill, self.taps, width + self.index_width, self.results, every)
        if self.steps > 1:
            self._bill_steps(bill, given.type, stored)
        if self.sums:
            self._bill_result(bill, given.type, made.type, stored - (0 if given.type.signed else 1))
        elif self.steps == 1:
            bill.ff += made.bits

    def _bill_steps(self, bill: Bill, x: FixedType, stored: int) -> None:
        bits = self.lanes * stored
        counters = count_bits(self.steps) + count_bits(self.chunks) + self.index_width
        bill.add(Term.ACCUMULATE if self.sums else Term.COMPARE, bits)
        bill.ff += (
            bits + counters + 2 * tree_registers(self.taps, self.every(x))
        )  # with what beats in the tree do
        if self.chunks > 1:
            operand = x.width + count_bits(self.taps) if self.sums else stored
            bill.ff += self.lanes * operand + count_bits(self.chunks) + 2  # and where they belong
            dual_port_ram(bill, self.chunks, bits)
        bill.add(Term.COUNTER, counters)

    def _bill_result(self, bill: Bill, x: FixedType, made: FixedType, total: int) -> None:
        accumulator = self.accumulator_type
        assert accumulator is not None
        if self.reciprocal != 1:
            constant = self.reciprocal.bit_length() + 1
            left = total + (0 if x.signed else 1)
            shifted = self.built_in_luts(x)
            bill.multiply(left, constant, self.results, in_luts=self.in_luts, bound=shifted)
            if shifted:
                registers, every = self.stages(x), self.every(x)
                constant_product(bill, left, self.reciprocal, registers, every, self.results)
                if registers:  # nobody reads the lowest bits of the last
                    bill.ff -= self.results * unread_bits(accumulator, made, self.epilogue)
            else:
                bill.dsp += self.results * dsp_blocks(left, constant, bill.family)
                unread = unread_bits(accumulator, made, self.epilogue)
                held = self.lanes * left if self.steps > 1 else self.results * total
                around_product(bill, held, self.stages(x), accumulator.width, unread, self.results)
        bill.ff += self.results * result_bits(accumulator, made, self.epilogue)
        epilogue = self.epilogue if x.signed else Epilogue()
        stages = self.ending(made)
        finished(bill, accumulator, made, epilogue, self.results, in_luts=self.in_luts, stages=stages)

    # ------------------------------------------------------------------ backends

    def total_type(self, x: FixedType) -> FixedType:
        """The type of a sum of elements of a type, exact."""
        growth = count_bits(self.length)
        return FixedType(x.width + growth, x.integer + growth, x.signed)

    def tables(self) -> Mapping[str, Table]:
        return slope_table(self.epilogue)

    def summary(self, streams: Streams) -> str:
        what = {Reduction.SUM: "sum" if self.reciprocal_type is None else "mean"}.get(
            self.mode, self.mode.value.lower()
        )
        text = f"{what} of {self.length} elements, {self.results} at a time"
        return text + str(self.epilogue)

    def remarks(self, streams: Streams) -> Sequence[str]:
        return (FABRIC_REMARK,) if self.multipliers and self.in_luts else ()

    # ------------------------------------------------------------------ meaning

    @property
    def nature(self) -> Nature:
        return Nature.SUMS if self.sums else Nature.COMPARES

    @property
    def finishes(self) -> tuple[FixedType, Epilogue]:
        assert self.accumulator_type is not None
        return self.accumulator_type, self.epilogue

    def exact_sums(self, streams: Streams) -> Sums:
        assert self.accumulator_type is not None
        shape = (self.steps, self.chunks, self.positions, self.taps, self.lanes)
        places = np.arange(math.prod(shape)).reshape(shape).transpose(1, 2, 4, 0, 3)
        blocks = self.ends(streams)[0].elements // places.size
        return evenly(blocks, self.reciprocal, places.reshape(-1, self.length), self.accumulator_type)

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        x, made = streams[self.inputs[0]].type, streams[self.outputs[0]]
        shape = (-1, self.steps, self.chunks, self.positions, self.taps, self.lanes)
        elements = frames[0].astype(object).reshape(shape).transpose(0, 2, 3, 5, 1, 4)
        rows = elements.reshape(*elements.shape[:4], self.length)
        if self.index_width:
            best = np.argmax if self.mode is Reduction.ARGMAX else np.argmin
            found = np.asarray(best(rows, axis=-1))
        elif self.sums:
            fraction = x.fraction + (0 if self.reciprocal_type is None else self.reciprocal_type.fraction)
            total = rows.sum(axis=-1) * self.reciprocal
            found = finish(
                total, fraction, made.type, epilogue=self.epilogue, accumulator=self.accumulator_type
            )
        else:
            found = rows.max(axis=-1) if self.mode is Reduction.MAX else rows.min(axis=-1)
        return [found.astype(np.int64).reshape(made.beats, made.lanes)]
