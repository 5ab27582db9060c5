"""Limits: what they mean in figures, how far they are exceeded, and the folding that meets them."""

# ruff: noqa: E501  # a row of a table of mistakes reads best on one line

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hpq_hls.cost import find_part
from hpq_hls.errors import ConfigError
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.hardware import HardwareConfig, Io
from hpq_hls.project import estimate
from hpq_hls.quantize import quantize
from hpq_hls.search import search
from hpq_hls.search.limits import Bound, Checked, Figure, Limits, check_bounds, exceeded, find_limits
from hpq_hls.search.objective import find_objective
from hpq_hls.search.speed import pricer_of
from hpq_hls.simulate import QuantizedGraph

PART, CLOCK = "xc7z020clg400-1", 5.0
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def graph() -> Graph:
    torch.manual_seed(2)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 16),
        nn.ReLU(),
        nn.Linear(16, 3),
    ).eval()
    return from_torch(net, torch.zeros(1, 1, 8, 8))


@pytest.fixture(scope="module")
def typical(graph: Graph) -> QuantizedGraph:
    return quantize(graph, RNG.normal(size=(20, 1, 8, 8)), 8)


def bounds(**limits: Any) -> dict[tuple[str, Figure], float]:
    return {(b.key, b.figure): b.most for b in Limits(**limits).bounds(PART, CLOCK)}


def test_no_limits_are_no_bounds() -> None:
    assert bounds() == {}


def test_utilisation_is_a_share_of_everything_the_part_has() -> None:
    part = find_part(PART)
    assert bounds(utilisation=0.5) == {
        ("utilisation", Figure.LUT): part.lut / 2,
        ("utilisation", Figure.FF): part.ff / 2,
        ("utilisation", Figure.DSP): part.dsp / 2,
        ("utilisation", Figure.BRAM): part.bram / 2,
    }


def test_numbers_are_bounds_of_their_own() -> None:
    found = bounds(lut=100, ff=200, dsp=0, bram=3, weight_bits=4000)
    assert found == {(figure.value, figure): limit for figure, limit in (
        (Figure.LUT, 100), (Figure.FF, 200), (Figure.DSP, 0), (Figure.BRAM, 3), (Figure.WEIGHT_BITS, 4000),
    )}  # fmt: skip


