"""A change of type, with or without a ReLU (hpq_castunit)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import cast
from hpq_hls.kernels.base import Frame, Kernel, Streams
from hpq_hls.kernels.meaning import finish


@dataclass(frozen=True, eq=False)
class Cast(Kernel):
    """Element-wise ``y = cast(relu(x))``: a ReLU that stands alone, or a change of type."""

    kind: ClassVar[str] = "cast"
    header: ClassVar[str] = "elementwise"
    per_beat: ClassVar[bool] = True

    relu: bool

    @property
    def registers(self) -> int:
        return 1

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = self.ends(streams)
        bill.add(Term.PIPELINE, 1)
        bill.ff += 1 + made.bits
        cast(bill, given.type, made.type, self.relu, made.lanes)

    def summary(self, streams: Streams) -> str:
        return f"cast to {streams[self.outputs[0]].type}" + (", ReLU" if self.relu else "")

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        given, made = self.ends(streams)
        return [finish(frames[0].astype(object), given.type.fraction, made.type, relu=self.relu)]
