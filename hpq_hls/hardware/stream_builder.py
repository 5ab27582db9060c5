"""io stream: pixel by pixel, every layer folded over time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from hpq_hls.errors import ConfigError
from hpq_hls.hardware.builder import Builder
from hpq_hls.hardware.config import Strategy
from hpq_hls.hardware.folding import choose_folding, choose_lanes, divisors
from hpq_hls.hardware.geometry import WindowGeometry
from hpq_hls.hardware.kernels import (
    ChannelMac,
    IntArray,
    MatVec,
    Stream,
    UnrolledMatVec,
    Window,
)
from hpq_hls.ops.window import WindowSpec

MAX_PIXEL_BITS = 1024
"""A pixel wider than this enters in several beats."""


class StreamBuilder(Builder):
    """Builds folded kernels that meet ``target`` cycles per frame where the layer allows it."""

    _floating_input: str | None = None

    def input_stream(self) -> str:
        graph = self.q.graph
        name = self._namer.unique(graph.input_name)
        shape, kind = graph.input_shape, self.q.input_type
        lanes = next(d for d in reversed(divisors(shape[0])) if d * kind.width <= MAX_PIXEL_BITS or d == 1)
        if len(shape) == 1:
            lanes = choose_lanes(shape[0], shape[0], self.target)
            self._floating_input = name
        self.streams[name] = Stream(name, kind, lanes, math.prod(shape) // lanes)
        return name

    def with_lanes(self, stream: str, lanes: int) -> str:
        """As in Builder; a vector at the input port simply takes the lanes its first reader wants."""
        if stream == self._floating_input:
            given = self.streams[stream]
            self.streams[stream] = replace(given, lanes=lanes, beats=given.elements // lanes)
            self._floating_input = None
        return super().with_lanes(stream, lanes)

    def _provide(self, value: str, stream: str) -> None:
        super()._provide(value, stream)
        if self._ready[value] != [stream]:
            self._floating_input = None  # it is forked: its lanes are settled

    def join_lanes(self) -> int:
        shape = self.output_shape
        return choose_lanes(shape[0], math.prod(shape), self.target)

    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        layer = self._layer
        assert layer.weight_raw is not None
        rows = layer.weight_raw.shape[0] // groups
        per_group = self.input_shapes[0][0] // groups
        if window is not None and window.is_pointwise:
            window = None
        if rows == 1 and per_group == 1:
            self._channelwise(groups, window)
        elif self.config.of(layer.name).strategy is not Strategy.FOLDED:
            self._unrolled(groups, window)
        else:
            self._folded(groups, window, rows, per_group)

    def _folded(self, groups: int, window: WindowSpec | None, rows: int, per_group: int) -> None:
        layer, shape = self._layer, self.input_shapes[0]
        positions = math.prod(self.output_shape[1:])
        weights = self.weights_in_order(groups)
        cols, taps, lanes = weights.matrix.shape[2], 1, 1
        legal = divisors(cols)
        wish = self.config.of(layer.name)
        if window is not None:
            taps = window.taps
            lanes = self._window_lanes(window, per_group, taps, cols, wish.simd)
            legal = _regroupable(cols, taps * lanes)
            weights = replace(weights, matrix=_by_chunk(weights.matrix, per_group, taps, lanes))
        pe, simd = choose_folding(layer.name, rows, legal, positions * groups, cols, wish, self.target)
        stream = self._inputs[0]
        if window is not None:
            stream = self._window(self.with_lanes(stream, lanes), window, 0)
        stream = self.with_lanes(stream, simd)
        if rows > pe:
            # The unit reads a vector during its first fold of rows only; the next one gathers here.
            given = self.streams[stream]
            self.streams[stream] = replace(given, depth=max(given.depth, cols // simd))
        elements = math.prod(self.output_shape)
        output = self.new_stream("out", layer.output_type, pe, elements // pe)
        self.emit(
            MatVec(
                name=self.unique("matvec"),
                inputs=(stream,),
                outputs=(output,),
                vectors=positions if len(shape) == 3 else 1,
                **self.arithmetic(weights),
                pe=pe,
                simd=simd,
            )
        )
        self.finish(output)

    def _window_lanes(
        self, window: WindowSpec, per_group: int, taps: int, cols: int, simd: int | None
    ) -> int:
        """Channels per beat of the sliding window: fewest that meet the target and suit a given simd."""
        scan = self._geometry(window, 0).scan
        cycles = scan[0] * scan[1] * self.input_shapes[0][0]
        lanes = choose_lanes(per_group, cycles, self.target)
        if simd is None or simd in _regroupable(cols, taps * lanes):
            return lanes
        options = [d for d in divisors(per_group) if simd in _regroupable(cols, taps * d)]
        return min(options, key=lambda d: (d < lanes, abs(d - lanes)), default=lanes)

    def _unrolled(self, groups: int, window: WindowSpec | None) -> None:
        layer, shape = self._layer, self.input_shapes[0]
        if groups > 1 and window is not None:
            raise ConfigError(
                f"layer {layer.name!r} has {groups} groups and a window; strategies 'unrolled' and "
                "'da' do not cover that in io stream, so use 'folded'"
            )
        weights = self.weights_in_order(groups, aligned=self.is_da)
        stream = self._inputs[0]
        if window is not None:
            stream = self._window(self.with_lanes(stream, shape[0]), window, 0)
            matrix = _by_chunk(weights.matrix, shape[0], window.taps, shape[0])
            weights = replace(weights, matrix=matrix)
        matrix = weights.matrix
        stream = self.with_lanes(stream, groups * matrix.shape[2])
        positions = math.prod(self.output_shape[1:])
        output = self.new_stream("out", layer.output_type, groups * matrix.shape[1], positions)
        self.emit(
            UnrolledMatVec(
                name=self.unique("matvec"),
                inputs=(stream,),
                outputs=(output,),
                positions=1,
                beats=positions,
                **self.arithmetic(weights),
                adders=self.adder_graphs(matrix, stream),
            )
        )
        self.finish(output)

    def _channelwise(self, channels: int, window: WindowSpec | None) -> None:
        """Depthwise convolution, or a per-channel affine map."""
        layer = self._layer
        weights = self.weights_in_order(channels)
        bias, shift = (None if values is None else values[:, 0] for values in (weights.bias, weights.shift))
        positions = math.prod(self.output_shape[1:])
        lanes = self._channel_lanes(channels, positions * channels, window)
        stream = self.with_lanes(self._inputs[0], lanes)
        if window is not None:
            stream = self._window(stream, window, 0)
        output = self.new_stream("out", layer.output_type, lanes, positions * channels // lanes)
        self.emit(
            ChannelMac(
                name=self.unique("channelmac"),
                inputs=(stream,),
                outputs=(output,),
                positions=positions,
                **self.arithmetic(replace(weights, matrix=weights.matrix[:, 0, :], bias=bias, shift=shift)),
                lanes=lanes,
            )
        )
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
            scan = self._geometry(window, 0).scan
            cycles = max(cycles, scan[0] * scan[1] * channels)
        target = self.target
        if wish.reuse_factor is not None:
            target = max(1, cycles * wish.reuse_factor // channels)
        return choose_lanes(channels, cycles, target)

    def pool(self, window: WindowSpec, average: bool) -> None:
        channels = self.input_shapes[0][0]
        lanes = self._channel_lanes(channels, math.prod(self.output_shape), window)
        stream = self.with_lanes(self._inputs[0], lanes)
        if not window.is_pointwise:
            stream = self._window(stream, window, self.pad_value(stream, average))
        self.reduce(stream, average, 1, window.taps, lanes)

    def _geometry(self, window: WindowSpec, pad_value: int) -> WindowGeometry:
        channels, height, width = self.input_shapes[0]
        return WindowGeometry(
            channels=channels,
            height=height,
            width=width,
            kernel=window.kernel,
            stride=window.stride,
            dilation=window.dilation,
            pad_top=window.padding[0],
            pad_left=window.padding[2],
            out_height=self.output_shape[1],
            out_width=self.output_shape[2],
            pad_value=pad_value,
        )

    def _window(self, stream: str, window: WindowSpec, pad_value: int) -> str:
        geometry = self._geometry(window, pad_value)
        given = self.streams[stream]
        # While it emits a row of windows at the pace of its reader, a window takes in one input row at
        # most, and none at the bottom padding; what arrives meanwhile waits here instead of stalling
        # the layer in front.
        below = geometry.scan[0] - geometry.pad_top - geometry.height
        rows_ahead = max(geometry.stride[0] - 1, below)
        row_beats = geometry.width * geometry.channels // given.lanes
        self.streams[stream] = given = replace(given, depth=max(given.depth, rows_ahead * row_beats))
        beats = geometry.positions * (geometry.channels // given.lanes)
        output = self.new_stream("windows", given.type, geometry.taps * given.lanes, beats)
        self.emit(
            Window(
                name=self.unique("window"),
                layer=self._layer.name,
                inputs=(stream,),
                outputs=(output,),
                geometry=geometry,
            )
        )
        return output


def _regroupable(cols: int, beat: int) -> list[int]:
    """SIMD values that divide the columns and fit beats of ``beat`` elements without remainder."""
    return [d for d in divisors(cols) if beat % d == 0 or d % beat == 0]


def _by_chunk(matrix: IntArray, per_group: int, taps: int, lanes: int) -> IntArray:
    """Columns from torch's (channel, tap) to the window's (chunk, tap, channel in chunk)."""
    groups, rows = matrix.shape[:2]
    split = matrix.reshape(groups, rows, per_group // lanes, lanes, taps)
    return np.ascontiguousarray(split.transpose(0, 1, 2, 4, 3)).reshape(groups, rows, -1)
