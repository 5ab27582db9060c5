"""Building, finding, caching and failing; what the scenarios find is in tests/hw_sim."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.codegen.manifest import Manifest, Port
from hpq_hls.errors import ConfigError, DataError, OutputError, ToolError, VerificationError
from hpq_hls.graph import Graph, Node
from hpq_hls.ops import Conv2d, Flatten, Linear, MaxPool2d, Relu, WindowSpec
from hpq_hls.project import generate
from hpq_hls.quantize import quantize
from hpq_hls.resources import hw_sim_dir
from hpq_hls.verify.cosim import SCENARIOS, measure_fifo_depths, run_cosim
from hpq_hls.verify.cosim_sources import find_sources

DESIGNS = Path(__file__).parents[1] / "hw_sim" / "designs"
X = np.random.default_rng(3).integers(0, 256, (6, 2, 2))


def a_port(name):
    return Port(name, 8, 8, False, 2, 2, 2, (4,), tuple(range(4)))


WIRE = Manifest("axis_wire", 1, "stream", "", 5.0, (a_port("s_axis"),), (a_port("m_axis"),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A vendor's export: no file list, sources deep inside, and a blank in the path."""
    root = tmp_path_factory.mktemp("vendor export")
    (root / "hdl" / "verilog").mkdir(parents=True)
    shutil.copy(DESIGNS / "wire" / "axis_wire.sv", root / "hdl" / "verilog")
    return root


@pytest.fixture
def simulate(folder):
    def run(rtl_dir=folder, manifest=WIRE, x=X, y=X, **options):
        return run_cosim(
            rtl_dir, manifest, x, y, **{"build_dir": folder / "build", "watchdog": 300, **options}
        )

    return run


def test_a_wire_has_latency_of_its_packet_alone(simulate):
    result = simulate(scenarios=SCENARIOS)
    result.check()
    assert (result.raw == X).all()
    # The first output beat leaves with the first input beat; the last one a cycle later.
    assert (result.latency_cycles, result.interval_cycles) == (1, 2)


def test_builds_are_found_again_by_content(simulate, folder, tmp_path):
    simulate()
    assert simulate().build_seconds == 0
    shutil.copytree(folder / "hdl", tmp_path / "copy")
    assert simulate(tmp_path / "copy").build_seconds == 0
    source = tmp_path / "copy" / "verilog" / "axis_wire.sv"
    source.write_text(
        source.read_text().replace("m_axis_TDATA = s_axis_TDATA", "m_axis_TDATA = ~s_axis_TDATA")
    )
    changed = simulate(tmp_path / "copy")
    assert changed.build_seconds > 0
    assert changed.mismatches == X.size


def test_only_the_build_folder_is_written(folder, tmp_path, monkeypatch):
    rtl = tmp_path / "rtl"
    shutil.copytree(folder / "hdl", rtl)
    monkeypatch.chdir(tmp_path)
    env = dict(os.environ)
    build = tmp_path / "b"
    shutil.copytree(folder / "build", build)
    run_cosim(rtl, WIRE, X, X, build_dir=build)
    assert dict(os.environ) == env
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "rtl"]
    assert [path.name for path in rtl.rglob("*")] == ["verilog", "axis_wire.sv"]


def test_the_user_s_own_cocotb_settings_do_not_matter(simulate, monkeypatch):
    monkeypatch.setenv("COCOTB_TEST_FILTER", "nothing")
    monkeypatch.setenv("COCOTB_TEST_MODULES", "nowhere")
    monkeypatch.setenv("MAKEFLAGS", "-n")
    assert simulate().passed


def test_progress_is_told(simulate, tmp_path):
    told = []
    simulate(progress=told.append)
    assert told[0] == "simulating"


def test_without_expected_frames_only_the_protocol_counts(simulate):
    result = simulate(y=None)
    assert result.passed
    assert result.words_compared == 0
    assert (result.raw == X).all()
    # The first scenario then sets the standard for those after it.
    assert simulate(y=None, scenarios=["back_to_back", "random_gaps"]).words_compared == X.size


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"x": X[:, :1]}, DataError, r"input frames of s_axis have shape \(6, 1, 2\)"),
        ({"x": X[:0], "y": X[:0]}, DataError, "at least one packet"),
        ({"x": X / 2}, DataError, "give raw integers"),
        ({"x": np.where(X[2, 1, 1] == X, 256, X)}, DataError, "s_axis hold 256 in frame ., .*outside 0..255"),
        ({"x": X - 256}, DataError, r"hold -\d+ in frame 0, beat 0, lane 0, outside 0..255"),
        ({"y": X + 256}, DataError, "expected frames of m_axis hold .*outside 0..255"),
        ({"y": X[:-1]}, DataError, r"hold \[5, 6\] packets"),
        ({"x": {"other": X}}, DataError, "no input frames for port s_axis"),
        ({"scenarios": ["fast"]}, ConfigError, "unknown scenario 'fast'; choose from back_to_back"),
        ({"scenarios": []}, ConfigError, "no scenario given"),
        ({"driver": "me"}, ConfigError, "driver is 'me'"),
        ({"rtl_dir": Path("nowhere")}, DataError, "nowhere is not a folder"),
        ({"rtl_dir": DESIGNS.parent}, None, ""),
    ],
)
def test_bad_input_is_refused(simulate, options, error, text):
    if error is None:  # two designs in one folder are no trouble: only the top module is built
        assert simulate(**options).passed
        return
    with pytest.raises(error, match=text):
        simulate(**options)


