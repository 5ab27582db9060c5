"""Operators that put the elements of a value in another order: permuted axes, flips, rolls, shuffles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.base import IntArray, Shape, operator
from hpq_hls.ops.rearrange import Rearrange, placed
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch


@operator
@dataclass(frozen=True, eq=False)
class Permute(Rearrange):
    """Axes in another order. axes: which axis comes where, without the batch, from 0."""

    kind: ClassVar[str] = "Permute"

    axes: tuple[int, ...]

    def index(self, shape: Shape) -> IntArray:
        if sorted(self.axes) != list(range(len(shape))):
            raise UnsupportedOperatorError(
                f"Permute of axes {self.axes} is applied to a tensor of shape {shape}, which has {len(shape)}"
            )
        return placed(shape).transpose(self.axes)


@operator
@dataclass(frozen=True, eq=False)
class Flip(Rearrange):
    """Axes backwards. axes: without the batch, from 0."""

    kind: ClassVar[str] = "Flip"

    axes: tuple[int, ...]

    def index(self, shape: Shape) -> IntArray:
        return np.flip(placed(shape), self.axes)


@operator
@dataclass(frozen=True, eq=False)
class Roll(Rearrange):
    """Axes moved around by ``shifts`` places. axes: without the batch, from 0."""

    kind: ClassVar[str] = "Roll"

    shifts: tuple[int, ...]
    axes: tuple[int, ...]

    def index(self, shape: Shape) -> IntArray:
        return np.roll(placed(shape), self.shifts, self.axes)


@operator
@dataclass(frozen=True, eq=False)
class ChannelShuffle(Rearrange):
    """Channels of ``groups`` groups by turns."""

    kind: ClassVar[str] = "ChannelShuffle"

    groups: int

    def index(self, shape: Shape) -> IntArray:
        if len(shape) < 1 or shape[0] % self.groups:
            raise UnsupportedOperatorError(
                f"ChannelShuffle by {self.groups} groups is applied to a tensor of shape {shape}, whose "
                "channels do not divide into them"
            )
        split = placed(shape).reshape(self.groups, -1, *shape[1:])
        return split.swapaxes(0, 1).reshape(shape)


@operator
@dataclass(frozen=True, eq=False)
class PixelShuffle(Rearrange):
    """Channels to pixels: (C r r, H, W) -> (C, H r, W r) in general with factors of their own per axis.

    channels_first: whether an element's channel is (c, dy, dx), as in torch and ONNX' CRD; else (dy, dx, c),
    ONNX' DCR.
    """

    kind: ClassVar[str] = "PixelShuffle"

    factors: tuple[int, ...]
    channels_first: bool = True

    def index(self, shape: Shape) -> IntArray:
        taps, axes = int(np.prod(self.factors)), len(self.factors)
        if len(shape) != axes + 1 or shape[0] % taps:
            raise UnsupportedOperatorError(
                f"PixelShuffle by {self.factors} is applied to a tensor of shape {shape}; it takes (C, H, "
                f"W) with a multiple of {taps} channels"
            )
        channels = shape[0] // taps
        head = (channels, *self.factors) if self.channels_first else (*self.factors, channels)
        split = placed(shape).reshape(*head, *shape[1:])
        channel = 0 if self.channels_first else axes
        step = 1 if self.channels_first else 0
        order = [channel]
        for axis in range(axes):
            order += [axes + 1 + axis, step + axis]
        sizes = [size * factor for size, factor in zip(shape[1:], self.factors, strict=True)]
        return split.transpose(order).reshape(channels, *sizes)


@operator
@dataclass(frozen=True, eq=False)
class PixelUnshuffle(Rearrange):
    """Pixels to channels: (C, H r, W r) -> (C r r, H, W), the way back; see ``PixelShuffle``."""

    kind: ClassVar[str] = "PixelUnshuffle"

    factors: tuple[int, ...]
    channels_first: bool = True

    def index(self, shape: Shape) -> IntArray:
        axes = len(self.factors)
        pairs = list(zip(shape[1:], self.factors, strict=False))
        if len(shape) != axes + 1 or any(size % factor for size, factor in pairs):
            raise UnsupportedOperatorError(
                f"PixelUnshuffle by {self.factors} is applied to a tensor of shape {shape}; it takes (C, "
                "H, W) with multiples of that"
            )
        made = (shape[0] * int(np.prod(self.factors)), *(size // factor for size, factor in pairs))
        back = PixelShuffle(self.factors, self.channels_first).index(made).reshape(-1)
        index = np.empty_like(back)
        index[back] = np.arange(back.size)
        return index.reshape(made)


# ---------------------------------------------------------------------- spellings


def axis_of(call: TorchCall | OnnxCall, given: int, rank: int) -> int:
    """An axis as the foreign graph counts it, the batch included, without the batch. rank: axes with it."""
    axis = int(given) % rank
    if axis == 0:
        call.refuse("it works along the batch axis; every sample has to be computed alone")
    return axis - 1


def permuted(call: TorchCall | OnnxCall, x: Value, axes: Sequence[int]) -> Value:
    """The value with its axes, the batch counted, in another order."""
    rank = len(x.shape) + 1
    order = [int(axis) % rank for axis in axes]
    if order[:1] != [0]:
        call.refuse("it moves the batch axis; keep it first")
    kept = tuple(axis - 1 for axis in order[1:])
    return x if kept == tuple(range(rank - 1)) else call.emit(Permute(kept), x)


@spelled_in_torch("permute and transpose", "permute")
def _permute(call: TorchCall) -> Value:
    return permuted(call, call.value("self"), call.arguments["dims"])


@spelled_in_torch("permute and transpose", "transpose", "swapaxes")
def _transpose(call: TorchCall) -> Value:
    x, given = call.value("self"), list(call.arguments.values())
    rank = len(x.shape) + 1
    first, second = (int(axis) % rank for axis in given[1:3])
    axes = list(range(rank))
    axes[first], axes[second] = axes[second], axes[first]
    return permuted(call, x, axes)


@spelled_in_torch("flip", "flip")
def _flip(call: TorchCall) -> Value:
    x = call.value("self")
    axes = tuple(axis_of(call, axis, len(x.shape) + 1) for axis in call.arguments["dims"])
    return call.emit(Flip(axes), x) if axes else x


@spelled_in_torch("roll", "roll")
def _roll(call: TorchCall) -> Value:
    x = call.value("self")
    axes = tuple(axis_of(call, axis, len(x.shape) + 1) for axis in call.arguments["dims"])
    if not axes:
        call.refuse("it rolls all axes together, the batch too; give it dims")
    return call.emit(Roll(tuple(int(shift) for shift in call.arguments["shifts"]), axes), x)


@spelled_in_torch("ChannelShuffle", "channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: TorchCall) -> Value:
    return call.emit(ChannelShuffle(int(call.arguments["groups"])), call.value("self"))


@spelled_in_torch("PixelShuffle", "pixel_shuffle")
def _pixel_shuffle(call: TorchCall) -> Value:
    factor = int(call.arguments["upscale_factor"])
    return call.emit(PixelShuffle((factor, factor)), call.value("self"))


@spelled_in_torch("PixelUnshuffle", "pixel_unshuffle")
def _pixel_unshuffle(call: TorchCall) -> Value:
    factor = int(call.arguments["downscale_factor"])
    return call.emit(PixelUnshuffle((factor, factor)), call.value("self"))


@spelled_in_onnx("Transpose")
def _onnx_transpose(call: OnnxCall) -> Value:
    back = call.turned()
    if back is not None:
        return back if list(call.attributes.get("perm", (1, 0))) == [1, 0] else call.turn(back)
    x = call.value()
    axes = list(call.attributes.get("perm", range(len(x.shape), -1, -1)))
    return call.turn(x) if axes == [1, 0] else permuted(call, x, axes)


@spelled_in_onnx("DepthToSpace")
def _depth_to_space(call: OnnxCall) -> Value:
    size = int(call.attributes["blocksize"])
    first = call.attributes.get("mode", "DCR") == "CRD"
    return call.emit(PixelShuffle((size, size), first), call.value())


@spelled_in_onnx("SpaceToDepth")
def _space_to_depth(call: OnnxCall) -> Value:
    size = int(call.attributes["blocksize"])
    return call.emit(PixelUnshuffle((size, size), False), call.value())
