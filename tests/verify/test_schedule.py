"""The modelled schedule: against a plain one, on small models, and of generated C++."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost.fifos import with_room_for_pipelines
from hpq_hls.errors import ConfigError, VerificationError
from hpq_hls.project import Project
from hpq_hls.verify.schedule import STYLES, Course, Schedule, record
from hpq_hls.verify.schedule_sources import Rewind, Style, Text, instrument
from tests.verify.residual import edit

# ---------------------------------------------------------------------------------------------
# The replay against a plain one


class Pipe:
    """One process: iterations of a call, each whether it reads and writes; all cycles are alike."""

    def __init__(self, work: Sequence[tuple[bool, bool]], style: str, rewind: bool, depth: int) -> None:
        self.work, self.style, self.rewind, self.depth = work, style, rewind, depth
        self.stages: list[tuple[bool, bool] | None] = [None] * (depth - 1)  # newest first
        self.at, self.wait, self.on_the_way = 0, 0, 0

    def cycle(self, there: int, room: int) -> tuple[bool, bool]:
        """Whether it reads and writes in this cycle. there: beats that can be read; room: for what is
        written."""
        leaving = self.stages[-1]
        writes = leaving is not None and leaving[1]
        if self.style != "frp" and writes and room <= 0:
            return False, False
        if 0 < self.wait <= 2:
            self.wait -= 1
        issue = self._issues(there, room)
        if issue is None:
            return False, False
        self.stages = [self.work[self.at] if issue else None, *self.stages[:-1]]
        self.on_the_way -= writes
        reads = issue and self.work[self.at][0]
        if issue:
            self.on_the_way += self.work[self.at][1]
            self.at = (self.at + 1) % len(self.work)
            if self.at == 0 and not self.rewind:
                self.wait = 3  # until it has run empty
        if self.wait == 3 and not any(self.stages):
            self.wait = 2
        return reads, writes

    def _issues(self, there: int, room: int) -> bool | None:
        """Whether an iteration begins; None where everything stands still."""
        if self.wait > 0:
            return False
        reads, writes = self.work[self.at]
        full = self.style == "frp" and writes and self.on_the_way >= room + self.depth
        if not (reads and there == 0) and not full:
            return True
        return None if self.style == "stp" and any(self.stages) else False


def plain(
    depths: Sequence[int], work: Sequence[Sequence[tuple[bool, bool]]], pipes: Sequence[Pipe], frames: int
) -> list[int]:
    """Ends of frames: FIFOs 0 (in) .. n (out), one pipe between each two, a source and a sink that never
    wait."""
    beats, made = sum(reads for reads, _ in work[0]), sum(writes for _, writes in work[-1])
    fills, sent, ends = [0] * len(depths), 0, list[int]()
    got = 0
    for now in range(20_000):
        before = list(fills)
        for number, pipe in enumerate(pipes):
            reads, writes = pipe.cycle(before[number], depths[number + 1] - before[number + 1])
            fills[number] -= reads
            fills[number + 1] += writes
        if sent < frames * beats and before[0] < depths[0]:
            fills[0] += 1
            sent += 1
        if before[-1] > 0:
            fills[-1] -= 1
            got += 1
            ends += [now + 1] * (got % made == 0)
        if len(ends) == frames:
            break
    return ends


def chain(depths, processes, rewind) -> Course:
    """The same as a model."""
    last = len(depths) - 1
    lines = [f"channels {len(depths)} " + " ".join(f"{depth} 0" for depth in depths)]
    lines.append(f"sources 1 0 {sum(reads for reads, _ in processes[0])}")
    lines.append(f"sinks 1 {last} {sum(writes for _, writes in processes[-1])}")
    lines.append(f"processes {len(processes)}")
    for number, work in enumerate(processes):
        lines.append(f"2 {number} {number + 1} 0 0 {len(work)}")
        lines += [f"{number} 1 0 {int(rewind)} {int(r)} {2 * int(w)} 1" for r, w in work]
    names = tuple(f"s{number}" for number in range(len(depths)))
    return Course("\n".join([*lines, ""]), names, tuple(f"p{n}" for n in range(len(processes))), 1)


def work(rng: random.Random, beats: int, made: int) -> list[tuple[bool, bool]]:
    """Iterations that read and write so often, in some order, the last one writing."""
    length = max(beats, made) + rng.randrange(4)
    reads = [True] * beats + [False] * (length - beats)
    writes = [True] * (made - 1) + [False] * (length - made)
    rng.shuffle(reads)
    rng.shuffle(writes)
    return list(zip(reads, [*writes, True], strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_replay_is_that_of_the_plain_one(seed: int) -> None:
    rng = random.Random(seed)
    count = rng.randint(1, 4)
    beats = [rng.randint(1, 9) for _ in range(count + 1)]
    processes = [work(rng, beats[i], beats[i + 1]) for i in range(count)]
    depths = [rng.randint(2, 4) for _ in range(count + 1)]
    rewind, compared = bool(seed % 2), 0
    course = chain(depths, processes, rewind)
    for style in STYLES:
        for stages in (2, 3, 7, 24):
            [found] = course.schedules([stages], style, frames=5)
            pipes = [Pipe(one, style, rewind, stages) for one in processes]
            right = plain(depths, processes, pipes, 5)
            assert found.completed == len(right)
            if len(right) == 5:
                compared += 1
                assert found.latency_cycles == right[0]
                assert found.interval_cycles == -((right[2] - right[4]) // 2)
    assert compared >= 4


def test_arguments_that_are_not_possible() -> None:
    course = chain([2, 2], [[(True, True)]], False)
    with pytest.raises(ConfigError, match="depth is 1; give a whole number"):
        course.schedules([1])
    with pytest.raises(ConfigError, match="style is 'fast'; choose stp, flp, frp"):
        course.schedules([4], "fast")
    with pytest.raises(ConfigError, match="frames is True"):
        course.schedules([4], frames=True)


# ---------------------------------------------------------------------------------------------
# Reading the sources


REGION = """
void top(hls::stream<int>& in, hls::stream<int>& out) {
#pragma HLS dataflow
    static const int index[2] = {
#include "index.inc"
    };
    hls::stream<n::t> a_fifo("a");
#pragma HLS stream variable=a_fifo type=fifo depth=7
    ap_fixed<5,-1> memory[4][2];
    // a remark (with a call);
    n::first<config::x>(in, memory);
    n::second(memory, a_fifo);
    third(a_fifo, out);
}
void third(hls::stream<int>& in, hls::stream<int>& out) {
loop:
    for (int i = 0; i < 3; ++i) {
#pragma HLS pipeline II=2 style=flp rewind
        out.write(in.read());
    }
}
void whole() {
#pragma HLS pipeline II=1 enable_flush
}
"""


def test_regions_and_pragmas_are_found() -> None:
    found = Text()
    text = instrument("src/x.cpp", REGION, found)
    assert [process.name for process in found.processes] == ["top.first", "top.second", "top.third"]
    assert [process.memories for process in found.processes] == [(0,), (0,), ()]
    assert found.depths == {"a": 7}
    loop, whole = found.pipelines
    assert (loop.ii, loop.style, loop.rewind) == (2, Style.FLP, Rewind.REWOUND)
    assert (whole.ii, whole.style, whole.rewind) == (1, Style.FLP, Rewind.FUNCTION)
    assert loop.place == "src/x.cpp:18"
    assert "{ ::hpq_schedule::process one(1); n::second(memory, a_fifo); }" in text
    undone = re.sub(r"\{ ::hpq_schedule::process one\(\d\); (.*;) \}", r"\1", text)
    assert re.sub(r"::hpq_schedule.*", "", undone) == re.sub(r"#pragma HLS pipeline.*", "", REGION)


def test_an_array_that_is_not_understood_is_refused() -> None:
    """It could be a memory that is handed over, and what waits for it would not."""
    with pytest.raises(VerificationError, match=r"an array that cannot be read: float memory\[4\] = \{\}"):
        instrument("src/x.cpp", REGION.replace("ap_fixed<5,-1> memory[4][2]", "float memory[4] = {}"), Text())


# ---------------------------------------------------------------------------------------------
# Generated C++


PIXELS = 7 * 7
"""Of an image of ``Residual`` and its padding: at one per cycle frames are longer than pipelines."""


class Residual(nn.Module):
    """A skip connection beside two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (
            nn.Conv2d(2, 3, 1),
            nn.Conv2d(3, 3, 3, padding=1),
            nn.Conv2d(3, 3, 3, padding=1),
        )
        self.f = nn.Linear(3 * 25, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.a(x))
        return self.f(torch.flatten(torch.relu(x + self.c(torch.relu(self.b(x)))), 1))


