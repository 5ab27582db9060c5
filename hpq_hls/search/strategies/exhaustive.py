"""Every combination."""

from __future__ import annotations

from hpq_hls.search.space import Space
from hpq_hls.search.strategies.protocol import Evaluator


class Exhaustive:
    """Every combination, those that share their first layers one after the other."""

    name = "exhaustive"

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        evaluator.evaluate(space.all(), expected=space.size)
