"""What calibration looks at, which types need a sign, and room above what was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.graph import Graph, prepare
from hpq_hls.quantize import Quantizer, moments, quantize
from hpq_hls.quantize.activations import never_negative, observe
from hpq_hls.quantize.headroom import Tail
from hpq_hls.quantize.scaling import thinning


@pytest.mark.parametrize("samples", [128, 200, 512])
def test_every_column_row_and_channel_is_seen(samples: int) -> None:
    """64x32x32 with a power of two of samples: a step that divides the shape sees one column."""
    net = nn.Sequential(nn.Conv2d(64, 1, 1))
    graph = prepare(hpq.from_torch(net.eval(), torch.zeros(1, 64, 32, 32)))
    places = np.arange(64 * 32 * 32, dtype=np.float32).reshape(1, 64, 32, 32)
    sample = observe(graph, np.repeat(places, samples, axis=0))[graph.input_name].sample
    counts = np.bincount(sample.astype(np.int64), minlength=64 * 32 * 32).reshape(64, 32, 32)
    for axes in ((0, 1), (0, 2), (1, 2)):
        seen = counts.sum(axis=axes)
        assert seen.min() > 0.9 * seen.mean()
        assert seen.max() < 1.1 * seen.mean()


def test_kept_patches_show_every_position(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "MAX_SAMPLED", 512)
    graph = prepare(hpq.from_torch(nn.Sequential(nn.Conv2d(1, 1, 1)).eval(), torch.zeros(1, 1, 16, 16)))
    places = np.arange(256, dtype=np.float32).reshape(1, 1, 16, 16)
    (found,) = moments.collect_moments(graph, np.repeat(places, 64, axis=0)).values()
    counts = np.bincount(found.sample.astype(np.int64).reshape(-1), minlength=256).reshape(16, 16)
    assert counts.sum() <= 512
    for axis in (0, 1):
        seen = counts.sum(axis=axis)
        assert seen.min() > 0.7 * seen.mean()  # a few hundred over sixteen


def test_steps_have_no_factor_in_common_with_the_shape() -> None:
    assert [thinning(step, 64 * 32 * 32) for step in (0, 1, 2, 32, 513)] == [1, 1, 3, 33, 513]
    assert thinning(5, 1) == 5


class Branches(nn.Module):
    """Sums, average pools, and layers, of values that can be negative and of others."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.mixed = nn.Conv2d(4, 4, 1)
        self.positive = nn.Conv2d(4, 4, 1)
        self.lowered = nn.Conv2d(4, 4, 1)
        self.pool = nn.AvgPool2d(2, padding=1)
        self.thirds = nn.AvgPool2d(3, stride=1)
        with torch.no_grad():
            self.positive.weight.abs_()
            self.positive.bias.abs_()
            self.lowered.weight.abs_()
            self.lowered.bias[0] = -0.1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.conv(x).relu()
        both = first + self.positive(first)
        either = both + self.mixed(first)
        return self.thirds(self.pool(both)) + self.thirds(self.lowered(self.pool(either).relu()))


@pytest.fixture(scope="module")
def branches() -> Graph:
    torch.manual_seed(0)
    return hpq.from_torch(Branches().eval(), torch.zeros(1, 1, 8, 8))


def test_signs_follow_from_what_can_occur(branches: Graph) -> None:
    q = quantize(branches, np.random.default_rng(0).normal(size=(50, 1, 8, 8)), 6)
    signed = {name: layer.output_type.signed for name, layer in q.layers.items()}
    found = {name: signed[name] for name in ("conv", "positive", "mixed", "lowered")}
    assert found == {"conv": False, "positive": False, "mixed": True, "lowered": True}
    sums = [name for name, layer in q.layers.items() if layer.kind == "Add"]
    assert [signed[name] for name in sums] == [False, True, True]
    pools = [name for name, layer in q.layers.items() if layer.kind == "AvgPool2d"]
    assert len(pools) == 4
    for name in pools:
        (given,) = q.layers[name].inputs
        assert signed[name] == signed[given] or q.layers[name].activation is not None
    assert q.input_type.signed
    assert sum(not signed[name] for name in pools) >= 3


def test_nothing_that_is_known_not_to_be_negative_ever_is(branches: Graph) -> None:
    graph = prepare(branches)
    x = 3 * np.random.default_rng(0).normal(size=(50, 1, 8, 8))
    for data, known in ((x, False), (np.abs(x), True)):
        values = graph.values(data)
        for name, never in never_negative(graph, known).items():
            assert not never or values[name].min() >= 0


