"""Two streams become one, element by element: sum, difference, product, larger or smaller of two."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import dsp_blocks, finished, in_dsp
from hpq_hls.billing.products import signed_width, soft_product
from hpq_hls.billing.stages import CastStages, cast_stages, comparison, product_stages, product_time
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels.base import FABRIC_REMARK, Frame, Kernel, Streams, Table
from hpq_hls.kernels.meaning import finish, slope_table
from hpq_hls.kernels.nature import Nature, Sums


class Combination(enum.Enum):
    """What becomes of two elements; the value is the name in both backends, and numpy's."""

    ADD = "add"
    SUB = "subtract"
    MUL = "multiply"
    MAX = "maximum"
    MIN = "minimum"

    @property
    def exact(self) -> np.ufunc:
        """What it does with two aligned numbers."""
        ufunc: np.ufunc = getattr(np, self.value)
        return ufunc


@dataclass(frozen=True, eq=False)
class Combine(Kernel):
    """``y = cast(epilogue(a op b))`` of two streams of equal lanes.

    A product has the fractions of both together; everything else is exact at the finer of the two.
    in_luts: products are built in LUTs whatever their widths, never in DSP blocks.
    """

    kind: ClassVar[str] = "combine"
    header: ClassVar[str] = "elementwise"
    by_types: ClassVar[bool] = False
    per_beat: ClassVar[bool] = True

    operation: Combination
    accumulator_type: FixedType
    epilogue: Epilogue
    in_luts: bool = field(default=False, kw_only=True)

    @property
    def multiplies(self) -> bool:
        """Whether it makes products."""
        return self.operation is Combination.MUL

    def stages(self, a: FixedType, b: FixedType) -> int:
        """Registers up to the exact result, those of the operands included."""
        return product_stages(self.pace, a, b, soft=self.soft(a, b)) if self.multiplies else 1

    def ending(self, made: FixedType) -> CastStages:
        """The registers in the cast."""
        return cast_stages(self.pace, 0, self.accumulator_type, made, self.epilogue, fixed=True)

    def latency(self, streams: Streams) -> int:
        """The result is a register more."""
        a, b = (streams[name].type for name in self.inputs)
        return self.stages(a, b) + self.ending(streams[self.outputs[0]].type).inside + 1

    def critical(self, streams: Streams) -> int:
        a, b = (streams[name].type for name in self.inputs)
        delays, width = self.pace.delays, self.accumulator_type.width
        if self.multiplies:
            exact = product_time(delays, a, b, self.stages(a, b), soft=self.soft(a, b))
        elif self.operation in (Combination.MAX, Combination.MIN):
            exact = comparison(delays, width)
        else:
            exact = delays.adder(width)
        return max(delays.control, exact, self.ending(streams[self.outputs[0]].type).time)

    def soft(self, a: FixedType, b: FixedType) -> bool:
        """Whether products of these types are hpq_product."""
        return self.multiplies and (self.in_luts or not in_dsp(signed_width(a), signed_width(b)))

    def tables(self) -> Mapping[str, Table]:
        return slope_table(self.epilogue)

    def in_fabric(self) -> Kernel:
        return replace(self, in_luts=True) if self.multiplies else self

    def nominal(self, accumulator: FixedType) -> Kernel:
        return replace(self, accumulator_type=accumulator)

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        return [streams[self.outputs[0]].unread] * len(self.inputs)

    def bill(self, bill: Bill, streams: Streams) -> None:
        a, b = (streams[name].type for name in self.inputs)
        made, width = streams[self.outputs[0]], self.accumulator_type.width
        lanes = len(made.read)
        bill.ff += lanes * made.type.width
        if self.multiplies:
            self._bill_products(bill, a, b, lanes, [streams[name].different_bits for name in self.inputs])
        else:
            larger = self.operation in (Combination.MAX, Combination.MIN)
            bill.add(Term.COMPARE if larger else Term.ADD2, lanes * width)
            bill.ff += lanes * width
        sums, stages = self.accumulator_type, self.ending(made.type)
        finished(bill, sums, made.type, self.epilogue, lanes, in_luts=self.in_luts, stages=stages)

    def _bill_products(
        self, bill: Bill, a: FixedType, b: FixedType, lanes: int, different: Sequence[int]
    ) -> None:
        """different: bits of each operand that do not equal others."""
        bill.multiply(signed_width(a), signed_width(b), lanes, in_luts=self.in_luts)
        if self.soft(a, b):
            product = soft_product(a, b, self.stages(a, b))
            bill.ff += lanes * (product.x_ff + product.ff)
            bill.add(Term.PRODUCT, lanes * product.lut)
            return
        width = signed_width(a) + signed_width(b)
        blocks = dsp_blocks(signed_width(a), signed_width(b), bill.family)
        bill.dsp += lanes * blocks
        if blocks > 1:
            bill.add(Term.ADD2, lanes * width)
            bill.ff += lanes * width
        elif not bill.family.absorbs:
            bill.ff += lanes * width + sum(different)

    def summary(self, streams: Streams) -> str:
        text = f"{self.operation.value} two streams, {streams[self.outputs[0]].lanes} elements at a time"
        return text + str(self.epilogue)

    def remarks(self, streams: Streams) -> Sequence[str]:
        return (FABRIC_REMARK,) if self.multiplies and self.in_luts else ()

    @property
    def nature(self) -> Nature:
        if self.multiplies:
            return Nature.PRODUCTS
        compares = self.operation in (Combination.MAX, Combination.MIN)
        return Nature.COMPARES if compares else Nature.SUMS

    @property
    def finishes(self) -> tuple[FixedType, Epilogue]:
        return self.accumulator_type, self.epilogue

    def exact_sums(self, streams: Streams) -> Sums:
        """A beat is a block, because each lane has hardware of its own."""
        a, b = (streams[name].type.fraction for name in self.inputs)
        made, fraction = streams[self.outputs[0]], max(a, b)
        second = -1 if self.operation is Combination.SUB else 1
        each = np.array([1 << fraction - a, second << fraction - b], dtype=object)
        columns = np.arange(2 * made.lanes).reshape(2, made.lanes).T
        weight = np.broadcast_to(each, (made.lanes, 1, 2))
        nothing, rows = np.zeros((made.lanes, 1), dtype=np.int64), np.arange(made.lanes)[:, None]
        return Sums(made.beats, weight, nothing, columns, rows, self.accumulator_type)

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        a, b = (streams[name].type for name in self.inputs)
        fraction = a.fraction + b.fraction if self.multiplies else max(a.fraction, b.fraction)
        aligned = [
            frame.astype(object) * (1 if self.multiplies else 1 << (fraction - kind.fraction))
            for frame, kind in zip(frames, (a, b), strict=True)
        ]
        total, made = self.operation.exact(*aligned), streams[self.outputs[0]].type
        return [finish(total, fraction, made, epilogue=self.epilogue, accumulator=self.accumulator_type)]
