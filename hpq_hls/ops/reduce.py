"""Many elements become one: mean, sum, largest and smallest over any axes, global pools among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.kernels import Reduction
from hpq_hls.ops.arithmetic import Maximum, Minimum
from hpq_hls.ops.base import Constant, IntArray, Lowering, Operator, Order, Shape, Travel, operator
from hpq_hls.ops.folding import Folding
from hpq_hls.ops.layout import IMAGE, Array, Scratch
from hpq_hls.ops.reciprocal import reciprocal
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Reduce(Operator):
    """Base of the reductions.

    axes: of the input without the batch axis, ascending. keep: whether they stay, with length 1.
    """

    mode: ClassVar[Reduction]

    axes: tuple[int, ...]
    keep: bool = False

    @property
    def elements(self) -> int | None:
        """How many elements it was told to take together; None where that does not matter."""
        return None

    def ties(self, shapes: Sequence[Shape]) -> IntArray | None:
        return None if 0 in self.axes else np.arange(shapes[0][0], dtype=np.int64)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        if not self.axes or any(not 0 <= axis < len(shape) for axis in self.axes):
            raise UnsupportedOperatorError(
                f"{self.kind} over axes {self.axes} is applied to a tensor of shape {shape} per sample; "
                f"axes go from 0 to {len(shape) - 1} without the batch axis"
            )
        together = math.prod(shape[axis] for axis in self.axes)
        if self.elements not in (None, together):
            raise UnsupportedOperatorError(
                f"{self.kind} over axes {self.axes} of a tensor of shape {shape} per sample takes {together} "
                f"elements together, but its length is {self.elements}; give length={together}"
            )
        kept = [1 if axis in self.axes else length for axis, length in enumerate(shape)]
        if self.keep:
            return tuple(kept)
        return tuple(length for axis, length in enumerate(shape) if axis not in self.axes)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        found = _plain(x)
        for axis in sorted(self.axes, reverse=True):  # one at a time: that adds long runs of memory
            found = self._reduced(found, axis)
        if self.keep:
            found = np.expand_dims(found, self.axes)
        found = _plain(found)
        result = scratch.result(found.shape, found.dtype)
        if weight is None:
            np.copyto(result, found)
            return result
        return np.multiply(found, weight, out=result)

    def _reduced(self, x: Array, axis: int) -> Array:
        raise NotImplementedError

    def groups(self, shape: Shape) -> IntArray:
        """The flat index of the element of the output that each element of the input goes into, flat."""
        kept = tuple(1 if axis in self.axes else length for axis, length in enumerate(shape))
        places = np.arange(math.prod(kept), dtype=np.int64).reshape(kept)
        return np.broadcast_to(places, shape).reshape(-1)

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        """As the elements come, where those that become one come step by step; else one after the other."""
        groups = self.groups(shapes[0])
        order = made[0]
        found = Folding.of(groups[order])
        if found is None or not self._suits(order, groups):
            order = np.argsort(groups, kind="stable").astype(np.int64)
            found = Folding(int(groups.max()) + 1, groups.size // (int(groups.max()) + 1), 1)
        steps = groups[order].reshape(found.outer, found.length, found.inner)
        return Travel((order,), steps[:, 0].reshape(-1))

    def _suits(self, order: Order, groups: IntArray) -> bool:
        """Whether it may take the elements in this order."""
        return True

    def any_order(self, shapes: Sequence[Shape]) -> bool:
        return False

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.reduction(self.mode, self.groups(build.shapes[0]))


def _plain(x: Array) -> Array:
    """From the layout of operators to (..., N) in torch's order of axes, and back: a view."""
    return x.transpose(1, 0, 2, 3) if x.ndim == IMAGE else x


@operator
@dataclass(frozen=True, eq=False)
class Sum(Reduce):
    """The sum over axes."""

    kind: ClassVar[str] = "Sum"
    casts: ClassVar[bool] = True
    leaks_sums: ClassVar[bool] = True
    mode: ClassVar[Reduction] = Reduction.SUM

    length: int = 0
    """Elements of a sum."""

    @property
    def elements(self) -> int | None:
        return self.length

    def _reduced(self, x: Array, axis: int) -> Array:
        return np.asarray(np.add.reduce(x, axis=axis, dtype=x.dtype))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].sum([axis + 1 for axis in self.axes], keepdim=self.keep)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        total = inputs[0].scale(self.length)
        if weight is not None:
            total = total.scale(int(weight))
        return total, max(abs(total.lo), abs(total.hi))


@operator
@dataclass(frozen=True, eq=False)
class Mean(Sum):
    """The mean over axes: the exact sum times ``1 / length`` (see ``hpq_hls.ops.reciprocal``)."""

    kind: ClassVar[str] = "Mean"

    @property
    def constant(self) -> Constant | None:
        return reciprocal(self.length)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        total = super().compute(inputs, weight, bias, scratch)
        return np.divide(total, self.length, out=total) if weight is None else total

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        total = super().differentiable(inputs, None, None)
        return total / self.length if weight is None else total * weight


