"""Collects a Graph operator by operator; what both front ends translate into.

Parameters arrive as float64 arrays, shapes without the batch axis. What handlers emit says literally what the
foreign graph says; ``hpq_hls.graph.simplify`` takes out what changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.frontends.origin import Origin, refusal
from hpq_hls.graph import Graph, Node, simplify
from hpq_hls.ops.base import Operator, Shape


@dataclass(frozen=True)
class Value:
    """A value of the foreign graph: the node (or input) of ours that holds it, and its shape."""

    name: str
    shape: Shape


class GraphBuilder:
    """Collects nodes with unique names and known shapes.

    Parameters
    ----------
    input_name, input_shape : the network's input, without the batch axis.
    supported : the operators the front end knows, for error messages.
    reserved : module paths that only the modules themselves may be named after.
    """

    def __init__(
        self, input_name: str, input_shape: Shape, supported: Sequence[str], reserved: Collection[str] = ()
    ) -> None:
        self._supported = supported
        self._reserved = frozenset(reserved)
        self._nodes: list[Node] = []
        self._origins: dict[str, Origin] = {}
        self.input = Value(self._unique(input_name, (), owner=False), input_shape)

    def refuse(
        self, origin: Origin, reason: str | None = None, cause: BaseException | None = None
    ) -> NoReturn:
        """Raise UnsupportedOperatorError for an operator of the foreign graph."""
        raise refusal(origin, self._supported, reason) from cause

    def emit(self, op: Operator, inputs: Sequence[Value], origin: Origin, suffix: str = "") -> Value:
        """The value of an operator. suffix: of its name, for all but the last of several operators that one
        of the foreign graph becomes."""
        if suffix:
            origin = replace(origin, scope=f"{origin.layer_name(op.kind)}.{suffix}", leaf=True)
        try:
            shape = op.output_shape([value.shape for value in inputs])
        except UnsupportedOperatorError as error:
            self.refuse(origin, str(error))
        if not _is_finite(op):
            self.refuse(origin, "its parameters hold NaN or infinity, or give it")
        name = f"{origin.layer_name(op.kind)} {len(self._nodes)}"  # until it is known which nodes are left
        self._origins[name] = origin
        self._nodes.append(Node(name, op, tuple(value.name for value in inputs), source=origin.source))
        return Value(name, shape)

    def finish(self, output: Value, origin: Origin, name: str) -> Graph:
        """The graph that computes ``output``, without the nodes it does not need."""
        graph = simplify(Graph(self.input.name, self.input.shape, tuple(self._nodes), output.name, name))
        if not any(self.input.name in node.inputs for node in graph.nodes):
            self.refuse(origin, "the network has no operator between its input and its output")
        return self._named(graph)

    def _named(self, graph: Graph) -> Graph:
        """The graph with the names that a user knows. A module that became several operators gives its name
        to the one that has its weights, else to the last; the others have their kind behind it."""
        heads: dict[str, Node] = {}
        for node in graph.nodes:
            origin = self._origins[node.name]
            if origin.leaf and (origin.scope not in heads or heads[origin.scope].op.weight is None):
                heads[origin.scope] = node
        names, taken = {self.input.name: self.input.name}, {self.input.name}
        for node in graph.nodes:
            origin = self._origins[node.name]
            if origin.leaf and node.op.kind != heads.get(origin.scope, node).op.kind:
                origin = replace(origin, leaf=False)
            names[node.name] = self._unique(origin.layer_name(node.op.kind), taken, owner=origin.leaf)
            taken.add(names[node.name])
        nodes = (
            replace(node, name=names[node.name], inputs=tuple(names[name] for name in node.inputs))
            for node in graph.nodes
        )
        return replace(graph, nodes=tuple(nodes), output=names[graph.output])

    def _unique(self, wish: str, taken: Collection[str], owner: bool) -> str:
        name, count = wish, 1
        while name in taken or (name in self._reserved and not (owner and name == wish)):
            name = f"{wish}_{count}"
            count += 1
        return name


def _is_finite(op: Operator) -> bool:
    """Whether every parameter is a finite number."""
    with np.errstate(all="ignore"):  # dividing by a variance of zero is what is looked for
        held = op.affine() or op
    return all(array is None or bool(np.isfinite(array).all()) for array in (held.weight, held.bias))
