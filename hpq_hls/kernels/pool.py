"""Maximum or average of the taps of a window (hpq_maxpool, hpq_avgpool)."""

from __future__ import annotations

import enum
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill
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
from hpq_hls.kernels.base import FABRIC_REMARK, Frame, Kernel, Stream, Streams, Table
from hpq_hls.kernels.meaning import finish, slope_table
from hpq_hls.kernels.nature import Nature, Sums, evenly


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
    AVERAGE: ``cast(epilogue(reciprocal * sum_t x[t, l]))`` with the unsigned constant ``reciprocal`` of
    ``reciprocal_type``; a power-of-two window has reciprocal 1 and a shift in its type.
    in_luts: as of ``Weighted``, for the products by the reciprocal.
    """

    kind: ClassVar[str] = "pool"
    header: ClassVar[str] = "pool"
    per_beat: ClassVar[bool] = True
    by_types: ClassVar[bool] = False

    mode: PoolMode
    positions: int
    taps: int
    lanes: int
    reciprocal: int
    reciprocal_type: FixedType | None
    accumulator_type: FixedType | None
    epilogue: Epilogue
    in_luts: bool = field(default=False, kw_only=True)

    @property
    def multipliers(self) -> int:
        return self.positions * self.lanes if self.mode is PoolMode.AVERAGE and self.reciprocal != 1 else 0

    @property
    def in_step(self) -> bool:
        return self.epilogue.is_same_for_all_beats

    def every(self, x: FixedType) -> int:
        """Levels of its trees between registers."""
        if self.mode is PoolMode.MAX:
            return compared_between(self.pace, x.width)
        sums = self.accumulator_type
        assert sums is not None
        return levels_between(self.pace, max(self.sum_type(x).width, sums.width))

    def ending(self, x: FixedType, made: FixedType) -> CastStages:
        """The registers behind the sum, of an average."""
        sums = self.accumulator_type
        assert sums is not None
        product = self._scaling(x)
        return cast_stages(self.pace, product.time, sums, made, self.epilogue, fixed=not product.whole)

    def stages(self, x: FixedType, made: FixedType) -> int:
        """Registers of the product by the reciprocal, the one behind it included if there is one."""
        return self._scaling(x).registers if self.ending(x, made).front else 0

    def _scaling(self, x: FixedType) -> Scaling:
        sums = self.accumulator_type
        assert sums is not None
        return scaling(self.pace, self.reciprocal, sums.width, soft=self._scaled_in_luts(x))

    def _scaled_in_luts(self, x: FixedType) -> bool:
        """Whether that is shifted copies of the sum, added up: always, or where that is cheaper."""
        return self.in_luts or digits_of(self.reciprocal) <= most_shifted(signed_width(self.sum_type(x)))

    def latency(self, streams: Streams) -> int:
        """A result is a register more, but for the last of a tree of comparators."""
        given, made = self.ends(streams)
        tree = tree_registers(self.taps, self.every(given.type))
        if self.mode is PoolMode.MAX:
            return max(tree, 1)
        stages = self.ending(given.type, made.type)
        return tree + self.stages(given.type, made.type) + stages.inside + 1

    def critical(self, streams: Streams) -> int:
        given, made = self.ends(streams)
        delays, every = self.pace.delays, self.every(given.type)
        if self.mode is PoolMode.MAX:
            return max(delays.control, tree_time(self.taps, every, comparison(delays, given.type.width)))
        level = delays.adder(self.sum_type(given.type).width)
        tree = tree_time(self.taps, every, level)
        return max(delays.control, tree, self.ending(given.type, made.type).time)

    def built_in_luts(self, x: FixedType) -> bool:
        """Whether products are built in LUTs without leaving that to synthesis."""
        return self.multipliers > 0 and self._scaled_in_luts(x)

    def sum_type(self, x: FixedType) -> FixedType:
        """The exact type of the sum of all taps of type ``x``."""
        growth = (self.taps - 1).bit_length()
        return FixedType(x.width + growth, x.integer + growth, x.signed)

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        given, made = self.ends(streams)
        places = np.arange(given.lanes).reshape(self.positions, self.taps, self.lanes)
        dropped = [divmod(element, self.lanes) for element in made.unread]
        return [[place for position, lane in dropped for place in places[position, :, lane].tolist()]]

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = self.ends(streams)
        results = len(made.read)
        if self.mode is PoolMode.MAX:
            comparators(bill, self.taps, given.type.width, results, self.every(given.type))
            bill.ff += results * made.type.width if self.taps == 1 else 0
        else:
            self._bill_average(bill, given, made, results)

    def _bill_average(self, bill: Bill, given: Stream, made: Stream, results: int) -> None:
        accumulator = self.accumulator_type
        assert accumulator is not None
        width = given.type.width
        total = width + count_bits(self.taps)
        tree(bill, self.taps, width, total, 0, results, every=self.every(given.type))
        stages = self.ending(given.type, made.type)
        if self.reciprocal == 1:
            unread = unread_bits(accumulator, made.type, self.epilogue)
            bill.ff += results * (total * stages.front - unread * (1 + stages.front))
        else:
            constant = self.reciprocal.bit_length() + 1
            left = total + (0 if given.type.signed else 1)
            shifted = self._scaled_in_luts(given.type)
            bill.multiply(left, constant, results, in_luts=self.in_luts, bound=shifted)
            registers = self.stages(given.type, made.type)
            if shifted:
                every = self.every(given.type)
                constant_product(bill, left, self.reciprocal, registers, every, results)
            else:
                bill.dsp += results * dsp_blocks(left, constant, bill.family)
                unread = unread_bits(accumulator, made.type, self.epilogue)
                around_product(bill, results * total, registers, accumulator.width, unread, results)
        epilogue = self.epilogue if given.type.signed else Epilogue()
        finished(bill, accumulator, made.type, epilogue, results, in_luts=self.in_luts, stages=stages)
        bill.ff += results * result_bits(accumulator, made.type, self.epilogue)

    def tables(self) -> Mapping[str, Table]:
        return slope_table(self.epilogue)

    def in_fabric(self) -> Kernel:
        return replace(self, in_luts=True)

    def nominal(self, accumulator: FixedType) -> Kernel:
        return replace(self, accumulator_type=accumulator)

    def summary(self, streams: Streams) -> str:
        text = f"{self.mode.value} of {self.taps} taps, {self.ends(streams)[1].lanes} elements at a time"
        return text + str(self.epilogue)

    def remarks(self, streams: Streams) -> Sequence[str]:
        return (FABRIC_REMARK,) if self.multipliers and self.in_luts else ()

    @property
    def nature(self) -> Nature:
        return Nature.COMPARES if self.mode is PoolMode.MAX else Nature.SUMS

    @property
    def finishes(self) -> tuple[FixedType, Epilogue]:
        assert self.accumulator_type is not None
        return self.accumulator_type, self.epilogue

    def exact_sums(self, streams: Streams) -> Sums:
        """A beat is a block, because each result has hardware of its own."""
        assert self.accumulator_type is not None
        shape = (self.positions, self.taps, self.lanes)
        columns = np.arange(math.prod(shape)).reshape(shape).transpose(0, 2, 1).reshape(-1, self.taps)
        return evenly(self.ends(streams)[0].beats, self.reciprocal, columns, self.accumulator_type)

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        (x,), (given, made) = frames, self.ends(streams)
        split = x.reshape(len(x), self.positions, self.taps, self.lanes)
        if self.mode is PoolMode.MAX:
            return [split.max(axis=2).reshape(len(x), -1)]
        assert self.reciprocal_type is not None
        total = split.astype(object).sum(axis=2) * self.reciprocal
        fraction = given.type.fraction + self.reciprocal_type.fraction
        result = finish(total, fraction, made.type, epilogue=self.epilogue, accumulator=self.accumulator_type)
        return [result.reshape(len(x), -1)]
