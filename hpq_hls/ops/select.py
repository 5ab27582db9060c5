"""Operators that take a part of a value, or repeat what is in it: slices, pads, repetitions, upsampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.base import IntArray, Shape
from hpq_hls.ops.rearrange import ZERO, Rearrange, placed


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
        found = np.take(placed(shape), self.places, axis=self.axis)
        return found.squeeze(self.axis) if self.dropped else found


def _shortly(places: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, places[:4]))
    return f"({shown}, ...)" if len(places) > 4 else f"({shown})"


MODES = ("constant", "reflect", "edge", "wrap", "symmetric")


@dataclass(frozen=True, eq=False)
class Pad(Rearrange):
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
        if self.mode == "constant":
            return np.pad(given, around, constant_values=ZERO)
        return np.asarray(np.pad(given, around, mode=self.mode), dtype=np.int64)  # type: ignore[call-overload]


@dataclass(frozen=True, eq=False)
class Expand(Rearrange):
    """The same elements along axes that are new or were of length 1. shape: of the result."""

    kind: ClassVar[str] = "Expand"

    shape: Shape

    def index(self, shape: Shape) -> IntArray:
        try:
            return np.array(np.broadcast_to(placed(shape), self.shape))
        except ValueError:
            raise UnsupportedOperatorError(
                f"Expand of a tensor of shape {shape} to {self.shape}; axes have to be equal or 1"
            ) from None


@dataclass(frozen=True, eq=False)
class Repeat(Rearrange):
    """A value several times over along its axes, or along new ones in front. times: for each axis."""

    kind: ClassVar[str] = "Repeat"

    times: tuple[int, ...]

    def index(self, shape: Shape) -> IntArray:
        return np.tile(placed(shape), self.times)


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
