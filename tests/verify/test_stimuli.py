"""Chosen frames: what they reach, what they see, and that they are always the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import DataError
from hpq_hls.simulate import QuantizedGraph, load
from hpq_hls.simulate.coverage import measure, probes
from hpq_hls.verify import stimuli as choosing
from hpq_hls.verify.extremes import Backwards, Target
from hpq_hls.verify.stimuli import FRAMES, choose_stimuli
from hpq_hls.workflow.frames import load_stimuli, save_stimuli
from tests.flips import seen


class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 6, 3)
        self.last = nn.Linear(6 * 9, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(self.first(x).relu(), 2)
        return self.last(self.second(x).relu().flatten(1))


class Vectors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(14, 20)
        self.second = nn.Linear(20, 12)
        self.last = nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.second(self.first(x).relu())))


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(5, 6), nn.Linear(3, 6)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (self.left(a) + self.right(b)).relu()


SHAPES: dict[Callable[[], nn.Module], tuple[int, ...]] = {Convolutions: (1, 10, 10), Vectors: (14,)}


def network(make: Callable[[], nn.Module], precision: object = 6) -> QuantizedGraph:
    torch.manual_seed(11)
    shape, rng = SHAPES[make], np.random.default_rng(5)
    graph = hpq.from_torch(make().eval(), torch.zeros(1, *shape))
    return hpq.quantize(graph, rng.normal(size=(80, *shape)), precision)


@pytest.fixture(scope="module", params=list(SHAPES), ids=lambda make: make.__name__)
def q(request: pytest.FixtureRequest) -> QuantizedGraph:
    return network(request.param)


def before(q: QuantizedGraph) -> dict[str, np.ndarray]:
    """Four samples and the ends of the type, as testbenches once had."""
    return {name: np.concatenate([raw[:4], raw[-2:]]) for name, raw in q.examples.items()}


def test_reach_more_than_as_many_others(q: QuantizedGraph) -> None:
    chosen = choose_stimuli(q)
    assert len(chosen) == FRAMES == len(next(iter(chosen.raw.values())))
    assert chosen.coverage == measure(q, chosen.raw)
    real = measure(q, {name: raw[:FRAMES] for name, raw in q.examples.items()})
    drawn = measure(q, choosing.random_frames(q, FRAMES, np.random.default_rng(9)))
    reached = chosen.coverage.total.reached
    assert reached > real.total.reached and reached > drawn.total.reached
    assert len(chosen.coverage.unreached) < len(real.unreached)
    for name, raw in chosen.raw.items():
        codes = q.input_types[name].code_interval
        assert codes.lo <= raw.min() and raw.max() <= codes.hi


def test_see_more_flipped_bits(q: QuantizedGraph) -> None:
    real = {name: raw[:16] for name, raw in q.examples.items()}
    chosen, fewer, some = seen(q, [choose_stimuli(q).raw, before(q), real], 60, seed=2)
    assert chosen > fewer and chosen >= some


def test_the_first_layer_is_driven_to_its_true_ends(q: QuantizedGraph) -> None:
    looking = probes(q)
    name = next(name for name, probe in looking.items() if probe.ends is not None)
    targets = [Target(name, channel, up) for channel in (0, 2) for up in (False, True)]
    base = {given: raw[:4] for given, raw in q.examples.items()}
    first, best = Backwards(q, looking).drive(name, targets, base, 2)
    assert all(np.array_equal(first[given], raw) for given, raw in best.items())
    probe = looking[name]
    sums = np.moveaxis(probe.sums(list(first.values())), probe.axis + 1, 1)
    by_channel = sums.reshape(4, sums.shape[1], -1)
    assert probe.ends is not None
    for number, target in enumerate(targets):
        own = by_channel[number, target.channel]
        assert (own.max() if target.up else own.min()) == probe.ends[int(target.up), target.channel]


def test_the_same_every_time(tmp_path: Path) -> None:
    q = network(Vectors)
    q.save(tmp_path / "q.hpq")
    for folder in ("a", "b"):
        hpq.generate(load(tmp_path / "q.hpq"), tmp_path / folder)
    files = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("a", "b")
    ]
    assert files[0] == files[1]
    assert b'"unreached"' in files[0][Path("coverage.json")]
    golden = (tmp_path / "a" / "tb" / "golden.dat").read_text().split()
    assert len(golden) == FRAMES * 4
    assert np.array_equal(choose_stimuli(q).raw["x"], choose_stimuli(load(tmp_path / "q.hpq")).raw["x"])


def test_several_inputs_and_one_of_few_codes() -> None:
    rng = np.random.default_rng(0)
    graph = hpq.from_torch(Pair().eval(), (torch.zeros(1, 5), torch.zeros(1, 3)))
    x = {"a": rng.normal(size=(10, 5)), "b": rng.normal(size=(10, 3))}
    q = hpq.quantize(
        graph, x, {"default": {"weight": 3, "activation": 4}, "layers": {"b": {"activation": 1}}}
    )
    chosen = choose_stimuli(q)
    assert {name: raw.shape for name, raw in chosen.raw.items()} == {"a": (FRAMES, 5), "b": (FRAMES, 3)}
    given = chosen.inputs(q)
    assert all(np.array_equal(q.quantize_input(given)[name], raw) for name, raw in chosen.raw.items())


def test_large_networks_say_what_was_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "EFFORT", 1)
    chosen = choose_stimuli(network(Vectors))
    assert len(chosen) == FRAMES
    assert chosen.notes == ("6 of the 36 channels were driven to their extremes",)


def test_kept_between_commands(tmp_path: Path) -> None:
    q, path = network(Vectors), tmp_path / "frames"
    chosen = choose_stimuli(q)
    save_stimuli(chosen, path)
    again = load_stimuli(q, path)
    assert again.to_json() == chosen.to_json()
    assert np.array_equal(again.raw["x"], chosen.raw["x"])
    with pytest.raises(DataError, match="shape"):
        load_stimuli(network(Convolutions), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="cannot be read"):
        load_stimuli(q, path)
