"""The kernels as timed actors: at which clock cycle each beat moves from FIFO to FIFO.

Data plays no part; a beat is its number. Every actor is a generator that goes on as far as the times
known so far allow, and yields when it needs one that another actor has not determined yet. What each
does is the handshake of the RTL module of the same name, cycle by cycle.

This is the plain form of hw_sim/timing/actors.hpp, which does the same a hundred times as fast: tests hold
the two equal, and where there is no compiler it takes the other's place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Actor = Iterator[None]

BEFORE = -(1 << 40)
"""A cycle before everything."""

RESET = -2
"""The last cycle of reset, where a source that waits for its end hands over its first beat in cycle 0.
Only a window has something to do before that: it scans the padding above the first row."""


REORDER_STAGES = 2
"""Registers behind the memory of a reordering."""


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
    skid: bool = False,
    quiet: Sequence[int] = (1, 0),
) -> Actor:
    """A pipeline of ``stages`` registers that stands still while the beat at its end is not taken.

    After every ``group`` beats taken, ``folds`` results follow each other at a distance of ``group``
    cycles, the first one ``stages`` cycles after the last beat; meanwhile nothing is taken. skid: one
    more register at the end, which does not hold up the others. quiet: of a period of so many beats so
    many, the first ones, have no result.
    """
    # Time inside the pipeline is counted in cycles in which it moves. `stall` is what to add for the next
    # result, `behind` what to add for the next beat in: a result may be known to wait before it is known what
    # came in meanwhile.
    results: deque[int] = deque()
    waits: deque[tuple[int, int, int]] = deque()  # moment, until when, for how long
    stall, behind, moment, taken, last_push = 0, 0, 0, 0, BEFORE

    def leave(space: int) -> int:
        """The oldest result reaches the end and gets away; for how long the pipeline has to stand still."""
        due = results.popleft()
        reached = due + stall
        gone = max(reached, last_push) if skid else max(reached, space)
        out.pushes.append(max(gone + 1, space) if skid else gone)
        if gone > reached:
            waits.append((due, gone, gone - reached))
        return gone - reached

    while True:
        while any(len(channel.pushes) <= taken for channel in inputs):
            if results and (space := out.space()) is not None:
                stall += leave(space)
                last_push = out.pushes[-1]
            else:
                yield
        cycle = max(moment + behind, max(channel.pushes[taken] for channel in inputs) + 1)
        while True:
            if waits:
                due, until, length = waits[0]
                if due + behind > cycle:
                    break
                waits.popleft()
                behind += length
                cycle = max(cycle, until, moment + behind)
            elif results and results[0] + stall <= cycle:
                while (space := out.space()) is None:
                    yield
                stall += leave(space)
                last_push = out.pushes[-1]
            else:
                break
        for channel in inputs:
            channel.pops.append(cycle)
        moment = cycle - behind
        taken += 1
        if taken % group or (taken - 1) % quiet[0] < quiet[1]:
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


def window(given: Channel, out: Channel, parameters: Sequence[int]) -> Actor:
    """Scans the padded area, a beat per cycle; windows leave through one register, and the scan goes on
    while they wait there. Late windows wait for no beat of the row that is scanned."""
    frame, steps = _scan(*parameters, after=False), _scan(*parameters, after=True)
    cycle, gone, waiting = RESET, BEFORE, False

    def leave() -> bool:
        """The windows in the register leave, where it is known when; whether they do."""
        nonlocal gone, waiting
        if not waiting or (space := out.space()) is None:
            return False
        gone, waiting = max(gone, space), False
        out.pushes.append(gone)
        return True

    def enter() -> Actor:
        """Windows go into the register as soon as it is free."""
        nonlocal cycle, gone, waiting
        while waiting:
            if not leave():
                yield
        cycle = max(cycle, gone)
        gone, waiting = cycle + 1, True

    while True:
        started = False
        for idle, inside, emit, late in frame:
            cycle += 1 + idle
            if late:
                yield from enter()
            if inside or (emit and not started):
                beat = len(given.pops)
                while len(given.pushes) <= beat:
                    if not leave():
                        yield
                cycle = max(cycle, given.pushes[beat] + 1)
            if emit:
                yield from enter()
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
    """Takes beats as ``runs`` say (input or -1, whether they leave, how many), one per cycle; they leave
    through one register, and others are dropped while one waits there. What is put in front of the first beat
    that is taken waits for it."""
    steps = [tuple(runs[at : at + 3]) for at in range(0, len(runs), 3)]
    cycle, gone, waiting = -1, BEFORE, False

    def leave() -> bool:
        """The beat in the register leaves, where it is known when; whether it does."""
        nonlocal gone, waiting
        if not waiting or (space := out.space()) is None:
            return False
        gone, waiting = max(gone, space), False
        out.pushes.append(gone)
        return True

    while True:
        started = False
        for source, leaves, count in steps:
            given = inputs[max(source, 0)]
            for _ in range(count):
                cycle += 1
                if source >= 0 or not started:
                    beat = len(given.pops)
                    while len(given.pushes) <= beat:
                        if not leave():
                            yield
                    cycle = max(cycle, given.pushes[beat] + 1)
                if leaves:
                    while waiting:
                        if not leave():
                            yield
                    cycle = max(cycle, gone)
                    gone, waiting = cycle + 1, True
                if source >= 0:
                    given.pops.append(cycle)
                    started = True