@pytest.fixture(scope="module")
def residual(tmp_path_factory: pytest.TempPathFactory) -> Project:
    torch.manual_seed(5)
    x = torch.randn(4, 2, 5, 5)
    q = hpq.quantize(hpq.from_torch(Residual().eval(), x[:1]), x.numpy(), precision=5)
    return hpq.generate(q, tmp_path_factory.mktemp("residual") / "p", target_interval=PIXELS)


@pytest.fixture(scope="module")
def course(residual: Project) -> Course:
    return residual.course()


def test_interval_is_the_printed_one_at_every_depth(residual: Project, course: Course) -> None:
    printed = hpq.estimate(residual.q, target_interval=PIXELS).interval_cycles
    found = course.schedules(range(2, 25), "flp", True, frames=8)
    assert {one.deadlock for one in found} == {None}
    assert max(abs(one.interval_cycles - printed) for one in found) <= 0.02 * printed
    latencies = [one.latency_cycles for one in found]
    assert latencies == sorted(latencies)


@pytest.mark.parametrize("style", STYLES)
def test_nothing_deadlocks_at_any_depth(course: Course, style: str) -> None:
    found = course.schedules(range(2, 25), style, more=1000)
    assert [one.deadlock for one in found] == [None] * 23


def seen(schedules: Sequence[Schedule]) -> list[Schedule]:
    """What was modelled, not what was asked for."""
    return [replace(one, style=None, rewind=None) for one in schedules]


