"""io parallel: the whole tensor in one beat, every multiplication in hardware."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from hpq_hls.errors import ConfigError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware.builder import Builder
from hpq_hls.hardware.recipes import Arranged
from hpq_hls.kernels import Gather, IntArray, Stream, UnrolledMatVec, Weld
from hpq_hls.ops.folding import Folding
from hpq_hls.ops.window import WindowSpec
from hpq_hls.simulate import QuantizedLayer

MAX_MULTIPLIERS = 1 << 16
MAX_BEAT_BITS = 1 << 16
"""Beyond these, unrolling never finishes in any synthesis tool (hls4ml issues 59, 250, 903, 1013)."""
JOIN_DEPTH = 32
"""Frames that may be under way in the longer branch of a join, so that the shorter never stalls it."""


class ParallelBuilder(Builder):
    """Builds kernels with initiation interval 1."""

    def input_lanes(self, name: str, kind: FixedType) -> int:
        return math.prod(self.q.graph.inputs[name])

    def join_lanes(self) -> int:
        return math.prod(self.output_shape)

    def reduction_beat(self, folding: Folding) -> int:
        return folding.elements

    def join_depth(self, stream: Stream) -> int:
        return JOIN_DEPTH

    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        stream = self._inputs[0]
        positions = math.prod(self.output_shape[1:])
        if window is not None and not window.is_pointwise:
            stream = self._gather(stream, window, lambda _: 0)
        elements = self.streams[stream].lanes
        lanes = math.prod(self.output_shape)
        output = self.output_stream(lanes, 1)
        make = self.kernel(UnrolledMatVec, "matvec", (stream,), output, positions=positions, beats=1)
        arranged = Arranged(
            lambda layer: self.weights_in_order(layer, groups, aligned=self.is_da(layer)),
        )

        def matvec(layer: QuantizedLayer) -> UnrolledMatVec:
            weights = arranged(layer)
            _check_size(layer, positions * int(np.count_nonzero(weights)), elements)
            return make(**self.arithmetic(layer, weights, lanes, adders=True))

        self.emit(matvec)
        self.finish(output)

    def pool(self, window: WindowSpec, average: bool) -> None:
        stream = self._inputs[0]
        if not window.is_pointwise:
            pad_value = functools.partial(self.pad_value, average=average)
            stream = self._gather(stream, window, pad_value, taps_first=True)
        positions, elements = math.prod(self.output_shape[1:]), self.streams[stream].lanes
        check = functools.partial(_check_size, multipliers=0, elements=elements)
        self.reduce(stream, average, positions, window.taps, self.input_shapes[0][0], check)

    def rearranged(self, part: str, stream: str, positions: IntArray) -> str:
        output = self.inner_stream(part, stream, positions.size, 1, _same_as(positions))
        make = self.kernel(Gather, f"{part}_gather", (stream,), output, index=positions, pad_value=0)
        self.emit(lambda _: make())
        return output

    def joined(self, positions: IntArray) -> str:
        output = self.output_stream(positions.size, 1)
        make = self.kernel(Weld, "join", tuple(self._inputs), output, index=positions)
        self.emit(lambda _: make())
        return output

    def _gather(
        self,
        stream: str,
        window: WindowSpec,
        pad_value: Callable[[QuantizedLayer], int],
        taps_first: bool = False,
    ) -> str:
        """Wire every window's elements side by side: (position, group, channel, tap), or
        (position, tap, channel) with ``taps_first``."""
        index = _window_index(self.input_shapes[0], window, taps_first)
        output = self.inner_stream("windows", stream, index.size, 1, _same_as(index))
        make = self.kernel(Gather, "gather", (stream,), output, index=index)
        self.emit(lambda layer: make(pad_value=pad_value(layer)))
        return output


def _check_size(layer: QuantizedLayer, multipliers: int, elements: int) -> None:
    """
    Raises:
        ConfigError: so many multipliers, or beats of so many of the layer's input elements, are too many.
    """
    bits = elements * layer.input_edges[0].type.width
    if multipliers > MAX_MULTIPLIERS or bits > MAX_BEAT_BITS:
        raise ConfigError(
            f"layer {layer.name!r} would need {multipliers} multipliers and beats of {bits} bits "
            f"in io parallel (limits {MAX_MULTIPLIERS} and {MAX_BEAT_BITS}); use io stream"
        )


def _same_as(index: IntArray) -> tuple[int, ...]:
    """What ``Stream.same_as`` is of elements that are wired to these places; -1: padding."""
    _, first, places = np.unique(index, return_index=True, return_inverse=True)
    same = np.where(index < 0, -1, first[places.reshape(-1)])
    return () if (same == np.arange(index.size)).all() else tuple(same.tolist())


def _window_index(shape: tuple[int, ...], window: WindowSpec, taps_first: bool) -> IntArray:
    """Position in the channels-last input of every window element, -1 for padding."""
    channels, height, width = shape
    places = np.arange(height * width * channels, dtype=np.int64).reshape(height, width, channels)
    patches = window.patches(places.transpose(2, 0, 1)[None], -1)[0]
    channel, row, column, ky, kx = range(5)
    order = (row, column, ky, kx, channel) if taps_first else (row, column, channel, ky, kx)
    return np.ascontiguousarray(patches.transpose(order)).reshape(-1)
