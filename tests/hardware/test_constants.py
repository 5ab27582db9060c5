"""What is the same whatever comes in is not built: layers, branches, whole networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import Ledger, build_design, estimate_dataflow
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import HardwareConfig, Io, LayerFolding, without_dead
from hpq_hls.hardware.fixed import constants_of
from hpq_hls.simulate import QuantizedGraph, simulate, simulate_all
from hpq_hls.simulate.engine import reference
from tests.dags import differences, drawn, flat, literal

STREAM, PARALLEL = HardwareConfig(target_interval=100), HardwareConfig(io=Io.PARALLEL)
PART = "xc7z020clg400-1"


def quantized(module: nn.Module, *shapes: tuple[int, ...]) -> tuple[QuantizedGraph, Any]:
    rng = np.random.default_rng(1)
    x = tuple(rng.normal(size=(40, *shape)).astype(np.float32) for shape in shapes)
    example = tuple(torch.tensor(part[:1]) for part in x)
    given = x if len(x) > 1 else x[0]
    graph = from_torch(module.eval(), example if len(x) > 1 else example[0])
    return hpq.quantize(graph, given, 6), given


def left_of(q: QuantizedGraph, x: Any, config: HardwareConfig) -> QuantizedGraph:
    """What is left, which computes the same."""
    left, raw = without_dead(q, config), q.quantize_input(x)
    assert without_dead(left, config) is left
    for run in (reference, simulate):
        for made, right in zip(flat(run(left, raw)), flat(reference(q, raw)), strict=True):
            assert np.array_equal(made, right)
    return left


def constants(q: QuantizedGraph) -> Mapping[str, tuple[str, ...]]:
    """The constants of what is left, and what they read."""
    return {name: layer.inputs for name, layer in q.layers.items() if layer.op.always is not None}


class Chain(nn.Module):
    """Whose second convolution has biases alone, so that its last layer is the same for all."""

    def __init__(self, zeros: bool = False) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.depthwise, self.last = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Linear(64, 3)
        with torch.no_grad():
            self.second.weight.zero_()
            if zeros:
                self.last.weight.zero_()
                self.last.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.second(torch.relu(self.first(x))))
        return self.last(torch.sigmoid(self.depthwise(x)).flatten(1))  # type: ignore[no-any-return]


class Branch(nn.Module):
    """A residual branch that is another number at the border, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.last = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 2, 1)
        self.inside, self.outside = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        with torch.no_grad():
            self.inside.weight.zero_()
            self.inside.bias.uniform_(0.2, 0.4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        return self.last(torch.relu(self.outside(torch.relu(self.inside(x))) + x))  # type: ignore[no-any-return]


class Beside(nn.Module):
    """Sums, differences and products with a branch that is the same everywhere: neurons with biases alone."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(8)
        self.a, self.b, self.c = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 3, 1), nn.Conv2d(3, 2, 1)
        with torch.no_grad():
            self.b.weight.zero_()
            self.b.bias.copy_(torch.tensor([0.3, -0.7, 0.5]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.a(x))
        y = self.b(x)
        first, second = torch.relu(x + y) * torch.relu(y), torch.nn.functional.leaky_relu(x - y, 0.25)
        return self.c(first - second) + self.c(torch.relu(y - x))  # type: ignore[no-any-return]


class Gate(nn.Module):
    """A product with what is constant, and with it the only reader of an input."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(9)
        self.a, self.b = nn.Linear(6, 4), nn.Linear(5, 4)
        with torch.no_grad():
            self.b.weight.zero_()

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.a(x)) * torch.sigmoid(self.b(y))  # type: ignore[no-any-return]


class Two(nn.Module):
    """Of two inputs: both outputs of one and none of the other."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.a, self.b, self.c = nn.Linear(6, 4), nn.Linear(5, 4), nn.Linear(4, 3)
        with torch.no_grad():
            self.b.weight.zero_()

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        made = torch.relu(self.b(y))
        return self.c(torch.relu(self.a(x))), made


class Nothing(nn.Module):
    """Of two inputs no output at all."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.a, self.b, self.c = nn.Linear(6, 4), nn.Linear(5, 4), nn.Linear(4, 7)
        with torch.no_grad():
            self.c.weight.zero_()

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.c(torch.relu(self.a(x) + self.b(y)))  # type: ignore[no-any-return]


