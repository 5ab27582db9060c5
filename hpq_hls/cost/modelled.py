"""Cycles of a project of C++ in closed form: what the depth of a tool's pipelines adds to the RTL twin's.

``hpq_hls.verify.schedule`` runs the emitted C++ in a model of its schedule. This is the same model in a
formula, for estimates: every process of the dataflow, ports included, is a pipeline of so many stages, and
the slowest way through them is late by as much. It says nothing of what FIFOs that are too small would do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hpq_hls.cost.engine import follow
from hpq_hls.cost.stages import UNBOUNDED, Network, Stage, network_of
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import StageKind

DEPTHS = (2, 24)
"""Stages of a pipeline, the least and the most, as ``hpq_hls.verify.schedule`` has them."""
PORTS = 2
"""Processes of the ports on each way through."""
HAND_OVER = 2
"""Cycles from the end of a call that fills a reordering's memory to the first that reads it."""


@dataclass(frozen=True)
class Cycles:
    """Least and most cycles of latency and interval."""

    latency: tuple[int, int]
    interval: tuple[int, int]


def modelled_cycles(flow: Dataflow) -> Cycles:
    """Cycles of the C++ of a Dataflow where its pipelines have 2 to 24 stages."""
    network = network_of(flow, in_step=False)
    simple = _without_registers(flow, network)
    bare = follow(simple, [UNBOUNDED] * len(simple.beyond), frames=4).ends
    assert bare is not None  # nothing hangs where no FIFO is ever full
    (longest, turned), interval = _processes(network), time_dataflow(flow).interval
    # A FIFO of the RTL is a cycle of its own; in the model what is written can be read in the next one.
    first = bare[0] - max(longest - 1, 0) + HAND_OVER * turned
    # A half takes its beats, runs empty in depth - 1 cycles, and begins again in the second one after. Where
    # beats come in bursts and its input is full by then, it takes some cycles more.
    halves = [max(stage.parameters) for stage in network.stages if stage.kind is StageKind.REORDER]
    least, most = (
        (
            first + (longest + PORTS) * (depth - 1),
            max([interval, *(beats + depth for beats in halves)]),
        )
        for depth in DEPTHS
    )
    return Cycles((least[0], most[0]), (least[1], most[1]))


def _without_registers(flow: Dataflow, network: Network) -> Network:
    """The same with one register in each pipeline, and what the C++ is ``Contract.later`` behind."""
    stages: list[Stage] = []
    fifos = len(network.beyond)
    for kernel, stage in zip(flow.kernels, map(_bare, network.stages), strict=True):
        later = kernel.contract(flow.streams).later
        for _ in range(later):  # each FIFO more is a cycle
            stages.append(replace(stage, outputs=(fifos,)))
            stage = Stage(StageKind.PIPELINE, (fifos,), stage.outputs, (0, 1, 1))
            fifos += 1
        stages.append(stage)
    return replace(network, stages=tuple(stages), beyond=(0,) * fifos)


def _bare(stage: Stage) -> Stage:
    if stage.kind not in (StageKind.PIPELINE, StageKind.REDUCE):
        return stage
    return replace(stage, parameters=(1, *stage.parameters[1:]))


def _processes(network: Network) -> tuple[int, int]:
    """The most pipelines on a way through, and how many reorderings are on it, which are two pipelines each.
    Stages stand in the order of the flow."""
    behind: dict[int, tuple[int, int]] = {}
    for stage in network.stages:
        count, turned = max((behind.get(fifo, (0, 0)) for fifo in stage.inputs), default=(0, 0))
        here = (2, 1) if stage.kind is StageKind.REORDER else (1, 0)
        behind.update(dict.fromkeys(stage.outputs, (count + here[0], turned + here[1])))
    return max(behind.values(), default=(0, 0))
