"""Sliding windows over images: output sizes and what each window reads, shared by convolution and pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.spelling import OnnxCall, Value

if TYPE_CHECKING:
    import torch


MAX_REACH = 1 << 16
"""Of kernels, strides and dilations."""
MAX_AREA = 1 << 26
"""Pixels of a padded input: nothing larger is streamed, and files may say anything."""


@dataclass(frozen=True)
class WindowSpec:
    """Window of a convolution or pooling.

    kernel, stride, dilation: (vertical, horizontal).
    padding: (top, bottom, left, right).
    ceil_mode: round output sizes up, as torch's pooling does; a last window must still start inside
        the input or its leading padding.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil_mode: bool = False

    @property
    def taps(self) -> int:
        """Positions in a window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def is_pointwise(self) -> bool:
        """Whether every window is one pixel and every pixel is a window."""
        return self.kernel == (1, 1) and self.stride == (1, 1) and self.padding == (0, 0, 0, 0)

    def grown(
        self, around: tuple[int, int, int, int], size: tuple[int, int]
    ) -> tuple[WindowSpec, tuple[int, int]]:
        """The window with ``around`` more padding, and the size without it of an input of ``size``."""
        top, bottom, left, right = around
        padding = tuple(held + more for held, more in zip(self.padding, around, strict=True))
        grown = replace(self, padding=(padding[0], padding[1], padding[2], padding[3]))
        return grown, (size[0] - top - bottom, size[1] - left - right)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Output height and width; 0 or less where no window fits.

        Raises:
            UnsupportedOperatorError: the padded input is larger than any that can be run.
        """
        top, bottom, left, right = self.padding
        if (height + top + bottom) * (width + left + right) > MAX_AREA:
            size = f"{height + top + bottom:,} x {width + left + right:,}"
            raise UnsupportedOperatorError(f"its input with padding has {size} pixels, which is too large")
        return (
            self._output_length(height, top, bottom, 0),
            self._output_length(width, left, right, 1),
        )

    def _output_length(self, size: int, before: int, after: int, axis: int) -> int:
        stride = self.stride[axis]
        free = size + before + after - (self.kernel[axis] - 1) * self.dilation[axis] - 1
        if free < 0 and not self.ceil_mode:
            return 0
        length = (free + (stride - 1 if self.ceil_mode else 0)) // stride + 1
        if self.ceil_mode and (length - 1) * stride >= size + before:
            length -= 1
        return length

    def overhang(self, height: int, width: int) -> tuple[int, int]:
        """Rows below and columns right of the padded input that the last windows reach into."""
        out_height, out_width = self.output_size(height, width)
        top, bottom, left, right = self.padding
        reach = (
            (out_height - 1) * self.stride[0] + (self.kernel[0] - 1) * self.dilation[0] + 1,
            (out_width - 1) * self.stride[1] + (self.kernel[1] - 1) * self.dilation[1] + 1,
        )
        return max(reach[0] - (height + top + bottom), 0), max(reach[1] - (width + left + right), 0)

    def visible(self, height: int, width: int) -> tuple[npt.NDArray[np.bool_], ...]:
        """The taps that a window sees inside the input: every (kh, kw) mask that occurs, fullest first.
        Read-only."""
        return _visible(self, height, width)

    def padded(self, x: Array, value: float, scratch: Scratch) -> Array:
        """(H, C, W, N) with the padding, and whatever the last windows overhang, around it."""
        height, channels, width, batch = x.shape
        top, bottom, left, right = self.padding
        below, beyond = self.overhang(height, width)
        if not any((*self.padding, below, beyond)):
            return x
        shape = (top + height + bottom + below, channels, left + width + right + beyond, batch)
        inside = (top, height, left, width)
        padded = scratch.bordered("padded", shape, x.dtype, inside, value)
        padded[top : top + height, :, left : left + width] = x
        return padded

    def reduce(self, ufunc: np.ufunc, x: Array, padding: float, scratch: Scratch) -> Array:
        """(H, C, W, N) -> (out_height, C, out_width, N): each window reduced, first down, then across.

        ufunc: np.add or np.maximum. A window of one element without padding gives a
        view of x.
        """
        out_height, out_width = self.output_size(x.shape[0], x.shape[2])
        given, x = x, self.padded(x, padding, scratch)
        down = [x[span] for span in self._spans(0, out_height)]
        rows = _accumulate(
            ufunc, down, scratch.result if self.kernel[1] == 1 else partial(scratch.array, "rows")
        )
        across = [rows[:, :, span] for span in self._spans(1, out_width)]
        reduced = _accumulate(ufunc, across, scratch.result)
        if self.taps == 1 and x is not given:  # the padded array is work space that other layers use too
            result = scratch.result(reduced.shape, reduced.dtype)
            np.copyto(result, reduced)
            return result
        return reduced

    def padded_tensor(self, x: torch.Tensor, value: float) -> torch.Tensor:
        """``padded`` in torch: (N, C, H, W) with padding, and what the last windows overhang, around it."""
        from torch.nn import functional

        top, bottom, left, right = self.padding
        below, beyond = self.overhang(*x.shape[2:])
        around = (left, right + beyond, top, bottom + below)
        return functional.pad(x, around, value=value) if any(around) else x

    def sum_tensor(self, x: torch.Tensor) -> torch.Tensor:
        """``reduce`` with np.add in torch: (N, C, H, W) -> (N, C, out_height, out_width)."""
        height, width = self.output_size(*x.shape[2:])
        x = self.padded_tensor(x, 0.0)
        rows = sum((x[:, :, span] for span in self._spans(0, height)), x.new_zeros(()))
        return sum((rows[..., span] for span in self._spans(1, width)), x.new_zeros(()))

    def taps_of(self, x: Array, scratch: Scratch) -> Iterator[Array]:
        """(H, C, W, N) -> for each tap, row by row, what it reads: (out_height, C, out_width, N); views."""
        out_height, out_width = self.output_size(x.shape[0], x.shape[2])
        x = self.padded(x, 0, scratch)
        for down in self._spans(0, out_height):
            for across in self._spans(1, out_width):
                yield x[down, :, across]

    def _spans(self, axis: int, length: int) -> list[slice]:
        """For each tap along an axis, the positions of the padded input that it reads."""
        stride, step = self.stride[axis], self.dilation[axis]
        reach = (length - 1) * stride + 1
        return [slice(k * step, k * step + reach, stride) for k in range(self.kernel[axis])]

    def columns(self, x: Array, scratch: Scratch) -> Array:
        """(H, C, W, N) -> (out_height, kh, C, kw, out_width, N), for matrix products with the weights.

        The taps of a row are copied side by side; the rows that windows share are shared memory, and
        where every window is a single column without padding nothing is copied. Read-only.
        """
        height, channels, width, batch = x.shape
        out_height, out_width = self.output_size(height, width)
        top, bottom, left, _ = self.padding
        single_columns = (self.kernel[1], self.stride[1]) == (1, 1) and not any(self.padding)
        if single_columns and x.flags.c_contiguous:
            spread = x.reshape(height, channels, 1, width, batch)  # this, unlike None, puts all strides right
        else:
            shape = (top + height + bottom, channels, self.kernel[1], out_width, batch)
            inside = (top, height, left, width, self.stride[1], self.dilation[1])
            spread = scratch.bordered("columns", shape, x.dtype, inside, 0)
            for tap in range(self.kernel[1]):
                self._spread_tap(tap, x, spread[top : top + height, :, tap], left)
        row = spread.strides[0]
        return as_strided(
            spread,
            (out_height, self.kernel[0], *spread.shape[1:]),
            (row * self.stride[0], row * self.dilation[0], *spread.strides[1:]),
            writeable=False,
        )

    def _spread_tap(self, tap: int, x: Array, into: Array, left: int) -> None:
        """Copy what a tap of every window in a row reads; what lies in the padding stays as it is."""
        stride, offset = self.stride[1], tap * self.dilation[1] - left
        first = max(0, -(offset // stride))
        end = min(into.shape[2], (x.shape[2] - 1 - offset) // stride + 1)
        if first < end:
            start = first * stride + offset
            into[:, :, first:end] = x[:, :, start : (end - 1) * stride + offset + 1 : stride]

    def patches(self, x: Array, pad_value: int | float = 0) -> Array:
        """(N, C, H, W) -> (N, C, out_height, out_width, kh, kw), a view where nothing is padded."""
        height, width = x.shape[2:]
        out_height, out_width = self.output_size(height, width)
        top, bottom, left, right = self.padding
        below, beyond = self.overhang(height, width)
        if any((*self.padding, below, beyond)):
            size = (top + height + bottom + below, left + width + right + beyond)
            # np.pad would put numpy integers, which overflow, among Python integers
            padded = np.full((*x.shape[:2], *size), pad_value, dtype=x.dtype)
            padded[:, :, top : top + height, left : left + width] = x
            x = padded
        span = tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        # one axis at a time, because numpy's annotations before 2.3 know no tuple of axes
        view = sliding_window_view(sliding_window_view(x, span[0], axis=2), span[1], axis=3)
        view = view[:, :, :: self.stride[0], :: self.stride[1], :: self.dilation[0], :: self.dilation[1]]
        return view[:, :, :out_height, :out_width]


@lru_cache(maxsize=256)  # each of many networks asks for the same
def _visible(window: WindowSpec, height: int, width: int) -> tuple[npt.NDArray[np.bool_], ...]:
    lines = []
    for axis, size, out in zip((0, 1), (height, width), window.output_size(height, width), strict=True):
        starts = np.arange(out)[:, None] * window.stride[axis] - window.padding[2 * axis]
        read = starts + np.arange(window.kernel[axis]) * window.dilation[axis]
        lines.append(np.unique((read >= 0) & (read < size), axis=0))
    masks = [row[:, None] & column for row in lines[0] for column in lines[1]]
    for mask in masks:
        mask.flags.writeable = False
    return tuple(sorted(masks, key=lambda mask: -int(mask.sum())))


def _accumulate(ufunc: np.ufunc, parts: list[Array], make: Callable[..., Array]) -> Array:
    """All parts combined by ufunc, in an array from ``make(shape, dtype)``; one part alone as it is."""
    first, *rest = parts
    if not rest:
        return first
    total: Array = ufunc(first, rest[0], out=make(first.shape, first.dtype))
    for part in rest[1:]:
        ufunc(total, part, out=total)
    return total


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Total padding of one axis that gives ``ceil(size / stride)`` outputs; negative where windows leave
    out the end of the input."""
    outputs = -(-size // stride)
    return (outputs - 1) * stride + (kernel - 1) * dilation + 1 - size


def _steps(call: OnnxCall, name: str, axes: int) -> list[int]:
    """An attribute with a whole number for each axis."""
    steps = [int(number) for number in call.attributes.get(name, (1,) * axes)]
    if len(steps) != axes or min(steps) < 1 or max(steps) > MAX_REACH:
        call.refuse(f"its {name} {steps[:4]} must be {axes} numbers from 1 to {MAX_REACH}, one for each axis")
    return steps


def check_kernel_shape(call: OnnxCall, sizes: Sequence[int]) -> None:
    """Refuse a kernel_shape that says other sizes than the weights have."""
    said = [int(number) for number in call.attributes.get("kernel_shape", sizes)]
    if said != [int(size) for size in sizes]:
        call.refuse(f"its kernel_shape is {said[:4]}, but its weights are of a kernel of {list(sizes)}")


def onnx_window(call: OnnxCall, x: Value, kernel: tuple[int, ...], *, pools: bool = False) -> WindowSpec:
    """The window of a convolution or pooling over an image, or over (C, L) as one of height 1."""
    axes = len(kernel)
    if min(kernel) < 1 or max(kernel) > MAX_REACH:
        call.refuse(f"its kernel {kernel} has sizes out of 1 to {MAX_REACH}")
    stride, dilation = (_steps(call, name, axes) for name in ("strides", "dilations"))
    mode = call.attributes.get("auto_pad", "NOTSET")
    ceil_mode = bool(call.attributes.get("ceil_mode", 0)) and mode in ("NOTSET", "VALID")
    before = after = [0] * axes
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        totals = [
            same_padding(x.shape[axis + 1], kernel[axis], stride[axis], dilation[axis])
            for axis in range(axes)
        ]
        if min(totals) < (0 if pools else -1) or (pools and max(dilation) > 1):
            call.refuse(
                f"auto_pad {mode} with these strides and dilations differs between runtimes; use pads"
            )
        totals = [max(total, 0) for total in totals]
        small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
        before, after = (small, large) if mode == "SAME_UPPER" else (large, small)
    elif mode == "NOTSET":
        pads = [int(amount) for amount in call.attributes.get("pads", (0,) * 2 * axes)]
        if len(pads) != 2 * axes:
            call.refuse(f"its pads {pads} are not for as many axes as its kernel {kernel}")
        before, after = pads[:axes], pads[axes:]
    elif mode != "VALID":
        call.refuse(f"its auto_pad {mode!r} is unknown")
    if axes == 1:
        sizes = ((1, kernel[0]), (1, stride[0]), (0, 0, before[0], after[0]), (1, dilation[0]))
        return WindowSpec(*sizes, ceil_mode)
    around = (before[0], after[0], before[1], after[1])
    return WindowSpec(
        (kernel[0], kernel[1]), (stride[0], stride[1]), around, (dilation[0], dilation[1]), ceil_mode
    )
