"""numpy = g++ = Verilator on every word of random networks, over widths, modes, io and folding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import hpq_hls as hpq
from hpq_hls.hardware import HardwareConfig, Io, build_dataflow
from tests.networks import random_network

MODES = [
    ("AP_RND", "AP_SAT"),
    ("AP_TRN", "AP_WRAP"),
    ("AP_RND_CONV", "AP_SAT_SYM"),
    ("AP_TRN_ZERO", "AP_SAT_ZERO"),
    ("AP_RND_INF", "AP_WRAP_SM"),
    ("AP_RND_ZERO", "AP_SAT"),
    ("AP_RND_MIN_INF", "AP_SAT"),
]
TARGETS = [None, 1, 30, 100_000]


def _multiplications(q: hpq.QuantizedGraph) -> int:
    """What io parallel would unroll; Verilator takes minutes to build tens of thousands."""
    flow = build_dataflow(q, HardwareConfig(io=Io.PARALLEL))
    return sum(kernel.multipliers for kernel in flow.kernels)


def _network(seed: int) -> tuple[hpq.QuantizedGraph, np.ndarray, dict[str, object]]:
    module, shape = random_network(seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, *shape)) * 1.5
    rounding, overflow = MODES[seed % len(MODES)]
    widths = {
        "default": {"weight": int(rng.integers(2, 17)), "activation": int(rng.integers(2, 17))},
    }
    graph = hpq.from_torch(module, torch.zeros(2, *shape))
    q = hpq.quantize(graph, x, widths, rounding=rounding, overflow=overflow)
    io = "parallel" if seed % 5 == 0 and _multiplications(q) < 2000 else "stream"
    target = TARGETS[seed % len(TARGETS)] if io == "stream" else None
    return q, x, {"io": io, "target_interval": target}


@pytest.mark.parametrize("seed", range(200, 208))
def test_csim_equals_simulator(tmp_path: Path, seed: int) -> None:
    q, x, hardware = _network(seed)
    project = hpq.generate(
        q, tmp_path / "hls", backend="vivado" if seed % 4 == 1 else "vitis", oversize=True, **hardware
    )
    np.testing.assert_array_equal(project.csim(x), q.predict_raw(x))
    check = project.selfcheck()
    assert check.mismatches == 0
    assert check.words == len(project.stimuli) * np.prod(q.output_shape)


@pytest.mark.parametrize("seed", range(200, 208))
def test_cosim_equals_simulator(tmp_path: Path, seed: int) -> None:
    q, x, hardware = _network(seed)
    project = hpq.generate(q, tmp_path / "rtl", backend="rtl", oversize=True, **hardware)
    result = project.cosim(x, scenarios=("back_to_back", "random_gaps", "reset_mid_stream"), seed=seed)
    np.testing.assert_array_equal(result.raw, q.predict_raw(x))
    assert result.mismatches == 0
    assert result.words_compared >= result.raw.size
    assert 0 < result.interval_cycles <= result.latency_cycles + len(x)


@pytest.mark.parametrize("backend", ["vitis", "vivado", "rtl"])
def test_same_bytes_and_no_absolute_path(tmp_path: Path, backend: str) -> None:
    q, _, hardware = _network(202)
    first, second = tmp_path / "first", tmp_path / "elsewhere" / "second"
    hpq.generate(q, first, backend=backend, oversize=True, **hardware)
    hpq.generate(q, second, backend=backend, oversize=True, **hardware)
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    for name in names:
        content = (first / name).read_bytes()
        assert content == (second / name).read_bytes(), name
        for path in (tmp_path, Path(hpq.__file__).parent, Path.home()):
            assert str(path).encode() not in content, name
