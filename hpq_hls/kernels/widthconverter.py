"""Beats of another size (hpq_widthconverter)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.kernels.base import Frame, Kernel, Streams
from hpq_hls.kernels.contract import Contract, StageKind
from hpq_hls.kernels.nature import Nature


@dataclass(frozen=True, eq=False)
class WidthConverter(Kernel):
    """Regroups elements into beats of another size; one of the two lane counts divides the other."""

    kind: ClassVar[str] = "widthconverter"
    header: ClassVar[str] = "routing"

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    def contract(self, streams: Streams) -> Contract:
        given, made = self.ends(streams)
        if given.lanes > made.lanes:
            return Contract(StageKind.NARROW, (given.lanes // made.lanes,))
        return Contract(StageKind.WIDEN, (made.lanes // given.lanes,))

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = self.ends(streams)
        ratio = max(given.lanes, made.lanes) // min(given.lanes, made.lanes)
        counter = ratio.bit_length()
        bill.ff += max(given.bits, made.bits) + counter
        if given.lanes > made.lanes:
            bill.add(Term.SHIFT_OUT, given.bits - made.bits)
            bill.add(Term.CONVERTER, 6 if counter < 3 else 2 + 3 * counter)
        else:
            bill.add(Term.CONVERTER, 3 + counter)

    def summary(self, streams: Streams) -> str:
        given, made = self.ends(streams)
        return f"from {given.lanes} to {made.lanes} elements per beat"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        (x,), made = frames, streams[self.outputs[0]]
        assert max(x.shape[1], made.lanes) % min(x.shape[1], made.lanes) == 0
        return [x.reshape(made.beats, made.lanes)]
