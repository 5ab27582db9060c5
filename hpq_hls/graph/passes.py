"""Rewrites that make a graph ready for quantization; each returns a new graph and changes no value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpq_hls.graph.fusing import fuse_pointwise, index_tables
from hpq_hls.graph.graph import Graph, Node
from hpq_hls.ops import BatchNorm, Conv2d, Linear
from hpq_hls.ops.base import Part


def prepare(graph: Graph) -> Graph:
    """Batch-norm folded or made affine, functions in tables, ReLU fused: the graph that is quantized."""
    simple = lower_batchnorm(fold_batchnorm(taken_apart(graph)))
    return index_tables(fuse_clips(fuse_pointwise(simple)))


def taken_apart(graph: Graph) -> Graph:
    """Every operator that is made of others in their place (``Operator.parts``)."""
    nodes: list[Node] = []
    for node in graph.nodes:
        parts = node.op.parts([graph.shapes[name] for name in node.inputs])
        nodes.extend(_part(node, part) for part in parts)
        if not parts:
            nodes.append(node)
    made = replace(graph, nodes=tuple(nodes))
    again = any(node.op.parts([made.shapes[name] for name in node.inputs]) for node in nodes)
    return taken_apart(made) if again else made


def _part(node: Node, part: Part) -> Node:
    inputs = (
        node.inputs[given] if isinstance(given, int) else f"{node.name}.{given}" for given in part.inputs
    )
    name = f"{node.name}.{part.name}" if part.name else node.name
    inner = None if part.inner is None else replace(part.inner, of=node.name)
    return Node(name, part.op, tuple(inputs), None, node.source, inner or (None if part.name else node.inner))


def fold_batchnorm(graph: Graph) -> Graph:
    """Fold each batch-norm that alone reads a linear or convolution layer into that layer."""
    for name in [node.name for node in graph.nodes]:
        norm = graph.by_name[name]  # every merge makes new nodes
        if not isinstance(norm.op, BatchNorm):
            continue
        producer = graph.by_name.get(norm.inputs[0])
        if producer is None or producer.activation is not None or not _only_consumer(graph, producer, norm):
            continue
        if isinstance(producer.op, (Linear, Conv2d)):
            graph = merge(graph, producer, norm, replace(producer, op=_folded(producer.op, norm.op)))
    return graph


def _folded(op: Linear | Conv2d, norm: BatchNorm) -> Linear | Conv2d:
    affine = norm.affine()
    scale = affine.weights.reshape((-1,) + (1,) * (op.weights.ndim - 1))
    biases = np.zeros(len(op.weights)) if op.biases is None else op.biases
    return replace(op, weights=op.weights * scale, biases=biases * affine.weights + affine.biases)


def lower_batchnorm(graph: Graph) -> Graph:
    """Turn each batch-norm that is left into a per-channel affine operator."""
    nodes = tuple(
        replace(node, op=node.op.affine()) if isinstance(node.op, BatchNorm) else node for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def fuse_clips(graph: Graph) -> Graph:
    """Fuse each ReLU or clamp that alone reads an operator with an exact sum into that operator."""
    for name in [node.name for node in graph.nodes]:
        node = graph.by_name[name]  # every merge makes new nodes
        if node.op.clips is None:
            continue
        producer = graph.by_name.get(node.inputs[0])
        if (
            producer is None
            or not producer.op.casts
            or producer.op.looks_up
            or producer.activation is not None
        ):
            continue
        if _only_consumer(graph, producer, node):
            graph = merge(graph, producer, node, replace(producer, activation=node.op))
    return graph


def _only_consumer(graph: Graph, producer: Node, consumer: Node) -> bool:
    return graph.output != producer.name and graph.consumers(producer.name) == (consumer,)


def merge(graph: Graph, producer: Node, consumer: Node, merged: Node) -> Graph:
    """Put ``merged`` (which keeps the producer's name) in the place of both nodes."""
    nodes = []
    for node in graph.nodes:
        if node is consumer:
            continue
        chosen = merged if node is producer else node
        inputs = tuple(producer.name if name == consumer.name else name for name in chosen.inputs)
        nodes.append(replace(chosen, inputs=inputs))
    output = producer.name if graph.output == consumer.name else graph.output
    return replace(graph, nodes=tuple(nodes), output=output)
