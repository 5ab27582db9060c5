"""The default strategy: degradation curves, an integer program, refinement on the truth, a certificate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpq_hls.search.space import Combination, Space
from hpq_hls.search.strategies.approach import approach, front
from hpq_hls.search.strategies.noise import Noise, boundary, measure_noise
from hpq_hls.search.strategies.program import Program
from hpq_hls.search.strategies.protocol import Evaluator
from hpq_hls.search.strategies.refinement import Refinement
from hpq_hls.search.strategies.terms import Range, measure_terms

MAIN_SHARE = 0.5
"""Of the evaluations for refinement, what the main level gets; the others share the rest."""
HOPELESS = 8.0
"""A choice that alone adds so many budgets of noise is left out."""
HARMLESS = 1.0
"""Unless its score alone is at most so many allowed drops below the least."""
NEEDLESS = 1e-3
"""So is what lies above the first choice that adds less than this share of the budget."""
TINY = 64
"""Spaces up to this size are enumerated: there is nothing to be saved."""
SHARE, FEW, MOST, PER_VARIABLE = 0.05, 500, 3_000, 100


class Sensitivity:
    """Measures curves, solves, refines, and walks down until no single step down is feasible."""

    name = "sensitivity"

    def evaluations(self, space: Space) -> int:
        """See Strategy: at most 5 % of a large space, 500 to 3,000."""
        wished = min(max(FEW, PER_VARIABLE * len(space.variables)), MOST)
        return min(space.size, max(FEW, min(int(SHARE * space.size), wished)))

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        if space.size <= TINY:
            evaluator.evaluate(space.all(), expected=space.size)
            return
        noise = measure_noise(space, evaluator)
        ranges = worthwhile(space, noise, evaluator)
        rough = measure_terms(space.widest, ranges, evaluator, pairs=False).cost
        anchor = Program(rough, (), ranges).solve(noise.table, noise.budget)
        terms = measure_terms(anchor or tuple(high for _, high in ranges), ranges, evaluator)
        program = Program(terms.cost, terms.limits, ranges)
        main, *others = evaluator.levels
        for level in evaluator.levels:
            evaluator.aim(level)
            approach(noise.table, boundary_of(evaluator), program, evaluator)
        evaluator.aim(main)
        if others:
            front(noise.table, boundary_of(evaluator), program, evaluator)
        kept = reserve(space, evaluator)
        rest = (
            0 if evaluator.remaining is None else int((1 - MAIN_SHARE) * max(evaluator.remaining - kept, 0))
        )
        for index, level in enumerate(evaluator.levels):
            evaluator.aim(level)
            here = replace(noise, budget=boundary_of(evaluator))
            left = kept + rest * (len(others) - index) // max(len(others), 1) if others else kept
            Refinement(space, evaluator, here, terms, ranges).run(left)
        for level in evaluator.levels:
            evaluator.aim(level)
            descend(space, evaluator)


def boundary_of(evaluator: Evaluator) -> float:
    """The noise at which scores cross the level that is aimed at, by everything measured."""
    points = list(evaluator.points.values())
    return boundary(points, [evaluator.accurate(point) for point in points])


def reserve(space: Space, evaluator: Evaluator) -> int:
    """Evaluations that are kept for the descent: a third of what is left at the most."""
    steps, left = 3 * len(space.variables), evaluator.remaining
    return steps if left is None else min(max(steps, left // 20), left // 3)


def worthwhile(space: Space, noise: Noise, evaluator: Evaluator) -> list[Range]:
    """The positions of each variable that are neither hopeless nor needlessly wide."""
    (reference,) = evaluator.evaluate([space.widest])
    drop = max(evaluator.score(reference) - evaluator.least_score, 0.0)
    ranges = []
    for variable, curve, scores in zip(space.variables, noise.table, noise.scores, strict=True):
        top = len(variable.choices) - 1
        good = scores[: top + 1] >= evaluator.least_score - HARMLESS * drop  # whatever the noise says
        possible = np.flatnonzero((curve[: top + 1] <= HOPELESS * noise.budget) | good)
        enough = np.flatnonzero(curve[: top + 1] <= NEEDLESS * noise.budget)
        low = int(possible[0]) if len(possible) else top
        ranges.append((low, max(low, int(enough[0]) if len(enough) else top)))
    return ranges


def descend(space: Space, evaluator: Evaluator) -> None:
    """Take single steps down that keep to the limits at no more cost, until there are none.

    Each round evaluates all steps down from the best combination: where none improves on it, that is the
    certificate. Several that do are also tried together, the most accurate ones first.
    """
    while (best := evaluator.best) is not None:
        steps = list(space.steps_down(best))
        points = evaluator.evaluate(steps)
        before = evaluator.points[best]
        better = [
            (-evaluator.score(point), point.cost, at)
            for at, (step, point) in enumerate(zip(steps, points, strict=True))
            if evaluator.feasible(point) and point.cost <= before.cost
        ]
        if not better:
            return
        taken = [steps[at] for _, _, at in sorted(better)]
        together = [_all_of(taken[:count]) for count in _counts(len(taken))]
        evaluator.evaluate(together)


def _all_of(steps: list[Combination]) -> Combination:
    return tuple(min(positions) for positions in zip(*steps, strict=True))


def _counts(most: int) -> list[int]:
    """2, 4, 8, ... and all."""
    return sorted({most, *(2**power for power in range(1, most.bit_length()) if 2**power <= most)} - {1})
