"""Where a sliding window lies on its input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hpq_hls.kernels.lanes import divisors

if TYPE_CHECKING:
    from hpq_hls.ops.base import Shape
    from hpq_hls.ops.window import WindowSpec

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WindowGeometry:
    """A sliding window over a (channels, height, width) tensor.

    Output row ``oy`` looks at input rows ``oy * stride[0] - pad_top + ky * dilation[0]``; positions
    outside the input read as ``pad_value`` (a raw value). out_height/out_width are given, not
    derived, so that ceil_mode and asymmetric padding need nothing more.

    pixels: neighbours of a row that arrive in one beat, P; P divides the width. A row of the padded area is
    scanned beat by beat, with the padding on the left in beats of its own, and ``windows`` windows leave in
    one beat. Where a beat of windows begins ``advance`` columns after the one before, and that is a whole
    number of beats, all are found at the same place of what was scanned last. Elsewhere their places repeat
    after ``phases`` beats of windows. If windows advance by less than a beat of pixels, they leave with every
    scanned beat once the first are complete, and the last of a row while the next row comes in.
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
        """Neighbours of a row of windows that leave in one beat: as many as make all their places the same,
        if these divide the row; else the fewest that keep up with the scan."""
        level = self.pixels // math.gcd(self.pixels, self.stride[1])
        if self.out_width % level == 0:
            return level
        return next(count for count in divisors(self.out_width) if self._keeps_up(count))

    def _keeps_up(self, windows: int) -> bool:
        """Whether a row of so many windows a beat leaves while a row is scanned. The last of a frame cannot
        wait for the next frame's pixels: late ones leave before the second beat of these."""
        beats, most = self.out_width // windows, self.scan[1]
        if self._crowds(windows):
            most = min(most, most + self.pad_beats + 1 - self._last_column(windows) // self.pixels)
        return beats <= most

    @property
    def advance(self) -> int:
        """Columns from the first window of a beat to the first of the next."""
        return self.windows * self.stride[1]

    @property
    def phases(self) -> int:
        """Beats of windows after which their places among what was scanned last repeat."""
        if self._crowds(self.windows):
            return self.out_beats
        return min(self.out_beats, self.pixels // math.gcd(self.pixels, self.advance))

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
    def last_column(self) -> int:
        """Column of the scan, in pixels, that completes the first beat of windows."""
        return self._last_column(self.windows)

    @property
    def first(self) -> tuple[int, int]:
        """Row and beat of the scan with which the first windows leave."""
        return self.span[0] - 1, self.leaves(0)

    def leaves(self, beat: int) -> int:
        """The beat of the scanned row with which a beat of windows leaves; ``scan[1]`` or more: of the next
        row."""
        if self._crowds(self.windows):
            return self.last_column // self.pixels + beat
        return (self.last_column + beat * self.advance) // self.pixels

    @property
    def late(self) -> int:
        """How many beats of a row of windows leave while the next row is scanned."""
        return max(self.leaves(self.out_beats - 1) + 1 - self.scan[1], 0)

    @property
    def places(self) -> tuple[int, ...]:
        """For each phase, how many columns left of the newest scanned pixel its first window begins."""
        return tuple(
            (self.leaves(phase) + 1) * self.pixels - 1 - (self._first_column + phase * self.advance)
            for phase in range(self.phases)
        )

    @property
    def past(self) -> int:
        """Columns of pixels that are kept of earlier beats."""
        return max(*self.places, self.pixels - 1) + 1 - self.pixels

    def rows_above(self, read: BoolArray) -> int:
        """How many rows above the newest are kept. read: as of ``delays``."""
        return self.kernel[0] - 1 - int(read.any(axis=(0, 2)).argmax())

    def delays(self, read: BoolArray, *, through: bool) -> dict[int, int]:
        """By how many beats elements of a channel are delayed, from one tap to the next, and how many are.

        read: (windows, kernel rows, kernel columns) the taps of a beat that somebody reads. through: a pixel
        goes on from the last tap of a row to the first of the row above, through the same registers; else
        each row begins anew.
        """
        row = self.dilation[0] * self.scan[1] if through else 0
        found: dict[int, int] = {}
        back = [[divmod(offset, self.pixels) for offset in self._offsets(taps)] for taps in self._rows(read)]
        for pixel in range(self.pixels):
            rows = [{y * row + beats for beats, own in taps if own == pixel} for y, taps in enumerate(back)]
            for taps in [set().union(*rows)] if through else rows:
                for newer, older in itertools.pairwise(sorted(taps | {0})):
                    found[older - newer] = found.get(older - newer, 0) + 1
        return found

    def selected(self, read: BoolArray) -> int:
        """Taps of a beat that are found at several places. read: as of ``delays``."""
        return sum(map(len, self._rows(read))) if self.phases > 1 else 0

    def _rows(self, read: BoolArray) -> list[set[int]]:
        """Columns of the taps of each row, the newest first, from the beginning of a beat's first window."""
        starts = self.stride[1] * np.arange(self.windows)
        places = starts[:, None] + self.dilation[1] * np.arange(self.kernel[1])
        return [set(places[read[:, row]].tolist()) for row in reversed(range(self.kernel[0]))]

    def _offsets(self, taps: Iterable[int]) -> set[int]:
        """How many columns left of the newest scanned pixel taps are, in any phase."""
        return {place - tap for place in self.places for tap in taps}

    def same_as(self, lanes: int, by_channel: bool) -> tuple[int, ...]:
        """For each element of a beat of windows, the first that is the same element of the input; empty for a
        single window. lanes: elements of a pixel. by_channel: see ``kernels.Window``."""
        if self.windows == 1:
            return ()
        window, tap_row, tap, lane = np.ogrid[: self.windows, : self.kernel[0], : self.kernel[1], :lanes]
        column = window * self.stride[1] + tap * self.dilation[1]
        place = (column * self.kernel[0] + tap_row) * lanes + lane
        if by_channel:
            place = place.transpose(0, 3, 1, 2)
        _, first, number = np.unique(place, return_index=True, return_inverse=True)
        return tuple(first[number.reshape(-1)].tolist())

    @property
    def _first_column(self) -> int:
        """Column of the scan, in pixels, where the first window of a row begins."""
        return self.pad_beats * self.pixels - self.pad_left

    def _last_column(self, windows: int) -> int:
        return self._first_column + (windows - 1) * self.stride[1] + self.span[1] - 1

    def _crowds(self, windows: int) -> bool:
        """Whether beats of so many windows may be complete before the beat in front of them has left."""
        return windows < self.out_width and windows * self.stride[1] < self.pixels

    @property
    def scan(self) -> tuple[int, int]:
        """Rows of the padded area, and beats of a row, that are scanned: all of the input, all of every
        window."""
        last = self._last_column(self.out_width)
        return (
            max((self.out_height - 1) * self.stride[0] + self.span[0], self.pad_top + self.height),
            max(last // self.pixels + 1, self.pad_beats + self.beats),
        )

    @property
    def positions(self) -> int:
        """Windows per frame."""
        return self.out_height * self.out_width
