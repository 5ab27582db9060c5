"""The sum of two streams (hpq_add)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import cast
from hpq_hls.fixed import Clip, FixedType
from hpq_hls.kernels.base import Frame, Kernel, Streams
from hpq_hls.kernels.meaning import finish


@dataclass(frozen=True, eq=False)
class Add(Kernel):
    """Element-wise sum of two streams of equal lanes: ``y = cast(clip(a + b))``, exact at the finer
    of the two fractions before the cast."""

    kind: ClassVar[str] = "add"
    header: ClassVar[str] = "elementwise"
    per_beat: ClassVar[bool] = True
    by_types: ClassVar[bool] = False

    accumulator_type: FixedType
    clip: Clip

    @property
    def registers(self) -> int:
        return 2

    def bill(self, bill: Bill, streams: Streams) -> None:
        made, width = streams[self.outputs[0]], self.accumulator_type.width
        bill.add(Term.PIPELINE, 1)
        bill.add(Term.ADD2, made.lanes * width)
        bill.ff += 2 + made.lanes * width + made.bits
        cast(bill, self.accumulator_type, made.type, self.clip, made.lanes)

    def nominal(self, accumulator: FixedType) -> Kernel:
        return replace(self, accumulator_type=accumulator)

    def summary(self, streams: Streams) -> str:
        text = f"sum of two streams, {streams[self.outputs[0]].lanes} elements at a time"
        return text + str(self.clip)

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        types = [streams[name].type for name in self.inputs]
        fraction = max(kind.fraction for kind in types)
        left, right = (
            frame.astype(object) * (1 << (fraction - kind.fraction))
            for frame, kind in zip(frames, types, strict=True)
        )
        made = streams[self.outputs[0]].type
        return [finish(left + right, fraction, made, clip=self.clip, accumulator=self.accumulator_type)]
