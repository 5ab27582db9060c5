"""Which channels of a network's values anybody reads, and which of them are always the same.

Channels are what lies along the first axis in torch layout (``hpq_hls.ops.channels``).
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from hpq_hls.graph import Graph
from hpq_hls.identity import ByIdentity
from hpq_hls.kernels.lanes import divisors
from hpq_hls.ops.base import IntArray
from hpq_hls.ops.layout import Scratch, batch_first, batch_last
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.layer import aligned_parameters
from hpq_hls.simulate.plan import integer_plan

Mask = npt.NDArray[np.bool_]
SMALL = 1 << 60
"""Bound on sums of a layer whose constant inputs may go into its bias."""


@dataclass(frozen=True, eq=False)
class Fixed:
    """The channels of a value that are the same for all inputs of the network, at all positions.

    mask: (channels,). raw: their raw values, int64 (channels,), 0 of all others.
    """

    mask: Mask
    raw: IntArray

    @classmethod
    def none(cls, channels: int) -> Fixed:
        """Of a value that can be anything."""
        return cls(np.zeros(channels, np.bool_), np.zeros(channels, np.int64))


_TOUCHED: WeakKeyDictionary[QuantizedLayer, Mask] = WeakKeyDictionary()
_DENSE = ByIdentity[bool]()
"""By the weights."""


def dense(layer: QuantizedLayer) -> bool:
    """Whether no output channel and no input channel of a layer has weights of zero alone; found once. A
    network of such layers makes no constants, and reads all that it makes."""
    weight = layer.weight_raw
    return weight is None or _DENSE.of(weight, lambda: _dense(weight))


def _dense(weight: IntArray) -> bool:
    there: Mask = np.asarray((weight != 0).reshape(*weight.shape[:2], -1).any(axis=-1))
    return bool(there.any(axis=0).all() and there.reshape(len(there), -1).any(axis=1).all())


def touched(layer: QuantizedLayer) -> Mask:
    """(rows, channels of the input): where a layer has a weight that is not zero; found once."""
    found = _TOUCHED.get(layer)
    if found is None:
        assert layer.weight_raw is not None
        weight = layer.weight_raw != 0
        found = weight.reshape(*weight.shape[:2], -1).any(axis=2)
        _TOUCHED[layer] = found
    return found


def mixes(graph: Graph, layer: QuantizedLayer) -> bool:
    """Whether each output channel is a sum of products of all input channels with weights."""
    product = layer.op.product
    return (
        product is not None
        and product.groups == 1
        and layer.op.channel_axis(graph.shapes[layer.inputs[0]]) == 0
    )


def ties(graph: Graph, layer: QuantizedLayer) -> IntArray | None:
    """``Operator.ties`` of a layer that does not mix channels."""
    if mixes(graph, layer):
        return None
    return layer.op.ties([graph.shapes[name] for name in layer.inputs])


def folded(layer: QuantizedLayer, given: Fixed) -> Mask:
    """The input channels of a layer that mixes them whose products are a constant: none but zeros where a
    constant is not there at the border, or where weights are signs, none of which can be zero."""
    product = layer.op.product
    assert product is not None
    padded = product.window is not None and any(product.window.padding)
    zero = padded or layer.weight_signs or layer.partial_bound >= SMALL
    return np.asarray(given.mask & (given.raw == 0)) if zero else given.mask


def products(layer: QuantizedLayer, given: Fixed) -> IntArray:
    """What the ``folded`` channels add to the sum of each row, in its units, as Python integers."""
    weight, _ = aligned_parameters(
        layer.op, [edge.type for edge in layer.input_edges], layer, layer.sum_fraction
    )
    assert weight is not None
    columns = np.flatnonzero(folded(layer, given) & (given.raw != 0))
    if not columns.size:
        return np.zeros(len(weight), object)
    used = weight[:, columns].astype(object).reshape(len(weight), len(columns), -1).sum(axis=2)
    return np.asarray(used @ given.raw[columns].astype(object)).reshape(len(weight))


def offsets(layer: QuantizedLayer) -> IntArray:
    """The bias of each row in units of the sum, as Python integers."""
    _, bias = aligned_parameters(
        layer.op, [edge.type for edge in layer.input_edges], layer, layer.sum_fraction
    )
    assert layer.weight_raw is not None
    return np.zeros(len(layer.weight_raw), object) if bias is None else bias.astype(object)


def fixed_channels(q: QuantizedGraph) -> Mapping[str, Fixed]:
    """What of each value is always the same, by name."""
    graph = q.graph
    found = {name: Fixed.none(channels(graph, name)) for name in graph.shapes}
    for name, layer in q.layers.items():
        tied = ties(graph, layer)
        if mixes(graph, layer):
            found[name] = _of_rows(layer, found[layer.inputs[0]])
        elif tied is not None:
            found[name] = _of_channels(graph, layer, tied, [found[given] for given in layer.inputs])
    return found


def channels(graph: Graph, name: str) -> int:
    """How many channels a value has."""
    return (*graph.shapes[name], 1)[0]


def _of_rows(layer: QuantizedLayer, given: Fixed) -> Fixed:
    """Rows whose weights, but for zeros, meet constants alone."""
    mask: Mask = np.asarray(~touched(layer)[:, ~folded(layer, given)].any(axis=1))
    if not mask.any():
        return Fixed.none(len(mask))
    sums, epilogue = (offsets(layer) + products(layer, given))[mask], layer.epilogue
    slopes = epilogue.words[mask, 0] if len(epilogue.slopes) > 1 else None
    made = layer.output_type.from_raw(epilogue.apply(sums, slopes), layer.sum_fraction + epilogue.fraction)
    return _fixed(mask, made)


def _of_channels(graph: Graph, layer: QuantizedLayer, tied: IntArray, given: list[Fixed]) -> Fixed:
    """Channels that are made of constants alone, or times zero, where that gives the same everywhere."""
    mask = np.logical_and.reduce([one.mask[tied] for one in given])
    if layer.weight_raw is not None:
        mask |= ~layer.weight_raw.reshape(len(mask), -1).any(axis=1)
    if not mask.any():
        return Fixed.none(len(mask))
    inputs = []
    for name, edge, one in zip(layer.inputs, layer.input_edges, given, strict=True):
        raw = np.where(one.mask, one.raw, edge.interval.lo)
        shape = graph.shapes[name]
        filled = np.broadcast_to(raw.reshape(-1, *(1,) * (len(shape) - 1)), shape)
        inputs.append(np.ascontiguousarray(batch_last(filled[None])))
    made = batch_first(integer_plan(layer).run(inputs, Scratch()))[0].reshape(len(mask), -1)
    mask &= (made == made[:, :1]).all(axis=1)
    return _fixed(mask, made[mask, 0])


def _fixed(mask: Mask, values: npt.NDArray[np.generic]) -> Fixed:
    raw = np.zeros(len(mask), np.int64)
    if values.dtype == object:  # 64 bits without a sign
        return Fixed.none(len(mask))
    raw[mask] = values
    return Fixed(mask, raw)


@dataclass(frozen=True, eq=False)
class Live:
    """Which channels of each value, by name, are left. needed: those that somebody reads. kept: beside them
    those that stay for the sake of folding, or because a tensor has one channel at least."""

    needed: Mapping[str, Mask]
    kept: Mapping[str, Mask]


def live_channels(
    q: QuantizedGraph, fixed: Mapping[str, Fixed], whole: Collection[str], *, foldable: bool
) -> Live:
    """The channels that are left of each value.

    fixed: ``fixed_channels``. whole: values that lose none, beside inputs and outputs of the network.
    foldable: so many stay that a layer can be folded as well as with all (``fewest``).
    """
    graph = q.graph
    needed = {name: np.zeros(channels(graph, name), np.bool_) for name in graph.shapes}
    for name in (*graph.inputs, *graph.results, *whole):
        needed[name][:] = True
    while _spread(q, needed, fixed):
        pass
    kept = {name: mask.copy() for name, mask in needed.items()}
    while _spread(q, kept, None) | _enough(q, kept, foldable=foldable):
        pass
    return Live(needed, kept)


def _spread(q: QuantizedGraph, masks: dict[str, Mask], fixed: Mapping[str, Fixed] | None) -> bool:
    """Mark what belongs to what is marked; whether that is more.

    fixed: so that what is marked also needs what it is a sum of; None: only channels that go together.
    """
    before = _count(masks)
    for name, layer in reversed(list(q.layers.items())):
        made, inputs = masks[name], [masks[given] for given in layer.inputs]
        tied = ties(q.graph, layer)
        if mixes(q.graph, layer):
            if fixed is not None:
                reads = touched(layer)[made].any(axis=0)
                inputs[0] |= reads & ~folded(layer, fixed[layer.inputs[0]])
        elif tied is None:
            for mask in (made, *inputs):
                mask[:] = True
        else:
            for mask in inputs:
                made |= mask[tied]
            for mask in inputs:
                mask[tied[made]] = True
    return _count(masks) != before


def _enough(q: QuantizedGraph, kept: dict[str, Mask], *, foldable: bool) -> bool:
    """Keep as many of each value as have to be; whether that is more. The others that stay are the first."""
    before = _count(kept)
    for name, mask in kept.items():
        count = max(int(mask.sum()), 1)
        wanted = fewest(len(mask), count) if foldable else count
        mask[np.flatnonzero(~mask)[: wanted - int(mask.sum())]] = True
        layer = q.layers.get(name)
        shift = None if layer is None else layer.weight_shift
        if shift is not None and not mask.all() and shift[mask].min():  # else codes had other units
            mask[np.argmin(shift)] = True
    return _count(kept) != before


def _count(masks: Mapping[str, Mask]) -> int:
    return sum(int(mask.sum()) for mask in masks.values())


@functools.lru_cache(maxsize=4096)
def fewest(whole: int, count: int) -> int:
    """The least number from ``count`` on that can be folded as well as ``whole``: whichever divisor that is
    folded by, this one has one that is no larger, and takes no more steps."""
    ways = [(each, whole // each) for each in divisors(whole)]
    for candidate in range(count, whole):
        own = [(each, candidate // each) for each in divisors(candidate)]
        if all(any(one <= lanes and steps <= most for one, steps in own) for lanes, most in ways):
            return candidate
    return whole
