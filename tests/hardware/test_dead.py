"""What nobody reads is left out, and nobody can tell from the outputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import Ledger, build_design, estimate_dataflow, fold
from hpq_hls.cost.folding import UNLIMITED, interval_of, reached
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import (
    HardwareConfig,
    Io,
    LayerFolding,
    NarrowedGraph,
    Strategy,
    build_dataflow,
    without_dead,
)
from hpq_hls.hardware.fixed import constants_of
from hpq_hls.hardware.live import fewest
from hpq_hls.simulate import QuantizedGraph, simulate, simulate_all
from hpq_hls.simulate.engine import reference
from tests.networks import random_network
from tests.scales import with_shifts, with_signs

STREAM, PARALLEL = HardwareConfig(), HardwareConfig(io=Io.PARALLEL)
PART = "xc7z020clg400-1"


class Vector(nn.Module):
    """Neurons without weights, some of which the bias keeps above zero, and neurons that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 16), nn.Linear(16, 12), nn.Linear(12, 4)
        with torch.no_grad():
            self.a.weight[3:9] = 0
            self.b.weight[2:5] = 0
            self.b.weight[:, 12:] = 0
            self.c.weight[:, 7:9] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c(torch.sigmoid(self.b(torch.relu(self.a(x)))))  # type: ignore[no-any-return]


class Image(nn.Module):
    """A residual block, a depthwise convolution, slopes by channel, a flattened image."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(2, 6, 3, padding=1, stride=2), nn.Conv2d(6, 6, 3, padding=1)
        self.depthwise, self.c3 = nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Conv2d(6, 8, 1)
        self.slopes, self.f, self.g = nn.PReLU(8), nn.Linear(72, 6), nn.Linear(6, 3)
        with torch.no_grad():
            self.slopes.weight.uniform_(-0.3, 0.5)
            self.c1.weight[2:4], self.c1.bias[2:4] = 0, -0.5
            self.c2.weight[2:4], self.c2.bias[2:4] = 0, -0.1
            self.c2.weight[:, 5] = 0
            self.depthwise.weight[1], self.depthwise.bias[1] = 0, -1
            self.c3.weight[4:7] = 0
            self.c3.weight[:, 3] = 0
            self.f.weight[2:4] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.c1(x))
        x = torch.relu(self.depthwise(torch.relu(self.c2(x) + x)))
        x = self.slopes(self.c3(x)).flatten(1)
        return self.g(torch.relu(self.f(x)))  # type: ignore[no-any-return]


def quantized(module: nn.Module, shape: tuple[int, ...], precision: int = 5) -> tuple[QuantizedGraph, Any]:
    x = np.random.default_rng(1).normal(size=(40, *shape)).astype(np.float32)
    return hpq.quantize(from_torch(module.eval(), torch.tensor(x[:1])), x, precision), x


def vector() -> tuple[QuantizedGraph, Any]:
    torch.manual_seed(0)
    return quantized(Vector(), (8,))


def image() -> tuple[QuantizedGraph, Any]:
    torch.manual_seed(0)
    return quantized(Image(), (2, 6, 6))


NETWORKS = {"vector": vector, "image": image}


def channels(q: QuantizedGraph) -> dict[str, int]:
    return {name: q.graph.shapes[name][0] for name in q.layers}


def pruned(module: nn.Module, rng: np.random.Generator) -> nn.Module:
    """Without some rows, columns and weights."""
    share = float(rng.choice([0.2, 0.5, 0.8]))
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            with torch.no_grad():
                weight = part.weight
                if rng.random() < 0.7:
                    weight[torch.tensor(rng.random(weight.shape[0]) < share)] = 0
                if rng.random() < 0.5:
                    weight[:, torch.tensor(rng.random(weight.shape[1]) < share)] = 0
                weight[torch.tensor(rng.random(weight.shape) < 0.5)] = 0
    return module


@pytest.mark.parametrize("seed", range(3000, 3036))
def test_outputs_are_the_same(seed: int) -> None:
    """Of random pruned networks, as they are, with scales by channel, and with signs as weights."""
    rng = np.random.default_rng(seed)
    module, shape = random_network(seed)
    x = rng.normal(size=(24, *shape)).astype(np.float32)
    graph = from_torch(pruned(module, rng), torch.tensor(x[:1]))
    plain = hpq.quantize(graph, x, int(rng.integers(3, 8)))
    raw = plain.quantize_input(x)
    for q in (plain, with_shifts(plain, seed), with_signs(plain, seed)):
        for config in (STREAM, PARALLEL):
            left = without_dead(q, config)
            assert without_dead(q, config) is left
            assert without_dead(left, config) is left
            assert np.array_equal(reference(left, raw), reference(q, raw))
            assert np.array_equal(simulate(left, raw), reference(q, raw))


class Rows(nn.Module):
    """A linear layer on each row of a matrix, which needs and keeps all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 6), nn.Linear(18, 7), nn.Linear(7, 2)
        with torch.no_grad():
            self.first.weight[2:4] = 0
            self.last.weight[:, :3] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = torch.relu(self.second(torch.relu(self.first(x)).flatten(1)))
        return self.last(made)  # type: ignore[no-any-return]