class Stuck(nn.Module):
    """Neurons that a ReLU keeps at zero, that saturate, and that vary by less than their last place, one of
    which is an output; what only they read is read by nobody."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 6), nn.Linear(6, 3)
        with torch.no_grad():
            self.a.bias[2] = -40
            self.b.weight[:3, 5:] = 0
            self.b.weight[3:], self.b.bias[3:] = self.b.weight[3:] * 0.02, torch.tensor([0.5, 0.25, 0.0])
            self.c.weight[1], self.c.bias[1] = self.c.weight[1] * 0.01, 0.3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c(torch.relu(self.b(torch.relu(self.a(x)))))  # type: ignore[no-any-return]


IMAGE = ((2, 4, 4),)
CASES: Mapping[str, tuple[type[nn.Module], tuple[tuple[int, ...], ...]]] = {
    "chain": (Chain, IMAGE),
    "branch": (Branch, ((1, 3, 3),)),
    "beside": (Beside, ((1, 4, 4),)),
    "gate": (Gate, ((6,), (5,))),
    "two": (Two, ((6,), (5,))),
    "nothing": (Nothing, ((6,), (5,))),
    "stuck": (Stuck, ((6,),)),
}


@pytest.mark.parametrize("config", [STREAM, PARALLEL], ids=["stream", "parallel"])
@pytest.mark.parametrize(
    ("name", "layers", "read"),
    [
        ("chain", ["last"], {"last": ("x",)}),
        ("branch", ["first", "outside", "add", "last"], {"outside": ("x",)}),
        ("beside", ["a", "add", "mul", "sub", "sub_1", "c", "sub_2", "c_1", "add_1"], {}),
        ("gate", ["a", "sigmoid", "mul"], {"sigmoid": ("y",)}),
        ("two", ["a", "b", "c"], {"b": ("y",)}),
        ("nothing", ["c"], {"c": ("x", "y")}),
        ("stuck", ["a", "b", "c"], {}),
    ],
)
def test_constants_stand_where_they_are_read(
    name: str, layers: list[str], read: Mapping[str, tuple[str, ...]], config: HardwareConfig
) -> None:
    make, shapes = CASES[name]
    q, x = quantized(make(), *shapes)
    before = list(q.layers)
    left = left_of(q, x, config)
    assert sorted(left.layers) == sorted(layers) and constants(left) == read
    assert list(q.layers) == before and list(q.trace(x)) == before


def test_every_value_that_is_left_is_the_same() -> None:
    """Also one that is the same at each position alone."""
    q, x = quantized(Branch(), (1, 4, 4))
    left, raw = without_dead(q, STREAM), q.quantize_input(x)
    whole, part = (simulate_all(each, raw) for each in (q, left))
    assert all(np.array_equal(whole[name], part[name]) for name in left.layers)
    made = left.layers["outside"].op.always
    assert made is not None and (made != made[:, :1, :1]).any()


def test_layers_with_settings_of_their_own_stay() -> None:
    q, x = quantized(Chain(), *IMAGE)
    config = HardwareConfig(target_interval=100, layers={"depthwise": LayerFolding(pe=4)})
    left = left_of(q, x, config)
    assert list(left.layers) == ["second", "depthwise", "sigmoid", "flatten", "last"]
    assert constants(left) == {"second": ("x",)}
    assert build_design(q, config).network is left


def test_zeros_are_one_word() -> None:
    """And a constant has no more beats than its inputs, if the target allows it."""
    for module, words in ((Chain(zeros=True), 1), (Chain(), 4)):
        q, _ = quantized(module, *IMAGE)
        (kernel,) = build_design(q, STREAM).kernels
        assert kernel.tables()["values"].depth == words
        assert kernel.cycles(build_design(q, STREAM).streams) == 16


@pytest.mark.parametrize("padding", [0, 1])
def test_constants_that_add_the_same_everywhere_go_into_biases(padding: int) -> None:
    """At a padded border as well, where only the weight in the middle meets them."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=padding))
    with torch.no_grad():
        module[0].weight.uniform_(0.2, 1)
        module[0].weight[1:3], module[0].bias[1:3] = 0, 0.75
        middle = module[2].weight[:, 1, 1, 1].clone()
        module[2].weight[:, 1] = 0
        module[2].weight[:, 1, 1, 1] = middle
    q, x = quantized(module, (1, 5, 5))
    left = left_of(q, x, PARALLEL)
    assert left.graph.shapes["0"][0] == 2 + padding
    folded = constants_of(q).folded["2"]
    assert folded.mask.tolist() == [False, True, not padding, False]


