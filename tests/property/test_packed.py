"""Products that share DSP blocks: numpy = g++ = Verilator on all words of random networks, for all inputs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.hardware import build_dataflow
from hpq_hls.kernels import MatVec
from hpq_hls.kernels.lanes import divisors
from hpq_hls.project.hardware import hardware_config
from tests.scales import with_shifts

PARTS = ("xc7z020clg400-1", "xczu3eg-sbva484-1-i")


def _network(seed: int) -> tuple[hpq.QuantizedGraph, np.ndarray, dict[str, dict[str, int | str]]]:
    """A convolution and a linear layer of random sizes, widths and folding, several rows at a time."""
    rng = np.random.default_rng(seed)
    channels, maps, outputs = (int(rng.integers(low, high)) for low, high in ((1, 4), (2, 9), (2, 12)))
    torch.manual_seed(seed)
    middle = nn.ReLU() if seed % 2 else nn.Identity()  # unsigned elements, or signed ones
    module = nn.Sequential(nn.Conv2d(channels, maps, 2), middle, nn.Flatten(), nn.Linear(4 * maps, outputs))
    x = rng.normal(size=(30, channels, 3, 3))
    graph = hpq.from_torch(module.eval(), torch.zeros(2, channels, 3, 3))
    weight, activation = (int(rng.integers(2, 10)) for _ in range(2))
    q = hpq.quantize(graph, x, {"default": {"weight": weight, "activation": activation}})
    layers: dict[str, dict[str, int | str]] = {}
    for name, rows in (("0", maps), ("3", outputs)):
        layers[name] = {"pe": int(rng.choice(divisors(rows)[1:])), "multiplier": "dsp"}
    return (with_shifts(q, seed) if seed % 3 == 0 else q), x, layers


@pytest.mark.parametrize("seed", range(6))
def test_hardware_equals_simulator(seed: int, tmp_path: Path) -> None:
    q, x, layers = _network(seed)
    part, expected = PARTS[seed % 2], q.predict_raw(x)
    assert len(np.unique(expected)) > 3, "the case shows nothing"
    wish = {"part": part, "target_interval": 30}
    flow = build_dataflow(q, hardware_config(layers=layers, **wish))
    units = [kernel for kernel in flow.kernels if isinstance(kernel, MatVec)]
    assert any(unit.packing is not None for unit in units)
    settings = wish | {"layers": layers}
    for backend in ("rtl", "vitis"):
        project = hpq.generate(q, tmp_path / backend, backend, oversize=True, **settings)
        found = project.cosim(x).raw if backend == "rtl" else project.csim(x)
        np.testing.assert_array_equal(found, expected)
        certificate = project.certify()
        assert certificate.passed
        proofs = {kernel.name: kernel.proof for kernel in certificate.kernels}
        assert {proofs[unit.name] for unit in units} == {"all inputs"}


@pytest.mark.parametrize("seed", [7, 8])
def test_estimates_have_the_blocks_that_yosys_builds(seed: int, tmp_path: Path) -> None:
    q, _, layers = _network(seed)
    for part in PARTS:
        settings = {"part": part, "layers": layers, "target_interval": 30}
        estimated = hpq.estimate(q, **settings)
        measured = hpq.generate(q, tmp_path / part, "rtl", oversize=True, **settings).synth("yosys")
        assert (estimated.dsp, estimated.bram) == (measured.dsp, measured.bram)


@pytest.mark.parametrize(("width", "rows"), [(8, 2), (4, 4)])
def test_products_per_block(width: int, rows: int) -> None:
    """Of a matrix unit of 12 rows and 16 columns, on a DSP48E2."""
    graph = hpq.from_torch(nn.Sequential(nn.Linear(16, 12)).eval(), torch.zeros(2, 16))
    q = hpq.quantize(graph, np.random.default_rng(0).normal(size=(20, 16)), width)
    report = hpq.estimate(q, "xczu3eg-sbva484-1-i", layers={"0": {"pe": 12, "simd": 16}})
    assert report.dsp == math.ceil(12 / rows) * 16
