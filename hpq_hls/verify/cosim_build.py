"""Builds a simulator from RTL: Verilator, then g++ on what it wrote, both behind a cache.

``make`` is not used: its rules recompile Verilator's run-time library for every design (15 s on one
core, most of a small build), refuse folders with a blank in their path, and depend on the machine
the wheel was made on. The library is compiled once per Python environment instead, and each design
in a few large translation units.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import cocotb_tools.config as cocotb

from hpq_hls.errors import ToolError
from hpq_hls.tools.sealed import is_sealed, seal, sweep
from hpq_hls.tools.toolchain import find_gxx, find_verilator, run_tool, verilator_env
from hpq_hls.verify.cosim_sources import Sources

EXECUTABLE = "simulation"
_PREFIX = "Vtop"
_FORMAT = "3"  # to be changed with anything below that changes the result
_FAST, _SLOW, _LIBRARY = "-O1", "-O0", "-O1"
_SHARD_BYTES = 600_000  # which takes as long to compile as to read Verilator's headers
_KEPT_BUILDS = 4
_ERROR_LINES = 6

Progress = Callable[[str], None]
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class BuildRequest:
    """What to build.

    top: the top module. ports: prefixes of its AXI4-Stream ports.
    sources: its files. defines: Verilog macros.
    """

    top: str
    ports: tuple[str, ...]
    sources: Sources
    defines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """A simulator ready to run.

    executable: run it in a folder with the design's data files.
    seconds: time it took; 0.0 when it was there already.
    """

    executable: Path
    seconds: float


@dataclass(frozen=True)
class _Tools:
    verilator: Path
    gxx: Path
    env: dict[str, str]
    include: Path
    libs: Path
    main: Path
    gnu: bool
    identity: str


def build_simulator(request: BuildRequest, build_dir: Path, progress: Progress | None = None) -> Build:
    """Build a simulator under `build_dir`, or find it there from an earlier time.

    Raises
    ------
    ToolError
        A tool is missing, or the RTL does not compile; the message has Verilator's first errors.
    """
    begin = time.monotonic()
    tools = _find_tools()
    home = build_dir / f"{request.top}-{_fingerprint(request, tools)}"
    say = progress or (lambda _: None)
    if is_sealed(home / EXECUTABLE):
        with contextlib.suppress(OSError):  # of a folder that cannot be written
            home.touch()
        return Build(home / EXECUTABLE, 0.0)
    if home.exists():
        say("the simulator kept from earlier is incomplete or was changed: building it again")
    build_dir.mkdir(parents=True, exist_ok=True)
    sweep(build_dir, ".new-*", ".old-*")
    scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=build_dir))
    try:
        say("translating the RTL to C++")
        _verilate(request, tools, scratch)
        lists = _file_lists(scratch / f"{_PREFIX}_classes.mk")
        runtime = _runtime(tools, lists["GLOBAL"], build_dir, say)
        say("compiling the simulator")
        _compile(tools, scratch, lists, runtime)
        for leftover in (*scratch.glob(f"{_PREFIX}*"), *scratch.glob("shard*")):
            leftover.unlink()
        seal(scratch / EXECUTABLE)
        _put(scratch, home)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _forget_old(build_dir, request.top)
    return Build(home / EXECUTABLE, time.monotonic() - begin)


def _find_tools() -> _Tools:
    verilator, gxx = find_verilator(), find_gxx()
    path, compiler = verilator.require(), gxx.require()
    env = verilator_env()
    root = run_tool([path, "--getenv", "VERILATOR_ROOT"], env=env, timeout=60).stdout.strip()
    include, libs = Path(root) / "include", Path(cocotb.libs_dir)
    identity = f"{verilator.version} {root} {compiler} {gxx.version} {version('cocotb')} {libs}"
    main = Path(cocotb.share_dir) / "lib" / "verilator" / "verilator.cpp"
    gnu = "clang" not in run_tool([compiler, "--version"], timeout=60).stdout.lower()
    return _Tools(path, compiler, env, include, libs, main, gnu, identity)


def _fingerprint(request: BuildRequest, tools: _Tools) -> str:
    """Hash everything that the executable depends on; data files are read when it runs."""
    digest = hashlib.sha256()

    def add(data: bytes) -> None:
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)

    for text in (
        _FORMAT,
        _FAST,
        _SLOW,
        tools.identity,
        request.top,
        *request.ports,
        "",
        *request.defines,
        "",
    ):
        add(text.encode())
    for path in request.sources.verilog:
        add(path.read_bytes())
    for path in request.sources.headers:
        add(path.relative_to(request.sources.root).as_posix().encode())
        add(path.read_bytes())
    return digest.hexdigest()[:16]


# ---------------------------------------------------------------------------------------------
# Verilator


def _verilate(request: BuildRequest, tools: _Tools, folder: Path) -> None:
    access = folder / "access.vlt"
    access.write_text(_access_rules(request), encoding="utf-8")
    log = folder / "verilator.log"
    command: list[str | Path] = [
        tools.verilator,
        "--cc",
        "--vpi",
        # Delays are for the vendor's own simulators; cocotb makes the only clock.
        "--no-timing",
        # What deserves a warning is the linter's business, not that of a simulation.
        *("-Wno-fatal", "-Wno-lint", "-Wno-style", "--quiet"),
        # What has no defined value shall not happen to be 0.
        # Compilers take more than proportionally long for long functions.
        *("--output-split-cfuncs", "500"),
        *("--x-assign", "unique", "--x-initial", "unique"),
        *("--prefix", _PREFIX, "--top-module", request.top, "--Mdir", folder),
        *(f"-D{define}" for define in request.defines),
        *(f"-I{path}" for path in request.sources.include_dirs),
        access,
        *request.sources.verilog,
    ]
    done = run_tool(command, cwd=folder, env=tools.env, log=log, check=False)
    if done.returncode != 0:
        where = f"verilator cannot compile module {request.top} from {request.sources.root}"
        raise ToolError("\n  ".join([f"{where}:", *_first_errors(done.stdout)]))


def _access_rules(request: BuildRequest) -> str:
    """Make visible to the testbench what it needs; whatever is visible is lost to optimization."""
    signals = ["ap_*", *(f"{port}_*" for port in request.ports)]
    rules = [f'public_flat_rw -module "{request.top}" -var "{signal}"' for signal in signals]
    rules.append('public_flat_rd -module "hpq_fifo*" -var "max_fill"')
    return "\n".join(["`verilator_config", *rules, ""])


def _first_errors(output: str) -> list[str]:
    lines = output.splitlines()
    errors = [line for line in lines if line.startswith("%Error")]
    return errors[:_ERROR_LINES] if errors else lines[-_ERROR_LINES:]


def _file_lists(path: Path) -> dict[str, list[str]]:
    """Read which C++ files Verilator wrote, or wants from its library: FAST, SLOW and GLOBAL."""
    lists: dict[str, list[str]] = {"FAST": [], "SLOW": [], "GLOBAL": []}
    kind = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        header = re.match(r"VM_(CLASSES|SUPPORT|GLOBAL)_(FAST|SLOW) \+=", line)
        if header:
            kind = "GLOBAL" if header[1] == "GLOBAL" else header[2]
        elif kind and line.startswith("  "):
            lists[kind].append(line.strip(" \\"))
        else:
            kind = ""
    return lists


# ---------------------------------------------------------------------------------------------
# g++


def _flags(tools: _Tools) -> list[str]:
    defines = ["VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0"]
    defines += [f"VM_TRACE{kind}=0" for kind in ("", "_FST", "_VCD", "_SAIF")]
    folders = [tools.include, tools.include / "vltstd"]
    # GCC's instruction combiner needs a minute or more for one large function, and gains little here.
    quick = ["-fdisable-rtl-combine"] if tools.gnu else []
    return [
        "-std=gnu++17",
        *quick,
        *(f"-D{item}" for item in defines),
        *(f"-I{folder}" for folder in folders),
    ]


def _runtime(tools: _Tools, names: Sequence[str], build_dir: Path, say: Progress) -> list[Path]:
    """Return the object files of Verilator's run-time library, compiled at the first need."""
    digest = hashlib.sha256(f"{_LIBRARY} {tools.identity}".encode())
    for path in sorted(tools.include.glob("verilated*")):
        digest.update(path.read_bytes())
    home = _cache_dir(build_dir) / f"verilated-{digest.hexdigest()[:16]}"
    home.mkdir(parents=True, exist_ok=True)
    objects = [home / f"{name}.o" for name in names]
    absent = [path for path in objects if not is_sealed(path)]
    if absent:
        say("compiling the simulator's library, once (about 15 seconds)")

    def build(target: Path) -> None:
        # Through a temporary name, because another process may be doing the same.
        with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as scratch:
            result = Path(scratch) / target.name
            source = tools.include / f"{target.stem}.cpp"
            _run_gxx(tools, [*_flags(tools), _LIBRARY, "-c", source, "-o", result])
            result.replace(target)
        seal(target)

    _in_parallel(build, absent)
    return objects


def _cache_dir(build_dir: Path) -> Path:
    """Return a folder shared by all builds: in the virtual environment, else beside the build."""
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix) / "cache" / "hpq_hls"
    return build_dir / "library"


def _compile(tools: _Tools, folder: Path, lists: dict[str, list[str]], runtime: Sequence[Path]) -> None:
    shards: list[tuple[Path, str]] = []
    files = {kind: [folder / f"{name}.cpp" for name in lists[kind]] for kind in ("FAST", "SLOW")}
    files["FAST"].append(tools.main)
    if sum(path.stat().st_size for path in (*files["FAST"], *files["SLOW"])) < _SHARD_BYTES:
        files = {"FAST": [*files["FAST"], *files["SLOW"]]}
    for kind, level in (("FAST", _FAST), ("SLOW", _SLOW)):
        for number, group in enumerate(_groups(files.get(kind, []))):
            shard = folder / f"shard_{kind.lower()}{number}.cpp"
            shard.write_text("".join(f'#include "{path}"\n' for path in group), encoding="utf-8")
            shards.append((shard, level))

    def build(item: tuple[Path, str]) -> None:
        shard, level = item
        output = shard.with_suffix(".o")
        _run_gxx(tools, [*_flags(tools), level, f"-I{folder}", "-c", shard, "-o", output])

    _in_parallel(build, shards)
    libraries: list[str | Path] = [
        "-Xlinker",
        "-rpath",
        "-Xlinker",
        tools.libs,
        f"-L{tools.libs}",
        "-lcocotbvpi_verilator",
    ]
    objects = [*(shard.with_suffix(".o") for shard, _ in shards), *runtime]
    _run_gxx(tools, [*objects, *libraries, "-pthread", "-o", folder / EXECUTABLE])


