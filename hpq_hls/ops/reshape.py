"""Operators that move elements and change none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hpq_hls.fixed import FixedType, Interval
from hpq_hls.ops.base import Array, IntArray, Lowering, Operator, Shape


@dataclass(frozen=True, eq=False)
class Flatten(Operator):
    """All elements as a vector, in torch's order (channels slowest)."""

    kind: ClassVar[str] = "Flatten"

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return (math.prod(shapes[0]),)

    def compute(self, inputs: Sequence[Array], weight: Array | None, bias: Array | None) -> Array:
        return inputs[0].reshape(inputs[0].shape[0], -1)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        return types[0]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return seen, max(abs(seen.lo), abs(seen.hi))

    def lower(self, build: Lowering) -> None:
        build.flatten()
