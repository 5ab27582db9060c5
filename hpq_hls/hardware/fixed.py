"""Which channels of a network's values are the same whatever comes in, and what they add to sums.

Channels are what lies along the first axis in torch layout (``hpq_hls.ops.channels``). A channel need not be
the same at all positions: behind a padded convolution of constants it is another at the border.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.fixed import Interval
from hpq_hls.graph import Graph
from hpq_hls.hardware.carriers import carried
from hpq_hls.hardware.stuck import SMALL, Mask, Stuck, stuck_rows
from hpq_hls.ops.base import IntArray, Product
from hpq_hls.ops.layout import Array, Scratch, batch_first, batch_last
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.layer import aligned_parameters
from hpq_hls.simulate.plan import integer_plan


@dataclass(frozen=True, eq=False)
class Fixed:
    """The channels of a value that are the same for all inputs of the network.

    mask: (channels,). raw: their raw values, int64 (channels, positions), or (channels, 1) where each of them
    is the same at all positions; 0 of all others.
    """

    mask: Mask
    raw: IntArray

    @classmethod
    def none(cls, channels: int) -> Fixed:
        """Of a value that can be anything."""
        return cls(np.zeros(channels, np.bool_), np.zeros((channels, 1), np.int64))

    @classmethod
    def of(cls, mask: Mask, raw: Array) -> Fixed:
        """raw: (channels, positions), of all channels."""
        if raw.dtype == object or not mask.any():  # 64 bits without a sign
            return cls.none(len(mask))
        known: IntArray = np.where(mask[:, None], raw, 0).astype(np.int64)
        return cls(mask, known[:, :1] if (known == known[:, :1]).all() else known)

    def ends(self, seen: Interval) -> tuple[IntArray, IntArray]:
        """What each channel is at least and at most, (channels,) each. seen: of those that are not known."""
        least, most = self.raw.min(axis=1), self.raw.max(axis=1)
        return np.where(self.mask, least, seen.lo), np.where(self.mask, most, seen.hi)

    def beside(self, stuck: Stuck) -> Fixed:
        """With the rows that are stuck."""
        raw = np.where(stuck.mask[:, None], stuck.raw[:, None], self.raw)
        return Fixed.of(self.mask | stuck.mask, raw) if stuck.mask.any() else self

    @property
    def all(self) -> bool:
        """Whether the whole value is always the same."""
        return bool(self.mask.all())

    def shaped(self, shape: tuple[int, ...], others: int = 0) -> IntArray:
        """The value (1, *shape) in torch layout; others: what is in all other channels."""
        raw = np.where(self.mask[:, None], self.raw, others)
        positions = int(np.prod(shape[1:], dtype=np.int64))
        return np.broadcast_to(raw, (len(raw), positions)).reshape(1, *shape)


@dataclass(frozen=True, eq=False)
class Folded:
    """The input channels of a layer that mixes them whose products are a constant at all positions, and the
    rows that need none of them.

    mask: (channels of the input,). added: what they add to the sum of each row, in its units, as Python
    integers. gone: these, and those that others carry: ``carriers``, numbers of constant channels, which get
    the weights ``codes`` (carriers, rows, taps) for it. stuck: (rows,), those with weights of which
    ``stuck_rows`` says that zeros do as well, with what is added to their sums.
    """

    mask: Mask
    added: IntArray
    gone: Mask
    carriers: IntArray
    codes: IntArray
    stuck: Mask

    @classmethod
    def alone(cls, mask: Mask, added: IntArray) -> Folded:
        """Without carriers, and rows that are stuck."""
        none = np.zeros(len(added), np.bool_)
        return cls(mask, added, mask, np.zeros(0, np.int64), np.zeros((0, len(added), 0), np.int64), none)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for layers of which the same becomes."""
        masks = (self.gone, self.carriers, self.codes, self.stuck)
        return (tuple(self.added), *(one.tobytes() for one in masks))

    def sticking(self, stuck: Stuck, offsets: IntArray) -> Folded:
        """offsets: the bias of each row in units of the sum."""
        return replace(self, stuck=stuck.mask, added=np.where(stuck.mask, stuck.sums - offsets, self.added))


@dataclass(frozen=True, eq=False)
class Constants:
    """values: what of each value is always the same, by name. folded: of each layer that mixes channels."""

    values: Mapping[str, Fixed]
    folded: Mapping[str, Folded]


