"""Activations that are exact on integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import Epilogue, FixedType, Interval
from hpq_hls.kernels import Cast
from hpq_hls.ops.base import IntArray, Lowering, Operator, Shape, operator
from hpq_hls.ops.channels import Channelwise
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class Relu(Channelwise, Operator):
    """``max(x, 0)``. Standing alone it is exact: the output keeps the fraction and drops the sign."""

    kind: ClassVar[str] = "ReLU"
    homogeneous: ClassVar[bool] = True

    @property
    def clips(self) -> tuple[float | None, float | None]:
        return 0.0, None

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

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        return ("maximum", inputs[0], 0.0)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        (given,) = types
        if not given.signed:
            return given
        width = max(given.width - 1, 1)
        return FixedType(width, width - given.fraction, False, given.rounding, given.overflow.of(False))

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return Interval(max(seen.lo, 0), max(seen.hi, 0)), max(abs(seen.lo), abs(seen.hi))

    def lower(self, build: Lowering) -> None:
        build.elementwise("relu", Cast, lambda _: {"epilogue": Epilogue.relu()})


@spelled_in_torch("ReLU", "relu")
def _relu(call: TorchCall) -> Value:
    return call.emit(Relu(), call.value("self"))


@spelled_in_onnx("Relu")
def _onnx_relu(call: OnnxCall) -> Value:
    return call.emit(Relu(), call.value())
