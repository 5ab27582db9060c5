"""One frame of a run, and what there is to say of a number of beats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Frame, Kernel
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.verify.differ.seen import IN, OUT, PORT, End, Run, Seen


@dataclass(frozen=True, eq=False)
class Look:
    """One frame of a run.

    expected: what each stream has to carry, by name. frame: which one it is of the run. final: whether none
    enters behind it. still: whether nothing more can come. sized: whether all
    packets have the size that they should, so that beats in front of a port are those behind it.
    """

    flow: Dataflow
    run: Run
    expected: Mapping[str, Frame]
    frame: int
    final: bool
    still: bool
    sized: bool = True

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


def owners(flow: Dataflow) -> Iterator[tuple[Difference, End]]:
    """What writes to each end of each stream, as data flows."""
    for terminal in flow.inputs:
        yield from ends_of(Difference(Fault.VALUE, f"port_{terminal.port}", "port"), terminal.stream)
    for kernel in flow.kernels:
        for name in kernel.outputs:
            yield from ends_of(Difference(Fault.VALUE, kernel.name, kernel.kind, kernel.layer), name)


def ends_of(owner: Difference, stream: str) -> Iterator[tuple[Difference, End]]:
    """Both ends of a stream: what writes to it, and its FIFO."""
    yield replace(owner, stream=stream), (stream, IN)
    yield fifo_of(stream), (stream, OUT)


def fifo_of(stream: str) -> Difference:
    """The FIFO of a stream."""
    return Difference(Fault.VALUE, f"fifo_{stream}", "fifo", "", stream)


def kernel_of(kernel: Kernel, stream: str) -> Difference:
    """A kernel, of which a stream is an output."""
    return Difference(Fault.VALUE, kernel.name, kernel.kind, kernel.layer, stream)


def short_of(look: Look) -> Difference | None:
    """Of a program: the first stream to which too little was written."""
    for owner, end in owners(look.flow):
        if look.seen(end) is not None and look.came(end) < look.flow.streams[end[0]].beats:
            return number_of(look, owner, end, Fault.MISSING)
    return None


def too_many(look: Look) -> Difference | None:
    """The first stream to which too much was written."""
    for owner, end in owners(look.flow):
        if look.came(end) > look.flow.streams[end[0]].beats:
            return number_of(look, owner, end, Fault.EXCESS)
    return None


def number_of(look: Look, owner: Difference, end: End, fault: Fault, note: str = "") -> Difference:
    """Of a wrong number of beats."""
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
