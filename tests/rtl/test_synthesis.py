"""Yosys reads everything, infers the memories that are meant, and its netlists still compute the same."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hpq_hls.billing.parts import Family
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.fixed import Epilogue
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import MatVec
from hpq_hls.tools.toolchain import find_yosys, run_tool, yosys_env
from tests.rtl import harness
from tests.rtl.cases import (
    MATVECS,
    SLIDES,
    Mac,
    cast_flow,
    conv_flow,
    fabric_flows,
    mac_flows,
    matvec_flow,
    other_flows,
    packed_flows,
    signed_flows,
    unrolled_flow,
    window_flow,
    window_flows,
)
from tests.rtl.harness import Batch, Traffic, write_projects

_LATCHES = "t:$dlatch t:$adlatch t:$dlatchsr t:$sr t:$dffsr t:$aldff"
_BLOCKS_MADE = "coarse"
"""The step of synth_xilinx before which DSP blocks are made; those after it take most of the time, and make
no more of them."""


def _yosys(folder: Path, script: list[str]) -> str:
    (folder / "script.ys").write_text("\n".join(script) + "\n")
    command = [find_yosys().require(), "-q", "-l", "log", "script.ys"]
    run_tool(command, cwd=folder, env=yosys_env(), timeout=900)
    return (folder / "log").read_text()


def _elaborate(flows: list[Dataflow]) -> list[str]:
    """Read once, then elaborate every design, look for latches and undriven wires, write a netlist."""
    script = ["read_verilog -sv rtl/*.sv", "design -save sources"]
    for flow in flows:
        script += [
            "design -load sources",
            f"hierarchy -check -top {flow.name}",
            "prep -flatten",
            f"select -assert-none {_LATCHES}",
            "check -assert",
            f"write_verilog -noattr {flow.name}.v",
        ]
    return script


@pytest.mark.slow
def test_netlists_compute_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yosys understands the sources as Verilator does: its netlists give the same words."""
    flows = [*window_flows(), *mac_flows(), *signed_flows(), *fabric_flows(), *other_flows()][::3]
    flows += packed_flows()[::3]
    write_projects(flows, tmp_path)
    log = _yosys(tmp_path, _elaborate(flows))
    assert "Warning" not in log, log[-3000:]
    sources = [f"{flow.name}.v" for flow in flows]
    # A netlist is not tidy, and bits of one vector that drive others of it look like a loop: `check` above
    # has looked for loops bit by bit.
    monkeypatch.setattr(harness, "LINT", ["-Wno-lint", "-Wno-style", "-Wno-UNOPTFLAT"])
    batch = Batch(flows, tmp_path, sources=sources)
    batch.check(Traffic(seed=7, valid=60, ready=60, reset_at=31))


@pytest.mark.slow
def test_memories_are_inferred(tmp_path: Path) -> None:
    """A long line buffer and a large ROM become block RAM, small ones do not, nothing is a latch."""
    flows = [window_flow("lines", SLIDES[21]), matvec_flow("rom", MATVECS[13]), conv_flow("conv", (2, 40))]
    write_projects(flows, tmp_path)
    cells = _synthesize(tmp_path, [flow.name for flow in flows])
    assert {name: count["RAMB18E1"] for name, count in cells.items()} == {"lines": 1, "rom": 1, "conv": 0}
    assert cells["conv"]["RAM32M"] + cells["conv"]["RAM64M"] > 0  # the FIFO, the vector buffer
    assert cells["lines"]["FDRE"] < 300  # 64 channels of 9 bits are not in registers


@pytest.mark.slow
def test_products_in_luts_take_no_dsp_block(tmp_path: Path) -> None:
    # Dense and convolutional networks: tests/cost/test_resources.py.
    flows = {flow.name: flow for flow in (*mac_flows(), *fabric_flows(), *other_flows())}
    # 16 x 16 bits; a constant of five digits times nine bits, which is cheaper than a block either way.
    names = ["fabric_unrolled_5", "fabric_average_1", "average_1", "unrolled_2", "blocks_2"]
    write_projects([flows[name] for name in names], tmp_path)
    cells = _synthesize(tmp_path, names, to=_BLOCKS_MADE)
    for name in names:
        assert cells[name]["DSP48E1"] == bill_dataflow(flows[name], Family.SERIES_7).dsp, name
    assert {name: cells[name]["DSP48E1"] > 0 for name in names} == {
        name: name.startswith("blocks") for name in names
    }


