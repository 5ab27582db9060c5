"""Every combination."""

from __future__ import annotations

import itertools

from hpq_hls.search.space import Space
from hpq_hls.search.strategies.protocol import Evaluator

PORTION = 8_192
"""Combinations that are asked for at a time, so that a space of any size can be begun."""


class Exhaustive:
    """Every combination, those that share their first layers one after the other.

    The variables are in the order of the network and the last one changes fastest, so that a combination
    differs from the one before in as late a layer as can be, and all before that are already computed.
    """

    name = "exhaustive"

    def evaluations(self, space: Space) -> int | None:
        """None: every combination."""
        return None

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        everything = space.all()
        while portion := list(itertools.islice(everything, PORTION)):
            evaluator.evaluate(portion, expected=space.size)
