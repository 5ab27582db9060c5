"""Constants around a tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.base import IntArray, Padding, Part, Shape, operator
from hpq_hls.ops.layout import IMAGE, Array, Scratch
from hpq_hls.ops.linear import ChannelAffine
from hpq_hls.ops.rearrange import ZERO, Rearrange, bounded, placed
from hpq_hls.ops.select import Border, bordered
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class Pad(Rearrange):
    """A tensor with ``value`` around it. Exact: the type passes through.

    before, after: elements added in front of and behind each axis, the batch left out.
    value: other than 0 (or -inf in front of a max pooling, which takes it in): made of parts, zeros around
        ``x - value``, and ``value`` added again.
    """

    kind: ClassVar[str] = "Pad"
    homogeneous: ClassVar[bool] = True

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float = 0.0

    @property
    def padding(self) -> Padding | None:
        return Padding(self.before, self.after, self.value)

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        if self.value == 0:
            return ()
        if not math.isfinite(self.value):
            raise UnsupportedOperatorError(
                f"padding with {self.value} is supported only in front of a max pooling without ceil_mode"
            )
        (shape,) = shapes
        inside, outside = np.ones(shape[0]), np.ones(self.output_shape(shapes)[0])
        return (
            Part("moved", ChannelAffine(inside, -self.value * inside), (0,)),
            Part("zeros", Pad(self.before, self.after), ("moved",)),
            Part("", ChannelAffine(outside, self.value * outside), ("zeros",)),
        )

    @property
    def puts_zeros(self) -> bool:
        return True

    def index(self, shape: Shape) -> IntArray:
        self.output_shape([shape])
        pairs = list(zip(self.before, self.after, strict=True))
        bounded(*(size + sum(pair) for size, pair in zip(shape, pairs, strict=True)))
        return np.pad(placed(shape), pairs, constant_values=ZERO)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        if len(shape) != len(self.before) or min((*self.before, *self.after)) < 0:
            raise UnsupportedOperatorError(
                f"its padding {self.before} in front and {self.after} behind does not fit a tensor of shape "
                f"{shape}, or is negative"
            )
        return tuple(b + size + a for b, size, a in zip(self.before, shape, self.after, strict=True))

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        axes = (1, 0, 2) if x.ndim == IMAGE else range(len(self.before))
        spans = [(self.before[axis], x.shape[index], self.after[axis]) for index, axis in enumerate(axes)]
        shape = (*(sum(span) for span in spans), x.shape[-1])
        result = scratch.result(shape, x.dtype)
        result[...] = self.value
        result[tuple(slice(before, before + size) for before, size, _ in spans)] = x
        return result

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        from torch.nn import functional

        pads = [
            side for pair in zip(reversed(self.before), reversed(self.after), strict=True) for side in pair
        ]
        return functional.pad(inputs[0], pads, value=self.value)


@spelled_in_torch("padding in every mode", "pad", "constant_pad_nd")
def _torch_pad(call: TorchCall) -> Value:
    mode, value = call.arguments.get("mode", "constant"), call.arguments["value"]
    x, pads = call.value("self"), [int(amount) for amount in call.arguments["pad"]]
    if any(pads[2 * len(x.shape) :]):
        call.refuse("it pads samples")
    pads = (pads + [0] * (2 * len(x.shape)))[: 2 * len(x.shape)]
    if mode != "constant":
        return bordered(call, x, pads[-2::-2], pads[-1::-2], mode)
    return _pad(call, x, pads[-2::-2], pads[-1::-2], 0.0 if value is None else float(value))


@spelled_in_onnx("Pad")
def _onnx_pad(call: OnnxCall) -> Value:
    x = call.value()
    mode = call.attributes.get("mode", "constant")
    rank = len(x.shape) + 1
    amounts = [int(amount) for amount in call.setting("pads", 1)]
    axes = call.setting("axes", 3)
    axes = range(rank) if axes is None else [int(axis) % rank for axis in axes]
    before, after = [0] * rank, [0] * rank
    for index, axis in enumerate(axes):
        before[axis], after[axis] = amounts[index], amounts[index + len(amounts) // 2]
    if before[0] or after[0]:
        call.refuse("it pads samples")
    if mode != "constant":
        return bordered(call, x, before[1:], after[1:], mode)
    return _pad(call, x, before[1:], after[1:], float(call.setting("value", 2, 0.0)))


def _pad(
    call: TorchCall | OnnxCall, x: Value, before: Sequence[int], after: Sequence[int], value: float
) -> Value:
    if min((*before, *after)) < 0:
        if value == 0 or max((*before, *after)) <= 0:
            return call.emit(Border(tuple(before), tuple(after)), x)
        call.refuse(f"its padding {tuple(before)} in front and {tuple(after)} behind is negative")
    if value == math.inf or math.isnan(value):
        call.refuse(f"it pads with {value}")
    return call.emit(Pad(tuple(before), tuple(after), value), x) if any((*before, *after)) else x
