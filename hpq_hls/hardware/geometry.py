"""Where a sliding window lies on its input."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hpq_hls.ops.base import Shape
from hpq_hls.ops.window import WindowSpec


@dataclass(frozen=True)
class WindowGeometry:
    """A sliding window over a (channels, height, width) tensor.

    Output row ``oy`` looks at input rows ``oy * stride[0] - pad_top + ky * dilation[0]``; positions
    outside the input read as ``pad_value`` (a raw value). out_height/out_width are given, not
    derived, so that ceil_mode and asymmetric padding need nothing more.

    pixels: neighbours of a row that arrive in one beat, P; P divides the width. A row of the padded area is
    scanned beat by beat, with the padding on the left in beats of its own. So that every window is found at
    the same place of what was scanned last, ``windows`` = P / gcd(P, stride[1]) of them leave in one beat,
    once in ``every`` beats; they divide out_width. Where a row has only one window, it is one.
    """

    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad_top: int
    pad_left: int
    out_height: int
    out_width: int
    pad_value: int = 0
    pixels: int = 1

    @classmethod
    def of(cls, window: WindowSpec, given: Shape, made: Shape, pixels: int = 1) -> WindowGeometry:
        """A layer's window over its input; given, made: (channels, height, width) of input and output."""
        channels, height, width = given
        return cls(
            channels=channels,
            height=height,
            width=width,
            kernel=window.kernel,
            stride=window.stride,
            dilation=window.dilation,
            pad_top=window.padding[0],
            pad_left=window.padding[2],
            out_height=made[1],
            out_width=made[2],
            pixels=pixels,
        )

    @property
    def taps(self) -> int:
        """Elements of one channel in one window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def span(self) -> tuple[int, int]:
        """Height and width of the input area one window covers, dilation included."""
        return (
            (self.kernel[0] - 1) * self.dilation[0] + 1,
            (self.kernel[1] - 1) * self.dilation[1] + 1,
        )

    @property
    def windows(self) -> int:
        """Neighbours of a row of windows that leave in one beat."""
        return 1 if self.out_width == 1 else self.pixels // math.gcd(self.pixels, self.stride[1])

    @property
    def every(self) -> int:
        """Scanned beats from one beat of windows to the next in a row."""
        return self.windows * self.stride[1] // self.pixels

    @property
    def beats(self) -> int:
        """Beats of a row of the input, chunks of channels not counted."""
        return self.width // self.pixels

    @property
    def out_beats(self) -> int:
        """Beats of a row of windows, likewise."""
        return self.out_width // self.windows

    @property
    def pad_beats(self) -> int:
        """Beats of padding that are scanned on the left of a row."""
        return math.ceil(self.pad_left / self.pixels)

    @property
    def first(self) -> tuple[int, int]:
        """Row and beat of the scan with which the first windows are complete."""
        last_column = self.pad_beats * self.pixels - self.pad_left + self._reach
        return self.span[0] - 1, last_column // self.pixels

    @property
    def oldest(self) -> int:
        """How many columns left of the newest scanned pixel the first window of a beat begins."""
        return (self.first[1] - self.pad_beats) * self.pixels + self.pixels - 1 + self.pad_left

    @property
    def past(self) -> int:
        """Columns of pixels that are kept of earlier beats."""
        return max(self.oldest + 1 - self.pixels, 0)

    @property
    def offsets(self) -> tuple[int, ...]:
        """How many columns left of the newest scanned pixel the taps of a beat are, the newest first."""
        starts = [self.oldest - window * self.stride[1] for window in range(self.windows)]
        taps = [tap * self.dilation[1] for tap in range(self.kernel[1])]
        return tuple(sorted({start - tap for start in starts for tap in taps}))

    @property
    def delays(self) -> dict[int, int]:
        """By how many beats columns of pixels are delayed, from one tap to the next, and how many columns."""
        newest: dict[int, int] = {}
        found: dict[int, int] = {}
        for offset in self.offsets:
            beats, pixel = divmod(offset, self.pixels)
            step = beats - newest.get(pixel, 0)
            newest[pixel] = beats
            if step:
                found[step] = found.get(step, 0) + 1
        return found

    @property
    def _reach(self) -> int:
        """Columns from the beginning of a beat's first window to the end of its last."""
        return (self.windows - 1) * self.stride[1] + self.span[1] - 1

    @property
    def scan(self) -> tuple[int, int]:
        """Rows of the padded area, and beats of a row, that are scanned: all of the input, all of every
        window."""
        first = self.first
        return (
            max((self.out_height - 1) * self.stride[0] + first[0] + 1, self.pad_top + self.height),
            max((self.out_beats - 1) * self.every + first[1] + 1, self.pad_beats + self.beats),
        )

    @property
    def positions(self) -> int:
        """Windows per frame."""
        return self.out_height * self.out_width
