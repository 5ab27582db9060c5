"""Graph, nodes and the passes that rewrite them."""

from hpq_hls.graph.affine import fold_affine, lower_affine
from hpq_hls.graph.graph import Graph, Node, check_input, finite
from hpq_hls.graph.passes import prepare, simplify

__all__ = ["Graph", "Node", "check_input", "finite", "fold_affine", "lower_affine", "prepare", "simplify"]
