"""A change of type, of values that are brought into a range first or not (hpq_castunit)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import cast
from hpq_hls.fixed import Clip, FixedType, Interval, bits_for
from hpq_hls.kernels.base import Frame, Kernel, Streams
from hpq_hls.kernels.meaning import finish
from hpq_hls.kernels.nature import Nature


@dataclass(frozen=True, eq=False)
class Cast(Kernel):
    """Element-wise ``y = cast(clip(x))``: a ReLU or clamp that stands alone, or a change of type."""

    kind: ClassVar[str] = "cast"
    header: ClassVar[str] = "elementwise"
    per_beat: ClassVar[bool] = True

    clip: Clip

    @property
    def nature(self) -> Nature:
        return Nature.ELEMENTWISE

    def accumulator(self, x: FixedType) -> FixedType:
        """The least signed type, or ``x`` itself, that holds elements of type ``x`` and the bounds."""
        held = x.code_interval.hull(Interval(-1, 0))
        for bound in (self.clip.low, self.clip.high):
            held = held if bound is None else held.hull(Interval(bound, bound))
        width, _ = bits_for(held)
        return FixedType(width, width - x.fraction)

    @property
    def registers(self) -> int:
        return 1

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = self.ends(streams)
        bill.add(Term.PIPELINE, 1)
        bill.ff += 1 + made.bits
        cast(bill, given.type, made.type, self.clip, made.lanes)

    def summary(self, streams: Streams) -> str:
        return f"cast to {streams[self.outputs[0]].type}" + str(self.clip)

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        given, made = self.ends(streams)
        return [finish(frames[0].astype(object), given.type.fraction, made.type, clip=self.clip)]
