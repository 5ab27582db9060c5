"""Operators that take a part of a value, or repeat what is in it: slices, pads, repetitions, upsampling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.base import IntArray, Shape, operator
from hpq_hls.ops.permute import axis_of
from hpq_hls.ops.rearrange import ZERO, Rearrange, bounded, placed
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch


@operator
@dataclass(frozen=True, eq=False)
class Take(Rearrange):
    """The elements at ``places`` of an axis, in that order: a slice, a selection, a gathering by constants.

    axis: without the batch, from 0. dropped: the axis is left out, of one place.
    """

    kind: ClassVar[str] = "Take"

    axis: int
    places: tuple[int, ...]
    dropped: bool = False

    def index(self, shape: Shape) -> IntArray:
        size = shape[self.axis] if 0 <= self.axis < len(shape) else 0
        if not self.places or not all(-size <= place < size for place in self.places):
            raise UnsupportedOperatorError(
                f"places {_shortly(self.places)} of axis {self.axis + 1} are taken of a tensor of shape (N, "
                f"{', '.join(map(str, shape))}), which does not have them all, or none are"
            )
        bounded(len(self.places), math.prod(shape) // size)
        found = np.take(placed(shape), self.places, axis=self.axis)
        return found.squeeze(self.axis) if self.dropped else found


def _shortly(places: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, places[:4]))
    return f"({shown}, ...)" if len(places) > 4 else f"({shown})"


MODES = ("constant", "reflect", "edge", "wrap", "symmetric")


@operator
@dataclass(frozen=True, eq=False)
class Border(Rearrange):
    """Elements around a value: zeros ("constant"), or its own ("reflect", "edge", "wrap"), as numpy.pad names
    them. before, after: how many along each axis, without the batch; negative ones crop."""

    kind: ClassVar[str] = "Pad"

    before: tuple[int, ...]
    after: tuple[int, ...]
    mode: str = "constant"

    @property
    def puts_zeros(self) -> bool:
        return self.mode == "constant"

    def index(self, shape: Shape) -> IntArray:
        if len(self.before) != len(shape) or self.mode not in MODES:
            raise UnsupportedOperatorError(
                f"Pad of {len(self.before)} axes in mode {self.mode!r} is applied to a tensor of {shape}"
            )
        pairs = list(zip(self.before, self.after, strict=True))
        kept = tuple(
            slice(max(-before, 0), size - max(-after, 0))
            for size, (before, after) in zip(shape, pairs, strict=True)
        )
        given = placed(shape)[kept]
        around = [(max(before, 0), max(after, 0)) for before, after in pairs]
        limit = {"reflect": 1, "constant": None}.get(self.mode, 0)
        if 0 in given.shape or (
            limit is not None
            and any(max(pair) > size - limit for pair, size in zip(around, given.shape, strict=True))
        ):
            raise UnsupportedOperatorError(
                f"Pad by {tuple(pairs)} in mode {self.mode!r} is more than a tensor of shape {shape} has"
            )
        bounded(*(size + sum(pair) for size, pair in zip(given.shape, around, strict=True)))
        if self.mode == "constant":
            return np.pad(given, around, constant_values=ZERO)
        return np.asarray(np.pad(given, around, mode=self.mode), dtype=np.int64)  # type: ignore[call-overload]


@operator
@dataclass(frozen=True, eq=False)
class Expand(Rearrange):
    """The same elements along axes that are new or were of length 1. shape: of the result."""

    kind: ClassVar[str] = "Expand"

    shape: Shape

    def index(self, shape: Shape) -> IntArray:
        bounded(*self.shape)
        try:
            return np.array(np.broadcast_to(placed(shape), self.shape))
        except ValueError:
            raise UnsupportedOperatorError(
                f"Expand of a tensor of shape {shape} to {self.shape}; axes have to be equal or 1"
            ) from None


@operator
@dataclass(frozen=True, eq=False)
class Repeat(Rearrange):
    """A value several times over along its axes, or along new ones in front. times: for each axis."""

    kind: ClassVar[str] = "Repeat"

    times: tuple[int, ...]

    def index(self, shape: Shape) -> IntArray:
        bounded(*shape, *self.times)
        return np.tile(placed(shape), self.times)


@operator
@dataclass(frozen=True, eq=False)
class Upsample(Rearrange):
    """Each element ``factors`` times along the axes behind the channels: nearest neighbours."""

    kind: ClassVar[str] = "Upsample"

    factors: tuple[int, ...]

    def index(self, shape: Shape) -> IntArray:
        if len(shape) != len(self.factors) + 1:
            raise UnsupportedOperatorError(
                f"Upsample by {self.factors} is applied to a tensor of shape {shape}, which has other axes"
            )
        index = placed(shape)
        for axis, factor in enumerate(self.factors, start=1):
            index = index.repeat(factor, axis)
        return index


# ---------------------------------------------------------------------- spellings


def taken(
    call: TorchCall | OnnxCall,
    x: Value,
    axis: int,
    places: Sequence[int],
    *,
    dropped: bool = False,
    part: str = "",
) -> Value:
    """The elements at some places of an axis, the batch not counted."""
    chosen = tuple(int(place) for place in places)
    if not dropped and chosen == tuple(range(x.shape[axis])):
        return x
    return call.emit(Take(axis, chosen, dropped), x, suffix=part)


def pieces(call: TorchCall | OnnxCall, x: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
    """A value cut along an axis, the batch not counted."""
    ends = np.cumsum([0, *sizes]).tolist()
    spans = list(itertools.pairwise(ends))
    return [taken(call, x, axis, range(*span), part=f"part{at}") for at, span in enumerate(spans)]


@spelled_in_torch("slices and selections", "slice")
def _slice(call: TorchCall) -> Value:
    x, given = call.value("self"), call.arguments
    start, end, step = given.get("start"), given.get("end"), int(given.get("step", 1))
    rank, dim = len(x.shape) + 1, int(given.get("dim", 0))
    if dim % rank == 0 and start in (None, 0) and step == 1 and (end is None or _endless(end)):
        return x
    axis = axis_of(call, dim, rank)
    return taken(call, x, axis, range(x.shape[axis])[slice(start, end, step)])


def _endless(end: object) -> bool:
    return isinstance(end, int) and end >= 2**31


@spelled_in_torch("slices and selections", "select")
def _select(call: TorchCall) -> Value:
    x, given = call.value("self"), call.arguments
    axis = axis_of(call, given["dim"], len(x.shape) + 1)
    return taken(call, x, axis, [int(given["index"]) % x.shape[axis]], dropped=True)


@spelled_in_torch("slices and selections", "narrow")
def _narrow(call: TorchCall) -> Value:
    x, given = call.value("self"), call.arguments
    axis = axis_of(call, given["dim"], len(x.shape) + 1)
    start = int(given["start"]) % x.shape[axis]
    return taken(call, x, axis, range(start, start + int(given["length"])))


@spelled_in_torch("slices and selections", "index_select")
def _index_select(call: TorchCall) -> Value:
    x = call.value("self")
    axis = axis_of(call, call.arguments["dim"], len(x.shape) + 1)
    return taken(call, x, axis, call.constant("index").astype(np.int64).reshape(-1).tolist())


@spelled_in_torch("slices and selections", "index")
def _index(call: TorchCall) -> Value:
    x, indices = call.value("self"), list(call.arguments["indices"])
    used = [axis for axis, index in enumerate(indices) if index is not None]
    if len(used) != 1 or not hasattr(indices[used[0]], "detach") or indices[used[0]].ndim != 1:
        call.refuse("only one axis can be indexed, by a constant list of numbers")
    places = indices[used[0]].tolist()
    if any(isinstance(place, bool) for place in places):
        places = [at for at, place in enumerate(places) if place]
    axis = axis_of(call, used[0], len(x.shape) + 1)
    return taken(call, x, axis, [place % x.shape[axis] for place in places])


@spelled_in_torch("split, chunk and unbind", "split", "split_with_sizes", "chunk", "tensor_split")
def _split(call: TorchCall) -> list[Value]:
    x, given = call.value("self"), call.arguments
    axis = axis_of(call, given["dim"], len(x.shape) + 1)
    length, wanted = x.shape[axis], given.get("split_size", given.get("split_sizes"))
    if "chunks" in given:
        wanted = -(-length // int(given["chunks"]))
    elif wanted is None:
        call.refuse("use torch.split or torch.chunk")
    if isinstance(wanted, int):
        wanted = [min(wanted, length - start) for start in range(0, length, wanted)]
    return pieces(call, x, axis, wanted)


@spelled_in_torch("split, chunk and unbind", "unbind")
def _unbind(call: TorchCall) -> list[Value]:
    x = call.value("self")
    axis = axis_of(call, call.arguments["dim"], len(x.shape) + 1)
    count = x.shape[axis]
    return [taken(call, x, axis, [place], dropped=True, part=f"part{place}") for place in range(count)]


@spelled_in_torch("expand and repeat", "expand", "broadcast_to", "expand_as")
def _expand(call: TorchCall) -> Value:
    x, shape = call.value("self"), call.static_shape()
    if len(shape) < len(x.shape):
        call.refuse("it adds axes in front of the batch axis")
    return x if shape == x.shape else call.emit(Expand(shape), x)


@spelled_in_torch("expand and repeat", "repeat", "tile")
def _repeat(call: TorchCall) -> Value:
    x = call.value("self")
    times = [int(number) for number in call.arguments.get("repeats", call.arguments.get("dims"))]
    times = [1] * (len(x.shape) + 1 - len(times)) + times
    if len(times) > len(x.shape) + 1 or times[0] != 1:
        call.refuse("it repeats samples")
    return call.emit(Repeat(tuple(times[1:])), x) if any(number != 1 for number in times) else x


@spelled_in_torch("expand and repeat", "repeat_interleave")
def _repeat_interleave(call: TorchCall) -> Value:
    x, given = call.value("self"), call.arguments
    if not isinstance(given["repeats"], int) or given["dim"] is None:
        call.refuse("only one number of repetitions along one axis is supported")
    axis = axis_of(call, given["dim"], len(x.shape) + 1)
    places = [place for place in range(x.shape[axis]) for _ in range(given["repeats"])]
    return taken(call, x, axis, places)


NAMES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "edge": "edge", "wrap": "wrap"}
"""Modes of padding, in torch and ONNX, as numpy names them."""


def bordered(
    call: TorchCall | OnnxCall, x: Value, before: Sequence[int], after: Sequence[int], mode: str
) -> Value:
    """A value with its own elements around it; mode: as torch or ONNX names it."""
    if mode not in NAMES:
        call.refuse(f"its mode {mode!r} is unknown; use constant, reflect, replicate or circular")
    return call.emit(Border(tuple(before), tuple(after), NAMES[mode]), x)


def from_last(pads: Sequence[int], rank: int) -> tuple[list[int], list[int]]:
    """Torch's list of pads, from the last axis, as those before and after each of ``rank`` axes."""
    given = [*(int(pad) for pad in pads), *[0] * (2 * rank - len(pads))][: 2 * rank]
    return given[-2::-2], given[-1::-2]