class Signal(nn.Module):
    """Convolutions over one axis, one of two groups, channels side by side, a mean over positions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(2, 6, 3), nn.Conv1d(6, 6, 3, groups=2)
        self.third, self.last = nn.Conv1d(8, 9, 1), nn.Linear(9, 3)
        with torch.no_grad():
            self.first.weight[1:3] = 0
            self.third.weight[:, 2] = 0
            self.last.weight[:, 4:] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = torch.relu(self.second(torch.relu(self.first(x))))
        made = torch.relu(self.third(torch.cat([made, x[:, :, 4:]], 1)))
        return self.last(made.mean(2))  # type: ignore[no-any-return]


@pytest.mark.parametrize("config", [STREAM, PARALLEL], ids=["stream", "parallel"])
@pytest.mark.parametrize(
    ("make", "shape", "left"),
    [
        (Rows, (3, 4), {"first": 3, "second": 4, "last": 2}),
        (Signal, (2, 10), {"first": 6, "second": 6, "third": 4, "last": 3}),
    ],
)
def test_what_an_operator_does_not_know_stays(
    make: type[nn.Module], shape: tuple[int, ...], left: dict[str, int], config: HardwareConfig
) -> None:
    torch.manual_seed(4)
    plain, x = quantized(make(), shape, 6)
    raw = plain.quantize_input(x)
    for q in (plain, with_shifts(plain, 1)):
        found = without_dead(q, config)
        here = channels(found)
        if config is PARALLEL and q is plain:
            assert {name: here[name] for name in left} == left
        assert np.array_equal(simulate(found, raw), reference(q, raw))
        assert build_design(q, config).network is found


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_left(name: str) -> None:
    q, x = NETWORKS[name]()
    found = {config.io: channels(without_dead(q, config)) for config in (STREAM, PARALLEL)}
    assert found == {
        "vector": {
            Io.STREAM: {"a": 6, "b": 8, "sigmoid": 8, "c": 4},
            Io.PARALLEL: {"a": 6, "b": 7, "sigmoid": 7, "c": 4},
        },
        "image": {
            Io.STREAM: {
                "c1": 4, "c2": 4, "add": 4, "depthwise": 4, "c3": 6, "flatten": 54, "f": 4, "g": 3,
            },
            Io.PARALLEL: {
                "c1": 4, "c2": 4, "add": 4, "depthwise": 4, "c3": 5, "flatten": 45, "f": 4, "g": 3,
            },
        },
    }[name]  # fmt: skip
    for config in (STREAM, PARALLEL):
        left = without_dead(q, config)
        assert np.array_equal(left.predict_raw(x), q.predict_raw(x))


def test_an_element_has_its_place_in_the_whole_network() -> None:
    q, x = image()
    left = without_dead(q, PARALLEL)
    assert isinstance(left, NarrowedGraph)
    whole, part = (simulate_all(each, each.quantize_input(x)) for each in (q, left))
    for name in q.layers:
        for index in np.ndindex(left.graph.shapes[name]):
            place = left.place(name, index)
            assert (part[name][(slice(None), *index)] == whole[name][(slice(None), *place)]).all()


def test_a_network_without_dead_channels_is_the_same_object() -> None:
    torch.manual_seed(1)
    q, _ = quantized(nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3)), (6,), 8)
    assert without_dead(q, STREAM) is q
    assert without_dead(q, PARALLEL) is q


def test_layers_folded_by_hand_stay_whole() -> None:
    q, _ = vector()
    left = without_dead(q, HardwareConfig(layers={"b": LayerFolding(pe=12)}))
    assert channels(left) == {"a": 16, "b": 12, "sigmoid": 12, "c": 4}
    project = hpq.estimate(q, layers={"b": {"pe": 12, "simd": 16}})
    assert next((layer.pe, layer.simd) for layer in project.layers if layer.name == "b") == (12, 16)


def test_constants_go_into_biases_where_nothing_is_padded() -> None:
    """A neuron of zeros whose bias is above zero is 0.75 whatever comes in."""
    for padding, kept in ((0, 3), (1, 4)):
        module = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=padding))
        torch.manual_seed(3)
        with torch.no_grad():
            module[0].weight.uniform_(0.2, 1)
            module[0].weight[2], module[0].bias[2] = 0, 0.75
        q, x = quantized(module, (1, 5, 5), 6)
        left = without_dead(q, PARALLEL)
        assert list(constants_of(q).values["0"].mask) == [False, False, True, False]
        assert channels(left)["0"] == kept
        assert np.array_equal(left.predict_raw(x), q.predict_raw(x))


def test_the_zero_of_shifts_stays() -> None:
    q, x = vector()
    shifted = with_shifts(q, 5, lambda rng, count: np.minimum(np.arange(count)[::-1], 3))
    shift = shifted.layers["a"].weight_shift
    assert shift is not None and list(np.flatnonzero(shift == 0)) == [15]
    left = without_dead(shifted, PARALLEL)  # nobody reads it
    own = left.layers["a"].weight_shift
    assert own is not None and own.min() == 0
    assert np.array_equal(left.predict_raw(x), shifted.predict_raw(x))


@pytest.mark.parametrize("whole", [1, 7, 12, 16, 60, 64])
def test_so_many_stay_that_folding_is_as_good(whole: int) -> None:
    def steps(count: int, lanes: int) -> int:
        """The fewest, with at most so many lanes."""
        return min(count // each for each in range(1, lanes + 1) if count % each == 0)

    for count in range(1, whole + 1):
        suits = [
            each
            for each in range(count, whole + 1)
            if all(steps(each, lanes) <= steps(whole, lanes) for lanes in range(1, whole + 1))
        ]
        assert fewest(whole, count) == suits[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_designs_are_never_slower(name: str) -> None:
    """With as many multipliers at most, at every target."""
    q, _ = NETWORKS[name]()
    left = without_dead(q, STREAM)
    target, slowest = 1, reached(q, STREAM, UNLIMITED)
    while target < 2 * slowest:
        wish = replace(STREAM, target_interval=target)
        before, after = (build_dataflow(each, fold(each, wish).config) for each in (q, left))
        assert interval_of(after) <= max(interval_of(before), target)
        made = [sum(kernel.multipliers for kernel in flow.kernels) for flow in (after, before)]
        assert made[0] <= made[1]
        target *= 3


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("io", Io)
@pytest.mark.parametrize("name", NETWORKS)
def test_ledgers_and_estimates_price_what_is_left(name: str, io: Io, strategy: Strategy) -> None:
    config = HardwareConfig(io=io, strategy=strategy, target_interval=200 if io is Io.STREAM else None)
    ledger = Ledger(config, PART)
    torch.manual_seed(0)
    module, shape = (Vector(), (8,)) if name == "vector" else (Image(), (2, 6, 6))
    x = np.random.default_rng(1).normal(size=(40, *shape)).astype(np.float32)
    graph = from_torch(module.eval(), torch.tensor(x[:1]))
    for precision in (3, 4, 6, 4):
        q = hpq.quantize(graph, x, precision)
        flow = build_design(q, config)
        assert isinstance(flow.network, NarrowedGraph)
        found = estimate_dataflow(flow, PART, 5.0, weight_bits=0)
        made, timing = ledger.resources(q), ledger.timing(q)
        assert (made.lut, made.ff, made.dsp, made.bram) == (found.lut, found.ff, found.dsp, found.bram)
        assert (timing.latency, timing.interval) == (found.latency_cycles, found.interval_cycles)


@pytest.mark.parametrize("io", ["stream", "parallel"])
@pytest.mark.parametrize("name", NETWORKS)
def test_estimates_fall(name: str, io: str) -> None:
    q, _ = NETWORKS[name]()
    config = HardwareConfig(io=Io(io), target_interval=150 if io == "stream" else None)
    found = hpq.estimate(q, PART, io=io, target_interval=config.target_interval)
    whole = build_design(q, replace(config, layers={each: LayerFolding(reuse_factor=1) for each in q.layers}))
    assert whole.network is not None and whole.network.graph is q.graph
    before = estimate_dataflow(whole, PART, 5.0, weight_bits=q.weight_bits)
    assert found.ff < before.ff
    assert found.weight_bits == without_dead(q, config).weight_bits < q.weight_bits


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["folded", "da"])
@pytest.mark.parametrize("io", ["stream", "parallel"])
@pytest.mark.parametrize("name", NETWORKS)
def test_hardware_computes_the_whole_network(name: str, io: str, strategy: str, tmp_path: Path) -> None:
    if (io, strategy) == ("stream", "da"):
        strategy = "unrolled"
    q, x = NETWORKS[name]()
    cpp = hpq.generate(q, tmp_path / "cpp", "vitis", io=io, strategy=strategy)
    rtl = hpq.generate(q, tmp_path / "rtl", "rtl", io=io, strategy=strategy)
    assert isinstance(rtl.built, NarrowedGraph)
    assert np.array_equal(cpp.csim(x), q.predict_raw(x))
    found, said = rtl.cosim(x), hpq.estimate(q, io=io, strategy=strategy)
    assert np.array_equal(found.raw, q.predict_raw(x))
    assert (found.latency_cycles, found.interval_cycles) == (said.latency_cycles, said.interval_cycles)
    # Each backend's once for each way of building: what the one network leaves out is for the other.
    ways = (name == "image", io == "stream", strategy == "folded")
    assert (rtl if sum(ways) % 2 else cpp).certify().passed
