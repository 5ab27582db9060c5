"""The kernels as timed actors: at which clock cycle each beat moves from FIFO to FIFO.

Data plays no part; a beat is its number. Every actor is a generator that goes on as far as the times
known so far allow, and yields when it needs one that another actor has not determined yet. What each
does is the handshake of the RTL module of the same name, cycle by cycle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hpq_hls.hardware.geometry import WindowGeometry

Actor = Iterator[None]

BEFORE = -(1 << 40)
"""A cycle before everything."""

RESET = -2
"""The last cycle of reset, where a source that waits for its end hands over its first beat in cycle 0.
Only a window has something to do before that: it scans the padding above the first row."""


@dataclass
class Channel:
    """A FIFO of ``depth`` beats. pushes, pops: the cycle of each beat's transfer in and out, as far as known.

    A beat can leave in the cycle after it came; its place is free in the cycle after it left.
    """

    depth: int
    pushes: list[int] = field(default_factory=list)
    pops: list[int] = field(default_factory=list)

    def space(self) -> int | None:
        """The first cycle in which the next beat finds room, or None while that is unknown."""
        index = len(self.pushes) - self.depth
        if index < 0:
            return BEFORE
        return self.pops[index] + 1 if index < len(self.pops) else None


def source(out: Channel) -> Actor:
    """Offers a beat in every cycle."""
    cycle = 0
    while True:
        while (space := out.space()) is None:
            yield
        cycle = max(cycle, space)
        out.pushes.append(cycle)
        cycle += 1


def sink(given: Channel) -> Actor:
    """Takes every beat at once."""
    while True:
        while len(given.pops) == len(given.pushes):
            yield
        given.pops.append(given.pushes[len(given.pops)] + 1)


def pipeline(
    inputs: Sequence[Channel], out: Channel, stages: int, group: int = 1, folds: int = 1, skid: bool = False
) -> Actor:
    """A pipeline of ``stages`` registers that stands still while the beat at its end is not taken.

    After every ``group`` beats taken, ``folds`` results follow each other at a distance of ``group``
    cycles, the first one ``stages`` cycles after the last beat; meanwhile nothing is taken. skid: one
    more register at the end, which does not hold up the others.
    """
    # Time inside the pipeline is counted in cycles in which it moves; `stall` is what to add.
    results: deque[int] = deque()
    stall, moment, taken, last_push = 0, 0, 0, BEFORE

    def leave(space: int) -> tuple[int, int]:
        """Cycles in which the head of ``results`` reaches the end and in which it gets away."""
        reached = results.popleft() + stall
        gone = max(reached, last_push) if skid else max(reached, space)
        out.pushes.append(max(gone + 1, space) if skid else gone)
        return reached, gone

    while True:
        while any(len(channel.pushes) <= taken for channel in inputs):
            if results and (space := out.space()) is not None:
                reached, gone = leave(space)
                stall += gone - reached
                last_push = out.pushes[-1]
            else:
                yield
        cycle = max(moment + stall, max(channel.pushes[taken] for channel in inputs) + 1)
        while results and results[0] + stall <= cycle:
            while (space := out.space()) is None:
                yield
            reached, gone = leave(space)
            stall += gone - reached
            last_push = out.pushes[-1]
            cycle = max(cycle, gone, moment + stall)
        for channel in inputs:
            channel.pops.append(cycle)
        moment = cycle - stall
        taken += 1
        if taken % group:
            moment += 1
        else:
            results.extend(moment + stages + fold * group for fold in range(folds))
            moment += 1 + (folds - 1) * group


def wiring(given: Channel, outs: Sequence[Channel]) -> Actor:
    """No register: every output takes the beat when it can, the input is free when all have it."""
    cycle = BEFORE
    while True:
        beat = len(given.pops)
        while len(given.pushes) <= beat:
            yield
        cycle = max(cycle + 1, given.pushes[beat] + 1)
        waiting = list(outs)
        done = cycle
        while waiting:
            for out in list(waiting):
                if (space := out.space()) is not None:
                    out.pushes.append(max(cycle, space))
                    done = max(done, space)
                    waiting.remove(out)
            if waiting:
                yield
        given.pops.append(done)
        cycle = done


def narrow(given: Channel, out: Channel, ratio: int) -> Actor:
    """Hands out one wide beat as ``ratio`` narrow ones; takes the next while the last of them leaves."""
    free = 0
    while True:
        beat = len(given.pops)
        while len(given.pushes) <= beat:
            yield
        free = max(free, given.pushes[beat] + 1)
        given.pops.append(free)
        for _ in range(ratio):
            while (space := out.space()) is None:
                yield
            free = max(free + 1, space)
            out.pushes.append(free)


def widen(given: Channel, out: Channel, ratio: int) -> Actor:
    """Collects ``ratio`` narrow beats into a wide one; takes the next while that leaves."""
    cycle, gone = -1, BEFORE
    while True:
        for part in range(ratio):
            beat = len(given.pops)
            while len(given.pushes) <= beat:
                yield
            cycle = max(cycle + 1, given.pushes[beat] + 1)
            if part == 0:
                cycle = max(cycle, gone)
            given.pops.append(cycle)
        while (space := out.space()) is None:
            yield
        gone = max(cycle + 1, space)
        out.pushes.append(gone)


def window(given: Channel, out: Channel, geometry: WindowGeometry, chunks: int) -> Actor:
    """Scans the padded area, a position and chunk per cycle; windows leave through one register."""
    steps = _scan(geometry, chunks)
    cycle, gone = RESET, BEFORE
    while True:
        started = False
        for idle, inside, emit in steps:
            cycle += 1 + idle
            if inside or (emit and not started):
                beat = len(given.pops)
                while len(given.pushes) <= beat:
                    yield
                cycle = max(cycle, given.pushes[beat] + 1)
            if emit:
                cycle = max(cycle, gone)
            if inside:
                given.pops.append(cycle)
                started = True
            if emit:
                while (space := out.space()) is None:
                    yield
                gone = max(cycle + 1, space)
                out.pushes.append(gone)


def _scan(geometry: WindowGeometry, chunks: int) -> list[tuple[int, bool, bool]]:
    """Steps of a frame that do something: (steps before it that do not, takes a beat, emits a window)."""
    rows, columns = geometry.scan
    emitting_rows = {y * geometry.stride[0] + geometry.span[0] - 1 for y in range(geometry.out_height)}
    emitting_columns = {x * geometry.stride[1] + geometry.span[1] - 1 for x in range(geometry.out_width)}
    steps: list[tuple[int, bool, bool]] = []
    idle = 0
    for row in range(rows):
        row_inside = 0 <= row - geometry.pad_top < geometry.height
        for column in range(columns):
            inside = row_inside and 0 <= column - geometry.pad_left < geometry.width
            emit = row in emitting_rows and column in emitting_columns
            if inside or emit:
                steps.append((idle, inside, emit))
                steps.extend([(0, inside, emit)] * (chunks - 1))
                idle = 0
            else:
                idle += chunks
    if idle:
        steps.append((idle - 1, False, False))
    return steps