@pytest.mark.slow
@pytest.mark.parametrize("family", [Family.SERIES_7, Family.ULTRASCALE_PLUS])
def test_rows_share_dsp_blocks(family: Family, tmp_path: Path) -> None:
    """One block for each packed multiplication, as billed: two products of 8 x 8 bits, and four of 4 x 4."""
    flows = [replace(flow, kernels=(flow.kernels[0].on(family),)) for flow in packed_flows()[:8]]
    write_projects(flows, tmp_path)
    cells = _synthesize(tmp_path, [flow.name for flow in flows], family, to=_BLOCKS_MADE)
    for flow in flows:
        (kernel,) = flow.kernels
        blocks = sum(count for cell, count in cells[flow.name].items() if cell.startswith("DSP48"))
        assert blocks == bill_dataflow(flow, family).dsp, flow.name
        narrow = flow.streams[flow.input].type.width == 4
        rows = 2 if not narrow else 3 if family is Family.SERIES_7 else 4
        assert blocks == math.ceil(8 / rows) * 6, flow.name
        assert isinstance(kernel, MatVec)
        assert kernel.multipliers == 48


@pytest.mark.slow
def test_slopes_stay_where_they_follow_a_register(tmp_path: Path) -> None:
    """The product of a sum and a slope is a DSP block, and nothing is dropped for it."""
    kinds = {
        "x": "ap_fixed<6,3>",
        "w": "ap_fixed<5,1>",
        "b": "ap_fixed<8,3>",
        "y": "ap_fixed<6,4,AP_RND,AP_SAT>",
    }
    flow = unrolled_flow("leaky", Mac(1, 1, 2, pe=1, vectors=2, **kinds))
    kernel = replace(flow.kernels[0], epilogue=Epilogue(slopes=((41,),), fraction=12))
    plain = replace(flow, name="plain", kernels=(replace(flow.kernels[0], epilogue=Epilogue()),))
    write_projects([plain, replace(flow, kernels=(kernel,))], tmp_path)
    cells = _synthesize(tmp_path, ["plain", "leaky"])
    assert cells["leaky"]["DSP48E1"] > cells["plain"]["DSP48E1"]
    assert cells["leaky"]["FDRE"] >= cells["plain"]["FDRE"] / 2


@pytest.mark.slow
def test_yosys_command_of_the_readme(tmp_path: Path) -> None:
    write_projects([cast_flow("narrow", "ap_fixed<8,3>", "ap_fixed<4,2>", relu=True)], tmp_path)
    (line,) = re.findall(r"^    (yosys .*)$", (tmp_path / "README.md").read_text(), re.MULTILINE)
    command = [find_yosys().require(), *shlex.split(line)[1:]]
    log = run_tool(command, cwd=tmp_path, env=yosys_env(), timeout=900).stdout
    assert re.search(r"\d+ +FDRE", log)


def _synthesize(
    folder: Path, tops: list[str], family: Family = Family.SERIES_7, to: str = ""
) -> dict[str, Counter[str]]:
    """Cells of each design, of all of synthesis or up to one of its steps. The family's cells are read once:
    for a small design that takes as long as all the rest."""
    script = [
        "read_verilog -lib -specify +/xilinx/cells_sim.v",
        "read_verilog -lib +/xilinx/cells_xtra.v",
        "read_verilog -sv -defer rtl/*.sv",
        "design -save sources",
    ]
    for top in tops:
        script += [
            "design -load sources",
            f"hierarchy -check -top {top}",
            f"synth_xilinx -family {family.value} -flatten -run prepare:{to} -top {top}",
            f"select -assert-none t:LD* {_LATCHES}",
            "opt_clean",
            f"tee -o {top}.stat stat",
        ]
    _yosys(folder, script)
    cells = {}
    for top in tops:
        rows = re.findall(r"^ +(\d+) +([A-Z]\w+)$", (folder / f"{top}.stat").read_text(), re.MULTILINE)
        cells[top] = Counter({cell: int(count) for count, cell in rows})
    return cells
