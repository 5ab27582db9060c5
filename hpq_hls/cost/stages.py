"""What the timing of a Dataflow depends on, and nothing more: stages by kind, FIFOs by number."""

from __future__ import annotations

from dataclasses import dataclass

from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Kernel, StageKind, Streams
from hpq_hls.kernels.contract import Actor

UNBOUNDED = 1 << 40
"""Depth of a FIFO that is never full."""


@dataclass(frozen=True)
class Stage:
    """One actor: inputs and outputs are numbers of FIFOs, the rest as in ``Contract``."""

    kind: StageKind
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    parameters: tuple[int, ...] = ()
    actor: Actor | None = None


@dataclass(frozen=True)
class End:
    """A FIFO at a port: its number, and the beats of a frame that go through it."""

    fifo: int
    beats: int


@dataclass(frozen=True)
class Network:
    """Stages between the FIFOs behind the input ports and those in front of the output ports."""

    stages: tuple[Stage, ...]
    sources: tuple[End, ...]
    sinks: tuple[End, ...]


def network_of(flow: Dataflow) -> Network:
    """The network of a Dataflow; FIFOs are numbered in the order of ``flow.streams``. Types do not matter."""
    names = {name: index for index, name in enumerate(flow.streams)}
    return Network(
        stages=tuple(_stage(kernel, flow.streams, names) for kernel in flow.kernels),
        sources=tuple(End(names[item.stream], flow.streams[item.stream].beats) for item in flow.inputs),
        sinks=tuple(End(names[item.stream], flow.streams[item.stream].beats) for item in flow.outputs),
    )


def _stage(kernel: Kernel, streams: Streams, names: dict[str, int]) -> Stage:
    contract = kernel.contract(streams)
    inputs = tuple(names[name] for name in kernel.inputs)
    outputs = tuple(names[name] for name in kernel.outputs)
    return Stage(contract.kind, inputs, outputs, contract.parameters, contract.actor)
