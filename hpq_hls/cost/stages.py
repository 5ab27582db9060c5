"""What the timing of a Dataflow depends on, and nothing more: stages by kind, FIFOs by number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import StageKind
from hpq_hls.kernels.contract import Actor, pipeline

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
    """Stages between the FIFOs behind the input ports and those in front of the output ports.

    beyond: places of each FIFO of the RTL beside those of its depth (``Dataflow.links``). Kernels in step are
    one stage: through the FIFOs between them goes nothing.
    """

    stages: tuple[Stage, ...]
    sources: tuple[End, ...]
    sinks: tuple[End, ...]
    beyond: tuple[int, ...]

    def places(self, depths: Sequence[int]) -> list[int]:
        """Of each FIFO all places, where ``depths`` says how many there are for what waits."""
        return [
            UNBOUNDED if depth == UNBOUNDED else depth + more
            for depth, more in zip(depths, self.beyond, strict=True)
        ]


def network_of(flow: Dataflow, *, in_step: bool = True) -> Network:
    """The network of a Dataflow; FIFOs are numbered in the order of ``flow.streams``. Types do not matter.

    in_step: kernels in step are one stage, as in the RTL; else each is one, and each stream a FIFO.
    """
    names = {name: index for index, name in enumerate(flow.streams)}
    beyond = (
        0 if flow.links[name].wire else flow.links[name].places - stream.depth
        for name, stream in flow.streams.items()
    )
    return Network(
        stages=tuple(_stages(flow, names, in_step)),
        sources=tuple(End(names[item.stream], flow.streams[item.stream].beats) for item in flow.inputs),
        sinks=tuple(End(names[item.stream], flow.streams[item.stream].beats) for item in flow.outputs),
        beyond=tuple(beyond),
    )


def _stages(flow: Dataflow, names: dict[str, int], in_step: bool) -> Iterator[Stage]:
    begins: dict[str, tuple[int, ...]] = {}  # of a wire: the inputs of the first of the kernels in step
    for kernel in flow.kernels:
        contract = kernel.contract(flow.streams)
        inputs = begins.get(kernel.inputs[0], tuple(names[name] for name in kernel.inputs))
        if in_step and flow.links[kernel.outputs[0]].wire:
            begins[kernel.outputs[0]] = inputs
            continue
        if kernel.inputs[0] in begins:
            contract = pipeline(flow.links[kernel.outputs[0]].latency)
        outputs = tuple(names[name] for name in kernel.outputs)
        yield Stage(contract.kind, inputs, outputs, contract.parameters, contract.actor)
