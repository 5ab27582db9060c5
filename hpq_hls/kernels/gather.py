"""Wires from one beat to another (hpq_gather)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill
from hpq_hls.kernels.base import Frame, IntArray, Kernel, Streams, Table
from hpq_hls.kernels.nature import Nature


@dataclass(frozen=True, eq=False)
class Gather(Kernel):
    """Pure wiring for io parallel: output element ``i`` is input element ``index[i]`` of the same
    beat, or ``pad_value`` where ``index[i]`` is -1. Both streams have one beat per frame."""

    kind: ClassVar[str] = "gather"
    header: ClassVar[str] = "routing"
    per_beat: ClassVar[bool] = True

    index: IntArray
    pad_value: int

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    @property
    def in_step(self) -> bool:
        return True

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        given, made = self.ends(streams)
        return [set(range(given.lanes)) - set(np.asarray(self.index)[made.read].tolist())]

    def bill(self, bill: Bill, streams: Streams) -> None:
        """Wires only."""

    def tables(self) -> Mapping[str, Table]:
        content = "input element of each output element, -1: padding"
        index = np.asarray(self.index).reshape(1, -1)
        return {"index": Table(index, None, content, in_memory=False)}

    def summary(self, streams: Streams) -> str:
        given, made = self.ends(streams)
        return f"wires from {given.lanes} to {made.lanes} elements"

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        padded = np.append(frames[0][0], self.pad_value)
        return [padded[self.index][None]]
