"""Graphs drawn in layers, from top to bottom (Sugiyama, Tagawa and Toda 1981)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

SWEEPS = 8
"""Passes down and up in which nodes of a layer are sorted, and moved, by where their neighbours are."""
LANE = 0.35
"""Width of an edge that passes by a layer, of a node's."""


@dataclass(frozen=True)
class Drawing:
    """Places in units of one node, its middle: column and layer from 0 on.

    nodes: by name. edges: the places that each goes through, both ends included. columns, layers: how large
    it is."""

    nodes: Mapping[str, tuple[float, int]]
    edges: Sequence[tuple[tuple[float, int], ...]]
    columns: float
    layers: int


def draw(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> Drawing:
    """Lay out a graph without circles. edges: from, to; both among ``names``."""
    rank = _ranks(names, edges)
    chains = [_chain(number, edge, rank) for number, edge in enumerate(edges)]
    layers: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in names:
        layers[rank[name]].append(name)
    for chain, (start, _) in zip(chains, edges, strict=True):
        for step, passing in enumerate(chain[1:-1], 1):
            layers[rank[start] + step].append(passing)
    pairs = [pair for chain in chains for pair in itertools.pairwise(chain)]
    above = _neighbours((end, start) for start, end in pairs)
    below = _neighbours(pairs)
    _sort(layers, above, below)
    own = set(names)
    wide = {name: 1.0 if name in own else LANE for layer in layers for name in layer}
    x = _columns(layers, above, below, wide)
    least = min(x[name] - wide[name] / 2 for name in x)
    most = max(x[name] + wide[name] / 2 for name in x)
    at = {name: (x[name] - least, number) for number, layer in enumerate(layers) for name in layer}
    drawn = [tuple(at[name] for name in chain) for chain in chains]
    return Drawing({name: at[name] for name in names}, drawn, most - least, len(layers))


def _ranks(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way from the top, for each node."""
    before: dict[str, list[str]] = {name: [] for name in names}
    for start, end in edges:
        before[end].append(start)
    rank: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        rank[name] = 1 + max((rank[start] for start in before[name]), default=-1)
    return rank


def _chain(number: int, edge: tuple[str, str], rank: Mapping[str, int]) -> list[str]:
    """The nodes of an edge, with one that stands for it in each layer that it passes."""
    start, end = edge
    return [start, *(f"{number}\n{layer}" for layer in range(rank[start] + 1, rank[end])), end]


def _neighbours(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for start, end in pairs:
        found.setdefault(start, []).append(end)
    return found


def _sort(layers: list[list[str]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> None:
    """Order the nodes of each layer by the mean place of their neighbours, so that few edges cross."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        order = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
        beside = above if down else below
        for number in order:
            fixed = {name: place for place, name in enumerate(layers[number - 1 if down else number + 1])}
            mean = {
                name: _middle([fixed[other] for other in beside.get(name, ())], place)
                for place, name in enumerate(layers[number])
            }
            layers[number].sort(key=mean.__getitem__)


def _columns(
    layers: list[list[str]],
    above: Mapping[str, list[str]],
    below: Mapping[str, list[str]],
    wide: Mapping[str, float],
) -> dict[str, float]:
    """Each node below or above the middle of its neighbours, as far as those beside it let it."""
    x: dict[str, float] = {}
    for layer in layers:
        at = -sum(wide[name] for name in layer) / 2
        for name in layer:
            x[name] = at + wide[name] / 2
            at += wide[name]
    for sweep in range(SWEEPS):
        beside = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wish = [_middle([x[other] for other in beside.get(name, ())], x[name]) for name in layer]
            x.update(zip(layer, _apart(wish, [wide[name] for name in layer]), strict=True))
    return x


def _middle(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _apart(wish: list[float], wide: list[float]) -> list[float]:
    """Places as near to those wished for as they can be, in order and without overlap: blocks of neighbours
    that touch share their mean (pool adjacent violators)."""
    offset, offsets = 0.0, []
    for number, width in enumerate(wide):
        offset += (wide[number - 1] + width) / 2 if number else 0.0
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []  # mean of wish minus offset, and how many
    for place, before in zip(wish, offsets, strict=True):
        mean, count = place - before, 1
        while blocks and blocks[-1][0] > mean:
            other, number = blocks.pop()
            mean, count = (mean * count + other * number) / (count + number), count + number
        blocks.append((mean, count))
    shifts = [mean for mean, count in blocks for _ in range(count)]
    return [shift + before for shift, before in zip(shifts, offsets, strict=True)]
