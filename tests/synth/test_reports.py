"""Reading what the tools write, and refusing what they did not write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hpq_hls.billing.parts import Family
from hpq_hls.errors import ConfigError, ToolError
from hpq_hls.synth.cells import count_cells
from hpq_hls.synth.nextpnr import device_of, read_report
from hpq_hls.synth.vitis import read_csynth
from hpq_hls.synth.yosys import mapping, read_cells

FIXTURES = Path(__file__).parent / "fixtures"


def test_every_kind_of_cell_is_counted_once() -> None:
    cells = {
        "LUT2": 3,
        "LUT6": 5,
        "INV": 2,
        "SRL16E": 4,
        "SRLC32E": 1,
        "RAM32M": 2,
        "RAM64X1D": 3,
        "CARRY4": 9,
        "MUXF7": 7,
        "FDRE": 11,
        "FDSE": 1,
        "FDCE_1": 1,
        "DSP48E1": 6,
        "RAMB18E1": 1,
        "RAMB36E1": 2,
        "$scopeinfo": 8,
        "$paramod$00ff\\hpq_rom": 1,
    }
    report = count_cells(cells, "0.70", Family.SERIES_7)
    assert report.lut == 3 + 5 + 2 + 4 + 1 + 2 * 4 + 3 * 2
    assert (report.ff, report.dsp, report.bram) == (13, 6, 1 + 2 * 2)
    assert (report.tool, report.version, report.fmax_mhz) == ("yosys", "0.70", None)
    assert "xc7" in report.stage
    assert "$scopeinfo" not in report.cells
    assert report.cells["CARRY4"] == 9
    json.dumps(report.to_dict())


def test_ultrascale_cells_are_counted() -> None:
    cells = {"DSP48E2": 2, "RAMB18E2": 3, "RAMB36E2": 1, "RAM32M16": 1, "CARRY8": 4, "FDPE": 5}
    report = count_cells(cells, "0.70", Family.ULTRASCALE_PLUS)
    assert (report.lut, report.ff, report.dsp, report.bram) == (8, 5, 2, 5)


def test_unmapped_cells_are_refused() -> None:
    with pytest.raises(ToolError, match=r"\$mul"):
        count_cells({"LUT6": 1, "$mul": 2}, "0.70", Family.SERIES_7)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"design": {}}', '{"design": {"num_cells_by_type": 3}}'])
def test_broken_statistics_of_yosys(text: str, tmp_path: Path) -> None:
    path = tmp_path / "stat.json"
    path.write_text(text)
    with pytest.raises(ToolError, match=r"stat\.json"):
        read_cells(path)


def test_statistics_of_yosys(tmp_path: Path) -> None:
    path = tmp_path / "stat.json"
    path.write_text('{"modules": {}, "design": {"num_cells_by_type": {"LUT6": 2, "FDRE": 1}}}')
    assert read_cells(path) == {"FDRE": 1, "LUT6": 2}
    with pytest.raises(ToolError, match="cannot be read"):
        read_cells(tmp_path / "none.json")


def test_report_of_nextpnr(tmp_path: Path) -> None:
    path = tmp_path / "nextpnr.json"
    used = {"TRELLIS_COMB": 100, "TRELLIS_FF": 80, "MULT18X18D": 4, "DP16KD": 2, "EHXPLLL": 0}
    content = {
        "fmax": {
            "$glbnet$ap_clk": {"achieved": 151.234, "constraint": 200.0},
            "other": {"achieved": 300.0, "constraint": 200.0},
        },
        "utilization": {name: {"available": 1000, "used": count} for name, count in used.items()},
    }
    path.write_text(json.dumps(content))
    report = read_report(path, "0.11", "LFE5U-85F-8")
    assert (report.lut, report.ff, report.dsp, report.bram) == (100, 80, 4, 2)
    assert report.fmax_mhz == 151.23
    assert "EHXPLLL" not in report.cells
    assert "placed and routed" in report.stage
    path.write_text("{}")
    with pytest.raises(ToolError, match="nextpnr"):
        read_report(path, "0.11", "LFE5U-85F-8")


def test_report_of_vitis_hls() -> None:
    report = read_csynth(FIXTURES / "csynth_vitis.xml", "vitis_hls")
    assert (report.lut, report.ff, report.dsp, report.bram) == (4711, 3805, 17, 6)
    assert (report.latency_cycles, report.interval_cycles) == (1293, 641)
    assert report.fmax_mhz == 273.97
    assert (report.tool, report.version) == ("vitis_hls", "2022.2")
    assert "C synthesis" in report.stage
    assert report.uram == report.cells["URAM"] == 0


def test_uram_and_the_throughput_of_a_dataflow(tmp_path: Path) -> None:
    """Frames that differ in their interval have a range instead of one number."""
    text = (FIXTURES / "csynth_vitis.xml").read_text()
    assert text.count(">641<") == 3
    span = "<range><min>641</min><max>655</max></range>"
    text = text.replace(">641</Data", f">{span}</Data").replace("<URAM>0</URAM>", "<URAM>3</URAM>", 1)
    (tmp_path / "csynth.xml").write_text(text)
    report = read_csynth(tmp_path / "csynth.xml", "vitis_hls")
    assert (report.interval_cycles, report.uram) == (655, 3)


def test_report_of_vivado_hls_and_undefined_latency() -> None:
    report = read_csynth(FIXTURES / "csynth_vivado.xml", "vivado_hls", "2019.2")
    assert (report.lut, report.ff, report.dsp, report.bram) == (900, 700, 3, 1)
    assert (report.latency_cycles, report.interval_cycles) == (None, None)
    assert report.version == "2019.2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<profile>",
        "<profile/>",
        "<profile><AreaEstimates><Resources><LUT>1</LUT></Resources></AreaEstimates></profile>",
    ],
)
def test_broken_report_of_vitis(text: str, tmp_path: Path) -> None:
    path = tmp_path / "csynth.xml"
    path.write_text(text)
    with pytest.raises(ToolError, match=r"csynth\.xml"):
        read_csynth(path, "vitis_hls")


def test_cells_of_other_makers_count_as_their_own() -> None:
    ecp5 = {"LUT4": 10, "CCU2C": 3, "PFUMX": 9, "TRELLIS_DPR16X4": 2, "TRELLIS_FF": 7}
    report = count_cells(ecp5 | {"MULT18X18D": 2, "DP16KD": 1, "PDPW16KD": 3}, "0.70", Family.ECP5)
    assert (report.lut, report.ff, report.dsp, report.bram) == (10 + 6 + 12, 7, 2, 4)
    ice40 = {"SB_LUT4": 10, "SB_CARRY": 4, "SB_DFF": 3, "SB_DFFESR": 5, "SB_RAM40_4K": 2, "SB_MAC16": 1}
    report = count_cells(ice40, "0.70", Family.ICE40)
    assert (report.lut, report.ff, report.dsp, report.bram) == (10, 8, 1, 2)
    assert report.cells == ice40


def test_parts_that_yosys_has_no_library_for_are_refused() -> None:
    assert mapping(Family.ECP5, "LFE5U-25F-6BG256C") == "synth_ecp5"
    assert mapping(Family.ICE40, "iCE40LP1K-CM36") == "synth_ice40 -device lp"
    assert mapping(Family.ICE40, "iCE40UP5K-SG48I") == "synth_ice40 -device u -dsp"
    with pytest.raises(ConfigError, match="no library of the cells of Versal, which xcve2302 is of; measure"):
        mapping(Family.VERSAL, "xcve2302")


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("LFE5U-25F-6BG256C", "--25k --package CABGA381 --speed 6"),
        ("lfe5um-45f", "--um-45k --package CABGA554 --speed 6"),
        ("LFE5UM5G-85F-8BG756C", "--um5g-85k --package CABGA756"),
        ("LFE5U-12F-7BG256C", "--12k --package CABGA381 --speed 7"),
    ],
)
def test_what_nextpnr_is_told_of_a_part(part: str, options: str) -> None:
    assert " ".join(device_of(part).options) == options
    with pytest.raises(ConfigError, match="nextpnr-ecp5 does not know the part xc7z020; give it as LFE5U"):
        device_of("xc7z020")
