"""The part of building a Dataflow that both kinds of io share: streams, forks, element-wise kernels."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from hpq_hls.billing.families import Operands
from hpq_hls.billing.packing import Sharing
from hpq_hls.billing.parts import find_part
from hpq_hls.errors import ConfigError, UnsupportedOperatorError
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.hardware.config import HardwareConfig, Io, Multiplier, Strategy, Tlast
from hpq_hls.hardware.dataflow import Dataflow, Terminal
from hpq_hls.hardware.naming import Namer, port_names
from hpq_hls.hardware.order import places, same, transmission_orders
from hpq_hls.hardware.recipes import OUTPUT, Arrange, Arranged, Block, Decided, Make, Recipe, sums_of
from hpq_hls.hardware.unread import with_unread
from hpq_hls.kernels import (
    Constant,
    Fork,
    IntArray,
    Kernel,
    Pool,
    PoolMode,
    Reduce,
    Reduction,
    Stream,
    Weighted,
    WidthConverter,
)
from hpq_hls.kernels.adder_graph import solve
from hpq_hls.kernels.adder_pipeline import Adders, cheapest, offsets_of
from hpq_hls.kernels.lanes import choose_lanes
from hpq_hls.kernels.reorder import ZERO
from hpq_hls.ops.base import Shape, Told
from hpq_hls.ops.folding import Folding
from hpq_hls.ops.window import WindowSpec
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer

AnyKernel = TypeVar("AnyKernel", bound=Kernel)


class Builder(ABC):
    """Turns a QuantizedGraph into kernels and streams, layer by layer.

    It implements ``hpq_hls.ops.base.Lowering``: every operator asks it for what it needs.
    """

    def __init__(self, q: QuantizedGraph, config: HardwareConfig, target: int) -> None:
        self.q, self.config, self.target = q, config, target
        orders = transmission_orders(q.graph)
        self.orders, self.taken = orders.made, orders.taken
        self.streams: dict[str, Stream] = {}
        self.kernels: list[Kernel] = []
        self.blocks: dict[str, Block] = {}
        self._namer = Namer()
        self._reads = Counter(name for layer in q.layers.values() for name in layer.inputs)
        self._reads.update(q.graph.outputs.values())
        self._ready: dict[str, list[str]] = defaultdict(list)
        self._block: Block
        self._layer: QuantizedLayer
        self._inputs: list[str] = []

    def build(self, name: str) -> Dataflow:
        """The whole network as a Dataflow called ``name``."""
        graph = self.q.graph
        top = self._namer.unique(name)
        sources = {given: self._source(given) for given in graph.inputs}
        for layer in self.q.layers.values():
            self._layer = layer
            self._inputs = [self._ready[given].pop(0) for given in layer.inputs]
            self._block = self.blocks[layer.name] = Block(tuple(self._inputs))
            self.lower()
        if not self.kernels:
            raise UnsupportedOperatorError(
                "the network computes nothing (its layers only name elements anew), so that there is no "
                "hardware to build"
            )
        self._size_joins()
        return Dataflow(
            name=top,
            kernels=tuple(self.kernels),
            streams=with_unread(self.kernels, self.streams, constants=self.config.io is Io.PARALLEL),
            inputs=self._terminals(
                "s_axis",
                sources,
                {given: given for given in sources},
                checked=self.config.tlast is Tlast.CHECKED,
            ),
            outputs=self._terminals(
                "m_axis",
                {made: self._ready[value].pop(0) for made, value in graph.outputs.items()},
                graph.outputs,
            ),
            network=self.q,
        )

    def _source(self, name: str) -> str:
        """The stream at the port of an input."""
        kind = self.q.input_types[name]
        self._block = self.blocks[name] = Block(())
        lanes = self.input_lanes(name, kind)
        beats = math.prod(self.q.graph.inputs[name]) // lanes
        source = self._add_stream(Stream(self._namer.unique(name), kind, lanes, beats), OUTPUT)
        self._provide(name, source)
        return source

    def _terminals(
        self, prefix: str, streams: Mapping[str, str], values: Mapping[str, str], checked: bool = False
    ) -> tuple[Terminal, ...]:
        """The ports behind streams, by name of the input or output; values: what they carry; checked: whether
        they look at TLAST."""
        ports, shapes = port_names(prefix, tuple(streams)), self.q.graph.shapes
        return tuple(
            Terminal(name, ports[name], stream, shapes[values[name]], self.orders[values[name]], checked)
            for name, stream in streams.items()
        )

    def lower(self) -> None:
        """The current layer, behind inputs in the orders in which it takes them."""
        for index, name in enumerate(self._layer.inputs):
            made, taken = self.orders[name], self.taken[self._layer.name][index]
            if not same(made, taken):
                self._inputs[index] = self.rearranged("order", self._inputs[index], places(made)[taken])
        self._layer.op.lower(self)

    @property
    def shapes(self) -> Sequence[Shape]:
        """See Lowering."""
        return [self.q.graph.shapes[name] for name in self._layer.inputs]

    @property
    def input_shapes(self) -> Sequence[Shape]:
        """Shapes of the current layer's inputs as hardware looks at them (``Operator.image``)."""
        return [self._layer.op.image(shape) for shape in self.shapes]

    @property
    def output_shape(self) -> Shape:
        """Shape of the current layer's output as hardware looks at it."""
        return self._layer.op.image(self.q.graph.shapes[self._layer.name])

    @abstractmethod
    def input_lanes(self, name: str, kind: FixedType) -> int:
        """Lanes of the stream at an input port: all that a type has to do with structure."""

    @abstractmethod
    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        """See Lowering."""

    @abstractmethod
    def pool(self, window: WindowSpec, average: bool) -> None:
        """See Lowering."""

    @abstractmethod
    def join_lanes(self) -> int:
        """Lanes at which the current layer's two inputs are added."""

    def elementwise(self, part: str, kernel: type[Kernel], told: Told = lambda _: {}) -> None:
        """See Lowering; what reads one stream takes whatever beats there are."""
        alone = len(self._inputs) == 1
        lanes = self.streams[self._inputs[0]].lanes if alone else self.join_lanes()
        operands = tuple(self.with_lanes(stream, lanes) for stream in self._inputs)
        output = self.output_stream(lanes, self.streams[operands[0]].beats)
        make = self.kernel(kernel, part, operands, output)

        def made(layer: QuantizedLayer) -> Kernel:
            found = make(**self._told(told(layer), layer, lanes))
            return found.in_fabric() if self.in_luts(layer) else found

        self.emit(made, lambda layer: tuple(told(layer).values()))
        self.finish(output)

    @abstractmethod
    def reduction_beat(self, folding: Folding) -> int:
        """Elements per beat of the current layer's input, which it reduces."""

    def reduction(self, mode: Reduction, groups: IntArray) -> None:
        """See Lowering."""
        constant = self._layer.op.constant
        found = Folding.of(groups[self.taken[self._layer.name][0]])
        assert found is not None, "an operator takes its elements so that they can be reduced"
        positions, taps, lanes, steps, chunks = found.shape(self.reduction_beat(found))
        stream = self.with_lanes(self._inputs[0], positions * taps * lanes)
        output = self.output_stream(positions * lanes, math.prod(self.output_shape) // (positions * lanes))
        make = self.kernel(
            Reduce,
            "reduce",
            (stream,),
            output,
            mode=mode,
            positions=positions,
            taps=taps,
            lanes=lanes,
            steps=steps,
            chunks=chunks,
            reciprocal=1 if constant is None else constant.raw,
            reciprocal_type=None if constant is None else constant.type,
            in_luts=self.in_luts(self._layer),
        )
        self.emit(lambda layer: make(**self._sums(layer, positions * lanes)), sums_of)
        self.finish(output)

    def rearrange(self, index: IntArray) -> None:
        """See Lowering; where elements leave as they come, nothing is built."""
        (name,), made = self._layer.inputs, self.orders[self._layer.name]
        place = np.append(places(self.orders[name]), ZERO)  # the last for ZERO itself
        positions = place[index[made]]
        stream = self._inputs[0]
        if positions.size != self.streams[stream].elements or (np.diff(positions) != 1).any():
            stream = self.rearranged("rearrange", stream, positions)
        self.finish(stream)

    def join(self, index: IntArray) -> None:
        """See Lowering."""
        starts = np.cumsum([0, *(self.streams[stream].elements for stream in self._inputs)])
        taken = zip(starts, self.taken[self._layer.name], strict=False)
        place = np.concatenate([start + places(order) for start, order in taken])
        self.finish(self.joined(place[index[self.orders[self._layer.name]]]))

    def constant(self) -> None:
        """See Lowering; in as few lanes as meet the target, whole channels of an image where one may."""
        streams = tuple(self.with_lanes(name, self.streams[name].lanes) for name in self._inputs)
        shape = self.output_shape
        size, channels = math.prod(shape), math.prod(shape[:1])
        lanes = choose_lanes(channels, size, self.target)
        if size // lanes > self.target:
            lanes = choose_lanes(size, size, self.target)
        beats, order = size // lanes, self.orders[self._layer.name]
        output = self._add_stream(
            Stream(
                self.unique("out"),
                self._layer.output_type,
                lanes,
                beats,
                same_as=(-1,) * lanes * (beats == 1),
            ),
            OUTPUT,
        )
        given = tuple(self.streams[name].beats for name in streams)
        make = self.kernel(Constant, "constant", streams, output, given=given)

        def constant(layer: QuantizedLayer) -> Constant:
            assert layer.op.always is not None
            values = layer.op.always.reshape(-1)[order].reshape(beats, lanes)
            return make(values=values, type=layer.output_type)

        self.emit(constant, lambda layer: (layer.op.always,))
        self.finish(output)

    @abstractmethod
    def rearranged(self, part: str, stream: str, positions: IntArray) -> str:
        """A stream whose element i is element ``positions[i]`` of another one, or zero where that is -1."""

    @abstractmethod
    def joined(self, positions: IntArray) -> str:
        """A stream whose element i is element ``positions[i]`` of the current layer's inputs, one after
        another, cast to the type of its output."""

    def unique(self, part: str) -> str:
        """A unique identifier for a part of the current layer."""
        return self._namer.unique(f"{self._layer.name}_{part}")

    def kernel(
        self, kind: type[AnyKernel], part: str, inputs: tuple[str, ...], output: str, **structure: Any
    ) -> Callable[..., AnyKernel]:
        """A kernel of the current layer but for what is still to be given.

        structure: those of its fields that depend on no type and no parameter.
        """
        return functools.partial(
            kind,
            name=self.unique(part),
            layer=self._layer.name,
            inputs=inputs,
            outputs=(output,),
            pace=self.config.pace,
            **structure,
        )

    def emit(self, make: Make, decided: Decided | None = None) -> None:
        """Append a kernel of the current layer; decided: as of ``Recipe``."""
        self._block.kernels.append(Recipe(make, decided))
        self.kernels.append(make(self._layer))

    def emit_weighted(
        self, make: Callable[..., Weighted], arrange: Arrange, lanes: int, **settings: bool
    ) -> None:
        """Append the kernel that multiplies by the layer's weights; lanes, settings: as ``arithmetic``."""
        arranged = Arranged(arrange)
        self.emit(lambda layer: make(**self.arithmetic(layer, arranged(layer), lanes, **settings)), sums_of)

    def in_order(self, epilogue: Epilogue, layer: str, lanes: int) -> Epilogue:
        """A layer's epilogue, for a kernel that gives its output in beats of ``lanes`` elements."""
        if len(epilogue.slopes) < 2:
            return epilogue
        elements = math.prod(self.q.graph.shapes[layer][1:])
        return epilogue.in_order(self.orders[layer] // elements, lanes)

    def _sums(self, layer: QuantizedLayer, lanes: int) -> dict[str, Any]:
        """What a kernel is told of a layer's exact sums and of what becomes of them."""
        epilogue = self.in_order(layer.epilogue, layer.name, lanes)
        return {"accumulator_type": layer.accumulator_type, "epilogue": epilogue}

    def _told(self, told: Mapping[str, Any], layer: QuantizedLayer, lanes: int) -> Mapping[str, Any]:
        """What an operator says of a kernel; operators know nothing of lanes and orders."""
        epilogue = told.get("epilogue")
        return told if epilogue is None else {**told, "epilogue": self.in_order(epilogue, layer.name, lanes)}

    def output_stream(self, lanes: int, beats: int) -> str:
        """Create the stream of the current layer's output and return its name."""
        return self._add_stream(Stream(self.unique("out"), self._layer.output_type, lanes, beats), OUTPUT)

    def inner_stream(
        self, part: str, given: str, lanes: int, beats: int, same_as: tuple[int, ...] = ()
    ) -> str:
        """Create a stream of the current layer with elements of another one and return its name."""
        kind, block = self.streams[given].type, self._block
        number = block.inputs.index(given) if given in block.inputs else block.streams[given]
        made = Stream(self.unique(part), kind, lanes, beats, same_as=same_as)
        return self._add_stream(made, number)

    def _add_stream(self, stream: Stream, number: int) -> str:
        self.streams[stream.name] = stream
        self._block.streams[stream.name] = number
        return stream.name

    def with_lanes(self, stream: str, lanes: int) -> str:
        """The same elements in beats of ``lanes``; converters are inserted where needed."""
        given = self.streams[stream]
        if given.lanes == lanes:
            return stream
        common = math.lcm(given.lanes, lanes)
        if common not in (given.lanes, lanes):
            stream = self.with_lanes(stream, common)
        output = self.inner_stream("regrouped", stream, lanes, given.elements // lanes)
        make = self.kernel(WidthConverter, "regroup", (stream,), output)
        self.emit(lambda _: make())
        return output

    def finish(self, stream: str) -> None:
        """Declare the current layer's output."""
        self._provide(self._layer.name, stream)

    def _provide(self, value: str, stream: str) -> None:
        reads = self._reads[value]
        if reads < 2:
            self._ready[value].append(stream)
            return
        given, block = self.streams[stream], self._block
        number = block.inputs.index(stream) if stream in block.inputs else block.streams[stream]
        names = [self._namer.unique(f"{value}_copy{index}") for index in range(reads)]
        copies = [self._add_stream(replace(given, name=name), number) for name in names]
        name = self._namer.unique(f"{value}_fork")
        pace = self.config.pace
        fork = Fork(name=name, layer=value, inputs=(stream,), outputs=tuple(copies), pace=pace)
        block.kernels.append(Recipe(lambda _: fork))
        self.kernels.append(fork)
        self._ready[value].extend(copies)

    def _size_joins(self) -> None:
        """Give every branch that ends in a join room for one frame, so that none can ever deadlock.

        What a join waits for comes from a fork, and that a fork has not had a beat out of the frame that is
        joined means that a branch of it is full. That one ends, perhaps through others, in a join with a
        whole frame waiting: then the fork has given the whole frame. Less would do on some branches:
        ``hpq_hls.cost.fifos`` finds out how much.
        """
        for kernel in self.kernels:
            if len(kernel.inputs) < 2:
                continue
            for stream in kernel.inputs:
                given = self.streams[stream]
                self.streams[stream] = replace(given, depth=max(given.depth, self.join_depth(given)))

    def join_depth(self, stream: Stream) -> int:
        """FIFO depth of a branch that waits at a join."""
        return stream.beats

    def arithmetic(
        self, layer: QuantizedLayer, weight: IntArray, lanes: int, *, adders: bool = False
    ) -> dict[str, Any]:
        """What the kernel that multiplies by a layer's weights is told.

        weight: in its order. lanes: of its output. adders: it is also told its adder graphs, None unless the
        strategy is ``da``.

        Raises:
            ConfigError: the weights are beyond the solver of adder graphs.
        """
        aligned = adders and self.is_da(layer)
        bias, shift = layer.bias_raw, None if aligned else layer.weight_shift
        if len(self.q.graph.shapes[layer.inputs[0]]) == 1:
            leaving = self.orders[layer.name]
            bias, shift = (None if values is None else values[leaving] for values in (bias, shift))
        rows = weight.shape[:-1]
        bias, shift = (None if values is None else values.reshape(rows) for values in (bias, shift))
        told: dict[str, Any] = {"adders": self._adders(layer, weight, bias, lanes) if aligned else None}
        return (told if adders else {}) | {
            "weight": weight,
            "bias": bias,
            "shift": shift,
            "signs": layer.weight_signs and not aligned,
            "weight_type": layer.weight_type if aligned else layer.stored_weight_type,
            "bias_type": layer.bias_type,
            "in_luts": self.in_luts(layer),
            "sharing": self._sharing(layer),
            **self._sums(layer, lanes),
        }

    def pad_value(self, layer: QuantizedLayer, average: bool) -> int:
        """Raw value of padding in a pooling window: zero for an average, else what never wins."""
        return 0 if average else layer.input_edges[0].type.code_interval.lo

    def reduce(
        self,
        stream: str,
        average: bool,
        positions: int,
        taps: int,
        lanes: int,
        check: Callable[[QuantizedLayer], None] = lambda _: None,
    ) -> None:
        """Emit the pooling kernel behind a window and finish the layer; check: refuses a layer."""
        constant = self._layer.op.constant
        out_lanes = positions * lanes
        output = self.output_stream(out_lanes, math.prod(self.output_shape) // out_lanes)
        make = self.kernel(
            Pool,
            "pool",
            (stream,),
            output,
            mode=PoolMode.AVERAGE if average else PoolMode.MAX,
            positions=positions,
            taps=taps,
            lanes=lanes,
            reciprocal=1 if constant is None else constant.raw,
            reciprocal_type=None if constant is None else constant.type,
            in_luts=self.in_luts(self._layer),
        )

        def pool(layer: QuantizedLayer) -> Pool:
            check(layer)
            return make(**self._sums(layer, out_lanes))

        self.emit(pool, sums_of)
        self.finish(output)

    def weights_in_order(self, layer: QuantizedLayer, groups: int, *, aligned: bool = False) -> IntArray:
        """Weights of a layer without a window, (groups, rows, columns), in the order the elements travel in.

        aligned: with the shifts of ``weight_shift`` in them, not beside them.
        """
        weight = layer.weight_raw if aligned else layer.weight_codes
        assert weight is not None
        matrix: IntArray = weight.reshape(groups, weight.shape[0] // groups, -1)
        if len(self.q.graph.shapes[layer.inputs[0]]) == 1:
            arriving, leaving = self.orders[layer.inputs[0]], self.orders[layer.name]
            if groups == 1 and matrix.shape[2] == len(arriving):
                matrix = matrix[:, :, arriving]
            rows = matrix.reshape(matrix.shape[0] * matrix.shape[1], -1)[leaving]
            matrix = rows.reshape(matrix.shape)
        return np.ascontiguousarray(matrix)

    def is_da(self, layer: QuantizedLayer) -> bool:
        """Whether a layer's products are made by graphs of adders."""
        return self.config.of(layer.name).strategy is Strategy.DA

    def in_luts(self, layer: QuantizedLayer) -> bool:
        """Whether a layer's products are built in LUTs whatever their widths."""
        return self.config.of(layer.name).multiplier is Multiplier.LUT

    def _sharing(self, layer: QuantizedLayer) -> Sharing:
        """What a layer's products may share DSP blocks by."""
        always = self.config.of(layer.name).multiplier is Multiplier.DSP
        return Sharing(self._operands, layer.input_edges[0].type, always)

    @functools.cached_property
    def _operands(self) -> Operands:
        """Of the part's DSP blocks."""
        return find_part(self.config.part).family.operands

    def _adders(self, layer: QuantizedLayer, matrix: IntArray, bias: IntArray | None, lanes: int) -> Adders:
        """The adders of each group of ``matrix`` (groups, rows, columns); bias: (groups, rows)."""
        given, sums = layer.input_edges[0].type, self._sums(layer, lanes)
        accumulator: FixedType = sums["accumulator_type"]
        assert layer.weight_type is not None
        try:
            found = [solve(group, given.code_interval) for group in matrix]
        except ConfigError as error:
            raise ConfigError(f"layer {layer.name!r}: {error}") from None
        return cheapest(
            found,
            offsets_of(matrix, bias, layer.bias_type, accumulator),
            accumulator.fraction - given.fraction - layer.weight_type.fraction,
            accumulator,
            layer.output_type,
            sums["epilogue"],
            self.config.pace,
        )
