"""How values lie in what their type can hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpq_hls.fixed import FixedType
from hpq_hls.ops.base import FloatArray
from hpq_hls.simulate import QuantizedLayer
from hpq_hls.simulate.layer import per_channel
from hpq_hls.simulate.probe import widest

BINS = 48
"""Of a histogram, about."""
KEPT = 40_000
"""Values that a histogram is made of, at most: evenly taken from all."""


@dataclass(frozen=True)
class Histogram:
    """Float values before quantization beside the range of the type that they are cast to.

    low, high: the outer edges of the bins, which are equally wide. counts: values in each bin. least, most:
    of the type; step: its last place. outside: share of the values that saturate."""

    low: float
    high: float
    counts: tuple[int, ...]
    least: float
    most: float
    step: float
    outside: float


def histogram(values: FloatArray, kind: FixedType) -> Histogram:
    """Of finite values, any shape, over their range and the type's. What the type can round to begins and
    ends at the edge of a bin, but where values go so far beyond that it is narrower than one."""
    step = 2.0**-kind.fraction
    least, most = kind.min_raw * step, kind.max_raw * step
    low, high = least - step / 2, most + step / 2
    first, last = min(float(values.min()), low), max(float(values.max()), high)
    within = round(BINS * (high - low) / (last - first))
    if within:
        wide = (high - low) / within
        below, above = math.ceil((low - first) / wide), math.ceil((last - high) / wide)
        count, low, high = within + below + above, low - below * wide, high + above * wide
    else:
        count, low, high = BINS, first, last
    counts, _ = np.histogram(values, count, (low, high))
    raw = widest(kind).from_float(values)
    outside = np.count_nonzero((raw < kind.min_raw) | (raw > kind.max_raw)) / values.size
    return Histogram(low, high, tuple(counts.tolist()), least, most, step, float(outside))


def weight_histogram(weight: FloatArray | None, layer: QuantizedLayer) -> Histogram | None:
    """Of a layer's trained weights, in torch layout, as they would be stored: without the power of two of
    their channel. None where the layer has no weights."""
    kind = layer.stored_weight_type
    if weight is None or kind is None or not weight.size:
        return None
    values = np.asarray(weight, np.float64)
    if layer.weight_shift is not None:
        values = values / 2.0 ** per_channel(layer.weight_shift, values.ndim)
    return histogram(thinned(values, KEPT), kind)


def thinned(values: FloatArray, most: int) -> FloatArray:
    """At most so many of some values, flat, evenly taken."""
    flat = values.reshape(-1)
    return flat[:: max(1, -(-flat.size // most))]