def test_a_bit_more_behind_an_average_pool() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AvgPool2d(6), nn.Flatten(), nn.Linear(4, 3))
    graph = hpq.from_torch(net.eval(), torch.zeros(1, 1, 8, 8))
    x = np.random.default_rng(0).normal(size=(200, 1, 8, 8))
    q = quantize(graph, x, {"default": {"weight": 12, "activation": 12}, "layers": {"2": 4}})
    assert q.layers["2"].output_type.min_raw == 0
    assert q.layers["2"].output_type.max_raw == 15


def heavy(samples: int, seed: int) -> np.ndarray:
    """Values with a tail: one in some hundred is far larger than the others."""
    return np.random.default_rng(seed).standard_t(4, size=(samples, 12))


@pytest.fixture(scope="module")
def mlp() -> Graph:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 4))
    return hpq.from_torch(net.eval(), torch.zeros(1, 12))


def worst(graph: Graph, calibration: np.ndarray, precision: Any) -> float:
    unseen = heavy(4000, 1)
    return float(
        np.abs(quantize(graph, calibration, precision).predict(unseen) - graph.predict(unseen)).max()
    )


def test_at_32_bits_unseen_values_are_right(mlp: Graph) -> None:
    """Just the range of the calibration data would clip them by more than 1."""
    assert worst(mlp, heavy(200, 0), 32) < 1e-5
    assert worst(mlp, heavy(50, 0), 32) < 1e-5


def test_room_grows_with_the_width(mlp: Graph) -> None:
    quantizer = Quantizer(mlp, heavy(200, 0))
    for name in (mlp.input_name, *quantizer.layer_names):
        types = [quantizer.type_of(name, "activation", width) for width in range(2, 33)]
        needed = Quantizer(mlp, heavy(200, 0), scaling="range").type_of(name, "activation", 16).integer
        room = [kind.integer - needed for kind in types]
        assert room == sorted(room)
        assert room[4] <= 0  # at 6 bits there is none to spare
        assert 1 <= room[12] <= 5  # 14 bits
        assert room[30] >= room[12] + 2
        assert all(kind.fraction >= 5 for kind in types[18:])


def test_a_tail_costs_what_it_was_seen_to_be() -> None:
    def error(peaks: list[float], integer: int, overflow: Overflow = Overflow.SAT) -> float:
        kind = FixedType(16, integer, False, Rounding.RND, overflow)
        return Tail.of(np.array(peaks), 10).error(kind)

    steady = [1.0] * 100
    spread = list(np.geomspace(1.0, 0.05, 100))
    assert error(steady, 0) < error(spread, 0)  # peaks that differ: more beyond the largest
    for peaks in (steady, spread):
        falling = [error(peaks, integer) for integer in range(-2, 6)]
        assert falling == sorted(falling, reverse=True)
        assert error(peaks, 2, Overflow.WRAP) > error(peaks, 2)
    assert error([1.0] * 10, 0) > error([1.0] * 1000, 0)  # fewer samples, more to come
    assert error([0.0] * 10, 1) == 0


def test_the_expected_error_is_that_of_the_tail() -> None:
    rng = np.random.default_rng(0)
    peaks = np.append(2.0, rng.uniform(0.1, 1.9, size=98))
    tail = Tail(peaks, 7, 5.0)
    beyond = 2.0 * (1 - rng.random(1_000_000)) ** (-1 / 5.0)
    for integer in (-1, 0, 1, 2, 3):
        kind = FixedType(20, integer, False, Rounding.RND, Overflow.SAT)
        clipped = [np.square(np.maximum(x - kind.max_raw * kind.scale, 0)).mean() for x in (peaks, beyond)]
        wanted = (clipped[0] + clipped[1] / 100) / 7
        assert tail.error(kind) == pytest.approx(wanted, rel=0.1)  # a million draws of a heavy tail


def test_wide_types_hold_what_patches_do_not_show(mlp: Graph) -> None:
    """A layer's error is measured on some patches; what none of them holds is clipped no less."""
    x = heavy(400, 0)
    x[7, 3] = 40 * np.abs(x).max()
    quantizer = Quantizer(mlp, x)
    quantizer._all_moments()[mlp.nodes[0].name].sample[7] = 0
    assert quantizer.type_of(mlp.input_name, "activation", 20).integer >= np.log2(x[7, 3])
