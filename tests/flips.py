"""Networks with one bit of one weight the other way round, and which frames show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hpq_hls.graph import named, plain
from hpq_hls.simulate import LayerSpec, QuantizedGraph, QuantizedLayer, assemble, simulate


def flipped(q: QuantizedGraph, layer: QuantizedLayer, rng: np.random.Generator) -> QuantizedGraph:
    """The network with one bit of a weight of a layer flipped, as it is stored."""
    assert layer.weight_raw is not None and layer.weight_codes is not None and layer.stored_weight_type
    place = tuple(int(rng.integers(size)) for size in layer.weight_raw.shape)
    kind, code = layer.stored_weight_type, int(layer.weight_codes[place])
    bits = (code & ((1 << kind.width) - 1)) ^ (1 << int(rng.integers(kind.width)))
    other = bits - (1 << kind.width) if kind.signed and bits >> (kind.width - 1) else bits
    weight = layer.weight_raw.copy()
    weight[place] = other << (0 if layer.weight_shift is None else int(layer.weight_shift[place[0]]))
    specs = {
        name: LayerSpec(
            weight if name == layer.name else own.weight_raw,
            own.weight_type,
            own.bias_raw,
            own.bias_type,
            own.output_type if own.op.casts else None,
            own.weight_shift,
            own.weight_signs,
            own.tables or None,
        )
        for name, own in q.layers.items()
    }
    return assemble(q.graph, q.input_types, specs, q.examples)


def seen(q: QuantizedGraph, sets: Sequence[Mapping[str, np.ndarray]], flips: int, seed: int = 0) -> list[int]:
    """How many of so many flips change an output word of each set of frames, raw inputs by name.

    Weights are drawn evenly over layers: deep memories would outweigh all others.
    """
    rng, counts = np.random.default_rng(seed), [0] * len(sets)
    joined = {name: np.concatenate([raw[name] for raw in sets]) for name in sets[0]}
    ends = np.cumsum([0, *(len(next(iter(raw.values()))) for raw in sets)])
    right = named(simulate(q, plain(joined)), q.graph.outputs)
    layers = [layer for layer in q.layers.values() if layer.weight_raw is not None]
    for _ in range(flips):
        wrong = flipped(q, layers[rng.integers(len(layers))], rng)
        made = named(simulate(wrong, plain(joined)), q.graph.outputs)
        shown = np.zeros(ends[-1], bool)
        for name, words in right.items():
            shown |= (made[name] != words).reshape(len(words), -1).any(axis=1)
        for number in range(len(sets)):
            counts[number] += bool(shown[ends[number] : ends[number + 1]].any())
    return counts
