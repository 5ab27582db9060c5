"""What combinations are judged by while a search goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hpq_hls.search.point import Point


@dataclass(frozen=True)
class Aims:
    """The score of a combination, and how much of it there has to be.

    careful: the score is minus the risk (see ``Gauge``), which the luck of single samples hardly moves.
    Otherwise it is the accuracy that was counted, or, where that is less, ``riskless`` minus the risk: what a
    network of no risk scores. levels: least scores, the main one first; a careful search also looks for the
    cheapest combinations at a safer and at a bolder level. path: least scores, from the safest on, at which
    the cheapest combinations measured are candidates to be confirmed. first: where in it testing begins.
    """

    careful: bool
    levels: tuple[float, ...]
    path: tuple[float, ...] = ()
    first: int = 0
    riskless: float = math.inf

    def score(self, point: Point) -> float:
        """Larger is better."""
        return -point.risk if self.careful else min(point.accuracy, self.riskless - point.risk)
