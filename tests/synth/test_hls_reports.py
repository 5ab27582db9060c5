"""Everything that HLS tools leave in a solution, in the forms of five versions (fixtures/README.md)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hpq_hls.errors import ToolError
from hpq_hls.synth.hls_reports import Loop, find_reports, read_hls_reports
from hpq_hls.synth.vitis import report_of, tool_of

FIXTURES = Path(__file__).parent / "fixtures"


def test_vivado_hls_with_a_range_of_throughput_and_cosimulation() -> None:
    found = read_hls_reports(FIXTURES / "vivado_2019", "myproject")
    assert (found.version, found.part, found.top.name) == ("2019.2", "xczu9eg-ffvb1156-2-e", "myproject")
    assert (found.top.lut, found.top.ff, found.top.dsp, found.top.bram) == (3636, 3093, 1, 8)
    assert (found.top.latency_cycles, found.top.interval_cycles) == (15068, 15052)
    assert found.top.slack_ns == round(5.0 - 0.62 - 4.127, 3)
    assert found.cosim is not None
    assert (found.cosim.passed, found.cosim.rtl) == (True, "Verilog")
    assert found.cosim.latency_cycles == (5676, 5676, 5676)
    assert found.cosim.interval_cycles == (None, None, None)
    assert (found.modules, found.implementations, found.exported) == ({}, (), None)


def test_loops_their_ii_and_what_was_missed() -> None:
    found = read_hls_reports(FIXTURES / "vitis_2022")
    assert (found.top.uram, found.top.latency_cycles) == (4, None)
    assert [str(one) for one in found.top.violations] == ["top: Timing (slack -0.212 ns)"]
    module = found.modules["load_weights"]
    assert (module.lut, module.latency_cycles, module.slack_ns) == (23773, 1047564, 0.0)
    assert module.loops == (
        Loop("load_weights", "ln46_for_each_src_block", 16, 27, 65472),
        Loop("load_weights", "VITIS_LOOP_71_3", None, None, None),
        Loop("load_weights", "VITIS_LOOP_75_4", 1, 2, 8),
    )
    assert [str(one) for one in module.violations] == [
        "load_weights: Timing",
        "load_weights, VITIS_LOOP_75_4: II (Memory Dependency)",
        "load_weights, ln46_for_each_src_block: II (16 cycles instead of 1)",
    ]


def test_modules_of_one_file_and_synthesis_by_vivado() -> None:
    found = read_hls_reports(FIXTURES / "vitis_2024", "test_hmac_sha256")
    assert set(found.modules) == {"dup_strm", "generateMsgSchedule_Pipeline_LOOP_SHA256_PREPARE_WT16"}
    module = found.modules["dup_strm"]
    assert (module.lut, module.ff, module.latency_cycles, module.interval_cycles) == (253, 16, 6, 6)
    assert module.slack_ns == 15.0 - 1.5 - 7.452
    (made,) = found.implementations
    assert (made.run, made.version, made.lut, made.ff, made.bram) == ("syn", "2024.2", 7952, 13792, 1)
    assert (made.slack_ns, made.clock_ns, made.met) == (5.989, 9.011, True)
    assert made.modules == {
        "test_hmac_sha256": {"BRAM": 1, "FF": 13792, "LUT": 7952},
        "dup_strm": {"FF": 15, "LUT": 26},
    }
    report = report_of(found, "vitis_hls")
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["implementations"][0]["lut"] == 7952
    assert [loop["ii"] for loop in plain["loops"]] == [1]


def test_a_failed_cosimulation_and_a_report_of_the_top_alone() -> None:
    found = read_hls_reports(FIXTURES / "vitis_2025")
    assert (found.version, found.top.name, found.top.interval_cycles) == ("2025.2", "myproject", 2353)
    assert found.cosim is not None
    assert not found.cosim.passed
    assert found.cosim.latency_cycles == (None, None, None)


def test_place_and_route_and_reports_of_vivado_hls(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "vitis_2024", tmp_path / "run")
    folder = tmp_path / "run" / "hls" / "impl" / "report" / "verilog"
    text = (folder / "export_syn.xml").read_text()
    missed = text.replace("synth<", "impl<").replace(">TRUE<", ">FALSE<").replace(">5.989<", ">-0.2<")
    (folder / "export_impl.xml").write_text(missed.replace("<URAM>0", "<URAM>2"))
    runs = read_hls_reports(tmp_path / "run").implementations
    assert [(made.run, made.uram, made.slack_ns, made.met) for made in runs] == [
        ("syn", 0, 5.989, True),
        ("impl", 2, -0.2, False),
    ]
    (folder / "export_syn.xml").unlink()
    (folder / "export_impl.xml").unlink()
    plain = """<profile><AreaReport><Resources><SLICE>9</SLICE><LUT>70</LUT><FF>80</FF><DSP>1</DSP>
    <BRAM>2</BRAM><SRL>3</SRL></Resources></AreaReport><TimingReport><TargetClockPeriod>5.000</TargetClockPeriod>
    <AchievedClockPeriod>5.250</AchievedClockPeriod></TimingReport></profile>"""
    (folder / "test_hmac_sha256_export.xml").write_text(plain)
    (made,) = read_hls_reports(tmp_path / "run").implementations
    assert (made.run, made.lut, made.bram, made.slack_ns, made.met) == ("syn", 70, 2, -0.25, False)


@pytest.mark.parametrize(
    ("version", "tool"),
    [
        ("2019.2", "Vivado HLS"),
        ("2020.1", "Vivado HLS"),
        ("2022.2", "Vitis HLS"),
        ("2024.2", "Vitis"),
        ("?", "HLS tool"),
    ],
)
def test_which_tool_writes_a_version(version: str, tool: str) -> None:
    assert tool_of(version) == tool


def test_missing_broken_and_foreign_reports(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"holds no csynth\.xml; name the folder"):
        read_hls_reports(tmp_path)
    with pytest.raises(ToolError, match="a report of myproject, not of net"):
        read_hls_reports(FIXTURES / "vivado_2019", "net")
    with pytest.raises(ToolError, match="several solutions"):
        find_reports(FIXTURES)
    assert find_reports(FIXTURES, "test_hmac_sha256") == FIXTURES / "vitis_2024" / "hls" / "syn" / "report"
    run = tmp_path / "run"
    shutil.copytree(FIXTURES / "vitis_2024", run)
    export = run / "hls" / "impl" / "report" / "verilog" / "export_syn.xml"
    export.write_text("<profile><AreaReport/></profile>")
    with pytest.raises(ToolError, match=r"export_syn\.xml holds no AreaReport/Resources"):
        read_hls_reports(run)
    export.write_text('<!DOCTYPE a [<!ENTITY b "c">]><profile/>')
    with pytest.raises(ToolError, match="document type"):
        read_hls_reports(run)
    export.unlink()
    cosim = run / "hls" / "sim" / "report"
    cosim.mkdir(parents=True)
    (cosim / "test_hmac_sha256_cosim.rpt").write_text("nothing of it")
    with pytest.raises(ToolError, match="no report of co-simulation"):
        read_hls_reports(run)
    (cosim / "test_hmac_sha256_cosim.rpt").unlink()
    report = run / "hls" / "syn" / "report" / "csynth.xml"
    report.write_text(report.read_text()[:400])
    with pytest.raises(ToolError, match=r"csynth\.xml cannot be read"):
        read_hls_reports(run)
