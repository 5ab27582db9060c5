"""The kernels as timed actors: at which clock cycle each beat moves from FIFO to FIFO.

Data plays no part; a beat is its number. Every actor is a generator that goes on as far as the times
known so far allow, and yields when it needs one that another actor has not determined yet. What each
does is the handshake of the RTL module of the same name, cycle by cycle.

This is the plain form of hw_sim/timing/actors.hpp, which does the same a hundred times as fast: tests hold
the two equal, and where there is no compiler it takes the other's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Actor = Iterator[None]

BEFORE = -(1 << 40)
"""A cycle before everything."""

RESET = -2
"""The last cycle of reset, where a source that waits for its end hands over its first beat in cycle 0.
Only a window has something to do before that: it scans the padding above the first row."""


@dataclass
class Channel:
    """A FIFO of ``depth`` beats. pushes, pops: the cycle in which each beat is written and taken, as far as
    known.

    A beat can leave in the cycle after it came; its place is free in the cycle after it left, and is taken as
    soon as it is on its way.
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


def source(out: Channel, beats: int, pace: int, allowed: Sequence[int]) -> Actor:
    """Offers frames of ``beats`` that begin at least ``pace`` cycles apart, as do, in proportion, all beats.

    allowed: its first number says how many frames so far.
    """
    cycle = 0
    while True:
        while len(out.pushes) == allowed[0] * beats or (space := out.space()) is None:
            yield
        frame, beat = divmod(len(out.pushes), beats)
        cycle = max(cycle, space, frame * pace + beat * pace // beats)
        out.pushes.append(cycle)
        cycle += 1


def sink(given: Channel) -> Actor:
    """Takes every beat at once."""
    while True:
        while len(given.pops) == len(given.pushes):
            yield
        given.pops.append(given.pushes[len(given.pops)] + 1)


def pipeline(
    inputs: Sequence[Channel],
    out: Channel,
    stages: int,
    group: int = 1,
    folds: int = 1,
    quiet: Sequence[int] = (1, 0),
) -> Actor:
    """``stages`` registers that never stand still: what makes a result is taken where there is a place for
    that.

    With the last of every ``group`` beats taken the first of ``folds`` results is under way; the others
    follow at a distance of ``group`` cycles, and meanwhile nothing is taken. quiet: of a period of so many
    beats so many, the first ones, have no result.
    """
    cycle, taken = -1, 0
    while True:
        while any(len(channel.pushes) <= taken for channel in inputs):
            yield
        cycle = max(cycle + 1, max(channel.pushes[taken] for channel in inputs) + 1)
        results = 0 if (taken + 1) % group or taken % quiet[0] < quiet[1] else folds
        for fold in range(results):
            while (space := out.space()) is None:
                yield
            cycle = max(cycle + (group if fold else 0), space)
            out.pushes.append(cycle + stages)
            if not fold:
                for channel in inputs:
                    channel.pops.append(cycle)
        if not results:
            for channel in inputs:
                channel.pops.append(cycle)
        taken += 1


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


def window(given: Channel, out: Channel, parameters: Sequence[int]) -> Actor:
    """Scans the padded area, a beat per cycle, and stands still where windows find no place. Late windows
    wait for no beat of the row that is scanned."""
    frame, steps = _scan(*parameters, after=False), _scan(*parameters, after=True)
    cycle = RESET
    while True:
        started = False
        for idle, inside, emit, late in frame:
            cycle += 1 + idle
            if late:
                while (space := out.space()) is None:
                    yield
                cycle = max(cycle, space)
                out.pushes.append(cycle)
            if inside or (emit and not started):
                beat = len(given.pops)
                while len(given.pushes) <= beat:
                    yield
                cycle = max(cycle, given.pushes[beat] + 1)
            if emit:
                while (space := out.space()) is None:
                    yield
                cycle = max(cycle, space)
                out.pushes.append(cycle)
            if inside:
                given.pops.append(cycle)
                started = True
        frame = steps


def _scan(
    height: int,
    width: int,
    first_row: int,
    first_column: int,
    stride_h: int,
    advance: int,
    pad_top: int,
    pad_left: int,
    out_height: int,
    out_width: int,
    rows: int,
    columns: int,
    chunks: int,
    pixels: int,
    *,
    after: bool,
) -> list[tuple[int, bool, bool, bool]]:
    """Steps of a frame that do something: (steps before it that do not, takes a beat, emits windows, emits
    late ones of the row above). after: there is a frame before, whose last row of windows may be late.
    first_column and advance are in pixels, other columns in beats.
    """
    crowded = advance < pixels and out_width > 1
    leaving = [
        first_column // pixels + x if crowded else (first_column + x * advance) // pixels
        for x in range(out_width)
    ]
    emitting_rows = {first_row + y * stride_h for y in range(out_height)}
    late_rows = {row + 1 for row in emitting_rows} | ({0} if after and rows - 1 in emitting_rows else set())
    steps: list[tuple[int, bool, bool, bool]] = []
    idle = 0
    for row in range(rows):
        for column in range(columns):
            inside = 0 <= row - pad_top < height and 0 <= column - pad_left < width
            emit = row in emitting_rows and column in leaving
            late = row in late_rows and column + columns in leaving
            if inside or emit or late:
                steps.append((idle, inside, emit, late))
                steps.extend([(0, inside, emit, late)] * (chunks - 1))
                idle = 0
            else:
                idle += chunks
    if idle:
        steps.append((idle - 1, False, False, False))
    return steps


def fill(given: Channel, frames: Channel, words: int, reads: int) -> Actor:
    """Writes frames of ``words`` beats to two memories; each is free when ``reads`` beats were read from it.

    frames: what is there to be read, ``reads`` beats of each frame once it is written; two frames deep.
    """
    cycle = -1
    while True:
        while (before := len(frames.pushes) - reads) >= 0 and len(frames.pops) < before:
            yield
        if before > 0:
            cycle = max(cycle, frames.pops[before - 1])
        for _ in range(words):
            beat = len(given.pops)
            while len(given.pushes) <= beat:
                yield
            cycle = max(cycle + 1, given.pushes[beat] + 1)
            given.pops.append(cycle)
        frames.pushes.extend([cycle] * reads)


def splice(inputs: Sequence[Channel], out: Channel, runs: Sequence[int]) -> Actor:
    """Takes beats as ``runs`` say (input or -1, whether they leave, how many), one per cycle. What is put in
    front of the first beat that is taken waits for it."""
    steps = [tuple(runs[at : at + 3]) for at in range(0, len(runs), 3)]
    cycle = -1
    while True:
        started = False
        for source, leaves, count in steps:
            given = inputs[max(source, 0)]
            for _ in range(count):
                cycle += 1
                if source >= 0 or not started:
                    beat = len(given.pops)
                    while len(given.pushes) <= beat:
                        yield
                    cycle = max(cycle, given.pushes[beat] + 1)
                if leaves:
                    while (space := out.space()) is None:
                        yield
                    cycle = max(cycle, space)
                    out.pushes.append(cycle)
                if source >= 0:
                    given.pops.append(cycle)
                    started = True
