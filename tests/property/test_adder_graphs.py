"""Strategy ``da``: numpy = g++ = Verilator on every word, equal bytes; no DSP block and fewer LUTs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import ConfigError
from hpq_hls.kernels import UnrolledMatVec
from tests.networks import random_network

MODES = [("AP_RND", "AP_SAT"), ("AP_TRN", "AP_WRAP"), ("AP_RND_CONV", "AP_SAT_SYM")]


def _network(seed: int) -> tuple[hpq.QuantizedGraph, np.ndarray]:
    module, shape = random_network(seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, *shape)) * 1.5
    rounding, overflow = MODES[seed % len(MODES)]
    widths = {"default": {"weight": int(rng.integers(2, 12)), "activation": int(rng.integers(2, 12))}}
    graph = hpq.from_torch(module, torch.zeros(2, *shape))
    return hpq.quantize(graph, x, widths, rounding=rounding, overflow=overflow), x


def _layer(rows: int, cols: int, bits: int) -> hpq.QuantizedGraph:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(cols, rows), nn.ReLU()).eval()
    x = np.abs(np.random.default_rng(0).normal(size=(16, cols)))
    return hpq.quantize(hpq.from_torch(module, torch.zeros(2, cols)), x, bits)


def _adders(project: hpq.Project) -> int:
    kernels = [kernel for kernel in project.dataflow.kernels if isinstance(kernel, UnrolledMatVec)]
    assert all(kernel.adders is not None and kernel.multipliers == 0 for kernel in kernels)
    graphs = [graph for kernel in kernels if kernel.adders is not None for graph in kernel.adders.graphs]
    return sum(len(graph.adders) for graph in graphs)


CASES = [(301, "stream"), (300, "parallel"), (303, "stream"), (313, "parallel")]


@pytest.mark.parametrize(("seed", "io"), CASES)
def test_csim_equals_simulator(tmp_path: Path, seed: int, io: str) -> None:
    q, x = _network(seed)
    backend = "vivado" if seed % 3 == 0 else "vitis"
    project = hpq.generate(q, tmp_path / "hls", backend=backend, io=io, strategy="da")
    assert _adders(project) > 0
    np.testing.assert_array_equal(project.csim(x), q.predict_raw(x))
    assert project.selfcheck().mismatches == 0


@pytest.mark.parametrize(("seed", "io"), CASES)
def test_cosim_equals_simulator(tmp_path: Path, seed: int, io: str) -> None:
    q, x = _network(seed)
    project = hpq.generate(q, tmp_path / "rtl", backend="rtl", io=io, strategy="da")
    assert _adders(project) > 0
    result = project.cosim(x, scenarios=("back_to_back", "random_gaps", "reset_mid_stream"), seed=seed)
    np.testing.assert_array_equal(result.raw, q.predict_raw(x))
    assert result.mismatches == 0


@pytest.mark.parametrize("backend", ["vitis", "vivado", "rtl"])
def test_same_bytes(tmp_path: Path, backend: str) -> None:
    from hpq_hls.kernels import adder_graph

    q, _ = _network(301)
    for folder in ("first", "second"):
        adder_graph._solve.cache_clear()
        hpq.generate(q, tmp_path / folder, backend=backend, strategy="da")
    names = sorted(p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*") if p.is_file())
    assert names
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name


def test_fewer_luts_and_no_dsp(tmp_path: Path) -> None:
    """An 8 x 16 layer of 4 bits: Yosys counts, the estimate agrees about which is smaller."""
    q = _layer(8, 16, 4)
    reports, guesses = {}, {}
    for strategy in ("unrolled", "da"):
        project = hpq.generate(q, tmp_path / strategy, backend="rtl", io="parallel", strategy=strategy)
        reports[strategy] = project.synth("yosys")
        guesses[strategy] = hpq.estimate(q, io="parallel", strategy=strategy)
    assert reports["da"].dsp == guesses["da"].dsp == 0
    for found in (reports, guesses):
        assert found["da"].lut < found["unrolled"].lut
    assert reports["da"].lut == pytest.approx(guesses["da"].lut, rel=0.3)  # an estimate


def test_one_layer_by_hand(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).eval()
    q = hpq.quantize(hpq.from_torch(module, torch.zeros(2, 4)), np.ones((4, 4)), 6)
    last = list(q.layers)[-1]
    for io in ("stream", "parallel"):
        project = hpq.generate(q, tmp_path / io, backend="rtl", io=io, layers={last: {"strategy": "da"}})
        chosen = {kernel.layer for kernel in project.dataflow.kernels if getattr(kernel, "adders", None)}
        assert chosen == {last}
    with pytest.raises(ConfigError, match="strategy is 'dsp'; choose folded, unrolled or da"):
        hpq.estimate(q, strategy="dsp")


def test_weights_beyond_the_solver_are_refused(tmp_path: Path) -> None:
    q = hpq.quantize(
        hpq.from_torch(nn.Linear(2, 2), torch.zeros(2, 2)),
        np.ones((2, 2)),
        {"default": {"weight": 28, "activation": 8}},
    )
    with pytest.raises(
        ConfigError, match=r"layer '.*': strategy da takes weights of magnitude below 1048576"
    ):
        hpq.generate(q, tmp_path / "out", strategy="da")
