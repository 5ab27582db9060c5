"""Concat and stack: several values as one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import IntArray, Lowering, Operator, Order, Shape, Travel, operator
from hpq_hls.ops.layout import IMAGE, Array, Scratch, channels_last, torch_order
from hpq_hls.ops.pad import Pad
from hpq_hls.ops.permute import axis_of
from hpq_hls.ops.rearrange import placed
from hpq_hls.ops.reshape import reshaped
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class Concat(Operator):
    """Values one after another along an axis, cast to one type. axis: without the batch, from 0."""

    kind: ClassVar[str] = "Concat"
    arity: ClassVar[int] = 2  # or more
    casts: ClassVar[bool] = True
    clips_sums: ClassVar[bool] = False

    axis: int

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        first, axis = shapes[0], self.axis
        others = {(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}
        if not 0 <= axis < len(first) or len(others) > 1:
            raise UnsupportedOperatorError(
                f"Concat of tensors of shapes {', '.join(map(str, shapes))} along their axis {axis}; all "
                "other axes have to be equal"
            )
        return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])

    def index(self, shapes: Sequence[Shape]) -> IntArray:
        """For each element of the output, flat, which of all inputs' elements one after another it is."""
        starts = np.cumsum([0, *(placed(shape).size for shape in shapes)])
        parts = [placed(shape) + start for shape, start in zip(shapes, starts, strict=False)]
        return np.concatenate(parts, axis=self.axis).reshape(-1)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        first = inputs[0]
        axis = (1, 0, 2)[self.axis] if first.ndim == IMAGE else self.axis
        length = sum(x.shape[axis] for x in inputs)
        shape = (*first.shape[:axis], length, *first.shape[axis + 1 :])
        return np.concatenate(inputs, axis=axis, out=scratch.result(shape, first.dtype))

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        import torch

        return torch.cat(list(inputs), self.axis + 1)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        seen = functools.reduce(Interval.hull, inputs)
        return seen, max(abs(seen.lo), abs(seen.hi))

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        """Each input in the order in which its elements leave: of those ways, the one that moves least."""
        made_shape = self.output_shape(shapes)
        ways = [channels_last(made_shape), torch_order(placed(made_shape).size)]
        if all(np.array_equal(order, torch_order(order.size)) for order in made):
            ways.reverse()
        if self.axis == 0 and len(made_shape) == 1:
            starts = np.cumsum([0, *(order.size for order in made[:-1])])
            ways.insert(0, np.concatenate([order + start for order, start in zip(made, starts, strict=True)]))
        travels = [self._leaving(shapes, order) for order in ways]
        return min(travels, key=lambda travel: _moved(travel, made))

    def _leaving(self, shapes: Sequence[Shape], order: Order) -> Travel:
        index, start, takes = self.index(shapes)[order], 0, []
        for shape in shapes:
            size = placed(shape).size
            takes.append(index[(index >= start) & (index < start + size)] - start)
            start += size
        return Travel(tuple(takes), order)

    def lower(self, build: Lowering) -> None:
        build.join(self.index(build.shapes))


def _moved(travel: Travel, made: Sequence[Order]) -> int:
    pairs = zip(travel.takes, made, strict=True)
    return sum(order.size for order, there in pairs if not np.array_equal(order, there))


# ---------------------------------------------------------------------- spellings


def _joined(call: TorchCall | OnnxCall, given: Sequence[Any], dim: int) -> Value:
    given = [getattr(value, "tensor", value) for value in given]  # what is the same for every sample
    values = [value for value in given if not hasattr(value, "dtype")]
    axis = axis_of(call, dim, len(values[0].shape) + 1)
    joined: list[Value] = []
    for at, value in enumerate(given):
        if not hasattr(value, "dtype"):
            joined.append(value)
        elif joined:
            joined[-1] = _lengthened(call, joined[-1], value, axis, f"padded{at}", behind=True)
    first = 0
    while hasattr(given[first], "dtype"):
        first += 1
    for at in reversed(range(first)):
        joined[0] = _lengthened(call, joined[0], given[at], axis, f"padded{at}", behind=False)
    return call.emit(Concat(axis), *joined) if len(joined) > 1 else joined[0]


def _lengthened(
    call: TorchCall | OnnxCall, value: Value, constant: Any, axis: int, suffix: str, *, behind: bool
) -> Value:
    """A value with a constant in front of it or behind it, of which all elements are equal."""
    numbers = np.asarray(constant.detach().cpu().numpy() if hasattr(constant, "detach") else constant)
    if numbers.size == 0:
        return value
    if (numbers != numbers.flat[0]).any():
        call.refuse("a tensor that it joins is constant, and only constants of one number are supported")
    amounts = [0] * len(value.shape)
    amounts[axis] = numbers.shape[axis + 1]
    none = [0] * len(amounts)
    before, after = (none, amounts) if behind else (amounts, none)
    made: Value = call.emit(Pad(tuple(before), tuple(after), float(numbers.flat[0])), value, suffix=suffix)
    return made


@spelled_in_torch("concatenation and stacking", "cat", "concat", "concatenate")
def _cat(call: TorchCall) -> Value:
    return _joined(call, call.arguments["tensors"], int(call.arguments["dim"]))


@spelled_in_torch("concatenation and stacking", "hstack", "column_stack")
def _hstack(call: TorchCall) -> Value:
    return _joined(call, call.arguments["tensors"], 1)


@spelled_in_torch("concatenation and stacking", "stack")
def _stack(call: TorchCall) -> Value:
    given = call.arguments["tensors"]
    rank = len(given[0].shape) + 2
    axis = axis_of(call, int(call.arguments["dim"]), rank)
    shape = (*given[0].shape[:axis], 1, *given[0].shape[axis:])
    parts = [call.emit(reshaped(shape), value, suffix=f"part{at}") for at, value in enumerate(given)]
    return _joined(call, parts, axis + 1)


@spelled_in_onnx("Concat")
def _onnx_concat(call: OnnxCall) -> Value:
    return _joined(call, call.inputs, int(call.attributes["axis"]))
