"""Rows of layers with weights whose sums are all cast to one number, however they vary: those of neurons that
saturate, that a ReLU keeps at zero, or that vary by less than the output's last place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import Interval, Overflow, cast_interval
from hpq_hls.identity import ByIdentity
from hpq_hls.ops.base import IntArray
from hpq_hls.simulate import QuantizedLayer
from hpq_hls.simulate.layer import aligned_parameters

Mask = npt.NDArray[np.bool_]
SMALL = 1 << 60
"""Bound on sums of layers that are looked at: they fit int64."""
MAX_WIDTH = 63
"""Bits of outputs of layers that are looked at: they fit int64."""


_STICKS: WeakKeyDictionary[QuantizedLayer, bool] = WeakKeyDictionary()


def sticks(layer: QuantizedLayer) -> bool:
    """Whether a layer has such rows even if its input can be anything in its interval; found once."""
    found = _STICKS.get(layer)
    if found is None:
        found = _STICKS[layer] = _may_stick(layer) and _sticks(layer)
    return found


def _sticks(layer: QuantizedLayer) -> bool:
    seen = layer.input_edges[0].interval
    stuck = stuck_rows(layer, np.array([seen.lo]), np.array([seen.hi]))
    return stuck is not None and bool(stuck.mask.any())


def _may_stick(layer: QuantizedLayer) -> bool:
    """A quick look, by what the weights of each row add up to: whether the sums of a row are less than the
    output's last place apart, or all of them at an end of what they are brought into, or beyond."""
    weight, kind, product = layer.weight_raw, layer.weight_type, layer.op.product
    if weight is None or kind is None or layer.partial_bound >= SMALL:
        return False
    edge, fraction, epilogue, made = (
        layer.input_edges[0],
        layer.sum_fraction,
        layer.epilogue,
        layer.output_type,
    )
    if epilogue.slopes:
        return True
    seen = edge.interval
    if product is not None and product.window is not None and any(product.window.padding):
        seen = seen.hull(Interval(0, 0))
    above, below = _ENDS.of(weight, lambda: _above_and_below(weight))
    places, shift = fraction - edge.type.fraction - kind.fraction, fraction - made.fraction
    least, most = (above * seen.lo + below * seen.hi) << places, (above * seen.hi + below * seen.lo) << places
    if layer.bias_raw is not None and layer.bias_type is not None:
        bias = layer.bias_raw << (fraction - layer.bias_type.fraction)
        least, most = least + bias, most + bias
    step, low, high = 1 << max(shift, 0), -2 * SMALL, 2 * SMALL
    if made.overflow not in (Overflow.WRAP, Overflow.WRAP_SM):
        limits = [end << shift if shift >= 0 else end >> -shift for end in (made.min_raw, made.max_raw)]
        low, high = max(low, limits[0]), min(high, limits[1])
    low = low if epilogue.low is None else max(low, epilogue.low)
    high = high if epilogue.high is None else min(high, epilogue.high)
    margin = step + 1  # and one for what a limit was rounded by
    return bool(((most - least < step) | (most < low + margin) | (least > high - margin)).any())


_ENDS = ByIdentity[tuple[IntArray, IntArray]]()
"""By the weights."""


def _above_and_below(weight: IntArray) -> tuple[IntArray, IntArray]:
    """Of each row the sum of what is above 0, and of what is below."""
    flat = weight.reshape(len(weight), -1)
    above = np.maximum(flat, 0).sum(axis=1)
    return above, flat.sum(axis=1) - above


@dataclass(frozen=True, eq=False)
class Stuck:
    """mask: (rows,). sums: of each row the smallest that it can have, int64 in units of the sum. raw: what
    all of them are cast to, where ``mask`` is set."""

    mask: Mask
    sums: IntArray
    raw: IntArray


def stuck_rows(layer: QuantizedLayer, low: IntArray, high: IntArray) -> Stuck | None:
    """Which rows, whose sums vary, are cast to one number; None for a layer without weights, with signs for
    weights, which cannot be zero instead, or with numbers that do not fit int64.

    low, high: of each channel of the input what it is at least and at most, (channels,), or (1,) of all.
    """
    epilogue, kind = layer.epilogue, layer.output_type
    ranges = None if layer.weight_signs or kind.width > MAX_WIDTH else _sum_ranges(layer, low, high)
    if ranges is None:
        return None
    fraction = layer.sum_fraction + epilogue.fraction
    slopes = epilogue.words[:, 0] if len(epilogue.slopes) > 1 else None
    made = [np.asarray(kind.from_raw(epilogue.apply(end, slopes), fraction)) for end in ranges]
    mask = np.asarray((made[0] == made[1]) & (ranges[0] < ranges[1]))
    for row in np.flatnonzero(mask).tolist():  # both ends are: what of those between them?
        own = epilogue if slopes is None else replace(epilogue, slopes=epilogue.slopes[row : row + 1])
        sums = Interval(int(ranges[0][row]), int(ranges[1][row]))
        found = cast_interval(own.interval(sums), fraction, kind)
        mask[row] = found.lo == found.hi
    return Stuck(mask, np.clip(0, *ranges), made[0].astype(np.int64))


def _sum_ranges(layer: QuantizedLayer, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray] | None:
    """The least and the largest sum of each row, in units of the sum."""
    if layer.weight_raw is None or layer.partial_bound >= SMALL:
        return None
    types = [edge.type for edge in layer.input_edges]
    weight, bias = aligned_parameters(layer.op, types, layer, layer.sum_fraction)
    assert weight is not None
    if weight.dtype == object or (bias is not None and bias.dtype == object):
        return None
    rows, product = len(weight), layer.op.product
    groups = rows if product is None else product.groups
    if product is not None and product.window is not None and any(product.window.padding):
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    columns = 1 if weight.ndim == 1 else weight.shape[1]
    weight = weight.reshape(groups, rows // groups, columns, weight[0].size // columns)
    above = np.maximum(weight, 0).sum(axis=3)
    below = weight.sum(axis=3) - above
    ends = [np.broadcast_to(end, groups * columns).reshape(groups, columns, 1) for end in (low, high)]
    added = 0 if bias is None else bias
    least, most = above @ ends[0] + below @ ends[1], above @ ends[1] + below @ ends[0]
    return least.reshape(rows) + added, most.reshape(rows) + added
