"""NSGA-II, for comparison."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hpq_hls.errors import ConfigError
from hpq_hls.search.point import Point
from hpq_hls.search.space import Combination, Space
from hpq_hls.search.strategies.protocol import Evaluator

if TYPE_CHECKING:
    import optuna

POPULATION = 50
"""Combinations of a generation; they are evaluated as one batch, whatever the number of workers."""
EVALUATIONS = 1_000
SEEDS = 1 << 32
"""The generator that optuna draws with knows so many seeds."""
BRED = 2
"""Times as many trials as evaluations are bred at most: in a small space most children are known already."""


class Evolutionary:
    """NSGA-II (Deb et al., 2002) of the library optuna.

    Little cost and much accuracy are its objectives, being accurate enough and within limits its constraints,
    so that feasible combinations survive first.
    """

    name = "evolutionary"

    def evaluations(self, space: Space) -> int:
        """See Strategy."""
        return min(space.size, EVALUATIONS)

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy.

        Raises:
            ConfigError: optuna is not installed.
        """
        with _optuna() as library:
            study = library.create_study(
                directions=["minimize", "maximize"],
                sampler=library.samplers.NSGAIISampler(
                    population_size=POPULATION, seed=evaluator.seed % SEEDS
                ),
            )
            sides = {
                str(index): library.distributions.IntDistribution(0, top)
                for index, top in enumerate(space.widest)
            }
            study.enqueue_trial({str(index): top for index, top in enumerate(space.widest)})
            wanted = self.evaluations(space) if evaluator.remaining is None else evaluator.remaining
            for _ in range(-(-BRED * wanted // POPULATION)):
                trials = [study.ask(sides) for _ in range(POPULATION)]
                points = evaluator.evaluate([_combination(trial, len(sides)) for trial in trials])
                for trial, point in zip(trials, points, strict=True):
                    trial.set_constraint("accuracy", _shortfall(evaluator, point))
                    trial.set_constraint("limits", point.excess)
                    study.tell(trial, [point.cost, evaluator.score(point)])


def _combination(trial: optuna.Trial, count: int) -> Combination:
    return tuple(int(trial.params[str(index)]) for index in range(count))


def _shortfall(evaluator: Evaluator, point: Point) -> float:
    """How much accuracy is missing; at most 0 where none is."""
    if evaluator.accurate(point):  # the evaluator knows what counts as equal
        return min(evaluator.least_score - evaluator.score(point), 0.0)
    return evaluator.least_score - evaluator.score(point)


@contextlib.contextmanager
def _optuna() -> Iterator[optuna]:  # type: ignore[valid-type]  # the module, which may not be there
    """The library, without its messages about every study."""
    try:
        import optuna
    except ImportError:
        raise ConfigError(
            "strategy evolutionary needs the library optuna; "
            "install it with pip install 'hpq_hls[evolutionary]'"
        ) from None
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield optuna
    finally:
        optuna.logging.set_verbosity(level)
