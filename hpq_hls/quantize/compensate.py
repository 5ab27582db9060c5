"""Rounding that makes up for its own errors: integers whose layer, not whose weights, is close to the float.

A layer's output for inputs x is W x; with integers Q of scale s it is s Q x, and the mean squared
difference over the calibration data is the sum over output rows of e H e^T with e = w - s q and the second
moments H = E[x x^T]. Finding the best integers is a closest-vector problem; two passes approximate it:

1. Column by column (Frantar et al., "Optimal Brain Compression", arXiv 2208.11580, and "GPTQ",
   arXiv 2210.17323): a column is rounded to nearest, and what this adds to the output's error is made up for,
   as far as least squares can, by the columns that are still to be rounded.
2. Coordinate descent: each integer in turn takes the value that is best with all others held, until none
   moves. The error never rises.

A code may be bound to fewer values than the width has: pruned weights stay zero that way, and the others
make up for each other without them. Both passes work on what is left of the weights after rounding to
nearest, of the order of one step at any width, so that float64 decides about 30 bits as about 3.

The rows of all groups of a convolution are independent and go through side by side. Everything is computed
in float64 and depends on nothing but the arguments.
"""

from __future__ import annotations

import numpy as np

from hpq_hls.ops.base import FloatArray

BLOCK = 32
"""Columns that are rounded before the rest of the matrix is told about their errors."""
SWEEPS = 20
"""Most passes of the coordinate descent; some five usually do."""
LEAST_GAIN = 1e-9
"""By how much of a step a better value must be better, so that the noise of float64 moves nothing."""
LEAST_CHANGE = 0.49
"""No integer is nearer to what is closer to the one that there is."""


Bound = int | FloatArray
"""Least or largest code: of all, or (groups, rows, columns)."""


def nearest(weights: FloatArray, scale: FloatArray, low: Bound, high: Bound) -> FloatArray:
    """Integers nearest to ``weights / scale`` within ``low..high``, ties upwards, as AP_RND and AP_SAT do."""
    return np.clip(np.floor(weights / scale + 0.5), low, high)


def output_error(
    weights: FloatArray, codes: FloatArray, scale: FloatArray, moments: FloatArray
) -> FloatArray:
    """Mean squared error of each row's output, (groups, rows).

    weights, codes: (groups, rows, columns). scale: (groups, rows, 1). moments: (groups, columns, columns),
    or (groups, columns) for diagonal matrices.
    """
    error = weights - codes * scale
    if moments.ndim == 2:
        return np.asarray((np.square(error) * moments[:, None]).sum(axis=2))
    return np.asarray((np.matmul(error, moments) * error).sum(axis=2))


def fed_back(
    weights: FloatArray, scale: FloatArray, low: Bound, high: Bound, moments: FloatArray, factor: FloatArray
) -> FloatArray:
    """Pass 1: integers within ``low..high`` whose output error is small, never above that of ``nearest``.

    weights: (groups, rows, columns). scale: (groups, rows, 1), a power of two for each row. moments:
    (groups, columns, columns), symmetric and positive definite. factor: ``feedback_factor(moments)``.
    """
    rounded = nearest(weights, scale, low, high)
    order = _order(moments)[:, None]
    left, least, most = (
        np.take_along_axis(values, order, axis=2)
        for values in (weights / scale - rounded, low - rounded, high - rounded)
    )
    steps = np.empty_like(weights)
    np.put_along_axis(steps, order, _fed_back(left, least, most, factor), axis=2)
    fed = rounded + steps
    worse = output_error(weights, fed, scale, moments) > output_error(weights, rounded, scale, moments)
    fed[worse] = rounded[worse]
    return fed


def feedback_factor(moments: FloatArray) -> FloatArray:
    """The upper triangular U with U^T U = inverse of ``moments``, columns in the order of rounding.

    Columns with large second moments come first: their errors matter most, and the most columns are left to
    make up for them.
    """
    order = _order(moments)
    ordered = np.take_along_axis(np.take_along_axis(moments, order[:, None], 2), order[:, :, None], 1)
    inverse = np.linalg.inv(ordered)
    lower = np.linalg.cholesky((inverse + inverse.transpose(0, 2, 1)) / 2)
    return np.asarray(lower.transpose(0, 2, 1), dtype=np.float64)


def _order(moments: FloatArray) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    return np.argsort(-np.diagonal(moments, axis1=1, axis2=2), axis=1, kind="stable")


def _fed_back(wanted: FloatArray, low: FloatArray, high: FloatArray, factor: FloatArray) -> FloatArray:
    """Columns in the order of ``factor``. wanted: weights in units of their scale; changed."""
    codes = np.empty_like(wanted)
    errors = np.empty((*wanted.shape[:2], BLOCK))
    for start in range(0, wanted.shape[2], BLOCK):
        end = min(start + BLOCK, wanted.shape[2])
        for column in range(start, end):
            own = wanted[:, :, column]
            code = _nearest(own, low[:, :, column], high[:, :, column])
            codes[:, :, column] = code
            error = (own - code) / factor[:, column, column, None]
            wanted[:, :, column + 1 : end] -= error[:, :, None] * factor[:, None, column, column + 1 : end]
            errors[:, :, column - start] = error
        wanted[:, :, end:] -= np.matmul(errors[:, :, : end - start], factor[:, start:end, end:])
    return codes


def descended(
    weights: FloatArray, codes: FloatArray, scale: FloatArray, low: Bound, high: Bound, moments: FloatArray
) -> FloatArray:
    """Pass 2: integers that no change of a single one improves, from ``codes`` on (or after SWEEPS)."""
    groups, rows, columns = codes.shape
    left = weights / scale - codes  # what is asked for is counted from the codes, and stays small
    slopes = np.matmul(left, moments).reshape(-1, columns)
    least, most = ((bound - codes).reshape(-1, columns) for bound in (low, high))
    steps = np.zeros((groups * rows, columns))
    group = np.repeat(np.arange(groups), rows)
    curvature = np.diagonal(moments, axis1=1, axis2=2)
    active = np.arange(len(steps))
    for _ in range(SWEEPS):
        moved = np.zeros(len(active), dtype=bool)
        own, slope, of = steps[active], slopes[active], group[active]
        floor, ceiling, bends = least[active], most[active], curvature[of]
        for column in range(columns):
            change = slope[:, column] / bends[:, column]
            if not (np.abs(change) > LEAST_CHANGE).any():
                continue
            now = own[:, column]
            best = now + change
            rounded = _nearest(best, floor[:, column], ceiling[:, column])
            gain = np.abs(now - best) - np.abs(rounded - best)
            changing = (gain > LEAST_GAIN).nonzero()[0]
            if changing.size:
                step = rounded[changing] - now[changing]
                own[changing, column] = rounded[changing]
                slope[changing] -= step[:, None] * moments[of[changing], column]
                moved[changing] = True
        steps[active], slopes[active] = own, slope
        active = active[moved]
        if not active.size:
            break
    return np.asarray(codes + steps.reshape(codes.shape))


def _nearest(wanted: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """The nearest integers within bounds."""
    rounded = np.floor(wanted + 0.5)
    np.maximum(rounded, low, out=rounded)
    return np.minimum(rounded, high, out=rounded)
