"""What compilers and their checks of running programs say to the emitted C++: nothing."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.tools.toolchain import find_ap_types, find_gxx
from tests.codegen.flows import blank_design, write
from tests.codegen.golden_kernels import FLOWS
from tests.codegen.test_vitis import cnn_design

WARNINGS = ("-std=c++14", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wno-unknown-pragmas")
STRICT = (*WARNINGS, "-O1", "-fsanitize=address,undefined")
"""Pragmas of another tool are unknown, which -Wall would say of each."""


def compiled(folder: Path, files: list[str], flags: tuple[str, ...]) -> str:
    """What g++ says of our files: the vendor's headers are the system's."""
    where = ["-isystem", str(find_ap_types()), "-idirafter", "tb/include"]
    command = [str(find_gxx().require()), *flags, *where, *files]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return "\n".join(re.findall(r"^(?:src|tb)/.*warning.*$", done.stderr, re.MULTILINE))


def test_a_network_has_no_warning_and_runs_clean(tmp_path: Path) -> None:
    """Windows, folded layers and pooling, under the checks of addresses and of undefined behaviour."""
    write(VitisBackend(), cnn_design(), tmp_path)
    said = compiled(tmp_path, ["src/net.cpp", "tb/net_tb.cpp", "-pthread", "-o", "check"], STRICT)
    assert said == ""
    done = subprocess.run(
        [tmp_path / "check", "tb/input.dat", "tb/golden.dat"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("PASS")
    told = re.findall(r"^(?:src|tb)/.*runtime error.*$", done.stderr, re.MULTILINE)
    assert told == []  # the vendor's headers shift negative numbers


@pytest.mark.parametrize(
    "name", ["matvec_leaky", "reduce_mean", "reorder", "splice", "unrolled_adders", "weld"]
)
def test_other_kernels_have_no_warning(name: str, tmp_path: Path) -> None:
    write(VitisBackend(), blank_design(FLOWS[name]), tmp_path)
    assert compiled(tmp_path, ["src/net.cpp", "tb/net_tb.cpp"], (*WARNINGS, "-fsyntax-only")) == ""
