"""Rewrites that make a graph ready for quantization; each returns a new graph and changes no value."""

from __future__ import annotations

from dataclasses import replace

from hpq_hls.graph.affine import fold_affine, lower_affine
from hpq_hls.graph.fusing import fuse_pointwise, index_tables
from hpq_hls.graph.graph import Graph, Node
from hpq_hls.graph.rewrite import bypass, merge, only_consumer, put
from hpq_hls.ops.base import Part
from hpq_hls.ops.expression import VARIABLE
from hpq_hls.ops.pointwise import Pointwise
from hpq_hls.ops.recast import Recast
from hpq_hls.ops.reshape import reshaped


def prepare(graph: Graph) -> Graph:
    """Batch-norm folded or made affine, functions in tables, activations fused: what is quantized."""
    whole = fold_affine(lower_affine(simplify(graph)))
    parted = fold_affine(lower_affine(taken_apart(whole)))
    return index_tables(leave_alone(fuse_epilogues(fuse_pointwise(parted))))


def simplify(graph: Graph) -> Graph:
    """Without what a front end translates literally and no layer is needed for: reshaping back and forth,
    padding that a window brings, constants that join the parameters of their neighbours."""
    return fold_affine(drop_unused(absorb_padding(merge_reshapes(graph))), constants=True)


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


def drop_unused(graph: Graph) -> Graph:
    """Without the nodes that no output depends on."""
    needed = set(graph.results)
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return replace(graph, nodes=tuple(node for node in graph.nodes if node.name in needed))


def merge_reshapes(graph: Graph) -> Graph:
    """Operators that only give a tensor another shape in one step, or in none."""
    for name in [node.name for node in graph.nodes]:
        node = graph.by_name[name]
        if not node.op.keeps_order or node.activation is not None:
            continue
        first = node.inputs[0]
        while (before := graph.by_name.get(first)) and before.op.keeps_order and before.activation is None:
            first = before.inputs[0]
        shape = graph.shapes[name]
        if graph.shapes[first] == shape:
            graph = bypass(graph, node, first)
        elif first != node.inputs[0]:
            graph = put(graph, replace(node, op=reshaped(shape), inputs=(first,)))
    return graph


def absorb_padding(graph: Graph) -> Graph:
    """Padding in the windows of those that read it; consecutive padding in one step."""
    for name in [node.name for node in graph.nodes]:
        node = graph.by_name[name]
        while len(node.inputs) == 1 and (before := graph.by_name.get(node.inputs[0])) is not None:
            if before.op.padding is None or before.activation is not None:
                break
            wider = node.op.padded_input(before.op.padding)
            if wider is None:
                break
            node = replace(node, op=wider, inputs=before.inputs)
            graph = put(graph, node)
    return graph


def fuse_epilogues(graph: Graph) -> Graph:
    """Fuse each ReLU, clamp or slope below zero that alone reads an operator with an exact sum into that
    operator."""
    for name in [node.name for node in graph.nodes]:
        node = graph.by_name[name]  # every merge makes new nodes
        if node.op.clips is None and node.op.leaks is None:
            continue
        producer = graph.by_name.get(node.inputs[0])
        if producer is None or not producer.op.casts or producer.activation is not None:
            continue
        if not (producer.op.clips_sums if node.op.leaks is None else producer.op.leaks_sums):
            continue
        if only_consumer(graph, producer, node):
            graph = merge(graph, producer, node, replace(producer, activation=node.op))
    return graph


def leave_alone(graph: Graph) -> Graph:
    """What is left of slopes below zero, behind no layer that takes them: one for all is a table, those by
    channel are fused into a cast."""
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op.leaks is not None:
            function = node.op.expression([VARIABLE])
            table = None if function is None else Pointwise(function, node.op.kind)
            node = replace(node, op=table or Recast(), activation=None if table else node.op)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))
