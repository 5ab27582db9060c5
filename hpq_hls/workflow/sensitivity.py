"""What a search measured, small enough to keep: the widths of every point, and what each width does alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpq_hls.search import Point

Widths = Mapping[str, str]
"""By "layer.weight", "layer.activation" and the like: a width, a type or a rounding mode."""


@dataclass(frozen=True)
class Explored:
    """The widths of every point of a search, in the order of its points.

    variables: "conv1.weight" and the like. widths: of each point, one for each variable, between blanks.
    errors: of the outputs, see ``hpq_hls.search.Point``.
    """

    variables: tuple[str, ...]
    widths: tuple[str, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Sensitivity:
    """A point in which one width alone differs from the widest combination.

    variables: that have this width; several where they share it. lost: of the accuracy, against the widest
    combination; below 0 where it is more accurate. error: of the outputs, as ``Explored`` has it.
    """

    variables: tuple[str, ...]
    width: int
    lost: float
    error: float


def explored(points: Sequence[Point]) -> Explored:
    """The widths of some points."""
    rows = [_widths(point) for point in points]
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    texts = tuple(" ".join(row.get(name, "-") for name in names) for row in rows)
    return Explored(names, texts, tuple(float(f"{point.error:.4g}") for point in points))


def sensitivity(points: Sequence[Point]) -> tuple[Sensitivity, ...]:
    """Those among some points in which one width is narrower than in the widest combination, and that one
    first, for each variable; nothing where it was not measured. Variables that are the same in all points
    count as one."""
    rows = [_widths(point) for point in points]
    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name in names:
        values = tuple(row.get(name, "-") for row in rows)
        if all(value.isdecimal() for value in values) and len(set(values)) > 1:
            columns[values] = (*columns.get(values, ()), name)
    groups = list(columns.values())
    chosen = {group: max(int(row[group[0]]) for row in rows) for group in groups} if rows else {}
    alone: dict[tuple[tuple[str, ...], int], Point] = {}
    widest = None
    for row, point in zip(rows, points, strict=True):
        narrower = [group for group in groups if int(row[group[0]]) != chosen[group]]
        if not narrower:
            widest = widest or point
        elif len(narrower) == 1:
            alone.setdefault((narrower[0], int(row[narrower[0][0]])), point)
    if widest is None:
        return ()
    found = [
        Sensitivity(group, width, widest.accuracy - point.accuracy, point.error)
        for (group, width), point in alone.items()
    ]
    found += [Sensitivity(group, chosen[group], 0.0, widest.error) for group in groups]
    return tuple(sorted(found, key=lambda one: (groups.index(one.variables), -one.width)))


def _widths(point: Point) -> Widths:
    layers = point.precision.to_dict()["layers"]
    return {f"{name}.{part}": str(value) for name, own in layers.items() for part, value in own.items()}
