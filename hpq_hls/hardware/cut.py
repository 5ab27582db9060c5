"""Values that are the same whatever comes in stand where they are read; what leads to them is left out."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from hpq_hls.graph import Graph, Node
from hpq_hls.hardware.fixed import Fixed, channels
from hpq_hls.hardware.narrowed import NarrowedGraph, alike, edge_key, graph_of, layer_of, same_spec
from hpq_hls.ops.base import Beside
from hpq_hls.ops.constant import ConstantValue
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.layer import Edge, LayerSpec, quantized_layer

Read = Mapping[str, tuple[str, ...]]
"""What layers read, by name."""


def cut(q: QuantizedGraph, fixed: Mapping[str, Fixed], stay: Collection[str]) -> QuantizedGraph:
    """The network with constants in place of the last layers whose output is always the same, and without the
    layers that only these read; itself where there are none.

    A constant reads inputs of the network, for each frame of which it gives one: those that nobody else reads
    any more, so that they are still taken, or the smallest that the layer came from. What reads a constant
    beside another value may read that value alone (``Operator.beside``).

    fixed: what of each value is always the same. stay: layers that are left as they are, so that what is made
    of them is too.
    """
    built, constant = set(stay), set[str]()
    for name, layer in q.layers.items():
        if built.intersection(layer.inputs):
            built.add(name)
        elif name not in built and fixed[name].all and layer.op.always is None:
            constant.add(name)
    alone = {
        name: found
        for name, layer in q.layers.items()
        if name not in built | constant and (found := _alone(q, layer, fixed)) is not None
    }
    for beside in (alone, dict[str, _Alone]()):
        inputs = {name: layer.inputs for name, layer in q.layers.items()}
        inputs.update((name, (one.given,)) for name, one in beside.items())
        left = _left(q, constant, stay, inputs)
        read, taken = _read(q, [name for name in inputs if name in constant & left], left - constant, inputs)
        if taken.issuperset(q.graph.inputs):
            break
    beside = {name: one for name, one in beside.items() if name in left}
    if not read and not beside:
        return q
    edges = {name: q.edges[name] for name in q.graph.inputs}
    layers: dict[str, QuantizedLayer] = {}
    for name, layer in q.layers.items():
        if name not in left:
            continue
        if name in read:
            made = _constant(q, layer, read[name], fixed[name])
        elif name in beside:
            made = _reading_alone(layer, beside[name], edges[beside[name].given])
        else:
            made = _behind(layer, edges)
        layers[name], edges[name] = made, Edge(made.output_type, made.output_interval)
    key = "cut", tuple(read.items()), tuple((name, one.given) for name, one in beside.items()), *layers
    graph = graph_of(q.graph, key, lambda: _graph(q.graph, read, beside, layers))
    kept = {name: np.arange(channels(graph, name)) for name in graph.shapes}
    return NarrowedGraph(graph, q.input_types, MappingProxyType(layers), q.examples, MappingProxyType(kept))


def _left(q: QuantizedGraph, constant: Collection[str], stay: Collection[str], inputs: Read) -> set[str]:
    """The layers that the outputs, and those that stay, are made of; constants are made of nothing.

    inputs: of each layer.
    """
    left, waiting = set[str](), [*q.graph.results, *stay]
    while waiting:
        name = waiting.pop()
        if name not in left and name in q.layers:
            left.add(name)
            if name not in constant:
                waiting.extend(inputs[name])
    return left


def _read(
    q: QuantizedGraph, constants: list[str], others: Collection[str], inputs: Read
) -> tuple[Read, set[str]]:
    """Which inputs of the network each of the constants reads, and the values that anybody reads. others: the
    layers left beside them. inputs: of each layer."""
    sources: dict[str, frozenset[str]] = {name: frozenset([name]) for name in q.graph.inputs}
    for name, layer in q.layers.items():
        sources[name] = frozenset().union(*(sources[given] for given in layer.inputs))
    taken = {*q.graph.results, *(given for name in others for given in inputs[name])}
    found: dict[str, tuple[str, ...]] = {}
    for name in constants:
        own = tuple(given for given in q.graph.inputs if given in sources[name] - taken)
        smallest = min(sources[name], key=lambda given: (math.prod(q.graph.inputs[given]), given))
        found[name] = own or (smallest,)
        taken.update(own)
    return found, taken


@dataclass(frozen=True, eq=False)
class _Alone:
    """What a layer is beside a constant. given: the value that it reads."""

    given: str
    made: Beside


def _alone(q: QuantizedGraph, layer: QuantizedLayer, fixed: Mapping[str, Fixed]) -> _Alone | None:
    """A layer of two inputs one of which is always the same, at all positions."""
    if len(layer.inputs) != 2 or not q.graph.shapes[layer.name]:  # a single number has no channels
        return None
    for index, name in enumerate(layer.inputs):
        known = fixed[name]
        if known.all and known.raw.shape[1] == 1:
            made = layer.op.beside(index, known.raw[:, 0], layer.input_edges[index].type)
            if made is not None:
                return _Alone(layer.inputs[1 - index], made)
    return None


def _reading_alone(layer: QuantizedLayer, alone: _Alone, edge: Edge) -> QuantizedLayer:
    made = alone.made
    spec = LayerSpec(
        made.factor, made.factor_type, made.offset, made.offset_type, output_type=layer.output_type
    )
    offset = b"" if made.offset is None else made.offset.tobytes()
    return layer_of(
        layer,
        (alone.given, edge_key([edge]), made.factor.tobytes(), offset),
        lambda: quantized_layer(layer.name, made.op, (alone.given,), layer.activation, [edge], spec),
    )


def _constant(
    q: QuantizedGraph, layer: QuantizedLayer, inputs: tuple[str, ...], fixed: Fixed
) -> QuantizedLayer:
    shape = q.graph.shapes[layer.name]
    edges = [q.edges[name] for name in inputs]

    def make() -> QuantizedLayer:
        op = ConstantValue(shape, np.array(fixed.shaped(shape)[0]), layer.output_type)
        return quantized_layer(layer.name, op, inputs, None, edges, LayerSpec())

    return layer_of(layer, (inputs, edge_key(edges), fixed.raw.tobytes(), fixed.raw.shape), make)


def _behind(layer: QuantizedLayer, edges: Mapping[str, Edge]) -> QuantizedLayer:
    """The same layer, at the codes that can occur now."""
    given = [edges[name] for name in layer.inputs]
    if alike(given, layer):
        return layer
    spec = same_spec(layer, given)
    return layer_of(
        layer,
        ("behind", edge_key(given)),
        lambda: quantized_layer(layer.name, layer.op, layer.inputs, layer.activation, given, spec),
    )


def _graph(graph: Graph, read: Read, beside: Mapping[str, _Alone], left: Collection[str]) -> Graph:
    nodes = list[Node]()
    for node in graph.nodes:
        if node.name in read:
            op = ConstantValue(graph.shapes[node.name])
            nodes.append(Node(node.name, op, read[node.name], source=node.source))
        elif node.name in beside:
            alone = beside[node.name]
            nodes.append(replace(node, op=alone.made.op, inputs=(alone.given,)))
        elif node.name in left:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes))
