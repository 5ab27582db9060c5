"""Which products are in DSP blocks by the rules of each tool, and what an estimate makes of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.bill import Bill
from hpq_hls.billing.calibration import Calibration, Factors
from hpq_hls.billing.inference import VENDOR, Tool, fabric_product, figures_of
from hpq_hls.billing.parts import Family
from hpq_hls.cost import Ledger
from hpq_hls.errors import ConfigError
from hpq_hls.project.hardware import hardware_config
from hpq_hls.simulate import QuantizedGraph

ALONE = {"0": {"pe": 1, "simd": 8}, "2": {"pe": 1, "simd": 4}}
"""One row at a time, so that no products share a block."""


def network(bits: int) -> QuantizedGraph:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 5)).eval()
    x = np.random.default_rng(0).normal(size=(24, 16))
    return hpq.quantize(hpq.from_torch(module, torch.zeros(1, 16)), x, bits)


@pytest.mark.parametrize(("bits", "blocks"), [(6, 0), (8, 0), (10, 12)])
@pytest.mark.parametrize("tool", ["vivado", "vitis"])
def test_vendors_tools_leave_narrow_products_in_luts(bits: int, blocks: int, tool: str) -> None:
    q = network(bits)
    yosys, vendor = (hpq.estimate(q, tool=name, layers=ALONE) for name in ("yosys", tool))
    assert hpq.estimate(q, layers=ALONE) == yosys and yosys.tool == "yosys"
    assert yosys.dsp == 12 and vendor.dsp == blocks
    assert (vendor.lut > yosys.lut, vendor.ff > yosys.ff) == (blocks == 0, blocks == 0)
    assert vendor.tool == tool and f"products in DSP blocks as {tool} has them" in vendor.stage
    assert vendor.backend == ("rtl" if tool == "vivado" else "vitis") and not vendor.calibrated
    assert sum(layer.dsp for layer in vendor.layers) == blocks
    assert vendor.to_dict()["tool"] == tool


def test_what_the_design_says_itself_no_tool_decides() -> None:
    q = network(8)
    shared = {"0": {"pe": 4, "simd": 4}, "2": {"pe": 5, "simd": 4}}
    vivado, yosys = (hpq.estimate(q, tool=tool, layers=shared) for tool in ("vivado", "yosys"))
    rest = 4  # of five rows, two blocks take two each
    assert yosys.dsp - vivado.dsp == rest
    vivado, yosys = (hpq.estimate(q, tool=tool, multiplier="lut") for tool in ("vivado", "yosys"))
    assert (vivado.dsp, vivado.ff) == (yosys.dsp, yosys.ff) == (0, yosys.ff)
    assert abs(vivado.lut - yosys.lut) <= 3  # kernels, FIFOs and ports are rounded one by one, not their sum


def test_a_search_prices_by_the_rules_too() -> None:
    q = network(8)
    config = hardware_config(tool="vitis", layers=ALONE)
    found = Ledger(config, config.part).resources(q)
    report = hpq.estimate(q, tool="vitis", layers=ALONE)
    assert (found.lut, found.ff, found.dsp, found.bram) == (report.lut, report.ff, report.dsp, report.bram)


def test_products_move_with_their_registers() -> None:
    bill = Bill(Family.SERIES_7)
    bill.multiply(8, 8, 5, in_luts=False)
    bill.multiply(12, 9, 3, in_luts=False)
    bill.multiply(25, 8, 2, in_luts=False, bound=True)
    bill.multiply(4, 4, 7, in_luts=True)
    bill.dsp = 10
    figures = figures_of(Tool.VIVADO)
    assert figures is not None
    assert figures.apply("matvec", bill, 0, 0) == (5 * fabric_product(8, 8), 5 * 32, 5)
    assert fabric_product(8, 8) == 4 * 9 + 3 * 10
    assert figures_of(Tool.YOSYS) is None
    assert (VENDOR.takes(16, 6), VENDOR.takes(16, 4), VENDOR.takes(8, 8)) == (True, False, False)


def test_impossible_tools_are_refused() -> None:
    q = network(4)
    with pytest.raises(ConfigError, match="tool is 'quartus'; choose yosys, vivado or vitis"):
        hpq.estimate(q, tool="quartus")
    with pytest.raises(ConfigError, match="tool is 'vivado', and ice40hx8k is Lattice's; choose yosys"):
        hpq.estimate(q, tool="vivado", part="iCE40HX8K-CT256")
    nothing = Factors((0.0,) * 10, (0.0,) * 10, 0)
    given = Calibration("Vitis HLS", "2023.2", "C synthesis", "vitis", 1, 1, {}, nothing, None)
    with pytest.raises(ConfigError, match="tool is 'vitis', and a calibration says itself which products"):
        hpq.estimate(q, tool="vitis", calibration=given)
