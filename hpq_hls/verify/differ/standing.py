"""Finds what a design that stands still waits for."""

from __future__ import annotations

import numpy as np

from hpq_hls.kernels import Kernel
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.verify.differ.look import Look, fifo_of, kernel_of, number_of, short_of
from hpq_hls.verify.differ.seen import IN, OUT, PORT


def standing(look: Look) -> Difference | None:
    """What could go on and does not; where everything waits for something else, the FIFO that is full."""
    flow = look.flow
    if all(_port_came(look, one.port, one.stream) >= 0 for one in flow.outputs):
        return None
    for terminal in flow.inputs:
        stream = terminal.stream
        outer, inner = look.run[terminal.port, PORT], look.run[stream, IN]
        if inner.ready and not inner.valid and (outer.valid or outer.count > inner.count):
            owner = Difference(Fault.MISSING, f"port_{terminal.port}", "port", "", stream)
            return number_of(look, owner, (stream, IN), Fault.MISSING, "it does not go on")
        stuck = _stuck_fifo(look, stream)
        if stuck is not None:
            return stuck
    for kernel in flow.kernels:
        if _unfinished(look, kernel) and not _waits_for(look, kernel) and not _held_by(look, kernel):
            name = _least(look, kernel)
            note = "its inputs are there, and it does not go on"
            return number_of(look, kernel_of(kernel, name), (name, IN), Fault.MISSING, note)
        for name in kernel.outputs:
            stuck = _stuck_fifo(look, name)
            if stuck is not None:
                return stuck
    for terminal in flow.outputs:
        outer, inner = look.run[terminal.port, PORT], look.run[terminal.stream, OUT]
        if inner.valid and outer.ready and not outer.valid:
            owner = Difference(Fault.MISSING, f"port_{terminal.port}", "port", "", terminal.stream)
            return number_of(look, owner, (terminal.stream, OUT), Fault.MISSING, "it does not go on")
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
    if look.flow.links[stream].wire:
        return None
    into, out = look.run[stream, IN], look.run[stream, OUT]
    held, depth = into.count - out.count, look.flow.links[stream].places
    if held > 0 and not out.valid:
        note = f"it holds {held} beats and gives none"
    elif not into.ready and held < depth:
        note = f"it takes nothing, with {held} of {depth} beats in it"
    else:
        return None
    return number_of(look, fifo_of(stream), (stream, OUT), Fault.MISSING, note)


def _ring(look: Look) -> Difference | None:
    """Each waits for another: because a kernel does not give what it has to, or else because a FIFO is full
    while what reads it waits for another stream."""
    owed = [(_owes(look, kernel), kernel) for kernel in look.flow.kernels if not _held_by(look, kernel)]
    most = max((beats for beats, _ in owed), default=0)
    if most > 0:
        kernel = next(kernel for beats, kernel in owed if beats == most)
        name = _least(look, kernel)
        note = f"it has what it needs for {most} more"
        return number_of(look, kernel_of(kernel, name), (name, IN), Fault.MISSING, note)
    for kernel in look.flow.kernels:
        for name in _waits_for(look, kernel):
            for other in kernel.inputs:
                if other != name and not look.run[other, IN].ready:
                    note = f"it is full, while {kernel.kind} {kernel.name} waits for stream {name}"
                    return number_of(look, fifo_of(other), (other, OUT), Fault.MISSING, note)
    return short_of(look)


def _owes(look: Look, kernel: Kernel) -> int:
    """Beats of this frame that depend on nothing that it has not taken, and that it has not given."""
    streams = look.flow.streams
    if not _unfinished(look, kernel):
        return 0
    rng = np.random.default_rng(0)
    known = {name: streams[name].beats for name in kernel.outputs}
    for other in (lambda frame: frame.min() + frame.max() - frame, rng.permuted, rng.permuted):
        given = []
        for name in kernel.inputs:
            frame = look.expected[name].copy()
            left = frame[look.came((name, OUT)) :]
            left[:] = other(frame)[len(frame) - len(left) :]
            given.append(frame)
        for name, made in zip(kernel.outputs, kernel.run(given, streams), strict=True):
            differ = np.flatnonzero((made != look.expected[name]).any(axis=1))
            known[name] = min([known[name], *map(int, differ[:1])])
    return max(known[name] - look.came((name, IN)) for name in kernel.outputs)
