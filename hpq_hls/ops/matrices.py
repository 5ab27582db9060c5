"""How an operator's weights meet its input.

Weights are ``groups`` matrices of (rows, columns): one for a linear layer, one per group for a convolution,
whose columns are (channel, ky, kx), and one per channel for a per-channel affine map. A *patch* is what the
columns are multiplied with to give one output position.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpq_hls.kernels import Kernel, Reduction
from hpq_hls.ops.base import IntArray, Operator, Shape, Told
from hpq_hls.ops.layout import Array
from hpq_hls.ops.window import WindowSpec


class _Lowered:
    """Learns from an operator's lowering how its weights are used; see ``Lowering``."""

    def __init__(self, input_shape: Shape) -> None:
        self.shapes: Sequence[Shape] = (input_shape,)
        self.groups = 1
        self.window: WindowSpec | None = None

    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        self.groups, self.window = groups, window

    def pool(self, window: WindowSpec, average: bool) -> None:
        raise AssertionError("an operator with weights asks for no other kernel")

    def elementwise(self, part: str, kernel: type[Kernel], told: Told = lambda _: {}) -> None:
        raise AssertionError("an operator with weights asks for no other kernel")

    def reduction(self, mode: Reduction, groups: IntArray) -> None:
        raise AssertionError("an operator with weights asks for no other kernel")

    def rearrange(self, index: IntArray) -> None:
        raise AssertionError("an operator with weights asks for no other kernel")

    def join(self, index: IntArray) -> None:
        raise AssertionError("an operator with weights asks for no other kernel")

    def constant(self) -> None:
        raise AssertionError("an operator with weights asks for no other kernel")


@dataclass(frozen=True, eq=False)
class Matrices:
    """Of an operator with weights. window: of a convolution, else None."""

    op: Operator
    groups: int
    window: WindowSpec | None

    @classmethod
    def of(cls, op: Operator, input_shape: Shape = ()) -> Matrices:
        """What its lowering says."""
        found = _Lowered(input_shape)
        op.lower(found)
        return cls(op, found.groups, found.window)

    def split(self, weight: Array) -> Array:
        """Weights in torch layout as (groups, rows, columns); a view."""
        return weight.reshape(self.groups, len(weight) // self.groups, -1)

    def positions(self, output_shape: Shape) -> int:
        """Patches per sample."""
        return math.prod(self.op.image(output_shape)[1:])

    def patches(self, value: Array, positions: int, taken: IntArray) -> Array:
        """Some patches of an input (batch, *input_shape) in torch layout, (taken, groups, columns).

        taken: which, numbered sample by sample, ``positions`` of each, row by row.
        """
        value = self.op.as_image(value)
        if self.window is not None:
            view = self.window.patches(value)
            image, y, x = np.unravel_index(taken, (len(value), *view.shape[2:4]))
            chosen = view[image, :, y, x]
        elif value.ndim > 2:  # (batch, channels, height, width), a matrix per channel
            chosen = np.moveaxis(value, 1, -1).reshape(len(value) * positions, -1)[taken]
        else:
            chosen = value[taken]
        return chosen.reshape(len(taken), self.groups, -1)

    def outputs(self, value: Array) -> Array:
        """An output (batch, *output_shape) in torch layout as (batch, positions, groups, rows), positions in
        the order of patches."""
        value = self.op.as_image(value)
        rows = np.moveaxis(value, 1, -1)
        return rows.reshape(len(value), -1, self.groups, rows.shape[-1] // self.groups)
