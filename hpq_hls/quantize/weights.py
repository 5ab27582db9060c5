"""The integers of a layer's weights at a width: scales and rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.ops.base import FloatArray, IntArray
from hpq_hls.quantize.compensate import descended, fed_back, feedback_factor, nearest, output_error
from hpq_hls.quantize.options import QuantizerOptions, Scaling, WeightRounding
from hpq_hls.quantize.precision import Width
from hpq_hls.quantize.scaling import CLIPPED_BITS, COARSEST, FINEST, range_integer_bits
from hpq_hls.simulate.layer import MAX_WEIGHT_SHIFT

UNTOUCHED_FROM = 8
"""Weights of so many bits or more are rounded to nearest, their integer bits chosen by their own error, and
their biases stay the float network's: rounding errors are below 2**-8 of the largest weight, so there is
nothing to win, and whoever asks for 8 bits or 16 expects the weights that were trained."""


@dataclass(frozen=True, eq=False)
class WeightCodes:
    """Rounded weights.

    raw: int64 in torch layout, aligned to ``type``. shift: int64 (out_channels,) or None, signs: both as in
    LayerSpec.
    """

    raw: IntArray
    type: FixedType
    shift: IntArray | None = None
    signs: bool = False

    def values(self) -> FloatArray:
        """What the integers stand for, in torch layout."""
        return self.type.to_float(self.raw)


@dataclass(frozen=True, eq=False)
class WeightMoments:
    """The second moments that a layer's rounding goes by, see ``InputMoments.matrix``, and their
    ``feedback_factor`` (None for diagonal matrices, which have nothing to feed back)."""

    matrix: FloatArray
    factor: FloatArray | None

    @classmethod
    def of(cls, matrix: FloatArray) -> WeightMoments:
        return cls(matrix, None if matrix.ndim == 2 else feedback_factor(matrix))


def uses_moments(options: QuantizerOptions, width: int) -> bool:
    """Whether ``round_weights`` looks at the second moments of the inputs at this width."""
    return width < UNTOUCHED_FROM and (
        options.scaling is Scaling.OUTPUT or options.weight_rounding is WeightRounding.COMPENSATED
    )


def chosen_modes(kind: FixedType) -> bool:
    """Whether a type's modes are those of the types that are chosen here."""
    return kind.signed and kind.rounding is Rounding.RND and kind.overflow is Overflow.SAT


def round_weights(
    weights: FloatArray, asked: Width, options: QuantizerOptions, moments: Callable[[], WeightMoments]
) -> WeightCodes:
    """Scale and round the weights of a layer.

    weights: (groups, rows, columns). asked: bits of an integer, or a whole type with ``chosen_modes``, which
    leaves the rounding. moments: called where ``uses_moments`` says. The result's raw is shaped like weights.

    One bit is a sign: weights are half a step above or below zero, so that what is rounded to 0 or 1 is half
    a step more than the weight.
    """
    width = asked.width if isinstance(asked, FixedType) else asked
    signs = asked == 1
    low, high = (0, 1) if signs else (-(1 << (width - 1)), (1 << (width - 1)) - 1)
    if isinstance(asked, FixedType):
        integers = np.full((*weights.shape[:2], 1), asked.integer, dtype=np.int64)
    else:
        integers = _candidates(weights, width, options)
    groups, rows, columns = weights.shape
    count = integers.shape[2]
    scale = np.ldexp(1.0, integers - width).reshape(groups, rows * count, 1)
    stacked = np.repeat(weights, count, axis=1) + (scale / 2 if signs else 0.0)
    statistics = moments() if uses_moments(options, width) else None
    feeds = None if options.weight_rounding is WeightRounding.NEAREST or statistics is None else statistics
    if feeds is not None and feeds.factor is not None:
        codes = fed_back(stacked, scale, low, high, feeds.matrix, feeds.factor)
    else:
        codes = nearest(stacked, scale, low, high)
    if statistics is not None and options.scaling is Scaling.OUTPUT:
        error = output_error(stacked, codes, scale, statistics.matrix)
    else:  # what the choice goes by is how well the weights themselves fit, whatever they are rounded to then
        error = np.square(stacked - nearest(stacked, scale, low, high) * scale).sum(axis=2)
    error = error.reshape(groups, rows, count)
    if not options.per_channel:
        error = np.broadcast_to(error.sum(axis=(0, 1)), error.shape)
    best = error.argmin(axis=2)[:, :, None]
    chosen = np.take_along_axis(codes.reshape(groups, rows, count, columns), best[..., None], 2)[:, :, 0]
    least = np.take_along_axis(integers, best, 2)
    if feeds is not None and feeds.factor is not None:
        scale = np.ldexp(1.0, least - width)
        wanted = weights + (scale / 2 if signs else 0.0)
        chosen = descended(wanted, chosen, scale, low, high, feeds.matrix)
    if signs:
        return replace(_aligned(2 * chosen - 1, least[:, :, 0], 2), signs=True)
    return _aligned(chosen, least[:, :, 0], width)


def _candidates(weights: FloatArray, width: int, options: QuantizerOptions) -> IntArray:
    """Integer bits to try for each row, most first, (groups, rows, candidates)."""

    def widest(values: FloatArray) -> int:
        return max(min(range_integer_bits(values, width, True), width - COARSEST), width - FINEST)

    groups, rows, _ = weights.shape
    full = np.full((groups, rows), widest(weights), dtype=np.int64)
    if options.per_channel:
        own = np.array([widest(row) for row in weights.reshape(groups * rows, -1)], dtype=np.int64)
        empty = ~weights.any(axis=2)
        full = np.where(empty, full, own.reshape(groups, rows))  # a row of zeros is as well off with any
    fewer = np.arange(1 if options.scaling is Scaling.RANGE else 1 + CLIPPED_BITS)
    fewest = max(int(full.max()) - MAX_WEIGHT_SHIFT if options.per_channel else -FINEST, width - FINEST)
    return np.asarray(np.maximum(full[:, :, None] - fewer, fewest))


def _aligned(codes: FloatArray, integers: IntArray, width: int) -> WeightCodes:
    """Codes of rows with different scales, as integers of one type."""
    used = codes.any(axis=2)
    least = int(integers[used].min() if used.any() else integers.min())
    shift = np.where(used, integers - least, 0)
    most = int(shift.max())
    raw = codes.astype(np.int64) << shift[:, :, None]
    kind = FixedType(width + most, least + most, True, Rounding.RND, Overflow.SAT)
    return WeightCodes(raw, kind, shift.reshape(-1) if most else None)
