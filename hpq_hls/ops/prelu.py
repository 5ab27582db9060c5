"""PReLU: a trained slope below 0, one for all channels or one for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.activation import Relu
from hpq_hls.ops.arithmetic import Add
from hpq_hls.ops.base import FloatArray, IntArray, Lowering, Operator, Part, Shape, operator
from hpq_hls.ops.clamp import Clamp
from hpq_hls.ops.functions import leaky
from hpq_hls.ops.layout import IMAGE, Array, Scratch
from hpq_hls.ops.linear import ChannelAffine
from hpq_hls.ops.pointwise import Pointwise
from hpq_hls.ops.spelling import OnnxCall, TorchCall, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class PRelu(Operator):
    """``max(x, 0) + slopes[c] min(x, 0)``; slopes: (channels,)."""

    kind: ClassVar[str] = "PReLU"
    casts: ClassVar[bool] = True

    slopes: FloatArray

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        return (
            Part("positive", Relu(), (0,)),
            Part("negative", Clamp(None, 0.0), (0,)),
            Part("slope", ChannelAffine(self.slopes, np.zeros_like(self.slopes)), ("negative",)),
            Part("", Add(), ("positive", "slope")),
        )

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        if shape[0] != len(self.slopes):
            raise UnsupportedOperatorError(
                f"its {len(self.slopes)} slopes do not suit an input of shape {shape}"
            )
        return shape

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        slopes = self.slopes.reshape((1, -1, 1, 1) if x.ndim == IMAGE else (-1,) + (1,) * (x.ndim - 1))
        return np.maximum(x, 0) + slopes * np.minimum(x, 0)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        (x,) = inputs
        slopes = x.new_tensor(self.slopes).reshape((-1,) + (1,) * (x.ndim - 2))
        return x.clamp(min=0) + slopes * x.clamp(max=0)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError("PReLU has no integer meaning before it is taken apart")

    def lower(self, build: Lowering) -> None:
        raise TypeError("PReLU becomes no kernel before it is taken apart")


def _spelled(call: Any, slopes: FloatArray, x: Any) -> Any:
    if slopes.size == 1 or (slopes == slopes.reshape(-1)[0]).all():
        return call.emit(Pointwise(leaky(float(slopes.reshape(-1)[0])), "PReLU"), x)
    if slopes.size != max(slopes.shape):
        call.refuse(f"its slopes have shape {slopes.shape}; only one for all or one per channel is supported")
    return call.emit(PRelu(slopes.reshape(-1)), x)


@spelled_in_torch("PReLU", "prelu", "_prelu_kernel")
def _prelu(call: TorchCall) -> Any:
    return _spelled(call, call.constant("weight"), call.value("self"))


@spelled_in_onnx("PRelu")
def _onnx_prelu(call: OnnxCall) -> Any:
    return _spelled(call, call.constant(1), call.value())
