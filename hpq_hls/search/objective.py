"""What a precision combination costs; smaller is better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hpq_hls.cost import estimate_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import HardwareConfig, Io, build_dataflow
from hpq_hls.hardware.build import fastest_target
from hpq_hls.search.measurement import Price
from hpq_hls.simulate import QuantizedGraph

Objective = Callable[[QuantizedGraph], float]
Pricing = Callable[[QuantizedGraph], Price]

LUTS_PER_DSP = 55
"""What a DSP counts in the objective "lut" (the weight of HGQ's EBOPs, arXiv 2405.00645). Priced at
nothing, a search for few LUTs would widen layers until their multipliers move into DSPs."""

ESTIMATED = {"lut": "lut", "ff": "ff", "dsp": "dsp", "bram": "bram", "latency": "latency_cycles"}
OBJECTIVES = (*ESTIMATED, "weight_bits", "bops")


def bit_operations(q: QuantizedGraph) -> int:
    """Sum over all multiplications of weight width times input width (BOPs)."""
    total = 0
    for name, layer in q.layers.items():
        if layer.weight_raw is None or layer.weight_type is None:
            continue
        positions = math.prod(q.graph.shapes[name][1:])
        input_width = q.edges[layer.inputs[0]].type.width
        total += layer.weight_raw.size * positions * layer.weight_type.width * input_width
    return total


def find_objective(
    name: str, part: str, clock_ns: float, config: HardwareConfig, widest: QuantizedGraph
) -> Objective:
    """The objective called ``name``.

    Folding is fixed once, on the widest combination, so that all combinations are compared at one
    speed.

    Raises:
        ConfigError: there is none.
    """
    if name in _COUNTED:
        return _COUNTED[name]
    if name not in ESTIMATED:
        raise ConfigError(f"there is no objective {name!r}; choose one of {', '.join(OBJECTIVES)}")
    if config.io is Io.STREAM and config.target_interval is None:
        config = replace(config, target_interval=fastest_target(widest, config))
    return _Estimated(name, part, clock_ns, config)


def _weight_bits(q: QuantizedGraph) -> float:
    return float(q.weight_bits)


def _bops(q: QuantizedGraph) -> float:
    return float(bit_operations(q))


_COUNTED: dict[str, Objective] = {"weight_bits": _weight_bits, "bops": _bops}


@dataclass(frozen=True)
class _Estimated:
    """A figure of the resource estimate."""

    name: str
    part: str
    clock_ns: float
    config: HardwareConfig

    def __call__(self, q: QuantizedGraph) -> float:
        dataflow = build_dataflow(q, self.config)
        estimate = estimate_dataflow(dataflow, self.part, self.clock_ns, weight_bits=q.weight_bits)
        dsps = LUTS_PER_DSP * estimate.dsp if self.name == "lut" else 0
        return float(getattr(estimate, ESTIMATED[self.name]) + dsps)


@dataclass(frozen=True)
class Pricer:
    """What a network costs by an objective."""

    objective: Objective

    def __call__(self, q: QuantizedGraph) -> Price:
        return Price(self.objective(q), 0.0, q.weight_bits)
