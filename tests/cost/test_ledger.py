"""A ledger says of every network what an estimate of its own would say."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy as np
import pytest
import torch
from joblib.externals.loky.backend.reduction import dumps
from torch import nn

from hpq_hls.billing.bill import Bill
from hpq_hls.cost import Ledger, build_design, estimate_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import HardwareConfig, Io, Multiplier, Strategy, build_dataflow
from hpq_hls.hardware.config import LayerFolding
from hpq_hls.kernels import Kernel
from hpq_hls.quantize import Quantizer
from hpq_hls.search.space import Space, space_of
from hpq_hls.simulate import LayerSpec, QuantizedGraph
from hpq_hls.simulate.quantized_graph import assemble
from tests.networks import random_network
from tests.scales import with_shifts, with_signs

PART = "xc7z020clg400-1"
CONFIGS = {
    "slow": HardwareConfig(target_interval=1 << 30),
    "middle": HardwareConfig(target_interval=40),
    "adders": HardwareConfig(target_interval=40, strategy=Strategy.DA),
    "fabric": HardwareConfig(target_interval=40, multiplier=Multiplier.LUT),
    "few blocks": HardwareConfig(target_interval=40, utilisation=0.02),
    "fast clock": HardwareConfig(target_interval=40, clock_ns=2.0),
    "slow clock": HardwareConfig(target_interval=40, clock_ns=40.0),
    "parallel": HardwareConfig(io=Io.PARALLEL),
    "parallel fabric": HardwareConfig(io=Io.PARALLEL, multiplier=Multiplier.LUT),
    "parallel adders": HardwareConfig(io=Io.PARALLEL, strategy=Strategy.DA),
}
SOLVED_WIDE = 200
"""Weights of a layer up to which adder graphs are looked for at any width; of more at few bits, as it takes
long."""


def estimated(q: QuantizedGraph, config: HardwareConfig) -> tuple[int, ...]:
    made = estimate_dataflow(build_design(q, config), PART, 5.0, weight_bits=0)
    return made.lut, made.ff, made.dsp, made.bram, made.latency_cycles, made.interval_cycles


def booked(ledger: Ledger, q: QuantizedGraph) -> tuple[int, ...]:
    made, timing = ledger.resources(q), ledger.timing(q)
    return made.lut, made.ff, made.dsp, made.bram, timing.latency, timing.interval


def answer(find: object, *given: object) -> object:
    """What a function returns, or the sentence with which it refuses."""
    try:
        return find(*given)  # type: ignore[operator]
    except ConfigError as error:
        return str(error)


def networks(quantizer: Quantizer, space: Space, draw: random.Random, count: int) -> list[QuantizedGraph]:
    """Random combinations, and such that differ from an earlier one in one place."""
    found = []
    base = space.widest
    for index in range(count):
        if index % 2:
            at = draw.randrange(len(base))
            base = (*base[:at], draw.randrange(len(space.variables[at].choices)), *base[at + 1 :])
        else:
            base = tuple(draw.randrange(len(variable.choices)) for variable in space.variables)
        found.append(quantizer.quantize(space.precision(base)))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_random_combinations_of_random_networks(seed: int) -> None:
    module, shape = random_network(seed)
    draw = random.Random(seed)
    graph = from_torch(module, torch.zeros(2, *shape))
    x = np.random.default_rng(seed).normal(size=(6, *shape))
    quantizer = Quantizer(graph, x, per_channel=bool(seed % 2))
    space = space_of(quantizer.graph, rounding=("AP_TRN", "AP_RND") if seed % 4 else ())
    found = networks(quantizer, space, draw, 4)
    found += [with_shifts(found[0], seed), with_signs(found[1], seed)]
    sizes = [node.op.weight.size for node in graph.nodes if node.op.weight is not None]
    narrow = quantizer.quantize(3) if max(sizes, default=0) > SOLVED_WIDE else found[0]
    solved = [narrow, with_shifts(narrow, seed), found[-1]]
    for label in list(CONFIGS)[seed % 3 :: 3]:
        config = CONFIGS[label]
        ledger = Ledger(config, PART)
        own = solved if config.strategy is Strategy.DA else found
        for q in (*own, own[0]):
            assert answer(booked, ledger, q) == answer(estimated, q, config), label
    assert booked(pickle.loads(dumps(ledger)), found[0]) == booked(ledger, found[0])


class Branches(nn.Module):
    """Residual adds, a depthwise layer, branches of different lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.deep = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.point = nn.Conv2d(4, 4, 1)
        self.side = nn.Conv2d(4, 4, 1)
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        y = torch.relu(self.point(torch.relu(self.deep(x))) + self.side(x))
        return self.last((x + y).mean((2, 3)))


