"""Biases: what rounding did to the mean output goes into them, and their type."""

from __future__ import annotations

import numpy as np

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize.moments import InputMoments
from hpq_hls.quantize.precision import Width
from hpq_hls.quantize.scaling import COARSEST, FINEST, ends, integer_bits_between

MAX_BIAS_WIDTH = 32


def mean_input(moments: InputMoments, seen: FixedType) -> FloatArray:
    """Mean of each column's input as a layer sees it, rounded and clipped to ``seen``; (groups, columns)."""
    sample = moments.sample.astype(np.float64)
    return np.asarray(moments.mean + (seen.to_float(seen.from_float(sample)) - sample).mean(axis=0))


def corrected_bias(
    bias: FloatArray, weights: FloatArray, rounded: FloatArray, moments: InputMoments, seen_mean: FloatArray
) -> FloatArray:
    """The bias with which the mean output on calibration data is the float layer's, (out_channels,).

    bias + E[W x] - E[W' x'] for the rounded weights W' and the layer's inputs as rounded to their type, x'
    (Nagel et al., "Data-Free Quantization", arXiv 1906.04721, section 4.2, with means that are measured).
    weights, rounded: (groups, rows, columns). seen_mean: ``mean_input``.

    The inputs are those of the float network: that layers before have other weights too is left out, so that
    a layer's integers depend on its own widths and the type of its input alone.
    """
    wanted = np.matmul(weights, moments.mean[:, :, None])
    found = np.matmul(rounded, seen_mean[:, :, None])
    return np.asarray(bias + (wanted - found).reshape(-1))


def half_lsb(products: int, output: FixedType) -> float:
    """What, added to the bias, makes a cast with AP_TRN round to nearest (ties upwards); 0 where it has no
    effect. products: fraction bits of the layer's products."""
    if output.rounding is not Rounding.TRN or products <= output.fraction:
        return 0.0
    return output.scale / 2


def bias_type(bias: FloatArray, finest: int, width: Width | None) -> FixedType:
    """Type of the biases: ``finest`` fraction bits, and as many bits as the largest bias needs, at most
    32; with a width given, as many integer bits as the largest needs and the rest fraction."""
    if isinstance(width, FixedType):
        return width
    low, high = ends(bias)
    if width is None:
        width = 1
        while width < MAX_BIAS_WIDTH and width - integer_bits_between(low, high, width, True) < finest:
            width += 1
    integer = integer_bits_between(low, high, width, True)
    fraction = min(width - integer, finest) if low or high else finest
    fraction = max(min(fraction, 2 * FINEST), 2 * COARSEST)
    return FixedType(width, width - fraction, True, Rounding.RND, Overflow.SAT)
