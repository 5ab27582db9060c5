"""How elements that are to be reduced come: side by side, one after the other, or both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpq_hls.kernels.base import IntArray
from hpq_hls.kernels.lanes import divisors


@dataclass(frozen=True)
class Folding:
    """For each of ``outer``, ``length`` times the same ``inner`` elements, which go to different places."""

    outer: int
    length: int
    inner: int

    @classmethod
    def of(cls, groups: IntArray) -> Folding | None:
        """Of elements in the order in which they come, of which each says what it goes into; None where they
        do not come so."""
        length = int(np.count_nonzero(groups == groups[0]))
        again = np.flatnonzero(groups[1:] == groups[0]) + 1
        inner = int(again[0]) if len(again) else groups.size
        if groups.size % (length * inner):
            return None
        steps = groups.reshape(-1, length, inner)
        whole = (steps == steps[:, :1]).all() and len(np.unique(steps[:, 0])) * length == groups.size
        return cls(len(steps), length, inner) if whole else None

    @property
    def elements(self) -> int:
        """All of them."""
        return self.outer * self.length * self.inner

    @property
    def beats(self) -> list[int]:
        """Elements that a beat can have, ascending."""
        step, group = self.inner, self.inner * self.length
        sizes = divisors(step) + [step * taps for taps in divisors(self.length)]
        return sorted({*sizes, *(group * positions for positions in divisors(self.outer))})

    def shape(self, beat: int) -> tuple[int, int, int, int, int]:
        """(positions, taps, lanes, steps, chunks) with beats of so many elements, see ``kernels.Reduce``."""
        group = self.inner * self.length
        if beat <= self.inner:
            return 1, 1, beat, self.length, self.inner // beat
        if beat <= group:
            return 1, beat // self.inner, self.inner, group // beat, 1
        return beat // group, self.length, self.inner, 1, 1