@spelled_in_torch("padding in every mode", "reflection_pad1d", "reflection_pad2d")
def _reflection_pad(call: TorchCall) -> Value:
    x = call.value("self")
    return bordered(call, x, *from_last(call.arguments["padding"], len(x.shape)), "reflect")


@spelled_in_torch("padding in every mode", "replication_pad1d", "replication_pad2d")
def _replication_pad(call: TorchCall) -> Value:
    x = call.value("self")
    return bordered(call, x, *from_last(call.arguments["padding"], len(x.shape)), "replicate")


@spelled_in_torch("padding in every mode", "_pad_circular")
def _circular_pad(call: TorchCall) -> Value:
    x = call.value("self")
    return bordered(call, x, *from_last(call.arguments["pad"], len(x.shape)), "circular")


# ONNX


@spelled_in_onnx("Slice")
def _onnx_slice(call: OnnxCall) -> Value:
    x = call.value()
    starts, ends = call.setting("starts", 1), call.setting("ends", 2)
    axes = call.setting("axes", 3) or range(len(starts))
    steps = call.setting("steps", 4) or [1] * len(starts)
    rank = len(x.shape) + 1
    for at, (start, end, given, step) in enumerate(zip(starts, ends, axes, steps, strict=True)):
        if int(given) % rank == 0 and int(start) == 0 and int(step) == 1 and int(end) >= 2**31 - 1:
            continue
        axis = axis_of(call, int(given), rank)
        stop = None if int(end) < -x.shape[axis] and step < 0 else int(end)
        places = range(x.shape[axis])[slice(int(start), stop, int(step))]
        x = taken(call, x, axis, places, part="" if at == len(starts) - 1 else f"axis{axis + 1}")
    return x