@pytest.mark.parametrize("label", ["middle", "adders", "few blocks"])
def test_strategies_by_layer_and_branches(label: str) -> None:
    torch.manual_seed(5)
    graph = from_torch(Branches().eval(), torch.zeros(2, 3, 6, 6))
    quantizer = Quantizer(graph, np.random.default_rng(5).normal(size=(8, 3, 6, 6)))
    space = space_of(quantizer.graph)
    layers = {
        "point": LayerFolding(strategy=Strategy.DA),
        "side": LayerFolding(strategy=Strategy.UNROLLED),
        "stem": LayerFolding(pe=2, simd=9, multiplier=Multiplier.LUT),
    }
    config = HardwareConfig(target_interval=150, layers=layers) if label == "middle" else CONFIGS[label]
    ledger = Ledger(config, PART)
    for q in networks(quantizer, space, random.Random(1), 40):
        assert booked(ledger, q) == estimated(q, config)


def with_biases(q: QuantizedGraph, seed: int) -> QuantizedGraph:
    """The same network with other biases of the same types: none at all, or the old ones in another order."""
    rng = np.random.default_rng(seed)
    specs = {}
    for name, layer in q.layers.items():
        specs[name] = LayerSpec(
            layer.weight_raw,
            layer.weight_type,
            None if layer.bias_raw is None else rng.permutation(layer.bias_raw) * int(seed > 0),
            layer.bias_type,
            layer.output_type if layer.op.casts else None,
        )
    return assemble(q.graph, q.input_type, specs, q.example_inputs)


@pytest.mark.parametrize("blocks", [0.8, 0.02])
def test_layers_that_differ_in_biases_or_ranges_alone(blocks: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels are billed for the first of them, their biases for each; where biases are a part of the
    circuit, in an unrolled layer, so are the kernels."""
    import hpq_hls.cost.places as module

    torch.manual_seed(7)
    graph = from_torch(Branches().eval(), torch.zeros(2, 3, 6, 6))
    quantizer = Quantizer(graph, np.random.default_rng(7).normal(size=(8, 3, 6, 6)))
    layers = {"side": LayerFolding(strategy=Strategy.UNROLLED)}
    config = HardwareConfig(target_interval=150, layers=layers, utilisation=blocks)
    ledger = Ledger(config, PART)
    billed: list[str] = []
    real = module.bill_kernel

    def noted(kernel: Kernel, *more: Any, **named: Any) -> Bill:
        billed.append(kernel.layer)
        return real(kernel, *more, **named)

    monkeypatch.setattr(module, "bill_kernel", noted)
    for width in (4, 6, 9):
        luts = set()
        for seed in range(6):
            q = with_biases(quantizer.quantize(width), seed)
            billed.clear()
            made = booked(ledger, q)
            assert made == estimated(q, config)
            assert "side" in billed
            assert not seed or len(set(billed)) < 5  # of seven layers with kernels of their own
            luts.add(made[0])
        assert len(luts) > 1


def test_a_wide_input_enters_in_as_many_beats_as_it_takes() -> None:
    """The input's width decides lanes, and so the kernels behind it."""
    torch.manual_seed(6)
    graph = from_torch(nn.Conv2d(160, 2, 1).eval(), torch.zeros(2, 160, 2, 2))
    quantizer = Quantizer(graph, np.random.default_rng(6).normal(size=(4, 160, 2, 2)))
    config = HardwareConfig(target_interval=1000)
    ledger = Ledger(config, PART)
    widths = [2, 6, 7, 12, 13, 16, 6, 2]
    found = [quantizer.quantize({"input": {"activation": width}}) for width in widths]
    lanes = [flow.streams[flow.input].lanes for flow in (build_dataflow(q, config) for q in found)]
    assert len(set(lanes)) > 2
    for q in found:
        assert booked(ledger, q) == estimated(q, config)


def test_networks_of_other_graphs_are_no_problem() -> None:
    ledger = Ledger(CONFIGS["middle"], PART)
    x = np.random.default_rng(0).normal(size=(4, 5))
    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(5, 4 + seed), nn.ReLU(), nn.Linear(4 + seed, 2)).eval()
        q = Quantizer(from_torch(module, torch.zeros(2, 5)), x).quantize(5)
        assert booked(ledger, q) == estimated(q, CONFIGS["middle"])


def test_layers_are_billed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import hpq_hls.cost.places as module

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2)).eval()
    quantizer = Quantizer(from_torch(net, torch.zeros(2, 5)), np.random.default_rng(0).normal(size=(9, 5)))
    ledger = Ledger(CONFIGS["middle"], PART)
    ledger.resources(quantizer.quantize(4))
    billed: list[str] = []
    real = module.bill_kernel
    monkeypatch.setattr(
        module, "bill_kernel", lambda kernel, *rest: billed.append(kernel.layer) or real(kernel, *rest)
    )
    ledger.resources(quantizer.quantize(4))
    assert billed == []
    ledger.resources(quantizer.quantize({"default": 4, "layers": {"2": {"weight": 3}}}))
    assert set(billed) <= {"2", "4"}  # "4" where the values that it gets are others now
    assert "2" in billed
