"""Two values become one, element by element: sum, difference, product, the larger, the smaller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.kernels import Combination, Combine
from hpq_hls.ops.base import Beside, FloatArray, IntArray, Lowering, Operator, Part, Shape, operator
from hpq_hls.ops.broadcast import together, with_constants
from hpq_hls.ops.channels import Channelwise
from hpq_hls.ops.clamp import Clamp
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.linear import ChannelAffine
from hpq_hls.ops.pointwise import Pointwise
from hpq_hls.ops.select import Take
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch

    from hpq_hls.simulate import QuantizedLayer


@dataclass(frozen=True, eq=False)
class Binary(Channelwise, Operator):
    """Base of the operators that take two values of one shape.

    operation: what the kernel does. primitive: its name in expressions (see ``Operator.expression``).
    """

    arity: ClassVar[int] = 2
    casts: ClassVar[bool] = True
    leaks_sums: ClassVar[bool] = True
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
        total: Array = self.operation.exact(first, second, out=scratch.result(first.shape, dtype))
        return total

    def lower(self, build: Lowering) -> None:
        build.elementwise(self.primitive, Combine, self.told)

    def told(self, layer: QuantizedLayer) -> dict[str, Any]:
        """What the kernel is told of a layer."""
        return {
            "operation": self.operation,
            "accumulator_type": layer.accumulator_type,
            "epilogue": layer.epilogue,
        }


_SIGN = FixedType(2, 2)
"""Holds 1 and -1."""


def _shifted(sign: int, offset: IntArray, offset_type: FixedType) -> Beside:
    """The other input, or its negative, and an offset for each channel, in units of a type."""
    count = len(offset)
    return Beside(_affine(count), np.full(count, sign, np.int64), _SIGN, offset, _signed(offset_type))


def _signed(given: FixedType) -> FixedType:
    """A signed type for all values of a type and their negatives, as weights and biases have."""
    return FixedType(given.width + 1, given.integer + 1)


def _affine(channels: int) -> ChannelAffine:
    return ChannelAffine(np.ones(channels), np.zeros(channels))


@operator
@dataclass(frozen=True, eq=False)
class Add(Binary):
    """Element-wise sum of two tensors of one shape, such as the end of a residual branch."""

    kind: ClassVar[str] = "Add"
    operation: ClassVar[Combination] = Combination.ADD
    primitive: ClassVar[str] = "add"

    def beside(self, index: int, constant: IntArray, given: FixedType) -> Beside | None:
        return _shifted(1, constant, given)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] + inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        return first.add(second), peak(first) + peak(second)


@operator
@dataclass(frozen=True, eq=False)
class Sub(Binary):
    """Element-wise difference of two tensors of one shape."""

    kind: ClassVar[str] = "Sub"
    operation: ClassVar[Combination] = Combination.SUB
    primitive: ClassVar[str] = "sub"

    def beside(self, index: int, constant: IntArray, given: FixedType) -> Beside | None:
        if index == 0:
            return _shifted(-1, constant, given)
        return _shifted(1, -constant, given)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] - inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        return Interval(first.lo - second.hi, first.hi - second.lo), peak(first) + peak(second)


@operator
@dataclass(frozen=True, eq=False)
class Mul(Binary):
    """Element-wise product of two tensors of one shape, such as a gate. Its fraction is both together."""

    kind: ClassVar[str] = "Mul"
    aligns: ClassVar[bool] = False
    operation: ClassVar[Combination] = Combination.MUL
    primitive: ClassVar[str] = "mul"

    def beside(self, index: int, constant: IntArray, given: FixedType) -> Beside | None:
        return Beside(_affine(len(constant)), constant, _signed(given))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] * inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        found = first.scale(second.lo).hull(first.scale(second.hi))
        return found, peak(first) * peak(second)


@operator
@dataclass(frozen=True, eq=False)
class Div(Binary):
    """Element-wise quotient of two tensors of one shape: the first times a table of reciprocals."""

    kind: ClassVar[str] = "Div"
    primitive: ClassVar[str] = "div"

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        inverse = Pointwise(("reciprocal", "x"), "Reciprocal")
        return Part("inverse", inverse, (1,)), Part("", Mul(), (0, "inverse"))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] / inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError("a quotient has no integer meaning before it is taken apart")


@operator
@dataclass(frozen=True, eq=False)
class Maximum(Binary):
    """The larger of two, element by element."""

    kind: ClassVar[str] = "Maximum"
    operation: ClassVar[Combination] = Combination.MAX
    primitive: ClassVar[str] = "maximum"

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].maximum(inputs[1])

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        bound = max(peak(first), peak(second))
        return Interval(max(first.lo, second.lo), max(first.hi, second.hi)), bound


@operator
@dataclass(frozen=True, eq=False)
class Minimum(Binary):
    """The smaller of two, element by element."""

    kind: ClassVar[str] = "Minimum"
    operation: ClassVar[Combination] = Combination.MIN
    primitive: ClassVar[str] = "minimum"

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].minimum(inputs[1])

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        bound = max(peak(first), peak(second))
        return Interval(min(first.lo, second.lo), min(first.hi, second.hi)), bound


def peak(interval: Interval) -> int:
    """The largest magnitude in an interval."""
    return max(abs(interval.lo), abs(interval.hi))


# ---------------------------------------------------------------------- spellings

_SUPPORTED = "Add and other arithmetic of two values, or of a value and constants"


def _binary(call: TorchCall | OnnxCall, op: Operator, first: Value, second: Value) -> Value:
    return call.emit(op, *together(call, first, second))


def _scalar(call: TorchCall | OnnxCall, constant: FloatArray) -> float:
    """A bound that all elements share."""
    if constant.size == 0 or (constant != constant.flat[0]).any():
        call.refuse("its constant is not one number for all elements")
    return float(constant.flat[0])


def _inverse(divisor: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):  # what is not finite is refused with the operator
        return np.asarray(1.0 / divisor)


@spelled_in_torch(_SUPPORTED, "add", "sub", "rsub")
def _torch_sum(call: TorchCall) -> Value:
    """Self + alpha * other; self - alpha * other; other - alpha * self."""
    subtracts = call.name != "aten.add"
    names = ("other", "self") if call.name == "aten.rsub" else ("self", "other")
    alpha = float(call.arguments.get("alpha", 1))
    first, second = names
    sign = -alpha if subtracts else alpha
    if not call.is_value(second):
        return with_constants(call, call.value(first), offset=sign * call.constant(second))
    if not call.is_value(first):
        return with_constants(call, call.value(second), np.full((), sign), call.constant(first))
    given = call.value(second)
    if alpha != 1:
        given = with_constants(call, given, scale=np.full((), alpha))
    return _binary(call, Sub() if subtracts else Add(), call.value(first), given)


@spelled_in_torch(_SUPPORTED, "mul")
def _torch_mul(call: TorchCall) -> Value:
    if call.is_value("self") and call.is_value("other"):
        return _binary(call, Mul(), call.value("self"), call.value("other"))
    value, constant = ("self", "other") if call.is_value("self") else ("other", "self")
    return with_constants(call, call.value(value), scale=call.constant(constant))


@spelled_in_torch(_SUPPORTED, "div", "true_divide")
def _torch_div(call: TorchCall) -> Value:
    if call.arguments.get("rounding_mode") is not None:
        call.refuse(f"its rounding_mode is {call.arguments['rounding_mode']!r}")
    if not call.is_value("other"):
        return with_constants(call, call.value("self"), scale=_inverse(call.constant("other")))
    given = call.value("other")
    if call.is_value("self"):
        return _binary(call, Div(), call.value("self"), given)
    inverse = call.emit(Pointwise(("reciprocal", "x"), "Reciprocal"), given)
    constant = call.constant("self")
    return inverse if (constant == 1).all() else with_constants(call, inverse, scale=constant)


@spelled_in_torch(_SUPPORTED, "maximum", "minimum", "fmax", "fmin")
def _torch_extreme(call: TorchCall) -> Value:
    larger = call.name in ("aten.maximum", "aten.fmax")
    if call.is_value("self") and call.is_value("other"):
        return _binary(call, Maximum() if larger else Minimum(), call.value("self"), call.value("other"))
    value, constant = ("self", "other") if call.is_value("self") else ("other", "self")
    bound = _scalar(call, call.constant(constant))
    return call.emit(Clamp(bound, None) if larger else Clamp(None, bound), call.value(value))


@spelled_in_torch("", "lerp")
def _torch_lerp(call: TorchCall) -> Value:
    if not call.is_value("self") or not call.is_value("end") or call.is_value("weight"):
        call.refuse("only a constant weight between two values is supported")
    weight = call.constant("weight")
    first = with_constants(call, call.value("self"), scale=1 - weight)
    return _binary(call, Add(), first, with_constants(call, call.value("end"), scale=weight))


@spelled_in_torch("", "addcmul")
def _torch_addcmul(call: TorchCall) -> Value:
    if not all(call.is_value(name) for name in ("self", "tensor1", "tensor2")):
        call.refuse("only values of the network are supported")
    product = _binary(call, Mul(), call.value("tensor1"), call.value("tensor2"))
    scaled = with_constants(call, product, scale=np.full((), float(call.arguments.get("value", 1))))
    return _binary(call, Add(), call.value("self"), scaled)


@spelled_in_torch("GLU", "glu")
def _torch_glu(call: TorchCall) -> Value:
    """The first half of an axis, gated by the sigmoid of the second."""
    x = call.value("self")
    axis = int(call.arguments.get("dim", -1)) % (len(x.shape) + 1) - 1
    if axis < 0 or x.shape[axis] % 2:
        call.refuse("it halves the batch axis, or an odd one")
    half = x.shape[axis] // 2
    first = call.emit(Take(axis, tuple(range(half))), x, suffix="first")
    second = call.emit(Take(axis, tuple(range(half, 2 * half))), x, suffix="second")
    gate = call.emit(Pointwise(("sigmoid", "x"), "Sigmoid"), second, suffix="gate")
    return call.emit(Mul(), first, gate)


@spelled_in_onnx("Add", "Sub")
def _onnx_sum(call: OnnxCall) -> Value:
    subtracts = call.name == "Sub"
    sign = np.full((), -1.0 if subtracts else 1.0)
    if not call.is_value(1):
        return with_constants(call, call.value(0), offset=sign * call.constant(1))
    if not call.is_value(0):
        return with_constants(call, call.value(1), sign, call.constant(0))
    return _binary(call, Sub() if subtracts else Add(), call.value(0), call.value(1))


@spelled_in_onnx("Mul")
def _onnx_mul(call: OnnxCall) -> Value:
    if call.is_value(0) and call.is_value(1):
        return _binary(call, Mul(), call.value(0), call.value(1))
    value, constant = (0, 1) if call.is_value(0) else (1, 0)
    return with_constants(call, call.value(value), scale=call.constant(constant))


@spelled_in_onnx("Div")
def _onnx_div(call: OnnxCall) -> Value:
    if not call.is_value(1):
        return with_constants(call, call.value(0), scale=_inverse(call.constant(1)))
    if call.is_value(0):
        return _binary(call, Div(), call.value(0), call.value(1))
    inverse = call.emit(Pointwise(("reciprocal", "x"), "Reciprocal"), call.value(1))
    constant = call.constant(0)
    return inverse if (constant == 1).all() else with_constants(call, inverse, scale=constant)


@spelled_in_onnx("Max", "Min", "Sum")
def _onnx_many(call: OnnxCall) -> Value:
    """Of any number of values and constants, from the first on."""
    kind: Callable[[], Operator] = {"Max": Maximum, "Min": Minimum, "Sum": Add}[call.name]
    values = [call.value(index) for index in range(len(call.inputs)) if call.is_value(index)]
    constants = [call.constant(index) for index in range(len(call.inputs)) if not call.is_value(index)]
    found = values[0]
    for value in values[1:]:
        found = _binary(call, kind(), found, value)
    for constant in constants:
        if call.name == "Sum":
            found = with_constants(call, found, offset=constant)
        else:
            bound = _scalar(call, constant)
            found = call.emit(Clamp(bound, None) if call.name == "Max" else Clamp(None, bound), found)
    return found
