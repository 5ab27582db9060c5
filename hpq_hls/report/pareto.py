"""What a search measured, as a picture of accuracy against cost."""

from __future__ import annotations

from typing import Any

from hpq_hls.report import text
from hpq_hls.report.axes import Axis, padded
from hpq_hls.search.metric import Kind, kind_of

Plain = dict[str, Any]
ROOM = 90_000
"""Characters for the points that the picture has, about; where there are more, it has the best ones."""


def pareto_chart(search: Plain) -> Plain:
    """Cost against accuracy of what a search measured, in percent of a frame.

    search: the plain form of a SearchOutcome. Gives ``x``, ``y`` (ticks with text), ``titles`` of the axes,
    ``rules`` (lines across, with their name), ``points`` (see ``_point``), ``steps`` (corners of the front),
    ``left_out``: how many points lie outside, ``variables``: what the widths of points are of."""
    metric = search["metric"]
    scale = 100 if kind_of(metric) is Kind.SHARE else 1
    levels = (search["float_accuracy"], search["float_accuracy"] - search["max_drop"])
    chosen = (*search["pareto"], search["best"])
    x = Axis(*padded([point["cost"] for point in (*chosen, *search["uniform"])], 0.05))
    accuracies = [point["accuracy"] for point in search["pareto"]]
    y = Axis(*_range(accuracies, search["best"]["accuracy"], *levels), flipped=True)
    points = _points(search, x, y)
    front = [point for point in points if "front" in point["role"]]
    return {
        "x": x.ticks(),
        "y": [(place, f"{label} %" if scale == 100 else label) for place, label in _scaled(y, scale).ticks()],
        "titles": (f"Cost: {search['cost_of']}", _quality(metric)),
        "rules": [(y.place(level), name) for level, name in zip(levels, ("float", "allowed"), strict=True)],
        "points": points,
        "steps": _steps(front),
        "left_out": len(search["points"]) - sum(point["role"] == "measured" for point in points),
        "variables": search["explored"]["variables"],
    }


def _scaled(axis: Axis, scale: float) -> Axis:
    return Axis(scale * axis.low, scale * axis.high, axis.flipped)


def _quality(metric: str) -> str:
    name = f"minus {metric.upper()}" if kind_of(metric) is Kind.LOSS else text.metric_name(metric)
    return f"{name} on the validation split"


def _points(search: Plain, x: Axis, y: Axis) -> list[Plain]:
    """Everything within the frame; what is drawn on top comes last."""
    names = search["explored"]["variables"]
    best, front, uniform = search["best"], search["pareto"], search["uniform"]
    measured = [
        (accuracy, cost, widths)
        for (accuracy, cost), widths in zip(search["points"], search["explored"]["widths"], strict=True)
        if x.holds(cost) and y.holds(accuracy)
    ]
    kept = sorted(measured, key=lambda point: (-point[0], point[1]))[: ROOM // (110 + 3 * len(names))]
    found = [_point(search, x, y, *point, "measured") for point in kept]
    found += [
        _point(search, x, y, row["accuracy"], row["cost"], widths_of(row, names), "uniform")
        for row in uniform
        if y.holds(row["accuracy"])
    ]
    for number, row in enumerate(front, 1):
        if y.holds(row["accuracy"]):
            one = _point(search, x, y, row["accuracy"], row["cost"], widths_of(row, names), "front")
            found.append({**one, "row": number})
    role = "chosen" if search["feasible"] else "closest"
    own = [number for number, row in enumerate(front, 1) if row["precision"] == best["precision"]]
    one = _point(search, x, y, best["accuracy"], best["cost"], widths_of(best, names), role)
    return [*found, one | ({"row": own[0]} if own else {})]


def _point(search: Plain, x: Axis, y: Axis, accuracy: float, cost: float, widths: str, role: str) -> Plain:
    """Where a point is, what it is (measured, uniform, front, chosen or closest), and its figures as people
    read them. widths: one for each variable, between blanks."""
    metric = search["metric"]
    return {
        "x": x.place(cost),
        "y": y.place(accuracy),
        "role": role,
        "score": text.score(accuracy, metric),
        "drop": text.drop(search["float_accuracy"] - accuracy, metric),
        "cost": text.count(cost),
        "widths": widths,
    }


def widths_of(row: Plain, names: list[str]) -> str:
    """Of each variable, in the precision of a point; its default where it has none of its own."""
    precision = row["precision"]
    own, default = precision["layers"], precision.get("default", {})

    def width(name: str) -> str:
        layer, _, part = name.rpartition(".")
        return str(own.get(layer, {}).get(part, default.get(part, "-")))

    return " ".join(map(width, names))


def _steps(front: list[Plain]) -> list[tuple[float, float]]:
    """Corners of the line below which nothing was found: level until the next point, then up."""
    corners: list[tuple[float, float]] = []
    for point in front:
        if corners:
            corners.append((point["x"], corners[-1][1]))
        corners.append((point["x"], point["y"]))
    return corners


def _range(front: list[float], best: float, float_score: float, limit: float) -> tuple[float, float]:
    """What the accuracy axis shows: around what is allowed; the worst combinations are near chance and would
    squeeze the rest."""
    high = max(*front, best, float_score)
    low = min(limit, best, max(min(*front, limit), limit - 4 * max(high - limit, 1e-9)))
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin
