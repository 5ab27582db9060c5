"""Builds a simulator from RTL: Verilator, then g++ on what it wrote, both behind a cache.

``make`` is not used: its rules recompile Verilator's run-time library for every design (15 s on one
core, most of a small build), refuse folders with a blank in their path, and depend on the machine
the wheel was made on. The library is compiled once per Python environment instead, and each design
in a few large translation units.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import cocotb_tools.config as cocotb

from hpq_hls.errors import ToolError
from hpq_hls.resources import hw_sim_dir
from hpq_hls.tools.sealed import is_sealed, seal, sweep
from hpq_hls.tools.toolchain import find_gxx, find_verilator, is_gnu, run_tool, verilator_env
from hpq_hls.verify.cosim_sources import Sources

EXECUTABLE = "simulation"
PREFIX = "Vtop"
_FORMAT = "5"  # to be changed with anything below that changes the result
_FAST, _SLOW, _LIBRARY = "-O1", "-O0", "-O1"
_SHARD_BYTES = 600_000  # which takes as long to compile as to read Verilator's headers
_ERROR_LINES = 6
_VERILATED = "verilated*"  # the files of Verilator's library
_HEADER = "library.h"  # compiled, because most of the time of a small design goes into reading it
_BUILD_S = 7200.0
_one_library = threading.Lock()

Progress = Callable[[str], None]
_Item = TypeVar("_Item")


class RtlError(ToolError):
    """Verilator does not accept the RTL."""


@dataclass(frozen=True)
class Harness:
    """What moves a simulated design.

    options, rules: for Verilator, its arguments and the text of a configuration file. verilog: text of more
    Verilog by file name. main: text of C++ that is compiled with the design. library: C++ sources that are
    compiled once for all designs. links: arguments of the linker. waves: whether it can write an FST.
    """

    options: tuple[str, ...] = ()
    rules: str = ""
    verilog: Mapping[str, str] = field(default_factory=dict)
    main: str = ""
    library: tuple[Path, ...] = ()
    links: tuple[str, ...] = ()
    waves: bool = False


@dataclass(frozen=True)
class BuildRequest:
    """What to build.

    top: the top module. sources: its files. harness: what moves it. defines: Verilog macros. kept: how many
    simulators of modules of this name stay in the folder.
    """

    top: str
    sources: Sources
    harness: Harness
    defines: tuple[str, ...] = ()
    kept: int = 4


@dataclass(frozen=True)
class Build:
    """A simulator ready to run.

    executable: run it in a folder with the design's data files.
    seconds: time it took; 0.0 when it was there already.
    """

    executable: Path
    seconds: float


@dataclass(frozen=True)
class Toolchain:
    """Verilator and the compiler. identity: of all that matters; versions: for people."""

    verilator: Path
    gxx: Path
    env: dict[str, str]
    include: Path
    gnu: bool
    identity: str
    versions: tuple[str, ...]


def cocotb_harness(top: str, ports: Sequence[str]) -> Harness:
    """What cocotb needs at a top module with these AXI4-Stream ports."""
    # Make visible to the testbench what it needs; whatever is visible is lost to optimization.
    signals = ["ap_*", *(f"{port}_*" for port in ports)]
    rules = [f'public_flat_rw -module "{top}" -var "{signal}"' for signal in signals]
    rules.append('public_flat_rd -module "hpq_fifo*" -var "max_fill"')
    libs = str(cocotb.libs_dir)
    main = Path(cocotb.share_dir) / "lib" / "verilator" / "verilator.cpp"
    return Harness(
        options=("--vpi",),
        rules="\n".join(rules),
        main=f'#include "{main}"  // cocotb {version("cocotb")}\n',
        links=("-Xlinker", "-rpath", "-Xlinker", libs, f"-L{libs}", "-lcocotbvpi_verilator"),
    )


def build_simulator(
    request: BuildRequest,
    build_dir: Path,
    progress: Progress | None = None,
    tools: Toolchain | None = None,
) -> Build:
    """Build a simulator under `build_dir`, or find it there from an earlier time.

    tools: as ``find_toolchain`` finds them, for who builds several.

    Raises
    ------
    RtlError
        The RTL does not compile; the message has Verilator's first errors.
    ToolError
        A tool is missing or fails.
    """
    begin = time.monotonic()
    tools = tools or find_toolchain()
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
        lists = _file_lists(scratch / f"{PREFIX}_classes.mk")
        verilated = [tools.include / f"{name}.cpp" for name in lists["GLOBAL"]]
        waves = request.harness.waves
        runtime = _library(tools, verilated, _VERILATED, build_dir, say, waves)
        runtime += _library(tools, request.harness.library, "*.[ch]pp", build_dir, say, waves)
        say("compiling the simulator")
        _compile(tools, scratch, lists, runtime, request.harness)
        for leftover in (*scratch.glob(f"{PREFIX}*"), *scratch.glob("shard*")):
            leftover.unlink()
        seal(scratch / EXECUTABLE)
        _put(scratch, home)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _forget_old(build_dir, request.top, request.kept)
    return Build(home / EXECUTABLE, time.monotonic() - begin)


def find_toolchain() -> Toolchain:
    """Find Verilator and the compiler.

    Raises
    ------
    ToolError
        One is missing.
    """
    verilator, gxx = find_verilator(), find_gxx()
    path, compiler = verilator.require(), gxx.require()
    env = verilator_env()
    root = run_tool([path, "--getenv", "VERILATOR_ROOT"], env=env, timeout=60).stdout.strip()
    versions = (f"verilator {verilator.version}", f"g++ {gxx.version}")
    identity = f"{verilator.version} {root} {compiler} {gxx.version}"
    return Toolchain(path, compiler, env, Path(root) / "include", is_gnu(compiler), identity, versions)


def _fingerprint(request: BuildRequest, tools: Toolchain) -> str:
    """Hash everything that the executable depends on; data files are read when it runs."""
    digest = hashlib.sha256()

    def add(data: bytes) -> None:
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)

    harness = request.harness
    for words in (
        (_FORMAT, _FAST, _SLOW, tools.identity, request.top, harness.rules, harness.main),
        harness.options,
        harness.links,
        request.defines,
        tuple(itertools.chain.from_iterable(harness.verilog.items())),
    ):
        for text in (*words, ""):
            add(text.encode())
    if harness.waves:
        add(_fst_headers())
    for path in harness.library:
        for part in sorted(path.parent.glob("*.[ch]pp")):
            add(part.read_bytes())
    for path in request.sources.verilog:
        add(path.read_bytes())
    for path in request.sources.headers:
        add(path.relative_to(request.sources.root).as_posix().encode())
        add(path.read_bytes())
    return digest.hexdigest()[:16]


# ---------------------------------------------------------------------------------------------
# Verilator


def _verilate(request: BuildRequest, tools: Toolchain, folder: Path) -> None:
    harness = request.harness
    access = folder / "access.vlt"
    access.write_text(f"`verilator_config\n{harness.rules}\n", encoding="utf-8")
    for name, text in harness.verilog.items():
        (folder / name).write_text(text, encoding="utf-8")
    log = folder / "verilator.log"
    command: list[str | Path] = [
        tools.verilator,
        "--cc",
        *harness.options,
        *(("--trace-fst",) if harness.waves else ()),
        # Delays are for the vendor's own simulators; cocotb makes the only clock.
        "--no-timing",
        # What deserves a warning is the linter's business, not that of a simulation.
        *("-Wno-fatal", "-Wno-lint", "-Wno-style", "--quiet"),
        # What has no defined value shall not happen to be 0.
        # Compilers take more than proportionally long for long functions.
        *("--output-split-cfuncs", "500"),
        *("--x-assign", "unique", "--x-initial", "unique"),
        *("--prefix", PREFIX, "--top-module", request.top, "--Mdir", folder),
        *(f"-D{define}" for define in request.defines),
        *(f"-I{path}" for path in request.sources.include_dirs),
        access,
        *(folder / name for name in harness.verilog),
        *request.sources.verilog,
    ]
    done = run_tool(command, cwd=folder, env=tools.env, log=log, check=False, timeout=_BUILD_S)
    if done.returncode != 0:
        where = f"verilator cannot compile module {request.top} from {request.sources.root}"
        raise RtlError("\n  ".join([f"{where}:", *_first_errors(done.stdout)]))


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


def _fst_headers() -> bytes:
    return b"".join(path.read_bytes() for path in sorted((hw_sim_dir() / "fst").glob("*.h")))


def _flags(tools: Toolchain, waves: bool = False) -> list[str]:
    defines = ["VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0"]
    traced = ("", "_FST") if waves else ()
    defines += [f"VM_TRACE{kind}={int(kind in traced)}" for kind in ("", "_FST", "_VCD", "_SAIF")]
    folders = [tools.include, tools.include / "vltstd"]
    # Verilator's FST writer wants the headers of zlib and lz4, which few machines have.
    folders += [hw_sim_dir() / "fst"] if waves else []
    # GCC's instruction combiner needs a minute or more for one large function, and gains little here.
    quick = ["-fdisable-rtl-combine"] if tools.gnu else []
    return [
        "-std=gnu++17",
        *quick,
        *(f"-D{item}" for item in defines),
        *(f"-I{folder}" for folder in folders),
    ]


def _library(
    tools: Toolchain,
    sources: Sequence[Path],
    pattern: str,
    build_dir: Path,
    say: Progress,
    waves: bool = False,
) -> list[Path]:
    """Return the object files and compiled headers that all designs have in common, made at the first need.

    pattern: files beside the sources that they depend on.
    """
    if not sources:
        return []
    folder = sources[0].parent
    digest = hashlib.sha256(f"{_LIBRARY} {tools.identity}".encode())
    digest.update(_fst_headers() if waves else b"")
    for path in sorted(folder.glob(pattern)):
        digest.update(path.read_bytes())
    home = _cache_dir(build_dir) / f"verilated-{digest.hexdigest()[:16]}"
    home.mkdir(parents=True, exist_ok=True)
    objects = {home / f"{path.stem}.o": path for path in sources}
    if pattern == _VERILATED and tools.gnu and _is_shared(build_dir):
        if not (home / _HEADER).is_file():
            (home / _HEADER).write_text('#include "verilated.h"\n', encoding="utf-8")
        objects[home / f"{_HEADER}.gch"] = home / _HEADER

    def build(target: Path) -> None:
        # Through a temporary name, because another process may be doing the same.
        with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as scratch:
            result = Path(scratch) / target.name
            language = ["-c"] if target.suffix == ".o" else ["-x", "c++-header"]
            _run_gxx(tools, [*_flags(tools, waves), _LIBRARY, *language, objects[target], "-o", result])
            result.replace(target)
        seal(target)

    with _one_library:  # threads that build at the same time need the same objects
        absent = [path for path in objects if not is_sealed(path)]
        if absent:
            say("compiling the simulator's library, once (about 15 seconds)")
        _in_parallel(build, absent)
    return list(objects)


def _cache_dir(build_dir: Path) -> Path:
    """Return a folder shared by all builds: in the virtual environment, else beside the build."""
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix) / "cache" / "hpq_hls"
    return build_dir / "library"


def _is_shared(build_dir: Path) -> bool:
    return _cache_dir(build_dir).parent != build_dir


def _compile(
    tools: Toolchain, folder: Path, lists: dict[str, list[str]], runtime: Sequence[Path], harness: Harness
) -> None:
    shards: list[tuple[Path, str]] = []
    main = folder / "shard_main.cpp"
    main.write_text(harness.main, encoding="utf-8")
    files = {kind: [folder / f"{name}.cpp" for name in lists[kind]] for kind in ("FAST", "SLOW")}
    files["FAST"].append(main)
    if sum(path.stat().st_size for path in (*files["FAST"], *files["SLOW"])) < _SHARD_BYTES:
        files = {"FAST": [*files["FAST"], *files["SLOW"]]}
    for kind, level in (("FAST", _FAST), ("SLOW", _SLOW)):
        for number, group in enumerate(_groups(files.get(kind, []))):
            shard = folder / f"shard_{kind.lower()}{number}.cpp"
            shard.write_text("".join(f'#include "{path}"\n' for path in group), encoding="utf-8")
            shards.append((shard, level))

    flags = _flags(tools, harness.waves)
    # A header that was compiled at another level is read as text.
    first: list[str | Path] = []
    for path in runtime:
        first += ["-include", path.with_suffix("")] if path.suffix == ".gch" else []

    def build(item: tuple[Path, str]) -> None:
        shard, level = item
        output = shard.with_suffix(".o")
        _run_gxx(tools, [*first, *flags, level, f"-I{folder}", "-c", shard, "-o", output])

    _in_parallel(build, shards)
    library = [path for path in runtime if path.suffix == ".o"]
    objects = [*(shard.with_suffix(".o") for shard, _ in shards), *library]
    _run_gxx(tools, [*objects, *harness.links, "-pthread", "-o", folder / EXECUTABLE])


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


def _run_gxx(tools: Toolchain, arguments: Sequence[str | Path]) -> None:
    run_tool([tools.gxx, *arguments], env=tools.env, timeout=_BUILD_S)


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


def _forget_old(build_dir: Path, top: str, kept: int) -> None:
    builds = [path for path in build_dir.glob(f"{top}-*") if (path / EXECUTABLE).is_file()]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in builds[kept:]:
        shutil.rmtree(path, ignore_errors=True)
