"""Measured degradation curves: how much noise each variable adds at each of its choices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.search.point import Point
from hpq_hls.search.space import Combination, Space
from hpq_hls.search.strategies.protocol import Evaluator

Floats = npt.NDArray[np.float64]
Combinations = npt.NDArray[np.int64]
"""(rows, variables): one combination per row."""

PER_BIT = math.log(4)
"""By how much the logarithm of rounding noise's power falls per bit."""
LEAST_NOISE = 1e-12
"""Every variable adds at least this much; logarithms need it."""
MOST_FALL = 16.0
"""Most by which noise is taken to fall from one position to the next."""
MOST_UNIFORM = 16
"""Most uniform combinations that there are."""
UNIFORM_SHARE = 0.04
"""Where all of these are more than such a share of the evaluations left, the crossing is found by halving."""
CURVES_SHARE, FEW_SHARE = 0.3, 0.45
"""Most of the evaluations left that the curves may take: of many, and of a few."""
FEW = 300
"""Evaluations up to which there are few."""
ABOVE, BELOW = 4, 3
"""How many positions above and below the uniform boundary a curve is measured; the rest is extrapolated."""


@dataclass(frozen=True, eq=False)
class Noise:
    """Additive model of the noise: that of a combination is the sum of one entry per variable.

    table: (variables, most choices), positive; entries beyond a variable's choices are infinite.
    budget: the noise at which scores cross the limit, as far as is known. scores: of each variable
    alone at each choice, like ``table``; NaN where it was not measured.
    """

    table: Floats
    budget: float
    scores: Floats

    def parts(self, combinations: Combinations) -> Floats:
        """What each variable adds, (rows, variables)."""
        return self.table[np.arange(len(self.table)), combinations]

    def total(self, combinations: Combinations) -> Floats:
        """The noise of each combination, (rows,)."""
        return np.asarray(self.parts(combinations).sum(axis=1))


def measure_noise(space: Space, evaluator: Evaluator) -> Noise:
    """Evaluate uniform combinations and each variable alone, narrower than all others.

    The reference is the widest combination. What one variable adds at one choice is the noise with only
    this variable there, less the reference's; the reference's own noise is shared out evenly, so that the
    model is exact for everything that was measured. A curve is measured around the place where uniform
    combinations cross the limit, and extended by its measured neighbours' slope or by 6 dB per bit.
    """
    (reference,) = evaluator.evaluate([space.widest])
    crossing, points = _crossing(space, evaluator)
    wanted = [(i, at) for i, levels in enumerate(_levels(space, crossing, evaluator)) for at in levels]
    singles = evaluator.evaluate([_with(space.widest, i, at) for i, at in wanted])
    most = max(len(variable.choices) for variable in space.variables)
    table = np.full((len(space.variables), most), np.inf)
    scores = np.full(table.shape, np.nan)
    for (index, at), point in zip(wanted, singles, strict=True):
        scores[index, at] = evaluator.score(point)
    base = max(reference.noise, 0.0) / len(space.variables)
    for index, variable in enumerate(space.variables):
        known = {
            at: p.noise - reference.noise for (i, at), p in zip(wanted, singles, strict=True) if i == index
        }
        table[index, : len(variable.choices)] = base + _curve(known, len(variable.choices))
    seen = [reference, *points, *singles]
    return Noise(table, boundary(seen, [evaluator.accurate(point) for point in seen]), scores)


def boundary(points: Sequence[Point], feasible: Sequence[bool]) -> float:
    """The noise that best parts feasible from infeasible points."""
    errors = np.array([max(point.noise, LEAST_NOISE) for point in points])
    order = np.argsort(errors, kind="stable")
    good = np.array(feasible)[order]
    errors = errors[order]
    wrong = np.concatenate([[good.sum()], good.sum() - np.cumsum(good) + np.cumsum(~good)])
    at = int(np.flatnonzero(wrong == wrong.min())[-1])
    if at == 0:
        return float(errors[0] / 4)
    if at == len(errors):
        return float(errors[-1] * 4)
    return math.sqrt(errors[at - 1] * errors[at])


def _uniform(space: Space) -> list[Combination]:
    """Combinations with every variable at the same height, from widest to narrowest."""
    most = max(len(variable.choices) for variable in space.variables)
    heights = np.linspace(1, 0, min(most, MOST_UNIFORM))
    rows = (tuple(round(float(h) * top) for top in space.widest) for h in heights)
    return list(dict.fromkeys(rows))


def _crossing(space: Space, evaluator: Evaluator) -> tuple[Combination, list[Point]]:
    """The narrowest uniform combination that is accurate, the widest where none is; and those measured."""
    diagonal = _uniform(space)
    left = evaluator.remaining
    if left is None or len(diagonal) <= UNIFORM_SHARE * left:
        points = evaluator.evaluate(diagonal)
        found = zip(diagonal[::-1], points[::-1], strict=True)
        return next((key for key, point in found if evaluator.accurate(point)), space.widest), points
    points = []
    good, bad = 0, len(diagonal)  # as if scores fell along the diagonal
    while bad - good > 1:
        middle = (good + bad) // 2
        points += evaluator.evaluate([diagonal[middle]])
        good, bad = (middle, bad) if evaluator.accurate(points[-1]) else (good, middle)
    return diagonal[good], points


def _levels(space: Space, crossing: Combination, evaluator: Evaluator) -> list[list[int]]:
    """The positions at which each variable's curve is measured, the most telling first."""
    left = evaluator.remaining
    each = ABOVE + BELOW + 1
    if left is not None:
        each = max(1, int((FEW_SHARE if left <= FEW else CURVES_SHARE) * left) // len(crossing))
    levels = []
    for at, top in zip(crossing, space.widest, strict=True):
        low, high = max(at - BELOW, 0), min(at + ABOVE, top - 1)
        near = sorted(range(low, high + 1), key=lambda level: (abs(level - at), level))
        levels.append(near[:each])
    return levels


def _with(combination: Combination, index: int, position: int) -> Combination:
    return (*combination[:index], position, *combination[index + 1 :])


def _curve(known: dict[int, float], choices: int) -> Floats:
    """Noise at every position but the last, where it is LEAST_NOISE, from that at some."""
    curve = np.full(choices, LEAST_NOISE)
    levels = sorted(known)
    if not levels:
        return curve
    values: list[float] = []
    for level in levels:  # noise that happens to cancel is still noise
        least = values[-1] / MOST_FALL if values else LEAST_NOISE
        values.append(max(known[level], least, LEAST_NOISE))
    logs = np.log(values)
    for level in range(choices - 1):
        if level < levels[0]:
            value = logs[0] + PER_BIT * (levels[0] - level)
        elif level > levels[-1]:
            value = logs[-1] - PER_BIT * (level - levels[-1])
        else:
            value = float(np.interp(level, levels, logs))
        curve[level] = max(math.exp(min(value, 50.0)), LEAST_NOISE)
    return curve
