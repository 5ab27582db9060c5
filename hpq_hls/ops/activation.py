"""Activations that are exact on integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import FixedType, Interval
from hpq_hls.kernels import Cast
from hpq_hls.ops.base import IntArray, Lowering, Operator, Shape, operator
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class Relu(Operator):
    """``max(x, 0)``. Standing alone it is exact: the output keeps the fraction and drops the sign."""

    kind: ClassVar[str] = "ReLU"
    rectifies: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return shapes[0]

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        return np.maximum(x, 0, out=scratch.result(x.shape, x.dtype))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].relu()

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        (given,) = types
        if not given.signed:
            return given
        width = max(given.width - 1, 1)
        return FixedType(width, width - given.fraction, False, given.rounding, given.overflow)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return Interval(max(seen.lo, 0), max(seen.hi, 0)), max(abs(seen.lo), abs(seen.hi))

    def lower(self, build: Lowering) -> None:
        build.elementwise("relu", Cast, lambda _: {"relu": True})


@spelled_in_torch("ReLU", "relu")
def _relu(call: TorchCall) -> Value:
    return call.emit(Relu(), call.value("self"))


@spelled_in_torch("ReLU", "clamp", "clamp_min", "clip")
def _clamp(call: TorchCall) -> Value:
    high = call.arguments.get("max")
    if call.arguments["min"] not in (0, False) or not (high is None or high == math.inf):
        call.refuse("only clamp(min=0), which is ReLU, is supported")
    return call.emit(Relu(), call.value("self"))


@spelled_in_torch("ReLU", "threshold")
def _threshold(call: TorchCall) -> Value:
    if call.arguments["threshold"] != 0 or call.arguments["value"] != 0:
        call.refuse("only threshold(0, 0), which is ReLU, is supported")
    return call.emit(Relu(), call.value("self"))


@spelled_in_onnx("Relu")
def _onnx_relu(call: OnnxCall) -> Value:
    return call.emit(Relu(), call.value())


@spelled_in_onnx("Clip")
def _onnx_clip(call: OnnxCall) -> Value:
    low, high = call.setting("min", 1), call.setting("max", 2, math.inf)
    if low != 0 or high < np.finfo(np.float32).max:
        call.refuse("only a lower bound of 0 without an upper bound, which is ReLU, is supported")
    return call.emit(Relu(), call.value())
