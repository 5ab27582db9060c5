"""Counting the values that did not fit the types they were cast to."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from hpq_hls.fixed import FixedType, Overflow
from hpq_hls.graph import Inputs, named
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.simulate.engine import Schedule, real_source
from hpq_hls.simulate.layer import LayerSpec, QuantizedLayer, quantized_layer
from hpq_hls.simulate.plan import LayerPlan, number_plan
from hpq_hls.simulate.table_plan import TablePlan

if TYPE_CHECKING:  # that class calls this function
    from hpq_hls.simulate.quantized_graph import QuantizedGraph

WIDEST = 64
"""Bits of the type that values are cast to instead, to see what does not fit; what does not fit it either
saturates beyond any type of a layer, which has 32 bits at most."""


@dataclass(frozen=True)
class Saturation:
    """Values that did not fit their type. count: of how many, total."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.count / self.total


def count_saturation(q: QuantizedGraph, x: Inputs) -> Mapping[str, Saturation]:
    """See ``QuantizedGraph.saturation``. x: checked."""
    schedule = Schedule.of(q)
    unbounded = {name: _unbounded(layer) for name, layer in q.layers.items() if layer.op.casts}
    source, given = real_source(schedule, x), named(x, q.graph.inputs)
    clipped = Counter(dict.fromkeys((*given, *unbounded), 0))
    work: dict[object, Array] = {}
    for rows in schedule.blocks(len(x)):
        values: dict[str, Array] = {}
        for name, kind in q.input_types.items():
            clipped[name] += _outside(_widest(kind).from_float(given[name][rows]), kind)
            values[name] = source(name, rows, Scratch(work, name, schedule.channels_last)).copy()
        schedule.run(q.layers, dict(values), work, functools.partial(_keep, values))
        for layer, plan in unbounded.items():
            if plan is not None:
                inputs = [values[read] for read in q.layers[layer].inputs]
                clipped[layer] += _outside(_run(plan, inputs), q.layers[layer].output_type)
    return MappingProxyType(
        {name: Saturation(count, len(x) * math.prod(q.graph.shapes[name])) for name, count in clipped.items()}
    )


def _keep(values: dict[str, Array], name: str, value: Array) -> None:
    values[name] = value.copy()


def _unbounded(layer: QuantizedLayer) -> LayerPlan | TablePlan | None:
    """The layer with a type that clips nothing; None where its own type never does."""
    spec = LayerSpec(
        layer.weight_raw,
        layer.weight_type,
        layer.bias_raw,
        layer.bias_type,
        _widest(layer.output_type),
        layer.weight_shift,
        layer.weight_signs,
    )
    wide = quantized_layer(layer.name, layer.op, layer.inputs, layer.activation, layer.input_edges, spec)
    return None if wide.output_interval in layer.output_type.interval else number_plan(wide)


def _widest(kind: FixedType) -> FixedType:
    integer = WIDEST - kind.fraction
    return FixedType(WIDEST, integer, True, kind.rounding, Overflow.SAT)


def _run(plan: LayerPlan | TablePlan, inputs: Sequence[Array]) -> Array:
    return plan.run(inputs, Scratch())


def _outside(raw: Array, kind: FixedType) -> int:
    return int(np.count_nonzero((raw < kind.min_raw) | (raw > kind.max_raw)))
