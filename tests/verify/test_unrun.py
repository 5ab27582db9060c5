"""A check that did not run did not pass: testbenches, simulators, programs that do less than they should."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.manifest import Manifest, Port
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.errors import ToolError, VerificationError
from hpq_hls.tools.sealed import is_sealed, seal, sweep
from hpq_hls.verify import cosim
from hpq_hls.verify.cosim import SCENARIOS, CosimResult, run_cosim
from hpq_hls.verify.cosim_build import EXECUTABLE, Build
from hpq_hls.verify.csim import run_csim, run_selfcheck
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.workflow.chosen import Source, Statement
from hpq_hls.workflow.results import Check, Reason, VerifyResult
from tests.codegen.flows import small_design, write

DESIGNS = Path(__file__).parents[1] / "hw_sim" / "designs"
MAIN = "int main(int argc, char** argv) {"
CLOSING = '"PASS: %d frames, %lu words equal\\n", frames, static_cast<unsigned long>(output.size())'


@pytest.fixture(scope="module")
def made() -> Design:
    return small_design()


@pytest.fixture(scope="module")
def good(made: Design, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was compiled."""
    folder = write(VitisBackend(), made, tmp_path_factory.mktemp("good"))
    assert run_selfcheck(folder, 5).passed
    return folder


@pytest.fixture
def project(good: Path, tmp_path: Path) -> Path:
    """The same, to break."""
    return Path(shutil.copytree(good, tmp_path / "project"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (MAIN, f"{MAIN} return 0;", "it printed nothing"),
        (CLOSING, '"PASS: all words equal\\n"', "'PASS: all words equal'"),
        (CLOSING, '"PASS: %d frames, 0 words equal\\n", frames', "'PASS: 5 frames, 0 words equal'"),
        (CLOSING, '"PASS: %d frames, 29 words equal\\n", frames', "'PASS: 5 frames, 29 words equal'"),
        (CLOSING, '"PASS: 4 frames, 30 words equal\\n"', "'PASS: 4 frames, 30 words equal'"),
        (CLOSING, '"PASS: 5 frames, 30 words equal\\nbut"', "'but'"),
    ],
)
def test_a_testbench_that_does_not_say_what_it_compared(project: Path, old: str, new: str, said: str) -> None:
    edit(project / "tb/net_tb.cpp", old, new)
    check = run_selfcheck(project)
    assert not check.passed
    assert check.message == (
        f"the testbench did not say that it compared 5 frames of 30 words: it ended with {said}"
    ).replace("it ended with it printed", "it printed")


def test_golden_values_that_went_missing(project: Path) -> None:
    """Whole frames fewer, in both files: nothing differs, but not all was compared."""
    for name, beats in (("input.dat", 4), ("golden.dat", 3)):
        lines = (project / "tb" / name).read_text().splitlines()
        (project / "tb" / name).write_text("\n".join(lines[: -2 * beats]) + "\n")
    check = run_selfcheck(project, 5)
    assert not check.passed
    assert "compared 5 frames of 30 words: it ended with 'PASS: 3 frames, 18 words equal'" in check.message


@pytest.mark.parametrize(
    "body", ["return 0;", 'FILE* f = std::fopen(argv[3], "w"); std::fputs("1 2 3", f); return 0;']
)
def test_a_program_that_gives_no_words(project: Path, made: Design, body: str) -> None:
    edit(project / "tb/net_tb.cpp", MAIN, f"{MAIN} {body}")
    with pytest.raises(
        ToolError, match=r"ended without the words of port|gave 3 words of port .* instead of 30"
    ):
        run_csim(project, made.input_frames)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replaced(path: Path) -> None:
    path.write_text("#!/bin/sh\nexit 0\n")


def unsealed(path: Path) -> None:
    path.with_name(path.name + ".sha256").unlink()


