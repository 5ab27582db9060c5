"""Inputs that drive a chosen sum inside of a network to its least or its largest value, as far as it goes.

The wish "this sum up" (or down) goes backwards through the network, operator by operator, through the same
map that fine-tuning differentiates (``Operator.differentiable``): a weight's sign says in which direction its
input should move. Each element of the network's input then takes the end of its interval that it is wished
towards; those that nobody asks for stay as they were in the sample that the search started from. The first
time, casts and activations let everything through; after that, only where they did for the best input so far.
Of the elements that are not yet where they are wished, all are moved, or those alone that are wished most
strongly, whichever drives the sum farthest. For a sum of the first layer that is its true extreme; behind
others it is a heuristic.

Everything is counted in integers and powers of two that float64 holds exactly, so that the same network gives
the same inputs wherever it runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpq_hls.graph import plain
from hpq_hls.ops.base import FloatArray, IntArray
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer, simulate_all
from hpq_hls.simulate.coverage import inputs_of
from hpq_hls.simulate.layer import WideArray
from hpq_hls.simulate.probe import Probe, live

if TYPE_CHECKING:
    import torch

PLACES, WEIGHT_PLACES = 20, 12
"""Bits of a wish, relative to the strongest of a sample, and of a weight, relative to the largest of its
layer: sums of a million products of them are exact in float64."""
SHARES = (1.0, 0.3, 0.1)
"""How many of the input's elements are moved at a time."""


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
        self, layer: str, targets: Sequence[Target], base: Mapping[str, IntArray], steps: int
    ) -> tuple[dict[str, IntArray], dict[str, IntArray]]:
        """Inputs by name, (targets, *shape), after the first time, and the best after so many more.

        targets: all of one layer. base: samples to start from, as many as there are targets.
        """
        values = simulate_all(self._q, plain(base))
        first = self._moved(base, self._wishes(layer, targets, values, gated=False), 1.0)
        best, values = first, simulate_all(self._q, plain(first))
        reached = self._reached(layer, targets, values)
        for _ in range(steps):
            wishes, start = self._wishes(layer, targets, values, gated=True), best
            for share in SHARES:
                moved = self._moved(start, wishes, share)
                found = self._reached(layer, targets, simulate_all(self._q, plain(moved)))
                better = np.asarray(found > reached, np.bool_)
                best = {name: _chosen(better, moved[name], part) for name, part in best.items()}
                reached = np.where(better, found, reached)
            values = simulate_all(self._q, plain(best))
        return first, best

    def _moved(
        self, base: Mapping[str, IntArray], wishes: Mapping[str, FloatArray], share: float
    ) -> dict[str, IntArray]:
        """With the elements that are wished elsewhere where they are wished, or of them those alone that are
        wished most strongly: a share of all elements of each sample."""
        ends, strengths = {}, {}
        for name, kind in self._q.input_types.items():
            codes, held, wish = kind.code_interval, base[name], wishes.get(name, np.zeros(()))
            ends[name] = np.where(wish > 0, codes.hi, np.where(wish < 0, codes.lo, held))
            strengths[name] = np.abs(wish) * (ends[name] != held)
        flat = np.concatenate([part.reshape(len(part), -1) for part in strengths.values()], axis=1)
        place = flat.shape[1] - max(int(share * flat.shape[1]), 1)
        least = np.partition(flat, place, axis=1)[:, place]
        return {
            name: np.where(part >= least.reshape(-1, *(1,) * (part.ndim - 1)), ends[name], base[name])
            for name, part in strengths.items()
        }

    def _reached(self, layer: str, targets: Sequence[Target], values: Mapping[str, IntArray]) -> WideArray:
        """How far each target's sum is on its way."""
        probe = self._probes[layer]
        sums = probe.sums(inputs_of(probe.layer, values))
        own = [sums[(number, *self._place(target))] for number, target in enumerate(targets)]
        return np.array([value if target.up else -value for value, target in zip(own, targets, strict=True)])

    def _place(self, target: Target) -> tuple[int, ...]:
        """Of the sum, in the layer's output."""
        place = [size // 2 for size in self._q.graph.shapes[target.layer]]
        place[self._probes[target.layer].axis] = target.channel
        return tuple(place)

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
            for given, part in zip(
                own.inputs, self._pulled(own, _settled(wish, PLACES), values), strict=True
            ):
                wishes[given] = wishes[given] + part if given in wishes else part
        return wishes

    def _start(self, layer: str, targets: Sequence[Target]) -> FloatArray:
        wish = np.zeros((len(targets), *self._q.graph.shapes[layer]))
        for number, target in enumerate(targets):
            wish[(number, *self._place(target))] = 1.0 if target.up else -1.0
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
        held = layer.weight_type.to_float(layer.weight_raw)
        weight = torch.from_numpy(_settled(held[None], WEIGHT_PLACES)[0])
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


def _settled(values: FloatArray, places: int) -> FloatArray:
    """With the largest of each sample brought to about 1, by a power of two, and all rounded to so many bits
    after the point."""
    largest = np.abs(values).reshape(len(values), -1).max(axis=1)
    _, exponents = np.frexp(largest)
    scaled = np.ldexp(values, places - exponents.reshape(-1, *(1,) * (values.ndim - 1)))
    return np.asarray(np.ldexp(np.rint(scaled), -places))


def _chosen(which: npt.NDArray[np.bool_], first: IntArray, second: IntArray) -> IntArray:
    """Sample by sample."""
    return np.where(which.reshape(-1, *(1,) * (first.ndim - 1)), first, second)
