"""What networks cost: single figures, weighted sums, and one estimate for cost and limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.cost import Ledger, build_design, estimate_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import HardwareConfig, Io
from hpq_hls.project import estimate
from hpq_hls.quantize import Quantizer
from hpq_hls.search import search
from hpq_hls.search.limits import Figure, Limits
from hpq_hls.search.objective import LUTS_PER_DSP, OBJECTIVES, bit_operations, find_objective
from hpq_hls.search.speed import pricer_of
from hpq_hls.simulate import QuantizedGraph

PART, CLOCK = "xc7z020clg400-1", 5.0
CALIBRATION = np.random.default_rng(0).normal(size=(20, 1, 8, 8))


@pytest.fixture(scope="module")
def quantizer() -> Quantizer:
    torch.manual_seed(2)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)).eval()
    with torch.no_grad():
        net[0].weight *= torch.tensor([1.0, 4.0, 16.0, 64.0])[:, None, None, None]
    return Quantizer(from_torch(net, torch.zeros(1, 1, 8, 8)), CALIBRATION)


@pytest.fixture(scope="module")
def typical(quantizer: Quantizer) -> QuantizedGraph:
    return quantizer.quantize(8)


def cost(q: QuantizedGraph, objective: Any, **limits: Any) -> float:
    return pricer_of(find_objective(objective), Limits(**limits), PART, CLOCK, None, q)(q).cost


def test_every_objective_is_its_figure(typical: QuantizedGraph) -> None:
    pricer = pricer_of(find_objective("lut"), Limits(), PART, CLOCK, None, typical)
    made = estimate_dataflow(
        build_design(typical, pricer.config), PART, CLOCK, weight_bits=typical.weight_bits
    )
    assert made.dsp > 0
    expected = {
        "lut": made.lut + LUTS_PER_DSP * made.dsp,
        "ff": made.ff,
        "dsp": made.dsp,
        "bram": made.bram,
        "weight_bits": typical.weight_bits,
        "bops": bit_operations(typical),
    }
    assert {name: cost(typical, name) for name in expected} == expected
    times = pricer_of(find_objective({"latency": 1, "interval": 1000}), Limits(), PART, CLOCK, None, typical)
    assert times(typical).cost == made.latency_cycles + 1000 * made.interval_cycles


@pytest.mark.parametrize("objective", ["throughput", "interval", "latency"])
def test_nothing_but_time_is_the_fastest_that_fits(typical: QuantizedGraph, objective: str) -> None:
    part = "xc7s6"
    pricer = pricer_of(find_objective(objective), Limits(), part, CLOCK, None, typical)
    final = pricer.settled(typical)
    made = estimate(typical, part, CLOCK, target_interval=final.config.target_interval)
    cycles = made.latency_cycles if objective == "latency" else made.interval_cycles
    assert final(typical).cost == cycles
    assert max(made.to_dict()["utilization"].values()) <= 0.8
    assert made.interval_cycles <= estimate(typical, part, CLOCK).interval_cycles
    bound = made.lut - 1
    tighter = pricer_of(find_objective(objective), Limits(lut=bound), part, CLOCK, None, typical)
    assert tighter.settled(typical).figures(typical, [Figure.LUT])[Figure.LUT] <= bound


def test_a_sum_adds_weighted_figures(typical: QuantizedGraph) -> None:
    one = {name: cost(typical, name) for name in ("lut", "dsp", "bram", "ff", "weight_bits")}
    one["latency"] = cost(typical, {"latency": 1, "bops": 1}) - bit_operations(typical)
    dsps = LUTS_PER_DSP * one["dsp"]
    assert cost(typical, {"bram": 200, "weight_bits": 0.5}) == 200 * one["bram"] + 0.5 * one["weight_bits"]
    assert cost(typical, {"lut": 2, "latency": 3}) == 2 * one["lut"] + 3 * one["latency"]
    assert cost(typical, {"lut": 1, "dsp": 30}) == one["lut"] - dsps + 30 * one["dsp"]
    assert cost(typical, {"ff": 1}) == one["ff"]


def test_a_sum_has_a_name() -> None:
    assert find_objective("lut").name == find_objective({"lut": 1}).name == "lut"
    assert find_objective({"lut": 1, "bram": 200, "ff": 0.25}).name == "lut + 200 bram + 0.25 ff"


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("luts", "objective is 'luts'; did you mean 'lut'?"),
        (
            "area",
            "objective is 'area'; choose one of lut, ff, dsp, bram, latency, interval, weight_bits, bops",
        ),
        ({}, "objective is empty; give a weight to one or more of lut, ff"),
        ({"lut": 1, "brams": 2}, "objective.brams is no objective; did you mean 'bram'?"),
        ({"lut": 0}, "objective.lut is 0; a weight is a number above 0"),
        ({"lut": -1}, "objective.lut is -1; a weight is a number above 0"),
        ({"lut": float("inf")}, "objective.lut is inf; a weight"),
        ({"lut": True}, "objective.lut is True; a weight"),
        ({"lut": "1"}, "objective.lut is '1'; a weight"),
        (["lut"], "objective is ['lut']; give a name, or a mapping of names to weights"),
    ],
)
def test_what_is_no_objective_is_refused(objective: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_objective(objective)
    assert str(caught.value).startswith(message)


def test_bit_operations_are_counted_by_hand(quantizer: Quantizer) -> None:
    q = quantizer.quantize(
        {"0": {"weight": 3, "activation": 5}, "4": {"weight": 2, "activation": 9}, "input": {"activation": 7}}
    )
    assert bit_operations(q) == 36 * 36 * 3 * 7 + 36 * 3 * 2 * 5


def test_bit_operations_do_not_count_the_shift_of_a_channel(quantizer: Quantizer) -> None:
    q = Quantizer(quantizer.graph, CALIBRATION, per_channel=True).quantize(4)
    assert q.layers["0"].weight_shift is not None
    assert bit_operations(q) == bit_operations(quantizer.quantize(4))


@pytest.mark.parametrize(
    ("objective", "limits", "estimates"),
    [
        ("weight_bits", {}, 0),
        ({"bops": 1e-3, "weight_bits": 1}, {"weight_bits": 5000}, 0),
        ("weight_bits", {"bram": 10}, 1),
        ("lut", {"utilisation": 0.8, "latency_us": 50, "throughput": 100}, 1),
        ({"lut": 1, "latency": 1}, {"dsp": 100, "weight_bits": 9}, 1),
    ],
)
def test_a_price_takes_one_estimate_or_none(
    typical: QuantizedGraph, monkeypatch: pytest.MonkeyPatch, objective: Any, limits: Any, estimates: int
) -> None:
    pricer = pricer_of(find_objective(objective), Limits(**limits), PART, CLOCK, None, typical)
    made = []
    real = Ledger.resources
    monkeypatch.setattr(Ledger, "resources", lambda *a: made.append(1) or real(*a))
    pricer(typical)
    assert len(made) == estimates


def test_without_hardware_settings_the_part_s_dsps_are_the_budget(typical: QuantizedGraph) -> None:
    def target(part: str) -> int | None:
        return pricer_of(find_objective("lut"), Limits(), part, CLOCK, None, typical).config.target_interval

    small, large = target("xc7s6"), target("xc7z045")
    assert small is not None and large is not None
    assert small > large


def test_folding_of_the_user_s_own_stays(typical: QuantizedGraph) -> None:
    for config in (HardwareConfig(target_interval=777), HardwareConfig(io=Io.PARALLEL)):
        pricer = pricer_of(find_objective("lut"), Limits(throughput=1e6), PART, CLOCK, config, typical)
        assert pricer.config == config


def test_a_search_saves_a_sum(quantizer: Quantizer) -> None:
    graph = quantizer.graph
    x = np.random.default_rng(3).normal(size=(40, 1, 8, 8))
    found = search(
        graph,
        CALIBRATION,
        (x, graph.predict(x).argmax(1)),
        objective={"weight_bits": 1, "bops": 0.001},
        weight_bits=(3, 6),
        activation_bits=(4, 8),
        max_drop=0.2,
        confidence=None,
        strategy="exhaustive",
    )
    assert found.objective == "weight_bits + 0.001 bops"
    assert found.best_point.cost == found.best.weight_bits + 0.001 * bit_operations(found.best)
    feasible = [point for point in found.points if point.accuracy >= found.float_accuracy - 0.2]
    assert found.best_point.cost == min(point.cost for point in feasible)


def test_figures_are_those_of_the_objectives() -> None:
    assert set(OBJECTIVES) == {"throughput", *(figure.value for figure in Figure)}
