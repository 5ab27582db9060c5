"""Builds the oracles: programs that compute with the Xilinx headers, compiled when their sources change."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hpq_hls.tools.toolchain import find_ap_types, find_gxx, run_tool

SOURCES = Path(__file__).parent / "oracle"

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Entry:
    """One line of an oracle's table: its number and its words."""

    index: int
    fields: tuple[str, ...]


class Oracle:
    """A compiled program: the table of what it can do, and the doing."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        lines = run_tool([program], timeout=60).stdout.splitlines()
        self.table = [Entry(index, tuple(line.split())) for index, line in enumerate(lines)]

    def __call__(self, requests: Sequence[tuple[Entry, Words]]) -> list[Words]:
        """What each entry makes of its operands, one operand a row; an entry's results have one shape."""
        request, response = self._folder / "request.bin", self._folder / "response.bin"
        blocks = [
            block
            for entry, operands in requests
            for block in (np.array([entry.index, len(operands)], np.uint64), operands.ravel())
        ]
        np.concatenate(blocks).tofile(request)
        run_tool([self._program, request, response], timeout=300)
        counts = np.array([len(operands) * result_words(entry) for entry, operands in requests])
        answers = np.fromfile(response, np.uint64)
        assert len(answers) == counts.sum()
        parts = np.split(answers, np.cumsum(counts)[:-1])
        return [
            part if result_words(entry) == 1 else part.reshape(-1, result_words(entry))
            for part, (entry, _) in zip(parts, requests, strict=True)
        ]


def result_words(entry: Entry) -> int:
    """64-bit words of a result; an entry says so where it is not one."""
    return int(entry.fields[0]) if entry.fields[0].isdigit() else 1


@pytest.fixture(scope="session")
def build_oracle(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Oracle]:
    """An oracle by the name of its table."""
    headers, compiler = find_ap_types(), find_gxx()
    # The headers assert, needlessly, when more bits are dropped than the source has: its result is not used.
    options = ["-std=c++17", "-O0", "-w", "-DNDEBUG", "-I", headers, "-I", SOURCES]
    folder = pytestconfig.cache.mkdir("oracles")

    def build(name: str) -> Oracle:
        source, shapes = SOURCES / f"{name}_oracle.cpp", SOURCES / f"{name}.inc"
        digest = hashlib.sha256(repr((compiler, options)).encode())
        for path in [source, shapes, *sorted([*SOURCES.glob("*.h"), *headers.rglob("*.h")])]:
            digest.update(path.read_bytes())
        program = folder / f"{name}-{digest.hexdigest()[:16]}"
        with (folder / f"{name}.lock").open("w") as lock:  # parallel test workers share one build
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                built = folder / f"{name}.built"
                run_tool([compiler.require(), *options, source, "-o", built], timeout=600)
                built.rename(program)
        return Oracle(program, tmp_path_factory.mktemp(name))

    return build
