"""Finds the first thing, as data flows, that goes wrong in one frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Frame, Kernel
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.verify.differ.seen import IN, OUT, PORT, End, Run, Seen


@dataclass(frozen=True, eq=False)
class Look:
    """One frame of a run.

    expected: what each stream has to carry, by name. frame: which one it is of the run. still: whether
    nothing more can come of it.
    """

    flow: Dataflow
    run: Run
    expected: Mapping[str, Frame]
    frame: int
    still: bool

    def seen(self, end: End) -> Seen | None:
        """None where that end cannot be seen."""
        return self.run.ends.get(end)

    def came(self, end: End) -> int:
        """Beats of this frame at an end, and of those behind it."""
        seen, beats = self.seen(end), self.flow.streams[end[0]].beats
        return max(0, seen.count - self.frame * beats) if seen else beats

    def part(self, end: End) -> Frame:
        """Beats of this frame at an end."""
        seen, beats = self.seen(end), self.flow.streams[end[0]].beats
        assert seen is not None
        return seen.part(self.frame * beats, (self.frame + 1) * beats)


def first_difference(look: Look) -> Difference | None:
    """A wrong word; else what stands still, if something is missing; else what gives too much, or a port."""
    found = _wrong_word(look)
    if found is None and look.still:
        found = _standing(look) if look.run.has_states else _short(look)
    return found or (_too_many(look) if look.still else None) or _at_ports(look)


def _owners(flow: Dataflow) -> Iterator[tuple[Difference, End]]:
    """What writes to each end of each stream, as data flows."""
    for terminal in flow.inputs:
        yield from _ends(Difference(Fault.VALUE, f"port_{terminal.port}", "port"), terminal.stream)
    for kernel in flow.kernels:
        for name in kernel.outputs:
            yield from _ends(Difference(Fault.VALUE, kernel.name, kernel.kind, kernel.layer), name)


def _ends(owner: Difference, stream: str) -> Iterator[tuple[Difference, End]]:
    yield replace(owner, stream=stream), (stream, IN)
    yield _fifo(stream), (stream, OUT)


def _fifo(stream: str) -> Difference:
    return Difference(Fault.VALUE, f"fifo_{stream}", "fifo", "", stream)


def _of_kernel(kernel: Kernel, stream: str) -> Difference:
    return Difference(Fault.VALUE, kernel.name, kernel.kind, kernel.layer, stream)


def wrong_word(owner: Difference, got: Frame, wanted: Frame) -> Difference | None:
    """The first word of a frame, or of its beginning, that is not what it has to be."""
    wrong = np.argwhere(got != wanted[: len(got)])
    if not len(wrong):
        return None
    beat, lane = (int(number) for number in wrong[0])
    right, seen = int(wanted[beat, lane]), int(got[beat, lane])
    return replace(
        owner, fault=Fault.VALUE, beat=beat, beats=len(wanted), lane=lane, expected=right, seen=seen
    )


def _wrong_word(look: Look) -> Difference | None:
    for owner, end in _owners(look.flow):
        seen = look.seen(end)
        if seen is None:
            continue
        got = look.part(end)
        found = wrong_word(owner, got, look.expected[end[0]])
        if found is not None:
            assert found.beat is not None
            time = seen.time(look.frame * found.beats + found.beat)
            return replace(found, time=time, note=_belongs(look, end[0], got))
    return None


def _belongs(look: Look, stream: str, got: Frame) -> str:
    """Words that are another stream's: it is connected wrongly."""
    names = (name for name, wanted in look.expected.items() if name != stream and np.array_equal(wanted, got))
    other = next(names, None)
    return f"it carries the words of stream {other}" if other else ""


def _short(look: Look) -> Difference | None:
    """Of a program: the first stream to which too little was written."""
    for owner, end in _owners(look.flow):
        if look.seen(end) is not None and look.came(end) < look.flow.streams[end[0]].beats:
            return _number(look, owner, end, Fault.MISSING)
    return None


def _too_many(look: Look) -> Difference | None:
    for owner, end in _owners(look.flow):
        if look.came(end) > look.flow.streams[end[0]].beats:
            return _number(look, owner, end, Fault.EXCESS)
    return None


def _number(look: Look, owner: Difference, end: End, fault: Fault, note: str = "") -> Difference:
    last = look.run.moved_last
    seen = look.run.ends[last] if last else None
    moved = (
        "" if last is None else f"the last that moved is {'port' if last[1] == PORT else 'stream'} {last[0]}"
    )
    return replace(
        owner,
        fault=fault,
        seen=look.came(end),
        expected=look.flow.streams[end[0]].beats,
        time=seen.time(seen.count - 1) if seen else None,
        note="; ".join(filter(None, [note, moved])),
    )


# ---------------------------------------------------------------------------------------------
# What stands still


