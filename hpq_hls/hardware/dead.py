"""Channels that nobody reads are left out before hardware is built: those of pruned networks above all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from types import MappingProxyType
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.fixed import Epilogue, FixedType, Interval, bits_for
from hpq_hls.graph import Graph, Node
from hpq_hls.hardware.config import HardwareConfig, Io
from hpq_hls.hardware.cut import cut
from hpq_hls.hardware.fixed import Folded, channels, constants_of, groups_of, mixes, offsets, ties
from hpq_hls.hardware.live import dense, live_channels
from hpq_hls.hardware.narrowed import (
    Kept,
    NarrowedGraph,
    alike,
    edge_key,
    graph_of,
    layer_of,
    same_spec,
)
from hpq_hls.hardware.stuck import Mask
from hpq_hls.hardware.wrapping import without_saturation
from hpq_hls.ops.base import IntArray, Operator
from hpq_hls.ops.channels import narrowed_weights, taken
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.layer import Edge, LayerSpec, quantized_layer


def without_dead(q: QuantizedGraph, config: HardwareConfig) -> QuantizedGraph:
    """The network without channels that nobody reads, and without layers whose output is always the same;
    itself where there are none.

    Channels along the first axis of values go: those that only weights of zero meet, and whatever only these
    are made of; and those that are always the same in front of layers with weights, where what they add to
    sums is the same at all positions, so that biases take it in. Inputs and outputs stay whole, so do
    the inputs and outputs of layers that ``config`` folds by hand. In io stream so many stay that each layer
    can be folded as well as before.

    A value that is always the same stands where it is read (``cut``), unless ``config`` names its layer.
    Casts that cannot overflow do not saturate (``without_saturation``).
    """
    named = {name: own for name, own in config.layers.items() if name in q.layers}
    by_hand = tuple(
        sorted(
            name for name, own in named.items() if (own.pe, own.simd, own.reuse_factor) != (None, None, None)
        )
    )
    known, key = _KNOWN.setdefault(q, {}), (config.io, by_hand, *sorted(named))
    if key not in known:
        made = without_saturation(_without(q, by_hand, named, foldable=config.io is Io.STREAM))
        known[key] = None if made is q else made
    found = known[key]
    return q if found is None else found


_KNOWN: WeakKeyDictionary[QuantizedGraph, dict[object, QuantizedGraph | None]] = WeakKeyDictionary()
"""None: nothing to leave out, which is no reference to the network that would keep it."""


def _without(
    q: QuantizedGraph, by_hand: Sequence[str], named: Collection[str], *, foldable: bool
) -> QuantizedGraph:
    """Until nothing more goes: what is left of a layer may tie less together than the whole."""
    found = _left(q, by_hand, named, foldable=foldable)
    while (more := _left(found, by_hand, named, foldable=foldable)) is not found:
        if isinstance(found, NarrowedGraph) and isinstance(more, NarrowedGraph):
            kept = {name: found.kept[name][own] for name, own in more.kept.items()}
            more = replace(more, kept=MappingProxyType(kept))
        found = more
    return found


def _left(
    q: QuantizedGraph, by_hand: Sequence[str], named: Collection[str], *, foldable: bool
) -> QuantizedGraph:
    """What is left of a network at one look; itself where that is all."""
    if all(map(dense, q.layers.values())):
        return q
    known = constants_of(q)
    if (less := cut(q, known.values, named)) is not q:
        return less
    whole = {value for name in by_hand for value in (name, *q.layers[name].inputs)}
    whole.update(name for name, layer in q.layers.items() if not _slopes_can_go(layer))
    live = live_channels(q, known.folded, whole, foldable=foldable)
    if all(mask.all() for mask in live.kept.values()) and not any(
        one.stuck.any() for one in known.folded.values()
    ):
        return q
    kept = {name: np.flatnonzero(mask) for name, mask in live.kept.items()}
    edges = {name: q.edges[name] for name in q.graph.inputs}
    layers: dict[str, QuantizedLayer] = {}
    for name, layer in q.layers.items():
        given = [edges[value] for value in layer.inputs]
        made = layers[name] = _narrowed(
            q.graph, layer, given, kept, live.needed[name], known.folded.get(name)
        )
        edges[name] = Edge(made.output_type, made.output_interval)
    graph = _narrowed_graph(q, kept)
    return NarrowedGraph(graph, q.input_types, MappingProxyType(layers), q.examples, MappingProxyType(kept))


def _slopes_can_go(layer: QuantizedLayer) -> bool:
    """Whether slopes of single channels, rounded together, are the same where some are missing."""
    if layer.activation is None or layer.activation.leaks is None or len(layer.activation.leaks) == 1:
        return True
    rounded = layer.activation.rounded(layer.output_type).leaks
    first = Epilogue.leaky(layer.activation.leaks, layer.output_type.width)
    return rounded is None or Epilogue.leaky(rounded, layer.output_type.width) == first


def _narrowed_graph(q: QuantizedGraph, kept: Kept) -> Graph:
    """The graph of what is left, the same object for the same channels."""
    graph = q.graph

    def make() -> Graph:
        nodes = []
        for node in graph.nodes:
            op = _narrowed_operator(graph, q.layers[node.name], node.op, kept)
            activation = _narrowed_activation(node, kept[node.name])
            nodes.append(replace(node, op=op, activation=activation))
        return replace(graph, nodes=tuple(nodes))

    key = tuple((name, own.tobytes()) for name, own in kept.items() if len(own) < channels(graph, name))
    return graph_of(graph, key, make)


def _narrowed_operator(graph: Graph, layer: QuantizedLayer, op: Operator, kept: Kept) -> Operator:
    names = (*layer.inputs, layer.name)
    if all(len(kept[name]) == channels(graph, name) for name in names):
        return op
    if not mixes(graph, layer) and ties(graph, layer) is None and layer.op.always is None:
        return op
    return op.narrowed([kept[name] for name in layer.inputs], kept[layer.name])


def _narrowed_activation(owner: Node | QuantizedLayer, own: IntArray) -> Operator | None:
    activation = owner.activation
    return None if activation is None else activation.narrowed([own], own)


def _narrowed(
    graph: Graph,
    layer: QuantizedLayer,
    edges: Sequence[Edge],
    kept: Kept,
    needed: Mask,
    folded: Folded | None,
) -> QuantizedLayer:
    """A layer between what is left of its values; itself where that is all the same.

    needed: the channels of its output that somebody reads. folded: of a layer that mixes channels.
    """
    own = kept[layer.name]
    all_there = all(len(kept[name]) == channels(graph, name) for name in (*layer.inputs, layer.name))
    changed = folded is not None and (folded.added.any() or folded.carriers.size or folded.stuck.any())
    if all_there and alike(edges, layer) and not changed:
        return layer

    def make() -> QuantizedLayer:
        activation, spec = layer.activation, same_spec(layer, edges)
        if len(own) < channels(graph, layer.name):
            activation = _own_slopes(layer, own)
        if folded is not None:
            spec = _folded_in(layer, spec, needed, folded)
            spec = _fewer_rows(spec, own, _fewer_weights(layer, spec, kept[layer.inputs[0]], own))
        elif ties(graph, layer) is not None:
            spec = _fewer_rows(spec, own, taken(spec.weight_raw, own))
        op = _narrowed_operator(graph, layer, layer.op, kept)
        return quantized_layer(layer.name, op, layer.inputs, activation, edges, spec)

    key = (
        *(kept[name].tobytes() for name in (*layer.inputs, layer.name)),
        needed.tobytes(),
        edge_key(edges),
        *(folded.key if folded is not None else ()),
    )
    return layer_of(layer, key, make)


def _own_slopes(layer: QuantizedLayer, own: IntArray) -> Operator | None:
    """The activation of the channels that are left, with the slopes that all of them have in hardware."""
    activation = layer.activation
    if activation is None or activation.leaks is None:
        return activation
    return activation.rounded(layer.output_type).narrowed([own], own)


def _folded_in(layer: QuantizedLayer, spec: LayerSpec, needed: Mask, folded: Folded) -> LayerSpec:
    """With what constants add in the bias, or in weights of those that carry it, and zeros in their place;
    rows that nobody reads, and those that are stuck, are zero."""
    assert spec.weight_raw is not None
    if not spec.weight_signs:
        weight = spec.weight_raw.copy()
        weight[~needed] = 0
        weight = weight.reshape(groups_of(layer), -1, *weight.shape[1:])
        for own, gone in zip(weight, folded.gone.reshape(len(weight), -1), strict=True):
            own[:, gone] = 0
        weight = weight.reshape(spec.weight_raw.shape)
        for channel, codes in zip(folded.carriers, folded.codes, strict=True):
            shift = np.zeros(1, np.int64) if spec.weight_shift is None else spec.weight_shift
            weight[needed, channel] = (codes << shift[:, None]).reshape(weight[:, channel].shape)[needed]
        weight[folded.stuck] = 0
        spec = replace(spec, weight_raw=weight)
    if not folded.added.any():
        return spec
    bias = np.asarray(offsets(layer) + folded.added, dtype=np.int64)
    width = max(bits_for(Interval.of(bias).hull(Interval(-1, 0)))[0], 2)
    return replace(spec, bias_raw=bias, bias_type=FixedType(width, width - layer.sum_fraction))


def _fewer_weights(layer: QuantizedLayer, spec: LayerSpec, columns: IntArray, rows: IntArray) -> IntArray:
    """Those between the channels that are left."""
    found: IntArray = narrowed_weights(spec.weight_raw, groups_of(layer), columns, rows)
    return found


def _fewer_rows(spec: LayerSpec, rows: IntArray, weight: IntArray | None) -> LayerSpec:
    """Without the channels of the output that are not left. weight: of those that are, stored in as many bits
    as before."""
    shift, kind = taken(spec.weight_shift, rows), spec.weight_type
    if spec.weight_shift is not None and kind is not None:
        less = int(spec.weight_shift.max() - shift.max())
        kind = replace(kind, width=kind.width - less, integer=kind.integer - less)
    return replace(
        spec,
        weight_raw=weight,
        weight_type=kind,
        bias_raw=taken(spec.bias_raw, rows),
        weight_shift=shift,
    )
