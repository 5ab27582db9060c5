"""Graph, nodes and the passes that rewrite them."""

from hpq_hls.graph.graph import Graph, Node
from hpq_hls.graph.passes import prepare
from hpq_hls.graph.samples import Inputs, Samples, check_input, check_inputs, joined, named, only, plain

__all__ = [
    "Graph",
    "Inputs",
    "Node",
    "Samples",
    "check_input",
    "check_inputs",
    "joined",
    "named",
    "only",
    "plain",
    "prepare",
]
