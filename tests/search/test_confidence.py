"""Searches on part of the validation data whose result is confirmed on the rest, on a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.quantize import quantize
from hpq_hls.search import SearchProgress, SearchResult, run, search
from hpq_hls.search.confirmation import BOOTSTRAP, EXACT, split_rows
from hpq_hls.search.metric import Kind
from hpq_hls.search.problem import FAST
from hpq_hls.search.strategies.sensitivity import TINY

Array = np.ndarray[Any, Any]
Data = tuple[Array, Array]
CLASSES, INPUTS, DROP = 4, 8, 0.02
EVALUATIONS = 120

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def data(samples: int, seed: int) -> Data:
    """Points around four centres that overlap, so that no network is always right."""
    centres = 1.2 * np.random.default_rng(7).normal(size=(CLASSES, INPUTS))
    rng = np.random.default_rng((seed, 11))
    y = rng.integers(CLASSES, size=samples)
    return centres[y] + rng.normal(size=(samples, INPUTS)), y


@pytest.fixture(scope="module")
def graph() -> Graph:
    torch.manual_seed(5)
    net = nn.Sequential(
        nn.Linear(INPUTS, 12), nn.ReLU(), nn.Linear(12, 10), nn.ReLU(), nn.Linear(10, CLASSES)
    )
    x, y = (torch.from_numpy(each) for each in data(4000, 1))
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x.float()), y).backward()
        optimizer.step()
    return from_torch(net.eval(), torch.zeros(2, INPUTS))


CALIBRATION = data(200, 2)[0]
VALIDATION = data(1000, 3)
UNSEEN = data(40_000, 4)


def searched(graph: Graph, validation: Data = VALIDATION, **settings: Any) -> SearchResult:
    usual = {"max_drop": DROP, "objective": "bops", "evaluations": EVALUATIONS}
    return search(graph, CALIBRATION, validation, **(usual | settings))


@pytest.fixture(scope="module")
def found(graph: Graph) -> SearchResult:
    return searched(graph)


def shown(result: SearchResult) -> tuple[Any, ...]:
    """Everything that two searches have to agree on."""
    points = [(p.precision, p.accuracy, p.cost, p.error, p.noise, p.risk) for p in result.points]
    return points, result.best_point.precision, result.feasible, result.minimal, result.confirmation


def drop_on(graph: Graph, result: SearchResult, of: Data) -> float:
    x, y = of
    return float((graph.predict(x).argmax(1) == y).mean() - (result.best.predict(x).argmax(1) == y).mean())


def test_enough_samples_certify_the_drop(graph: Graph, found: SearchResult) -> None:
    confirmation = found.confirmation
    assert found.feasible and found.certified and confirmation is not None
    assert (found.confidence, confirmation.confidence, confirmation.max_drop) == (0.9, 0.9, DROP)
    assert (confirmation.samples, confirmation.searched) == (800, 200)
    assert (confirmation.method, confirmation.needed) == (EXACT, None)
    assert confirmation.tested >= 1
    held = split_rows(1000, Kind.SHARE, DROP, 0.9).held
    assert confirmation.drop == pytest.approx(
        drop_on(graph, found, (VALIDATION[0][held], VALIDATION[1][held])), abs=1e-12
    )
    assert found.drop_bound is not None
    assert confirmation.drop < found.drop_bound <= DROP
    assert drop_on(graph, found, UNSEEN) <= DROP
    assert found.evaluations <= EVALUATIONS


def test_accuracies_are_counted_on_all_validation_samples(graph: Graph, found: SearchResult) -> None:
    x, y = VALIDATION
    assert found.float_accuracy == (graph.predict(x).argmax(1) == y).mean()
    for point in [found.best_point, *found.points[::9]]:
        outputs = quantize(graph, CALIBRATION, point.precision).predict(x)
        assert (outputs.argmax(1) == y).mean() == point.accuracy
    assert found.best_point.accuracy == (found.best.predict(x).argmax(1) == y).mean()


def test_something_is_saved(graph: Graph, found: SearchResult) -> None:
    """The widest is always certified and would be no result."""
    six = [point.cost for point in searched(graph, evaluations=1, uniform=True).uniform]
    assert found.best_point.cost < min(six[:3])


def test_samples_held_back_have_no_say_in_what_is_looked_at(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other inputs and labels there: the same combinations with the same risks; what is shown differs."""
    monkeypatch.setattr(run, "_complete", lambda *_: None)  # the steps down from what was confirmed
    held = split_rows(1000, Kind.SHARE, DROP, 0.9).held
    x, y = (each.copy() for each in VALIDATION)
    x[held] = np.random.default_rng(0).normal(size=(len(held), INPUTS))
    y[held] = np.random.default_rng(1).integers(CLASSES, size=len(held))
    results = [searched(graph), searched(graph, (x, y))]
    searches = [[(p.precision, p.cost, p.noise, p.risk) for p in result.points] for result in results]
    assert searches[0] == searches[1]
    accuracies = [[p.accuracy for p in result.points] for result in results]
    assert accuracies[0] != accuracies[1]
    assert results[0].confirmation != results[1].confirmation


