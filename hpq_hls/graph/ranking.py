"""Leaving out a last layer that only ranks."""

from __future__ import annotations

from dataclasses import replace

from hpq_hls.graph.graph import Graph


def without_final_ranking(graph: Graph) -> Graph:
    """The graph without a Softmax, LogSoftmax, Sigmoid or LogSigmoid at its end (see
    ``Operator.only_ranks``): the largest output stays the largest. The same graph where there is none."""
    node = graph.by_name.get(graph.output)
    while node is not None and node.op.only_ranks and node.activation is None and len(graph.nodes) > 1:
        left = tuple(other for other in graph.nodes if other is not node)
        if graph.consumers(node.name):
            left = graph.nodes  # something else reads it
        graph = replace(graph, nodes=left, output=node.inputs[0])
        node = graph.by_name.get(graph.output)
    return graph
