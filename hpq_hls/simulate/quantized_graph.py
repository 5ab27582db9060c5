"""The quantized network: everything the hardware needs to know, and its exact answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from hpq_hls.fixed import FixedType
from hpq_hls.graph import Graph, Node, check_inputs, named, only, plain
from hpq_hls.ops.base import IntArray, Shape
from hpq_hls.shown import Shown
from hpq_hls.simulate import engine, storage
from hpq_hls.simulate.coverage import Coverage, measure
from hpq_hls.simulate.layer import Edge, LayerSpec, QuantizedLayer, quantized_layer
from hpq_hls.simulate.saturation import Saturation, count_saturation
from hpq_hls.simulate.trace import LayerTrace, trace


@dataclass(frozen=True, eq=False, repr=False)
class QuantizedGraph(Shown):
    """A network with types on every edge and integer parameters in every layer.

    graph: the float network it came from, batch-norm folded and ReLU fused.
    input_types: of the network's inputs, by name.
    layers: by name, in topological order.
    examples: for each input a few raw values (n, *shape), some of which generated testbenches are fed with.

    What there is one of for each input or output is an array, a type or a shape where there is one of them,
    and a dict by name where there are several.
    """

    graph: Graph
    input_types: Mapping[str, FixedType]
    layers: Mapping[str, QuantizedLayer]
    examples: Mapping[str, IntArray]

    def facts(self) -> Mapping[str, str]:
        return {
            "name": self.name,
            "inputs": ", ".join(map(str, self.input_types.values())),
            "layers": str(len(self.layers)),
            "weight bits": f"{self.weight_bits:,}",
        }

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.graph.name

    @property
    def input_shape(self) -> Shape:
        """Shape of the only input in torch layout. This and its like raise DataError for several."""
        return self.graph.input_shape

    @property
    def input_shapes(self) -> Mapping[str, Shape]:
        """Shape of every input by name."""
        return self.graph.inputs

    @property
    def input_type(self) -> FixedType:
        """Type of the only input."""
        return only(self.input_types, "input")

    @property
    def example_inputs(self) -> Any:
        """``examples`` as ``simulate`` takes them."""
        return plain(self.examples)

    @property
    def output_shape(self) -> Shape:
        """Shape of the only output in torch layout."""
        return self.graph.output_shape

    @property
    def output_shapes(self) -> Mapping[str, Shape]:
        """Shape of every output by name."""
        return self.graph.output_shapes

    @property
    def output_type(self) -> FixedType:
        """Type of the only output."""
        return only(self.output_types, "output")

    @property
    def output_types(self) -> Mapping[str, FixedType]:
        """Type of every output by name."""
        return {name: self.edges[value].type for name, value in self.graph.outputs.items()}

    @property
    def weight_bits(self) -> int:
        """Bits of all weights and biases."""
        return sum(layer.weight_bits for layer in self.layers.values())

    @cached_property
    def edges(self) -> Mapping[str, Edge]:
        """Type and interval of every value by name, the inputs' included."""
        known = {name: input_edge(kind) for name, kind in self.input_types.items()}
        known.update(
            (name, Edge(layer.output_type, layer.output_interval)) for name, layer in self.layers.items()
        )
        return MappingProxyType(known)

    def quantize_input(self, x: Any) -> Any:
        """``x`` (batch, *input_shape) as raw integers of the input type; of several inputs by name."""
        given = named(check_inputs(x, self.graph.inputs), self.graph.inputs)
        return plain({name: self.input_types[name].from_float(array) for name, array in given.items()})

    def predict_raw(self, x: Any) -> Any:
        """The exact integer outputs, int64 (batch, *output_shape); ``output_type`` scales them.

        x: (batch, *input_shape); for several inputs a mapping by name, or a tuple in order. Several outputs
        come as a dict by name.

        Raises:
            DataError: x has the wrong shape or type, is empty, or is not finite.
        """
        return engine.predict_raw(self, check_inputs(x, self.graph.inputs))

    def predict(self, x: Any) -> Any:
        """The exact outputs as float64 (batch, *output_shape); x and several outputs as ``predict_raw``."""
        return self.scaled(self.predict_raw(x))

    def scaled(self, raw: Any) -> Any:
        """The values of raw outputs, as ``predict_raw`` gives them."""
        types = self.output_types
        return plain({name: types[name].to_float(part) for name, part in named(raw, types).items()})

    def trace(self, x: Any) -> Mapping[str, LayerTrace]:
        """What each layer computes, by name: the float network's values, the raw integers, their values.

        x: as ``predict_raw``; everything is held at once.

        Raises:
            DataError: as ``predict_raw``.
        """
        return trace(self, check_inputs(x, self.graph.inputs))

    def saturation(self, x: Any) -> Mapping[str, Saturation]:
        """How many values did not fit the types they were cast to, over all samples of ``x`` (batch,
        *input_shape): of the inputs, and of each layer that casts, by name.

        Counted exactly, after rounding, in the network as it runs: layers see what those before have clipped.

        Raises:
            DataError: as ``predict_raw``.
        """
        return count_saturation(self, check_inputs(x, self.graph.inputs))

    def coverage(self, x: Any) -> Coverage:
        """What the samples of ``x`` (batch, *input_shape) reach inside of the network, and what they do not:
        both sides of activations, saturation, rounding, weights, words of tables, how far sums go.

        Measured exactly; print it for a table. See docs/verification.md.

        Raises:
            DataError: as ``predict_raw``.
        """
        return measure(self, named(self.quantize_input(x), self.graph.inputs))

    def save(self, path: str | Path) -> None:
        """Write the network to one file that ``hpq_hls.load`` reads back: JSON and npz, no pickle."""
        storage.save(self, Path(path))


def input_edge(input_type: FixedType) -> Edge:
    """The network's input: every code of its width can arrive at the port."""
    return Edge(input_type, input_type.code_interval)


MakeLayer = Callable[[Node, Sequence[Edge], LayerSpec], QuantizedLayer]


def make_layer(node: Node, edges: Sequence[Edge], spec: LayerSpec) -> QuantizedLayer:
    """The quantized layer of a node."""
    return quantized_layer(node.name, node.op, node.inputs, node.activation, edges, spec)


def assemble(
    graph: Graph,
    input_types: FixedType | Mapping[str, FixedType],
    specs: Mapping[str, LayerSpec],
    examples: IntArray | Mapping[str, IntArray],
    make: MakeLayer = make_layer,
) -> QuantizedGraph:
    """Derive accumulators and intervals along the graph and put everything together.

    graph: prepared (see ``hpq_hls.graph.prepare``); specs: one per node. input_types, examples: by name of
    the input; alone where there is one. make: ``make_layer``, or what
    remembers layers that it has made.

    Raises:
        PrecisionError: an accumulator would be too wide.
    """
    types: dict[str, FixedType] = named(input_types, graph.inputs)
    given = {name: np.asarray(raw) for name, raw in named(examples, graph.inputs).items()}
    edges = {name: input_edge(kind) for name, kind in types.items()}
    layers: dict[str, QuantizedLayer] = {}
    for node in graph.nodes:
        layer = make(node, [edges[name] for name in node.inputs], specs[node.name])
        layers[node.name] = layer
        edges[node.name] = Edge(layer.output_type, layer.output_interval)
    return QuantizedGraph(graph, types, MappingProxyType(layers), given)
