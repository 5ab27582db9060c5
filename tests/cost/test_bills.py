"""Bills of single circuits against what Yosys makes of them, to the LUT."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import cast, dsp_blocks, tree
from hpq_hls.billing.coefficients import luts
from hpq_hls.billing.counters import wrapping_counter
from hpq_hls.billing.memories import block_rom
from hpq_hls.billing.parts import Family
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.resources import templates_dir
from hpq_hls.synth import ResourceReport
from hpq_hls.synth.cells import count_cells
from hpq_hls.synth.yosys import STATISTICS, run_script

RELU, PLAIN = Epilogue.relu(), Epilogue()
CASTS = (
    (16, "ap_fixed<16,12>", RELU, "ap_ufixed<10,8,AP_RND,AP_SAT>"),
    (16, "ap_fixed<16,12>", PLAIN, "ap_ufixed<10,8,AP_RND,AP_SAT>"),
    (18, "ap_fixed<18,12>", RELU, "ap_ufixed<12,11,AP_TRN,AP_SAT>"),  # nothing saturates but at 0: wires
    (16, "ap_fixed<16,12>", PLAIN, "ap_fixed<10,9,AP_TRN,AP_SAT>"),
    (22, "ap_fixed<22,12>", PLAIN, "ap_fixed<12,11,AP_RND,AP_SAT>"),
    (15, "ap_fixed<15,12>", RELU, "ap_fixed<12,12,AP_RND,AP_SAT>"),
    (12, "ap_fixed<12,8>", PLAIN, "ap_fixed<12,10,AP_RND,AP_SAT>"),  # a rounding, and nothing else
    (15, "ap_fixed<15,9>", RELU, "ap_fixed<10,9,AP_RND>"),
    (12, "ap_fixed<12,8>", PLAIN, "ap_fixed<9,5>"),
)
"""Width of a sum, its type, what becomes of it, and the type it is cast to."""


def mapped(folder: Path, family: Family, *library: str) -> dict[str, ResourceReport]:
    """The cells of each module of ``top.v`` in the folder, which uses these files of the RTL library."""
    for name in library:
        shutil.copy(templates_dir() / "rtl" / "lib" / name, folder)
    script = [
        f"read_verilog -sv -defer {' '.join(library)} top.v",
        "hierarchy -top top",
        f"synth_xilinx -family {family.value} -flatten -noiopad -noclkbuf -top top",
        f"tee -q -o {STATISTICS} stat -json",
    ]
    run_script("\n".join(script), folder, "yosys, single circuits", lambda _: None)
    found = json.loads((folder / STATISTICS).read_text())["modules"]
    return {
        name.removeprefix("\\"): count_cells(one["num_cells_by_type"], "", family)
        for name, one in found.items()
        if name != "\\top"
    }


def _cast_module(number: int, width: int, given: FixedType, epilogue: Epilogue, made: FixedType) -> str:
    relu = f"{{2'b0{int(epilogue.low == 0)}, {2 * width}'d0}}"
    return f"""
(* keep_hierarchy *) module cast{number} (input clk, input signed [{width - 1}:0] x,
    output reg [{made.width - 1}:0] y);
  reg signed [{width - 1}:0] sum;
  wire [{made.width - 1}:0] result;
  always @(posedge clk) begin sum <= x; y <= result; end
  hpq_cast #(.IN_W({width}), .SHIFT({given.fraction - made.fraction}), .OUT_W({made.width}),
      .OUT_SIGNED({int(made.signed)}), .CLIP({relu}), .ROUNDING("{made.rounding.value}"),
      .OVERFLOW("{made.overflow.value}")) cast (.clk(clk), .x(sum), .y(result));
endmodule"""


def test_casts(tmp_path: Path) -> None:
    cases = [
        (width, FixedType.parse(given), epilogue, FixedType.parse(made))
        for width, given, epilogue, made in CASTS
    ]
    modules = [_cast_module(number, *case) for number, case in enumerate(cases)]
    wires = [
        f"cast{n} c{n} (clk, x[{case[0] - 1}:0], y[{32 * n + case[3].width - 1}:{32 * n}]);"
        for n, case in enumerate(cases)
    ]
    top = f"module top (input clk, input [31:0] x, output [{32 * len(cases) - 1}:0] y);"
    (tmp_path / "top.v").write_text("\n".join([*modules, top, *wires, "endmodule", ""]))
    found = mapped(tmp_path, Family.SERIES_7, "hpq_registers.sv", "hpq_cast.sv")
    for number, (_, given, epilogue, made) in enumerate(cases):
        bill = Bill(Family.SERIES_7)
        cast(bill, given, made, epilogue, 1)
        assert luts(bill) == found[f"cast{number}"].lut, CASTS[number]


TREES = ((2, 8, 4), (3, 8, 4), (4, 12, 4), (8, 8, 4), (16, 10, 4), (9, 8, 2), (6, 9, 1))
"""Terms, bits of each, and levels between registers."""


def test_sums_of_many(tmp_path: Path) -> None:
    modules, instances = list[str](), list[str]()
    for number, (terms, width, every) in enumerate(TREES):
        bits = terms * width
        modules.append(f"""
