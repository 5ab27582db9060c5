"""Output channels with scales of their own: numpy = g++ = Verilator on every word, whatever a layer becomes.

One network has every kind of layer that has weights; shifts, widths and hardware differ from case to case.
"""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.kernels import ChannelMac, MatVec, UnrolledMatVec, Weighted
from tests.networks import random_network
from tests.scales import random_shift, with_shifts

MODES = [("AP_RND", "AP_SAT"), ("AP_TRN", "AP_SAT"), ("AP_RND_CONV", "AP_SAT_SYM"), ("AP_TRN", "AP_WRAP")]
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "smallest": (2, {"target_interval": 100_000}),
    "fastest": (8, {"target_interval": 1}),
    "by hand": (
        5,
        {
            "layers": {
                "0": {"pe": 3, "simd": 6},
                "2": {"pe": 2},
                "4": {"pe": 6},
                "6": {"pe": 1},
                "8": {"pe": 5, "simd": 4},
            }
        },
    ),
    "unrolled": (3, {"layers": {"0": {"strategy": "unrolled"}, "8": {"strategy": "unrolled"}}}),
    "adders in a stream": (4, {"layers": {"0": {"strategy": "da"}, "8": {"strategy": "da"}}}),
    "parallel": (6, {"io": "parallel"}),
    "parallel adders": (7, {"io": "parallel", "strategy": "da"}),
}


def _network(name: str) -> tuple[hpq.QuantizedGraph, np.ndarray, dict[str, Any]]:
    """Convolution with stride and padding, depthwise, grouped, batch-norm behind a ReLU, linear."""
    width, hardware = CASES[name]
    columns = 2 if "io" in hardware else 5  # a multiplier for every product takes long to build
    torch.manual_seed(width)
    module = nn.Sequential(
        nn.Conv2d(2, 6, 3, stride=(2, 1), padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 6, (2, 3), padding=(0, 1), groups=6, bias=False),
        nn.ReLU(),
        nn.BatchNorm2d(6),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 4, 1, groups=2),
        nn.Flatten(),
        nn.Linear(4 * (columns // 2), 5),
    ).eval()
    module[4].running_mean.uniform_(0.1, 0.6)
    module[4].weight.data.uniform_(0.3, 2.0)
    rng = np.random.default_rng(width)
    x = rng.normal(size=(5, 2, 5, columns)) * 1.5
    rounding, overflow = MODES[width % len(MODES)]
    widths = {"default": {"weight": width, "activation": int(rng.integers(3, 9))}}
    graph = hpq.from_torch(module, torch.zeros(2, 2, 5, columns))
    q = hpq.quantize(graph, x, widths, rounding=rounding, overflow=overflow)
    return with_shifts(q, width, _wide), x, hardware


def _wide(rng: np.random.Generator, channels: int) -> np.ndarray:
    """Shifts by 2 to 7 at most."""
    shift = rng.integers(0, 1 + int(rng.choice([2, 3, 5, 7])), channels)
    shift[rng.integers(channels)] = 7 if rng.random() < 0.3 else 2
    shift[rng.integers(channels)] = 0
    return shift - shift.min()


def _check_shifts(project: hpq.Project) -> None:
    """Kernels hold codes and shifts; those made of adders have the shifts in their wires."""
    q = project.built
    for kernel in project.dataflow.kernels:
        if isinstance(kernel, Weighted):
            layer = q.layers[kernel.layer]
            adders = isinstance(kernel, UnrolledMatVec) and kernel.adders is not None
            assert (kernel.shift is None) == (adders or layer.weight_shift is None)
            assert kernel.weight_type == (layer.weight_type if adders else layer.stored_weight_type)
            bounds = kernel.weight_type.code_interval
            assert bounds.lo <= kernel.weight.min() <= kernel.weight.max() <= bounds.hi


def test_every_kernel_shifts_in_every_way(tmp_path: Path) -> None:
    """By a ROM of shifts, by wires, or not at all beside a row that does."""
    seen: Counter[tuple[type, str]] = Counter()
    for name in CASES:
        q, _, hardware = _network(name)
        for kernel in hpq.generate(q, tmp_path / name, "rtl", oversize=True, **hardware).dataflow.kernels:
            if isinstance(kernel, (MatVec, ChannelMac)) and (words := kernel.shift_words()) is not None:
                seen[type(kernel), "ROM" if len(words) > 1 else "wires"] += 1
            elif isinstance(kernel, UnrolledMatVec):
                seen[UnrolledMatVec, "wires" if kernel.adders is None else "adders"] += 1
    assert min(seen[pair] for pair in itertools.product((MatVec, ChannelMac), ("ROM", "wires"))) >= 1, seen
    assert min(seen[UnrolledMatVec, how] for how in ("wires", "adders")) >= 4, seen


@pytest.mark.parametrize("name", CASES)
def test_csim_equals_simulator(tmp_path: Path, name: str) -> None:
    q, x, hardware = _network(name)
    backend = "vivado" if name == "by hand" else "vitis"
    project = hpq.generate(q, tmp_path / "hls", backend=backend, oversize=True, **hardware)
    _check_shifts(project)
    np.testing.assert_array_equal(project.csim(x), q.predict_raw(x))
    assert project.selfcheck().mismatches == 0


@pytest.mark.parametrize("name", CASES)
def test_cosim_equals_simulator(tmp_path: Path, name: str) -> None:
    q, x, hardware = _network(name)
    project = hpq.generate(q, tmp_path / "rtl", backend="rtl", oversize=True, **hardware)
    _check_shifts(project)
    result = project.cosim(x, scenarios=("back_to_back", "random_gaps", "reset_mid_stream"))
    np.testing.assert_array_equal(result.raw, q.predict_raw(x))
    assert result.mismatches == 0


@pytest.mark.parametrize("seed", range(500, 503))
def test_random_networks(tmp_path: Path, seed: int) -> None:
    module, shape = random_network(seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, *shape)) * 1.5
    widths = {"default": {"weight": int(rng.integers(2, 9)), "activation": int(rng.integers(2, 9))}}
    q = hpq.quantize(hpq.from_torch(module, torch.zeros(2, *shape)), x, widths)
    q = with_shifts(q, seed, random_shift)
    for backend in ("vitis", "rtl"):
        project = hpq.generate(
            q, tmp_path / backend, backend=backend, oversize=True, target_interval=[None, 40][seed % 2]
        )
        found = project.csim(x) if backend == "vitis" else project.cosim(x).raw
        np.testing.assert_array_equal(found, q.predict_raw(x), err_msg=backend)
