"""Combinations worth a prediction: all of a small space, the surroundings of good ones in a large one."""

from __future__ import annotations

import itertools
import math

import numpy as np

from hpq_hls.search.space import Combination
from hpq_hls.search.strategies.noise import Combinations
from hpq_hls.search.strategies.terms import Range

WHOLE = 40_000
"""Up to so many combinations are all looked at."""
TRIPLES = 600
"""Moves of three variables that are tried around a center."""
MOST_ENTRIES = 2_000_000
"""Of candidates times variables: more are drawn from, so that deep networks take neither more memory nor more
time than their evaluations do."""
PAIRS = 2_400
"""Moves of two variables that are tried around a center."""


class Pool:
    """Candidates within the ranges. seed: of the moves that are drawn where there are too many for all."""

    def __init__(self, ranges: list[Range], seed: int) -> None:
        self._low = np.array([low for low, _ in ranges])
        self._high = np.array([high for _, high in ranges])
        self._draw = np.random.default_rng(seed)
        sizes = (self._high - self._low + 1).tolist()
        self._whole: Combinations | None = None
        if math.prod(sizes) <= WHOLE:
            self._whole = np.indices(sizes).reshape(len(sizes), -1).T + self._low

    @property
    def is_whole(self) -> bool:
        """Whether ``around`` gives everything there is."""
        return self._whole is not None

    def around(self, centers: list[Combination]) -> Combinations:
        """Different combinations near the centers, or all where these are few."""
        if self._whole is not None:
            return self._whole
        moves = self._moves()
        rows = (np.array(centers)[:, None] + moves).reshape(-1, len(self._low))
        inside = ((rows >= self._low) & (rows <= self._high)).all(axis=1)
        found = np.unique(rows[inside], axis=0)
        most = MOST_ENTRIES // found.shape[1]
        if len(found) <= most:
            return found
        return np.asarray(found[np.sort(self._draw.choice(len(found), most, replace=False))])

    def _moves(self) -> Combinations:
        """Up to two steps of one variable, and steps of two or three; those of no variable too."""
        count = len(self._low)
        moves = [np.zeros((1, count), dtype=np.int64)]
        steps = np.array([-2, -1, 1, 2])
        single = np.zeros((count, len(steps), count), dtype=np.int64)
        single[np.arange(count), :, np.arange(count)] = steps
        moves.append(single.reshape(-1, count))
        for size, most in ((2, PAIRS), (3, TRIPLES)):
            if count < size:
                continue
            signs = [s for s in itertools.product((-1, 1), repeat=size) if size == 2 or abs(sum(s)) < size]
            signs += [(-2, 1), (2, -1), (1, -2), (-1, 2)] if size == 2 else []
            total = math.comb(count, size) * len(signs)
            if total <= most:
                places = np.repeat(list(itertools.combinations(range(count), size)), len(signs), axis=0)
                which = np.tile(signs, (math.comb(count, size), 1))
            else:
                places = np.argsort(self._draw.random((most, count)), axis=1)[:, :size]
                which = np.array(signs)[self._draw.integers(len(signs), size=most)]
            rows = np.zeros((len(places), count), dtype=np.int64)
            np.put_along_axis(rows, places, which, axis=1)
            moves.append(rows)
        return np.concatenate(moves)
