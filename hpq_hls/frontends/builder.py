"""Collects a Graph operator by operator; what both front ends translate into.

Parameters arrive as float64 arrays, shapes without the batch axis. What handlers emit says literally what the
foreign graph says; ``hpq_hls.graph.simplify`` takes out what changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import NoReturn

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.frontends.origin import Origin, refusal
from hpq_hls.graph import Graph, Node, simplify
from hpq_hls.ops.base import Operator, Shape

MAX_ELEMENTS = 1 << 26
"""Of a value, per sample, and of constants that are computed from others: files may say anything."""


@dataclass(frozen=True)
class Value:
    """A value of the foreign graph: the node (or input) of ours that holds it, and its shape.

    turned: the foreign graph has put the batch axis of a vector last.
    """

    name: str
    shape: Shape
    turned: bool = False


class GraphBuilder:
    """Collects nodes with unique names and known shapes.

    Parameters
    ----------
    inputs : shape of each of the network's inputs by name, without the batch axis, in order.
    supported : the operators the front end knows, for error messages.
    reserved : module paths that only the modules themselves may be named after.
    """

    def __init__(
        self, inputs: Mapping[str, Shape], supported: Sequence[str], reserved: Collection[str] = ()
    ) -> None:
        self._supported = supported
        self._reserved = frozenset(reserved)
        self._nodes: list[Node] = []
        self._origins: dict[str, Origin] = {}
        self.inputs: dict[str, Value] = {}
        for name, shape in inputs.items():
            if math.prod(shape) > MAX_ELEMENTS:
                raise UnsupportedOperatorError(
                    f"the network's input {name!r} has {math.prod(shape):,} elements per sample, which is "
                    "too large"
                )
            taken = [value.name for value in self.inputs.values()]
            self.inputs[name] = Value(self._unique(name, taken, owner=False), shape)

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
        if math.prod(shape) > MAX_ELEMENTS:
            self.refuse(
                origin, f"its result has {math.prod(shape):,} elements per sample, which is too large"
            )
        if not _is_finite(op):
            self.refuse(origin, "its parameters hold NaN or infinity, or give it")
        name = f"{origin.layer_name(op.kind)} {len(self._nodes)}"  # until it is known which nodes are left
        self._origins[name] = origin
        self._nodes.append(Node(name, op, tuple(value.name for value in inputs), source=origin.source))
        return Value(name, shape)

    def finish(self, outputs: Mapping[str, Value], name: str) -> Graph:
        """The graph that computes ``outputs``, without the nodes it does not need. Where there is one, it is
        called after its node.

        Raises:
            UnsupportedOperatorError: nothing is computed, or an input is not used.
        """
        inputs = {value.name: value.shape for value in self.inputs.values()}
        results = {key: value.name for key, value in outputs.items()}
        graph = self._named(simplify(Graph(inputs, tuple(self._nodes), results, name)))
        read = {given for node in graph.nodes for given in node.inputs} | graph.results
        unused = [key for key, value in self.inputs.items() if value.name not in read]
        if not graph.nodes or (unused and len(inputs) == 1):
            origin = Origin("the network's output")
            self.refuse(origin, "the network has no operator between its input and its output")
        if unused:
            raise UnsupportedOperatorError(
                f"no output of the network depends on its input {unused[0]!r}; remove the input"
            )
        single = len(graph.outputs) == 1
        return replace(graph, outputs={graph.output: graph.output}) if single else graph

    def _named(self, graph: Graph) -> Graph:
        """The graph with the names that a user knows. A module that became several operators gives its name
        to the one that has its weights, else to the last; the others have their kind behind it."""
        heads: dict[str, Node] = {}
        for node in graph.nodes:
            origin = self._origins[node.name]
            if origin.leaf and (origin.scope not in heads or heads[origin.scope].op.weight is None):
                heads[origin.scope] = node
        names = {name: name for name in graph.inputs}
        taken = set(names)
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
        outputs = {key: names[value] for key, value in graph.outputs.items()}
        return replace(graph, nodes=tuple(nodes), outputs=outputs)

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
    numbers = [getattr(op, field.name) for field in fields(op)]  # an end of a clamp may be infinite
    if any(isinstance(number, float) and math.isnan(number) for number in numbers):
        return False
    return all(array is None or bool(np.isfinite(array).all()) for array in (held.weight, held.bias))
