"""What the low bits of a layer's sums are worth, channel by channel.

Where output channels have scales of their own, aligned weights are wider than those that are stored, and a
bound on aligned sums alone would put layers into wider numbers than they need. But the products of channel c
are multiples of a power of two, and so is everything at which a cast decides: the multiples of half a unit of
the output. Of a bias only two things then matter: the multiple of that power, the channel's *grain*, that it
lies at or just above, and whether it lies above. Sums are counted in grains, and those are few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpq_hls.ops.base import IntArray
from hpq_hls.ops.layout import Array
from hpq_hls.simulate.layer import QuantizedLayer, WideArray

_SAFE = 2**62


@dataclass(frozen=True, eq=False)
class Grains:
    """Sums of a layer, counted in grains.

    exponents: (out_channels,): a grain of channel c is ``2**exponents[c]`` units of the exact sum.
    bias: (out_channels,) in grains, rounded down. between: where bits were dropped for that, which means
    that sums of the channel lie strictly between two multiples of its grain.
    bound: on the magnitude of the sum of any of the terms, in grains.
    """

    exponents: IntArray
    bias: WideArray
    between: Array
    bound: int


def whole_sums(layer: QuantizedLayer, bias: WideArray | None, extra: int) -> Grains:
    """Grains of one unit: sums as they are. extra: what is added to every sum besides, at most."""
    channels = 0 if layer.weight_raw is None else len(layer.weight_raw)
    zeros = np.zeros(channels, np.int64)
    return Grains(zeros, zeros if bias is None else bias, zeros > 0, layer.partial_bound + extra)


def channel_grains(
    layer: QuantizedLayer, weight: WideArray, bias: WideArray | None, drop: int, extra: int
) -> Grains | None:
    """The largest grains that channels have; None where there are none, or no int64 to count them.

    weight, bias: aligned with the sum. drop: bits of the sum that lie below the output's; extra: as above, a
    multiple of half a unit of the output.
    """
    shift = layer.weight_shift
    if shift is None or drop < 2 or weight.dtype == object or (bias is not None and bias.dtype == object):
        return None
    (edge,) = layer.input_edges
    rows = weight.reshape(len(weight), -1)
    most, least = max(edge.interval.hi, 0), min(edge.interval.lo, 0)
    if int(np.abs(rows).max(initial=0)) * max(rows.shape[1], 1) * max(most, -least, 1) >= _SAFE:
        return None
    assert layer.weight_type is not None
    aligned = layer.sum_fraction - edge.type.fraction - layer.weight_type.fraction
    exponents = np.minimum(shift + aligned, drop - 1)
    offset = np.zeros(len(rows), np.int64) if bias is None else bias
    floor = offset >> exponents
    between = offset != floor << exponents
    positive, negative = np.maximum(rows, 0).sum(axis=1), np.minimum(rows, 0).sum(axis=1)
    above = ((positive * most + negative * least) >> exponents) + np.maximum(floor + between, 0)
    below = ((positive * least + negative * most) >> exponents) + np.minimum(floor, 0)
    bound = np.maximum(above, -below) + (extra >> exponents)
    return Grains(exponents, floor, between, int(bound.max()))
