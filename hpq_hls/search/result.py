"""What a search returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.errors import ConfigError, ToolError
from hpq_hls.search.confirmation import Confirmation
from hpq_hls.search.export import csv_text, json_text, rows_of, write_text
from hpq_hls.search.limits import Checked
from hpq_hls.search.point import ROUNDING_ERROR, Point
from hpq_hls.search.significance import TestScore
from hpq_hls.shown import Shown
from hpq_hls.simulate import QuantizedGraph


@dataclass(frozen=True)
class SearchProgress:
    """State of a running search.

    expected: evaluations in all where that is known, or the most that there may be. best: the cheapest
    feasible point so far. float_accuracy: of the float network. unused: evaluations of an earlier run in the
    journal that this one was not asked to take over. metric: what accuracies are by.
    """

    evaluations: int
    expected: int | None
    best: Point | None
    float_accuracy: float | None = None
    unused: int = 0
    metric: str = "top1"


Progress = Callable[[SearchProgress], None]


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult(Shown):
    """The outcome of a search.

    best: the cheapest network within the accuracy drop and all limits; where none is, the closest to that
        and ``feasible`` is False.
    pareto: no other evaluated point within all limits is both more accurate and cheaper; by ascending cost.
    points: everything that was evaluated.
    evaluations: how many that are; resumed: how many of them came from the journal of an earlier run;
        shared: of how many another search of that journal had seen the accuracy.
    float_accuracy: of the float network on the same validation data.
    steps_down: the evaluated ones of those that differ from the best one by one width, one step narrower.
    narrower: how many of those there are. minimal: all of them were evaluated, and none is feasible at the
        same cost or less.
    interrupted: the user ended the search early.
    uniform: points of one width everywhere, widest first, where they were asked for.
    test: the best network beside the float one on the test set, None where there is none.
    limits: what ``best`` takes beside what it may take.
    target_interval: the folding that all networks were compared at, for ``HardwareConfig``, whatever the
        objective; None with io parallel, where there is none.
    confidence: the probability that was asked for. confirmation: what was shown of the drop on unseen data;
        None where nothing was asked, or no network keeps the accuracy.
    """

    best: QuantizedGraph
    best_point: Point
    feasible: bool
    pareto: tuple[Point, ...]
    points: tuple[Point, ...]
    evaluations: int
    float_accuracy: float
    max_drop: float
    objective: str
    metric: str
    strategy: str
    steps_down: tuple[Point, ...]
    minimal: bool
    interrupted: bool
    narrower: int = 0
    resumed: int = 0
    shared: int = 0
    uniform: tuple[Point, ...] = ()
    test: TestScore | None = None
    limits: tuple[Checked, ...] = ()
    target_interval: int | None = None
    confidence: float | None = None
    confirmation: Confirmation | None = None

    def facts(self) -> Mapping[str, str]:
        return {
            "best": f"{self.objective} {self.best_point.cost:,.0f}",
            "accuracy": f"{self.best_point.accuracy:.4f} {self.metric} (float {self.float_accuracy:.4f})",
            "feasible": "yes" if self.feasible else "no",
            "certified": "yes" if self.certified else "no",
            "Pareto front": f"{len(self.pareto)} points",
            "evaluated": f"{self.evaluations:,} combinations",
        }

    @property
    def certified(self) -> bool:
        """Whether it was shown that the drop on unseen data is within ``max_drop``, at ``confidence``."""
        return self.confirmation is not None and self.confirmation.certified

    @property
    def drop_bound(self) -> float | None:
        """Upper bound of the drop on unseen data at ``confidence``; None where that is None."""
        return None if self.confirmation is None else self.confirmation.bound

    def pick(self, *, max_drop: float | None = None, max_cost: float | None = None) -> Point:
        """A point of the Pareto front, whose ``precision`` is for ``hpq_hls.quantize``.

        max_drop: the cheapest point that loses no more on the validation data. max_cost: the most accurate
        that costs no more. Both: the cheapest within both. Neither: ``best_point``.

        Raises:
            ConfigError: no point is within that.
        """
        if max_drop is None and max_cost is None:
            return self.best_point
        least = -math.inf if max_drop is None else self.float_accuracy - max_drop - ROUNDING_ERROR
        most = math.inf if max_cost is None else max_cost
        good = [point for point in self.pareto if point.accuracy >= least and point.cost <= most]
        if not good:
            ends = ", ".join(f"{point.accuracy:.4f} at {point.cost:,.0f}" for point in self.pareto)
            raise ConfigError(
                f"no point of the Pareto front is within max_drop {max_drop} and max_cost {max_cost}; its "
                f"points are {ends}, and the float network has {self.float_accuracy:.4f}"
            )
        return good[-1] if max_drop is None else good[0]

    def to_dataframe(self, *, everything: bool = False) -> Any:
        """The Pareto front, or everything that was evaluated, as a pandas DataFrame: the rows of ``to_csv``.

        Raises:
            ToolError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ToolError("pandas is not installed; install it, or use to_csv or to_json") from None
        points = self.points if everything else self.pareto
        return pd.DataFrame(rows_of(points, self.float_accuracy))

    def plot(self, ax: Any = None) -> Any:
        """Accuracy against cost: what was evaluated, the Pareto front and the chosen point.

        ax: matplotlib axes to draw on; None: new ones. Returns the axes.

        Raises:
            ToolError: there are no axes and matplotlib is not installed.
        """
        if ax is None:
            try:
                from matplotlib import pyplot as plt
            except ImportError:
                raise ToolError("matplotlib is not installed; install it, or give axes") from None
            ax = plt.figure().add_subplot()
        for points, style, label in (
            (self.points, ".", "evaluated"),
            (self.pareto, "o-", "Pareto front"),
            ((self.best_point,), "*", "chosen"),
        ):
            ax.plot(
                [point.cost for point in points], [point.accuracy for point in points], style, label=label
            )
        ax.axhline(self.float_accuracy, linestyle=":", label="float")
        ax.set_xlabel(self.objective)
        ax.set_ylabel(f"{self.metric}, validation data")
        ax.legend()
        return ax

    def to_csv(self, path: str | Path, *, everything: bool = False) -> Path:
        """Write the Pareto front, or everything that was evaluated, as CSV: accuracy, drop against the float
        network, cost, weight_bits, error, excess, and the widths of every layer.

        Raises:
            OutputError: the file cannot be written.
        """
        points = self.points if everything else self.pareto
        return write_text(path, csv_text(points, self.float_accuracy))

    def to_json(self, path: str | Path, *, everything: bool = False) -> Path:
        """The same as JSON, each point with a ``precision`` that ``hpq_hls.quantize`` takes.

        Raises:
            OutputError: the file cannot be written.
        """
        return write_text(path, json_text(self, self.points if everything else self.pareto))


def pareto_front(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points that no other one beats in both accuracy and cost, by ascending cost."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return tuple(front)