@pytest.mark.parametrize("style", ["style=stp", ""])
def test_what_the_pragmas_say_is_modelled(
    residual: Project, course: Course, style: str, tmp_path: Path
) -> None:
    """A pipeline of no style stalls: so it was by default up to 2022.1."""
    depths = (3, 8)
    emitted = seen(course.schedules(depths))
    assert emitted == seen(course.schedules(depths, "flp", True))
    copy = Project(shutil.copytree(residual.path, tmp_path / "p"), "vitis", residual.q, residual.design)
    for path in (copy.path / "src").rglob("*.[hc]*"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"style=flp( rewind)?", style, text), encoding="utf-8")
    found = seen(copy.course().schedules(depths))
    assert found == seen(course.schedules(depths, style.removeprefix("style=") or "stp", False))
    assert found != emitted


def test_depths_of_the_rtl_deadlock_and_the_stream_is_named(residual: Project, tmp_path: Path) -> None:
    shallow = hpq.generate(residual.q, tmp_path / "rtl", "rtl", target_interval=PIXELS).dataflow
    deep = residual.dataflow
    assert with_room_for_pipelines(shallow, 24).streams == deep.streams
    raised = {name for name in deep.streams if deep.streams[name].depth > shallow.streams[name].depth}
    assert any(name.startswith("a_copy") for name in raised)
    top = residual.path / "src" / f"{deep.name}.cpp"
    text = as_emitted = top.read_text(encoding="utf-8")
    for name in raised:
        text = re.sub(rf"(variable={name}_fifo .*depth=)\d+", rf"\g<1>{shallow.streams[name].depth}", text)
    try:
        top.write_text(text, encoding="utf-8")
        found = residual.schedule(depth=8, style="stp", rewind=False)
    finally:
        top.write_text(as_emitted, encoding="utf-8")
    assert found.interval_cycles is None
    assert re.search(r"0 of 6 frames come out: a_fork waits for room in a_copy\d", str(found.deadlock))


def test_two_reads_of_a_stream_in_an_iteration_are_refused(residual: Project) -> None:
    header = residual.path / "src" / "hpq" / "matvec.h"
    text = header.read_text(encoding="utf-8")
    try:
        header.write_text(text.replace("x = in.read();", "x = in.read(); x = in.read();"), encoding="utf-8")
        with pytest.raises(VerificationError, match="is used twice in one iteration"):
            residual.schedule()
    finally:
        header.write_text(text, encoding="utf-8")


def test_what_was_recorded_is_kept_as_long_as_nothing_changes(residual: Project, tmp_path: Path) -> None:
    shutil.copytree(residual.path, tmp_path / "p", ignore=shutil.ignore_patterns("build"))
    project, phrases = tmp_path / "p", list[str]()
    first = record(project, progress=phrases.append)
    (kept,) = (path for path in (project / "build" / "schedule").iterdir() if not path.suffix)
    assert record(project, progress=phrases.append) == first
    assert len(phrases) == 1
    kept.write_text(kept.read_text().removesuffix("end\n"))  # as if the disk had been full
    assert record(project, progress=phrases.append) == first
    edit(project / "src" / "hpq" / "matvec.h", "x = in.read();", "x = in.read(); x = in.read();")
    with pytest.raises(VerificationError, match="is used twice in one iteration"):
        record(project, progress=phrases.append)
    assert len(phrases) == 3


def test_rtl_has_no_schedule(residual: Project, tmp_path: Path) -> None:
    project = hpq.generate(residual.q, tmp_path / "rtl", "rtl")
    with pytest.raises(ConfigError, match="is RTL and has no C"):
        project.schedule()