def test_what_differs_by_position_goes_where_positions_are_elements() -> None:
    """Behind a padded convolution a constant is another at the border; a linear layer takes in each."""

    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(6)
            self.first, self.second = nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3, padding=1, groups=4)
            self.last = nn.Linear(64, 3)
            with torch.no_grad():
                self.first.weight[2], self.first.bias[2] = 0, 0.6
                self.second.weight[2].uniform_(0.1, 0.5)
                self.first.bias[0] = 0.1

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made = torch.relu(self.second(torch.relu(self.first(x))))
            return self.last(made.flatten(1))  # type: ignore[no-any-return]

    q, x = quantized(Flat(), (1, 4, 4))
    known = constants_of(q).values["second"]
    assert known.mask.tolist() == [False, False, True, False] and len(set(known.raw[2].tolist())) > 1
    left = left_of(q, x, PARALLEL)
    assert {name: left.graph.shapes[name][0] for name in left.layers} == {
        "first": 3, "second": 3, "flatten": 48, "last": 3,
    }  # fmt: skip


def test_groups_lose_as_many_channels_each() -> None:
    """And a group that nobody reads goes as a whole."""

    class Grouped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(7)
            self.first, self.second = nn.Conv2d(1, 12, 1), nn.Conv2d(12, 9, 3, groups=3)
            self.last = nn.Conv2d(9, 2, 1)
            with torch.no_grad():
                self.last.weight[:, 3:6] = 0  # the second group
                self.last.weight[:, [0, 8]] = 0
                self.second.weight[1:3, 2] = 0
                self.second.weight[6:8, 1] = 0
                self.first.weight[9], self.first.bias[9] = 0, 0.5

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made = torch.relu(self.second(torch.relu(self.first(x))))
            return self.last(made)  # type: ignore[no-any-return]

    q, x = quantized(Grouped(), (1, 4, 4))
    left = left_of(q, x, PARALLEL)
    assert {name: left.graph.shapes[name][0] for name in left.layers} == {"first": 6, "second": 4, "last": 2}
    made = left.layers["second"].op.product
    assert made is not None and made.groups == 2


@pytest.mark.parametrize("io", Io)
@pytest.mark.parametrize("name", CASES)
def test_ledgers_and_estimates_price_constants(name: str, io: Io) -> None:
    config = HardwareConfig(io=io, target_interval=64 if io is Io.STREAM else None)
    make, shapes = CASES[name]
    ledger, (q, x) = Ledger(config, PART), quantized(make(), *shapes)
    for precision in (3, 6, 5):
        one = hpq.quantize(q.graph, x, precision)
        flow = build_design(one, config)
        found = estimate_dataflow(flow, PART, 5.0, weight_bits=0)
        made, timing = ledger.resources(one), ledger.timing(one)
        assert (made.lut, made.ff, made.dsp, made.bram) == (found.lut, found.ff, found.dsp, found.bram)
        assert (timing.latency, timing.interval) == (found.latency_cycles, found.interval_cycles)


@pytest.mark.parametrize("seed", range(900, 940))
def test_random_pruned_networks_stay_the_same(seed: int) -> None:
    """Over all operators, also kernel by kernel."""
    network = drawn(seed, pruned=True)
    wanted = flat(network.q.predict_raw(network.x))
    for config in (STREAM, PARALLEL):
        left_of(network.q, network.x, config)
    for made, right in zip(literal(network), wanted, strict=True):
        assert np.array_equal(made, right), network.described


@pytest.mark.slow
@pytest.mark.parametrize("seed", [101, 116, 117, 122])
def test_both_backends_of_random_pruned_networks(seed: int, tmp_path: Path) -> None:
    network = drawn(seed, pruned=True)
    assert differences(network, tmp_path, certify=True) == [], network.described


@pytest.mark.slow
@pytest.mark.parametrize("io", ["stream", "parallel"])
@pytest.mark.parametrize("name", CASES)
def test_hardware_computes_constants(name: str, io: str, tmp_path: Path) -> None:
    make, shapes = CASES[name]
    q, x = quantized(make(), *shapes)
    cpp = hpq.generate(q, tmp_path / "cpp", "vitis", io=io)
    rtl = hpq.generate(q, tmp_path / "rtl", "rtl", io=io)
    found, said, wanted = rtl.cosim(x), hpq.estimate(q, io=io), flat(q.predict_raw(x))
    for raw in (cpp.csim(x), found.raw):
        for made, right in zip(flat(raw), wanted, strict=True):
            assert np.array_equal(made, right)
    assert (found.latency_cycles, found.interval_cycles) == (said.latency_cycles, said.interval_cycles)
    # Each backend's once: random networks have both (above).
    assert (cpp if io == "stream" else rtl).certify().passed
