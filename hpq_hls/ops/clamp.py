"""Bringing values into a range: ReLU6, Hardtanh, clamp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import Epilogue, FixedType, Interval, bits_for
from hpq_hls.kernels import Cast
from hpq_hls.ops.activation import Relu
from hpq_hls.ops.base import IntArray, Lowering, Operator, Shape, operator
from hpq_hls.ops.channels import Channelwise
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.spelling import OnnxCall, TorchCall, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch

FLOAT32_MAX = float(np.finfo(np.float32).max)
"""ONNX files write it where there is no bound."""


@operator
@dataclass(frozen=True, eq=False)
class Clamp(Channelwise, Operator):
    """``min(max(x, low), high)``. Exact: the fraction stays, and no more bits than the range needs.

    low, high: None or infinite where there is no bound. On integers a bound is the nearest one, upwards at a
    tie (``scaled``).
    """

    kind: ClassVar[str] = "Clamp"

    low: float | None = None
    high: float | None = None

    @property
    def clips(self) -> tuple[float | None, float | None]:
        return (
            None if self.low is None or self.low == -math.inf else self.low,
            None if self.high is None or self.high == math.inf else self.high,
        )

    def scaled(self, fraction: int) -> Clamp:
        return Clamp(*(None if bound is None else _nearest(bound, fraction) for bound in self.clips))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return shapes[0]

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        bounds = [bound for bound in self.clips if bound is not None]
        wide = x if all(_holds(x, bound) for bound in bounds) else x.astype(object)
        low, high = self.clips
        result = scratch.result(wide.shape, wide.dtype)
        if low is None:
            return np.minimum(wide, math.inf if high is None else high, out=result)
        np.maximum(wide, low, out=result)
        return result if high is None else np.minimum(result, high, out=result)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        low, high = self.clips
        return inputs[0] if low is None and high is None else inputs[0].clamp(low, high)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        (given,) = types
        width, signed = bits_for(self.scaled(given.fraction)._clip().interval(given.code_interval))
        return FixedType(width, width - given.fraction, signed, given.rounding, given.overflow.of(signed))

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        made = self._clip().interval(seen)
        return made, max(abs(end) for end in (seen.lo, seen.hi, made.lo, made.hi))

    def _clip(self) -> Epilogue:
        """Where the bounds are integers."""
        low, high = (None if bound is None else int(bound) for bound in self.clips)
        return Epilogue(low, high)

    def never_negative(self, inputs: Sequence[bool]) -> bool:
        low, high = self.clips
        return (inputs[0] or (low is not None and low >= 0)) and (high is None or high >= 0)

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        low, high = self.clips
        made: Expression = inputs[0] if low is None else ("maximum", inputs[0], low)
        return made if high is None else ("minimum", made, high)

    def lower(self, build: Lowering) -> None:
        build.elementwise(
            "clamp",
            Cast,
            lambda layer: {"epilogue": self._clip_of(layer.input_edges[0].type)},
        )

    def _clip_of(self, given: FixedType) -> Epilogue:
        """In units of what it is given, without bounds beyond its codes, which are not numbers there."""
        return self.scaled(given.fraction)._clip().within(given.code_interval)


def _nearest(bound: float, fraction: int) -> int:
    """``bound`` in units of 2**-fraction, to nearest, a tie upwards."""
    return math.floor(Fraction(bound) * Fraction(2) ** fraction + Fraction(1, 2))


def _holds(x: Array, bound: float) -> bool:
    """Whether the number type of an array holds a bound exactly."""
    if x.dtype.kind == "f":
        return not isinstance(bound, int) or abs(bound) <= (2**24 if x.dtype == np.float32 else 2**53)
    return x.dtype == object or np.iinfo(x.dtype).min <= bound <= np.iinfo(x.dtype).max


# ---------------------------------------------------------------------------------------------
# Spellings


def clamp(low: float | None, high: float | None) -> Operator:
    """The operator with these bounds; infinite ones are none, and from zero up it is a ReLU."""
    low, high = (None if bound is None or math.isinf(bound) else bound for bound in (low, high))
    return Relu() if low == 0 and high is None else Clamp(low, high)


@spelled_in_torch("clamp, ReLU6 and Hardtanh", "clamp", "clip", "clamp_min", "clamp_max")
def _clamp(call: TorchCall) -> object:
    bounds = []
    for name in ("min", "max"):
        given = call.optional(name) if name in call.arguments else None
        if given is not None and given.size != 1:
            call.refuse(f"its {name} has {given.size} elements, not one for all")
        bounds.append(None if given is None else float(given.reshape(-1)[0]))
    return call.emit(clamp(*bounds), call.value("self"))


@spelled_in_torch("clamp, ReLU6 and Hardtanh", "hardtanh", "relu6")
def _hardtanh(call: TorchCall) -> object:
    low, high = call.arguments.get("min_val", 0.0), call.arguments.get("max_val", 6.0)
    return call.emit(Clamp(float(low), float(high)), call.value("self"))


@spelled_in_onnx("Clip")
def _clip(call: OnnxCall) -> object:
    low, high = call.setting("min", 1), call.setting("max", 2)
    low = None if low is None or low <= -FLOAT32_MAX else float(np.reshape(low, -1)[0])
    high = None if high is None or high >= FLOAT32_MAX else float(np.reshape(high, -1)[0])
    return call.emit(clamp(low, high), call.value())
