"""Weights that pruning has set to zero, and that are to stay so."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpq_hls.ops.base import FloatArray

PRUNED_SHARE = 1 / 32
"""From this share of exact zeros on a layer counts as pruned; training in floats leaves next to none."""

Mask = npt.NDArray[np.bool_]


def pruned(weights: FloatArray) -> Mask | None:
    """Which weights of a visibly pruned layer are zero, shaped like weights; None for other layers.

    weights: (groups, rows, columns). A layer is visibly pruned if a share of PRUNED_SHARE of its weights is
    exactly zero, or all weights of a row or of a column that has more than one. A layer of zeros is not:
    nothing is left of it that could be rounded otherwise.
    """
    zeros = weights == 0
    _, rows, columns = weights.shape
    dead_row = columns > 1 and bool(zeros.all(axis=2).any())
    dead_column = rows > 1 and bool(zeros.all(axis=1).any())
    visible = dead_row or dead_column or zeros.mean() >= PRUNED_SHARE
    return zeros if visible and not zeros.all() else None
