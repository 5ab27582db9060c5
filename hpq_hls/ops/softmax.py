"""Softmax and LogSoftmax, made of exact parts and two tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval, Rounding
from hpq_hls.ops.arithmetic import Mul, Sub, peak
from hpq_hls.ops.base import Inner, IntArray, Lowering, Operator, Part, Shape, operator
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import IMAGE, Array, Scratch
from hpq_hls.ops.pointwise import MAX_INDEX, Pointwise
from hpq_hls.ops.reduce import Max, Sum
from hpq_hls.ops.select import Expand
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch

    from hpq_hls.simulate import QuantizedLayer

WIDEST = 24
"""Bits of a word of an inner table at most."""
RANGE_BITS = 5
"""Integer bits of how far a value lies below the largest: beyond 2**5 its exponential is 0 in any table."""


@operator
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
        return Interval(0, max(first.hi - second.lo, 0)), peak(first) + peak(second)


@operator
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

    def told(self, layer: QuantizedLayer) -> dict[str, Any]:
        made = layer.output_type
        total = FixedType(made.width + 1, made.integer + 1)
        return {"operation": self.operation, "accumulator_type": total, "epilogue": layer.epilogue}


@operator
@dataclass(frozen=True, eq=False)
class Softmax(Operator):
    """``exp(x - max) / sum(exp(x - max))`` over one axis, counted without the batch axis."""

    kind: ClassVar[str] = "Softmax"
    casts: ClassVar[bool] = True

    axis: int

    @property
    def only_ranks(self) -> bool:
        return True

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        if not 0 <= self.axis < len(shape):
            raise UnsupportedOperatorError(
                f"{self.kind} over axis {self.axis} is applied to a tensor of shape {shape} per sample; "
                f"axes go from 0 to {len(shape) - 1} without the batch axis"
            )
        return shape

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        axis = (1, 0, 2)[self.axis] if x.ndim == IMAGE else self.axis
        below = x - x.max(axis=axis, keepdims=True)
        return self._of_distances(below, axis)

    def _of_distances(self, below: Array, axis: int) -> Array:
        shares = np.exp(below)
        return np.asarray(shares / shares.sum(axis=axis, keepdims=True))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].softmax(self.axis + 1)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError(f"{self.kind} has no integer meaning before it is taken apart")

    def lower(self, build: Lowering) -> None:
        raise TypeError(f"{self.kind} becomes no kernel before it is taken apart")

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        """The exponential is rounded down, so that it is 1 for the largest alone: its share is the largest.

        Inner types are as fine as the output: what n exponentials lose when they are rounded down is less
        than half a unit of the output in all.
        """
        (shape,) = shapes
        carry = (shape[self.axis] - 1).bit_length()
        return (
            *self._exponentials(shape, 2 + carry),
            Part("inverse", Pointwise(("reciprocal", "x"), "Reciprocal"), ("total",), Inner(1, 2, WIDEST)),
            Part("factors", Expand(shape), ("inverse",)),
            Part("", Mul(), ("exp", "factors")),
        )

    def _exponentials(self, shape: Shape, extra: int) -> tuple[Part, ...]:
        """Up to the sum of exponentials, which is at least 1 and the index of a table."""
        length, axes = shape[self.axis], (self.axis,)
        integer = length.bit_length()
        distance = Inner(None, 0, MAX_INDEX, most_integer=RANGE_BITS)
        exponential = Pointwise(("exp", ("neg", "x")), "Exp")
        return (
            Part("max", Max(axes, True), (0,)),
            Part("peak", Expand(shape), ("max",)),
            Part("distance", Distance(), ("peak", 0), distance),
            Part("exp", exponential, ("distance",), Inner(1, extra, WIDEST, rounding=Rounding.TRN)),
            Part("total", Sum(axes, True, length), ("exp",), Inner(integer, integer + 1, MAX_INDEX)),
        )


@operator
@dataclass(frozen=True, eq=False)
class LogSoftmax(Softmax):
    """``x - max - log(sum(exp(x - max)))`` over one axis, counted without the batch axis."""

    kind: ClassVar[str] = "LogSoftmax"

    def _of_distances(self, below: Array, axis: int) -> Array:
        return np.asarray(below - np.log(np.exp(below).sum(axis=axis, keepdims=True)))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].log_softmax(self.axis + 1)

    def never_negative(self, inputs: Sequence[bool]) -> bool:
        return False

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        """As of Softmax; what is subtracted in the end is exact, however far it lies below the largest."""
        (shape,) = shapes
        length = shape[self.axis]
        integer = int(math.log(length)).bit_length() + 1
        return (
            *self._exponentials(shape, 2 + (length - 1).bit_length()),
            Part("log", Pointwise(("neg", ("log", "x")), "Log"), ("total",), Inner(integer, 2, WIDEST, True)),
            Part("offset", Expand(shape), ("log",)),
            Part("below", ExactDistance(), ("peak", 0)),
            Part("", Sub(), ("offset", "below")),
        )


# ---------------------------------------------------------------------- spellings


@spelled_in_torch(
    "Softmax and LogSoftmax over one axis", "softmax", "_softmax", "log_softmax", "_log_softmax"
)
def _torch_softmax(call: TorchCall) -> Value:
    if not call.widening:
        call.refuse("its dtype rounds the result")
    kind = LogSoftmax if "log" in call.name else Softmax
    return _softmax(call, kind, call.value("self"), int(call.arguments["dim"]))


@spelled_in_onnx("Softmax", "LogSoftmax")
def _onnx_softmax(call: OnnxCall) -> Value:
    """Before opset 13 it is over all axes from ``axis`` on, by default the first one behind the batch."""
    x = call.value()
    old = call.opset < 13
    axis = int(call.attributes.get("axis", 1 if old else -1))
    rank = len(x.shape) + 1
    if old and axis % rank != rank - 1:
        call.refuse(
            f"in opset {call.opset} it is over all axes from axis {axis} on; export with opset 13 or newer"
        )
    return _softmax(call, LogSoftmax if call.name == "LogSoftmax" else Softmax, x, axis)


def _softmax(call: TorchCall | OnnxCall, kind: type[Softmax], x: Value, axis: int) -> Value:
    own = axis % (len(x.shape) + 1) - 1
    if own < 0:
        call.refuse("it is over the batch axis, which would mix samples")
    return call.emit(kind(own), x)
