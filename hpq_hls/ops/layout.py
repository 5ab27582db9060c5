"""How arrays lie in memory while operators compute, and the work arrays they use.

Torch's arrays are batch first, (N, C, H, W). Operators compute on batch-last arrays: (H, C, W, N) for an
image, (..., N) for anything else. All samples of a block then lie side by side, so that every operator
works on long runs of memory; the rows that a convolution's windows share are one piece of memory, and a
row of its output is a matrix product of that piece.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

CACHE_LINE = 64
"""Bytes; vector instructions are slow on what crosses the end of one."""

IMAGE = 4
"""Axes of an array of images, the batch included."""


def batch_last(x: Array) -> Array:
    """(N, C, H, W) -> (H, C, W, N), (N, ...) -> (..., N); a view."""
    if x.ndim == IMAGE:
        return x.transpose(2, 1, 3, 0)
    return np.moveaxis(x, 0, -1)


def batch_first(x: Array) -> Array:
    """The way back from ``batch_last``; a view."""
    if x.ndim == IMAGE:
        return x.transpose(3, 1, 0, 2)
    return np.moveaxis(x, -1, 0)


def by_channel(values: Array, ndim: int) -> Array:
    """``values`` (channels,), of the first axis in torch, with the axes that go with a batch-last array of
    ``ndim`` axes; a view."""
    return values.reshape((1, -1, 1, 1) if ndim == IMAGE else (-1,) + (1,) * (ndim - 1))


@functools.lru_cache(maxsize=1024)
def torch_order(size: int) -> npt.NDArray[np.int64]:
    """The order of torch: 0, 1, 2, ...; read-only."""
    return _read_only(np.arange(size, dtype=np.int64))


@functools.lru_cache(maxsize=1024)
def channels_last(shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Flat torch index of each element where channels, the first axis, travel fastest; read-only."""
    if len(shape) < 2:
        return torch_order(math.prod(shape))
    places = torch_order(math.prod(shape)).reshape(shape)
    return _read_only(np.moveaxis(places, 0, -1).reshape(-1))


def _read_only(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    array.flags.writeable = False
    return array


class Scratch:
    """Work arrays of one layer, kept for the next block of samples.

    kept: where they are kept; layers may share it. A new dictionary gives new arrays.
    layer: tells this layer's result from the results of others.
    channels_last: images lie in memory as (N, H, W, C) and vectors as (N, ...), although their axes are
        batch last; otherwise they lie as their axes say.
    """

    def __init__(
        self, kept: dict[object, Array] | None = None, layer: str = "", channels_last: bool = False
    ) -> None:
        self._kept: dict[object, Array] = {} if kept is None else kept
        self._layer = layer
        self._channels_last = channels_last

    def array(self, role: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """An array for use inside the layer, its content undefined."""
        key = (role, shape, dtype)
        if key not in self._kept:
            self._kept[key] = self._new(shape, dtype)
        return self._kept[key]

    def result(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """An array for the layer's result, its content undefined; nobody else gets it in this block."""
        return self.array(f"result of {self._layer}", shape, dtype)

    def bordered(
        self, role: str, shape: tuple[int, ...], dtype: np.dtype[Any], inside: object, border: float
    ) -> Array:
        """An array whose border holds ``border``, if only the part that ``inside`` describes is written."""
        key = (role, shape, dtype, inside, border)
        if key not in self._kept:
            self._kept[key] = self._new(shape, dtype)
            self._kept[key][...] = border
        return self._kept[key]

    def _new(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        if self._channels_last and len(shape) in (2, IMAGE):
            order = channels_last_axes(len(shape))
            return _aligned(tuple(shape[axis] for axis in order), dtype).transpose(np.argsort(order))
        return _aligned(shape, dtype)


def channels_last_axes(ndim: int) -> tuple[int, ...]:
    """Axes of a batch-last array in the order (N, H, W, C) or (N, ...)."""
    return (3, 0, 2, 1) if ndim == IMAGE else (ndim - 1, *range(ndim - 1))


def _aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array that starts on a cache line, its content undefined."""
    if dtype.kind == "O":
        return np.empty(shape, dtype)
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)