@pytest.mark.parametrize("what", ["x", "y"])
def test_samples_searched_on_have_a_say(graph: Graph, found: SearchResult, what: str) -> None:
    """The test above can fail."""
    searched_on = split_rows(1000, Kind.SHARE, DROP, 0.9).searched
    x, y = (each.copy() for each in VALIDATION)
    if what == "x":
        x[searched_on] *= 0.5
    else:  # labels set the temperature
        y[searched_on] = graph.predict(x[searched_on]).argmax(1)
    other = searched(graph, (x, y), evaluations=20)
    widest = [max(result.points, key=lambda point: point.weight_bits) for result in (found, other)]
    assert widest[0].precision == widest[1].precision
    assert widest[0].noise != widest[1].noise


@pytest.mark.parametrize("seed", [0, 1])
def test_the_result_is_the_same_every_time(graph: Graph, found: SearchResult, seed: int) -> None:
    """The default strategy draws nothing."""
    assert shown(searched(graph, seed=seed)) == shown(found)


def test_two_jobs_find_what_one_finds(graph: Graph, found: SearchResult) -> None:
    assert shown(searched(graph, n_jobs=2)) == shown(found)


def test_a_resumed_search_finds_what_an_uninterrupted_one_finds(
    graph: Graph, found: SearchResult, tmp_path: Path
) -> None:
    def stop(state: SearchProgress) -> None:
        if state.evaluations >= 50:
            raise KeyboardInterrupt

    journal = tmp_path / "journal.db"
    assert searched(graph, journal=journal, progress=stop).interrupted
    again = searched(graph, journal=journal, resume=True)
    assert again.resumed >= 50
    assert shown(again) == shown(found)
    counted = searched(graph, confidence=0.95, journal=journal, resume=True)  # the same samples are held back
    assert counted.resumed > 0
    assert counted.confirmation is not None and counted.confirmation.confidence == 0.95


def test_what_is_not_certified_is_careful(graph: Graph) -> None:
    drop = 0.014  # hardly more than what 800 samples without a differing answer show
    result, counted = (searched(graph, confidence=each, max_drop=drop) for each in (0.99, None))
    confirmation = result.confirmation
    assert result.feasible and not result.certified and confirmation is not None
    assert confirmation.samples == 800 and confirmation.tested == 2
    assert result.drop_bound is not None and result.drop_bound > drop
    assert confirmation.needed is not None and confirmation.needed > 1000
    assert "do not show with 99 %" in confirmation.sentence()
    assert result.best_point.cost >= counted.best_point.cost
    assert drop_on(graph, result, UNSEEN) <= drop_on(graph, counted, UNSEEN)


def test_without_confidence_the_drop_is_counted_and_read(graph: Graph) -> None:
    result = searched(graph, confidence=None)
    assert result.confidence is result.confirmation is result.drop_bound is None
    assert not result.certified
    least = result.float_accuracy - DROP - 1e-9
    assert result.feasible
    good = [point for point in result.points if point.accuracy >= least and point.risk <= DROP]
    assert result.best_point.cost == min(point.cost for point in good)
    assert result.best_point.precision in [point.precision for point in good]


FEW_WIDTHS: dict[str, Any] = {"weight_bits": (2, 3, 4, 8), "activation_bits": (3, 6), "evaluations": None}


def test_without_confidence_luck_on_the_samples_does_not_do(graph: Graph) -> None:
    """Everything is measured on few samples: what is cheapest as it is counted loses much more elsewhere."""
    few = (VALIDATION[0][300:450], VALIDATION[1][300:450])
    result = searched(graph, few, confidence=None, strategy="exhaustive", **FEW_WIDTHS)
    least = result.float_accuracy - DROP - 1e-9
    luckiest = min((p for p in result.points if p.accuracy >= least), key=lambda p: p.cost)
    x, y = UNSEEN
    right = (quantize(graph, CALIBRATION, luckiest.precision).predict(x).argmax(1) == y).mean()
    lost = float((graph.predict(x).argmax(1) == y).mean() - right)
    assert lost > 1.5 * DROP
    assert drop_on(graph, result, UNSEEN) < lost - DROP / 4
    assert result.best_point.accuracy >= least
    assert result.minimal


