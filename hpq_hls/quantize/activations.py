"""The types of the values between layers: where their binary points go."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.graph import Graph, Inputs, finite
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize.headroom import PREMIUM, SPARE_BITS, Tail
from hpq_hls.quantize.moments import InputMoments, as_matrices
from hpq_hls.quantize.scaling import (
    COARSEST,
    FINEST,
    MAX_SAMPLES,
    candidate_types,
    cast_error,
    squared_error,
    thinning,
)

HOPELESS = 1000.0
"""Types that make so many times the error of the best in the values themselves are not tried on the layers
that read them."""


@dataclass(frozen=True, eq=False)
class Observed:
    """Float values of the input or of a casting layer's output on calibration data.

    sample: some of them, flat, with the extremes. signed: whether the type needs a sign. tail: what to expect
    beyond the extremes.
    """

    sample: FloatArray
    signed: bool
    tail: Tail


def observe(graph: Graph, data: Inputs) -> dict[str, Observed]:
    """What is seen of the inputs and of each casting layer."""
    wanted = {*graph.inputs, *(node.name for node in graph.nodes if node.op.casts)}
    samples: dict[str, list[FloatArray]] = {name: [] for name in wanted}
    peaks: dict[str, list[FloatArray]] = {name: [] for name in wanted}
    for rows, name, part in graph.each_value(data):
        if name in wanted:
            size = part[0].size
            flat = finite(part).reshape(-1)
            step = thinning(len(data) * size // MAX_SAMPLES, size)
            first = -(rows.start * size) % step
            samples[name] += [flat[first::step].copy(), np.array([flat.min(), flat.max()])]
            peaks[name].append(np.abs(flat).reshape(len(part), size).max(axis=1))
    known = {name: min(float(part.min()) for part in samples[name]) >= 0 for name in graph.inputs}
    unsigned = never_negative(graph, known)
    return {
        name: Observed(
            np.concatenate(parts),
            signed=not unsigned[name],
            tail=Tail.of(np.concatenate(peaks[name]), math.prod(graph.shapes[name])),
        )
        for name, parts in samples.items()
    }


def never_negative(graph: Graph, known: bool | Mapping[str, bool]) -> dict[str, bool]:
    """Of which values of the float network it is known that they cannot be negative. known: of the inputs, of
    all or by name."""
    found = {name: known if isinstance(known, bool) else known[name] for name in graph.inputs}
    for node in graph.nodes:
        own = node.op.never_negative([found[name] for name in node.inputs])
        found[node.name] = own if node.activation is None else node.activation.never_negative([own])
    return found


def readers(graph: Graph, name: str) -> tuple[list[str], bool]:
    """The layers with weights that read a value, directly or behind exact operators, and whether anything
    else does: another casting operator, or whoever takes the network's output."""
    weighted: list[str] = []
    others = name in graph.results
    for node in graph.consumers(name):
        if node.op.weight is not None:
            weighted.append(node.name)
        elif node.op.casts:
            others = True
        else:
            behind, more = readers(graph, node.name)
            weighted += behind
            others = others or more
    return weighted, others


class OutputError:
    """The error that a type of a value makes in the outputs of the layers that read it.

    Of each layer with weights: mean squared difference of its output on sampled patches, with the inputs as
    rounded and with those of the float network, relative to the output's variance. Of everything else: the
    same of the value itself. Exact operators in between (max pooling, ReLU, moving elements) never reverse
    the order of values, so rounding behind them is rounding in front of them.

    gain: what independent errors of the values, of mean square 1, would make.
    """

    def __init__(self, graph: Graph, name: str, seen: Observed, moments: dict[str, InputMoments]) -> None:
        weighted, others = readers(graph, name)
        self._values = seen.sample if others or not weighted else None
        self._own = self.gain = 0.0
        if self._values is not None:
            self._own = self.gain = 1.0 / _positive(float(seen.sample.var()))
        self._layers = []
        for layer in weighted:
            weights = as_matrices(graph.by_name[layer])
            power = _positive(_output_power(weights, moments[layer]))
            sample = moments[layer].sample.astype(np.float64).transpose(1, 0, 2)
            self._layers.append((sample, weights.transpose(0, 2, 1), 1.0 / power))
            self.gain += float(np.square(weights).sum()) / power

    def __call__(self, candidate: FixedType) -> float:
        error = 0.0
        if self._values is not None:
            error += squared_error(candidate, self._values) * self._own
        for sample, weights, gain in self._layers:
            change = np.matmul(cast_error(candidate, sample), weights)
            error += float(np.square(change, out=change).sum()) / sample.shape[1] * gain
        return error


def _output_power(weights: FloatArray, moments: InputMoments) -> float:
    """Variance of a layer's output, summed over its channels."""
    if moments.covariance.ndim == 2:
        return float((np.square(weights) * moments.covariance[:, None]).sum())
    return float((np.matmul(weights, moments.covariance) * weights).sum())


def _positive(value: float) -> float:
    return value if value > 0 else 1.0


def value_error(seen: Observed) -> Callable[[FixedType], float]:
    """The mean squared error that a type makes in the values themselves, as far as they were seen."""
    return lambda candidate: squared_error(candidate, seen.sample)


def least_error(
    seen: Observed,
    width: int,
    modes: tuple[Rounding, Overflow],
    error: OutputError | None = None,
) -> FixedType:
    """Of the types that might suit, the one with the least error; the widest range where several tie. It gets
    as much room for the largest values, seen and unseen, as its width can afford.

    error: None: that of the values themselves.
    """
    by_value = value_error(seen)
    measured, gain = (by_value, 1.0) if error is None else (error, error.gain)
    types = candidate_types(seen.sample, width, seen.signed, *modes)
    if error is not None and len(types) > 1:
        own = [by_value(kind) for kind in types]
        types = [kind for kind, found in zip(types, own, strict=True) if found <= HOPELESS * min(own)]
    errors = [measured(kind) for kind in types]
    least = min(errors)
    best = types[errors.index(least)]
    most = min(types[0].integer + SPARE_BITS, width - COARSEST)
    while best.integer < most and best.fraction < FINEST:
        wider = best.replace(integer=best.integer + 1)
        saved = gain * (seen.tail.error(best) - seen.tail.error(wider))
        found = measured(wider)
        if saved <= 0 or saved < PREMIUM * (found - least):
            break
        best, least = wider, found
    return best
