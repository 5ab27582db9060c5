"""Estimated resources against what Yosys makes of the same RTL."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.parts import Family
from hpq_hls.cost.estimate import luts_of
from hpq_hls.cost.kernels import bill_ports
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import Dataflow, Stream, Terminal
from hpq_hls.resources import templates_dir
from hpq_hls.synth.cells import count_cells
from hpq_hls.synth.yosys import STATISTICS, read_cells, run_script
from tests.scales import with_shifts

NETWORKS = {
    "mlp": (nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 4)), (8,)),
    "cnn": (nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 2)), (1, 8, 8)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("width", [4, 9])
def test_close_to_yosys(name: str, width: int, tmp_path: Path) -> None:
    net, shape = NETWORKS[name]
    torch.manual_seed(1)
    for layer in net:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    x = np.random.default_rng(1).normal(size=(20, *shape))
    _check(hpq.quantize(hpq.from_torch(net.eval(), torch.zeros(2, *shape)), x, width), tmp_path)


@pytest.mark.parametrize(("name", "width", "most"), [("mlp", 4, 3), ("cnn", 6, 7)])
def test_scales_of_channels_close_to_yosys(name: str, width: int, most: int, tmp_path: Path) -> None:
    net, shape = NETWORKS[name]
    x = np.random.default_rng(1).normal(size=(20, *shape))
    q = hpq.quantize(hpq.from_torch(net.eval(), torch.zeros(2, *shape)), x, width)

    def draw(rng: np.random.Generator, channels: int) -> np.ndarray:
        shift: np.ndarray = rng.permutation(np.resize(np.arange(most + 1), channels))
        return shift - shift.min()

    shifted = with_shifts(q, 1, draw)
    costs = [hpq.estimate(network, target_interval=64) for network in (q, shifted)]
    assert costs[0].lut < costs[1].lut
    _check(shifted, tmp_path)


@pytest.mark.parametrize(("name", "activation"), [("mlp", 3), ("mlp", 8), ("cnn", 5)])
def test_signs_close_to_yosys(name: str, activation: int, tmp_path: Path) -> None:
    net, shape = NETWORKS[name]
    x = np.random.default_rng(1).normal(size=(20, *shape))
    graph = hpq.from_torch(net.eval(), torch.zeros(2, *shape))
    wider, signs = (
        hpq.quantize(graph, x, {"default": {"weight": width, "activation": activation}}) for width in (2, 1)
    )
    costs = [hpq.estimate(q, target_interval=64) for q in (wider, signs)]
    assert costs[1].dsp == 0  # a sign needs no multiplier
    assert costs[1].lut + 55 * costs[1].dsp < costs[0].lut + 55 * costs[0].dsp
    _check(signs, tmp_path)


@pytest.mark.parametrize(("name", "width"), [("mlp", 8), ("cnn", 6), ("mlp", {"weight": 5, "activation": 9})])
def test_products_in_luts_close_to_yosys(name: str, width: object, tmp_path: Path) -> None:
    net, shape = NETWORKS[name]
    x = np.random.default_rng(1).normal(size=(20, *shape))
    q = hpq.quantize(hpq.from_torch(net.eval(), torch.zeros(2, *shape)), x, {"default": width})
    assert hpq.estimate(q, target_interval=64).dsp > 0
    assert hpq.estimate(q, target_interval=64, multipliers="fabric").dsp == 0
    _check(q, tmp_path, multipliers="fabric")


@pytest.mark.parametrize(
    ("convolution", "columns", "target"),
    [(nn.Conv2d(1, 4, 3, padding=1), 8, 40), (nn.Conv2d(1, 4, 5), 12, 32)],
)
def test_several_pixels_close_to_yosys(
    convolution: nn.Conv2d, columns: int, target: int, tmp_path: Path
) -> None:
    """Windows of one beat share pixels, and what is the same is there once. Of 12 pixels and 8 windows in
    beats of 3 and 2, each tap has a multiplexer."""
    torch.manual_seed(1)
    convolution.reset_parameters()
    net = nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(2))
    x = np.random.default_rng(1).normal(size=(20, 1, 8, columns))
    q = hpq.quantize(hpq.from_torch(net.eval(), torch.zeros(2, 1, 8, columns)), x, 4)
    assert hpq.estimate(q, target_interval=target).interval_cycles == target
    _check(q, tmp_path, target=target)


@pytest.mark.parametrize("part", ["xc7z020clg400-1", "xczu7ev-ffvc1156-2-e"])
def test_registers_around_means(part: str, tmp_path: Path) -> None:
    """Those that a DSP block takes in, those that it does not, and those in a row in a tree of nine."""
    net = nn.Sequential(nn.AvgPool2d(3), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    x = np.random.default_rng(0).normal(size=(20, 1, 6, 6))
    q = hpq.quantize(hpq.from_torch(net.eval(), torch.zeros(2, 1, 6, 6)), x, 12)
    wish = {"part": part, "clock_ns": 3.0}
    estimated = hpq.estimate(q, **wish)
    measured = hpq.generate(q, tmp_path / "rtl", "rtl", **wish).synth("yosys")
    assert estimated.dsp == measured.dsp > 0
    assert abs(estimated.ff - measured.ff) < 5


def _check(q: hpq.QuantizedGraph, tmp_path: Path, target: int = 64, multipliers: str = "auto") -> None:
    wish = {"target_interval": target, "multipliers": multipliers}
    estimated = hpq.estimate(q, **wish)
    measured = hpq.generate(q, tmp_path / "rtl", "rtl", **wish).synth("yosys")
    assert (estimated.dsp, estimated.bram) == (measured.dsp, measured.bram)
    # An estimate: what logic optimisation removes or shares is not known without synthesis.
    assert estimated.lut == pytest.approx(measured.lut, rel=0.25)
    assert estimated.ff == pytest.approx(measured.ff, rel=0.15)


def test_more_bits_never_cost_less() -> None:
    net, shape = NETWORKS["cnn"]
    x = np.random.default_rng(1).normal(size=(20, *shape))
    graph = hpq.from_torch(net.eval(), torch.zeros(2, *shape))
    costs = [hpq.estimate(hpq.quantize(graph, x, width), target_interval=64) for width in (2, 4, 8, 12, 16)]
    weighed = [cost.lut + 55 * cost.dsp for cost in costs]  # multipliers move from LUTs into DSPs
    assert weighed == sorted(weighed)
    assert costs[0].dsp == 0
    in_blocks = [cost.ff for cost in costs[1:]]  # where the registers of products are, too
    assert in_blocks == sorted(in_blocks)


@pytest.mark.parametrize("beats", [1, 3, 64])
def test_input_ports_are_what_yosys_builds(beats: int, tmp_path: Path) -> None:
    stream = Stream("x", FixedType(8, 8, signed=False), 2, beats)
    terminal = Terminal("x", "s_axis", "x", (2 * beats,), np.arange(2 * beats), checked=True)
    bill = bill_ports(Dataflow("net", (), {"x": stream}, (terminal,), ()), Family.SERIES_7)
    source = templates_dir() / "rtl" / "lib" / "hpq_axis_in_checked.sv"
    shutil.copy(source, tmp_path)
    script = [
        f"read_verilog -sv -defer {source.name}",
        f"hierarchy -top {source.stem} -chparam WIDTH 16 -chparam BYTES 2 -chparam BEATS {beats}",
        f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {source.stem}",
        f"tee -q -o {STATISTICS} stat -json",
    ]
    version = run_script("\n".join(script), tmp_path, "yosys, a port", lambda _: None)
    measured = count_cells(read_cells(tmp_path / STATISTICS), version, Family.SERIES_7)
    assert bill.ff == measured.ff + 1  # the register of reset, which the top module has
    # How Yosys packs a counter's few gates into LUTs depends on its width; the bill is one for all widths.
    assert luts_of(bill) == pytest.approx(measured.lut, abs=5)
