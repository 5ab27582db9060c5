"""Two values become one, element by element: sum, difference, product, the larger, the smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.kernels import Combination, Combine
from hpq_hls.ops.base import IntArray, Lowering, Operator, Shape
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import Array, Scratch

if TYPE_CHECKING:
    import torch

    from hpq_hls.simulate import QuantizedLayer


@dataclass(frozen=True, eq=False)
class Binary(Operator):
    """Base of the operators that take two values of one shape.

    operation: what the kernel does. primitive: its name in expressions (see ``Operator.expression``).
    """

    arity: ClassVar[int] = 2
    casts: ClassVar[bool] = True
    operation: ClassVar[Combination]
    primitive: ClassVar[str]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        first, second = shapes
        if first != second:
            raise UnsupportedOperatorError(
                f"{self.kind} of tensors of shapes {first} and {second}; bring both to one shape first"
            )
        return first

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        return (self.primitive, *inputs)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        first, second = inputs
        dtype = np.result_type(first.dtype, second.dtype)
        return self._ufunc(first, second, out=scratch.result(first.shape, dtype))  # type: ignore[no-any-return]

    @property
    def _ufunc(self) -> np.ufunc:
        raise NotImplementedError

    def lower(self, build: Lowering) -> None:
        build.elementwise(self.primitive, Combine, self._told)

    def _told(self, layer: QuantizedLayer) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "accumulator_type": layer.accumulator_type,
            "relu": layer.activation is not None,
        }


@dataclass(frozen=True, eq=False)
class Add(Binary):
    """Element-wise sum of two tensors of one shape, such as the end of a residual branch."""

    kind: ClassVar[str] = "Add"
    operation: ClassVar[Combination] = Combination.ADD
    primitive: ClassVar[str] = "add"

    @property
    def _ufunc(self) -> np.ufunc:
        return np.add

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] + inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        return first.add(second), _peak(first) + _peak(second)


@dataclass(frozen=True, eq=False)
class Sub(Binary):
    """Element-wise difference of two tensors of one shape."""

    kind: ClassVar[str] = "Sub"
    operation: ClassVar[Combination] = Combination.SUB
    primitive: ClassVar[str] = "sub"

    @property
    def _ufunc(self) -> np.ufunc:
        return np.subtract

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] - inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        return Interval(first.lo - second.hi, first.hi - second.lo), _peak(first) + _peak(second)


@dataclass(frozen=True, eq=False)
class Mul(Binary):
    """Element-wise product of two tensors of one shape, such as a gate. Its fraction is both together."""

    kind: ClassVar[str] = "Mul"
    aligns: ClassVar[bool] = False
    operation: ClassVar[Combination] = Combination.MUL
    primitive: ClassVar[str] = "mul"

    @property
    def _ufunc(self) -> np.ufunc:
        return np.multiply

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] * inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        found = first.scale(second.lo).hull(first.scale(second.hi))
        return found, _peak(first) * _peak(second)


@dataclass(frozen=True, eq=False)
class Maximum(Binary):
    """The larger of two, element by element."""

    kind: ClassVar[str] = "Maximum"
    operation: ClassVar[Combination] = Combination.MAX
    primitive: ClassVar[str] = "maximum"

    @property
    def _ufunc(self) -> np.ufunc:
        return np.maximum

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].maximum(inputs[1])

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        bound = max(_peak(first), _peak(second))
        return Interval(max(first.lo, second.lo), max(first.hi, second.hi)), bound


@dataclass(frozen=True, eq=False)
class Minimum(Binary):
    """The smaller of two, element by element."""

    kind: ClassVar[str] = "Minimum"
    operation: ClassVar[Combination] = Combination.MIN
    primitive: ClassVar[str] = "minimum"

    @property
    def _ufunc(self) -> np.ufunc:
        return np.minimum

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].minimum(inputs[1])

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        bound = max(_peak(first), _peak(second))
        return Interval(min(first.lo, second.lo), min(first.hi, second.hi)), bound


@dataclass(frozen=True, eq=False)
class Distance(Sub):
    """``first - second`` where the first is never the smaller: how far values lie below their largest."""

    kind: ClassVar[str] = "Distance"

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        return None  # of two values of which one is made of many

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        return Interval(0, max(first.hi - second.lo, 0)), _peak(first) + _peak(second)


@dataclass(frozen=True, eq=False)
class ExactDistance(Distance):
    """The same without a cast: an unsigned number of as many bits as the values have, in their unit."""

    casts: ClassVar[bool] = False

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        first, second = inputs
        wide = first.dtype
        if wide.kind in "iu" and wide.itemsize < np.dtype(np.int32).itemsize:
            wide = np.dtype(np.int32)  # bytes do not hold every difference
        return np.subtract(first, second, out=scratch.result(first.shape, wide), dtype=wide)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        first, second = types
        assert first.fraction == second.fraction
        width = max(first.width, second.width)
        return FixedType(width, width - first.fraction, False)

    def _told(self, layer: QuantizedLayer) -> dict[str, Any]:
        made = layer.output_type
        total = FixedType(made.width + 1, made.integer + 1)
        return {"operation": self.operation, "accumulator_type": total, "relu": False}


def _peak(interval: Interval) -> int:
    return max(abs(interval.lo), abs(interval.hi))
