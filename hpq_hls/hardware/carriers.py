"""Several constant channels in front of a padded convolution as few of them, with other weights.

At a border a constant channel is not there, so that no bias stands for it. But all of them are missing at the
same places: what they add is, for each row and tap, one number times whether the tap is inside. A few of the
channels, the carriers, add the same numbers if their weights can be chosen so, within the bits that weights
have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import Interval
from hpq_hls.ops.base import IntArray

MOST = 12
"""Carriers at most."""
SMALLEST = 3
"""So many of the smallest values are tried beside the largest."""
LARGEST = 1 << 18
"""Sums of carriers that are looked at, at most."""

Reached = npt.NDArray[np.bool_]


def carried(values: IntArray, sums: IntArray, codes: Interval) -> tuple[IntArray, IntArray] | None:
    """The fewest channels found that do for all of them, and their weights; None where fewer are not enough.

    values: (channels,), what each constant is, not 0. sums: of the products of weights and values, any shape.
    codes: those that weights can have. Returns numbers of channels (carriers,), and weights
    (carriers, *sums.shape), so that the sum of weights times values is ``sums``.
    """
    each, first = np.unique(values, return_index=True)
    order = np.argsort(-np.abs(each), kind="stable")
    wanted, back = np.unique(sums, return_inverse=True)
    for count in range(1, min(len(values) - 1, MOST) + 1):
        for small in range(min(SMALLEST, count) + 1):
            chosen = np.unique([*order[: count - small], *order[len(order) - small :]])
            if len(chosen) < count:
                continue
            found = _weights(each[chosen].tolist(), wanted, codes)
            if found is not None:
                made = found[:, back.reshape(-1)].reshape(count, *sums.shape)
                return first[chosen], made
    return None


def _weights(values: Sequence[int], wanted: IntArray, codes: Interval) -> IntArray | None:
    """(values, wanted): weights by which sums of values are each of those wanted; None where none do."""
    if (wanted % math.gcd(*values)).any():
        return None
    ends = [sorted((codes.lo * value, codes.hi * value)) for value in values]
    low, high = (sum(end[side] for end in ends) for side in (0, 1))
    if wanted[0] < low or wanted[-1] > high or high - low >= LARGEST:
        return None
    reached = [np.zeros(1, np.bool_)]  # by the first values: place 0 is the least sum
    reached[0][0], starts = True, [0]
    for value, (least, _) in zip(values, ends, strict=True):
        reached.append(_with(reached[-1], abs(value), codes.hi - codes.lo))
        starts.append(starts[-1] + least)
    if not reached[-1][wanted - low].all():
        return None
    weights, left = np.zeros((len(values), len(wanted)), np.int64), wanted.copy()
    for number in reversed(range(len(values))):
        before, start, open_ = reached[number], starts[number], np.ones(len(wanted), np.bool_)
        for code in sorted(range(codes.lo, codes.hi + 1), key=abs):
            place = left - code * values[number] - start
            fits = open_ & (place >= 0) & (place < len(before))
            fits[fits] = before[place[fits]]
            weights[number, fits] = code
            open_ &= ~fits
        left = left - weights[number] * values[number]
    return weights


def _with(reached: Reached, step: int, most: int) -> Reached:
    """What is reached with 0 to ``most`` steps more."""
    size = len(reached) + step * most
    rows = -(-size // step)
    counts = np.zeros((rows + 1) * step, np.int64)
    counts[step : step + len(reached)] = reached
    total = counts.reshape(rows + 1, step).cumsum(axis=0)
    window = total[1:].copy()
    window[most + 1 :] -= total[1 : rows - most]
    return np.asarray(window.reshape(-1)[:size] > 0)
