"""The hardware of a network as it is generated, priced and simulated."""

from __future__ import annotations

from hpq_hls.cost.fifos import size_fifos
from hpq_hls.cost.folding import fold
from hpq_hls.hardware import Dataflow, HardwareConfig, build_dataflow
from hpq_hls.simulate import QuantizedGraph


def build_design(
    q: QuantizedGraph, config: HardwareConfig | None = None, name: str | None = None
) -> Dataflow:
    """``build_dataflow`` with everything decided that the settings leave open: folding and FIFO depths.

    Raises:
        ConfigError: as ``build_dataflow``; an unknown part.
    """
    return size_fifos(build_dataflow(q, fold(q, config or HardwareConfig()).config, name))
