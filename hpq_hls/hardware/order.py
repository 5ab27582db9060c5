"""In which order the elements of each value travel.

Tensors travel channels-last, so a flattened tensor arrives in another order than torch's. Nothing is
moved for that: the layer that reads it permutes its weights. Only an Add needs both its inputs in
one order; a linear layer in front of it then permutes its rows.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.graph import Graph
from hpq_hls.ops import Flatten, Linear
from hpq_hls.ops.base import Shape

IntArray = npt.NDArray[np.int64]


def channels_last(shape: Shape) -> IntArray:
    """Flat torch index of each element in transmission order."""
    if len(shape) != 3:
        return np.arange(math.prod(shape), dtype=np.int64)
    return np.arange(math.prod(shape), dtype=np.int64).reshape(shape).transpose(1, 2, 0).reshape(-1)


def transmission_orders(graph: Graph) -> dict[str, IntArray]:
    """Flat torch index of each element in transmission order, for every value by name.

    Raises:
        UnsupportedOperatorError: an Add whose inputs cannot be brought into one order.
    """
    wanted: dict[str, IntArray] = {}
    for _ in range(len(graph.nodes) + 1):
        orders = {graph.input_name: channels_last(graph.input_shape)}
        conflict: tuple[str, str, str] | None = None
        for node in graph.nodes:
            first = orders[node.inputs[0]]
            if hasattr(node.op, "mode"):
                orders[node.name] = node.op.travel([graph.shapes[node.inputs[0]]], [first], None).gives
            elif isinstance(node.op, Linear):
                orders[node.name] = wanted.get(node.name, channels_last(graph.shapes[node.name]))
            elif isinstance(node.op, Flatten) or len(graph.shapes[node.name]) == 1:
                orders[node.name] = first
            else:
                orders[node.name] = channels_last(graph.shapes[node.name])
            if node.op.arity == 2 and not np.array_equal(first, orders[node.inputs[1]]):
                conflict = conflict or (node.name, node.inputs[0], node.inputs[1])
        if conflict is None:
            return orders
        name, first_input, second_input = conflict
        for movable, fixed in ((second_input, first_input), (first_input, second_input)):
            root = _linear_behind(graph, movable)
            if root is not None and root not in wanted:
                wanted[root] = orders[fixed]
                break
        else:
            break
    raise UnsupportedOperatorError(
        f"layer {name!r} adds two vectors that travel in different orders (one is a flattened image); "
        "put a linear layer on one of the branches or add before flattening"
    )


def _linear_behind(graph: Graph, name: str) -> str | None:
    """The linear layer whose row order decides the order of a value, if there is one."""
    while (node := graph.by_name.get(name)) is not None:
        if isinstance(node.op, Linear):
            return name
        if node.op.arity != 1 or len(graph.shapes[node.inputs[0]]) != 1:
            return None
        name = node.inputs[0]
    return None
