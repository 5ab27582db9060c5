"""Slopes below 0: LeakyReLU, RReLU in evaluation, PReLU with one for all channels or one for each.

Behind a layer that casts they are its epilogue: the exact sum times a constant, then the one cast. Elsewhere
one slope for all is a table, and slopes by channel are a cast with that epilogue.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Epilogue, FixedType, Interval
from hpq_hls.ops.base import FloatArray, IntArray, Lowering, Operator, Shape, operator
from hpq_hls.ops.channels import Channelwise, taken
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import Array, Scratch, by_channel
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Leaky(Channelwise, Operator):
    """Base of what leaves values from 0 up as they are and multiplies those below by a slope."""

    casts: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True

    @property
    @abstractmethod
    def leaks(self) -> FloatArray:
        """Its slopes."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        if not np.isfinite(self.leaks).all():
            raise UnsupportedOperatorError("its slopes are not all finite numbers")
        if len(self.leaks) not in (1, shape[0]):
            raise UnsupportedOperatorError(
                f"its {len(self.leaks)} slopes do not suit an input of shape {shape}"
            )
        return shape

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        slopes = self.leaks if len(self.leaks) == 1 else by_channel(self.leaks, x.ndim)
        return np.where(x < 0, x * slopes, x)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        (x,) = inputs
        slopes = x.new_tensor(self.leaks)
        return x.where(x > 0, x * slopes.reshape((-1,) + (1,) * (x.ndim - 2)))

    def rounded(self, output_type: FixedType) -> Operator:
        epilogue = Epilogue.leaky(self.leaks, output_type.width)
        if not epilogue.slopes:
            return self
        return PRelu(np.ldexp(epilogue.words[:, 0].astype(np.float64), -epilogue.fraction))

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        if len(self.leaks) > 1:
            return None
        (x,) = inputs
        return ("select", x, x, ("mul", x, float(self.leaks[0])))

    def never_negative(self, inputs: Sequence[bool]) -> bool:
        return inputs[0] or bool((self.leaks <= 0).all())

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError(f"{self.kind} has no exact sum; the layer or the table that it joins has a range")

    def lower(self, build: Lowering) -> None:
        raise TypeError(f"{self.kind} becomes no kernel of its own")


@operator
@dataclass(frozen=True, eq=False)
class LeakyRelu(Leaky):
    """``x`` above 0, ``slope * x`` below."""

    kind: ClassVar[str] = "LeakyReLU"

    slope: float

    @property
    def leaks(self) -> FloatArray:
        return np.array([self.slope])


@operator
@dataclass(frozen=True, eq=False)
class PRelu(Leaky):
    """``max(x, 0) + slopes[c] min(x, 0)``; slopes: (channels,), or (1,) for all."""

    kind: ClassVar[str] = "PReLU"

    slopes: FloatArray

    @property
    def leaks(self) -> FloatArray:
        return self.slopes

    def narrowed(self, inputs: Sequence[IntArray], output: IntArray) -> PRelu:
        return self if len(self.slopes) == 1 else PRelu(taken(self.slopes, output))


# ---------------------------------------------------------------------------------------------
# Spellings


@spelled_in_torch("LeakyReLU", "leaky_relu")
def _leaky_relu(call: TorchCall) -> Value:
    return call.emit(LeakyRelu(float(call.arguments["negative_slope"])), call.value("self"))


@spelled_in_onnx("LeakyRelu")
def _onnx_leaky_relu(call: OnnxCall) -> Value:
    return call.emit(LeakyRelu(float(call.attributes.get("alpha", 0.01))), call.value())


def _prelu(call: Any, slopes: FloatArray, x: Any) -> Any:
    if slopes.size != max(slopes.shape, default=1):
        call.refuse(f"its slopes have shape {slopes.shape}; only one for all or one per channel is supported")
    flat = np.asarray(slopes, dtype=np.float64).reshape(-1)
    return call.emit(PRelu(flat[:1] if (flat == flat[0]).all() else flat), x)


@spelled_in_torch("PReLU", "prelu", "_prelu_kernel")
def _torch_prelu(call: TorchCall) -> Any:
    return _prelu(call, call.constant("weight"), call.value("self"))


@spelled_in_onnx("PRelu")
def _onnx_prelu(call: OnnxCall) -> Any:
    return _prelu(call, call.constant(1), call.value())
