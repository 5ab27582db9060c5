"""Functions in a chain, and what is computed from one value and constants alone, become one table."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.graph.graph import Graph, Node
from hpq_hls.graph.rewrite import only_consumer
from hpq_hls.ops.expression import VARIABLE, Expression, size
from hpq_hls.ops.pointwise import Pointwise
from hpq_hls.ops.recast import Recast

MAX_SIZE = 256
"""Primitives of a function at most; one that is used twice counts twice."""
CHEAP = ("add", "sub", "maximum", "minimum")
"""What of two values is exact and costs an adder."""
INDEX = "index"
"""What is added to the name of a table for the cast in front of it."""


@dataclass(frozen=True)
class _Region:
    """Nodes that are computed from one value: names in topological order, the last one is the result."""

    nodes: tuple[str, ...]
    source: str
    function: Expression


def fuse_pointwise(graph: Graph) -> Graph:
    """Each part of the graph that is a function of one value, element by element, as one Pointwise.

    Only where a table is needed: an exact operator alone stays one. A ReLU or clamp at the beginning goes
    into the layer before it, if that casts; anywhere else it goes into the table.

    Raises:
        UnsupportedOperatorError: an operator is left that exists as a part of a function only.
    """
    for name in reversed([node.name for node in graph.nodes]):
        node = graph.by_name.get(name)
        found = None if node is None else _region(graph, node)
        if found is not None and len(found.nodes) > 1:
            graph = _replaced(graph, found)
    for node in graph.nodes:
        if node.op.fused_only:
            raise UnsupportedOperatorError(
                f"layer {node.name!r} is a {node.op.kind} of values that are not all computed from one and "
                "the same value, element by element; only then it is supported"
            )
    return graph


def _region(graph: Graph, last: Node) -> _Region | None:
    """The largest part that ends at ``last`` and is a function of one value; None where it needs no table."""
    place = {node.name: number for number, node in enumerate(graph.nodes)}
    inside, stuck = {last.name}, set[str]()
    best: _Region | None = None
    if not _element_by_element(graph, last, last):
        return None
    while len(stuck) < 2:
        sources = _sources(graph, inside)
        if len(sources) == 1:
            (source,) = sources
            best = _made(graph, inside, source, place) or best
        left = [name for name in sources - stuck if name in place]
        if not left:
            break
        node = graph.by_name[max(left, key=place.__getitem__)]  # all that could read it has been looked at
        readers = {reader.name for reader in graph.consumers(node.name)}
        if node.name not in graph.results and readers <= inside and _element_by_element(graph, node, last):
            inside.add(node.name)
        else:
            stuck.add(node.name)
    return None if best is None else _without_leading_clip(graph, best, place)


def _sources(graph: Graph, inside: set[str]) -> set[str]:
    return {given for name in inside for given in graph.by_name[name].inputs} - inside


def _element_by_element(graph: Graph, node: Node, last: Node) -> bool:
    names: list[Expression] = [VARIABLE] * len(node.inputs)
    same = graph.shapes[node.name] == graph.shapes[last.name]
    return same and node.activation is None and node.op.expression(names) is not None


def _made(graph: Graph, inside: set[str], source: str, place: dict[str, int]) -> _Region | None:
    """The region of these nodes, if it needs a table and is not too large."""
    if source in graph.shapes and any(graph.shapes[source] != graph.shapes[name] for name in inside):
        return None
    nodes = tuple(sorted(inside, key=place.__getitem__))
    ops = [graph.by_name[name] for name in nodes]
    if not any(_needs_table(node) for node in ops):
        return None
    values: dict[str, Expression] = {source: VARIABLE}
    for node in ops:
        made = node.op.expression([values[given] for given in node.inputs])
        assert made is not None
        if size(made) > MAX_SIZE:
            return None
        values[node.name] = made
    return _Region(nodes, source, values[nodes[-1]])


def _needs_table(node: Node) -> bool:
    """Whether an operator is a table by itself, or where nothing in front takes it, or would be worth one
    where both inputs come from one value: a product."""
    made = node.op.expression([VARIABLE] * len(node.inputs))
    joins = len(node.inputs) > 1 and isinstance(made, tuple) and made[0] not in CHEAP
    return node.op.looks_up or node.op.leaks is not None or joins


def _without_leading_clip(graph: Graph, found: _Region, place: dict[str, int]) -> _Region:
    """Without a ReLU or clamp that the layer before it can take."""
    readers = [name for name in found.nodes if found.source in graph.by_name[name].inputs]
    producer = graph.by_name.get(found.source)
    if len(readers) != 1 or producer is None or len(found.nodes) == 1:
        return found
    (first,) = readers
    takes = producer.op.casts and producer.op.clips_sums and producer.activation is None
    alone = only_consumer(graph, producer, graph.by_name[readers[0]])
    if graph.by_name[first].op.clips is None or not takes or not alone:
        return found
    return _made(graph, set(found.nodes) - {first}, first, place) or found


def _replaced(graph: Graph, found: _Region) -> Graph:
    inner, last = set(found.nodes[:-1]), graph.by_name[found.nodes[-1]]
    read = [graph.by_name[name] for name in found.nodes]
    called = [node.op.kind for node in read if node.op.looks_up or node.op.leaks is not None]
    one = len(called) == 1 and all(len(node.inputs) == 1 for node in read)
    function = Pointwise(found.function, called[0] if one else "Function")
    fused = replace(last, op=function, inputs=(found.source,))
    nodes = [fused if node is last else node for node in graph.nodes if node.name not in inner]
    return replace(graph, nodes=tuple(nodes))


# ---------------------------------------------------------------------------------------------
# The index of a table


def index_tables(graph: Graph) -> Graph:
    """A cast in front of each table, to a type that is its index, unless it alone reads a casting layer."""
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op.looks_up and index_layer(graph, node) is None:
            (given,) = node.inputs
            name = f"{node.name}.{INDEX}"
            nodes.append(Node(name, Recast(), (given,), None, node.source))
            node = replace(node, inputs=(name,))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def index_layer(graph: Graph, table: Node) -> str | None:
    """The layer whose output type is the index of a table: which casts, and which nothing else reads. Between
    the two there may be operators that move elements or pick some."""
    reader, (name,) = table, table.inputs
    while name in graph.by_name:
        producer = graph.by_name[name]
        if not only_consumer(graph, producer, reader):
            return None
        reader = producer
        if reader.op.casts:
            return name
        if len(reader.inputs) != 1:
            return None
        (name,) = reader.inputs
    return None


def indices(graph: Graph) -> frozenset[str]:
    """The layers of a prepared graph whose output is the index of a table."""
    found = (index_layer(graph, node) for node in graph.nodes if node.op.looks_up)
    return frozenset(name for name in found if name is not None)
