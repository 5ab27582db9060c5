"""C simulation runs, says what is wrong, and fails whenever a single thing is wrong."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.codegen.vivado import VivadoBackend
from hpq_hls.errors import DataError, ToolError
from hpq_hls.tools.toolchain import find_ap_types
from hpq_hls.verify.csim import SelfCheck, run_csim, run_selfcheck
from tests.codegen.flows import small_design, write


@pytest.fixture(scope="module")
def made() -> Design:
    return small_design()


@pytest.fixture(scope="module")
def good(made: Design, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that nobody changes, compiled once."""
    return write(VitisBackend(), made, tmp_path_factory.mktemp("good"))


@pytest.fixture
def project(made: Design, tmp_path: Path) -> Path:
    """A project to break."""
    return write(VitisBackend(), made, tmp_path)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_frames_in_frames_out(made: Design, good: Path) -> None:
    np.testing.assert_array_equal(run_csim(good, made.input_frames), made.golden_frames)
    one = run_csim(good, made.input_frames[2:3].astype(np.int8))
    np.testing.assert_array_equal(one, made.golden_frames[2:3])
    assert one.dtype == np.int64


def test_selfcheck_passes(made: Design, good: Path) -> None:
    check = run_selfcheck(good)
    assert check == SelfCheck(made.golden_frames.size, 0, "PASS: 5 frames, 30 words equal", True)
    assert check.passed


def test_vivado_computes_the_same(made: Design, tmp_path: Path) -> None:
    project = write(VivadoBackend(), made, tmp_path)
    assert run_selfcheck(project).passed
    np.testing.assert_array_equal(run_csim(project, made.input_frames), made.golden_frames)


def test_it_compiles_once(made: Design, project: Path) -> None:
    phrases: list[str] = []
    run_csim(project, made.input_frames, progress=phrases.append)
    run_selfcheck(project, progress=phrases.append)
    assert [phrase for phrase in phrases if "compiling" in phrase] == ["compiling the C++ of net"]
    programs = list((project / "build/csim").iterdir())
    assert len(programs) == 2, "nothing but the program and its seal is left behind"
    edit(project / "src/net.cpp", "// -----", "// =====")
    run_selfcheck(project, progress=phrases.append)
    assert len([phrase for phrase in phrases if "compiling" in phrase]) == 2


# ---------------------------------------------------------------------------------------------
# One thing is wrong


def test_one_golden_word(made: Design, project: Path) -> None:
    lines = (project / "tb/golden.dat").read_text().splitlines()
    beat, lane = 7, 1  # frame 2, beat 1
    words = lines[beat].split()
    words[lane] = str(int(words[lane]) ^ 1)
    lines[beat] = " ".join(words)
    (project / "tb/golden.dat").write_text("\n".join(lines) + "\n")
    check = run_selfcheck(project)
    expected, got = words[lane], made.golden_frames[2, 1, 1]
    assert not check.passed
    assert check.mismatches == 1
    assert check.words == 2 * 6 + 1 * 2 + 2
    assert check.message.startswith(f"FAIL: frame 2 beat 1 lane 1: expected {expected}, got {got}\n")


@pytest.mark.parametrize("table", ["weight", "bias"])
def test_one_bit_of_a_rom(project: Path, table: str) -> None:
    path = project / f"src/tables/fc_{table}.inc"
    title, first, *rest = path.read_text().splitlines()
    values = [int(value) for value in first.strip("{},").split(", ")]
    values[0] ^= 2
    path.write_text("\n".join([title, "{" + ", ".join(map(str, values)) + "},", *rest]) + "\n")
    assert not run_selfcheck(project).passed


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("src/net.cpp", "ap_ufixed<7,1,AP_RND,AP_SAT>, 2> y", "ap_ufixed<7,1,AP_TRN,AP_SAT>, 2> y"),
        ("src/net.cpp", "ap_ufixed<7,1,AP_RND,AP_SAT>, 2> y", "ap_ufixed<7,1,AP_RND,AP_WRAP>, 2> y"),
        ("src/net.cpp", "hpq::relu clip", "hpq::no_clip clip"),
    ],
)
def test_one_mode(project: Path, made: Design, file: str, old: str, new: str) -> None:
    """Both modes and the ReLU matter for these test vectors, so that losing one must show."""
    if "relu" in old:  # a saturating unsigned output hides the ReLU; a signed one does not
        edit(project / file, "ap_ufixed<7,1,AP_RND,AP_SAT>, 2> y", "ap_ufixed<7,1,AP_RND,AP_WRAP>, 2> y")
    edit(project / file, old, new)
    check = run_selfcheck(project)
    assert not check.passed
    assert "expected" in check.message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("word.last = last", "word.last = 0", "FAIL: frame 0 beat 2: TLAST is missing"),
        ("word.last = last", "word.last = 1", "FAIL: frame 0 beat 0: TLAST comes too early"),
        ("word.keep = -1", "word.keep = 1", "FAIL: frame 0 beat 0: TKEEP is not all ones"),
        ("word.strb = -1", "word.strb = 2", "FAIL: frame 0 beat 0: TSTRB is not all ones"),
        (
            "word.data = 0;\n    for",
            "word.data = -1;\n    for",
            "FAIL: frame 0 beat 0: the padding of TDATA is not zero",
        ),
        (
            "port.write(word);",
            "port.write(word); if (last) port.write(word);",
            "FAIL: frame 0: more than 3 beats",
        ),
        ("port.write(word);", "if (!last) port.write(word);", "FAIL: frame 0 beat 2: the output ends early"),
    ],
)
def test_one_rule_of_the_bus(project: Path, old: str, new: str, message: str) -> None:
    edit(project / "src/hpq/axis.h", old, new)
    check = run_selfcheck(project)
    assert not check.passed
    assert check.message.startswith(message), check.message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("i < BEATS; ++i", "i + 1 < BEATS; ++i", "stream x is read while it is empty"),
        ("out.write(x);", "out.write(x); out.write(x);", "stream x still holds data at the end"),
    ],
)
def test_a_stream_that_does_not_balance(project: Path, old: str, new: str, message: str) -> None:
    edit(project / "src/hpq/axis.h", old, new)
    with pytest.raises(ToolError, match=message):
        run_selfcheck(project)


