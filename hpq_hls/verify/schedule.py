"""The modelled schedule of a C++ project: its processes cycle by cycle, at depths of pipelines that only a
tool knows.

The emitted C++ is compiled with streams that take down which process reads and writes which stream in which
iteration of its pipeline (``schedule_sources.py``). ``hw_sim/schedule/replay.cpp`` then runs these
iterations: one begins in a cycle if what it reads is there, and writes ``depth - 1`` cycles later; FIFOs
have the depths of the pragmas. What a process reads and writes does not depend on when, because it knows
nothing but streams. Nothing here is measured: the depth of a pipeline is for the tool to choose.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpq_hls.codegen.manifest import Manifest, read_manifest
from hpq_hls.codegen.vitis import data_file
from hpq_hls.errors import ConfigError, OutputError, ToolError, VerificationError
from hpq_hls.resources import hw_sim_dir
from hpq_hls.tools.compiled import compiled
from hpq_hls.tools.files import write_file
from hpq_hls.tools.sealed import is_sealed, seal
from hpq_hls.tools.toolchain import find_gxx, run_tool
from hpq_hls.verify.csim import FLAGS, program_files
from hpq_hls.verify.schedule_sources import Style, Text, between, instrument
from hpq_hls.verify.vendor_headers import vendor_headers

DEPTHS = (2, 4, 8, 12, 16, 24)
"""Stages of a pipeline, read to write, that are looked at."""
MOST_FRAMES = 96
"""That are followed until the interval stays."""
STYLES = ("stp", "flp", "frp")
PORT_BEATS = 2
"""What the registers of a port hold (register_mode=both)."""
_RECORDED = 2
_REPLAY_FLAGS = ("-std=c++17", "-O2")
_LINES = 10

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Schedule:
    """How frames go through a project in the model.

    depth: stages of every pipeline. style: "stp", "flp" or "frp", None as emitted. rewind: of every loop,
    None as emitted. interval_cycles: from frame to frame, the mean of the second half; latency_cycles: from
    the first beat in to the last beat out of the first frame; both None where not all frames come out.
    deadlock: who waits for what then, else None. completed: frames that came out. fills: of each FIFO, the
    smallest depth that would have made no difference.
    """

    depth: int
    style: str | None
    rewind: bool | None
    frames: int
    interval_cycles: int | None
    latency_cycles: int | None
    deadlock: str | None
    completed: int
    fills: Mapping[str, int]


@dataclass(frozen=True)
class ScheduleRange:
    """Schedules as emitted, over the depths of pipelines that are looked at: ``DEPTHS`` and some between.

    interval_cycles, latency_cycles: least and most; None where something deadlocks. beats: that came out of
    all ports in all of them; missing: that should have. deadlock: of the least depth that has one.
    """

    backend: str
    depths: tuple[int, ...]
    interval_cycles: tuple[int, int] | None
    latency_cycles: tuple[int, int] | None
    beats: int
    missing: int
    deadlock: str | None


@dataclass(frozen=True)
class Course:
    """What the processes of a project do: the input of the replay, and the names of what is in it."""

    model: str
    channels: tuple[str, ...]
    processes: tuple[str, ...]
    beats: int  # of a frame, at all output ports

    def schedules(
        self,
        depths: Sequence[int],
        style: str | None = None,
        rewind: bool | None = None,
        *,
        frames: int = 6,
        pace: int = 0,
        more: int = 0,
    ) -> list[Schedule]:
        """The schedule at each depth.

        pace: cycles from the start of a frame to that of the next, at least; 0: the source never waits. more:
        frames that follow those that are looked at: a pipeline that stops when nothing comes keeps the last
        ones.

        Raises:
            ConfigError: a depth, the style or the number of frames is not possible.
        """
        for what, value, least in (*(("depth", depth, 2) for depth in depths), ("frames", frames, 2)):
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10_000:
                raise ConfigError(f"{what} is {value!r}; give a whole number from {least} to 10,000")
        if style is not None and style not in STYLES:
            raise ConfigError(f"style is {style!r}; choose {', '.join(STYLES)}, or None for the emitted one")
        number = -1 if style is None else Style[style.upper()].value
        again = -1 if rewind is None else int(rewind)
        program = compiled(hw_sim_dir() / "schedule" / "replay.cpp", _REPLAY_FLAGS, "replay")
        runs = "".join(f"run {depth} {number} {again} {frames} {pace} {more}\n" for depth in depths)
        with tempfile.TemporaryDirectory(prefix="hpq_schedule_") as folder:
            (Path(folder) / "model").write_text(self.model + runs, encoding="ascii")
            told = run_tool([program, Path(folder) / "model"]).stdout.splitlines()
        if len(told) != len(depths):
            raise ToolError(f"{program} ran {len(told)} of {len(depths)} schedules")
        return [
            self._schedule(line, depth, style, rewind, frames)
            for depth, line in zip(depths, told, strict=True)
        ]

    def spread(self, backend: str, *, frames: int = 6) -> ScheduleRange:
        """The schedules as emitted at each of ``DEPTHS``, of ``frames``, or of as many more as it takes until
        intervals stay: the first ones fill FIFOs, which hides for a while who is slow."""
        found = self.schedules(DEPTHS, frames=frames)
        settled = False
        while not settled and frames < MOST_FRAMES and all(one.deadlock is None for one in found):
            before, frames = found, 2 * frames
            found = self.schedules(DEPTHS, frames=frames)
            settled = all(a.interval_cycles == b.interval_cycles for a, b in zip(before, found, strict=True))
        stuck = [one for one in found if one.deadlock is not None]
        intervals = [one.interval_cycles for one in found if one.interval_cycles is not None]
        latencies = [one.latency_cycles for one in found if one.latency_cycles is not None]
        missing = sum(frames - one.completed for one in found)
        return ScheduleRange(
            backend,
            DEPTHS,
            None if stuck else (min(intervals), max(intervals)),
            None if stuck else (min(latencies), max(latencies)),
            (frames * len(found) - missing) * self.beats,
            missing * self.beats,
            f"at {stuck[0].depth} stages {stuck[0].deadlock}" if stuck else None,
        )

    def _schedule(
        self, line: str, depth: int, style: str | None, rewind: bool | None, frames: int
    ) -> Schedule:
        words = line.split()
        count = int(words[1])
        ends, rest = [int(word) for word in words[2 : 2 + count]], words[2 + count :]
        fills = dict(zip(self.channels, map(int, rest[2 : 2 + int(rest[1])]), strict=True))
        waits = rest[3 + int(rest[1]) :]
        half = frames // 2
        complete = count == frames
        return Schedule(
            depth,
            style,
            rewind,
            frames,
            -((ends[-1 - half] - ends[-1]) // half) if complete else None,
            ends[0] if complete else None,
            None if complete else self._deadlock(waits, count, frames),
            count,
            fills,
        )

    def _deadlock(self, waits: Sequence[str], came: int, frames: int) -> str:
        """waits: "full" or "empty", process and channel, one after the other."""
        phrases = {"full": "waits for room in", "empty": "waits for a beat of"}
        found = [
            (kind != "full", f"{self.processes[int(process)]} {phrases[kind]} {self.channels[int(channel)]}")
            for kind, process, channel in zip(waits[::3], waits[1::3], waits[2::3], strict=True)
        ]
        said = ", ".join(text for _, text in sorted(found)[:3]) or "nothing moves"
        return f"{came} of {frames} frames come out: {said}"


def record(project_dir: Path, *, progress: Progress | None = None) -> Course:
    """What the processes of a project do, from its C++ as it is on disk.

    Raises:
        VerificationError: it cannot be pipelined as its pragmas say, or does not run.
        ToolError: the compiler is missing or fails.
        OutputError: nothing can be written in the project.
    """
    project_dir = Path(project_dir).resolve()
    manifest = read_manifest(project_dir)
    found = Text()
    with tempfile.TemporaryDirectory(prefix="hpq_schedule_") as name:
        scratch = Path(name)
        for folder in ("src", "tb"):
            shutil.copytree(project_dir / folder, scratch / folder)
        for path in sorted((scratch / "src").rglob("*")):
            if path.suffix == ".h" or path.name == f"{manifest.name}.cpp":  # not a kernel around it
                text = path.read_text(encoding="utf-8")
                path.write_text(
                    instrument(path.relative_to(scratch).as_posix(), text, found), encoding="utf-8"
                )
        told = _told(project_dir, manifest, scratch, progress)
    return _course(told, found, manifest)


def _told(project_dir: Path, manifest: Manifest, scratch: Path, progress: Progress | None) -> str:
    """What the C++ in a folder records, kept in the project under a name made from all that goes into it."""
    command = _command(scratch, manifest)
    digest = hashlib.sha256(f"{command} {find_gxx().version}".encode())
    own = hw_sim_dir() / "schedule"
    for path in (*program_files(scratch), *sorted(own.glob("*.h"))):
        digest.update(f"\n{path.name}\n".encode())
        digest.update(path.read_bytes())
    kept = project_dir / "build" / "schedule" / f"course-{digest.hexdigest()[:16]}"
    if is_sealed(kept):
        return kept.read_text(encoding="ascii")
    if progress is not None:
        progress(f"compiling the C++ of {manifest.name} for its schedule")
    told = _run(_compile(command, scratch), manifest, scratch)
    with contextlib.suppress(OSError, OutputError):  # of a project that cannot be written
        write_file(kept, told)
        seal(kept)
    return told


def _command(folder: Path, manifest: Manifest) -> list[str | Path]:
    own = hw_sim_dir() / "schedule"
    command: list[str | Path] = [find_gxx().require(), *FLAGS, "-I", own]
    command += vendor_headers(folder / "src", FLAGS)
    return [*command, "-idirafter", "tb/include", f"src/{manifest.name}.cpp", f"tb/{manifest.name}_tb.cpp"]


def _compile(command: Sequence[str | Path], folder: Path) -> Path:
    program = folder / "course"
    result = run_tool([*command, "-o", program], cwd=folder, check=False)
    if result.returncode != 0:
        lines = [line for line in result.stdout.splitlines() if "error" in line][:_LINES]
        raise VerificationError("\n  ".join(["the C++ does not compile with streams that record:", *lines]))
    return program


def _run(program: Path, manifest: Manifest, folder: Path) -> str:
    files: list[str | Path] = []
    for port in manifest.inputs:
        blank = np.zeros((_RECORDED * port.beats, port.lanes), dtype=np.int64)
        path = folder / "tb" / data_file(manifest, port.port)
        np.savetxt(path, blank, fmt="%d")
        files.append(path)
    outs = [folder / f"{port.port}.out" for port in manifest.outputs]
    course = folder / "course.txt"
    result = run_tool(
        [program, *files, "-", *outs], env={**os.environ, "HPQ_COURSE": str(course)}, check=False
    )
    told = course.read_text(encoding="ascii") if course.exists() else ""
    if result.returncode != 0 or not told.endswith("end\n"):
        said = (result.stdout.strip().splitlines() or [f"status {result.returncode}"])[-1]
        raise VerificationError(f"the C++ cannot be scheduled: {said.removeprefix('SCHEDULE: ')}")
    return told


def _course(told: str, found: Text, manifest: Manifest) -> Course:
    """The recorded iterations in the words of the replay."""
    ports = [port.port for port in (*manifest.inputs, *manifest.outputs)]
    names = list(dict.fromkeys([*found.depths, *ports]))
    numbers = {name: number for number, name in enumerate(names)}
    channels = [f"{found.depths.get(name, PORT_BEATS)} 0" for name in names]
    memories = {number: len(names) + number for number in range(len(found.memories))}
    channels += ["0 2"] * len(memories)
    users = {number: between(found.processes, number) for number in memories}
    processes, called = [], []
    for part in told.removesuffix("end\n").split("process ")[1:]:
        head, *runs = part.splitlines()
        number, _, *streams = head.split()
        if not runs:  # a region in a region: its processes stand for it
            continue
        one = int(number)
        unknown = [stream for stream in streams if stream not in numbers]
        if unknown:
            raise VerificationError(f"stream {unknown[0]} has no depth in the C++")
        fills = [memories[m] for m, (writer, _) in users.items() if writer == one]
        empties = [memories[m] for m, (_, reader) in users.items() if reader == one]
        lines = [_list([numbers[stream] for stream in streams]), _list(fills), _list(empties), f"{len(runs)}"]
        for run in runs:
            pipeline, reads, writes, times = run.split()
            pragma = found.pipelines[int(pipeline)]
            style = Style.STP if pragma.style is None else pragma.style
            lines.append(
                f"{pipeline} {pragma.ii} {style.value} {pragma.rewind.value} "
                f"{int(reads, 16)} {int(writes, 16)} {times}"
            )
        processes.append("\n".join(lines))
        called.append(found.processes[one].name)
    sources = [f"{numbers[port.port]} {port.beats}" for port in manifest.inputs]
    sinks = [f"{numbers[port.port]} {port.beats}" for port in manifest.outputs]
    model = "\n".join(
        [
            f"channels {len(channels)} {' '.join(channels)}",
            f"sources {len(sources)} {' '.join(sources)}",
            f"sinks {len(sinks)} {' '.join(sinks)}",
            f"processes {len(processes)}",
            *processes,
            "",
        ]
    )
    beats = sum(port.beats for port in manifest.outputs)
    return Course(model, (*names, *found.memories), tuple(called), beats)


def _list(numbers: Sequence[int]) -> str:
    return " ".join(map(str, (len(numbers), *numbers)))
