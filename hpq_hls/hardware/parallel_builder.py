"""io parallel: the whole tensor in one beat, every multiplication in hardware."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from hpq_hls.errors import ConfigError
from hpq_hls.hardware.builder import Builder
from hpq_hls.hardware.kernels import Gather, IntArray, Stream, UnrolledMatVec
from hpq_hls.ops.window import WindowSpec

MAX_MULTIPLIERS = 1 << 16
MAX_BEAT_BITS = 1 << 16
"""Beyond these, unrolling never finishes in any synthesis tool (hls4ml issues 59, 250, 903, 1013)."""
JOIN_DEPTH = 32
"""Frames that may be under way in the longer branch of a join, so that the shorter never stalls it."""


class ParallelBuilder(Builder):
    """Builds kernels with initiation interval 1."""

    def input_stream(self) -> str:
        graph = self.q.graph
        name = self._namer.unique(graph.input_name)
        self.streams[name] = Stream(name, self.q.input_type, math.prod(graph.input_shape), 1)
        return name

    def join_lanes(self) -> int:
        return math.prod(self.output_shape)

    def join_depth(self, stream: Stream) -> int:
        return JOIN_DEPTH

    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        layer = self._layer
        stream = self._inputs[0]
        positions = math.prod(self.output_shape[1:])
        weights = self.weights_in_order(groups, aligned=self.is_da)
        if window is not None and not window.is_pointwise:
            stream = self._gather(stream, window, 0)
        output = self.new_stream("out", layer.output_type, math.prod(self.output_shape), 1)
        kernel = UnrolledMatVec(
            name=self.unique("matvec"),
            inputs=(stream,),
            outputs=(output,),
            positions=positions,
            beats=1,
            **self.arithmetic(weights),
        )
        self._check_size(kernel.multipliers, stream)
        self.emit(replace(kernel, adders=self.adder_graphs(weights.matrix, stream)))
        self.finish(output)

    def _check_size(self, multipliers: int, stream: str) -> None:
        bits = self.streams[stream].bits
        if multipliers > MAX_MULTIPLIERS or bits > MAX_BEAT_BITS:
            raise ConfigError(
                f"layer {self._layer.name!r} would need {multipliers} multipliers and beats of {bits} bits "
                f"in io parallel (limits {MAX_MULTIPLIERS} and {MAX_BEAT_BITS}); use io stream"
            )

    def pool(self, window: WindowSpec, average: bool) -> None:
        stream = self._inputs[0]
        if not window.is_pointwise:
            stream = self._gather(stream, window, self.pad_value(stream, average), taps_first=True)
        self._check_size(0, stream)
        positions = math.prod(self.output_shape[1:])
        self.reduce(stream, average, positions, window.taps, self.input_shapes[0][0])

    def _gather(self, stream: str, window: WindowSpec, pad_value: int, taps_first: bool = False) -> str:
        """Wire every window's elements side by side: (position, group, channel, tap), or
        (position, tap, channel) with ``taps_first``."""
        index = _window_index(self.input_shapes[0], window, taps_first)
        output = self.new_stream("windows", self.streams[stream].type, index.size, 1)
        self.emit(
            Gather(
                name=self.unique("gather"),
                layer=self._layer.name,
                inputs=(stream,),
                outputs=(output,),
                index=index,
                pad_value=pad_value,
            )
        )
        return output


def _window_index(shape: tuple[int, ...], window: WindowSpec, taps_first: bool) -> IntArray:
    """Position in the channels-last input of every window element, -1 for padding."""
    channels, height, width = shape
    places = np.arange(height * width * channels, dtype=np.int64).reshape(height, width, channels)
    patches = window.patches(places.transpose(2, 0, 1)[None], -1)[0]
    channel, row, column, ky, kx = range(5)
    order = (row, column, ky, kx, channel) if taps_first else (row, column, channel, ky, kx)
    return np.ascontiguousarray(patches.transpose(order)).reshape(-1)
