"""LeakyReLU: a fixed slope below 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import Interval
from hpq_hls.ops.base import IntArray, Lowering, Operator, Part, Shape, operator
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.pointwise import Pointwise
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class LeakyRelu(Operator):
    """``x`` above 0, ``slope * x`` below; a table, by itself or with its neighbours."""

    kind: ClassVar[str] = "LeakyReLU"
    casts: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True

    slope: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.slope):
            raise ValueError(f"slope {self.slope} is no number to multiply by")

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        function = ("select", "x", "x", ("mul", "x", self.slope))
        return (Part("", Pointwise(function, self.kind), (0,)),)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return shapes[0]

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        return np.where(x > 0, x, x * self.slope)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        (x,) = inputs
        return x.where(x > 0, x * self.slope)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError("LeakyReLU has no exact sum; the table that it becomes says what comes out")

    def lower(self, build: Lowering) -> None:
        raise TypeError("LeakyReLU becomes no kernel before it is taken apart")


@spelled_in_torch("LeakyReLU", "leaky_relu")
def _leaky_relu(call: TorchCall) -> Value:
    return call.emit(LeakyRelu(float(call.arguments["negative_slope"])), call.value("self"))


@spelled_in_onnx("LeakyRelu")
def _onnx_leaky_relu(call: OnnxCall) -> Value:
    return call.emit(LeakyRelu(float(call.attributes.get("alpha", 0.01))), call.value())