def test_times_become_cycles_and_bring_the_part_s_capacity() -> None:
    found = bounds(latency_us=0.3, throughput=1e6, latency_cycles=70, interval_cycles=80, utilisation=0.9)
    assert found["latency_us", Figure.LATENCY] == 60  # 0.3e3 / 5 is 59.99999999999999 in doubles
    assert found["throughput", Figure.INTERVAL] == 200
    assert found["latency_cycles", Figure.LATENCY] == 70
    assert found["interval_cycles", Figure.INTERVAL] == 80
    assert bounds(throughput=3e6)["throughput", Figure.INTERVAL] == 66  # of 66.7; 67 would be too slow
    for limit in ("latency_us", "throughput", "latency_cycles", "interval_cycles"):
        assert bounds(**{limit: 9})["utilisation", Figure.LUT] == find_part(PART).lut


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"utilisation": 80}, "limits.utilisation is 80; it is a share of the part, more than 0 and up to 1, such as 0.8"),
        ({"utilisation": 0}, "limits.utilisation is 0; it is a share"),
        ({"utilisation": "80%"}, "limits.utilisation is '80%'; give a number"),
        ({"lut": -1}, "limits.lut is -1; it must be at least 0"),
        ({"dsp": 1.5}, "limits.dsp is 1.5; it must be a whole number"),
        ({"ff": True}, "limits.ff is True; give a number"),
        ({"latency_cycles": 0}, "limits.latency_cycles is 0; it must be at least 1"),
        ({"latency_us": 0}, "limits.latency_us is 0; it must be more than 0"),
        ({"throughput": float("inf")}, "limits.throughput is inf; give a number"),
        ({"utilization": 0.8}, "limits.utilization is no limit; did you mean 'utilisation'?"),
        (5, "limits is 5; give a mapping such as {utilisation: 0.8}"),
    ],
)  # fmt: skip
def test_what_is_no_limit_is_refused(limits: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_limits(limits)
    assert str(caught.value).startswith(message)


@given(st.dictionaries(st.sampled_from(list(Figure)), st.tuples(st.integers(0, 50), st.integers(0, 100))))
def test_the_excess_is_the_worst_share(given_figures: dict[Figure, tuple[int, int]]) -> None:
    limits = [Bound(figure.value, figure, most) for figure, (most, _) in given_figures.items()]
    checks = check_bounds(limits, {figure: value for figure, (_, value) in given_figures.items()})
    for check, (most, value) in zip(checks, given_figures.values(), strict=True):
        assert (check.excess == 0) == (value <= most)
        assert check.excess == (0 if value <= most else (value - most) / max(most, 1))
    said = exceeded(checks)
    over = sorted(check.excess for check in checks if check.excess > 0)
    assert said.count("too many") == len(over)
    if over:
        worst = 100 * over[-1]
        shown = f"{worst:,.0f}" if worst >= 100 else f"{worst:.3g}"
        assert f" {shown} % too many" in said.partition("too many")[0] + "too many"


def test_what_is_exceeded_is_said_in_words() -> None:
    fine = Checked(Bound("dsp", Figure.DSP, 10), 10)
    over = Checked(Bound("utilisation", Figure.LUT, 42560.0, "80 % of xc7z020"), 61204)
    slow = Checked(Bound("latency_us", Figure.LATENCY, 1000, "5 us at 5 ns"), 3000)
    assert str(fine) == "10 DSPs of at most 10"
    assert exceeded([fine]) == ""
    assert exceeded([fine, over, slow]) == (
        "limits.latency_us: 3,000 cycles of latency of at most 1,000 (5 us at 5 ns), 200 % too many and "
        "limits.utilisation: 61,204 LUTs of at most 42,560 (80 % of xc7z020), 43.8 % too many"
    )


# ---------------------------------------------------------------------------------------------
# Folding


def folded(q: QuantizedGraph, objective: str = "lut", **limits: Any) -> tuple[int, Any]:
    """Target interval, and the estimate at it."""
    pricer = pricer_of(find_objective(objective), Limits(**limits), PART, CLOCK, None, q)
    target = pricer.config.target_interval
    assert target is not None
    found = estimate(q, PART, CLOCK, target_interval=target)
    excess = max((check.excess for check in pricer.check(q)), default=0.0)
    assert excess == pricer(q).excess
    return target, found


def test_without_limits_folding_is_as_fast_as_the_dsps_allow(typical: QuantizedGraph) -> None:
    _, found = folded(typical)
    assert found == estimate(typical, PART, CLOCK)


@pytest.mark.parametrize("throughput", [2e5, 4e5, 1e6])
def test_a_throughput_is_met_with_the_least_hardware(typical: QuantizedGraph, throughput: float) -> None:
    target, found = folded(typical, throughput=throughput)
    assert found.interval_cycles <= 1e9 / CLOCK / throughput
    slower = estimate(typical, PART, CLOCK, target_interval=target + 1)
    assert slower.interval_cycles > 1e9 / CLOCK / throughput or slower.lut >= found.lut


def test_a_slower_limit_costs_less(typical: QuantizedGraph) -> None:
    fast, slow = (folded(typical, interval_cycles=cycles)[1] for cycles in (150, 1500))
    assert slow.lut + 55 * slow.dsp < fast.lut + 55 * fast.dsp
    assert fast.interval_cycles <= 150 < slow.interval_cycles <= 1500


def test_a_latency_is_met_with_the_least_hardware(typical: QuantizedGraph) -> None:
    least = folded(typical)[1].latency_cycles
    for allowed in (least + 50, 3 * least):
        target, found = folded(typical, latency_cycles=allowed)
        assert found.latency_cycles <= allowed
        assert estimate(typical, PART, CLOCK, target_interval=target + 1).latency_cycles > allowed


def test_whoever_saves_time_gets_the_fastest_within_a_limit(typical: QuantizedGraph) -> None:
    assert folded(typical, "latency", throughput=1e5)[0] == folded(typical, "latency")[0]


def test_a_time_that_nothing_meets_is_shown_at_its_fastest(typical: QuantizedGraph) -> None:
    _, found = folded(typical, latency_cycles=20)
    fastest = estimate(typical, PART, CLOCK, target_interval=1)
    assert found.latency_cycles == fastest.latency_cycles > 20
    target, found_interval = folded(typical, interval_cycles=5)
    assert found_interval.interval_cycles == fastest.interval_cycles == target
    pricer = pricer_of(find_objective("lut"), Limits(latency_cycles=20), PART, CLOCK, None, typical)
    assert pricer(typical).excess >= (found.latency_cycles - 20) / 20
    assert f"limits.latency_cycles: {found.latency_cycles} cycles of latency of at most 20" in exceeded(
        pricer.check(typical)
    )


def test_capacity_slows_folding_down_until_the_network_fits(typical: QuantizedGraph) -> None:
    free, unlimited = folded(typical)
    target, found = folded(typical, dsp=unlimited.dsp // 3)
    assert found.dsp <= unlimited.dsp // 3
    assert target > free
    assert estimate(typical, PART, CLOCK, target_interval=target - 1).dsp > unlimited.dsp // 3


def test_capacity_that_nothing_meets_gets_the_slowest_folding(typical: QuantizedGraph) -> None:
    _, found = folded(typical, lut=10)
    assert found == estimate(typical, PART, CLOCK, target_interval=1 << 30)


# ---------------------------------------------------------------------------------------------
# In a search


def searched(graph: Graph, **settings: Any) -> Any:
    x = np.random.default_rng(4).normal(size=(50, 1, 8, 8))
    rules = {"weight_bits": (3, 5, 8), "activation_bits": (8,), "max_drop": 0.3, "strategy": "exhaustive"}
    return search(graph, x[:20], (x, graph.predict(x).argmax(1)), **(rules | settings))


def test_a_search_keeps_to_the_limits(graph: Graph) -> None:
    free = searched(graph, objective="latency")
    assert free.limits == ()
    costs = sorted(point.weight_bits for point in free.points)
    limit = costs[len(costs) // 3]
    found = searched(graph, objective="latency", limits={"weight_bits": limit, "utilisation": 0.9})
    assert found.feasible
    assert found.best.weight_bits <= limit
    assert {point.excess == 0 for point in found.points} == {True, False}
    for point in found.points:
        assert (point.excess == 0) == (point.weight_bits <= limit)
        assert point.excess == max(point.weight_bits - limit, 0) / limit
    assert all(point.excess == 0 for point in found.pareto)
    values = {check.bound.figure: check.value for check in found.limits}
    made = estimate(found.best, PART, CLOCK, target_interval=found.target_interval)
    assert values == {
        Figure.LUT: made.lut,
        Figure.FF: made.ff,
        Figure.DSP: made.dsp,
        Figure.BRAM: made.bram,
        Figure.WEIGHT_BITS: found.best.weight_bits,
    }


def test_a_search_that_nothing_fits_says_so(graph: Graph) -> None:
    found = searched(graph, limits=Limits(lut=100), objective="weight_bits")
    assert not found.feasible
    assert found.pareto == ()
    assert found.best_point.excess == min(point.excess for point in found.points) > 0
    (check,) = found.limits
    assert check.value == estimate(found.best, PART, CLOCK, target_interval=found.target_interval).lut
    assert exceeded(found.limits).startswith(f"limits.lut: {check.value:,.0f} LUTs of at most 100, ")


def test_in_one_beat_latency_is_what_it_is(graph: Graph) -> None:
    torch.manual_seed(0)
    small = from_torch(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)).eval(), torch.zeros(1, 6))
    x = np.random.default_rng(4).normal(size=(50, 6))
    rules: dict[str, Any] = {"hardware": HardwareConfig(io=Io.PARALLEL), "weight_bits": (4,), "max_drop": 1.0,
                             "activation_bits": (4,), "objective": "weight_bits"}  # fmt: skip
    y = small.predict(x).argmax(1)
    free = search(small, x, (x, y), limits={"latency_us": 1.0}, **rules)
    assert free.feasible
    assert free.target_interval is None
    cycles = next(check.value for check in free.limits if check.bound.figure is Figure.LATENCY)
    tight = search(small, x, (x, y), limits={"latency_us": (cycles - 1) * CLOCK / 1e3}, **rules)
    assert not tight.feasible
    assert math.isclose(tight.best_point.excess, 1 / (cycles - 1))
