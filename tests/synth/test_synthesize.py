"""Running the tools: real Yosys and nextpnr on a small design, a stand-in for the vendor's."""

from __future__ import annotations

import re
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.manifest import Manifest, read_manifest
from hpq_hls.codegen.registry import find_backend
from hpq_hls.codegen.writer import write_project
from hpq_hls.errors import ConfigError, DataError, OutputError, ToolError
from hpq_hls.hardware import Dataflow
from hpq_hls.synth import STAGES, ResourceReport, synthesize
from hpq_hls.synth.running import heartbeat
from tests.rtl.cases import MATVECS, matvec_flow

FIXTURES = Path(__file__).parent / "fixtures"
ODD_NAME = "a 'folder' with $(odd) \"characters\" é;"


def _flow() -> Dataflow:
    return matvec_flow("tiny", MATVECS[0])


def _project(folder: Path, backend: str, flow: Dataflow | None = None) -> tuple[Path, Manifest]:
    flow = flow or _flow()
    source, sink = flow.streams[flow.input], flow.streams[flow.output]
    design = Design(
        flow,
        "stream",
        "xc7z020clg400-1",
        5.0,
        np.zeros((1, source.beats, source.lanes), dtype=np.int64),
        np.zeros((1, sink.beats, sink.lanes), dtype=np.int64),
    )
    write_project(find_backend(backend).files(design), folder)
    return folder, read_manifest(folder)


def _run(
    project: tuple[Path, Manifest], backend: str, tool: str, said: list[str] | None = None
) -> ResourceReport:
    path, manifest = project
    progress = None if said is None else said.append
    return synthesize(path, backend, manifest, tool, build_dir=path / "build", progress=progress)


def _files(path: Path) -> dict[str, bytes]:
    files = (
        item for item in path.rglob("*") if item.is_file() and "build" not in item.relative_to(path).parts
    )
    return {item.relative_to(path).as_posix(): item.read_bytes() for item in files}


@pytest.mark.slow
def test_yosys_and_nextpnr_in_a_folder_with_odd_characters(tmp_path: Path) -> None:
    project = _project(tmp_path / ODD_NAME, "rtl")
    before = _files(project[0])
    said: list[str] = []
    report = _run(project, "rtl", "yosys", said)
    assert report.lut > 20
    assert report.ff > 20
    assert report.tool == "yosys"
    assert re.match(r"\d+\.\d+", report.version)
    assert said
    placed = _run(project, "rtl", "nextpnr", said)
    assert placed.fmax_mhz is not None
    assert 20 < placed.fmax_mhz < 1000
    assert placed.lut > 20
    assert placed.dsp == report.dsp  # both take a DSP block for each product of this size
    assert _files(project[0]) == before


def test_tools_and_backends_that_do_not_go_together(tmp_path: Path) -> None:
    rtl, vitis = _project(tmp_path / "rtl", "rtl"), _project(tmp_path / "vitis", "vitis")
    with pytest.raises(ConfigError, match="'quartus'; choose one of yosys, nextpnr, vitis"):
        _run(rtl, "rtl", "quartus")
    for project, backend, tool, needed in ((rtl, "rtl", "vitis", "vitis"), (vitis, "vitis", "yosys", "rtl")):
        with pytest.raises(ConfigError, match=f"{tool} cannot read; generate backend {needed}"):
            _run(project, backend, tool)


def test_incomplete_and_tampered_projects(tmp_path: Path) -> None:
    path, manifest = _project(tmp_path / "p", "rtl")
    with pytest.raises(DataError, match="no identifier"):
        _run((path, replace(manifest, name="x; shell rm")), "rtl", "yosys")
    with pytest.raises(ConfigError, match="xc7z021"):
        _run((path, replace(manifest, part="xc7z021")), "rtl", "yosys")
    listing = path / "rtl" / "files.f"
    good = listing.read_text()
    for bad, message in (
        ("rtl/none.sv\n", "lacks rtl/none.sv"),
        ("../outside.sv\n", "plain relative paths"),
        ("/etc/passwd\n", "plain relative paths"),
        ("rtl/a.sv;tee\n", "plain relative paths"),
        ("// nothing\n", "names no source"),
    ):
        listing.write_text(bad)
        with pytest.raises(DataError, match=message):
            _run((path, manifest), "rtl", "yosys")
    listing.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        _run((path, manifest), "rtl", "yosys")
    listing.write_text(good)
    (path / "build").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        _run((path, manifest), "rtl", "yosys")


def test_broken_rtl_is_the_tools_error(tmp_path: Path) -> None:
    path, manifest = _project(tmp_path / "p", "rtl")
    (path / "rtl" / "tiny.sv").write_text("module tiny (input wire ap_clk;\nendmodule\n")
    with pytest.raises(ToolError, match=r"(?s)full output in .*yosys\.log.*syntax error"):
        _run((path, manifest), "rtl", "yosys")


