"""Few constant channels do for many in front of a padded convolution, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.fixed import Interval
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import HardwareConfig, Io, NarrowedGraph, without_dead
from hpq_hls.hardware.carriers import carried
from hpq_hls.hardware.fixed import constants_of
from hpq_hls.simulate import QuantizedGraph, simulate
from hpq_hls.simulate.engine import reference
from tests.scales import with_shifts


@pytest.mark.parametrize("seed", range(40))
def test_carriers_add_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, bits = int(rng.integers(2, 14)), int(rng.integers(2, 7))
    codes = Interval(-(1 << bits - 1), (1 << bits - 1) - 1)
    values = rng.integers(1, 1 << int(rng.integers(3, 9)), size=count) * rng.choice([-1, 1], size=count)
    weights = rng.integers(codes.lo // 2, codes.hi // 2 + 1, size=(9, count, 4))
    sums = np.einsum("rct,c->rt", weights, values)
    found = carried(values, sums, codes)
    if found is None:
        assert count < 6  # then there may be no fewer
        return
    chosen, made = found
    assert len(set(chosen.tolist())) == len(chosen) < count
    assert np.array_equal(np.einsum("crt,c->rt", made, values[chosen]), sums)
    assert codes.lo <= made.min() and made.max() <= codes.hi


def test_the_fewest_are_found() -> None:
    """One where the others are its multiples, or what they add is nothing; none where its weights end."""
    values, codes = np.array([3, 6, 9]), Interval(-8, 7)
    found = carried(values, np.array([[3, -21, 0]]), codes)
    assert found is not None and found[0].tolist() == [0] and found[1].tolist() == [[[1, -7, 0]]]
    assert carried(values, np.array([[1]]), codes) is None
    assert carried(np.array([5, 1]), np.array([[41]]), codes) is None


def pruned(others: int, outputs: int) -> tuple[QuantizedGraph, Any]:
    """Seven filters without weights beside ``others``, whose biases a ReLU lets through, in front of a border
    of zeros."""
    torch.manual_seed(11)
    module = nn.Sequential(
        nn.Conv2d(1, 7 + others, 3, padding=1), nn.ReLU(), nn.Conv2d(7 + others, outputs, 3, padding=1),
        nn.ReLU(), nn.Flatten(), nn.Linear(9 * outputs, 3),
    )  # fmt: skip
    first = others // 2 + 1
    with torch.no_grad():
        module[0].weight[first : first + 7] = 0
        module[0].bias[first : first + 7] = torch.linspace(0.1, 0.9, 7)
    x = np.random.default_rng(1).normal(size=(40, 1, 3, 3)).astype(np.float32)
    return hpq.quantize(from_torch(module.eval(), torch.tensor(x[:1])), x, 6), x


@pytest.mark.parametrize("io", Io)
def test_few_of_many_constant_channels_are_left(io: Io) -> None:
    plain, x = pruned(others=5, outputs=4)
    for q in (plain, with_shifts(plain, 3)):
        folded = constants_of(q).folded["2"]
        left, raw = without_dead(q, HardwareConfig(io=io)), q.quantize_input(x)
        assert int(folded.gone.sum()) >= 4 and left.graph.shapes["0"][0] <= 8
        assert np.array_equal(reference(left, raw), reference(q, raw))
        assert np.array_equal(simulate(left, raw), reference(q, raw))


@pytest.mark.slow
@pytest.mark.parametrize("io", ["stream", "parallel"])
def test_hardware_with_carriers(io: str, tmp_path: Path) -> None:
    q, x = pruned(others=2, outputs=2)
    cpp = hpq.generate(q, tmp_path / "cpp", "vitis", io=io)
    rtl = hpq.generate(q, tmp_path / "rtl", "rtl", io=io)
    assert isinstance(rtl.built, NarrowedGraph) and rtl.built.graph.shapes["0"][0] < 9
    found, said = rtl.cosim(x), hpq.estimate(q, io=io)
    assert np.array_equal(cpp.csim(x), q.predict_raw(x))
    assert np.array_equal(found.raw, q.predict_raw(x))
    assert (found.latency_cycles, found.interval_cycles) == (said.latency_cycles, said.interval_cycles)
    assert cpp.certify().passed and rtl.certify().passed
