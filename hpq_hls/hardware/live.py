"""Which channels of a network's values anybody reads."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from hpq_hls.hardware.fixed import Folded, apart, channels, groups_of, mixes, ties, touched
from hpq_hls.hardware.stuck import Mask, sticks
from hpq_hls.identity import ByIdentity
from hpq_hls.kernels.lanes import divisors
from hpq_hls.ops.base import IntArray
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer

_DENSE = ByIdentity[bool]()
"""By the weights."""


def dense(layer: QuantizedLayer) -> bool:
    """Whether no output channel and no input channel of a layer has weights of zero alone, and all channels
    of its output can be more than one number; found once. A network of such layers makes no constants, and
    reads all that it makes."""
    weight, made = layer.weight_raw, layer.output_interval
    if made.lo == made.hi or sticks(layer):
        return False
    return weight is None or _DENSE.of(weight, lambda: _dense(layer, weight))


def _dense(layer: QuantizedLayer, weight: IntArray) -> bool:
    there = np.asarray((weight != 0).reshape(*weight.shape[:2], -1).any(axis=-1))
    there = there[:, None] if weight.ndim == 1 else apart(layer, there)
    return bool(there.any(axis=0).all() and there.any(axis=1).all())


@dataclass(frozen=True, eq=False)
class Live:
    """Which channels of each value, by name, are left. needed: those that somebody reads. kept: beside them
    those that stay for the sake of folding, or because a tensor has one channel at least."""

    needed: Mapping[str, Mask]
    kept: Mapping[str, Mask]


def live_channels(
    q: QuantizedGraph, folded: Mapping[str, Folded], whole: Collection[str], *, foldable: bool
) -> Live:
    """The channels that are left of each value.

    folded: of each layer that mixes channels, those whose products are a constant. whole: values that lose
    none, beside inputs and outputs of the network.
    foldable: so many stay that a layer can be folded as well as with all (``fewest``).
    """
    graph = q.graph
    needed = {name: np.zeros(channels(graph, name), np.bool_) for name in graph.shapes}
    for name in (*graph.inputs, *graph.results, *whole):
        needed[name][:] = True
    while _spread(q, needed, folded):
        pass
    kept = {name: mask.copy() for name, mask in needed.items()}
    while _spread(q, kept, None) | _enough(q, kept, foldable=foldable):
        pass
    return Live(needed, kept)


def _spread(q: QuantizedGraph, masks: dict[str, Mask], folded: Mapping[str, Folded] | None) -> bool:
    """Mark what belongs to what is marked; whether that is more.

    folded: so that what is marked also needs what it is a sum of; None: only channels that go together.
    """
    before = _count(masks)
    for name, layer in reversed(list(q.layers.items())):
        made, inputs = masks[name], [masks[given] for given in layer.inputs]
        tied = ties(q.graph, layer)
        if mixes(q.graph, layer):
            if folded is not None:
                reading = made & ~folded[name].stuck
                reads = touched(layer)[reading].any(axis=0)
                inputs[0] |= reads & ~folded[name].gone
                inputs[0][folded[name].carriers] |= reading.any()
        elif layer.op.always is not None:
            continue  # it needs a beat of its inputs, no matter what is in it
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
        if layer is not None and mixes(q.graph, layer) and (groups := groups_of(layer)) > 1:
            _level(groups, kept[layer.inputs[0]], mask, foldable=foldable)
        shift = None if layer is None else layer.weight_shift
        if shift is not None and not mask.all() and shift[mask].min():  # else codes had other units
            mask[np.argmin(shift)] = True
    return _count(kept) != before


def _level(groups: int, *sides: Mask, foldable: bool) -> None:
    """Keep as many channels in each of the groups of which one is kept, on both sides of a layer."""
    parts = [mask.reshape(groups, -1) for mask in sides]
    left = np.logical_or.reduce([part.any(axis=1) for part in parts])
    for part in parts:
        count = max(int(part.sum(axis=1).max()), 1)
        count = fewest(part.shape[1], count) if foldable else count
        for own in (part[group] for group in np.flatnonzero(left)):
            own[np.flatnonzero(~own)[: count - int(own.sum())]] = True


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
