"""Copies of a stream (hpq_fork)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.kernels.base import Frame, Kernel, Streams
from hpq_hls.kernels.nature import Nature


@dataclass(frozen=True, eq=False)
class Fork(Kernel):
    """Copies every beat to each of its outputs."""

    kind: ClassVar[str] = "fork"
    header: ClassVar[str] = "routing"
    per_beat: ClassVar[bool] = True

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        return [set.intersection(*(set(streams[name].unread) for name in self.outputs))]

    def bill(self, bill: Bill, streams: Streams) -> None:
        bill.ff += len(self.outputs)
        bill.add(Term.FORK, len(self.outputs))

    def summary(self, streams: Streams) -> str:
        return f"copies every beat to {len(self.outputs)} streams"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        return [frames[0].copy() for _ in self.outputs]
