"""Results of the search benchmark as Markdown and as a picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import jinja2
from search_runs import DEFAULT, Found, Front, Uniform

HERE = Path(__file__).parent
UNITS = {"weight_bits": "weight memory (bit)", "lut": "LUT + 55 per DSP"}
TITLES = {
    Uniform.name: "best uniform",
    "greedy": "greedy",
    "evolutionary": "evolutionary",
    DEFAULT: "sensitivity (default)",
}
COLOURS = {Uniform.name: "#7b8794", "greedy": "#c07a17", "evolutionary": "#7a4bb5", DEFAULT: "#2f6fc4"}


def comparison(found: Sequence[Found]) -> str:
    """One table per network: cost under each objective and allowed drop, by strategy."""
    head = ["objective", "drop", "strategy", "cost", "/ uniform", "LUT", "DSP", "bits per weight"]
    head += ["validation drop", "test drop", "evaluations", "time"]
    parts = []
    for network, rows in itertools.groupby(found, key=lambda item: item.network):
        parts.append(f"{network}:\n\n{table(head, _comparison_rows(list(rows)))}")
    return "\n\n".join(parts)


def _comparison_rows(found: Sequence[Found]) -> Iterable[list[str]]:
    for item in found:
        title = TITLES[item.strategy]
        if item.strategy == Uniform.name:
            title += f", {widths_of(item)}"
        yield [
            UNITS[item.objective],
            f"{100 * item.max_drop:g}",
            title,
            f"{item.cost:,.0f}" if item.feasible else f"none (closest {item.cost:,.0f})",
            f"{item.cost / uniform_of(item, found).cost:.2f}",
            f"{item.lut:,}",
            f"{item.dsp:,}",
            f"{item.mean_width:.2f}",
            f"{100 * item.validation_drop:.2f}",
            f"{100 * item.test_drop:.2f}",
            f"{item.evaluations:,}",
            f"{item.seconds:,.1f} s",
        ]


def uniform_of(item: Found, found: Iterable[Found]) -> Found:
    """The best uniform precision under the same objective and drop."""
    where = (item.network, item.objective, item.max_drop)
    return next(
        other
        for other in found
        if other.strategy == Uniform.name and (other.network, other.objective, other.max_drop) == where
    )


def widths_of(item: Found) -> str:
    """The two widths of a uniform precision."""
    weights = {widths["weight"] for widths in item.widths.values() if "weight" in widths}
    activations = {widths["activation"] for widths in item.widths.values()}
    return f"{' '.join(map(str, weights))} and {' '.join(map(str, activations))} bit"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# ---------------------------------------------------------------------------------------------
# The picture


class Axis:
    """From values to positions on paper.

    low, high: values at the ends. start, end: positions there.
    """

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._high, self._start, self._end = low, high, start, end

    def at(self, value: float) -> float:
        """Where a value lies."""
        share = (value - self._low) / (self._high - self._low)
        return round(self._start + share * (self._end - self._start), 1)

    def ticks(self) -> list[float]:
        """Four to ten round values."""
        rough = (self._high - self._low) / 4
        size = 10 ** math.floor(math.log10(rough))
        step = max(size * factor for factor in (1, 2, 5) if size * factor <= rough)
        first = math.ceil(self._low / step - 1e-9)
        return [step * index for index in range(first, math.floor(self._high / step + 1e-9) + 1)]


def picture(fronts: Sequence[Front], most: float) -> str:
    """An SVG of accuracy lost, from none to ``most`` points, against cost; a panel per objective."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    objectives = list(dict.fromkeys(front.objective for front in fronts))
    panels = [
        _panel([front for front in fronts if front.objective == objective], 70 + 460 * index, most)
        for index, objective in enumerate(objectives)
    ]
    names = list(dict.fromkeys(front.strategy for front in fronts))
    keys = [
        {"colour": COLOURS[name], "title": TITLES[name], "x": 70 + 190 * i} for i, name in enumerate(names)
    ]
    title = f"{fronts[0].network}: accuracy lost against cost"
    return environment.get_template("search_fronts.svg.j2").render(
        title=title, panels=panels, keys=keys, width=460 * len(panels) + 30
    )


def _panel(fronts: Sequence[Front], left: float, most: float) -> dict[str, object]:
    """One objective: where everything goes. Costs run from the cheapest point shown to where the last
    strategy loses nothing, or to twice as much."""
    shown = {front.strategy: list(_until_none_lost(front, most)) for front in fronts}
    costs = [cost for points in shown.values() for cost, _ in points]
    low, high = 0.95 * min(costs), min(1.05 * max(costs), 2 * min(costs))
    across, down = Axis(low, high, left, left + 370), Axis(0, most, 300, 60)
    lines = []
    for strategy, points in shown.items():
        near = [(across.at(cost), down.at(lost)) for cost, lost in points if cost <= high]
        path = _stairs(near, across.at(high))
        lines.append({"colour": COLOURS[strategy], "points": near, "path": path})
    return {
        "left": left,
        "right": left + 370,
        "label": UNITS[fronts[0].objective],
        "x_ticks": [(across.at(value), f"{value:,.0f}") for value in across.ticks()],
        "y_ticks": [(down.at(value), f"{value:g}") for value in down.ticks()],
        "lines": lines,
    }


def _until_none_lost(front: Front, most: float) -> Iterator[tuple[float, float]]:
    """(cost, points of accuracy lost) within ``most``, up to the first that loses nothing."""
    for cost, lost in front.points:
        if 100 * lost <= most:
            yield cost, max(100 * lost, 0.0)
        if lost <= 0:
            return


def _stairs(points: Sequence[tuple[float, float]], right: float) -> str:
    """A path on which a drop is had from a cost on until a smaller one is."""
    if not points:
        return ""
    path = f"M{points[0][0]} {points[0][1]}"
    for x, y in points[1:]:
        path += f"H{x}V{y}"
    return f"{path}H{right}"
