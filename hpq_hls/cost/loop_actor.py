"""A loop of C++ as a timed actor, as those of ``hpq_hls.cost.actors``: what an HLS tool's pipeline does."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from hpq_hls.cost.actors import Actor, Channel
from hpq_hls.kernels.contract import EVERY, NONE

RESTART = 2
"""Cycles from the end of a loop that runs empty to its next beginning."""


def loop(inputs: Sequence[Channel], outs: Sequence[Channel], parameters: Sequence[int]) -> Actor:
    """A loop as a tool pipelines it, one iteration per cycle at most: it reads when it begins, and writes,
    to every output, in its last stage; the pipeline goes on without input, and stands still as a whole while
    the oldest iteration finds no room.

    One that hands over a memory runs empty at the end of a frame and begins anew ``RESTART`` cycles later.
    parameters: see ``StageKind``.
    """
    depth, empties, fills = parameters[:3]
    steps = [tuple(parameters[at : at + 3]) for at in range(3, len(parameters), 3)]
    given = inputs[: len(inputs) - empties]
    emptied, filled = inputs[len(given) :], outs if fills else ()
    line = _Line(() if fills else outs, depth - 1)
    while True:
        yield from line.begin(emptied, filled)
        for source, writes, count in steps:
            read = given if source == EVERY else () if source == NONE else given[source : source + 1]
            for _ in range(count):
                yield from line.take(read)
                line.go_on(bool(writes))
        if emptied or filled:
            yield from line.end(emptied, filled)


class _Line:
    """A pipeline of so many stages behind the first. Time in it is counted in cycles in which it moves.
    moment: of the next iteration. stall: what to add for the next result. behind: what to add for the next
    beat in."""

    def __init__(self, outs: Sequence[Channel], stages: int) -> None:
        self._outs, self._stages = outs, stages
        self._results: deque[int] = deque()
        self._waits: deque[tuple[int, int, int]] = deque()  # moment, until when, for how long
        self._stall, self._behind, self._moment = 0, 0, 0

    def begin(self, emptied: Sequence[Channel], filled: Sequence[Channel]) -> Actor:
        """A frame: once the memory in front is full, and the one behind is free."""
        for memory in emptied:
            while len(memory.pushes) == len(memory.pops):
                yield
            self._moment = max(self._moment, memory.pushes[len(memory.pops)] + 1)
        for memory in filled:
            while (space := memory.space()) is None:
                yield
            self._moment = max(self._moment, space)

    def take(self, read: Sequence[Channel]) -> Actor:
        """A beat of each, once all are there; nothing else is waited for where there are none."""
        if not read:
            return
        while any(len(channel.pushes) == len(channel.pops) for channel in read):
            if not self._leave():
                yield
        cycle = max(self._moment + self._behind, *(channel.pushes[len(channel.pops)] + 1 for channel in read))
        while True:
            if self._waits:
                due, until, length = self._waits[0]
                if due + self._behind > cycle:
                    break
                self._waits.popleft()
                self._behind += length
                cycle = max(cycle, until, self._moment + self._behind)
            elif self._results and self._results[0] + self._stall <= cycle:
                while not self._leave():
                    yield
            else:
                break
        for channel in read:
            channel.pops.append(cycle)
        self._moment = cycle - self._behind

    def go_on(self, writes: bool) -> None:
        """To the next iteration."""
        if writes:
            self._results.append(self._moment + self._stages)
        self._moment += 1

    def end(self, emptied: Sequence[Channel], filled: Sequence[Channel]) -> Actor:
        """Of a frame: the pipeline runs empty, memories change hands."""
        while self._results:
            if not self._leave():
                yield
        over = self._moment - 1 + self._stages + self._stall
        for memory in emptied:
            memory.pops.append(over)
        for memory in filled:
            memory.pushes.append(over)
        self._moment, self._stall, self._behind = over + RESTART, 0, 0
        self._waits.clear()

    def _leave(self) -> bool:
        """The oldest result gets away, where it is known when; whether it does."""
        spaces = [space for out in self._outs if (space := out.space()) is not None]
        if not self._results or len(spaces) < len(self._outs):
            return False
        due = self._results.popleft()
        reached = due + self._stall
        gone = max(reached, *spaces)
        for out in self._outs:
            out.pushes.append(gone)
        if gone > reached:
            self._waits.append((due, gone, gone - reached))
            self._stall += gone - reached
        return True
