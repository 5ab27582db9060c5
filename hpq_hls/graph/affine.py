"""A factor and an offset for each channel: batch-norm, constants that are added and multiplied.

They join the parameters of a neighbour where that is exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpq_hls.graph.graph import Graph, Node
from hpq_hls.graph.rewrite import bypass, merge, only_consumer, put
from hpq_hls.ops.base import FloatArray

SPREAD = 4.0
"""Largest ratio of the factors that a layer behind takes into its weights: they share one scale, and beyond
two bits of it rounding would lose more than the map costs."""


def lower_affine(graph: Graph) -> Graph:
    """Every batch-norm as a per-channel affine map."""
    nodes = tuple(
        node if (op := node.op.affine()) is None or op is node.op else replace(node, op=op)
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def fold_affine(graph: Graph, *, constants: bool = False) -> Graph:
    """Put each affine map into the one layer it alone reads, or into all layers that read it, or leave it out
    where it changes nothing.

    constants: only maps by constants, which are not layers of their own to the user.
    """
    for name in [node.name for node in graph.nodes]:
        node = graph.by_name.get(name)
        op = None if node is None else node.op.affine()
        if node is None or op is None or (constants and op is not node.op):
            continue
        assert op.weight is not None and op.bias is not None
        graph = _behind(graph, node, op.weight, op.bias)
    for name in [node.name for node in reversed(graph.nodes)]:  # what is nearer to its reader first
        node = graph.by_name[name]
        op = node.op.affine()
        if op is None or node.activation is not None or (constants and op is not node.op):
            continue
        assert op.weight is not None and op.bias is not None
        graph = _in_front(graph, node, op.weight, op.bias)
    return graph


def _behind(graph: Graph, node: Node, scale: FloatArray, offset: FloatArray) -> Graph:
    """The map in the layer in front of it."""
    if node.activation is None and (scale == 1).all() and not offset.any():
        return bypass(graph, node, node.inputs[0])
    producer = graph.by_name.get(node.inputs[0])
    if producer is None or producer.activation is not None or not only_consumer(graph, producer, node):
        return graph
    if producer.op.channel_axis(graph.shapes[producer.name]) != 0:
        return graph
    op = producer.op.scaled_output(scale, offset)
    return (
        graph
        if op is None
        else merge(graph, producer, node, replace(producer, op=op, activation=node.activation))
    )


def _in_front(graph: Graph, node: Node, scale: FloatArray, offset: FloatArray) -> Graph:
    """The map in all the layers behind it."""
    magnitudes = np.abs(scale)
    if node.name in graph.results or magnitudes.max() > SPREAD * magnitudes.min():
        return graph
    readers: list[Node] = []
    for reader in graph.consumers(node.name):
        taken = _taken(graph, node, reader, scale, offset)
        if taken is None:
            return graph
        readers.append(taken)
    for reader in readers:
        graph = put(graph, reader)
    return bypass(graph, node, node.inputs[0]) if readers else graph


def _taken(graph: Graph, node: Node, reader: Node, scale: FloatArray, offset: FloatArray) -> Node | None:
    """A reader, or the one behind those that only move elements, with the map in its parameters."""
    shape, last = graph.shapes[node.name], node.name
    per_channel = (-1,) + (1,) * (len(shape) - 1)
    full = [np.array(np.broadcast_to(array.reshape(per_channel), shape)) for array in (scale, offset)]
    while reader.op.keeps_order and reader.activation is None and reader.name not in graph.results:
        full = [array.reshape(graph.shapes[reader.name]) for array in full]
        behind, last = graph.consumers(reader.name), reader.name
        if len(behind) != 1:
            return None
        reader = behind[0]
    axis = reader.op.channel_axis(full[0].shape)
    rows = [np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1) for array in full]
    if reader.inputs != (last,) or any((array != array[:, :1]).any() for array in rows):
        return None
    op = reader.op.scaled_input(rows[0][:, 0].copy(), rows[1][:, 0].copy())
    return None if op is None else replace(reader, op=op)
