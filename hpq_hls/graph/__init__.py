"""Graph, nodes and the passes that rewrite them."""

from hpq_hls.graph.affine import fold_affine, lower_affine
from hpq_hls.graph.graph import Graph, Node, finite
from hpq_hls.graph.passes import prepare, simplify
from hpq_hls.graph.samples import Inputs, Samples, check_input, check_inputs, joined, named, only, plain

__all__ = [
    "Graph",
    "Inputs",
    "Node",
    "Samples",
    "check_input",
    "check_inputs",
    "finite",
    "fold_affine",
    "joined",
    "lower_affine",
    "named",
    "only",
    "plain",
    "prepare",
    "simplify",
]
