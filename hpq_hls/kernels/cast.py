"""A change of type, of values that are brought into a range first or not (hpq_castunit)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hpq_hls.billing.bill import Bill
from hpq_hls.billing.blocks import finished, result_bits
from hpq_hls.billing.stages import CastStages, cast_stages
from hpq_hls.fixed import Epilogue, FixedType, Interval, bits_for
from hpq_hls.kernels.base import Frame, Kernel, Streams, Table
from hpq_hls.kernels.meaning import finish, slope_table
from hpq_hls.kernels.nature import Nature


@dataclass(frozen=True, eq=False)
class Cast(Kernel):
    """Element-wise ``y = cast(epilogue(x))``: an activation that stands alone, or a change of type."""

    kind: ClassVar[str] = "cast"
    header: ClassVar[str] = "elementwise"
    per_beat: ClassVar[bool] = True

    epilogue: Epilogue

    @property
    def nature(self) -> Nature:
        return Nature.PLACEWISE if len(self.epilogue.slopes) > 1 else Nature.ELEMENTWISE

    def accumulator(self, x: FixedType) -> FixedType:
        """The least signed type, or ``x`` itself, that holds elements of type ``x`` and the bounds."""
        held = x.code_interval.hull(Interval(-1, 0))
        for bound in (self.epilogue.low, self.epilogue.high):
            held = held if bound is None else held.hull(Interval(bound, bound))
        width, _ = bits_for(held)
        return FixedType(width, width - x.fraction)

    @property
    def in_step(self) -> bool:
        return self.epilogue.is_same_for_all_beats

    def ending(self, x: FixedType, made: FixedType) -> CastStages:
        """The registers in the cast."""
        return cast_stages(self.pace, 0, self.accumulator(x), made, self.epilogue)

    def latency(self, streams: Streams) -> int:
        """The result is a register more."""
        given, made = self.ends(streams)
        return self.ending(given.type, made.type).inside + 1

    def critical(self, streams: Streams) -> int:
        given, made = self.ends(streams)
        return max(self.pace.delays.control, self.ending(given.type, made.type).time)

    def tables(self) -> Mapping[str, Table]:
        return slope_table(self.epilogue)

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        return [streams[self.outputs[0]].unread] * len(self.inputs)

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = self.ends(streams)
        sums = self.accumulator(given.type) if self.epilogue.slopes else given.type
        stages = self.ending(given.type, made.type)
        finished(bill, sums, made.type, self.epilogue, len(made.read), stages=stages)
        bill.ff += len(made.read) * result_bits(sums, made.type, self.epilogue)

    def summary(self, streams: Streams) -> str:
        return f"cast to {streams[self.outputs[0]].type}" + str(self.epilogue)

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        given, made = self.ends(streams)
        return [finish(frames[0].astype(object), given.type.fraction, made.type, epilogue=self.epilogue)]
