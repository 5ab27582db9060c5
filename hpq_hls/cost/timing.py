"""Latency and interval of a Dataflow, by letting its kernels pass beats as the RTL does."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from hpq_hls.cost.engine import follow
from hpq_hls.cost.stages import Network, network_of
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import Dataflow


@dataclass(frozen=True)
class Timing:
    """Clock cycles of a design whose ports never wait, exactly as the RTL takes them; the interval of one
    that does not settle within 64 frames is a mean.

    latency: from the first beat of a frame going in to its last beat coming out, nothing else under
    way. interval: from frame to frame when they follow each other without a gap.
    """

    latency: int
    interval: int


def time_dataflow(flow: Dataflow) -> Timing:
    """Latency and interval of ``flow``; equal structures are followed only once, whatever their types.

    Raises:
        ConfigError: it hangs, because a FIFO before a join is too small.
    """
    return _timed(network_of(flow), tuple(stream.depth for stream in flow.streams.values()))


@functools.lru_cache(maxsize=128)
def _timed(network: Network, depths: tuple[int, ...]) -> Timing:
    run = follow(network, depths)
    if run.ends is None:
        raise ConfigError("the dataflow stops with FIFOs full on one branch of a join; make them deeper")
    return Timing(run.ends[0], run.interval)
