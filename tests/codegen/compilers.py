"""What compilers and their checks of running programs say to a project's C++."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hpq_hls.codegen.manifest import read_manifest
from hpq_hls.codegen.vitis import data_file
from hpq_hls.tools.toolchain import find_ap_types, find_clang, find_gxx

WARNINGS = ("-std=c++14", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wno-unknown-pragmas")
"""Pragmas of another tool are unknown, which -Wall would say of each."""
SANITIZED = ("-O1", "-fsanitize=address,undefined")
_IN = ("-isystem", str(find_ap_types()), "-idirafter", "tb/include")
"""The vendor's headers are the system's."""
_CLANG = ("-target", "x86_64-linux-gnu", "-D__AP_INT_SPECIAL_H__", "-D__AP_FIXED_SPECIAL_H__")
"""Without the headers' complex numbers, which open std where clang's library has an inline namespace."""


def _run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    cache = str(Path(tempfile.gettempdir()) / "hpq_zig")
    env = {"LC_ALL": "C", "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **env},
    )  # fmt: skip


def _warnings(command: Sequence[str | Path], folder: Path) -> str:
    """The lines about files of ours."""
    done = _run(command, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return "\n".join(re.findall(r"^(?:\./)?(?:src|tb)/.*warning.*$", done.stderr, re.MULTILINE))


def programs(folder: Path) -> list[list[str]]:
    """The sources of each testbench: that of the design, and that of the kernel where there is one."""
    manifest = read_manifest(folder)
    top = f"src/{manifest.name}.cpp"
    made = [[top, f"tb/{manifest.name}_tb.cpp"]]
    if manifest.kernel is not None:
        made.append([top, f"src/{manifest.kernel.name}.cpp", f"tb/{manifest.kernel.name}_tb.cpp"])
    return made


def sources(folder: Path) -> list[str]:
    """Of all of them, that of the design first."""
    return list(dict.fromkeys(source for program in programs(folder) for source in program))


def gxx_warnings(folder: Path) -> str:
    """What g++ says of a project's own files."""
    return _warnings(
        [find_gxx().require(), *WARNINGS, "-O1", "-fsyntax-only", *_IN, *sources(folder)], folder
    )


def clang_warnings(folder: Path) -> str:
    """What clang says of a project's own files."""
    command = [*find_clang().command, *_CLANG, *WARNINGS, "-fno-sanitize=all", "-S", "-o", "made.s", *_IN]
    told = [_warnings([*command, source], folder) for source in sources(folder)]
    (folder / "made.s").unlink()
    return "\n".join(filter(None, told))


def sanitizer_reports(folder: Path) -> str:
    """Compile with the checks of addresses and of undefined behaviour, run the testbenches: what they report
    of a project's own files (the vendor's headers shift negative numbers), and whether they pass."""
    return "\n".join(filter(None, (_sanitized(folder, program) for program in programs(folder))))


def _sanitized(folder: Path, program: Sequence[str]) -> str:
    check = folder / "check"
    warned = _warnings(
        [find_gxx().require(), *WARNINGS, *SANITIZED, *_IN, *program, "-pthread", "-o", check], folder
    )
    manifest = read_manifest(folder)
    ports = [port.port for port in (*manifest.inputs, *manifest.outputs)]
    done = _run([check, *(f"tb/{data_file(manifest, port)}" for port in ports)], folder)
    check.unlink()
    told = re.findall(r"^(?:src|tb)/.*runtime error.*$", done.stderr, re.MULTILINE)
    if done.returncode != 0 or not done.stdout.startswith("PASS"):
        told.append(f"ends with {done.returncode}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return "\n".join([*filter(None, [warned]), *told])


def tables_not_constant(folder: Path) -> tuple[int, str]:
    """How many tables clang keeps as constants (it folds those of a word into the code), and lines of what it
    would fill in at run time, of which there should be none."""
    made = folder / "made.ll"
    command = [*find_clang().command, *_CLANG, "-std=c++14", "-O1", "-g0", "-w", "-fno-sanitize=all"]
    command += ["-S", "-emit-llvm", *_IN, sources(folder)[0], "-o", str(made)]
    done = _run(command, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = made.read_text(encoding="utf-8").splitlines()
    made.unlink()
    names = {path.stem for path in (folder / "src" / "tables").glob("*.inc")}
    kept = [
        line
        for line in lines
        if line.startswith("@") and any(f"{len(name)}{name}" in line.split("=")[0] for name in names)
    ]
    filled = [line for line in lines if re.match(r"define .*(__cxx_global_var_init|_GLOBAL__sub_I)", line)]
    filled += [line for line in kept if not re.search(r"\bconstant\b", line.split("[")[0])]
    return len(kept), "\n".join(line[:200] for line in filled)
