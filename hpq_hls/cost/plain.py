"""Follows a network of timed actors in Python; ``hw_sim/timing/follow.cpp`` does the same, compiled."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hpq_hls.cost.actors import (
    Actor,
    Channel,
    fill,
    narrow,
    pipeline,
    sink,
    source,
    splice,
    widen,
    window,
    wiring,
)
from hpq_hls.cost.loop_actor import loop
from hpq_hls.cost.stages import Network, Stage
from hpq_hls.kernels import StageKind
from hpq_hls.kernels.contract import REORDER_STAGES


def follow(
    network: Network, depths: Sequence[int], pace: int, most: int
) -> tuple[tuple[int, ...] | None, tuple[int, ...], int]:
    """The ends of frames, None where the network hangs, the fills and the period; as ``engine.follow``."""
    channels = [Channel(places) for places in network.places(depths)]
    frames = [0]
    actors = [source(channels[end.fifo], end.beats, pace, frames) for end in network.sources]
    for stage in network.stages:
        actors += _actors(stage, channels)
    actors += [sink(channels[end.fifo]) for end in network.sinks]
    ends: list[int] = []
    while len(ends) < most:
        frames[0] += 1
        before, now = -1, 0
        while now != before:
            for actor in actors:
                next(actor)
            before, now = now, sum(len(channel.pushes) + len(channel.pops) for channel in channels)
        left = [channels[end.fifo].pops[end.beats - 1 :: end.beats] for end in network.sinks]
        if any(len(own) < frames[0] for own in left):
            return None, (), 1
        ends.append(max(own[-1] for own in left))
        if repeats := _period([channels[end.fifo].pushes[:: end.beats] for end in network.sources], left):
            break
    return tuple(ends), tuple(map(_fill, channels)), repeats or len(ends) // 2


def _period(starts: Sequence[Sequence[int]], ends: Sequence[Sequence[int]]) -> int:
    """In how many frames the network repeats what it does, or 0 while it is not known to.

    As many frames leave through every port as enter through every port, and the distances of their ends have
    been the same for longer than a frame is under way; until then a FIFO may still be filling.

    starts, ends: of each frame at each port.
    """
    last = len(ends[0]) - 1
    entered = min(own[last] for own in starts)
    under_way = max(sum(end >= entered for end in own) for own in ends)
    gaps = [[after - before for before, after in itertools.pairwise(own)] for own in ends]
    for period in range(1, last - under_way):
        same = all(
            own[last - 1 - back] == own[last - 1 - back - period]
            for own in gaps
            for back in range(under_way + 1)
        )
        if same and len({own[last] - own[last - period] for own in (*starts, *ends)}) == 1:
            return period
    return 0


def _actors(stage: Stage, channels: list[Channel]) -> list[Actor]:
    inputs = [channels[index] for index in stage.inputs]
    outs = [channels[index] for index in stage.outputs]
    given = stage.parameters
    if stage.actor is not None:
        return [stage.actor(inputs, outs, given)]
    match stage.kind:
        case StageKind.PIPELINE:
            return [pipeline(inputs, outs[0], given[0], given[1], given[2])]
        case StageKind.REDUCE:
            return [pipeline(inputs, outs[0], given[0], quiet=given[1:])]
        case StageKind.WINDOW:
            return [window(inputs[0], outs[0], given)]
        case StageKind.WIRING:
            return [wiring(inputs[0], outs)]
        case StageKind.REORDER:
            frames = Channel(2 * given[1])
            return [fill(inputs[0], frames, *given), pipeline([frames], outs[0], REORDER_STAGES)]
        case StageKind.LOOP:
            return [loop(inputs, outs, given)]
        case StageKind.SPLICE:
            return [splice(inputs, outs[0], given)]
        case StageKind.NARROW:
            return [narrow(inputs[0], outs[0], given[0])]
        case StageKind.WIDEN:
            return [widen(inputs[0], outs[0], given[0])]
        case StageKind.OWN:
            raise TypeError("a contract of kind OWN carries its actor")


def _fill(channel: Channel) -> int:
    """The smallest depth that would have made no difference so far."""
    fill = left = 0
    for beat, cycle in enumerate(channel.pushes):
        while left < len(channel.pops) and channel.pops[left] < cycle:
            left += 1
        if left == len(channel.pops):
            break
        fill = max(fill, beat + 1 - left)
    return fill
