"""Rows of layers with weights whose sums are all cast to one number, however they vary: those of neurons that
saturate, that a ReLU keeps at zero, or that vary by less than the output's last place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import Interval, Overflow, cast_interval
from hpq_hls.identity import ByIdentity
from hpq_hls.ops.base import IntArray
from hpq_hls.simulate import QuantizedLayer

Mask = npt.NDArray[np.bool_]
SMALL = 1 << 60
"""Bound on sums of layers that are looked at: they fit int64."""
MAX_WIDTH = 63
"""Bits of outputs of layers that are looked at: they fit int64."""


_STICKS = ByIdentity[bool]()
"""By the layer."""
_ENDS = ByIdentity[tuple[IntArray, IntArray]]()
"""By the weights."""


def sticks(layer: QuantizedLayer) -> bool:
    """Whether a layer has such rows even if its input can be anything in its interval; found once."""
    return _STICKS.of(layer, lambda: _sticks(layer))


def _sticks(layer: QuantizedLayer) -> bool:
    seen = layer.input_edges[0].interval
    stuck = stuck_rows(layer, np.array([seen.lo]), np.array([seen.hi]))
    return stuck is not None and bool(stuck.mask.any())


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
    mask, sums = _near(layer, *ranges), np.clip(0, *ranges)
    if not mask.any():
        return Stuck(mask, sums, np.zeros_like(sums))
    fraction = layer.sum_fraction + epilogue.fraction
    slopes = epilogue.words[:, 0] if len(epilogue.slopes) > 1 else None
    made = [np.asarray(kind.from_raw(epilogue.apply(end, slopes), fraction)) for end in ranges]
    mask &= made[0] == made[1]
    for row in np.flatnonzero(mask).tolist():  # both ends are: what of those between them?
        own = epilogue if slopes is None else replace(epilogue, slopes=epilogue.slopes[row : row + 1])
        seen = Interval(int(ranges[0][row]), int(ranges[1][row]))
        found = cast_interval(own.interval(seen), fraction, kind)
        mask[row] = found.lo == found.hi
    return Stuck(mask, sums, made[0].astype(np.int64))


def _near(layer: QuantizedLayer, least: IntArray, most: IntArray) -> Mask:
    """A quick look, which finds all rows that are stuck, and others: those whose sums vary by less than the
    output's last place, or lie at an end of what they are brought into, or beyond. All that have slopes."""
    epilogue, made, varies = layer.epilogue, layer.output_type, least < most
    if epilogue.slopes:
        return np.asarray(varies)
    shift, low, high = layer.sum_fraction - made.fraction, -2 * SMALL, 2 * SMALL
    if made.overflow not in (Overflow.WRAP, Overflow.WRAP_SM):
        ends = [end << shift if shift >= 0 else end >> -shift for end in (made.min_raw, made.max_raw)]
        low, high = max(low, ends[0]), min(high, ends[1])
    low = low if epilogue.low is None else max(low, epilogue.low)
    high = high if epilogue.high is None else min(high, epilogue.high)
    step = 1 << min(max(shift, 0), 61)
    margin = step + 1  # and one for what an end was rounded by
    return np.asarray(varies & ((most - least < step) | (most < low + margin) | (least > high - margin)))


def _sum_ranges(layer: QuantizedLayer, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray] | None:
    """The least and the largest sum of each row, in units of the sum."""
    weight, kind, product = layer.weight_raw, layer.weight_type, layer.op.product
    if weight is None or kind is None or layer.partial_bound >= SMALL:
        return None
    groups = len(weight) if product is None else product.groups
    above, below = _ENDS.of(weight, lambda: _above_and_below(weight, groups))
    if product is not None and product.window is not None and any(product.window.padding):
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    columns = above.shape[2]
    ends = [np.broadcast_to(end, groups * columns).reshape(groups, columns, 1) for end in (low, high)]
    places = layer.sum_fraction - layer.input_edges[0].type.fraction - kind.fraction
    added = np.zeros((), np.int64)
    if layer.bias_raw is not None and layer.bias_type is not None:
        added = layer.bias_raw << (layer.sum_fraction - layer.bias_type.fraction)
    found = above @ ends[0] + below @ ends[1], above @ ends[1] + below @ ends[0]
    return (found[0].reshape(-1) << places) + added, (found[1].reshape(-1) << places) + added


def _above_and_below(weight: IntArray, groups: int) -> tuple[IntArray, IntArray]:
    """Of each row and channel what weights above 0 add up to, and those below: (groups, rows, channels) of a
    group."""
    columns = 1 if weight.ndim == 1 else weight.shape[1]
    parts = weight.reshape(groups, -1, columns, weight[0].size // columns)
    above = np.maximum(parts, 0).sum(axis=3)
    return above, parts.sum(axis=3) - above