def test_a_folder_without_verilog_is_refused(simulate, tmp_path):
    (tmp_path / "top.vhd").write_text("entity top is end;")
    with pytest.raises(DataError, match=r"holds no \.v or \.sv file"):
        simulate(tmp_path)


def test_compile_errors_are_shown(simulate, tmp_path):
    (tmp_path / "top.sv").write_text(
        "module axis_wire(input wire ap_clk);\n  assign nothing = 1\nendmodule\n"
    )
    with pytest.raises(ToolError, match=r"cannot compile module axis_wire(.|\n)*top.sv:3:1: syntax error"):
        simulate(tmp_path)


def test_another_top_module_is_an_error(simulate):
    with pytest.raises(ToolError, match="'other' was not found"):
        simulate(manifest=replace(WIRE, name="other"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tdata_bytes": 3, "lanes": 3}, "s_axis_TDATA has 16 bits, design.json says 24"),
        ({"port": "s_axis_0"}, "the design has no port s_axis_0_TDATA"),
    ],
)
def test_ports_other_than_the_manifest_s_are_an_error(simulate, change, text):
    port = replace(WIRE.inputs[0], **change)
    x = np.zeros((6, port.beats, port.lanes), dtype=int)
    with pytest.raises(VerificationError, match=text):
        simulate(manifest=replace(WIRE, inputs=(port,)), x=x)


def test_foreign_files_in_the_run_folder_are_kept(simulate, folder, tmp_path):
    build = tmp_path / "build"
    (build / "run").mkdir(parents=True)
    (build / "run" / "precious").write_text("data")
    for path in (folder / "build").glob("axis_wire-*"):
        shutil.copytree(path, build / path.name)
    with pytest.raises(OutputError, match="files that are not ours"):
        simulate(build_dir=build)
    assert (build / "run" / "precious").read_text() == "data"


def test_memory_files_are_found_from_anywhere(tmp_path):
    for path in ("rtl/a.mem", "rtl/sub/b.dat", "rtl/sub/a.mem", "rtl/top.sv"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "rtl" / "files.f").write_text("// sources\nrtl/top.sv\n\n")
    sources = find_sources(tmp_path)
    assert [path.name for path in sources.verilog] == ["top.sv"]
    places = {path.as_posix() for path in sources.links()}
    assert places == {
        "a.mem",
        "sub/b.dat",
        "sub/a.mem",
        "rtl/a.mem",
        "rtl/sub/b.dat",
        "rtl/sub/a.mem",
        "b.dat",
    }


def test_a_file_list_that_is_wrong_names_the_line(tmp_path):
    (tmp_path / "files.f").write_text("gone.sv\n")
    with pytest.raises(DataError, match=r"files.f, line 1: gone.sv does not exist"):
        find_sources(tmp_path)
    (tmp_path / "files.f").write_text("\n-y lib\n")
    with pytest.raises(DataError, match="line 2: only file names are understood"):
        find_sources(tmp_path)


def test_a_missing_memory_file_is_an_error(tmp_path):
    affine = DESIGNS / "affine"
    shutil.copy(affine / "axis_affine.sv", tmp_path)
    inputs = (Port("s_axis", 6, 6, True, 3, 5, 3, (15,), tuple(range(15))),)
    outputs = (Port("m_axis", 9, 9, True, 3, 5, 4, (15,), tuple(range(15))),)
    manifest = Manifest("axis_affine", 1, "stream", "", 5.0, inputs, outputs)
    frames = np.zeros((4, 5, 3), dtype=int)
    with pytest.raises(ToolError, match=r"cannot read a memory file.*affine_weights.mem"):
        run_cosim(tmp_path, manifest, frames, None)
    # The same build with the file there, and its FIFO measured.
    shutil.copy(affine / "affine_weights.mem", tmp_path)
    result = run_cosim(tmp_path, manifest, frames, frames)
    assert result.build_seconds == 0
    assert measure_fifo_depths(tmp_path, manifest, frames) == result.fifo_fill == {"fifo_in": 1}