def _standing(look: Look) -> Difference | None:
    """What could go on and does not; where everything waits for something else, the FIFO that is full."""
    flow = look.flow
    if all(_port_came(look, one.port, one.stream) >= 0 for one in flow.outputs):
        return None
    for terminal in flow.inputs:
        stream = terminal.stream
        outer, inner = look.run[terminal.port, PORT], look.run[stream, IN]
        if inner.ready and not inner.valid and (outer.valid or outer.count > inner.count):
            owner = Difference(Fault.MISSING, f"port_{terminal.port}", "port", "", stream)
            return _number(look, owner, (stream, IN), Fault.MISSING, "it does not go on")
        stuck = _stuck_fifo(look, stream)
        if stuck is not None:
            return stuck
    for kernel in flow.kernels:
        if _unfinished(look, kernel) and not _waits_for(look, kernel) and not _held_by(look, kernel):
            name = _least(look, kernel)
            note = "its inputs are there, and it does not go on"
            return _number(look, _of_kernel(kernel, name), (name, IN), Fault.MISSING, note)
        for name in kernel.outputs:
            stuck = _stuck_fifo(look, name)
            if stuck is not None:
                return stuck
    for terminal in flow.outputs:
        outer, inner = look.run[terminal.port, PORT], look.run[terminal.stream, OUT]
        if inner.valid and outer.ready and not outer.valid:
            owner = Difference(Fault.MISSING, f"port_{terminal.port}", "port", "", terminal.stream)
            return _number(look, owner, (terminal.stream, OUT), Fault.MISSING, "it does not go on")
    return _ring(look)


def _port_came(look: Look, port: str, stream: str) -> int:
    """Beats at an output port beyond those of the frame; below 0: too few."""
    return look.run[port, PORT].count - (look.frame + 1) * look.flow.streams[stream].beats


def _unfinished(look: Look, kernel: Kernel) -> bool:
    ends = [*((name, OUT) for name in kernel.inputs), *((name, IN) for name in kernel.outputs)]
    return any(look.came(end) < look.flow.streams[end[0]].beats for end in ends)


def _least(look: Look, kernel: Kernel) -> str:
    """The output that lacks most."""
    return min(kernel.outputs, key=lambda name: look.came((name, IN)) / look.flow.streams[name].beats)


def _waits_for(look: Look, kernel: Kernel) -> list[str]:
    """Inputs that offer nothing, of which it needs more."""
    return [
        name
        for name in kernel.inputs
        if not look.run[name, OUT].valid and look.came((name, OUT)) < look.flow.streams[name].beats
    ]


def _held_by(look: Look, kernel: Kernel) -> list[str]:
    """Outputs that take nothing."""
    return [name for name in kernel.outputs if not look.run[name, IN].ready]


def _stuck_fifo(look: Look, stream: str) -> Difference | None:
    into, out = look.run[stream, IN], look.run[stream, OUT]
    held, depth = into.count - out.count, look.flow.streams[stream].depth
    if held > 0 and not out.valid:
        note = f"it holds {held} beats and gives none"
    elif not into.ready and held < depth:
        note = f"it takes nothing, with {held} of {depth} beats in it"
    else:
        return None
    return _number(look, _fifo(stream), (stream, OUT), Fault.MISSING, note)


def _ring(look: Look) -> Difference | None:
    """Each waits for another: a FIFO is full while what reads it waits for another stream."""
    for kernel in look.flow.kernels:
        for name in _waits_for(look, kernel):
            for other in kernel.inputs:
                if other != name and not look.run[other, IN].ready:
                    note = f"it is full, while {kernel.kind} {kernel.name} waits for stream {name}"
                    return _number(look, _fifo(other), (other, OUT), Fault.MISSING, note)
    return _short(look)


# ---------------------------------------------------------------------------------------------
# Ports


def _at_ports(look: Look) -> Difference | None:
    """What passes a port has to be the same on both sides."""
    for terminal, end in [
        *((one, IN) for one in look.flow.inputs),
        *((one, OUT) for one in look.flow.outputs),
    ]:
        outer = look.seen((terminal.port, PORT))
        if outer is None:
            continue
        beats = look.flow.streams[terminal.stream].beats
        begin = look.frame * beats
        beyond = outer.part(begin, begin + beats)
        owner = Difference(Fault.VALUE, f"port_{terminal.port}", "port", "", terminal.stream)
        if end == IN:
            inner = look.part((terminal.stream, IN))
            found = wrong_word(owner, inner[: len(beyond)], beyond)
            seen = look.run[terminal.stream, IN]
        else:
            found = wrong_word(replace(owner, stream=terminal.port), beyond, look.expected[terminal.stream])
            seen = outer
        if found is not None:
            assert found.beat is not None
            return replace(found, time=seen.time(begin + found.beat))
    return None