def test_where_the_gauge_agrees_with_none_the_count_decides(graph: Graph) -> None:
    """The samples are those on which narrow widths happen to lose nothing."""
    x, y = VALIDATION
    widths: dict[str, Any] = {"weight_bits": (3,), "activation_bits": (4,), "evaluations": None}
    narrow = quantize(graph, CALIBRATION, searched(graph, **widths).best_point.precision).predict(x)
    kept = (narrow.argmax(1) == y) | (graph.predict(x).argmax(1) != y)
    result = searched(graph, (x[kept], y[kept]), confidence=None, max_drop=0.001, **widths)
    assert result.best_point.risk > 0.001
    assert result.best_point.accuracy >= result.float_accuracy
    assert result.feasible and result.minimal


def test_too_few_samples_are_said_to_be_too_few(graph: Graph) -> None:
    few = (VALIDATION[0][300:450], VALIDATION[1][300:450])
    result = searched(graph, few)
    confirmation = result.confirmation
    assert result.feasible and not result.certified and confirmation is not None
    assert (confirmation.samples, confirmation.searched, confirmation.tested) == (0, 150, 0)
    assert result.drop_bound is not None and result.drop_bound > DROP
    assert confirmation.needed is not None
    assert 150 < confirmation.needed < 2000
    assert f"about {confirmation.needed:,} validation samples would do" in confirmation.sentence()
    counted = searched(graph, few, confidence=None)
    assert result.best_point.cost >= counted.best_point.cost  # not the luckiest
    assert drop_on(graph, result, UNSEEN) < drop_on(graph, counted, UNSEEN)
    enough = [searched(graph, data(2 * confirmation.needed, seed)).certified for seed in (6, 7, 8)]
    assert sum(enough) >= 2


def test_labels_that_nothing_keeps(graph: Graph) -> None:
    """Where no network is accurate enough there is nothing to be confirmed."""
    result = searched(graph, max_drop=0.001, weight_bits=(1, 2), activation_bits=(2,))
    assert not result.feasible and not result.certified
    assert result.confirmation is None and result.drop_bound is None


def test_a_fast_search_takes_about_a_hundred(graph: Graph, found: SearchResult) -> None:
    result = searched(graph, evaluations=None, effort="fast")
    assert result.evaluations <= FAST
    assert result.certified
    assert result.best_point.cost <= 1.2 * found.best_point.cost
    assert searched(graph, evaluations=30, effort="fast").evaluations <= 30  # what the user says counts


def test_small_spaces_are_enumerated_whatever_is_asked(graph: Graph) -> None:
    widths: dict[str, Any] = {"weight_bits": (2, 3, 4, 8), "activation_bits": (8,), "evaluations": None}
    for settings in ({}, {"confidence": None}, {"effort": "fast"}):
        result = searched(graph, **settings, **widths)
        assert result.strategy == "sensitivity"
        assert result.evaluations == 4**3 <= TINY
    widths["weight_bits"] = (2, 3, 4, 6, 8)
    full, fast = (searched(graph, effort=each, strategy="auto", **widths) for each in ("full", "fast"))
    assert (full.strategy, full.evaluations) == ("exhaustive", 5**3)
    assert fast.strategy == "sensitivity"
    assert fast.evaluations <= FAST < 5**3


@pytest.mark.parametrize("strategy", ["exhaustive", "greedy"])
def test_strategies_that_have_an_end_reach_it(strategy: str, graph: Graph) -> None:
    """The first hundred of all combinations are the widest: as good as none."""
    few: dict[str, Any] = {"weight_bits": (2, 3, 4, 6, 8), "activation_bits": (8,), "evaluations": None}
    full, fast = (searched(graph, effort=each, strategy=strategy, **few) for each in ("full", "fast"))
    assert fast.evaluations == full.evaluations > FAST * (strategy == "exhaustive")
    assert fast.best_point.cost == full.best_point.cost


def test_other_metrics_are_confirmed_too(graph: Graph) -> None:
    x = VALIDATION[0]
    result = searched(graph, (x, graph.predict(x)), metric="mse", max_drop=0.05)
    assert result.certified
    confirmation = result.confirmation
    assert confirmation is not None
    assert (confirmation.method, confirmation.samples) == (BOOTSTRAP, 800)
    unseen = UNSEEN[0]
    lost = np.square(result.best.predict(unseen) - graph.predict(unseen)).mean()
    assert confirmation.drop < confirmation.bound <= 0.05
    assert lost <= 0.05