def test_fifos_without_probe_cannot_be_measured(folder):
    with pytest.raises(DataError, match="no FIFO with a fill probe"):
        measure_fifo_depths(folder, WIRE, X, build_dir=folder / "build")


def test_the_testbench_runs_by_hand(folder, tmp_path):
    (tmp_path / "design.json").write_text(WIRE.to_json())
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "wrong.npy", X ^ (np.arange(24).reshape(6, 2, 2) == 5))

    def run(*words):
        command = [sys.executable, "-m", "hw_sim", "--design", tmp_path, "--rtl-dir", folder, *words]
        command += ["--build-dir", folder / "build"]
        return subprocess.run(command, cwd=hw_sim_dir().parent, capture_output=True, text=True, check=False)

    good = run(
        "--input", tmp_path / "x.npy", "--expected", tmp_path / "x.npy", "--json", tmp_path / "result.json"
    )
    assert good.returncode == 0, good.stderr
    assert (
        "back_to_back      passed: 24 words compared, 0 differ; latency 1 cycles, interval 2 cycles"
        in good.stdout
    )
    assert json.loads((tmp_path / "result.json").read_text())["mismatches"] == 0
    bad = run("--input", tmp_path / "x.npy", "--expected", tmp_path / "wrong.npy")
    assert bad.returncode == 1
    assert "packet 1, beat 0 of 2: element 1" in bad.stdout
    assert run("--packets", "3").returncode == 0
    np.save(tmp_path / "x.npy", np.where(np.arange(24).reshape(6, 2, 2) == 9, 256, X))
    outside = run("--input", tmp_path / "x.npy")
    assert outside.returncode == 2
    assert outside.stderr.startswith(
        "error: input frames of s_axis hold 256 in frame 2, beat 0, lane 1, outside 0..255"
    )
    assert len(outside.stderr.splitlines()) == 1
    missing = run("--input", tmp_path / "nothing.npy")
    assert missing.returncode == 2
    assert missing.stderr.startswith("error: ")
    assert len(missing.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A small CNN as RTL, and raw inputs for it."""
    rng = np.random.default_rng(0)
    window, pool = WindowSpec((3, 3), padding=(1, 1, 1, 1)), WindowSpec((2, 2), (2, 2))
    nodes = (
        Node("conv", Conv2d(rng.normal(size=(3, 1, 3, 3)), window, (4, 4), 1, rng.normal(size=3)), ("x",)),
        Node("relu", Relu(), ("conv",)),
        Node("pool", MaxPool2d(pool), ("relu",)),
        Node("flat", Flatten(), ("pool",)),
        Node("fc", Linear(rng.normal(size=(3, 12)), rng.normal(size=3)), ("flat",)),
    )
    x = rng.normal(size=(40, 1, 4, 4))
    q = quantize(Graph.single("x", (1, 4, 4), nodes, "fc"), x, 5)
    return generate(q, tmp_path_factory.mktemp("generated") / "out", backend="rtl"), x


def test_generated_rtl_passes_every_scenario(generated):
    project, x = generated
    result = project.cosim(x[:6], scenarios=SCENARIOS, seed=5)
    result.check()
    assert (result.raw == project.q.predict_raw(x[:6])).all()
    assert result.words_compared > 4 * 6 * 3
    assert result.latency_cycles > result.interval_cycles > 0


@pytest.mark.parametrize("layer", ["conv", "fc"])
@pytest.mark.parametrize("rom", ["weight", "bias"])
def test_one_flipped_bit_in_a_generated_rom_is_noticed(generated, tmp_path, layer, rom):
    project, x = generated
    project.cosim(x[:1])
    shutil.copytree(project.path / "rtl", tmp_path / "rtl")
    (memory,) = (tmp_path / "rtl").glob(f"*{layer}*{rom}.mem")
    # The lowest bit of the highest digit: never padding, and too high to vanish in rounding.
    lines = memory.read_text().splitlines()
    number = next(index for index, line in enumerate(lines) if re.fullmatch("[0-9a-f]+", line.strip()))
    digit = lines[number].strip()[0]
    lines[number] = lines[number].replace(digit, format(int(digit, 16) ^ 1, "x"), 1)
    memory.write_text("\n".join(lines) + "\n")
    result = project.cosim(x, rtl_dir=tmp_path)
    assert result.build_seconds == 0
    assert result.mismatches > 0
    assert not result.passed
