"""Runs modules of a generated RTL project alone, in a simulator that was built for them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpq_hls.errors import ToolError, VerificationError
from hpq_hls.kernels import IntArray
from hpq_hls.tools.toolchain import run_tool
from hpq_hls.verify.certify.rtl_unit import Unit
from hpq_hls.verify.cosim_sources import Sources

RUN_S = 3600.0
_WRONG = 3
_TAIL_LINES = 5


@dataclass(frozen=True)
class Shape:
    """How a stream's beats are cut into elements. name: for people. width: bits of an element, up to 62."""

    name: str
    beats: int
    lanes: int
    width: int

    @property
    def number(self) -> np.dtype[np.unsignedinteger]:
        """Type of an element in files."""
        size = next(size for size in (1, 2, 4, 8) if self.width <= 8 * size)
        return np.dtype(f"<u{size}")


@dataclass(frozen=True)
class Cast:
    """A kind of cast that a unit has: its number, and the parameters IN_W, HALF_ADDED, SHIFT and OUT_W."""

    number: int
    in_width: int
    half: int
    shift: int
    out_width: int


@dataclass(frozen=True)
class Simulator:
    """A unit of an executable, with the memory files that it reads."""

    executable: Path
    sources: Sources
    unit: Unit
    number: int = 0

    def run(
        self,
        inputs: Sequence[IntArray],
        given: Sequence[Shape],
        made: Sequence[Shape],
        *,
        window: int | None = None,
        stalls: int = 0,
        command: str = "run",
    ) -> tuple[list[IntArray], str]:
        """The beats that come out for those that go in, (frames, beats, lanes), and what was printed.

        command: "run", "fill" or "port", as the driver has them.

        Raises:
            VerificationError: the unit is wrong.
        """
        frames = len(inputs[0])
        with self._folder() as folder:
            with (folder / "given").open("wb") as stream:
                for values, shape in zip(inputs, given, strict=True):
                    stream.write(values.astype(shape.number).tobytes())
            words = [command, self.number, "given", "made", -1 if window is None else window, stalls, frames]
            for kind, shapes in (("in", given), ("out", made)):
                for shape in shapes:
                    words += [kind, shape.name, shape.beats, shape.lanes, shape.width, shape.number.itemsize]
            printed = self._call(folder, [str(word) for word in words], seed=stalls + 1)
            data = (folder / "made").read_bytes()
        found, at = [], 0
        for shape in made:
            count = frames * shape.beats * shape.lanes
            part = np.frombuffer(data, shape.number, count, at).astype(np.int64)
            found.append(part.reshape(frames, shape.beats, shape.lanes))
            at += count * shape.number.itemsize
        return found, printed

    def casts(self) -> list[Cast]:
        """The kinds of cast that there are."""
        with self._folder() as folder:
            printed = self._call(folder, ["list"])
        return [Cast(*map(int, line.split())) for line in printed.splitlines()]

    def cast(self, cast: Cast, codes: IntArray) -> IntArray:
        """The bits that a cast makes of numbers."""
        with self._folder() as folder:
            (folder / "given").write_bytes(codes.astype("<i8").tobytes())
            self._call(folder, ["casts", str(cast.number), "given", "made"])
            return np.fromfile(folder / "made", dtype="<i8").astype(np.int64)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder to run in, from which the memory files are found."""
        with tempfile.TemporaryDirectory(prefix="run-", dir=self.executable.parent) as name:
            folder = Path(name)
            (folder / "rtl").mkdir()
            for path in self.sources.data:
                (folder / "rtl" / path.name).symlink_to(path)
            for place, file in self.unit.memories:
                (folder / "rtl" / place).symlink_to(self.sources.root / file)
            yield folder

    def _call(self, folder: Path, arguments: Sequence[str], seed: int = 1) -> str:
        env = {**os.environ, "HPQ_SEED": str(seed)}
        done = run_tool([self.executable, *arguments], cwd=folder, env=env, check=False, timeout=RUN_S)
        for line in done.stdout.splitlines():
            if "readmem" in line and line.startswith("%"):
                raise VerificationError(f"a memory file cannot be read: {self._named(line.lstrip('%'))}")
        if done.returncode == _WRONG:
            raise VerificationError(done.stdout.strip().splitlines()[-1])
        if done.returncode != 0:
            last = "\n  ".join(done.stdout.rstrip().splitlines()[-_TAIL_LINES:])
            raise ToolError(f"{self.executable} ended with status {done.returncode}:\n  {self._named(last)}")
        return done.stdout

    def _named(self, text: str) -> str:
        for place, file in self.unit.memories:
            text = text.replace(f"rtl/{place}", f"rtl/{file}")
        return text