@pytest.mark.parametrize("damage", [cut, flip, replaced, unsealed, lambda path: path.write_bytes(b"")])
def test_a_damaged_program_is_compiled_again(project: Path, damage: Callable[[Path], None]) -> None:
    (program,) = (path for path in (project / "build/csim").iterdir() if path.suffix != ".sha256")
    damage(program)
    phrases: list[str] = []
    assert run_selfcheck(project, 5, progress=phrases.append).passed
    assert "the program kept from earlier is incomplete or was changed: compiling it again" in phrases
    assert run_selfcheck(project, 5).passed


def test_seals(tmp_path: Path) -> None:
    program = tmp_path / "program"
    assert not is_sealed(program)
    program.write_bytes(b"1")
    assert not is_sealed(program)
    seal(program)
    assert is_sealed(program)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program", "program.sha256"]
    (tmp_path / "program.sha256").write_bytes(b"\xff")
    assert not is_sealed(program)


def test_two_seals_at_once(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"1" * 100_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(seal, [program] * 200))
    assert is_sealed(program)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program", "program.sha256"]


def test_what_killed_builds_left_is_removed_later(tmp_path: Path) -> None:
    for name in ("compiling-a", "compiling-b", "kept"):
        (tmp_path / name).mkdir()
        if name != "compiling-b":
            os.utime(tmp_path / name, (0, 0))
    sweep(tmp_path, "compiling-*")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compiling-b", "kept"]


# ---------------------------------------------------------------------------------------------
# Co-simulation

X = np.random.default_rng(3).integers(0, 256, (6, 2, 2))


def port(name: str) -> Port:
    return Port(name, 8, 8, False, 2, 2, 2, (4,), tuple(range(4)))


