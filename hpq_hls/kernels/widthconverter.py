"""Beats of another size (hpq_widthconverter)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.memory import slice_count
from hpq_hls.kernels.base import Frame, Kernel, Streams
from hpq_hls.kernels.contract import Contract, StageKind
from hpq_hls.kernels.nature import Nature


@dataclass(frozen=True, eq=False)
class WidthConverter(Kernel):
    """Regroups elements into beats of another size.

    Into larger beats, whose lanes those of the input divide; or each beat into the fewest smaller ones, the
    last filled up with zeros where the lanes do not divide.
    """

    kind: ClassVar[str] = "widthconverter"
    header: ClassVar[str] = "routing"

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    def contract(self, streams: Streams) -> Contract:
        given, made = self.ends(streams)
        if given.lanes > made.lanes:
            return Contract(StageKind.NARROW, (-(-given.lanes // made.lanes),))
        return Contract(StageKind.WIDEN, (made.lanes // given.lanes,))

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = self.ends(streams)
        ratio = -(-max(given.lanes, made.lanes) // min(given.lanes, made.lanes))
        counter, slices = ratio.bit_length(), slice_count(max(given.bits, made.bits))
        bill.ff += max(given.bits, made.bits) + slices * counter
        if given.lanes > made.lanes:
            bill.add(Term.SHIFT_OUT, given.bits - made.bits)
            bill.add(Term.CONVERTER, slices * (6 if counter < 3 else 2 + 3 * counter))
        else:
            bill.add(Term.CONVERTER, slices * (3 + counter))

    def summary(self, streams: Streams) -> str:
        given, made = self.ends(streams)
        return f"from {given.lanes} to {made.lanes} elements per beat"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        (x,), made = frames, streams[self.outputs[0]]
        if x.shape[1] > made.lanes:
            x = np.pad(x, ((0, 0), (0, -x.shape[1] % made.lanes)))
        assert made.lanes % x.shape[1] == 0 or x.shape[1] % made.lanes == 0
        return [x.reshape(made.beats, made.lanes)]
