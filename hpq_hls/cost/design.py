"""The hardware of a network as it is generated, priced and simulated."""

from __future__ import annotations

from hpq_hls.cost.fifos import size_fifos
from hpq_hls.cost.folding import fold
from hpq_hls.hardware import Dataflow, HardwareConfig, build_dataflow, without_dead
from hpq_hls.simulate import QuantizedGraph


def build_design(
    q: QuantizedGraph, config: HardwareConfig | None = None, name: str | None = None
) -> Dataflow:
    """``build_dataflow`` of what is left of a network (``without_dead``), with everything decided that the
    settings leave open: folding and FIFO depths.

    Raises:
        ConfigError: as ``build_dataflow``; an unknown part.
    """
    config = config or HardwareConfig()
    left = without_dead(q, config)
    return size_fifos(build_dataflow(left, fold(left, config).config, name))
