"""What every layer computes, in integers and beside the float network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hpq_hls.graph import Inputs, named
from hpq_hls.ops.base import FloatArray, IntArray
from hpq_hls.simulate import engine

if TYPE_CHECKING:  # that class calls this function
    from hpq_hls.simulate.quantized_graph import QuantizedGraph


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """The output of one layer for some samples, in torch layout, (samples, *shape), behind its activation.

    float: of the float network, batch-norm folded and scales equalized as the quantized one has it. raw:
    int64. value: what raw stands for, float64.
    """

    float: FloatArray
    raw: IntArray
    value: FloatArray

    @property
    def error(self) -> FloatArray:
        """What quantization has changed so far."""
        return self.value - self.float


def trace(q: QuantizedGraph, x: Inputs) -> Mapping[str, LayerTrace]:
    """See ``QuantizedGraph.trace``. x: checked."""
    given = {name: q.input_types[name].from_float(part) for name, part in named(x, q.graph.inputs).items()}
    raw, floats = engine.simulate_all(q, given), q.graph.values(x)
    found = {}
    for name, layer in q.layers.items():
        integers: npt.NDArray[np.int64] = raw[name].astype(np.int64, copy=False)
        found[name] = LayerTrace(floats[name], integers, layer.output_type.to_float(integers))
    return MappingProxyType(found)
