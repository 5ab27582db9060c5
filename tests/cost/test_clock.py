"""The clock that is asked for: latency, the fastest clock by the model, what is said if it is missed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.delays import Delays, Pace, delays_of
from hpq_hls.billing.parts import find_part
from hpq_hls.billing.stages import (
    cast_stages,
    cuts,
    levels_between,
    longest,
    product_stages,
    product_time,
    tree_registers,
)
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.simulate import QuantizedGraph

SLOWEST, FASTEST = 60.0, 1.0
OUT = FixedType.parse("ap_ufixed<8,4,AP_RND,AP_SAT>")


@pytest.fixture(scope="module")
def network() -> QuantizedGraph:
    torch.manual_seed(0)
    module = nn.Sequential(
        *(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU6(), nn.MaxPool2d(2), nn.AvgPool2d(3), nn.Flatten()),
        *(nn.Linear(8, 6), nn.Sigmoid(), nn.Linear(6, 3)),
    ).eval()
    x = np.random.default_rng(0).normal(size=(40, 2, 6, 6))
    return hpq.quantize(hpq.from_torch(module, torch.zeros(2, 2, 6, 6)), x, 8)


def pace(clock_ns: float, part: str = "xc7z020clg400-1") -> Pace:
    delays = delays_of(find_part(part).family, part)
    return Pace(delays, delays.left(clock_ns))


def test_registers_stand_where_the_next_step_would_not_fit() -> None:
    assert cuts((3, 3, 3, 3), 6) == (False, True, False)
    assert cuts((3, 3, 3, 3), 12) == (False, False, False)
    assert cuts((3, 3, 3, 3), 1) == (True, True, True)
    assert cuts((0, 5, 0, 5), 5) == (False, True, False)
    assert cuts((9, 2), 4) == (True,)


@pytest.mark.parametrize("budget", range(1, 30))
def test_no_stage_is_longer_than_the_budget_but_for_a_single_step(budget: int) -> None:
    rng = np.random.default_rng(budget)
    for _ in range(50):
        steps = rng.integers(0, 12, rng.integers(1, 7)).tolist()
        found = cuts(steps, budget)
        assert longest(steps, found) <= max(budget, *steps, 0)


def test_faster_clocks_take_no_fewer_registers() -> None:
    kinds = FixedType(8, 8), FixedType(8, 8)
    sums, clipped = FixedType(24, 12), Epilogue(high=40)
    clocks = [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 20, 50]
    for count in (
        lambda p: tree_registers(100, levels_between(p, 20)),
        lambda p: product_stages(p, *kinds, soft=True),
        lambda p: product_stages(p, *kinds, soft=False),
        lambda p: (lambda s: s.front + s.inside)(cast_stages(p, 1500, sums, OUT, clipped)),
    ):
        found = [count(pace(clock)) for clock in clocks]
        assert found == sorted(found, reverse=True)
        assert found[0] > found[-1]


@pytest.mark.parametrize("soft", [False, True])
def test_a_product_of_nominal_operands_has_time(soft: bool) -> None:
    kind = FixedType(8, 8)
    for clock in (4.0, 5.0, 8.0):
        given = pace(clock)
        stages = product_stages(given, kind, kind, soft=soft)
        assert product_time(given.delays, kind, kind, stages, soft=soft) <= given.budget


def test_latency_falls_at_slow_clocks_and_the_clock_rises_at_fast_ones(network: QuantizedGraph) -> None:
    found = [hpq.estimate(network, clock_ns=clock, target_interval=200) for clock in (2.5, 8.0, 20.0)]
    assert found[0].latency_cycles > found[1].latency_cycles > found[2].latency_cycles
    assert found[0].fmax_mhz > found[1].fmax_mhz > found[2].fmax_mhz
    assert found[0].ff > found[2].ff
    assert found[2].fmax_mhz >= 50
    assert len({one.interval_cycles for one in found}) == 1


def test_a_faster_part_needs_fewer_registers(network: QuantizedGraph) -> None:
    slow, fast = (
        hpq.estimate(network, part=part, clock_ns=3.0, target_interval=200)
        for part in ("xc7z020clg400-1", "xczu7ev-ffvc1156-3-e")
    )
    assert fast.latency_cycles < slow.latency_cycles
    assert fast.fmax_mhz > slow.fmax_mhz


def test_every_clock_that_is_promised_is_met(network: QuantizedGraph) -> None:
    """A design for the fastest clock that the model thinks possible says nothing of it."""
    missed = hpq.estimate(network, clock_ns=FASTEST, target_interval=200)
    (note,) = [note for note in missed.notes if "clock_ns" in note]
    assert missed.fmax_limited_by in note and "cannot be met on" in note
    possible = float(note.split()[-2])
    met = hpq.estimate(network, clock_ns=possible + 0.01, target_interval=200)
    assert not [note for note in met.notes if "clock_ns" in note]
    assert met.fmax_mhz == pytest.approx(1000 / possible, rel=0.01)  # the note has 10 ps
    assert met.to_dict()["fmax_limited_by"] == met.fmax_limited_by


def test_words_are_the_same_at_all_clocks(network: QuantizedGraph, tmp_path: object) -> None:
    texts = set()
    for clock in (FASTEST, SLOWEST):
        project = hpq.generate(network, f"{tmp_path}/{clock:g}", "rtl", clock_ns=clock, target_interval=200)
        assert bool([note for note in project.notes if "clock_ns" in note]) == (clock == FASTEST)
        x = np.random.default_rng(5).normal(size=(3, 2, 6, 6))
        made = project.cosim(x)
        np.testing.assert_array_equal(made.raw, network.predict_raw(x))
        estimate = hpq.estimate(network, clock_ns=clock, target_interval=200)
        assert made.latency_cycles == estimate.latency_cycles
        texts.add(made.latency_cycles)
    assert len(texts) == 2


def test_delays_do_not_depend_on_the_clock() -> None:
    assert pace(2.0).delays == pace(9.0).delays == Delays()


@pytest.mark.parametrize("weight", [8, 12])
def test_products_by_constants_have_registers_for_the_clock(weight: int) -> None:
    """However many sums a product is, at 200 MHz each stage has time, and a slow clock takes fewer."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    x = np.random.default_rng(3).normal(size=(20, 4))
    graph = hpq.from_torch(module, torch.zeros(2, 4))
    q = hpq.quantize(graph, x, {"default": {"weight": weight, "activation": 8}})
    settings = {"io": "parallel", "strategy": "unrolled", "multiplier": "lut"}
    fast, slow = (hpq.estimate(q, clock_ns=clock, **settings) for clock in (5.0, 20.0))
    assert not [note for note in fast.notes if "clock_ns" in note]
    assert fast.fmax_mhz >= 200
    assert fast.latency_cycles > slow.latency_cycles
    assert fast.dsp == slow.dsp == 0
