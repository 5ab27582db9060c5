"""Values that are the same whatever comes in stand where they are read; what leads to them is left out."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from hpq_hls.graph import Graph, Node
from hpq_hls.hardware.fixed import Fixed, channels
from hpq_hls.hardware.narrowed import NarrowedGraph, alike, edge_key, graph_of, layer_of, same_spec
from hpq_hls.ops.constant import ConstantValue
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.layer import Edge, LayerSpec, quantized_layer

Read = Mapping[str, tuple[str, ...]]
"""Of each constant by name the inputs of the network that it reads."""


def cut(q: QuantizedGraph, fixed: Mapping[str, Fixed], stay: Collection[str]) -> QuantizedGraph:
    """The network with constants in place of the last layers whose output is always the same, and without the
    layers that only these read; itself where there are none.

    A constant reads inputs of the network, for each frame of which it gives one: those that nobody else reads
    any more, so that they are still taken, or the smallest that the layer came from.

    fixed: what of each value is always the same. stay: layers that are left as they are, so that what is made
    of them is too.
    """
    built, constant = set(stay), set[str]()
    for name, layer in q.layers.items():
        if built.intersection(layer.inputs):
            built.add(name)
        elif name not in built and fixed[name].all and layer.op.always is None:
            constant.add(name)
    left = _left(q, constant, stay)
    read = _read(q, [name for name in q.layers if name in constant & left], left - constant)
    if not read:
        return q
    edges = {name: q.edges[name] for name in q.graph.inputs}
    layers: dict[str, QuantizedLayer] = {}
    for name, layer in q.layers.items():
        if name in left:
            made = _constant(q, layer, read[name], fixed[name]) if name in read else _behind(layer, edges)
            layers[name], edges[name] = made, Edge(made.output_type, made.output_interval)
    graph = graph_of(q.graph, ("cut", tuple(read.items()), *layers), lambda: _graph(q.graph, read, layers))
    kept = {name: np.arange(channels(graph, name)) for name in graph.shapes}
    return NarrowedGraph(graph, q.input_types, MappingProxyType(layers), q.examples, MappingProxyType(kept))


def _left(q: QuantizedGraph, constant: Collection[str], stay: Collection[str]) -> set[str]:
    """The layers that the outputs, and those that stay, are made of; constants are made of nothing."""
    left, waiting = set[str](), [*q.graph.results, *stay]
    while waiting:
        name = waiting.pop()
        if name not in left and name in q.layers:
            left.add(name)
            if name not in constant:
                waiting.extend(q.layers[name].inputs)
    return left


def _read(q: QuantizedGraph, constants: list[str], others: Collection[str]) -> Read:
    """Which inputs of the network each of the constants reads. others: the layers left beside them."""
    sources: dict[str, frozenset[str]] = {name: frozenset([name]) for name in q.graph.inputs}
    for name, layer in q.layers.items():
        sources[name] = frozenset().union(*(sources[given] for given in layer.inputs))
    taken = {*q.graph.results, *(given for name in others for given in q.layers[name].inputs)}
    found: dict[str, tuple[str, ...]] = {}
    for name in constants:
        own = tuple(given for given in q.graph.inputs if given in sources[name] - taken)
        smallest = min(sources[name], key=lambda given: (math.prod(q.graph.inputs[given]), given))
        found[name] = own or (smallest,)
        taken.update(own)
    return found


def _constant(
    q: QuantizedGraph, layer: QuantizedLayer, inputs: tuple[str, ...], fixed: Fixed
) -> QuantizedLayer:
    shape = q.graph.shapes[layer.name]
    edges = [q.edges[name] for name in inputs]

    def make() -> QuantizedLayer:
        op = ConstantValue(shape, fixed.shaped(shape)[0].copy(), layer.output_type)
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


def _graph(graph: Graph, read: Read, left: Collection[str]) -> Graph:
    nodes = [
        Node(node.name, ConstantValue(graph.shapes[node.name]), read[node.name], source=node.source)
        if node.name in read
        else node
        for node in graph.nodes
        if node.name in left
    ]
    return replace(graph, nodes=tuple(nodes))