(* keep_hierarchy *) module sum{number} (input clk, input [{bits - 1}:0] x, output [{width + 4}:0] y);
  reg [{bits - 1}:0] given;
  always @(posedge clk) given <= x;
  hpq_addtree #(.N({terms}), .IN_W({width}), .OUT_W({width + 5}), .EVERY({every})) tree (
      .clk(clk), .terms(given), .sum(y));
endmodule""")
        instances.append(
            f"sum{number} s{number} (clk, x[{bits - 1}:0], y[{64 * number + width + 4}:{64 * number}]);"
        )
    top = f"module top (input clk, input [255:0] x, output [{64 * len(TREES) - 1}:0] y);"
    (tmp_path / "top.v").write_text("\n".join([*modules, top, *instances, "endmodule", ""]))
    found = mapped(tmp_path, Family.ULTRASCALE_PLUS, "hpq_addtree.sv")
    for number, (terms, width, every) in enumerate(TREES):
        bill = Bill(Family.ULTRASCALE_PLUS)
        tree(bill, terms, width, width + 5, every=every)
        measured = found[f"sum{number}"]
        assert bill.ff == measured.ff - terms * width, TREES[number]
        # How LUTs share the carries of four numbers depends on their width: up to two of each such sum.
        fours = bill.terms.get(Term.ADD4, 0) // width
        assert abs(luts(bill) - measured.lut) <= 2 * fours, TREES[number]


def test_sums_that_are_kept_apart_are_the_same(tmp_path: Path) -> None:
    """What Yosys is given of hpq_addtree is what all others are given, for all terms."""
    source = (templates_dir() / "rtl" / "lib" / "hpq_addtree.sv").read_text()
    assert "`ifdef YOSYS" in source
    (tmp_path / "apart.sv").write_text(source.replace("hpq_addtree", "apart"))
    (tmp_path / "plain.sv").write_text(
        source.replace("hpq_addtree", "plain").replace("`ifdef YOSYS", "`ifdef NONE")
    )
    cases = ((8, 5, 6, 0, "8'b11010110"), (7, 5, 10, 2, "7'b1100110"), (9, 3, 9, 0, "9'b000010000"))
    lines, differ = list[str](), list[str]()
    for number, (terms, width, out, done, negative) in enumerate(cases):
        for kind in ("apart", "plain"):
            lines.append(f"wire [{out - 1}:0] {kind}{number};")
            lines.append(
                f"{kind} #(.N({terms}), .IN_W({width}), .OUT_W({out}), .EVERY(9), .DONE({done}), .LAST(0), "
                f".NEGATIVE({negative})) {kind}_tree{number} (.clk(clk), .terms(x[{terms * width - 1}:0]), "
                f".sum({kind}{number}));"
            )
        differ.append(f"apart{number} != plain{number}")
    top = ["module top (input clk, input [39:0] x, output differ);", *lines]
    (tmp_path / "top.sv").write_text(
        "\n".join([*top, f"assign differ = {' || '.join(differ)};", "endmodule", ""])
    )
    script = (
        "read_verilog -sv apart.sv plain.sv top.sv\nprep -top top -flatten\nsat -prove differ 0 -verify top"
    )
    run_script(script, tmp_path, "yosys, proof", lambda _: None)


@pytest.mark.parametrize(
    ("words", "width", "blocks"),
    [
        (np.full((8192, 1), 5), 12, 0),
        (np.arange(8192)[:, None] % 128, 12, 4),  # seven bits of twelve change: two to a block
        (np.arange(8192)[:, None] % 4096, 12, 6),
    ],
)
def test_constant_bits_are_in_no_block_ram(words: np.ndarray, width: int, blocks: int) -> None:
    bill = Bill(Family.SERIES_7)
    block_rom(bill, words, width)
    assert bill.bram == blocks


@pytest.mark.parametrize(
    ("left", "right", "family", "blocks"),
    [
        (25, 18, Family.SERIES_7, 1),
        (27, 18, Family.ULTRASCALE_PLUS, 1),
        (26, 18, Family.SERIES_7, 2),
        (42, 18, Family.SERIES_7, 2),
        (43, 18, Family.SERIES_7, 3),  # 25 bits and twice 17
        (19, 19, Family.SERIES_7, 2),
        (26, 19, Family.SERIES_7, 4),
    ],
)
def test_products_too_wide_for_a_block(left: int, right: int, family: Family, blocks: int) -> None:
    assert dsp_blocks(left, right, family) == dsp_blocks(right, left, family) == blocks


def test_counters_that_wrap_by_themselves_are_smaller() -> None:
    assert [wrapping_counter(states) for states in (1, 2, 3, 4)] == [0, 1, 3, 3]
    assert wrapping_counter(64) < wrapping_counter(63)
