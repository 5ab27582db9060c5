"""Leaving out a last layer that only ranks."""

from __future__ import annotations

from dataclasses import replace

from hpq_hls.graph.graph import Graph


def without_final_ranking(graph: Graph) -> Graph:
    """The graph without a Softmax, LogSoftmax, Sigmoid or LogSigmoid in front of an output (see
    ``Operator.only_ranks``): the largest output stays the largest. The same graph where there is none."""
    for output in graph.outputs:
        node = graph.by_name.get(graph.outputs[output])
        while node is not None and node.op.only_ranks and node.activation is None:
            outputs = {**graph.outputs, output: node.inputs[0]}
            others = [value for name, value in outputs.items() if name != output]
            read = graph.consumers(node.name) or node.name in others
            left = tuple(other for other in graph.nodes if other is not node or read)
            if not left:
                break
            graph = replace(graph, nodes=left, outputs=outputs)
            node = graph.by_name.get(graph.outputs[output])
    return graph
