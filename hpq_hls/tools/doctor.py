"""Checks each external tool: is it there, which version, can it build and run a one-line design?

The designs are in ``templates/doctor/``. The result is plain data; the command line prints it.
"""

from __future__ import annotations

import enum
import importlib.metadata
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hpq_hls.errors import ToolError
from hpq_hls.resources import templates_dir
from hpq_hls.tools import toolchain
from hpq_hls.tools.toolchain import Tool, run_tool, verilator_env, yosys_env

Progress = Callable[[str], None]

_TIMEOUT_S = 300.0
_YOSYS_FIRST_TIMEOUT_S = 1200.0
_PYTHON = (3, 10)
_CORE_PACKAGES = ("torch", "numpy", "scipy", "alkaid", "cocotb", "cocotbext-axi", "verilator")
EXTRAS = {
    "onnx": ("onnx", "onnxscript"),
    "demo": ("scikit-learn",),
    "evolutionary": ("optuna",),
    "dask": ("dask",),
    "ray": ("ray",),
}
"""Packages of optional extras that no tool's own check looks for."""
_FAST_BUILD = {"OPT_FAST": "-O0", "OPT_SLOW": "-O0", "OPT_GLOBAL": "-O0"}


class Status(enum.Enum):
    """What became of a check."""

    OK = "ok"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One tool's result.

    Members
    -------
    name
        The tool.
    status
        `Status.FAILED` means that it is there but does not work.
    required
        Whether hpq_hls is of little use without it.
    version
        What the tool says about itself, or None.
    path
        The executable, or None.
    detail
        What was tried, or what went wrong.
    hint
        What to do; empty when all is well.
    seconds
        Time the check took.
    """

    name: str
    status: Status
    required: bool
    version: str | None
    path: Path | None
    detail: str
    hint: str
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done: it works, or it is absent and optional."""
        return self.status is Status.OK or (self.status is Status.MISSING and not self.required)


@dataclass(frozen=True)
class _Context:
    scratch: Path
    quick: bool
    say: Progress


_Trial = Callable[[_Context], str]


def run_checks(quick: bool = False, progress: Progress | None = None) -> tuple[Check, ...]:
    """Check every tool.

    Parameters
    ----------
    quick
        Look only: build nothing and start nothing that takes more than a second or two.
    progress
        Receives one line before each step that takes time.

    Returns
    -------
    tuple[Check, ...]
        In the order in which a person would repair them. Nothing is raised for a broken tool.
    """
    checks = (
        _check_python,
        _check_gxx,
        _check_make,
        _check_perl,
        _check_verilator,
        _check_cocotb,
        _check_yosys,
        _check_nextpnr,
        _check_clang,
        _check_vitis,
    )
    results: list[Check] = []
    with tempfile.TemporaryDirectory(prefix="hpq_doctor_") as folder:
        for check in checks:
            scratch = Path(folder) / check.__name__.removeprefix("_check_")
            scratch.mkdir()
            begin = time.monotonic()
            result = check(_Context(scratch, quick, progress or (lambda _: None)))
            results.append(replace(result, seconds=time.monotonic() - begin))
    return (*results, *_check_extras())


def _try(tool: Tool, trial: _Trial, context: _Context, required: bool = True) -> Check:
    """Report a missing tool, or whatever `trial` says of the one that was found."""
    if not tool.found:
        return Check(tool.name, Status.MISSING, required, None, None, "not found", tool.hint)
    status, hint = Status.OK, ""
    try:
        detail = trial(context)
    except ToolError as error:
        status, detail, hint = (
            Status.FAILED,
            str(error),
            f"If the message does not say what to do, {tool.hint}",
        )
    return Check(tool.name, status, required, tool.version, tool.path, detail, hint)


def _found(_context: _Context) -> str:
    return "found"


# ---------------------------------------------------------------------------------------------
# One function per tool


def _check_python(_context: _Context) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    absent = [name for name in _CORE_PACKAGES if not _installed(name)]
    hint = ""
    if absent:
        hint = "Install the packages: run `make` in the checkout, or `pip install 'hpq_hls[all]'`."
    if sys.version_info < _PYTHON:
        hint = "Use Python 3.10 or later."
    status = Status.FAILED if hint else Status.OK
    detail = f"packages not installed: {', '.join(absent)}" if absent else _versions()
    return Check("python", status, True, version, Path(sys.executable), detail, hint)


def _versions() -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _CORE_PACKAGES)


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _check_gxx(context: _Context) -> Check:
    tool = toolchain.find_gxx()

    def trial(context: _Context) -> str:
        include = toolchain.find_ap_types()
        if context.quick:
            return f"found; ap_fixed.h in {include}"
        context.say("g++: compiling fixed-point arithmetic with ap_fixed.h")
        program = context.scratch / "fixed_point"
        source = _design("fixed_point.cpp")
        run_tool([tool.require(), "-w", "-isystem", include, source, "-o", program], timeout=_TIMEOUT_S)
        answer = run_tool([program], timeout=_TIMEOUT_S).stdout.strip()
        return f"compiled and ran ap_fixed arithmetic ({answer}) with the headers in {include}"

    return _try(tool, trial, context)


def _check_make(context: _Context) -> Check:
    return _try(toolchain.find_make(), _found, context)


def _check_perl(context: _Context) -> Check:
    return _try(toolchain.find_perl(), _found, context)


