"""QuantizedGraph -> Dataflow."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

from hpq_hls.errors import ConfigError
from hpq_hls.hardware.builder import Builder
from hpq_hls.hardware.config import HardwareConfig, Io
from hpq_hls.hardware.kernels import MIN_DEPTH, Dataflow
from hpq_hls.hardware.parallel_builder import ParallelBuilder
from hpq_hls.hardware.stream_builder import StreamBuilder
from hpq_hls.simulate import QuantizedGraph


def build_dataflow(
    q: QuantizedGraph, config: HardwareConfig | None = None, name: str | None = None
) -> Dataflow:
    """The hardware of a network.

    Without a target interval in ``config`` the fastest one is taken whose multipliers fit
    ``config.multiplier_budget``.

    Raises:
        ConfigError: folding of an unknown layer, or one that does not divide it.
        UnsupportedOperatorError: a network that has no hardware in this form.
    """
    return builder_of(q, config or HardwareConfig()).build(name or q.name)


def builder_of(q: QuantizedGraph, config: HardwareConfig) -> Builder:
    """What builds the hardware of a network.

    Raises:
        ConfigError: as ``build_dataflow``.
    """
    for layer in config.layers:
        if layer not in q.layers:
            close = difflib.get_close_matches(layer, q.layers, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(q.layers)}"
            raise ConfigError(f"hardware settings name the unknown layer {layer!r}{hint}")
    if config.io is Io.PARALLEL:
        return ParallelBuilder(q, config, 1)
    target = config.target_interval
    return StreamBuilder(q, config, fastest_target(q, config) if target is None else target)


class FifoError(ConfigError):
    """A FIFO depth that a design cannot have. stream: whose; problem: as it follows the stream's name."""

    def __init__(self, stream: str, problem: str) -> None:
        super().__init__(f"fifo_depths.{stream} {problem}")
        self.stream, self.problem = stream, problem


def with_fifo_depths(flow: Dataflow, depths: Mapping[str, int]) -> Dataflow:
    """The same design with other FIFO depths, in beats by stream.

    Raises:
        FifoError: an unknown stream, or a depth below 2.
    """
    for name, depth in depths.items():
        if name not in flow.streams:
            close = difflib.get_close_matches(name, flow.streams, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(flow.streams)}"
            raise FifoError(name, f"names an unknown stream; {hint}")
        if depth < MIN_DEPTH:
            raise FifoError(name, f"is {depth}; a FIFO is at least {MIN_DEPTH} deep")
    streams = {
        name: replace(stream, depth=depths.get(name, stream.depth)) for name, stream in flow.streams.items()
    }
    return replace(flow, streams=streams)


def fastest_target(q: QuantizedGraph, config: HardwareConfig) -> int:
    """The smallest target interval whose folding, of one pixel per beat, stays within the multiplier budget.

    Several pixels per beat multiply all that is in a layer, which no budget of multipliers bounds.
    """
    slow = 1
    while _multipliers(q, config, slow) > config.multiplier_budget and slow < 1 << 40:
        slow *= 2
    fast = slow // 2 + 1
    while fast < slow:
        middle = (fast + slow) // 2
        if _multipliers(q, config, middle) <= config.multiplier_budget:
            slow = middle
        else:
            fast = middle + 1
    reached = StreamBuilder(q, config, slow, single=True).build("probe")
    return max(kernel.cycles(reached.streams) for kernel in reached.kernels)


def _multipliers(q: QuantizedGraph, config: HardwareConfig, target: int) -> int:
    flow = StreamBuilder(q, config, target, single=True).build("probe")
    return sum(kernel.multipliers for kernel in flow.kernels)