@spelled_in_onnx("Split")
def _onnx_split(call: OnnxCall) -> list[Value]:
    x = call.value()
    axis = axis_of(call, int(call.attributes.get("axis", 0)), len(x.shape) + 1)
    sizes = call.setting("split", 1)
    if sizes is None:
        count = int(call.attributes.get("num_outputs", call.results))
        size = -(-x.shape[axis] // count)
        sizes = [min(size, x.shape[axis] - start) for start in range(0, x.shape[axis], size)]
    return pieces(call, x, axis, [int(size) for size in sizes])


@spelled_in_onnx("Gather")
def _onnx_gather(call: OnnxCall) -> Value:
    x, index = call.value(), call.constant(1).astype(np.int64)
    axis = axis_of(call, int(call.attributes.get("axis", 0)), len(x.shape) + 1)
    if index.ndim > 1:
        call.refuse(f"its indices have shape {index.shape}; only one number or a list is supported")
    places = [int(place) % x.shape[axis] for place in index.reshape(-1)]
    return taken(call, x, axis, places, dropped=index.ndim == 0)


@spelled_in_onnx("Expand")
def _onnx_expand(call: OnnxCall) -> Value:
    x, wanted = call.value(), [int(size) for size in call.constant(1).tolist()]
    rank = len(x.shape) + 1
    if len(wanted) > rank:
        call.refuse("it adds axes in front of the batch axis")
    wanted = [1] * (rank - len(wanted)) + wanted
    shape = tuple(np.broadcast_shapes(tuple(wanted[1:]), x.shape))
    return x if shape == x.shape else call.emit(Expand(shape), x)


@spelled_in_onnx("Tile")
def _onnx_tile(call: OnnxCall) -> Value:
    x, times = call.value(), [int(number) for number in call.constant(1).tolist()]
    if times[0] != 1:
        call.refuse("it repeats samples")
    return call.emit(Repeat(tuple(times[1:])), x) if any(number != 1 for number in times) else x


__all__ = ["Border", "Expand", "Repeat", "Take", "Upsample", "bordered", "from_last"]