_TOUCHED: WeakKeyDictionary[QuantizedLayer, Mask] = WeakKeyDictionary()


def touched(layer: QuantizedLayer) -> Mask:
    """(rows, channels of the input): where a layer has a weight that is not zero; found once."""
    found = _TOUCHED.get(layer)
    if found is None:
        assert layer.weight_raw is not None
        weight = layer.weight_raw != 0
        found = _TOUCHED[layer] = apart(layer, weight.reshape(*weight.shape[:2], -1).any(axis=2))
    return found


def groups_of(layer: QuantizedLayer) -> int:
    """Into how many groups of channels a layer's weights are divided."""
    return 1 if layer.op.product is None else layer.op.product.groups


def apart(layer: QuantizedLayer, weight: Array) -> Array:
    """Weights (rows, channels of a group, ...) as (rows, channels of the input, ...), with zeros."""
    groups = groups_of(layer)
    if groups == 1:
        return weight
    rows, columns = len(weight) // groups, weight.shape[1]
    made = np.zeros((len(weight), groups * columns, *weight.shape[2:]), weight.dtype)
    for group in range(groups):
        own = slice(group * rows, (group + 1) * rows)
        made[own, group * columns : (group + 1) * columns] = weight[own]
    return made


def mixes(graph: Graph, layer: QuantizedLayer) -> bool:
    """Whether each output channel is a sum of products of all input channels, or those of its group, with
    weights."""
    shapes = [graph.shapes[name] for name in layer.inputs]
    return (
        layer.op.product is not None
        and layer.op.channel_axis(shapes[0]) == 0
        and layer.op.ties(shapes) is None
    )


def ties(graph: Graph, layer: QuantizedLayer) -> IntArray | None:
    """``Operator.ties`` of a layer that does not mix channels."""
    return layer.op.ties([graph.shapes[name] for name in layer.inputs])


def channels(graph: Graph, name: str) -> int:
    """How many channels a value has."""
    return (*graph.shapes[name], 1)[0]


def offsets(layer: QuantizedLayer) -> IntArray:
    """The bias of each row in units of the sum, as Python integers."""
    _, bias = _aligned(layer)
    assert layer.weight_raw is not None
    return np.zeros(len(layer.weight_raw), object) if bias is None else bias.astype(object)


def constants_of(q: QuantizedGraph) -> Constants:
    """What of each value is always the same."""
    graph, folded = q.graph, dict[str, Folded]()
    found = {name: Fixed.none(channels(graph, name)) for name in graph.shapes}
    for name, layer in q.layers.items():
        given, tied, only = (
            [found[value] for value in layer.inputs],
            ties(graph, layer),
            layer.output_interval,
        )
        stuck = None
        if mixes(graph, layer) or tied is not None:
            stuck = stuck_rows(layer, *given[0].ends(layer.input_edges[0].interval))
        if mixes(graph, layer):
            folded[name] = _folded(layer, given[0], graph.shapes[layer.inputs[0]])
            found[name] = _of_rows(graph, layer, given[0], folded[name])
            if stuck is not None and stuck.mask.any():
                folded[name] = folded[name].sticking(stuck, offsets(layer))
        elif tied is not None:
            found[name] = _of_channels(graph, layer, tied, given)
        elif layer.op.always is not None or all(one.all for one in given):
            mask = np.ones(channels(graph, name), np.bool_)
            found[name] = Fixed.of(mask, _run(graph, layer, given, len(mask)))
        if only.lo == only.hi:
            mask = np.ones(channels(graph, name), np.bool_)
            found[name] = Fixed.of(mask, np.full((len(mask), 1), only.lo))
        elif stuck is not None:
            found[name] = found[name].beside(stuck)
    return Constants(found, folded)


def _folded(layer: QuantizedLayer, given: Fixed, shape: tuple[int, ...]) -> Folded:
    """None but zeros where weights are signs, none of which can be zero."""
    assert layer.op.product is not None and layer.weight_raw is not None
    rows, mask = len(layer.weight_raw), given.mask & ~given.raw.any(axis=1)
    columns = np.flatnonzero(given.mask & ~mask)
    if layer.weight_signs or layer.partial_bound >= SMALL or not columns.size:
        return Folded.alone(mask, np.zeros(rows, object))
    made = _products(layer, layer.op.product, given, columns, shape)  # (rows, columns, places)
    alike = (made == made[:, :, :1]).all(axis=(0, 2))
    mask[columns[alike]] = True
    folded = Folded.alone(mask, made[:, alike, 0].astype(object).sum(axis=1).reshape(rows))
    columns = columns[~alike]
    if len(columns) < 2 or given.raw.shape[1] > 1 or groups_of(layer) > 1:
        return folded
    return _carried(layer, folded, columns, given.raw[:, 0])


