"""Operators that join branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls import kernels
from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import FloatArray, IntArray, Lowering, Operator, Shape, operator
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.linear import ChannelAffine
from hpq_hls.ops.reshape import reshaped
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class Add(Operator):
    """Element-wise sum of two tensors of one shape, the end of a residual branch."""

    kind: ClassVar[str] = "Add"
    arity: ClassVar[int] = 2
    casts: ClassVar[bool] = True

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        first, second = shapes
        if first != second:
            raise UnsupportedOperatorError(
                f"Add of tensors of shapes {first} and {second}; broadcasting is not supported, "
                "so bring both to one shape"
            )
        return first

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        first, second = inputs
        return np.add(first, second, out=scratch.result(first.shape, first.dtype))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0] + inputs[1]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        first, second = inputs
        bound = max(abs(first.lo), abs(first.hi)) + max(abs(second.lo), abs(second.hi))
        return Interval(first.lo + second.lo, first.hi + second.hi), bound

    def lower(self, build: Lowering) -> None:
        build.elementwise(
            "add",
            kernels.Add,
            lambda layer: {"accumulator_type": layer.accumulator_type, "relu": layer.activation is not None},
        )


# ---------------------------------------------------------------------- spellings


@spelled_in_torch("Add of two tensors of one shape, + - * / with constants", "add")
def _torch_add(call: TorchCall) -> Value:
    alpha = call.arguments["alpha"]
    if call.is_value("self") and call.is_value("other"):
        if alpha != 1:
            call.refuse(f"its alpha is {alpha}")
        return call.emit(Add(), call.value("self"), call.value("other"))
    if call.is_value("self"):
        return with_constants(call, call.value("self"), offset=call.constant("other") * alpha)
    return with_constants(
        call, call.value("other"), scale=np.float64(alpha) + np.zeros(()), offset=call.constant("self")
    )


@spelled_in_torch("Add of two tensors of one shape, + - * / with constants", "sub", "rsub")
def _torch_sub(call: TorchCall) -> Value:
    alpha = call.arguments["alpha"] * np.ones(())
    first, second = ("other", "self") if call.name == "aten.rsub" else ("self", "other")
    if call.is_value(first) and call.is_value(second):
        call.refuse("only the difference of a value and a constant is supported")
    if call.is_value(first):
        return with_constants(call, call.value(first), offset=-alpha * call.constant(second))
    return with_constants(call, call.value(second), scale=-alpha, offset=call.constant(first))


@spelled_in_torch("Add of two tensors of one shape, + - * / with constants", "mul")
def _torch_mul(call: TorchCall) -> Value:
    if call.is_value("self") and call.is_value("other"):
        call.refuse("only the product of a value and a constant is supported")
    value, constant = ("self", "other") if call.is_value("self") else ("other", "self")
    return with_constants(call, call.value(value), scale=call.constant(constant))


@spelled_in_torch("Add of two tensors of one shape, + - * / with constants", "div", "true_divide")
def _torch_div(call: TorchCall) -> Value:
    if call.arguments.get("rounding_mode") is not None:
        call.refuse(f"its rounding_mode is {call.arguments['rounding_mode']!r}")
    if call.is_value("other"):
        call.refuse("only division by a constant is supported")
    return with_constants(call, call.value("self"), scale=_reciprocal(call.constant("other")))


@spelled_in_onnx("Add")
def _onnx_add(call: OnnxCall) -> Value:
    if call.is_value(0) and call.is_value(1):
        return call.emit(Add(), call.value(0), call.value(1))
    value, constant = (0, 1) if call.is_value(0) else (1, 0)
    return with_constants(call, call.value(value), offset=call.constant(constant))


@spelled_in_onnx("Sub")
def _onnx_sub(call: OnnxCall) -> Value:
    if call.is_value(0) and call.is_value(1):
        call.refuse("only the difference of a value and a constant is supported")
    if call.is_value(0):
        return with_constants(call, call.value(0), offset=-call.constant(1))
    return with_constants(call, call.value(1), scale=-np.ones(()), offset=call.constant(0))


@spelled_in_onnx("Mul")
def _onnx_mul(call: OnnxCall) -> Value:
    if call.is_value(0) and call.is_value(1):
        call.refuse("only the product of a value and a constant is supported")
    value, constant = (0, 1) if call.is_value(0) else (1, 0)
    return with_constants(call, call.value(value), scale=call.constant(constant))


@spelled_in_onnx("Div")
def _onnx_div(call: OnnxCall) -> Value:
    if call.is_value(1):
        call.refuse("only division by a constant is supported")
    return with_constants(call, call.value(0), scale=_reciprocal(call.constant(1)))


def _reciprocal(divisor: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):  # what is not finite is refused with the operator
        return np.asarray(1.0 / divisor)


def with_constants(
    call: TorchCall | OnnxCall,
    x: Value,
    scale: FloatArray | None = None,
    offset: FloatArray | None = None,
) -> Value:
    """``scale x + offset``: for each channel, or for each element of the tensor as a vector.

    scale, offset: any shapes that broadcast to (1, *x.shape).
    """
    shape = (1, *x.shape)
    full = []
    for constant, default in ((scale, 1.0), (offset, 0.0)):
        given = np.full((), default) if constant is None else constant
        padded = (1,) * (len(shape) - given.ndim) + given.shape
        if len(padded) != len(shape) or any(
            one not in (1, size) for one, size in zip(padded, shape, strict=True)
        ):
            call.refuse(
                f"broadcasting a value of shape {x.shape} per sample to the constant's shape {given.shape} "
                "is not supported"
            )
        if not np.isfinite(given).all():
            call.refuse("its constant holds NaN or infinity, or its reciprocal does")
        full.append(
            np.array(np.broadcast_to(given, shape), dtype=np.float64).reshape(*(x.shape[:1] or (1,)), -1)
        )
    if x.shape and all((rows == rows[:, :1]).all() for rows in full):
        return call.emit(ChannelAffine(full[0][:, 0].copy(), full[1][:, 0].copy()), x)
    vector = call.emit(reshaped((full[0].size,)), x, suffix="flat")
    mapped = call.emit(ChannelAffine(full[0].reshape(-1), full[1].reshape(-1)), vector, suffix="each")
    return call.emit(reshaped(x.shape), mapped)
