"""Maps along single axes, each a matrix: what interpolates or averages unevenly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpq_hls.ops.base import FloatArray
from hpq_hls.ops.linear import Linear
from hpq_hls.ops.permute import Permute
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value


def along_axes(call: TorchCall | OnnxCall, x: Value, matrices: Sequence[FloatArray]) -> Value:
    """Each matrix (outputs, inputs) applied along one of the last axes, in their order."""
    rank = len(x.shape)
    for back, matrix in enumerate(reversed(matrices)):
        if np.array_equal(matrix, np.eye(len(matrix))):
            continue
        axes = list(range(rank))
        axes[rank - 1 - back], axes[-1] = axes[-1], axes[rank - 1 - back]
        if back:
            x = call.emit(Permute(tuple(axes)), x, suffix=f"axis{back}")
        x = call.emit(Linear(matrix), x, suffix=f"along{back}")
        if back:
            x = call.emit(Permute(tuple(axes)), x, suffix=f"back{back}")
    return x


def averages(given: int, wanted: int) -> FloatArray:
    """Adaptive average pooling: torch averages from floor(i H / n) up to, not with, ceil((i + 1) H / n)."""
    matrix = np.zeros((wanted, given))
    for index in range(wanted):
        span = slice(index * given // wanted, -(-(index + 1) * given // wanted))
        matrix[index, span] = 1 / (span.stop - span.start)
    return matrix


def between_corners(given: int, wanted: int) -> FloatArray:
    """Linear interpolation with the first and the last element where they are."""
    matrix = np.zeros((wanted, given))
    for index in range(wanted):
        place = index * (given - 1) / max(wanted - 1, 1)
        low = min(int(place), max(given - 2, 0))
        matrix[index, low] += 1 - (place - low)
        if given > 1:
            matrix[index, low + 1] += place - low
    return matrix