def _carried(layer: QuantizedLayer, folded: Folded, columns: IntArray, raw: IntArray) -> Folded:
    """With carriers among constant channels that biases cannot take in, if fewer do."""
    codes, kind = layer.weight_codes, layer.stored_weight_type
    assert codes is not None and kind is not None
    own = codes[:, columns].reshape(len(codes), len(columns), -1)
    found = carried(raw[columns], np.einsum("rct,c->rt", own, raw[columns]), kind.code_interval)
    if found is None:
        return folded
    gone = folded.mask.copy()
    gone[columns] = True
    gone[columns[found[0]]] = False
    return replace(folded, gone=gone, carriers=columns[found[0]], codes=found[1])


def _products(
    layer: QuantizedLayer, product: Product, given: Fixed, columns: IntArray, shape: tuple[int, ...]
) -> IntArray:
    """What some constant channels add to the sums of all rows, (rows, columns, places): at each position, or
    wherever that may differ."""
    weight, _ = _aligned(layer)
    assert weight is not None
    weight = apart(layer, weight)[:, columns].reshape(len(weight), len(columns), -1)
    raw, window = given.raw[columns], product.window
    if window is not None and raw.shape[1] > 1:
        image = layer.op.as_image(given.shaped(shape)[:, columns])
        raw = window.patches(image)[0].reshape(len(columns), -1, weight.shape[2])
        return np.asarray(np.einsum("rct,cpt->rcp", weight, raw))
    seen = np.ones((weight.shape[2], 1), np.int64)
    if window is not None and any(window.padding):
        masks = window.visible(*product.input_size)
        seen = np.stack([mask.reshape(-1) for mask in masks], axis=1).astype(np.int64)
    return np.asarray((weight @ seen) * raw[:, :1])


def _aligned(layer: QuantizedLayer) -> tuple[Array | None, Array | None]:
    """Weights and biases in units of the sum."""
    types = [edge.type for edge in layer.input_edges]
    return aligned_parameters(layer.op, types, layer, layer.sum_fraction)


def _of_rows(graph: Graph, layer: QuantizedLayer, given: Fixed, folded: Folded) -> Fixed:
    """Rows whose weights, but for zeros, meet constants alone."""
    reads = touched(layer)
    mask = np.asarray(~reads[:, ~given.mask].any(axis=1))
    if not mask.any():
        return Fixed.none(len(mask))
    if reads[mask][:, ~folded.mask].any():  # not the same at all positions
        return Fixed.of(mask, _run(graph, layer, [given], len(mask)))
    sums, epilogue = offsets(layer) + folded.added, layer.epilogue
    slopes = epilogue.words[:, 0] if len(epilogue.slopes) > 1 else None
    made = layer.output_type.from_raw(epilogue.apply(sums, slopes), layer.sum_fraction + epilogue.fraction)
    return Fixed.of(mask, made[:, None])


def _of_channels(graph: Graph, layer: QuantizedLayer, tied: IntArray, given: Sequence[Fixed]) -> Fixed:
    """Channels that are made of constants alone, or times zero."""
    mask: Mask = np.logical_and.reduce([one.mask[tied] for one in given])
    if layer.weight_raw is not None:
        mask |= ~layer.weight_raw.reshape(len(mask), -1).any(axis=1)
    if not mask.any():
        return Fixed.none(len(mask))
    return Fixed.of(mask, _run(graph, layer, given, len(mask)))


def _run(graph: Graph, layer: QuantizedLayer, given: Sequence[Fixed], channels: int) -> Array:
    """What a layer makes of constants, and of anything else in all other channels: (channels, positions)."""
    inputs = []
    for name, edge, one in zip(layer.inputs, layer.input_edges, given, strict=True):
        filled = one.shaped(graph.shapes[name], edge.interval.lo)
        inputs.append(np.ascontiguousarray(batch_last(filled)))
    made = batch_first(integer_plan(layer).run(inputs, Scratch()))[0]
    return np.asarray(made.reshape(channels, -1))
