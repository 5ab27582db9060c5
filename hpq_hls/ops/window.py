"""Sliding windows over images: output sizes and patches, shared by convolution and pooling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hpq_hls.ops.base import Array


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

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Output height and width; 0 or less where no window fits."""
        top, bottom, left, right = self.padding
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

    def touches_padding(self, height: int, width: int) -> bool:
        """Whether any window reads a position outside the input."""
        out_height, out_width = self.output_size(height, width)
        for size, out, before, axis in (
            (height, out_height, self.padding[0], 0),
            (width, out_width, self.padding[2], 1),
        ):
            last = (out - 1) * self.stride[axis] - before + (self.kernel[axis] - 1) * self.dilation[axis]
            if before > 0 or last >= size:
                return True
        return False

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