def test_missing_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = _project(tmp_path / "v", "vitis")
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("XILINX_HLS", "XILINX_VITIS_HLS", "XILINX_VITIS", "XILINX_VIVADO_HLS", "XILINX_VIVADO"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ToolError, match="Vitis"):
        _run(project, "vitis", "vitis")


def _stand_in(folder: Path, program: str, report: str | None) -> None:
    """A program that notes how it was called and writes a report where the real one would."""
    folder.mkdir(exist_ok=True)
    lines = [
        f"#!{sys.executable}",
        "import os, pathlib, sys",
        "pathlib.Path('called').write_text(repr(sys.argv[1:]) + os.environ['HPQ_STEPS'])",
        "assert pathlib.Path('src/tiny.cpp').is_file() and pathlib.Path('tb/input.dat').is_file()",
    ]
    if report is not None:
        lines += [
            "out = pathlib.Path('hls_tiny/solution/syn/report')",
            "out.mkdir(parents=True)",
            f"(out / 'csynth.xml').write_text(pathlib.Path({report!r}).read_text())",
        ]
    script = folder / program
    script.write_text("\n".join(lines) + "\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("program", "backend", "fixture", "call"),
    [
        ("vitis_hls", "vitis", "csynth_vitis.xml", "['-f', 'run_hls.tcl']csynth"),
        ("vitis-run", "vitis", "csynth_vitis.xml", "['--mode', 'hls', '--tcl', 'run_hls.tcl']csynth"),
        (
            "v++",
            "vitis",
            "csynth_vitis.xml",
            "['-c', '--mode', 'hls', '--config', 'hls_config.cfg', '--work_dir', 'hls_tiny']csynth",
        ),
        ("vivado_hls", "vivado", "csynth_vivado.xml", "['-f', 'run_hls.tcl']csynth"),
    ],
)
def test_vendor_tools_are_called_as_documented(
    program: str, backend: str, fixture: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = _project(tmp_path / ODD_NAME, backend)
    before = _files(project[0])
    _stand_in(tmp_path / "bin", program, str(FIXTURES / fixture))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    report = _run(project, backend, "vitis")
    assert report.tool == program
    assert report.lut in (4711, 900)
    assert (project[0] / "build" / "vitis" / "called").read_text() == call
    assert _files(project[0]) == before


def test_stages_are_steps_of_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, manifest = _project(tmp_path / "p", "vitis")
    _stand_in(tmp_path / "bin", "vitis_hls", str(FIXTURES / "csynth_vitis.xml"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for stage in STAGES:
        synthesize(path, "vitis", manifest, "vitis", build_dir=path / "build", stage=stage)
        called = (path / "build" / "vitis" / "called").read_text()
        assert called.split("]")[-1].split() == [*dict.fromkeys(("csynth", stage))]
    _stand_in(tmp_path / "other", "v++", str(FIXTURES / "csynth_vitis.xml"))
    monkeypatch.setenv("PATH", str(tmp_path / "other"))
    with pytest.raises(ToolError, match=r"v\+\+ runs C synthesis alone; for stage cosim put vitis-run"):
        synthesize(path, "vitis", manifest, "vitis", build_dir=path / "build", stage="cosim")


def test_dialect_and_tool_must_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vitis, vivado = _project(tmp_path / "vitis", "vitis"), _project(tmp_path / "vivado", "vivado")
    for program in ("vitis_hls", "vivado_hls"):
        _stand_in(tmp_path / program, program, str(FIXTURES / "csynth_vivado.xml"))
    monkeypatch.setenv("PATH", str(tmp_path / "vivado_hls"))
    with pytest.raises(ToolError, match="generate backend vivado"):
        _run(vitis, "vitis", "vitis")
    monkeypatch.setenv("PATH", str(tmp_path / "vitis_hls"))
    with pytest.raises(ToolError, match="generate backend vitis"):
        _run(vivado, "vivado", "vitis")
    monkeypatch.setenv("PATH", f"{tmp_path / 'vitis_hls'}:{tmp_path / 'vivado_hls'}")
    assert _run(vivado, "vivado", "vitis").tool == "vivado_hls"


def test_vendor_tool_without_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = _project(tmp_path / "v", "vitis")
    _stand_in(tmp_path / "bin", "vitis_hls", None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ToolError, match=r"wrote no syn/report/csynth\.xml"):
        _run(project, "vitis", "vitis")


def test_heartbeat_tells_what_the_log_shows(tmp_path: Path) -> None:
    log, said = tmp_path / "log", []
    with heartbeat("tool", log, said.append, every=0.02):
        while not said:
            pass
        log.write_text("2.1. Executing ABC9 pass (...).\nsome more\n")
        count = len(said)
        while len(said) < count + 2:
            pass
        log.write_text("Info: placing\nhalf a line")
        count = len(said)
        while len(said) < count + 2:
            pass
    assert said[0].endswith("starting")
    assert any(text.endswith("pass ABC9") for text in said)
    assert said[-1].endswith("Info: placing")