@operator
@dataclass(frozen=True, eq=False)
class Max(Reduce):
    """The largest over axes. Exact: the type passes through."""

    kind: ClassVar[str] = "Max"
    mode: ClassVar[Reduction] = Reduction.MAX

    def _reduced(self, x: Array, axis: int) -> Array:
        return np.asarray(np.maximum.reduce(x, axis=axis))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].amax([axis + 1 for axis in self.axes], keepdim=self.keep)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        return types[0]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return seen, max(abs(seen.lo), abs(seen.hi))


@operator
@dataclass(frozen=True, eq=False)
class Min(Max):
    """The smallest over axes. Exact: the type passes through."""

    kind: ClassVar[str] = "Min"
    mode: ClassVar[Reduction] = Reduction.MIN

    def _reduced(self, x: Array, axis: int) -> Array:
        return np.asarray(np.minimum.reduce(x, axis=axis))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return inputs[0].amin([axis + 1 for axis in self.axes], keepdim=self.keep)


@operator
@dataclass(frozen=True, eq=False)
class ArgMax(Reduce):
    """Where the largest is: its index along one axis (or, over all axes, in torch's order), the first of
    equal ones. Exact: an unsigned integer of as many bits as that takes.

    length: elements of which one is the largest.
    """

    kind: ClassVar[str] = "ArgMax"
    mode: ClassVar[Reduction] = Reduction.ARGMAX

    length: int = 0

    @property
    def elements(self) -> int | None:
        return self.length

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        plain = _plain(inputs[0])
        axes = [axis for axis in range(plain.ndim - 1) if axis not in self.axes]
        moved = plain.transpose(*self.axes, *axes, plain.ndim - 1)
        found = self._place(moved.reshape(-1, *moved.shape[len(self.axes) :]))
        if self.keep:
            found = np.expand_dims(found, self.axes)
        found = _plain(found)
        given = plain.dtype
        dtype = given if given.kind == "f" else np.dtype(object if given.kind == "O" else np.int64)
        result = scratch.result(found.shape, dtype)
        np.copyto(result, found, casting="unsafe")
        return result

    def _place(self, x: Array) -> Array:
        return np.asarray(np.argmax(x, axis=0))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        (x,) = inputs
        axes = [axis + 1 for axis in range(x.ndim - 1) if axis not in self.axes]
        moved = x.detach().permute(0, *axes, *(axis + 1 for axis in self.axes))
        found = self._place_tensor(moved.flatten(1 + len(axes))).to(x.dtype)
        for axis in self.axes if self.keep else ():
            found = found.unsqueeze(axis + 1)
        return found

    def _place_tensor(self, x: torch.Tensor) -> torch.Tensor:
        return x.argmax(-1)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        width = max((self.length - 1).bit_length(), 1)
        return FixedType(width, width, False)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return Interval(0, self.length - 1), max(abs(seen.lo), abs(seen.hi), self.length)

    def _suits(self, order: Order, groups: IntArray) -> bool:
        """Whether elements of one group come in the order of their indices."""
        sorted_by_group = order[np.argsort(groups[order], kind="stable")]
        return bool((np.diff(sorted_by_group.reshape(-1, self.length), axis=1) > 0).all())


@operator
@dataclass(frozen=True, eq=False)
class ArgMin(ArgMax):
    """Where the smallest is, as ``ArgMax``."""

    kind: ClassVar[str] = "ArgMin"
    mode: ClassVar[Reduction] = Reduction.ARGMIN

    def _place(self, x: Array) -> Array:
        return np.asarray(np.argmin(x, axis=0))

    def _place_tensor(self, x: torch.Tensor) -> torch.Tensor:
        return x.argmin(-1)


# ---------------------------------------------------------------------- spellings


def axes_of(call: TorchCall | OnnxCall, x: Value, given: Any) -> tuple[int, ...]:
    """Axes of a value, counted with the batch axis, as ours: without it and ascending. None, or none of them:
    all, which is refused, as the batch axis is."""
    rank = len(x.shape) + 1
    asked = [given] if isinstance(given, (int, float)) else list(given or range(rank))
    axes = sorted({int(axis) % rank - 1 for axis in asked})
    if axes[0] < 0:
        call.refuse(
            "it reduces over the batch axis, which would mix samples; give the axes to reduce over, from 1 on"
        )
    return tuple(axes)


