"""Operators that give a value another shape: no element changes its flat index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.base import IntArray, Order, Shape, Travel, operator
from hpq_hls.ops.layout import IMAGE, Array, Scratch
from hpq_hls.ops.rearrange import Rearrange, placed
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch


@operator
@dataclass(frozen=True, eq=False)
class Reshape(Rearrange):
    """The same elements in torch's order in another shape, the batch left alone."""

    kind: ClassVar[str] = "Reshape"
    keeps_order: ClassVar[bool] = True

    shape: Shape

    def index(self, shape: Shape) -> IntArray:
        if math.prod(shape) != math.prod(self.shape):
            raise UnsupportedOperatorError(_across(shape, self.shape))
        return placed(self.shape)

    def ties(self, shapes: Sequence[Shape]) -> IntArray | None:
        same = shapes[0][:1] == self.shape[:1] and len(self.shape) > 0
        return np.arange(self.shape[0], dtype=np.int64) if same else None

    def narrowed(self, inputs: Sequence[IntArray], output: IntArray) -> Reshape:
        return Reshape((len(output), *self.shape[1:]))

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        if x.ndim != IMAGE and len(self.shape) != IMAGE - 1:
            return x.reshape(*self.shape, x.shape[-1])
        return super().compute(inputs, weight, bias, scratch)

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((made[0],), made[0])

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return order


@operator
@dataclass(frozen=True, eq=False)
class Flatten(Rearrange):
    """All elements as a vector, in torch's order (channels slowest)."""

    kind: ClassVar[str] = "Flatten"
    homogeneous: ClassVar[bool] = True
    keeps_order: ClassVar[bool] = True

    def index(self, shape: Shape) -> IntArray:
        return placed(shape).reshape(-1)

    def ties(self, shapes: Sequence[Shape]) -> IntArray | None:
        channels = math.prod(shapes[0][:1])
        return np.arange(channels, dtype=np.int64).repeat(math.prod(shapes[0][1:]))

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        if x.ndim != IMAGE:
            return x.reshape(-1, x.shape[-1])
        height, channels, width, batch = x.shape
        result = scratch.result((channels * height * width, batch), x.dtype)
        np.copyto(result.reshape(channels, height, width, batch), x.transpose(1, 0, 2, 3))
        return result

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((made[0],), made[0])

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return order


def reshaped(shape: Shape) -> Rearrange:
    """The operator that brings a tensor to a shape: Flatten for a vector."""
    return Flatten() if len(shape) == 1 else Reshape(shape)


# ---------------------------------------------------------------------- spellings


@spelled_in_torch("Flatten and reshape", "flatten", "view", "_unsafe_view", "reshape", "squeeze", "unsqueeze")
def _torch_reshape(call: TorchCall) -> Value:
    return _reshape(call, call.value("self"), call.static_shape())


@spelled_in_onnx("Flatten")
def _onnx_flatten(call: OnnxCall) -> Value:
    x = call.value()
    keeps = (
        (0, 1, -len(x.shape)) if call.batch == 1 else (1, -len(x.shape))
    )  # one sample is one row either way
    if int(call.attributes.get("axis", 1)) not in keeps:
        call.refuse("only axis=1, which keeps the batch, is supported")
    return call.emit(Flatten(), x)


@spelled_in_onnx("Reshape")
def _onnx_reshape(call: OnnxCall) -> Value:
    x = call.value()
    wanted = [int(size) for size in call.setting("shape", 1)]
    if not call.attributes.get("allowzero"):
        known = [call.any_batch, *x.shape]
        if any(size == 0 and axis >= len(known) for axis, size in enumerate(wanted)):
            call.refuse(f"its shape {wanted} copies an axis that does not exist")
        wanted = [known[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    first, rest = wanted[0] if wanted else 0, wanted[1:]
    if -1 in rest:
        others = math.prod(size for size in rest if size != -1)
        if first not in (call.any_batch, call.batch) or others < 1 or math.prod(x.shape) % others:
            call.refuse(f"its shape {wanted} does not keep the batch axis first")
        rest[rest.index(-1)] = math.prod(x.shape) // others
    elif first not in (call.any_batch, call.batch, -1):
        call.refuse(f"its shape {wanted} does not keep the batch axis first")
    return _reshape(call, x, tuple(rest))


@spelled_in_onnx("Squeeze")
def _onnx_squeeze(call: OnnxCall) -> Value:
    x = call.value()
    rank = len(x.shape) + 1
    given = call.setting("axes", 1)
    if given is None:
        dropped = {axis for axis, size in enumerate([call.batch or call.any_batch, *x.shape]) if size == 1}
    else:
        dropped = {int(axis) % rank for axis in given}
    if 0 in dropped:
        call.refuse("it drops the batch axis")
    shape = tuple(size for axis, size in enumerate(x.shape, start=1) if axis not in dropped)
    return _reshape(call, x, shape)


@spelled_in_onnx("Unsqueeze")
def _onnx_unsqueeze(call: OnnxCall) -> Value:
    x = call.value()
    given = call.setting("axes", 1) or []
    rank = len(x.shape) + 1 + len(given)
    added = {int(axis) % rank for axis in given}
    if 0 in added:
        call.refuse("it puts an axis in front of the batch axis")
    old = iter(x.shape)
    shape = tuple(1 if axis in added else next(old) for axis in range(1, rank))
    return _reshape(call, x, shape)


def _reshape(call: TorchCall | OnnxCall, x: Value, shape: Shape) -> Value:
    if math.prod(shape) != math.prod(x.shape):
        call.refuse(_across(x.shape, shape))
    return x if shape == x.shape else call.emit(reshaped(shape), x)


def _across(shape: Shape, wanted: Shape) -> str:
    return (
        f"it turns {shape} per sample into {wanted}, which moves elements between samples; "
        "keep the batch axis first, for instance with x.flatten(1)"
    )
