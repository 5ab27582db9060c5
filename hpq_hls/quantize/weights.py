"""The integers of a layer's weights at a width: scales and rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.ops.base import FloatArray, IntArray
from hpq_hls.quantize.compensate import (
    Bound,
    descended,
    fed_back,
    feedback_factor,
    nearest,
    output_error,
)
from hpq_hls.quantize.options import QuantizerOptions, Scaling, WeightRounding
from hpq_hls.quantize.precision import Width
from hpq_hls.quantize.scaling import CLIPPED_BITS, COARSEST, FINEST, range_integer_bits
from hpq_hls.simulate.layer import MAX_WEIGHT_SHIFT

HOPELESS = 16.0
"""Integer bits that give a layer's output so many times the error of the best, all weights rounded to
nearest, are not tried any further; making up for errors does not turn that round."""


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


def uses_moments(options: QuantizerOptions) -> bool:
    """Whether ``round_weights`` looks at the second moments of the inputs."""
    return options.scaling is Scaling.OUTPUT or options.weight_rounding is WeightRounding.COMPENSATED


def chosen_modes(kind: FixedType) -> bool:
    """Whether a type's modes are those of the types that are chosen here."""
    return kind.signed and kind.rounding is Rounding.RND and kind.overflow is Overflow.SAT


def round_weights(
    weights: FloatArray,
    asked: Width,
    options: QuantizerOptions,
    moments: Callable[[], WeightMoments],
    zeros: npt.NDArray[np.bool_] | None = None,
) -> WeightCodes:
    """Scale and round the weights of a layer.

    weights: (groups, rows, columns). asked: bits of an integer, or a whole type with ``chosen_modes``, which
    leaves the rounding. moments: called where ``uses_moments`` says. zeros: weights that are 0 and stay so,
    shaped like weights; one bit holds no 0. The result's raw is shaped like weights.

    One bit is a sign: weights are half a step above or below zero, so that what is rounded to 0 or 1 is half
    a step more than the weight.
    """
    width = asked.width if isinstance(asked, FixedType) else asked
    signs = asked == 1
    if isinstance(asked, FixedType):
        integers = np.full((*weights.shape[:2], 1), asked.integer, dtype=np.int64)
    else:
        integers = _candidates(weights, width, options)
    statistics = moments() if uses_moments(options) else None
    codes, integers = _Rounding(weights, width, signs, options, statistics, zeros).solve(integers)
    if signs:
        return replace(_aligned(2 * codes - 1, integers, 2), signs=True)
    return _aligned(codes, integers, width)


@dataclass(frozen=True, eq=False)
class _Rounding:
    """Weights that are to become codes; their integer bits are still open. See ``round_weights``."""

    weights: FloatArray
    width: int
    signs: bool
    options: QuantizerOptions
    statistics: WeightMoments | None
    zeros: npt.NDArray[np.bool_] | None

    def solve(self, integers: IntArray) -> tuple[FloatArray, IntArray]:
        """Codes, shaped like the weights, and each row's integer bits, (groups, rows).

        integers: those to choose from, (groups, rows, candidates).
        """
        by_output, feeds = self.options.scaling is Scaling.OUTPUT, self._feeds
        codes, error = self._tried(integers, None)
        if feeds is not None:
            # Without OUTPUT the choice goes by how well the weights themselves fit, whatever they are rounded
            # to then; with it, only what is hopeless already is left out.
            least = error.min(axis=2, keepdims=True)
            kept = (error <= HOPELESS * least).any(axis=(0, 1)) if by_output else None
            integers = _taken(integers, error) if kept is None else integers[:, :, kept]
            codes, error = self._tried(integers, feeds)
        codes = np.take_along_axis(codes, error.argmin(axis=2)[:, :, None, None], 2)[:, :, 0]
        integers = _taken(integers, error)
        if feeds is not None:
            wanted, scale, low, high = self._stacked(integers)
            codes = descended(wanted, codes, scale, low, high, feeds.matrix)
        return codes, integers[:, :, 0]

    @property
    def _feeds(self) -> WeightMoments | None:
        """What errors are fed back by; None where each weight is rounded by itself."""
        if self.options.weight_rounding is WeightRounding.NEAREST or self.statistics is None:
            return None
        return None if self.statistics.factor is None else self.statistics

    def _tried(self, integers: IntArray, feeds: WeightMoments | None) -> tuple[FloatArray, FloatArray]:
        """Codes with each choice of integer bits, (groups, rows, candidates, columns), and their error,
        (groups, rows, candidates); that of the whole layer where all channels have one scale."""
        wanted, scale, low, high = self._stacked(integers)
        if feeds is None or feeds.factor is None:
            codes = nearest(wanted, scale, low, high)
        else:
            codes = fed_back(wanted, scale, low, high, feeds.matrix, feeds.factor)
        if self.statistics is not None and self.options.scaling is Scaling.OUTPUT:
            error = output_error(wanted, codes, scale, self.statistics.matrix)
        else:
            error = np.square(wanted - codes * scale).sum(axis=2)
        error = error.reshape(integers.shape)
        if not self.options.per_channel:
            error = np.broadcast_to(error.sum(axis=(0, 1)), error.shape)
        return codes.reshape(*integers.shape, -1), error

    def _stacked(self, integers: IntArray) -> tuple[FloatArray, FloatArray, Bound, Bound]:
        """Weights, scales, least and largest codes, a row for each candidate of each row."""
        groups, rows, count = integers.shape
        scale = np.ldexp(1.0, integers - self.width).reshape(groups, rows * count, 1)
        wanted = np.repeat(self.weights, count, axis=1) + (scale / 2 if self.signs else 0.0)
        low, high = (0, 1) if self.signs else (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1)
        if self.zeros is None:
            return wanted, scale, low, high
        free = np.repeat(~self.zeros, count, axis=1)
        return wanted, scale, np.where(free, float(low), 0.0), np.where(free, float(high), 0.0)


def _taken(integers: IntArray, error: FloatArray) -> IntArray:
    """The integer bits with the least error, most bits first, (groups, rows, 1)."""
    return np.take_along_axis(integers, error.argmin(axis=2)[:, :, None], 2)


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
