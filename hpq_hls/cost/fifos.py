"""FIFO depths at which a design loses no rate and cannot deadlock, computed from its exact timing."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from fractions import Fraction

from hpq_hls.cost.engine import UNBOUNDED, follow
from hpq_hls.cost.stages import Network, network_of
from hpq_hls.hardware import MIN_DEPTH, Dataflow, with_fifo_depths
from hpq_hls.kernels import Kernel, StageKind, Streams

EFFORT = 100_000_000
"""Transfers that are followed to shrink the FIFOs of one design, about a second. A number, not a time, so
that depths do not depend on the machine."""

_DOUBLINGS = 16


def size_fifos(flow: Dataflow) -> Dataflow:
    """The same design with FIFOs just deep enough for the interval it would have if none were ever full.

    The start are the depths that suffice where frames enter evenly at that interval. Each FIFO is then shrunk
    as far as the interval allows, those first that hold most, until none can be a beat smaller or EFFORT is
    spent. A depth is of what waits; FIFOs of the RTL have places for what is under way besides (``Link``). A
    pipeline of a tool that stands still may hold one beat, and bubbles behind it, where gaps in what
    comes, or in what is taken, are unlucky: what waits at a join never counts on the others of its registers.
    Types do not matter: designs that are folded alike get the same depths.
    """
    streams = flow.streams.values()
    sizes = tuple((stream.lanes, stream.beats) for stream in streams)
    found = _depths(network_of(flow), sizes, _slowest(flow))
    return with_fifo_depths(flow, dict(zip(flow.streams, found, strict=True)))


def _slowest(flow: Dataflow) -> int:
    """Cycles that the slowest kernel or stream takes for a frame."""
    cycles = [kernel.cycles(flow.streams) for kernel in flow.kernels]
    return max([*cycles, *(stream.beats for stream in flow.streams.values())])


def with_room_for_pipelines(flow: Dataflow, stages: int) -> Dataflow:
    """The same design with FIFOs at joins deep enough for pipelines of up to ``stages`` stages.

    Depths are sized for the pipelines of the RTL. Where a tool builds deeper ones, more is on its way along
    the longer branch: in each process what it makes in as many iterations as it has stages, at most. The
    FIFO behind the shorter branch has to hold as much, as if nothing were on its way there, or a process
    whose pipeline stops when nothing comes waits forever. It is counted in frames, so that branches of
    different beats can be compared; at a fork and behind a join they are together again. No FIFO is smaller
    than what is in it if nothing ever waits: a deep pipeline that has to stop does not close its gaps, and
    is late for good. ``stages`` 0: the pipelines are those of the RTL, and nothing changes.
    """
    if not stages:
        return flow
    network = network_of(flow, in_step=False)  # each stream of the C++ is a FIFO
    paced = follow(network, [UNBOUNDED] * len(flow.streams), pace=_slowest(flow), fills=True)
    depths = {
        name: max(stream.depth, fill)
        for (name, stream), fill in zip(flow.streams.items(), paced.fills, strict=True)
    }
    held = dict.fromkeys(
        flow.streams, (Fraction(0), Fraction(0))
    )  # least and most since branches were together
    for kernel in flow.kernels:
        latest = max(held[name][1] for name in kernel.inputs)
        for place, name in enumerate(kernel.inputs):
            others = (held[other][1] for other in (*kernel.inputs[:place], *kernel.inputs[place + 1 :]))
            more = math.ceil((max(others, default=Fraction(0)) - held[name][0]) * flow.streams[name].beats)
            depths[name] += max(more, 0) if len(kernel.inputs) > 1 else 0
        least = held[kernel.inputs[0]][0] if len(kernel.inputs) == 1 else latest
        most = latest + _held(kernel, flow.streams, stages)
        if len(kernel.outputs) > 1:
            least = most
        held.update(dict.fromkeys(kernel.outputs, (least, most)))
    return with_fifo_depths(flow, depths)


def _held(kernel: Kernel, streams: Streams, stages: int) -> Fraction:
    """The most of a frame that is in a pipeline of so many stages."""
    contract = kernel.contract(streams)
    beats = streams[kernel.outputs[0]].beats
    if contract.kind is StageKind.PIPELINE:  # results at equal distances
        return Fraction(stages, kernel.cycles(streams)) + Fraction(1, beats)
    if contract.kind is StageKind.REORDER:  # two loops
        return Fraction(2 * stages, min(contract.parameters))
    return Fraction(stages, beats)


@functools.lru_cache(maxsize=128)
def _depths(network: Network, sizes: tuple[tuple[int, int], ...], interval: int) -> tuple[int, ...]:
    """sizes: lanes and beats of each FIFO; interval: that of the slowest kernel."""
    paced = follow(network, [UNBOUNDED] * len(sizes), pace=interval, fills=True)
    depths = [max(MIN_DEPTH, fill) for fill in paced.fills]
    transfers = 2 * sum(beats for _, beats in sizes)
    check = _Check(network, _with_bubbles(network), interval, depths, EFFORT // transfers)
    for _ in range(_DOUBLINGS):  # a pipeline that waits less can be late later
        if check.holds():
            break
        check.depths[:] = [2 * depth for depth in check.depths]
    order = [number for number, depth in enumerate(depths) if depth > MIN_DEPTH]
    order.sort(key=lambda number: -sizes[number][0] * (depths[number] - MIN_DEPTH))
    needed = [number for number in order if not check.lower(number, MIN_DEPTH)]
    for number in needed:
        check.shrink(number)
    return tuple(check.depths)


def _with_bubbles(network: Network) -> Network | None:
    """The network with as little room in its pipelines as there can be in a project of C++, for what has
    branches that join: only they can deadlock. Whether they do depends on room alone, not on times."""
    if all(len(stage.inputs) < 2 for stage in network.stages):
        return None
    stages = (
        replace(stage, parameters=(1, *stage.parameters[1:])) if stage.kind is StageKind.PIPELINE else stage
        for stage in network.stages
    )
    beyond = [0] * len(network.beyond)
    for stage in network.stages:
        for number in stage.outputs if stage.kind in (StageKind.PIPELINE, StageKind.REDUCE) else ():
            beyond[number] = 1
    return replace(network, stages=tuple(stages), beyond=tuple(beyond))


@dataclass
class _Check:
    """Depths that keep an interval, and cannot deadlock. left: how many more frames may be followed.

    bubbles: see ``_with_bubbles``.
    """

    network: Network
    bubbles: Network | None
    interval: int
    depths: list[int]
    left: int

    def holds(self) -> bool:
        """Whether the interval is kept."""
        run = follow(self.network, self.depths)
        self.left -= len(run.ends or [0])
        if run.ends is None or run.interval > self.interval:
            return False
        return self.bubbles is None or follow(self.bubbles, self.depths).ends is not None

    def lower(self, number: int, depth: int) -> bool:
        """Make one FIFO smaller if that keeps the interval; False where it does not, or nothing is left."""
        if self.left <= 0:
            return False
        before, self.depths[number] = self.depths[number], depth
        if self.holds():
            return True
        self.depths[number] = before
        return False

    def shrink(self, number: int) -> None:
        """Find the least depth of a FIFO that cannot have the smallest: near the present one, most often."""
        low, step = MIN_DEPTH, 1
        while self.depths[number] - low > 1 and self.left > 0:
            high = self.depths[number]
            probe = max(high - step, (low + high) // 2)
            if self.lower(number, probe):
                step *= 2
            else:
                low = probe
