"""LUTs and flip-flops of products, against what Yosys makes of the same modules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import constant_product, in_dsp
from hpq_hls.billing.parts import Family
from hpq_hls.billing.products import constant_levels, most_shifted, signed_width, soft_product
from hpq_hls.fixed import FixedType
from hpq_hls.resources import templates_dir
from hpq_hls.synth.cells import count_cells
from hpq_hls.synth.yosys import STATISTICS, run_script

MODULES = ("hpq_registers", "hpq_product", "hpq_constproduct", "hpq_addtree", "hpq_dot")

# Widths and signs that the formula was not found on.
PAIRS = [("s3", "s4"), ("u5", "s6"), ("s11", "s9"), ("u10", "s13")]


def parse(text: str) -> FixedType:
    width = int(text[1:])
    return FixedType(width, width, text[0] == "s")


def cells(tmp_path: Path, module: str, **parameters: object) -> tuple[int, int, int]:
    """LUTs, flip-flops and DSP blocks of a module alone."""
    for name in MODULES:
        shutil.copy(templates_dir() / "rtl" / "lib" / f"{name}.sv", tmp_path)
    chosen = " ".join(f"-chparam {key} {value}" for key, value in parameters.items())
    script = [
        f"read_verilog -sv -defer {' '.join(f'{name}.sv' for name in MODULES)}",
        f"hierarchy -top {module} {chosen}",
        "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf",
        f"tee -q -o {STATISTICS} stat -json",
    ]
    run_script("\n".join(script), tmp_path, f"yosys, {module}", print)
    design = json.loads((tmp_path / STATISTICS).read_text())["design"]["num_cells_by_type"]
    report = count_cells(design, "", Family.SERIES_7)
    return report.lut, report.ff, report.dsp


@pytest.mark.slow
@pytest.mark.parametrize(("x", "weight"), PAIRS)
def test_products_are_what_yosys_builds(x: str, weight: str, tmp_path: Path) -> None:
    left, right = parse(x), parse(weight)
    found = cells(
        tmp_path, "hpq_dot", N=1, X_W=left.width, X_SIGNED=int(left.signed), W_W=right.width, IN_LUTS=1,
        OUT_W=left.width + right.width,
    )  # fmt: skip
    product = soft_product(left, right)
    assert found == (product.lut, product.ff + product.x_ff, 0)


@pytest.mark.slow
@pytest.mark.parametrize("constant", [21, 89, 205, 341])
def test_products_by_constants_are_about_what_yosys_builds(constant: int, tmp_path: Path) -> None:
    stages = constant_levels([constant])
    lut, ff, dsp = cells(
        tmp_path, "hpq_constproduct", X_W=9, C_W=10, CONSTANT=f"10'd{constant}", P_W=18, X_SIGNED=1,
        STAGES=stages, EVERY=1,
    )  # fmt: skip
    bill = Bill(Family.SERIES_7)
    constant_product(bill, 9, constant, stages, 1, 1)
    assert (ff, dsp) == (bill.ff, 0)
    # Logic optimisation finds more in a few sums than can be known without it.
    assert lut == pytest.approx(bill.terms[Term.CONSTANT], rel=0.25)


def test_powers_of_two_are_wires() -> None:
    for constant in (1, 2, 64):
        bill = Bill(Family.SERIES_7)
        constant_product(bill, 8, constant, 0, 1, 1)
        assert (sum(bill.terms.values()), bill.ff) == (0, 0)


def test_shifted_copies_are_for_constants_of_few_digits() -> None:
    """Seven copies of 8 bits take less than a block counts, five of 16 bits more."""
    assert (most_shifted(8), most_shifted(16)) == (7, 4)
    assert constant_levels([0, 1, 64, 3, 85, 0b1010101010101]) == 3
    assert constant_levels([0, 1, 64, 3, 85, 0b1010101010101], most=4) == 2


def test_widths_say_what_takes_a_dsp_block() -> None:
    """The rule of Yosys: 2 bits or more each, 9 together, as signed numbers."""
    assert not in_dsp(signed_width(parse("u3")), signed_width(parse("s4")))
    assert in_dsp(signed_width(parse("u4")), signed_width(parse("s4")))
    assert not in_dsp(1, 16)


@pytest.mark.parametrize("swapped", [False, True])
def test_either_factor_may_be_taken_apart(swapped: bool) -> None:
    """Products cost the same whichever factor is the weight; what hangs on x alone does not."""
    narrow, wide = parse("s3"), parse("s12")
    product = soft_product(*((narrow, wide) if swapped else (wide, narrow)))
    assert (product.lut, product.width) == (26, 15)
    assert product.x_ff == (3 if swapped else 12)


@pytest.mark.slow
def test_products_of_two_streams_are_what_yosys_builds(tmp_path: Path) -> None:
    """In DSP blocks from 9 bits together on, else in LUTs."""

    class Product(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x * y

    x = np.random.default_rng(0).normal(size=(4, 3))
    graph = hpq.from_torch(Product(), (torch.zeros(1, 3), torch.zeros(1, 3)))
    for width, blocks in ((3, 0), (8, 3), (16, 3)):
        q = hpq.quantize(graph, (x, -x), width)
        report = hpq.estimate(q)
        found = hpq.generate(q, tmp_path / str(width), "rtl").synth("yosys")
        assert report.dsp == found.dsp == blocks
        assert report.ff == pytest.approx(found.ff, rel=0.05)  # of what is equal, one is left
        assert report.lut == pytest.approx(found.lut, rel=0.1)  # logic optimisation
