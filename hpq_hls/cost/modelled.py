"""Cycles of a project of C++ without the C++: what its loops take as a tool pipelines them.

``hpq_hls.verify.schedule`` runs the emitted C++ in a model of its schedule. This is the same model of the
design that the C++ is emitted from, for estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpq_hls.cost.engine import Run, follow
from hpq_hls.cost.loops import loops_of
from hpq_hls.cost.stages import network_of
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import Dataflow

DEPTHS = (2, 24)
"""Stages of a pipeline, the least and the most, as ``hpq_hls.verify.schedule`` has them."""


@dataclass(frozen=True)
class Cycles:
    """Least and most cycles of latency and interval."""

    latency: tuple[int, int]
    interval: tuple[int, int]


def modelled_cycles(flow: Dataflow) -> Cycles:
    """Cycles of the C++ of a Dataflow where its pipelines have 2 to 24 stages.

    Raises:
        ConfigError: it hangs with such pipelines, because a FIFO before a join is too small.
    """
    least, most = (_run(flow, stages) for stages in DEPTHS)
    return Cycles((_latency(least), _latency(most)), (least.interval, most.interval))


def _run(flow: Dataflow, stages: int) -> Run:
    depths = [stream.depth for stream in flow.streams.values()]
    run = follow(*loops_of(network_of(flow, in_step=False), depths, stages))
    if run.ends is None:
        raise ConfigError(
            f"as C++ the dataflow stops, with pipelines of {stages} stages, with FIFOs full on one branch of "
            "a join; make them deeper"
        )
    return run


def _latency(run: Run) -> int:
    """The last beat has left one cycle after the sink finds it in the port's registers."""
    assert run.ends is not None
    return run.ends[0] + 1
