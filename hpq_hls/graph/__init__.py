"""Graph, nodes and the passes that rewrite them."""

from hpq_hls.graph.graph import Graph, Node, check_input, finite
from hpq_hls.graph.passes import prepare

__all__ = ["Graph", "Node", "check_input", "finite", "prepare"]
