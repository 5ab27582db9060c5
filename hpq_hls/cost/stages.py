"""What the timing of a Dataflow depends on, and nothing more: stages by kind, FIFOs by number."""

from __future__ import annotations

from dataclasses import dataclass

from hpq_hls.kernels import (
    Add,
    Cast,
    ChannelMac,
    Dataflow,
    Fork,
    Gather,
    Kernel,
    MatVec,
    Pool,
    PoolMode,
    Streams,
    UnrolledMatVec,
    WidthConverter,
    Window,
)
from hpq_hls.kernels.contract import Contract, StageKind, tree_registers
from hpq_hls.kernels.geometry import WindowGeometry

_KNOWN = (Window, WidthConverter, MatVec, ChannelMac, UnrolledMatVec, Pool, Add, Cast, Gather, Fork)

UNBOUNDED = 1 << 40
"""Depth of a FIFO that is never full."""


@dataclass(frozen=True)
class Stage:
    """One actor: inputs and outputs are numbers of FIFOs."""

    kind: StageKind
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    parameters: tuple[int, ...] = ()


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
    given, made = streams[kernel.inputs[0]], streams[kernel.outputs[0]]
    if isinstance(kernel, _KNOWN):
        contract = Contract(*_contract(kernel, given.lanes, made.lanes))
    else:
        contract = kernel.contract(streams)
    inputs = tuple(names[name] for name in kernel.inputs)
    outputs = tuple(names[name] for name in kernel.outputs)
    return Stage(contract.kind, inputs, outputs, contract.parameters)


def _contract(kernel: Kernel, lanes_in: int, lanes_out: int) -> tuple[StageKind, tuple[int, ...]]:
    if isinstance(kernel, Window):
        return StageKind.WINDOW, _geometry(kernel.geometry, kernel.chunks(lanes_in))
    if isinstance(kernel, WidthConverter):
        if lanes_in > lanes_out:
            return StageKind.NARROW, (lanes_in // lanes_out,)
        return StageKind.WIDEN, (lanes_out // lanes_in,)
    registers = pipeline_registers(kernel)
    if isinstance(kernel, MatVec):
        return StageKind.PIPELINE, (registers, kernel.synapse_folds, kernel.neuron_folds, 1)
    if registers == 0:
        return StageKind.WIRING, ()
    return StageKind.PIPELINE, (registers, 1, 1, 0)


def _geometry(geometry: WindowGeometry, chunks: int) -> tuple[int, ...]:
    """Size of the input (rows, beats); row and column that complete the first windows, rows and columns from
    one beat of windows to the next; padding above and on the left, windows, scanned area (rows each, then
    beats); chunks, and pixels of a beat. A column is a pixel wide."""
    return (
        geometry.height,
        geometry.beats,
        geometry.first[0],
        geometry.last_column,
        geometry.stride[0],
        geometry.advance,
        geometry.pad_top,
        geometry.pad_beats,
        geometry.out_height,
        geometry.out_beats,
        *geometry.scan,
        chunks,
        geometry.pixels,
    )


def pipeline_registers(kernel: Kernel) -> int:
    """Registers between input and output of a kernel: all of its timing that a layer's weights can decide.

    0 for mere wires.
    """
    if not isinstance(kernel, _KNOWN):
        return kernel.registers
    if isinstance(kernel, MatVec):
        return 4 + tree_registers(kernel.simd)
    if isinstance(kernel, ChannelMac):
        return 5 + tree_registers(kernel.taps)
    if isinstance(kernel, UnrolledMatVec):
        if kernel.adders is not None:
            return 2 + max(graph.registers for graph in kernel.adders)
        return 3 + tree_registers(kernel.cols)
    if isinstance(kernel, Pool):
        return (1 if kernel.mode is PoolMode.MAX else 2) + tree_registers(kernel.taps)
    if isinstance(kernel, Add):
        return 2
    if isinstance(kernel, Cast):
        return 1
    if isinstance(kernel, (Gather, Fork)):
        return 0
    raise TypeError(f"kernel {kernel.kind} has no timing model")