def _groups(files: Iterable[Path]) -> list[list[Path]]:
    """Split files into translation units of about equal size: few, as each reads the headers again."""
    sizes = {path: path.stat().st_size for path in files}
    total = sum(sizes.values())
    goal = max(_SHARD_BYTES, total // (4 * (os.cpu_count() or 1)))
    count = min(len(sizes), -(-total // goal))
    groups: list[list[Path]] = [[] for _ in range(count)]
    loads = [0] * count
    for path in sorted(sizes, key=lambda path: (-sizes[path], path.name)):
        lightest = loads.index(min(loads))
        groups[lightest].append(path)
        loads[lightest] += sizes[path]
    return [group for group in groups if group]


def _run_gxx(tools: _Tools, arguments: Sequence[str | Path]) -> None:
    run_tool([tools.gxx, *arguments], env=tools.env)


def _in_parallel(work: Callable[[_Item], None], items: Sequence[_Item]) -> None:
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        for _ in pool.map(work, items):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # after a failure or Ctrl-C, start no more


def _put(scratch: Path, home: Path) -> None:
    for _ in range(3):
        with contextlib.suppress(OSError):  # it is there: broken, or another process was quicker
            scratch.rename(home)
        if is_sealed(home / EXECUTABLE):
            return
        broken = Path(tempfile.mkdtemp(prefix=".old-", dir=home.parent))
        with contextlib.suppress(OSError):
            home.rename(broken / home.name)
        shutil.rmtree(broken, ignore_errors=True)
    raise ToolError(f"{home} is broken and cannot be replaced; remove it")


def _forget_old(build_dir: Path, top: str) -> None:
    builds = [path for path in build_dir.glob(f"{top}-*") if (path / EXECUTABLE).is_file()]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in builds[_KEPT_BUILDS:]:
        shutil.rmtree(path, ignore_errors=True)
