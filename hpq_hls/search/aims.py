"""What combinations are judged by while a search goes on."""

from __future__ import annotations

from dataclasses import dataclass

from hpq_hls.search.point import Point


@dataclass(frozen=True)
class Aims:
    """The score of a combination, and how much of it there has to be.

    careful: the score is minus the risk (see ``Gauge``), which the luck of single samples hardly moves,
    instead of the accuracy that was counted. levels: least scores, the main one first; a careful search also
    looks for the cheapest combinations at safer and at bolder levels, to have something to choose from when
    they are confirmed.
    """

    careful: bool
    levels: tuple[float, ...]

    def score(self, point: Point) -> float:
        """Larger is better."""
        return -point.risk if self.careful else point.accuracy