def _check_verilator(context: _Context) -> Check:
    tool = toolchain.find_verilator()

    def trial(context: _Context) -> str:
        verilator, design = tool.require(), _design("counter.sv")
        env = verilator_env(_FAST_BUILD)
        run_tool([verilator, "--lint-only", "-Wall", design], env=env, timeout=_TIMEOUT_S)
        if context.quick or re.search(r"\s", str(verilator)):  # a makefile cannot cope with such a path
            return "linted a counter"
        context.say("verilator: building and running a counter")
        options = ["--cc", "--exe", "--build", "--Mdir", "build", "-j", "2"]
        main = _design("counter_main.cpp")
        run_tool([verilator, *options, main, design], cwd=context.scratch, env=env, timeout=_TIMEOUT_S)
        run_tool([context.scratch / "build" / "Vcounter"], timeout=_TIMEOUT_S)
        return "linted, built and ran a counter"

    return _try(tool, trial, context)


def _check_cocotb(context: _Context) -> Check:
    hint = "install it with `pip install cocotb`."
    version = importlib.metadata.version("cocotb") if _installed("cocotb") else None
    tool = Tool("cocotb", Path(sys.executable) if version else None, version, hint)

    def trial(context: _Context) -> str:
        # Only here: a missing package is a finding, it must not keep this module from being imported.
        from find_libpython import find_libpython

        from hpq_hls.verify.cosim_build import BuildRequest, build_simulator, cocotb_harness
        from hpq_hls.verify.cosim_sources import find_sources

        library = find_libpython()
        if library is None:
            release = "{}.{}".format(*sys.version_info)
            raise ToolError(
                "This Python has no shared library for cocotb to load into the simulator; install it (on "
                f"Debian: `apt-get install libpython{release}`) or use a Python built with --enable-shared."
            )
        if context.quick:
            return f"found; libpython is {library}"
        context.say("cocotb: running a test of a counter on Verilator")
        request = BuildRequest(
            "counter", find_sources(_design("counter.sv").parent), cocotb_harness("counter", ["m"])
        )
        built = build_simulator(request, context.scratch, context.say)
        (context.scratch / "counter").symlink_to(built.executable)
        script = _design("run_cocotb.py")
        run_tool([sys.executable, script], cwd=context.scratch, env=verilator_env(), timeout=_TIMEOUT_S)
        return "ran a test of a counter on Verilator"

    return _try(tool, trial, context)


def _check_yosys(context: _Context) -> Check:
    tool = toolchain.find_yosys()

    def trial(context: _Context) -> str:
        prepared = toolchain.yosys_is_prepared()
        if context.quick:
            return "found" if prepared else "found; its first call will take a minute or two"
        if prepared:
            context.say("yosys: synthesizing a counter")
        else:
            context.say("yosys: compiling itself, once; this takes a minute or two")
        # Relative names, because the WebAssembly build sees a /tmp of its own.
        for name in ("counter.sv", "counter.ys"):
            shutil.copy(_design(name), context.scratch)
        limit = _TIMEOUT_S if prepared else _YOSYS_FIRST_TIMEOUT_S
        command = [str(tool.require()), "-s", "counter.ys"]
        output = run_tool(command, cwd=context.scratch, env=yosys_env(), timeout=limit).stdout
        if not any(line.split() in (["8", "FDRE"], ["FDRE", "8"]) for line in output.splitlines()):
            raise ToolError("yosys synthesized a counter into something other than eight flip-flops.")
        return "synthesized a counter into eight flip-flops"

    return _try(tool, trial, context, required=False)


def _check_nextpnr(context: _Context) -> Check:
    tool = toolchain.find_nextpnr_ecp5()

    def trial(context: _Context) -> str:
        if context.quick:
            return "found"
        context.say("nextpnr: asking for its version; at the first call it compiles itself")
        command = [str(tool.require()), "--version"]
        run_tool(command, cwd=context.scratch, env=yosys_env(), timeout=_YOSYS_FIRST_TIMEOUT_S)
        return "starts"

    return _try(tool, trial, context, required=False)


def _check_clang(context: _Context) -> Check:
    """Optional: ``hpq verify --hls`` alone needs it."""
    try:
        clang = toolchain.find_clang()
    except ToolError as error:
        return Check("clang", Status.MISSING, False, None, None, "not found", str(error).partition(": ")[2])
    tool = Tool("clang", Path(clang.command[0]), clang.version, "install it with `pip install ziglang`.")

    def trial(context: _Context) -> str:
        if context.quick:
            return "found"
        context.say("clang: translating a loop")
        made = context.scratch / "loop.ll"
        command: list[str | Path] = [
            *clang.command,
            "-O1",
            "-g0",
            "-S",
            "-emit-llvm",
            _design("loop.cpp"),
            "-o",
            made,
        ]
        run_tool(command, cwd=context.scratch, env=clang.env(context.scratch / "cache"), timeout=_TIMEOUT_S)
        if "@sum(" not in made.read_text(encoding="utf-8"):
            raise ToolError("clang made something other than LLVM assembly of a loop.")
        return "translated a loop to LLVM assembly"

    return _try(tool, trial, context, required=False)


def _check_vitis(context: _Context) -> Check:
    return _try(toolchain.find_vitis(), _found, context, required=False)


def _check_extras() -> tuple[Check, ...]:
    """Packages that one feature each needs."""
    found = []
    for extra, packages in EXTRAS.items():
        absent = [name for name in packages if not _installed(name)]
        versions = ", ".join(importlib.metadata.version(name) for name in packages if name not in absent)
        detail = f"packages {', '.join(packages)}" if not absent else f"not installed: {', '.join(absent)}"
        hint = f"Install them with `pip install 'hpq_hls[{extra}]'`." if absent else ""
        status = Status.MISSING if absent else Status.OK
        found.append(Check(f"extra {extra}", status, False, versions or None, None, detail, hint))
    return tuple(found)


def _design(name: str) -> Path:
    return templates_dir() / "doctor" / name