def test_c_that_does_not_compile(project: Path) -> None:
    edit(project / "src/net.cpp", "#pragma HLS dataflow", "this is no C++;")
    with pytest.raises(ToolError, match=r"does not compile.*\n.*net\.cpp:\d+:\d+: error"):
        run_selfcheck(project)
    assert list((project / "build/csim").iterdir()) == []


def test_a_missing_data_file(project: Path) -> None:
    (project / "tb/golden.dat").unlink()
    with pytest.raises(ToolError, match=r"exit status 2: ERROR: cannot read .*golden\.dat"):
        run_selfcheck(project)


def test_a_truncated_data_file(project: Path) -> None:
    golden = project / "tb/golden.dat"
    golden.write_text(golden.read_text()[:-4])
    with pytest.raises(ToolError, match="whole frames of 6 integers"):
        run_selfcheck(project)


# ---------------------------------------------------------------------------------------------
# Bad input


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((2, 4, 3)), "takes raw integers, not float64"),
        (np.zeros((2, 3, 4), dtype=np.int64), r"shape \(n, 4, 3\), n > 0, not \(2, 3, 4\)"),
        (np.zeros((0, 4, 3), dtype=np.int64), r"not \(0, 4, 3\)"),
        (np.full((1, 4, 3), 16), r"carries ap_fixed<5,2>, raw -16\.\.15"),
        (np.full((1, 4, 3), -17), "ranges from -17 to -17"),
    ],
)
def test_bad_frames(good: Path, frames: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        run_csim(good, frames)


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"design\.json"):
        run_selfcheck(tmp_path)


# ---------------------------------------------------------------------------------------------
# Without this package


def make_csim(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "XILINX_HLS_INCLUDE"}
    command = ["make", "csim", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("backend", "flags"),
    [
        (VitisBackend(), "-O1 -fsanitize=address,bounds -fno-sanitize-recover=all"),  # no access out of range
        (VivadoBackend(), "-O0 -std=c++11"),  # which is what Vivado HLS speaks
    ],
    ids=["vitis", "vivado"],
)
def test_the_makefile(made: Design, backend: VitisBackend, flags: str, tmp_path: Path) -> None:
    write(backend, made, tmp_path)
    refused = make_csim(tmp_path)
    assert refused.returncode != 0
    assert "set XILINX_HLS_INCLUDE" in refused.stderr
    result = make_csim(tmp_path, f"XILINX_HLS_INCLUDE={find_ap_types()}", f"CXXFLAGS={flags}")
    assert result.returncode == 0, result.stderr
    assert "PASS: 5 frames, 30 words equal" in result.stdout


def run(program: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program], cwd=folder, capture_output=True, text=True, check=False)


def test_from_the_folders_of_an_hls_tool(good: Path, tmp_path: Path) -> None:
    """The tool runs the testbench without arguments, with the data beside it or four folders above."""
    run_selfcheck(good)
    program = next(path for path in (good / "build/csim").glob("net_tb-*") if path.suffix != ".sha256")
    deep = good / "hls_net/solution/csim/build"
    deep.mkdir(parents=True)
    for name in ("input.dat", "golden.dat"):
        (tmp_path / name).write_bytes((good / "tb" / name).read_bytes())
    for folder in (deep, tmp_path, good):
        result = run(program, folder)
        assert result.stdout == "PASS: 5 frames, 30 words equal\n", result.stderr
    lost = tmp_path / "elsewhere"
    lost.mkdir()
    assert run(program, lost).returncode == 2
