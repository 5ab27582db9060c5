"""Latency and interval of a Dataflow, by letting its kernels pass beats as the RTL does."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from hpq_hls.cost.actors import Actor, Channel, narrow, pipeline, sink, source, widen, window, wiring
from hpq_hls.errors import ConfigError
from hpq_hls.hardware.geometry import WindowGeometry
from hpq_hls.hardware.kernels import (
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
    Stream,
    UnrolledMatVec,
    WidthConverter,
    Window,
)

MAX_STEPS = 200_000
"""Beats and window positions per frame up to which a design is followed one by one."""

_MIN_FRAMES = 3
_MAX_FRAMES = 8
_PATIENCE = 256  # rounds without a result after which to look whether anything moves at all


@dataclass(frozen=True)
class Timing:
    """Clock cycles of a design whose ports never wait.

    latency: from the first beat of a frame going in to its last beat coming out, nothing else under
    way. interval: from frame to frame when they follow each other without a gap. followed: False
    where the design is too long to follow beat by beat, so that both are approximations.
    """

    latency: int
    interval: int
    followed: bool


@dataclass(frozen=True)
class _Stage:
    """What the timing of a kernel depends on, and nothing more: channels by index, and numbers.

    registers: of a pipeline; group, folds: of a MatVec; lanes: in and out of a WidthConverter.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    registers: int = 0
    group: int = 1
    folds: int = 1
    lanes: tuple[int, int] = (1, 1)
    geometry: WindowGeometry | None = None


def tree_registers(terms: int) -> int:
    """Registers on the way through an adder or comparator tree: one after every second level."""
    levels = (terms - 1).bit_length()
    return (levels + 1) // 2


def time_dataflow(flow: Dataflow) -> Timing:
    """Latency and interval of ``flow``; equal structures are followed only once, whatever their types."""
    steps = sum(stream.beats for stream in flow.streams.values())
    steps += sum(kernel.cycles(flow.streams) for kernel in flow.kernels if isinstance(kernel, Window))
    if steps > MAX_STEPS:
        return approximate(flow)
    names = {name: index for index, name in enumerate(flow.streams)}
    stages = tuple(_stage(kernel, flow.streams, names) for kernel in flow.kernels)
    depths = tuple(stream.depth for stream in flow.streams.values())
    return _follow(stages, depths, names[flow.input], names[flow.output], flow.streams[flow.output].beats)


def _stage(kernel: Kernel, streams: dict[str, Stream], names: dict[str, int]) -> _Stage:
    given, made = streams[kernel.inputs[0]], streams[kernel.outputs[0]]
    inputs = tuple(names[name] for name in kernel.inputs)
    outputs = tuple(names[name] for name in kernel.outputs)
    make = functools.partial(_Stage, kernel.kind, inputs, outputs)
    if isinstance(kernel, MatVec):
        registers = pipeline_registers(kernel)
        return make(registers=registers, group=kernel.synapse_folds, folds=kernel.neuron_folds)
    if isinstance(kernel, Window):
        return make(geometry=kernel.geometry, lanes=(given.lanes, made.lanes))
    if isinstance(kernel, WidthConverter):
        return make(lanes=(given.lanes, made.lanes))
    return make(registers=pipeline_registers(kernel))


def pipeline_registers(kernel: Kernel) -> int:
    """Registers between input and output of a kernel: all of its timing that a layer's weights can decide.

    0 for mere wires.
    """
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


@functools.lru_cache(maxsize=128)
def _follow(stages: tuple[_Stage, ...], depths: tuple[int, ...], first: int, last: int, beats: int) -> Timing:
    channels = [Channel(depth) for depth in depths]
    actors = [source(channels[first]), *(_actor(stage, channels) for stage in stages), sink(channels[last])]
    ends: list[int] = []
    leaving = channels[last].pops
    for frame in range(1, _MAX_FRAMES + 1):
        quiet, moved = 0, 0
        while len(leaving) < frame * beats:
            before = len(leaving)
            for actor in actors:
                next(actor)
            quiet = quiet + 1 if len(leaving) == before else 0
            if quiet % _PATIENCE == _PATIENCE - 1:
                moved = _check_moving(channels, moved)
        ends.append(leaving[frame * beats - 1])
        if frame >= _MIN_FRAMES and ends[-1] - ends[-2] == ends[-2] - ends[-3]:
            break
    return Timing(ends[0] - channels[first].pushes[0], ends[-1] - ends[-2], True)


def _actor(stage: _Stage, channels: list[Channel]) -> Actor:
    inputs = [channels[index] for index in stage.inputs]
    outs = [channels[index] for index in stage.outputs]
    if stage.kind == MatVec.kind:
        return pipeline(inputs, outs[0], stage.registers, stage.group, stage.folds, skid=True)
    if stage.geometry is not None:
        return window(inputs[0], outs[0], stage.geometry, stage.geometry.channels // stage.lanes[0])
    if stage.kind == WidthConverter.kind:
        wide, thin = max(stage.lanes), min(stage.lanes)
        convert = narrow if stage.lanes[0] > stage.lanes[1] else widen
        return convert(inputs[0], outs[0], wide // thin)
    if stage.registers == 0:
        return wiring(inputs[0], outs)
    return pipeline(inputs, outs[0], stage.registers)


def _check_moving(channels: list[Channel], moved: int) -> int:
    """How many transfers there have been.

    Raises:
        ConfigError: none since there were ``moved``: the design hangs.
    """
    now = sum(len(channel.pushes) + len(channel.pops) for channel in channels)
    if now == moved:
        raise ConfigError("the dataflow stops with FIFOs full on one branch of a join; make them deeper")
    return now


# ---------------------------------------------------------------------------------------------
# Designs too long to follow


def approximate(flow: Dataflow) -> Timing:
    """Timing of a design too long to follow: every stream is taken to flow evenly, from its first beat on
    for as long as its slowest maker needs, and no FIFO ever to be full."""
    beats = flow.streams[flow.input].beats
    start = {flow.input: 0.0}
    span = {flow.input: float(beats)}
    for kernel in flow.kernels:
        first, last, registers = _results(kernel, flow.streams[kernel.inputs[0]])
        pace = max(kernel.cycles(flow.streams), *(span[name] for name in kernel.inputs))
        begin = max(start[name] for name in kernel.inputs) + first * pace + registers + 1
        for name in kernel.outputs:
            start[name] = begin
            span[name] = (last - first) * pace
    interval = max((kernel.cycles(flow.streams) for kernel in flow.kernels), default=beats)
    return Timing(round(start[flow.output] + span[flow.output]) + 1, interval, False)


def _results(kernel: Kernel, given: Stream) -> tuple[float, float, int]:
    """Shares of a frame's time after which the first and the last result are on their way, and the
    registers they then pass."""
    if isinstance(kernel, MatVec):
        return (kernel.synapse_folds - 1) / given.beats, 1.0, 5 + tree_registers(kernel.simd)
    if isinstance(kernel, Window):
        geometry = kernel.geometry
        columns = geometry.scan[1]
        first = (geometry.span[0] - 1) * columns + geometry.span[1] - 1
        last = first + (geometry.out_height - 1) * geometry.stride[0] * columns
        last += (geometry.out_width - 1) * geometry.stride[1]
        pixel = geometry.pad_top * columns + geometry.pad_left  # what comes before it needs no input
        area = geometry.scan[0] * columns
        return max(first - pixel, 0) / area, max(last - pixel, 1) / area, 1
    if isinstance(kernel, WidthConverter):
        return 0.0, 1.0, 1
    return 0.0, 1.0, pipeline_registers(kernel)
