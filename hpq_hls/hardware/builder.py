"""The part of building a Dataflow that both kinds of io share: streams, forks, element-wise kernels."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hpq_hls.errors import ConfigError, UnsupportedOperatorError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware.adder_graph import AdderGraph, solve
from hpq_hls.hardware.config import HardwareConfig, Strategy
from hpq_hls.hardware.kernels import (
    Add,
    Cast,
    Dataflow,
    Fork,
    IntArray,
    Kernel,
    Pool,
    PoolMode,
    Stream,
    WidthConverter,
)
from hpq_hls.hardware.naming import Namer
from hpq_hls.hardware.order import transmission_orders
from hpq_hls.ops import Flatten
from hpq_hls.ops.base import Shape
from hpq_hls.ops.window import WindowSpec
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer


@dataclass(frozen=True, eq=False)
class Rows:
    """The parameters of a layer with weights, row by row.

    matrix: (groups, rows, columns) integers of ``weight_type``. bias, shift: (groups, rows), or None; the
    weights of a row count ``2**shift`` times what the type says. signs: the integers are all +1 or -1.
    """

    matrix: IntArray
    bias: IntArray | None
    shift: IntArray | None
    weight_type: FixedType
    signs: bool


class Builder(ABC):
    """Turns a QuantizedGraph into kernels and streams, layer by layer.

    It implements ``hpq_hls.ops.base.Lowering``: every operator asks it for what it needs.
    """

    def __init__(self, q: QuantizedGraph, config: HardwareConfig, target: int) -> None:
        if all(isinstance(layer.op, Flatten) for layer in q.layers.values()):
            raise UnsupportedOperatorError(
                "the network computes nothing (no layer but Flatten); there is no hardware to build"
            )
        self.q, self.config, self.target = q, config, target
        self.orders = transmission_orders(q.graph)
        self.streams: dict[str, Stream] = {}
        self.kernels: list[Kernel] = []
        self._namer = Namer()
        self._ready: dict[str, list[str]] = defaultdict(list)
        self._layer: QuantizedLayer
        self._inputs: list[str] = []

    def build(self, name: str) -> Dataflow:
        """The whole network as a Dataflow called ``name``."""
        graph = self.q.graph
        top = self._namer.unique(name)
        source = self.input_stream()
        self._provide(graph.input_name, source)
        for layer in self.q.layers.values():
            self._layer = layer
            self._inputs = [self._ready[given].pop(0) for given in layer.inputs]
            layer.op.lower(self)
        self._size_joins()
        return Dataflow(
            name=top,
            kernels=tuple(self.kernels),
            streams=self.streams,
            input=source,
            output=self._ready[graph.output].pop(0),
            input_shape=graph.input_shape,
            output_shape=graph.output_shape,
            input_order=self.orders[graph.input_name],
            output_order=self.orders[graph.output],
        )

    @property
    def input_shapes(self) -> Sequence[Shape]:
        """Shapes of the current layer's inputs."""
        return [self.q.graph.shapes[name] for name in self._layer.inputs]

    @property
    def output_shape(self) -> Shape:
        """Shape of the current layer's output."""
        return self.q.graph.shapes[self._layer.name]

    @property
    def relu_fused(self) -> bool:
        """Whether a ReLU is fused into the current layer."""
        return self._layer.activation is not None

    @abstractmethod
    def input_stream(self) -> str:
        """Create the stream at the network's input port and return its name."""

    @abstractmethod
    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        """See Lowering."""

    @abstractmethod
    def pool(self, window: WindowSpec, average: bool) -> None:
        """See Lowering."""

    @abstractmethod
    def join_lanes(self) -> int:
        """Lanes at which the current layer's two inputs are added."""

    def add(self) -> None:
        """See Lowering."""
        lanes = self.join_lanes()
        operands = tuple(self.with_lanes(stream, lanes) for stream in self._inputs)
        accumulator = self._layer.accumulator_type
        assert accumulator is not None
        output = self.new_stream("out", self._layer.output_type, lanes, self.streams[operands[0]].beats)
        self.emit(
            Add(
                name=self.unique("add"),
                layer=self._layer.name,
                inputs=operands,
                outputs=(output,),
                accumulator_type=accumulator,
                relu=self.relu_fused,
            )
        )
        self.finish(output)

    def relu(self) -> None:
        """See Lowering."""
        given = self.streams[self._inputs[0]]
        output = self.new_stream("out", self._layer.output_type, given.lanes, given.beats)
        name = self.unique("relu")
        self.emit(Cast(name=name, layer=self._layer.name, inputs=(given.name,), outputs=(output,), relu=True))
        self.finish(output)

    def flatten(self) -> None:
        """See Lowering: nothing moves, only the order is remembered (see ``order``)."""
        self.finish(self._inputs[0])

    def unique(self, part: str) -> str:
        """A unique identifier for a part of the current layer."""
        return self._namer.unique(f"{self._layer.name}_{part}")

    def emit(self, kernel: Kernel) -> None:
        """Append a kernel."""
        self.kernels.append(kernel)

    def new_stream(self, part: str, kind: FixedType, lanes: int, beats: int) -> str:
        """Create a stream of the current layer and return its name."""
        name = self.unique(part)
        self.streams[name] = Stream(name, kind, lanes, beats)
        return name

    def with_lanes(self, stream: str, lanes: int) -> str:
        """The same elements in beats of ``lanes``; converters are inserted where needed."""
        given = self.streams[stream]
        if given.lanes == lanes:
            return stream
        common = math.lcm(given.lanes, lanes)
        if common not in (given.lanes, lanes):
            stream = self.with_lanes(stream, common)
        output = self.new_stream("regrouped", given.type, lanes, given.elements // lanes)
        name = self.unique("regroup")
        self.emit(WidthConverter(name=name, layer=self._layer.name, inputs=(stream,), outputs=(output,)))
        return output

    def finish(self, stream: str) -> None:
        """Declare the current layer's output."""
        self._provide(self._layer.name, stream)

    def _provide(self, value: str, stream: str) -> None:
        reads = sum(layer.inputs.count(value) for layer in self.q.layers.values())
        reads += value == self.q.graph.output
        if reads < 2:
            self._ready[value].append(stream)
            return
        given = self.streams[stream]
        copies = []
        for index in range(reads):
            name = self._namer.unique(f"{value}_copy{index}")
            self.streams[name] = replace(given, name=name)
            copies.append(name)
        fork = self._namer.unique(f"{value}_fork")
        self.emit(Fork(name=fork, layer=value, inputs=(stream,), outputs=tuple(copies)))
        self._ready[value].extend(copies)

    def _size_joins(self) -> None:
        """Give the branch that waits at an Add room for one frame, so that it can never deadlock.

        With a whole frame waiting on one side, the other side has been fed a whole frame since the
        last element that was joined, and no kernel needs more than that to produce its next element.
        """
        makers = {stream: kernel for kernel in self.kernels for stream in kernel.outputs}
        for kernel in self.kernels:
            if not isinstance(kernel, Add):
                continue
            direct = [stream for stream in kernel.inputs if _straight_from_fork(stream, makers)]
            for stream in direct or kernel.inputs:
                given = self.streams[stream]
                self.streams[stream] = replace(given, depth=max(given.depth, self.join_depth(given)))

    def join_depth(self, stream: Stream) -> int:
        """FIFO depth of a branch that waits at an Add."""
        return stream.beats

    def arithmetic(self, rows: Rows) -> dict[str, Any]:
        """What every kernel that multiplies by the current layer's weights is told."""
        layer = self._layer
        return {
            "layer": layer.name,
            "weight": rows.matrix,
            "bias": rows.bias,
            "shift": rows.shift,
            "signs": rows.signs,
            "weight_type": rows.weight_type,
            "bias_type": layer.bias_type,
            "accumulator_type": layer.accumulator_type,
            "relu": self.relu_fused,
        }

    def pad_value(self, stream: str, average: bool) -> int:
        """Raw value of padding in a pooling window: zero for an average, else what never wins."""
        kind = self.streams[stream].type
        return 0 if average else kind.code_interval.lo

    def reduce(self, stream: str, average: bool, positions: int, taps: int, lanes: int) -> None:
        """Emit the pooling kernel behind a window and finish the layer."""
        layer, constant = self._layer, self._layer.op.constant
        out_lanes = positions * lanes
        beats = math.prod(self.output_shape) // out_lanes
        output = self.new_stream("out", layer.output_type, out_lanes, beats)
        self.emit(
            Pool(
                name=self.unique("pool"),
                layer=layer.name,
                inputs=(stream,),
                outputs=(output,),
                mode=PoolMode.AVERAGE if average else PoolMode.MAX,
                positions=positions,
                taps=taps,
                lanes=lanes,
                reciprocal=1 if constant is None else constant.raw,
                reciprocal_type=None if constant is None else constant.type,
                accumulator_type=layer.accumulator_type,
                relu=self.relu_fused,
            )
        )
        self.finish(output)

    def weights_in_order(self, groups: int, *, aligned: bool = False) -> Rows:
        """Parameters of the current layer without a window, in the order the elements travel in.

        aligned: shifts are in the weights, not beside them.
        """
        layer = self._layer
        weight = layer.weight_raw if aligned else layer.weight_codes
        kind = layer.weight_type if aligned else layer.stored_weight_type
        assert weight is not None and kind is not None
        matrix: IntArray = weight.reshape(groups, weight.shape[0] // groups, -1)
        bias, shift = layer.bias_raw, None if aligned else layer.weight_shift
        if len(self.input_shapes[0]) == 1:
            arriving, leaving = self.orders[layer.inputs[0]], self.orders[layer.name]
            if groups == 1 and matrix.shape[2] == len(arriving):
                matrix = matrix[:, :, arriving]
            rows = matrix.reshape(matrix.shape[0] * matrix.shape[1], -1)[leaving]
            matrix = rows.reshape(matrix.shape)
            bias, shift = (None if values is None else values[leaving] for values in (bias, shift))
        bias, shift = (
            None if values is None else values.reshape(matrix.shape[:2]) for values in (bias, shift)
        )
        signs = layer.weight_signs and not aligned
        return Rows(np.ascontiguousarray(matrix), bias, shift, kind, signs)

    @property
    def is_da(self) -> bool:
        """Whether the current layer's products are made by graphs of adders."""
        return self.config.of(self._layer.name).strategy is Strategy.DA

    def adder_graphs(self, matrix: IntArray, stream: str) -> tuple[AdderGraph, ...] | None:
        """One adder graph per group of ``matrix`` (groups, rows, columns), which is multiplied with the
        elements of ``stream``; None unless the current layer's strategy is ``da``.

        Raises:
            ConfigError: the matrix is beyond the solver.
        """
        if not self.is_da:
            return None
        given = self.streams[stream].type.code_interval
        try:
            return tuple(solve(group, given) for group in matrix)
        except ConfigError as error:
            raise ConfigError(f"layer {self._layer.name!r}: {error}") from None


def _straight_from_fork(stream: str, makers: dict[str, Kernel]) -> bool:
    """Whether nothing but width converters lies between a fork (or the input) and this stream."""
    maker = makers.get(stream)
    while isinstance(maker, WidthConverter):
        maker = makers.get(maker.inputs[0])
    return maker is None or isinstance(maker, Fork)
