"""Searches of one network by each strategy, and the best uniform precision: what they find, what it takes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from search_networks import Problem, Samples

import hpq_hls as hpq
from hpq_hls.cost import fold
from hpq_hls.hardware import HardwareConfig
from hpq_hls.quantize import Quantizer, QuantizerOptions
from hpq_hls.search import Point, SearchResult
from hpq_hls.search.result import pareto_front
from hpq_hls.search.space import Combination, Space
from hpq_hls.search.strategies import STRATEGIES, Evaluator

DEFAULT = "sensitivity"
FOLDED_AT = 8
"""Bits of weights and activations everywhere in the network that folding is chosen for."""


class Uniform:
    """One weight width and one activation width for the whole network: every pair of them."""

    name = "uniform"

    def evaluations(self, space: Space) -> int:
        """See Strategy."""
        return len(list(self.combinations(space)))

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        combinations = list(self.combinations(space))
        evaluator.evaluate(combinations, expected=len(combinations))

    @staticmethod
    def combinations(space: Space) -> Iterator[Combination]:
        """All combinations in which variables of one kind take the same choice."""
        choices = {variable.part: variable.choices for variable in space.variables}
        assert all(choices[variable.part] == variable.choices for variable in space.variables)
        for positions in itertools.product(*(range(len(widths)) for widths in choices.values())):
            taken = dict(zip(choices, positions, strict=True))
            yield tuple(taken[variable.part] for variable in space.variables)


STRATEGIES[Uniform.name] = Uniform()


@dataclass(frozen=True)
class Settings:
    """What all searches have in common.

    jobs: processes that measure combinations. seed: of strategies that draw. weight_bits: to choose from.
    """

    jobs: int
    seed: int
    weight_bits: tuple[int, ...]
    quantizer: QuantizerOptions


@dataclass(frozen=True)
class Found:
    """What one strategy found under one objective and one allowed drop.

    accuracies and drops: shares. cost: by the objective. lut, dsp: estimated. mean_width: bits per weight,
    biases not counted. seconds: of the whole search, calibration included.
    """

    network: str
    objective: str
    max_drop: float
    strategy: str
    feasible: bool
    minimal: bool
    cost: float
    lut: int
    dsp: int
    weight_bits: int
    mean_width: float
    validation_drop: float
    test_drop: float
    evaluations: int
    seconds: float
    widths: dict[str, Any]


@dataclass(frozen=True)
class Front:
    """Cost and accuracy lost (share, on the validation data) of the best points that a strategy measured."""

    network: str
    objective: str
    strategy: str
    points: tuple[tuple[float, float], ...]


class Bench:
    """One network with everything that all searches on it share."""

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.problem, self.settings = problem, settings
        self.graph = hpq.from_torch(problem.module, torch.zeros(2, *problem.train.x.shape[1:]))
        self._quantizer = Quantizer(self.graph, problem.calibration, settings.quantizer)
        self.interval = fold(self._quantizer.quantize(FOLDED_AT), HardwareConfig()).interval
        self.float_test = accuracy(self.graph, problem.test)

    def summary(self) -> str:
        """Data, float accuracy and folding, for the reader."""
        own = self.problem
        images = ", ".join(
            f"{len(part.x):,} {name}"
            for part, name in ((own.train, "training"), (own.validation, "validation"), (own.test, "test"))
        )
        validation = accuracy(self.graph, own.validation)
        return (
            f"{images} images, {len(own.calibration):,} for calibration; float accuracy "
            f"{100 * validation:.2f} % (validation), {100 * self.float_test:.2f} % (test); "
            f"interval {self.interval:,} cycles; {self.settings.jobs} processes; "
            f"quantizer {self.settings.quantizer.to_dict()}"
        )

    def compare(
        self, objective: str, drops: Sequence[float], peers: Sequence[str]
    ) -> Iterator[Found | Front]:
        """The best uniform precision, the default and its peers, at each allowed drop, and their fronts.

        Peers that draw get as many evaluations as the default took.
        """
        uniform, seconds = self.search(Uniform.name, objective, 1.0)
        measured = {Uniform.name: list(uniform.points)}
        for drop in drops:
            best = cheapest(uniform, drop)
            yield self.found(best, self.quantized(best), uniform, drop, seconds)
            budget: int | None = None
            for strategy in (DEFAULT, *peers):
                limit = budget if strategy == "evolutionary" else None
                result, seconds_taken = self.search(strategy, objective, drop, limit)
                budget = result.evaluations if strategy == DEFAULT else budget
                measured.setdefault(strategy, []).extend(result.points)
                yield self.found(result.best_point, result.best, result, drop, seconds_taken)
        for strategy, points in measured.items():
            front = pareto_front(points)
            lost = tuple((point.cost, uniform.float_accuracy - point.accuracy) for point in front)
            yield Front(self.problem.title, objective, strategy, lost)

    def quantized(self, point: Point) -> hpq.QuantizedGraph:
        """The network that a search measured."""
        return self._quantizer.quantize(point.precision)

    def found(
        self, point: Point, q: hpq.QuantizedGraph, result: SearchResult, drop: float, seconds: float
    ) -> Found:
        """The figures of a search's choice."""
        estimate = hpq.estimate(q, target_interval=self.interval)
        return Found(
            network=self.problem.title,
            objective=result.objective,
            max_drop=drop,
            strategy=result.strategy,
            feasible=within(point, result, drop),
            minimal=result.minimal,
            cost=point.cost,
            lut=estimate.lut,
            dsp=estimate.dsp,
            weight_bits=q.weight_bits,
            mean_width=mean_width(q),
            validation_drop=result.float_accuracy - point.accuracy,
            test_drop=self.float_test - accuracy(q, self.problem.test),
            evaluations=result.evaluations,
            seconds=seconds,
            widths=point.precision.to_dict()["layers"],
        )

    def search(
        self, strategy: str, objective: str, drop: float, evaluations: int | None = None
    ) -> tuple[SearchResult, float]:
        """A search, and how many seconds it took, calibration included."""
        validation = self.problem.validation
        start = time.perf_counter()
        result = hpq.search(
            self.graph,
            self.problem.calibration,
            (validation.x, validation.y),
            max_drop=drop,
            confidence=None,  # all strategies by the same rule
            objective=objective,
            strategy=strategy,
            seed=self.settings.seed,
            evaluations=evaluations,
            hardware=HardwareConfig(target_interval=self.interval),
            quantizer=self.settings.quantizer,
            weight_bits=self.settings.weight_bits,
            n_jobs=self.settings.jobs,
        )
        return result, time.perf_counter() - start


