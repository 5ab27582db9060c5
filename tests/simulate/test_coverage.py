"""Coverage against an oracle that goes through every element in Python integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import hpq_hls as hpq
from hpq_hls.errors import DataError
from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.graph import named
from hpq_hls.simulate import simulate_all
from hpq_hls.simulate.coverage import blocks, inputs_of, probes
from hpq_hls.simulate.layer import QuantizedLayer, aligned_parameters, shifted
from hpq_hls.simulate.probe import Goal
from tests.shapes import shape_network


class Images(nn.Module):
    """Convolutions of all kinds, activations with one bound, two, and a slope; sums, pools, a table."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.grouped = nn.Conv2d(4, 6, (2, 3), stride=2, groups=2)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(6 * 3 * 2, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left = self.conv(x).relu()
        right = self.norm(functional.relu6(self.depthwise(left)))
        pooled = functional.leaky_relu(self.grouped(left + right), 0.3)
        return self.fc(torch.sigmoid(pooled).flatten(1))


class Rows(nn.Module):
    """A matrix product for each row, a convolution along one axis, a product of two branches."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Linear(5, 4)
        self.along = nn.Conv1d(3, 3, 2)
        self.last = nn.Linear(9, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.along(self.rows(x))
        return self.last((y * torch.tanh(y)).flatten(1))


SHAPES: dict[Callable[[], nn.Module], tuple[int, ...]] = {Images: (2, 6, 6), Rows: (3, 5)}


def network(make: Callable[[], nn.Module], precision: Any, **options: Any) -> hpq.QuantizedGraph:
    torch.manual_seed(3)
    rng = np.random.default_rng(1)
    shape = SHAPES[make]
    graph = hpq.from_torch(make().eval(), torch.zeros(1, *shape))
    return hpq.quantize(graph, rng.normal(size=(40, *shape)), precision, **options)


def sums_of(layer: QuantizedLayer, inputs: list[np.ndarray]) -> np.ndarray:
    types = [edge.type for edge in layer.input_edges]
    weight, bias = aligned_parameters(layer.op, types, layer, layer.sum_fraction)
    if layer.op.arity > 1 and layer.op.aligns:
        common = max(kind.fraction for kind in types)
        inputs = [shifted(x, common - kind.fraction) for x, kind in zip(inputs, types, strict=True)]
    given = [x.astype(object) for x in inputs]
    parts = [None if part is None else part.astype(object) for part in (weight, bias)]
    return layer.op.scaled(layer.sum_fraction).evaluate(given, *parts)


def cast_goals(layer: QuantizedLayer, total: int, slope: int | None) -> set[Goal]:
    """What one sum reaches, and THROUGH if it comes through."""
    epilogue, kind, found = layer.epilogue, layer.output_type, set()
    value, fraction = total, layer.sum_fraction
    if slope is not None:
        fraction += epilogue.fraction
        value = total * slope if total < 0 else total << epilogue.fraction
        found |= {Goal.BELOW} if total < 0 else set()
        found.add(Goal.THROUGH)
    else:
        if epilogue.low is not None and total < epilogue.low:
            value, found = epilogue.low, {Goal.BELOW}
        if epilogue.high is not None and total > epilogue.high:
            value, found = epilogue.high, {Goal.ABOVE}
        found = found or {Goal.THROUGH}
    wide = FixedType(64, 64 - kind.fraction, True, kind.rounding, Overflow.WRAP)
    rounded = int(wide.from_raw([value], fraction)[0])
    floor = int(wide.replace(rounding=Rounding.TRN).from_raw([value], fraction)[0])
    if rounded < kind.min_raw:
        found.add(Goal.LOW)
    if rounded > kind.max_raw:
        found.add(Goal.HIGH)
    shift = fraction - kind.fraction
    if shift > 0 and rounded != floor:
        found.add(Goal.UP)
    elif shift > 0 and value % (1 << shift):
        found.add(Goal.DOWN)
    return found


def oracle(
    layer: QuantizedLayer, inputs: list[np.ndarray], channels: int, axis: int
) -> dict[Goal, np.ndarray]:
    """(samples, places) of each goal."""
    samples = len(inputs[0])
    if layer.op.looks_up:
        (words,) = layer.tables.values()
        read = np.zeros((samples, len(words)), bool)
        for sample in range(samples):
            for code in inputs[0][sample].reshape(-1):
                read[sample, int(code) - layer.input_edges[0].interval.lo] = True
        return {Goal.ENTRY: read}
    total = sums_of(layer, inputs)
    found = {goal: np.zeros((samples, channels), bool) for goal in Goal}
    live = np.zeros(total.shape, bool)
    slopes = [word[0] for word in layer.epilogue.slopes]
    for place in np.ndindex(*total.shape):
        channel = place[axis + 1]
        slope = None if not slopes else slopes[channel if len(slopes) > 1 else 0]
        reached = cast_goals(layer, int(total[place]), slope)
        for goal in reached:
            found[goal][place[0], channel] = True
        live[place] = Goal.THROUGH in reached and not reached & {Goal.LOW, Goal.HIGH}
    if layer.weight_raw is not None:
        used = np.zeros((samples, layer.weight_raw.size), bool)
        met = [(inputs[0] != 0).astype(np.int64)]
        for number in range(layer.weight_raw.size):
            alone = np.zeros(layer.weight_raw.size, np.int64)
            alone[number] = 1
            terms = layer.op.evaluate(met, alone.reshape(layer.weight_raw.shape), None)
            used[:, number] = ((terms != 0) & live).reshape(samples, -1).any(axis=1)
        found[Goal.WEIGHT] = used
    return found


@pytest.mark.parametrize(
    ("make", "precision", "options"),
    [
        (Images, 6, {}),
        (Images, 3, {"overflow": "AP_SAT_SYM"}),
        (Images, {"default": {"weight": 4, "activation": 5}}, {"rounding": "AP_RND_CONV"}),
        (Rows, 5, {"rounding": "AP_TRN_ZERO", "bias_correction": False}),
        (Rows, {"default": {"weight": 1, "activation": 4}}, {"overflow": "AP_WRAP", "rounding": "AP_TRN"}),
        (Rows, {"default": {"weight": 30, "activation": 30}}, {"scaling": "range"}),
    ],
)
def test_equals_the_oracle(make: Callable[[], nn.Module], precision: Any, options: dict[str, Any]) -> None:
    q = network(make, precision, **options)
    x = 2 * np.random.default_rng(7).normal(size=(5, *q.input_shape))
    values = simulate_all(q, q.quantize_input(x))
    looked, coverage = 0, q.coverage(x)
    for name, probe in probes(q).items():
        layer, shape = probe.layer, q.graph.shapes[name]
        inputs = inputs_of(layer, values)
        axis = layer.op.channel_axis(shape)
        wanted = oracle(layer, inputs, shape[axis], axis)
        hits = probe.look(inputs)
        assert set(hits.goals) <= set(wanted)
        for goal, found in hits.goals.items():
            assert np.array_equal(found, wanted[goal]), (name, goal)
            assert not (found & ~probe.possible[goal]).any(), (name, goal)
            reach = coverage[name].goals[goal.value]
            assert reach.reached == int(wanted[goal].any(axis=0).sum())
            assert reach.total == int(probe.possible[goal].sum())
            looked += 1
        for goal in set(wanted) - set(hits.goals) - {Goal.THROUGH}:
            assert not wanted[goal].any(), (name, goal)  # what intervals exclude does not happen
        if hits.lowest is not None and hits.highest is not None:
            by_channel = np.moveaxis(sums_of(layer, inputs), axis + 1, 1).reshape(5, shape[axis], -1)
            assert np.array_equal(hits.lowest, by_channel.min(axis=2))
            assert np.array_equal(hits.highest, by_channel.max(axis=2))
            assert coverage[name].lowest == by_channel.min() and coverage[name].highest == by_channel.max()
    assert looked > 8


@pytest.mark.parametrize("seed", range(40, 56))
def test_nothing_is_reached_that_intervals_exclude(seed: int) -> None:
    graph, rng = shape_network(seed), np.random.default_rng(seed)
    x = {name: rng.normal(size=(12, *shape)) for name, shape in graph.inputs.items()}
    modes = list(Rounding)
    q = hpq.quantize(graph, x, 3 + seed % 5, rounding=modes[seed % len(modes)])
    wild = {name: 3 * part for name, part in x.items()}
    for _, values in blocks(q, named(q.quantize_input(wild), graph.inputs)):
        for name, probe in probes(q).items():
            hits = probe.look(inputs_of(probe.layer, values))
            for goal, found in hits.goals.items():
                assert not (found & ~probe.possible[goal]).any(), (name, goal)
            if probe.ends is not None and hits.lowest is not None and hits.highest is not None:
                assert (hits.lowest >= probe.ends[0]).all() and (hits.highest <= probe.ends[1]).all(), name


def test_what_was_never_reached_is_named() -> None:
    torch.manual_seed(0)
    first, last = nn.Linear(4, 3), nn.Linear(3, 2)
    with torch.no_grad():
        first.bias[1] = -50.0  # a dead channel
    net = nn.Sequential(first, nn.ReLU(), last, nn.Sigmoid()).eval()
    graph = hpq.from_torch(net, torch.zeros(1, 4))
    q = hpq.quantize(graph, np.random.default_rng(0).normal(size=(50, 4)), 8)
    coverage = q.coverage(np.random.default_rng(1).normal(size=(20, 4)))
    said = coverage.unreached
    dead, table = next(iter(q.layers)), list(q.layers)[-1]
    assert f"{dead}: sums within the bounds of its activation never reached in 1 of 3 channels" not in said
    assert any(text.startswith(f"{dead}: ") and "weights never counted" in text for text in said)
    assert any(text.startswith(f"{table}: ") and "table entries never read" in text for text in said)
    text = str(coverage)
    assert text.splitlines()[0].split()[:2] == ["layer", "below"]
    assert all(f"never: {sentence}" in text for sentence in said)
    assert coverage.to_dict()["unreached"] == list(said)


def test_data_that_does_not_fit() -> None:
    with pytest.raises(DataError, match="shape"):
        network(Rows, 8).coverage(np.ones((2, 4)))
