"""Quantized networks in which output channels have scales of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hpq_hls.fixed import FixedType
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.layer import LayerSpec
from hpq_hls.simulate.quantized_graph import assemble

IntArray = np.ndarray


def random_shift(rng: np.random.Generator, channels: int) -> IntArray:
    """0 for some channel; up to 7 for others, or only 1, or 0 for all of them."""
    shift = rng.integers(0, 1 + int(rng.choice([0, 1, 1, 2, 3, 5, 7])), channels)
    return shift - shift.min()


def with_shifts(
    q: QuantizedGraph, seed: int = 0, draw: Callable[[np.random.Generator, int], IntArray] = random_shift
) -> QuantizedGraph:
    """The same integers as codes of a network whose channels are shifted. The largest keep their scale."""
    rng = np.random.default_rng(seed)
    specs = {name: _spec(layer, draw, rng) for name, layer in q.layers.items()}
    return assemble(q.graph, q.input_type, specs, q.example_inputs)


def with_signs(q: QuantizedGraph, seed: int = 0, *, shifted: bool = True) -> QuantizedGraph:
    """The same with random signs as weights, in channels with scales of their own if ``shifted``."""
    rng = np.random.default_rng(seed)
    specs = {}
    for name, layer in q.layers.items():
        spec = _spec(layer, lambda _, channels: np.zeros(channels, np.int64), rng)
        if layer.weight_raw is not None:
            assert layer.weight_type is not None
            channels = len(layer.weight_raw)
            shift = random_shift(rng, channels) if shifted else np.zeros(channels, np.int64)
            signs = rng.choice(np.array([-1, 1]), layer.weight_raw.shape)
            most = int(shift.max())
            # The magnitude of a usual weight, so that outputs are not all saturated or zero.
            kind = FixedType(2 + most, layer.weight_type.integer - 1 + most)
            aligned = signs << shift.reshape((-1,) + (1,) * (signs.ndim - 1))
            spec = replace(spec, weight_raw=aligned, weight_type=kind, weight_shift=shift, weight_signs=True)
        specs[name] = spec
    return assemble(q.graph, q.input_type, specs, q.example_inputs)


def _spec(
    layer: QuantizedLayer, draw: Callable[[np.random.Generator, int], IntArray], rng: np.random.Generator
) -> LayerSpec:
    spec = LayerSpec(
        layer.weight_raw,
        layer.weight_type,
        layer.bias_raw,
        layer.bias_type,
        layer.output_type if layer.op.casts else None,
    )
    if layer.weight_raw is None or layer.weight_type is None:
        return spec
    shift = draw(rng, len(layer.weight_raw))
    kind = layer.weight_type
    aligned = layer.weight_raw << shift.reshape((-1,) + (1,) * (layer.weight_raw.ndim - 1))
    widened = replace(kind, width=kind.width + int(shift.max()))
    assert isinstance(widened, FixedType)
    return replace(spec, weight_raw=aligned, weight_type=widened, weight_shift=shift)