WIRE = Manifest("axis_wire", 1, "stream", "", 5.0, (port("s_axis"),), (port("m_axis"),))
HONEST = {
    "driver": "lean",
    "passed": True,
    "failures": [],
    "packets": 6,
    "words_compared": 32,
    "mismatches": 0,
    "latency_cycles": 1,
    "interval_cycles": 2,
    "cycles": 9,
    "seconds": 0.1,
    "fifo_fill": {},
}
FAKE = """\
import json, sys, numpy
results, left_out, change, frames, status = json.loads(sys.argv[1])
for name in {scenarios}:
    if name != left_out:
        text = json.dumps({honest} | dict(scenario=name) | change)
        open(f"results/{{name}}.json", "w").write(results or text)
        numpy.savez(f"results/{{name}}.npz", **{{frames[0]: numpy.array(frames[1])}})
sys.exit(status)
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CosimResult]:
    """Co-simulation of a simulator that writes what it is told."""
    rtl = Path(shutil.copytree(DESIGNS / "wire", tmp_path / "rtl"))

    def run(
        results: str = "",
        left_out: str = "",
        change: dict[str, Any] | None = None,
        port: str = "m_axis",
        frames: Any = X,
        status: int = 0,
    ) -> CosimResult:
        told = json.dumps([results, left_out, change or {}, [port, frames.tolist()], status])
        (tmp_path / "fake.py").write_text(FAKE.format(scenarios=SCENARIOS, honest=HONEST))
        program = tmp_path / "simulation"
        program.write_text(f"#!/bin/sh\nexec {sys.executable} {tmp_path / 'fake.py'} '{told}'\n")
        program.chmod(0o755)
        monkeypatch.setattr(cosim, "build_simulator", lambda *_: Build(program, 0.0))
        return run_cosim(rtl, WIRE, X, X, scenarios=SCENARIOS, build_dir=tmp_path / "build")

    return run


def test_a_simulation_that_compared_all(fake: Callable[..., CosimResult]) -> None:
    result = fake(frames=np.concatenate([X, X])[:8], change={"words_compared": 99})
    assert [item.passed for item in result.scenarios] == [False, False, False, True]  # 8 packets are too many
    assert fake(change={"words_compared": 32}).scenarios[0].passed


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"change": {"words_compared": 0}}, "it compared 0 words, and there are 24 to compare"),
        ({"change": {"words_compared": 23}}, "it compared 23 words, and there are 24 to compare"),
        ({"change": {"mismatches": 1}}, "and there are 24 to compare"),
        ({"frames": X ^ 1}, "words of port m_axis differ, and it did not say so"),
        ({"frames": X[:, :1]}, "words of port m_axis differ, and it did not say so"),
    ],
)
def test_a_simulation_that_compared_less(
    fake: Callable[..., CosimResult], told: dict[str, Any], said: str
) -> None:
    result = fake(**told)
    assert not result.passed
    assert any(said in text for text in result.failures)
    with pytest.raises(VerificationError, match="failed scenarios: back_to_back"):
        result.check()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"left_out": "random_gaps"}, "the simulation ended without a result for random_gaps"),
        ({"results": '{"passed": true'}, "left no result of back_to_back that can be read"),
        ({"results": "{}"}, "left no result of back_to_back that can be read"),
        ({"change": {"scenario": "other"}}, "left no result of back_to_back that can be read"),
        ({"status": 3, "frames": np.concatenate([X, X])}, "ended with exit status 3, though all passed"),
    ],
)
def test_a_simulation_that_broke_off(
    fake: Callable[..., CosimResult], told: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "status" in told:  # the whole scenarios, which get what they expect
        monkeypatch.setattr("tests.verify.test_unrun.SCENARIOS", SCENARIOS[:3])
        told |= {"frames": X}
    with pytest.raises(ToolError, match=said):
        fake(**told)


def test_a_damaged_simulator_is_built_again(tmp_path: Path) -> None:
    rtl = Path(shutil.copytree(DESIGNS / "wire", tmp_path / "rtl"))
    phrases: list[str] = []

    def run() -> CosimResult:
        return run_cosim(rtl, WIRE, X, X, build_dir=tmp_path / "build", progress=phrases.append)

    assert run().passed
    (program,) = (tmp_path / "build").glob(f"axis_wire-*/{EXECUTABLE}")
    cut(program)
    assert run().passed
    assert "the simulator kept from earlier is incomplete or was changed: building it again" in phrases
    assert is_sealed(program)
    assert not list((tmp_path / "build").glob(".*-*"))


# ---------------------------------------------------------------------------------------------
# The command's result


def verdict(*checks: Check) -> VerifyResult:
    return VerifyResult(checks, None, None, 5.0, Statement(Source.DEFAULT, "8 bits"))


def test_nothing_verified_is_no_success() -> None:
    empty = verdict()
    assert not empty.passed
    with pytest.raises(VerificationError, match="nothing was verified"):
        empty.check()
    idle = verdict(Check("C simulation", "vitis", None, 0, 0, 0, True, (), 0.0))
    assert not idle.passed
    with pytest.raises(VerificationError, match="1 of 1 checks failed"):
        idle.check()


def test_a_failure_is_said_with_its_own_reason() -> None:
    checks = (
        Check("C simulation", "vitis", None, 1, 9, 1, False, ("first in sample 3",), 0.0),
        Check("RTL co-simulation", "rtl", "back_to_back", 1, 9, 2, False, ("element 1 is 5",), 0.0),
        Check("RTL co-simulation", "rtl", "random_gaps", 1, 9, 2, False, ("element 1 is 5",), 0.0),
    )
    found = Difference(
        Fault.VALUE, "fc_matvec", "matvec", "fc", "fc_out", 3, 1, 4, 2, (9,), "'fc'", 15, 17, 1155000
    )
    reason = Reason("rtl", replace(found, scenario="back_to_back"), ("back_to_back", "random_gaps"), 18, 4)
    place = "stream fc_out, sample 3, beat 1 of 4, lane 2 (element [9] of 'fc'): 17, not 15"
    assert reason.sentence == (
        f"rtl: matvec fc_matvec of layer 'fc' is the first that differs: {place}; at 1,155 ns of back_to_back"
        " (back_to_back and random_gaps: 4 of 18 words differ)"
    )
    with pytest.raises(VerificationError, match="first in vitis C simulation: first in sample 3; generate"):
        replace(verdict(*checks), reasons=(reason,)).check()
    said = "first in rtl RTL co-simulation back_to_back, where matvec fc_matvec of layer 'fc' goes wrong; g"
    with pytest.raises(VerificationError, match=said):
        replace(verdict(*checks[1:]), reasons=(reason,)).check()