def mean_over(call: TorchCall | OnnxCall, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    """The mean over axes counted without the batch axis."""
    return call.emit(Mean(axes, keep, _length(x, axes)), x)


def _length(x: Value, axes: tuple[int, ...]) -> int:
    return math.prod(x.shape[axis] for axis in axes)


def _torch_axes(call: TorchCall) -> tuple[Value, tuple[int, ...], bool]:
    x = call.value("self")
    if not call.widening:
        call.refuse("its dtype rounds the result")
    return x, axes_of(call, x, call.arguments.get("dim")), bool(call.arguments.get("keepdim", False))


@spelled_in_torch("mean, sum, max, min over axes", "mean")
def _torch_mean(call: TorchCall) -> Value:
    x, axes, keep = _torch_axes(call)
    return mean_over(call, x, axes, keep)


@spelled_in_torch("mean, sum, max, min over axes", "sum")
def _torch_sum(call: TorchCall) -> Value:
    x, axes, keep = _torch_axes(call)
    return call.emit(Sum(axes, keep, _length(x, axes)), x)


@spelled_in_torch("mean, sum, max, min over axes", "amax", "amin")
def _torch_extreme(call: TorchCall) -> Value:
    x, axes, keep = _torch_axes(call)
    return call.emit((Max if call.name == "aten.amax" else Min)(axes, keep), x)


@spelled_in_torch("mean, sum, max, min over axes", "max", "min")
def _torch_max(call: TorchCall) -> Any:
    """Of two values, over all elements, or over an axis: then with the indices."""
    largest = call.name == "aten.max"
    if call.arguments.get("other") is not None:
        return call.emit((Maximum if largest else Minimum)(), call.value("self"), call.value("other"))
    x, axes, keep = _torch_axes(call)
    values = call.emit((Max if largest else Min)(axes, keep), x)
    return [values, call.emit((ArgMax if largest else ArgMin)(axes, keep, _length(x, axes)), x)]


@spelled_in_torch("argmax, argmin and topk(1)", "argmax", "argmin")
def _torch_argmax(call: TorchCall) -> Value:
    x, dim = call.value("self"), call.arguments.get("dim")
    if dim is None:
        call.refuse("it looks at all samples together; give dim=1, or flatten(1) and dim=1")
    axes = axes_of(call, x, dim)
    kind = ArgMax if call.name == "aten.argmax" else ArgMin
    return call.emit(kind(axes, bool(call.arguments.get("keepdim", False)), _length(x, axes)), x)


@spelled_in_torch("argmax, argmin and topk(1)", "topk")
def _torch_topk(call: TorchCall) -> Any:
    x, largest = call.value("self"), bool(call.arguments.get("largest", True))
    return _first_of(call, x, int(call.arguments["k"]), call.arguments.get("dim", -1), largest)


def _first_of(call: TorchCall | OnnxCall, x: Value, count: int, axis: int, largest: bool) -> Any:
    axes = axes_of(call, x, axis)
    if count != 1:
        call.refuse(f"its k is {count}, and only the first (k=1) is supported")
    values = call.emit((Max if largest else Min)(axes, True), x)
    return [values, call.emit((ArgMax if largest else ArgMin)(axes, True, _length(x, axes)), x)]


_ONNX: dict[str, type[Reduce]] = {"ReduceMean": Mean, "ReduceSum": Sum, "ReduceMax": Max, "ReduceMin": Min}


@spelled_in_onnx(*_ONNX)
def _onnx_reduce(call: OnnxCall) -> Value:
    x, asked = call.value(), call.setting("axes", 1)
    if not asked and call.attributes.get("noop_with_empty_axes"):
        return x
    axes, keep = axes_of(call, x, asked), bool(call.attributes.get("keepdims", 1))
    kind = _ONNX[call.name]
    return call.emit(kind(axes, keep, _length(x, axes)) if issubclass(kind, Sum) else kind(axes, keep), x)


@spelled_in_onnx("GlobalAveragePool", "GlobalMaxPool")
def _onnx_global_pool(call: OnnxCall) -> Value:
    x = call.value()
    axes = tuple(range(1, len(x.shape)))
    if call.name == "GlobalMaxPool":
        return call.emit(Max(axes, True), x)
    return mean_over(call, x, axes, keep=True)


@spelled_in_onnx("ArgMax", "ArgMin")
def _onnx_argmax(call: OnnxCall) -> Value:
    x, given = call.value(), call.attributes
    if given.get("select_last_index"):
        call.refuse("it selects the last index of equal elements; only the first is supported")
    axes = axes_of(call, x, int(given.get("axis", 0)))
    kind = ArgMax if call.name == "ArgMax" else ArgMin
    return call.emit(kind(axes, bool(given.get("keepdims", 1)), _length(x, axes)), x)


@spelled_in_onnx("TopK")
def _onnx_topk(call: OnnxCall) -> Any:
    count, given = call.setting("k", 1), call.attributes
    count = count[0] if isinstance(count, list) else count
    return _first_of(
        call, call.value(), int(count), int(given.get("axis", -1)), bool(given.get("largest", 1))
    )
