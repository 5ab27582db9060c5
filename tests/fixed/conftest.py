"""Builds the oracle: a program that casts with the Xilinx headers, compiled once per state of its sources."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hpq_hls.toolchain import find_ap_types, find_gxx, run_tool

SOURCES = Path(__file__).parent / "oracle"

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Cast:
    """One line of the oracle's table; source and target are Vitis types or "double"."""

    index: int
    source: str
    target: str


class Oracle:
    """The compiled program: what it can cast, and the casting."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        lines = run_tool([program], timeout=60).stdout.splitlines()
        self.casts = [Cast(index, *line.split()) for index, line in enumerate(lines)]

    def __call__(self, requests: Sequence[tuple[Cast, Words]]) -> list[Words]:
        """The results of each cast for its operands, shape (count,) or (count, 2): low word first."""
        request, response = self._folder / "request.bin", self._folder / "response.bin"
        blocks = [
            block
            for cast, operands in requests
            for block in (np.array([cast.index, len(operands)], np.uint64), operands.ravel())
        ]
        np.concatenate(blocks).tofile(request)
        run_tool([self._program, request, response], timeout=300)
        counts = [len(operands) for _, operands in requests]
        answers = np.fromfile(response, np.uint64)
        assert len(answers) == sum(counts)
        return np.split(answers, np.cumsum(counts)[:-1])


@pytest.fixture(scope="session")
def oracle(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    headers, compiler = find_ap_types(), find_gxx()
    # The headers assert, needlessly, when more bits are dropped than the source has: its result is not used.
    options = ["-std=c++17", "-O0", "-w", "-DNDEBUG", "-I", headers, "-I", SOURCES]
    digest = hashlib.sha256(repr((compiler, options)).encode())
    for path in sorted([*SOURCES.iterdir(), *headers.rglob("*.h")]):
        digest.update(path.read_bytes())
    folder = pytestconfig.cache.mkdir("cast_oracle")
    program = folder / digest.hexdigest()[:16]
    with (folder / "lock").open("w") as lock:  # parallel test workers share one build
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            built = folder / "built"
            run_tool([compiler.require(), *options, SOURCES / "cast_oracle.cpp", "-o", built], timeout=600)
            built.rename(program)
    return Oracle(program, tmp_path_factory.mktemp("cast_oracle"))