def accuracy(network: hpq.Graph | hpq.QuantizedGraph, samples: Samples) -> float:
    """Share of images whose class the network names."""
    return float((network.predict(samples.x).reshape(len(samples.x), -1).argmax(1) == samples.y).mean())


def within(point: Point, result: SearchResult, drop: float) -> bool:
    """Whether a point loses no more than ``drop``; differences of decimal fractions are not exact."""
    return point.accuracy >= result.float_accuracy - drop - 1e-9


def cheapest(result: SearchResult, drop: float) -> Point:
    """The cheapest point within a drop, of equal ones the most accurate."""
    return min(
        (point for point in result.points if within(point, result, drop)),
        key=lambda point: (point.cost, -point.accuracy),
    )


def mean_width(q: hpq.QuantizedGraph) -> float:
    """Bits stored per weight, the shifts of channels included."""
    layers = [layer for layer in q.layers.values() if layer.weight_raw is not None]
    biases = sum(
        layer.bias_raw.size * layer.bias_type.width for layer in layers if layer.bias_raw is not None
    )
    return float((q.weight_bits - biases) / np.sum([layer.weight_raw.size for layer in layers]))


def plain(item: Found | Front) -> dict[str, Any]:
    """For a JSON file."""
    return {"kind": type(item).__name__, **asdict(item)}
