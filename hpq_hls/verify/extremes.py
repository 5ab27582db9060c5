"""Inputs that drive a chosen sum inside of a network to its least or its largest value, as far as it goes.

The wish "this sum up" (or down) goes backwards through the network, operator by operator, through the same
map that fine-tuning differentiates (``Operator.differentiable``): a weight's sign says in which direction its
input should move. Each element of the network's input then takes the end of its interval that it is wished
towards; those that nobody asks for stay as they were in the sample that the search started from. The first
time, casts and activations let everything through; the second time, only where they did for the input found
the first time. For a sum of the first layer that is its true extreme; behind others it is a heuristic.

Everything is counted in integers and powers of two that float64 holds exactly, so that the same network gives
the same inputs wherever it runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpq_hls.ops.base import FloatArray, IntArray
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer, simulate_all
from hpq_hls.simulate.coverage import inputs_of
from hpq_hls.simulate.probe import Probe, live

if TYPE_CHECKING:
    import torch

PLACES = 20
"""Bits of a wish, relative to the strongest of a tensor: sums of products with weights stay exact."""


@dataclass(frozen=True)
class Target:
    """A sum. layer, channel: whose; in the middle of its positions. up: to its largest value, else its
    least."""

    layer: str
    channel: int
    up: bool

    def __str__(self) -> str:
        return f"{self.layer}, channel {self.channel} {'highest' if self.up else 'lowest'}"


class Backwards:
    """Carries wishes from sums back to the inputs of one network."""

    def __init__(self, q: QuantizedGraph, probes: Mapping[str, Probe]) -> None:
        self._q, self._probes = q, probes
        self._parameters = {name: _parameters(layer) for name, layer in q.layers.items()}
        self._needed = {name: _needed(q, name) for name in q.layers}

    def drive(
        self, layer: str, targets: Sequence[Target], base: Mapping[str, IntArray]
    ) -> tuple[dict[str, IntArray], dict[str, IntArray]]:
        """Inputs by name, (targets, *shape), after the first time and after the second.

        targets: all of one layer. base: samples to start from, as many as there are targets.
        """
        first = self._moved(layer, targets, base, gated=False)
        return first, self._moved(layer, targets, first, gated=True)

    def _moved(
        self, layer: str, targets: Sequence[Target], base: Mapping[str, IntArray], *, gated: bool
    ) -> dict[str, IntArray]:
        values = simulate_all(self._q, base)
        wishes = self._wishes(layer, targets, values, gated=gated)
        moved = {}
        for name, kind in self._q.input_types.items():
            codes, wish = kind.code_interval, wishes.get(name)
            held = base[name]
            if wish is not None:
                held = np.where(wish > 0, codes.hi, np.where(wish < 0, codes.lo, held))
            moved[name] = np.asarray(held)
        return moved

    def _wishes(
        self, layer: str, targets: Sequence[Target], values: Mapping[str, IntArray], *, gated: bool
    ) -> dict[str, FloatArray]:
        """In which direction every value should move, by name, for those that the layer depends on."""
        wishes = {layer: self._start(layer, targets)}
        for name in self._needed[layer]:
            wish = wishes.pop(name, None)
            if wish is None:
                continue
            own = self._q.layers[name]
            if gated and name != layer and name in self._probes:
                wish = wish * self._gate(name, values)
            for given, part in zip(own.inputs, self._pulled(own, _settled(wish), values), strict=True):
                wishes[given] = wishes[given] + part if given in wishes else part
        return wishes

    def _start(self, layer: str, targets: Sequence[Target]) -> FloatArray:
        shape, axis = self._q.graph.shapes[layer], self._probes[layer].axis
        wish = np.zeros((len(targets), *shape))
        for number, target in enumerate(targets):
            place = [size // 2 for size in shape]
            place[axis] = target.channel
            wish[(number, *place)] = 1.0 if target.up else -1.0
        return wish

    def _gate(self, name: str, values: Mapping[str, IntArray]) -> FloatArray:
        """1 where a change of the sum would change the layer's output, else 0."""
        probe = self._probes[name]
        if probe.ends is None:
            return np.ones(())
        return live(probe.casts(probe.sums(inputs_of(probe.layer, values)))).astype(np.float64)

    def _pulled(
        self, layer: QuantizedLayer, wish: FloatArray, values: Mapping[str, IntArray]
    ) -> list[FloatArray]:
        """What the wish for a layer's sums asks of each of its inputs."""
        import torch

        if layer.op.looks_up:
            return [wish * _slopes(layer, values[layer.inputs[0]])]
        types = [edge.type for edge in layer.input_edges]
        given = [
            torch.from_numpy(kind.to_float(values[name])).requires_grad_()
            for name, kind in zip(layer.inputs, types, strict=True)
        ]
        made = layer.op.differentiable(given, *self._parameters[layer.name])
        if not made.requires_grad:  # the place of the largest value, say
            return [np.zeros(tuple(x.shape)) for x in given]
        wished = (made * torch.from_numpy(np.ascontiguousarray(wish))).sum()
        pulled = torch.autograd.grad(wished, given, allow_unused=True)
        return [
            np.zeros(tuple(x.shape)) if part is None else np.nan_to_num(part.numpy(), posinf=0, neginf=0)
            for x, part in zip(given, pulled, strict=True)
        ]


def _needed(q: QuantizedGraph, layer: str) -> list[str]:
    """The layers that one depends on, itself included, from the last to the first."""
    needed = {layer}
    order = list(q.layers.values())
    for item in reversed(order):
        if item.name in needed:
            needed.update(item.inputs)
    return [item.name for item in reversed(order) if item.name in needed]


def _parameters(layer: QuantizedLayer) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Weights and biases as values; the constant of an operator that has one."""
    import torch

    weight: Any = None
    if layer.weight_raw is not None and layer.weight_type is not None:
        weight = torch.from_numpy(layer.weight_type.to_float(layer.weight_raw))
    elif layer.op.constant is not None:
        constant = layer.op.constant
        weight = torch.tensor(constant.raw * constant.type.scale, dtype=torch.float64)
    bias = None
    if layer.bias_raw is not None and layer.bias_type is not None:
        bias = torch.from_numpy(layer.bias_type.to_float(layer.bias_raw))
    return weight, bias


def _slopes(layer: QuantizedLayer, codes: IntArray) -> FloatArray:
    """In which direction the words of a table go at each code, and how steeply."""
    (words,) = layer.tables.values()
    places = codes - layer.input_edges[0].interval.lo
    last = len(words) - 1
    after, before = words[np.minimum(places + 1, last)], words[np.maximum(places - 1, 0)]
    return (after - before).astype(np.float64)


def _settled(wish: FloatArray) -> FloatArray:
    """With the strongest of each sample brought to about 1, by a power of two, and all rounded to ``PLACES``
    bits after the point."""
    flat = np.abs(wish).reshape(len(wish), -1).max(axis=1)
    _, exponents = np.frexp(flat)
    scaled = np.ldexp(wish, PLACES - exponents.reshape(-1, *(1,) * (wish.ndim - 1)))
    return np.asarray(np.ldexp(np.rint(scaled), -PLACES))
