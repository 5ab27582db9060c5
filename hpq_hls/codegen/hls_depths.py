"""FIFO depths for HLS C++: those of the RTL twin, and room for what the tool's longer pipelines hold.

The twin's depths are exact for its own timing. The tool makes each kernel a pipeline of a depth that only
it knows, so that a branch of a network delays its beats by more than in the twin, and what waits at the join
needs that many more places. All pipelines flush (see the dialects): a beat leaves though none follows, so
that depths are a matter of rate, not of deadlock.
"""

from __future__ import annotations

import math
from dataclasses import replace

from hpq_hls.hardware import Dataflow

STAGES = 26
"""Cycles by which a kernel and the FIFO behind it may delay a beat: pipelines of up to 24 stages."""


def with_room(flow: Dataflow) -> Dataflow:
    """The design with FIFOs for pipelines of ``STAGES`` cycles: at each join, an input waits for the kernels
    that only the other inputs come through."""
    above = _above(flow)
    interval = max((kernel.cycles(flow.streams) for kernel in flow.kernels), default=1)
    streams = dict(flow.streams)
    for kernel in flow.kernels:
        for name in set(kernel.inputs) if len(kernel.inputs) > 1 else ():
            others = set().union(*(above.get(other, set()) for other in kernel.inputs if other != name))
            others -= above.get(name, set())
            stream = streams[name]
            late = STAGES * _longest(flow, others)
            room = math.ceil(late * stream.beats / interval)
            streams[name] = replace(stream, depth=stream.depth + room)
    return replace(flow, streams=streams)


def _above(flow: Dataflow) -> dict[str, set[str]]:
    """By stream: the names of the kernels that its beats come through."""
    above: dict[str, set[str]] = {terminal.stream: set() for terminal in flow.inputs}
    for kernel in flow.kernels:
        through = {kernel.name}.union(*(above.get(name, set()) for name in kernel.inputs))
        above.update(dict.fromkeys(kernel.outputs, through))
    return above


def _longest(flow: Dataflow, among: set[str]) -> int:
    """Kernels of the longest chain of some."""
    length: dict[str, int] = {}  # by stream
    for kernel in flow.kernels:
        before = max((length.get(name, 0) for name in kernel.inputs), default=0)
        length.update(dict.fromkeys(kernel.outputs, before + 1 if kernel.name in among else 0))
    return max(length.values(), default=0)
