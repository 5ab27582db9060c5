"""Casts that never overflow do not look whether they do: saturation costs a comparison for each value, and a
choice for each of its bits."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from hpq_hls.fixed import Overflow, overflows
from hpq_hls.hardware.narrowed import alike, edge_key, layer_of
from hpq_hls.identity import ByIdentity
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.layer import Edge

SATURATING = (Overflow.SAT, Overflow.SAT_SYM, Overflow.SAT_ZERO)


def without_saturation(q: QuantizedGraph) -> QuantizedGraph:
    """The network with AP_WRAP in the types of layers whose sums stay in the type's range whatever comes in:
    the same words, of the same widths. Itself where there are none."""
    edges = {name: q.edges[name] for name in q.graph.inputs}
    layers: dict[str, QuantizedLayer] = {}
    for name, layer in q.layers.items():
        made = layers[name] = _wrapping(layer, tuple(edges[given] for given in layer.inputs))
        edges[name] = Edge(made.output_type, made.output_interval)
    if all(made is q.layers[name] for name, made in layers.items()):
        return q
    return replace(q, layers=MappingProxyType(layers))


def _wrapping(layer: QuantizedLayer, edges: tuple[Edge, ...]) -> QuantizedLayer:
    """A layer behind values of these types, whose codes are those of its own inputs."""
    kind = layer.output_type
    if not layer.op.casts:
        kind = layer.op.exact_type([edge.type for edge in edges])
    elif kind.overflow in SATURATING and not layer.tables and not can_overflow(layer):
        kind = replace(kind, overflow=Overflow.WRAP)
    if kind == layer.output_type and alike(edges, layer):
        return layer
    key = "wrapping", kind, edge_key(edges)
    return layer_of(layer, key, lambda: replace(layer, output_type=kind, input_edges=edges))


_OVERFLOWS = ByIdentity[bool]()
"""By the layer."""


def can_overflow(layer: QuantizedLayer) -> bool:
    """Whether a sum of a layer that casts can lie, when it is rounded, outside the range of its type; found
    once."""
    return _OVERFLOWS.of(layer, lambda: _can_overflow(layer))


def _can_overflow(layer: QuantizedLayer) -> bool:
    epilogue = layer.epilogue
    made = epilogue.interval(layer.accumulator_interval)
    return overflows(made, layer.sum_fraction + epilogue.fraction, layer.output_type)
