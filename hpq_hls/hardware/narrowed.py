"""What is left of a network: graphs and layers that are made of others, each made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.graph import Graph
from hpq_hls.ops.base import IntArray
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.layer import Edge, LayerSpec

REMEMBERED = 64
"""Graphs that are left of one, by what is left of its values."""

Kept = Mapping[str, IntArray]
"""Of each value by name the channels that are left, ascending."""

_GRAPHS: WeakKeyDictionary[Graph, OrderedDict[object, Graph]] = WeakKeyDictionary()
_LAYERS: WeakKeyDictionary[QuantizedLayer, dict[object, QuantizedLayer]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False, repr=False)
class NarrowedGraph(QuantizedGraph):
    """What is left of a network: its outputs are word for word the same. Trained parameters in ``graph`` are
    those of the channels left; it is integers that are exact.

    kept: of each value that is left, by name, the channels of the whole network that are left, ascending.
    """

    kept: Kept = field(default_factory=dict)

    def place(self, value: str, index: tuple[int, ...]) -> tuple[int, ...]:
        """Where an element of a value is in the whole network. index: where it is in this one."""
        return (int(self.kept[value][index[0]]), *index[1:]) if index else index


def graph_of(graph: Graph, key: Hashable, make: Callable[[], Graph]) -> Graph:
    """What is left of a graph, the same object for the same key."""
    known = _GRAPHS.setdefault(graph, OrderedDict())
    if key in known:
        known.move_to_end(key)
        return known[key]
    made = known[key] = make()
    if len(known) > REMEMBERED:
        known.popitem(last=False)
    return made


def layer_of(layer: QuantizedLayer, key: Hashable, make: Callable[[], QuantizedLayer]) -> QuantizedLayer:
    """What is left of a layer, the same object for the same key."""
    known = _LAYERS.setdefault(layer, {})
    if key not in known:
        known[key] = make()
    return known[key]


def alike(edges: Sequence[Edge], layer: QuantizedLayer) -> bool:
    """Whether a layer was made for these inputs."""
    return edge_key(edges) == edge_key(layer.input_edges)


def edge_key(edges: Sequence[Edge]) -> Hashable:
    """What a layer knows of its inputs."""
    return tuple((edge.type, edge.interval) for edge in edges)


def same_spec(layer: QuantizedLayer, edges: Sequence[Edge]) -> LayerSpec:
    """What makes the same layer, at the codes that can occur now. A table has no words beyond those of the
    whole network: the last stands for what only channels that nobody reads can be."""
    old, new = layer.input_edges[0].interval, edges[0].interval
    places = None
    if layer.tables:
        places = np.clip(np.arange(new.lo, new.hi + 1) - old.lo, 0, old.hi - old.lo)
    return LayerSpec(
        weight_raw=layer.weight_raw,
        weight_type=layer.weight_type,
        bias_raw=layer.bias_raw,
        bias_type=layer.bias_type,
        output_type=layer.output_type if layer.op.casts else None,
        weight_shift=layer.weight_shift,
        weight_signs=layer.weight_signs,
        tables={name: words[places] for name, words in layer.tables.items()} if layer.tables else None,
    )
