"""QuantizedGraph -> Dataflow."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

from hpq_hls.errors import ConfigError
from hpq_hls.hardware.builder import Builder
from hpq_hls.hardware.config import HardwareConfig, Io
from hpq_hls.hardware.dataflow import Dataflow
from hpq_hls.hardware.parallel_builder import ParallelBuilder
from hpq_hls.hardware.stream_builder import StreamBuilder
from hpq_hls.kernels import MIN_DEPTH
from hpq_hls.simulate import QuantizedGraph


def build_dataflow(
    q: QuantizedGraph, config: HardwareConfig | None = None, name: str | None = None
) -> Dataflow:
    """The hardware of a network, folded as ``config`` says.

    What it leaves open gets the fewest multipliers that meet its target interval; without one every layer is
    as fast as it can be. ``hpq_hls.cost.build_design`` chooses by cost, and by what the part has.

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
    return StreamBuilder(q, config, config.target_interval or 1)


def single_pixel(q: QuantizedGraph, config: HardwareConfig) -> Dataflow:
    """The fastest design that passes one pixel per beat."""
    return StreamBuilder(q, config, 1, single=True).build("probe")


class FifoError(ConfigError):
    """A FIFO depth that a design cannot have. stream: whose; problem: as it follows the stream's name."""

    def __init__(self, stream: str, problem: str) -> None:
        super().__init__(f"fifo_depths.{stream} {problem}")
        self.stream, self.problem = stream, problem


def with_fifo_depths(flow: Dataflow, depths: Mapping[str, int]) -> Dataflow:
    """The same design with other FIFO depths, in beats by stream.

    Raises:
        ConfigError: they are no mapping.
        FifoError: an unknown stream, or a depth that is no whole number of at least 2.
    """
    if not isinstance(depths, Mapping):
        raise ConfigError(f"fifo_depths is {depths!r}; give depths in beats by stream, {{stream: depth}}")
    for name, depth in depths.items():
        if name not in flow.streams:
            close = difflib.get_close_matches(name, flow.streams, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(flow.streams)}"
            raise FifoError(name, f"names an unknown stream; {hint}")
        if isinstance(depth, bool) or not isinstance(depth, int):
            raise FifoError(name, f"is {depth!r}; give a whole number of beats, at least {MIN_DEPTH}")
        if depth < MIN_DEPTH:
            raise FifoError(name, f"is {depth}; a FIFO is at least {MIN_DEPTH} deep")
    streams = {
        name: replace(stream, depth=depths.get(name, stream.depth)) for name, stream in flow.streams.items()
    }
    return replace(flow, streams=streams)
