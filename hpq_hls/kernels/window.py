"""The sliding window over a frame that arrives pixel by pixel (hpq_window)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.counters import count_bits
from hpq_hls.billing.memories import delay, registers
from hpq_hls.billing.memory import SRL_DEPTH, memory_style, slice_count
from hpq_hls.kernels.base import Frame, Kernel, Stream, Streams
from hpq_hls.kernels.contract import Contract, StageKind
from hpq_hls.kernels.geometry import BoolArray, WindowGeometry
from hpq_hls.kernels.nature import Nature


@dataclass(frozen=True, eq=False)
class Window(Kernel):
    """Line buffer and sliding window: pixels in, windows out.

    Input: ``lanes`` = P * L elements per beat, P pixels (``geometry.pixels``) of L channels each, order
    (pixel, channel). L divides C; beats in order (y, x, chunk), C/L chunks, only one where P > 1.
    Output: W = ``geometry.windows`` windows of a row per beat, ``W * taps * L`` elements, beats in order
    (oy, ox, chunk); element ``(w * taps + t) * L + l`` of a beat is tap t = ky * kw + kx of window w and
    channel ``chunk * L + l``, or element ``(w * L + l) * taps + t`` with ``by_channel``.
    One beat of the padded area is scanned per cycle.
    """

    kind: ClassVar[str] = "window"
    header: ClassVar[str] = "window"

    geometry: WindowGeometry
    by_channel: bool = False

    @property
    def nature(self) -> Nature:
        return Nature.ROUTES

    def chunks(self, lanes: int) -> int:
        """Beats of a pixel (of P pixels), where an input beat has so many lanes."""
        return self.geometry.channels * self.geometry.pixels // lanes

    def cycles(self, streams: Streams) -> int:
        rows, beats = self.geometry.scan
        return rows * beats * self.chunks(streams[self.inputs[0]].lanes)

    def contract(self, streams: Streams) -> Contract:
        """Parameters: size of the input (rows, beats); row and column that complete the first windows, rows
        and columns from one beat of windows to the next; padding above and on the left, windows, scanned area
        (rows each, then beats); chunks, and pixels of a beat. A column is a pixel wide."""
        geometry = self.geometry
        parameters = (
            geometry.height,
            geometry.beats,
            geometry.first[0],
            geometry.last_column,
            geometry.stride[0],
            geometry.advance,
            geometry.pad_top,
            geometry.pad_beats,
            geometry.out_height,
            geometry.out_beats,
            *geometry.scan,
            self.chunks(streams[self.inputs[0]].lanes),
            geometry.pixels,
        )
        return Contract(StageKind.WINDOW, parameters)

    def lines(self, given: Stream) -> tuple[int, int]:
        """Depth and width of the lines of rows above, where beats are those of ``given``."""
        geometry = self.geometry
        depth = geometry.dilation[0] * geometry.scan[1] * self.chunks(given.lanes)
        return depth, (geometry.kernel[0] - 1) * given.bits

    def loads(self, given: Stream) -> tuple[int, int]:
        """What the lines of rows, and those of columns, are to their enables: a load for each bit; two in LUT
        RAM, with a register behind, or in two registers; none in a block RAM."""
        geometry = self.geometry
        depth, width = self.lines(given)
        if depth > SRL_DEPTH:
            width *= 0 if memory_style(depth - 1, width) == "block" else 2
        step = geometry.dilation[1] if geometry.pixels == 1 else 1
        columns = geometry.past // step * geometry.kernel[0] * given.bits // geometry.pixels
        return width, columns * (2 if step * self.chunks(given.lanes) == 2 else 1)

    def bill(self, bill: Bill, streams: Streams) -> None:
        given = streams[self.inputs[0]]
        geometry, chunks = self.geometry, self.chunks(given.lanes)
        height, (rows, columns) = geometry.kernel[0], geometry.scan
        counters = count_bits(chunks) + 2 * (count_bits(rows + 1) + count_bits(columns + 1))
        bill.add(Term.WINDOW, 1)
        bill.add(Term.COUNTER, counters)
        bill.ff += counters
        if geometry.first < (geometry.pad_top, geometry.pad_beats):
            bill.ff += 1  # a window before the first pixel has to wait for it
        read = self._read(streams)
        if geometry.scan != (geometry.height, geometry.beats):
            bill.add(Term.PAD, sum(lanes for _, lanes in read) * geometry.pixels * given.type.width)
            bill.add(Term.WINDOW, 1)  # compares the place with the borders
        if geometry.phases > 1:
            bill.ff += count_bits(geometry.phases) + (1 if geometry.late else 0)
            bill.add(Term.COUNTER, count_bits(geometry.phases))
            # A LUT selects among four.
            bits = sum(lanes * geometry.selected(taps) for taps, lanes in read) * given.type.width
            bill.add(Term.SELECT, bits * math.ceil((geometry.phases - 1) / 3))
        lines, shifted = self.loads(given)
        slices = slice_count(lines + shifted)
        if slices > 1:  # enables of their own, from registers that are a step ahead
            enables = max(slice_count(lines), min(height - 1, 1)) + slice_count(shifted)
            bill.ff += 2 * enables
            bill.add(Term.COUNTER, 2 * enables + count_bits(rows + 1) + count_bits(columns + 1))
        line, _ = self.lines(given)
        # Where lines are shift registers, synthesis merges them with the columns of the same row that have
        # the same enable.
        merged = line <= SRL_DEPTH and slices == 1
        width = given.type.width
        above = sum(geometry.rows_above(taps) * lanes for taps, lanes in read) * geometry.pixels
        if above and not merged:
            # Each row above is a delay line of its own to Yosys, which looks at single bits.
            delay(bill, line, above * width)
        delays = Counter[int]()
        for taps, lanes in read:
            for beats, elements in geometry.delays(taps, through=merged).items():
                delays[beats * chunks] += elements * lanes
        for beats, elements in delays.items():
            (registers if merged else delay)(bill, beats, elements * width)

    def _read(self, streams: Streams) -> Sequence[tuple[BoolArray, int]]:
        """Which taps of a beat somebody reads, (windows, kernel rows, kernel columns), and of how many lanes
        of a pixel these are the ones."""
        given, made = self.ends(streams)
        geometry, lanes = self.geometry, given.lanes // self.geometry.pixels
        shape = (geometry.windows, *geometry.kernel)
        if not made.unread:
            return [(np.ones(shape, dtype=bool), lanes)]
        read = np.ones(made.lanes, dtype=bool)
        read[list(made.unread)] = False
        taps = read.reshape(geometry.windows, *((lanes, -1) if self.by_channel else (-1, lanes)))
        by_lane = (taps.transpose(1, 0, 2) if self.by_channel else taps.transpose(2, 0, 1)).reshape(lanes, -1)
        alike, counts = np.unique(by_lane, axis=0, return_counts=True)
        return [
            (own.reshape(shape), count)
            for own, count in zip(alike, counts.tolist(), strict=True)
            if own.any()
        ]

    def summary(self, streams: Streams) -> str:
        g = self.geometry
        text = (
            f"sliding window {g.kernel[0]}x{g.kernel[1]}, stride {g.stride[0]}x{g.stride[1]}, over "
            f"{g.channels}x{g.height}x{g.width}"
        )
        return text + (f", {g.pixels} pixels at a time" if g.pixels > 1 else "")

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        (x,), geometry = frames, self.geometry
        lanes = x.shape[1] // geometry.pixels
        image = x.reshape(geometry.height, geometry.width, geometry.channels // lanes, lanes)
        assert geometry.pixels == 1 or image.shape[2] == 1
        frame = []
        for oy in range(geometry.out_height):
            for ox in range(0, geometry.out_width, geometry.windows):
                for chunk in range(geometry.channels // lanes):
                    beat: list[int] = []
                    for w in range(geometry.windows):
                        taps = _taps(geometry, image[:, :, chunk], oy, ox + w)
                        beat.extend((taps.T if self.by_channel else taps).reshape(-1).tolist())
                    frame.append(beat)
        return [np.asarray(frame, dtype=np.int64)]


def _taps(geometry: WindowGeometry, image: Frame, oy: int, ox: int) -> Frame:
    """(taps, lanes) of one window."""
    taps = []
    for ky in range(geometry.kernel[0]):
        for kx in range(geometry.kernel[1]):
            y = oy * geometry.stride[0] - geometry.pad_top + ky * geometry.dilation[0]
            x = ox * geometry.stride[1] - geometry.pad_left + kx * geometry.dilation[1]
            inside = 0 <= y < geometry.height and 0 <= x < geometry.width
            taps.append(image[y, x] if inside else np.full(image.shape[2], geometry.pad_value))
    return np.asarray(taps, dtype=np.int64)
