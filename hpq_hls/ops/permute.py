"""Operators that put the elements of a value in another order: permuted axes, flips, rolls, shuffles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.base import IntArray, Shape
from hpq_hls.ops.rearrange import Rearrange, placed


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


@dataclass(frozen=True, eq=False)
class Flip(Rearrange):
    """Axes backwards. axes: without the batch, from 0."""

    kind: ClassVar[str] = "Flip"

    axes: tuple[int, ...]

    def index(self, shape: Shape) -> IntArray:
        return np.flip(placed(shape), self.axes)


@dataclass(frozen=True, eq=False)
class Roll(Rearrange):
    """Axes moved around by ``shifts`` places. axes: without the batch, from 0."""

    kind: ClassVar[str] = "Roll"

    shifts: tuple[int, ...]
    axes: tuple[int, ...]

    def index(self, shape: Shape) -> IntArray:
        return np.roll(placed(shape), self.shifts, self.axes)


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
