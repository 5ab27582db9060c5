"""The quantized network: everything the hardware needs to know, and its exact answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType
from hpq_hls.graph import Graph, Node, check_input
from hpq_hls.ops.base import FloatArray, IntArray, Shape
from hpq_hls.simulate.layer import Edge, LayerSpec, QuantizedLayer, quantized_layer


@dataclass(frozen=True)
class Saturation:
    """Values that did not fit their type. count: of how many, total."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.count / self.total


@dataclass(frozen=True, eq=False, repr=False)
class QuantizedGraph:
    """A network with types on every edge and integer parameters in every layer.

    graph: the float network it came from, batch-norm folded and ReLU fused.
    input_type: type of the network's input.
    layers: by name, in topological order.
    example_inputs: a few raw inputs (n, *input_shape) that generated testbenches are fed with.
    """

    graph: Graph
    input_type: FixedType
    layers: Mapping[str, QuantizedLayer]
    example_inputs: IntArray

    def __repr__(self) -> str:
        return f"QuantizedGraph({self.name!r}, {len(self.layers)} layers, {self.weight_bits} weight bits)"

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.graph.name

    @property
    def input_shape(self) -> Shape:
        """Shape of one input in torch layout."""
        return self.graph.input_shape

    @property
    def output_shape(self) -> Shape:
        """Shape of one output in torch layout."""
        return self.graph.output_shape

    @property
    def output_type(self) -> FixedType:
        """Type of the network's output."""
        return self.edges[self.graph.output].type

    @property
    def weight_bits(self) -> int:
        """Bits of all weights and biases."""
        return sum(layer.weight_bits for layer in self.layers.values())

    @cached_property
    def edges(self) -> Mapping[str, Edge]:
        """Type and interval of every value by name, the input's included."""
        known = {self.graph.input_name: input_edge(self.input_type)}
        known.update(
            (name, Edge(layer.output_type, layer.output_interval)) for name, layer in self.layers.items()
        )
        return MappingProxyType(known)

    def quantize_input(self, x: npt.ArrayLike) -> IntArray:
        """``x`` (batch, *input_shape) as raw integers of the input type."""
        return self.input_type.from_float(check_input(x, self.input_shape, self.graph.input_name))

    def predict_raw(self, x: npt.ArrayLike) -> IntArray:
        """The exact integer outputs, int64 (batch, *output_shape); ``output_type`` scales them.

        Raises:
            DataError: x has the wrong shape or type, is empty, or is not finite.
        """
        from hpq_hls.simulate.engine import predict_raw  # the engine runs this class

        return predict_raw(self, check_input(x, self.input_shape, self.graph.input_name))

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """The exact outputs as float64 (batch, *output_shape)."""
        return self.output_type.to_float(self.predict_raw(x))

    def saturation(self, x: npt.ArrayLike) -> Mapping[str, Saturation]:
        """How many values did not fit the types they were cast to, over all samples of ``x`` (batch,
        *input_shape): of the input, and of each layer that casts, by name.

        Counted exactly, after rounding, in the network as it runs: layers see what those before have clipped.

        Raises:
            DataError: as ``predict_raw``.
        """
        from hpq_hls.simulate.saturation import saturation  # it runs this class

        return saturation(self, check_input(x, self.input_shape, self.graph.input_name))

    def save(self, path: str | Path) -> None:
        """Write the network to one file that ``hpq_hls.load`` reads back: JSON and npz, no pickle."""
        from hpq_hls.simulate.storage import save  # storage reads this class back

        save(self, Path(path))


def input_edge(input_type: FixedType) -> Edge:
    """The network's input: every code of its width can arrive at the port."""
    return Edge(input_type, input_type.code_interval)


MakeLayer = Callable[[Node, Sequence[Edge], LayerSpec], QuantizedLayer]


def make_layer(node: Node, edges: Sequence[Edge], spec: LayerSpec) -> QuantizedLayer:
    """The quantized layer of a node."""
    return quantized_layer(node.name, node.op, node.inputs, node.activation, edges, spec)


def assemble(
    graph: Graph,
    input_type: FixedType,
    specs: Mapping[str, LayerSpec],
    example_inputs: IntArray,
    make: MakeLayer = make_layer,
) -> QuantizedGraph:
    """Derive accumulators and intervals along the graph and put everything together.

    graph: prepared (see ``hpq_hls.graph.prepare``); specs: one per node. make: ``make_layer``, or what
    remembers layers that it has made.

    Raises:
        PrecisionError: an accumulator would be too wide.
    """
    edges = {graph.input_name: input_edge(input_type)}
    layers: dict[str, QuantizedLayer] = {}
    for node in graph.nodes:
        layer = make(node, [edges[name] for name in node.inputs], specs[node.name])
        layers[node.name] = layer
        edges[node.name] = Edge(layer.output_type, layer.output_interval)
    return QuantizedGraph(graph, input_type, MappingProxyType(layers), np.asarray(example_inputs))
