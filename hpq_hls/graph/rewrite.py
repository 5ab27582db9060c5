"""The steps that rewrites of a graph are made of; each returns a new graph."""

from __future__ import annotations

from dataclasses import replace

from hpq_hls.graph.graph import Graph, Node


def only_consumer(graph: Graph, producer: Node, consumer: Node) -> bool:
    """Whether nothing else reads what a node gives."""
    return producer.name not in graph.results and graph.consumers(producer.name) == (consumer,)


def merge(graph: Graph, producer: Node, consumer: Node, merged: Node) -> Graph:
    """Put ``merged`` (which keeps the producer's name) in the place of both nodes."""
    return bypass(put(graph, merged), consumer, producer.name)


def bypass(graph: Graph, node: Node, value: str) -> Graph:
    """Without a node; who reads it reads ``value``."""
    nodes = [
        replace(other, inputs=tuple(value if name == node.name else name for name in other.inputs))
        if node.name in other.inputs
        else other
        for other in graph.nodes
        if other.name != node.name
    ]
    outputs = {key: value if held == node.name else held for key, held in graph.outputs.items()}
    if len(outputs) == 1:  # the only one is called after its node
        outputs = {held: held for held in outputs.values()}
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def put(graph: Graph, node: Node) -> Graph:
    """``node`` in the place of the node that has its name."""
    return replace(graph, nodes=tuple(node if other.name == node.name else other for other in graph.nodes))
