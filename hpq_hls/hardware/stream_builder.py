"""io stream: pixel by pixel, or a few pixels at a time; layers folded over time."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hpq_hls.errors import ConfigError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware.builder import Builder
from hpq_hls.hardware.config import HardwareConfig, LayerFolding
from hpq_hls.hardware.folding import choose_folding, regroupable
from hpq_hls.hardware.pixels import FOLDED, MAX_ELEMENTS, PixelPlan
from hpq_hls.kernels import (
    ChannelMac,
    Gather,
    IntArray,
    MatVec,
    Reorder,
    Splice,
    UnrolledMatVec,
    Weld,
    WidthConverter,
    Window,
)
from hpq_hls.kernels.geometry import WindowGeometry
from hpq_hls.kernels.lanes import choose_lanes, divisors
from hpq_hls.kernels.reorder import aligned
from hpq_hls.kernels.splice import Run, period_of, runs_of
from hpq_hls.ops.folding import Folding
from hpq_hls.ops.window import WindowSpec
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer


class StreamBuilder(Builder):
    """Builds folded kernels that meet ``target`` cycles per frame where the layer allows it, and kernels for
    several pixels at once where one at a time does not.

    single: never several pixels.
    """

    _floating: frozenset[str] = frozenset()
    """Streams at input ports whose lanes are still open."""

    def __init__(
        self, q: QuantizedGraph, config: HardwareConfig, target: int, *, single: bool = False
    ) -> None:
        super().__init__(q, config, target)
        self._plan = PixelPlan(q, config, target, single=single)

    def input_lanes(self, name: str, kind: FixedType) -> int:
        return self._plan.port_lanes(name, kind, self.target)

    def with_lanes(self, stream: str, lanes: int) -> str:
        """As in Builder; a vector at the input port simply takes the lanes its first reader wants."""
        if stream in self._floating:
            given = self.streams[stream]
            self.streams[stream] = replace(given, lanes=lanes, beats=given.elements // lanes)
            self._floating -= {stream}
        return super().with_lanes(stream, lanes)

    def _provide(self, value: str, stream: str) -> None:
        super()._provide(value, stream)
        if self._ready[value] != [stream]:
            self._floating -= {stream}  # it is forked: its lanes are settled
        elif value in self.q.graph.inputs and self._plan.port(value) is None:
            self._floating |= {stream}

    def join_lanes(self) -> int:
        shape, way = self.output_shape, self._plan.of(self._layer.name)
        channels = math.prod(shape[:1])
        if way == FOLDED:
            return choose_lanes(channels, math.prod(shape), self.target)
        return way.pixels * channels

    def reduction_beat(self, folding: Folding) -> int:
        sizes, wish = self._plan.reducible(self._layer.name), self.config.of(self._layer.name).pe
        if wish is not None and wish not in sizes:
            raise ConfigError(
                f"pe of layer {self._layer.name!r} is {wish}, which does not divide the layer; "
                f"choose one of {', '.join(map(str, sizes))}"
            )
        pace = self._plan.pace
        fast = (size for size in sizes if folding.elements // size <= pace)
        return wish or next(fast, sizes[-1])

    def rearranged(self, part: str, stream: str, positions: IntArray) -> str:
        given = self.streams[stream]
        target = max(self.target, given.beats if stream not in self._floating else 1)
        spliced = spliceable(positions, (given.elements,), target)
        if spliced is not None:
            lanes, runs = spliced
            stream, period = self.with_lanes(stream, lanes), period_of(runs)
            output = self.inner_stream(part, stream, lanes, positions.size // lanes)
            repeated = {"runs": runs[:period], "repeats": len(runs) // period}
            make = self.kernel(Splice, f"{part}_splice", (stream,), output, **repeated)
            self.emit(lambda _: make())
            return output
        if stream in self._floating:
            stream = self.with_lanes(stream, choose_lanes(given.elements, given.elements, target))
        given = self.streams[stream]
        if given.beats == 1:
            output = self.inner_stream(part, stream, positions.size, 1)
            gather = self.kernel(Gather, f"{part}_gather", (stream,), output, index=positions, pad_value=0)
            self.emit(lambda _: gather())
            return output
        lanes = choose_lanes(positions.size, positions.size, max(self.target, given.beats))
        output = self.inner_stream(part, stream, lanes, positions.size // lanes)
        structure = Reorder.structure(positions, given.lanes, lanes, given.beats)
        reorder = self.kernel(Reorder, f"{part}_reorder", (stream,), output, index=positions, **structure)
        self.emit(lambda _: reorder())
        return output

    def joined(self, positions: IntArray) -> str:
        given = [self.streams[stream] for stream in self._inputs]
        sizes = [stream.elements for stream in given]
        target = max(self.target, *(stream.beats for stream in given))
        spliced, beats = spliceable(positions, sizes, target), weldable(positions, sizes, target)
        if spliced is None or (beats is not None and _steps(spliced[1]) > max(target, beats)):
            assert beats is not None  # orders are chosen so that one or the other works
            return self._welded(positions, sizes, beats)
        lanes, runs = spliced
        streams = tuple(self.with_lanes(stream, lanes) for stream in self._inputs)
        output, period = self.output_stream(lanes, positions.size // lanes), period_of(runs)
        make = self.kernel(Splice, "join", streams, output, runs=runs[:period], repeats=len(runs) // period)
        self.emit(lambda _: make(casts=True))
        return output

    def _welded(self, positions: IntArray, sizes: Sequence[int], beats: int) -> str:
        """As ``joined``, in so many beats that have beats of all inputs side by side."""
        lanes = [size // beats for size in sizes]
        streams = tuple(self.with_lanes(*pair) for pair in zip(self._inputs, lanes, strict=True))
        output = self.output_stream(sum(lanes), beats)
        first = [start + np.arange(few) for start, few in zip(_starts(sizes), lanes, strict=True)]
        index = np.searchsorted(np.concatenate(first), positions[: sum(lanes)])
        make = self.kernel(Weld, "join", streams, output, index=index)
        self.emit(lambda _: make())
        return output

    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        layer = self._layer
        assert layer.weight_raw is not None
        rows = layer.weight_raw.shape[0] // groups
        per_group = self.input_shapes[0][0] // groups
        if window is not None and window.is_pointwise:
            window = None
        way = self._plan.of(layer.name)
        if not way.folded:
            self._unrolled(groups, window, way.pixels)
        elif rows == 1 and per_group == 1:
            self._channelwise(groups, window, way.pixels)
        else:
            self._folded(groups, window, rows, per_group, way.pixels)

    def _folded(self, groups: int, window: WindowSpec | None, rows: int, per_group: int, pixels: int) -> None:
        layer, shape = self._layer, self.input_shapes[0]
        positions = math.prod(self.output_shape[1:])
        assert layer.weight_raw is not None
        cols, taps, lanes = layer.weight_raw.size // layer.weight_raw.shape[0], 1, 1
        legal = {simd: cols // simd for simd in divisors(cols)}
        wish = self.config.of(layer.name)
        if window is not None:
            taps, lanes = window.taps, per_group  # of several pixels, all channels of each
            if pixels == 1:
                lanes = self._window_lanes(window, per_group, taps, cols, wish.simd)
            legal = regroupable(cols, taps * lanes)
        pe, simd = self.choose(rows, legal, positions * groups, wish)
        stream = self._inputs[0]
        if window is not None:
            stream = self._window(self.with_lanes(stream, pixels * lanes), self._geometry(window, pixels))
        stream = self._in_steps(stream, simd, taps * lanes) if cols % simd else self.with_lanes(stream, simd)
        if rows > pe:
            # The unit reads a vector during its first fold of rows only; the next one gathers here.
            given = self.streams[stream]
            self.streams[stream] = replace(given, depth=max(given.depth, legal[simd]))
        output = self.output_stream(pe, math.prod(self.output_shape) // pe)
        vectors = positions if len(shape) == 3 else 1
        make = self.kernel(MatVec, "matvec", (stream,), output, vectors=vectors, pe=pe, simd=simd)

        def arrange(layer: QuantizedLayer) -> IntArray:
            weights = self.weights_in_order(layer, groups)
            return weights if window is None else _by_chunk(weights, per_group, taps, lanes, simd)

        self.emit_weighted(make, arrange, pe)
        self.finish(output)

    def choose(
        self, rows: int, simds: Mapping[int, int], products: int, wish: LayerFolding
    ) -> tuple[int, int]:
        """(pe, simd) of the current layer; arguments as ``choose_folding``."""
        return choose_folding(self._layer.name, rows, simds, products, wish, self.target)

    def _in_steps(self, stream: str, simd: int, beat: int) -> str:
        """Vectors in beats of ``simd``, of which the fewest make ``beat`` elements, zeros behind them."""
        given = self.streams[self.with_lanes(stream, beat)]
        output = self.inner_stream("regrouped", given.name, simd, given.beats * -(-beat // simd))
        make = self.kernel(WidthConverter, "regroup", (given.name,), output)
        self.emit(lambda _: make())
        return output

    def _window_lanes(
        self, window: WindowSpec, per_group: int, taps: int, cols: int, simd: int | None
    ) -> int:
        """Channels per beat of the sliding window: fewest that meet the target and suit a given simd."""
        scan = self._geometry(window).scan
        cycles = scan[0] * scan[1] * self.input_shapes[0][0]
        lanes = choose_lanes(per_group, cycles, self.target)
        if simd is None or simd in regroupable(cols, taps * lanes):
            return lanes
        options = [d for d in divisors(per_group) if simd in regroupable(cols, taps * d)]
        return min(options, key=lambda d: (d < lanes, abs(d - lanes)), default=lanes)

    def _unrolled(self, groups: int, window: WindowSpec | None, pixels: int) -> None:
        layer, shape = self._layer, self.input_shapes[0]
        assert layer.weight_raw is not None
        rows = layer.weight_raw.shape[0]
        if window is None:
            at_once = pixels
            stream = self.with_lanes(self._inputs[0], at_once * groups * (layer.weight_raw.size // rows))
        else:
            # The channels of a group have to lie side by side; where there is one group, they do.
            geometry = self._geometry(window, pixels)
            at_once = geometry.windows
            stream = self._window(
                self.with_lanes(self._inputs[0], pixels * shape[0]), geometry, by_channel=groups > 1
            )
        beats = math.prod(self.output_shape[1:]) // at_once
        output = self.output_stream(at_once * rows, beats)
        make = self.kernel(UnrolledMatVec, "matvec", (stream,), output, positions=at_once, beats=beats)

        def arrange(layer: QuantizedLayer) -> IntArray:
            weights = self.weights_in_order(layer, groups, aligned=self.is_da(layer))
            if window is None or groups > 1:
                return weights
            return _by_chunk(weights, shape[0], window.taps, shape[0])

        self.emit_weighted(make, arrange, at_once * rows, adders=True)
        self.finish(output)

    def _channelwise(self, channels: int, window: WindowSpec | None, pixels: int) -> None:
        """Depthwise convolution, or a per-channel affine map."""
        positions, lanes = math.prod(self.output_shape[1:]), channels
        if pixels == 1:
            lanes = self._channel_lanes(channels, positions * channels, window)
            if lanes == channels and self.config.of(self._layer.name).pe is None:
                self._unrolled(channels, window, pixels)  # each weight meets one lane: a constant
                return
        stream = self.with_lanes(self._inputs[0], pixels * lanes)
        if window is not None:
            stream = self._window(stream, self._geometry(window, pixels))
            stream = self.with_lanes(stream, window.taps * lanes)
        output = self.output_stream(lanes, positions * channels // lanes)
        make = self.kernel(ChannelMac, "channelmac", (stream,), output, positions=positions, lanes=lanes)
        self.emit_weighted(make, lambda layer: self.weights_in_order(layer, channels)[:, 0, :], lanes)
        self.finish(output)

    def _channel_lanes(self, channels: int, elements: int, window: WindowSpec | None) -> int:
        wish = self.config.of(self._layer.name)
        if wish.pe is not None:
            if wish.pe not in divisors(channels):
                raise ConfigError(
                    f"pe of layer {self._layer.name!r} is {wish.pe}, which does not divide the layer; "
                    f"choose one of {', '.join(map(str, divisors(channels)))}"
                )
            return wish.pe
        cycles = elements
        if window is not None:
            scan = self._geometry(window).scan
            cycles = max(cycles, scan[0] * scan[1] * channels)
        target = self.target
        if wish.reuse_factor is not None:
            target = max(1, cycles * wish.reuse_factor // channels)
        return choose_lanes(channels, cycles, target)

    def pool(self, window: WindowSpec, average: bool) -> None:
        channels, way = self.input_shapes[0][0], self._plan.of(self._layer.name)
        lanes, pixels = channels, way.pixels
        if way == FOLDED:
            lanes = self._channel_lanes(channels, math.prod(self.output_shape), window)
        at_once, stream = pixels, self.with_lanes(self._inputs[0], pixels * lanes)
        if not window.is_pointwise:
            geometry = self._geometry(window, pixels)
            at_once = geometry.windows
            stream = self._window(stream, geometry, functools.partial(self.pad_value, average=average))
        self.reduce(stream, average, at_once, window.taps, lanes)

    def _geometry(self, window: WindowSpec, pixels: int = 1) -> WindowGeometry:
        return WindowGeometry.of(window, self.input_shapes[0], self.output_shape, pixels)

    def _window(
        self,
        stream: str,
        geometry: WindowGeometry,
        pad_value: Callable[[QuantizedLayer], int] = lambda _: 0,
        by_channel: bool = False,
    ) -> str:
        given = self.streams[stream]
        # While it emits a row of windows at the pace of its reader, a window takes in one input row at
        # most, and none at the bottom padding; what arrives meanwhile waits here instead of stalling
        # the layer in front.
        below = geometry.scan[0] - geometry.pad_top - geometry.height
        rows_ahead = max(geometry.stride[0] - 1, below)
        row_beats = geometry.width * geometry.channels // given.lanes
        self.streams[stream] = given = replace(given, depth=max(given.depth, rows_ahead * row_beats))
        channels = given.lanes // geometry.pixels
        lanes = geometry.windows * geometry.taps * channels
        beats = geometry.positions * geometry.taps * geometry.channels // lanes
        same_as = geometry.same_as(channels, by_channel)
        output = self.inner_stream("windows", stream, lanes, beats, same_as)
        make = self.kernel(Window, "window", (stream,), output, by_channel=by_channel)
        self.emit(lambda layer: make(geometry=replace(geometry, pad_value=pad_value(layer))))
        return output


def spliceable(positions: IntArray, sizes: Sequence[int], target: int) -> tuple[int, tuple[Run, ...]] | None:
    """The fewest lanes, and the runs, with which a Splice makes element i of element ``positions[i]`` of all
    inputs one after another within the target, or the most; None where it cannot."""
    if runs_of(positions, sizes, 1) is None:
        return None
    legal = [d for d in divisors(math.gcd(positions.size, *sizes)) if aligned(positions, d)]
    zeros = int((positions < 0).sum())
    lanes = next((d for d in legal if (sum(sizes) + zeros) // d <= target), legal[-1])
    runs = runs_of(positions, sizes, lanes)
    assert runs is not None
    return lanes, runs


def weldable(positions: IntArray, sizes: Sequence[int], target: int) -> int | None:
    """The most beats of a frame within the target, or the fewest, in which elements leave in the beat in
    which they come, the same in each; None where there are none of at most MAX_ELEMENTS."""
    starts = _starts(sizes)
    legal = []
    for beats in divisors(math.gcd(*sizes)):
        lanes = positions.size // beats
        source = np.searchsorted(starts, positions, side="right") - 1
        per_beat = np.array([size // beats for size in sizes])[source]
        inside = positions - np.array(starts)[source]
        beat = np.arange(beats).repeat(lanes)
        same_place = (inside % per_beat + np.array(starts)[source]).reshape(beats, lanes)
        if (inside // per_beat == beat).all() and (same_place == same_place[:1]).all():
            legal.append(beats)
    wide = [beats for beats in legal if positions.size // beats <= MAX_ELEMENTS]
    return max((beats for beats in wide if beats <= target), default=min(wide, default=None))


def _starts(sizes: Sequence[int]) -> list[int]:
    return [0, *np.cumsum(sizes)[:-1].tolist()]


def _steps(runs: tuple[Run, ...]) -> int:
    return sum(count for _, _, count in runs)


def _by_chunk(matrix: IntArray, per_group: int, taps: int, lanes: int, simd: int = 1) -> IntArray:
    """Columns from torch's (channel, tap) to the window's (chunk, tap, channel in chunk).

    simd: columns that are worked on at once; where these do not divide all, zeros fill up each chunk.
    """
    groups, rows = matrix.shape[:2]
    split = matrix.reshape(groups, rows, per_group // lanes, lanes, taps)
    ordered = np.ascontiguousarray(split.transpose(0, 1, 2, 4, 3)).reshape(groups, rows, -1)
    if ordered.shape[2] % simd == 0:
        return ordered
    chunks = ordered.reshape(groups, rows, -1, taps * lanes)
    return np.pad(chunks, ((0, 0), (0, 0), (0, 0), (0, -taps * lanes % simd))).reshape(groups, rows, -1)
