"""In which order the elements of each value travel.

Operators say in which orders they take their inputs and give their output (``Operator.travel``): elements are
only moved where an operator takes an input in another order than it is there. What has no order of its own, a
linear layer that makes a vector, a rearrangement, the network's input, gives what its reader takes, where
that saves moving.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.graph import Graph, Node
from hpq_hls.ops.base import IntArray, Order, Shape
from hpq_hls.ops.layout import IMAGE, channels_last, torch_order


@dataclass(frozen=True, eq=False)
class Orders:
    """made: the order of every value, by name. taken: in which each layer takes its inputs."""

    made: Mapping[str, Order]
    taken: Mapping[str, tuple[Order, ...]]


def port_order(shape: Shape) -> IntArray:
    """The order at the network's input unless readers take another one: channels-last for images."""
    return channels_last(shape) if len(shape) == IMAGE - 1 else torch_order(math.prod(shape))


def same(first: Order, second: Order) -> bool:
    """Whether two orders are equal."""
    return first is second or np.array_equal(first, second)


def places(order: Order) -> IntArray:
    """Where in an order each element is, by its flat index."""
    found = np.empty_like(order)
    found[order] = np.arange(order.size)
    return found


_KNOWN: WeakKeyDictionary[Graph, Orders] = WeakKeyDictionary()


def transmission_orders(graph: Graph) -> Orders:
    """The orders of all values; found once per graph."""
    if graph not in _KNOWN:
        _KNOWN[graph] = _found(graph)
    return _KNOWN[graph]


def _found(graph: Graph) -> Orders:
    wishes: dict[str, Order] = {}
    orders = _followed(graph, wishes)
    moved = _moved(graph, orders)
    settled = moved == 0
    while not settled:
        settled = True
        for root, wish in _proposals(graph, orders):
            tried = wishes | {root: wish}
            other = _followed(graph, tried)
            less = _moved(graph, other)
            if less < moved:
                wishes, orders, moved, settled = tried, other, less, less == 0
                break
    return orders


def _followed(graph: Graph, wishes: Mapping[str, Order]) -> Orders:
    """The orders where some values leave in those that are wished for."""
    made = {name: wishes.get(name, port_order(shape)) for name, shape in graph.inputs.items()}
    taken: dict[str, tuple[Order, ...]] = {}
    for node in graph.nodes:
        there = [made[name] for name in node.inputs]
        travel = node.op.travel(_shapes(graph, node), there, wishes.get(node.name))
        taken[node.name], made[node.name] = travel.takes, travel.gives
    return Orders(made, taken)


def _conflicts(graph: Graph, orders: Orders) -> Iterator[tuple[Node, int]]:
    """Inputs that layers take in another order than they are there."""
    for node in graph.nodes:
        for index, (name, order) in enumerate(zip(node.inputs, orders.taken[node.name], strict=True)):
            if not same(orders.made[name], order):
                yield node, index


def _moved(graph: Graph, orders: Orders) -> int:
    """Elements that are moved for the sake of order."""
    return sum(orders.taken[node.name][index].size for node, index in _conflicts(graph, orders))


def _proposals(graph: Graph, orders: Orders) -> Iterator[tuple[str, Order]]:
    """Values that have no order of their own, and orders of them that may save moving."""
    for node, index in _conflicts(graph, orders):
        yield from _root(graph, node.inputs[index], orders.taken[node.name][index])
        for other, name in enumerate(node.inputs):
            if other != index:  # the others may follow this one instead
                yield from _root(graph, name, orders.made[node.inputs[index]])


def _root(graph: Graph, name: str, wish: Order) -> Iterator[tuple[str, Order]]:
    while (node := graph.by_name.get(name)) is not None:
        shapes = _shapes(graph, node)
        if math.prod(graph.shapes[name]) != wish.size:
            return
        if node.op.any_order(shapes):
            yield name, wish
            return
        before = node.op.order_before(shapes, wish)
        if before is None:
            return
        name, wish = node.inputs[0], before
    if wish.size == math.prod(graph.inputs[name]):
        yield name, wish


def _shapes(graph: Graph, node: Node) -> Sequence[Shape]:
    return [graph.shapes[name] for name in node.inputs]
