"""The types of the values between layers: where their binary points go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.graph import Graph
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize.moments import InputMoments, as_matrices
from hpq_hls.quantize.scaling import candidate_types, squared_error, thinning


@dataclass(frozen=True, eq=False)
class Observed:
    """Float values of the input or of a casting layer's output on calibration data.

    sample: some of them, flat, with the extremes. signed: whether the type needs a sign.
    """

    sample: FloatArray
    signed: bool


def observe(graph: Graph, data: npt.NDArray[np.generic]) -> dict[str, Observed]:
    """What is seen of the input and of each casting layer (a ReLU's output needs no sign)."""
    wanted = {graph.input_name, *(node.name for node in graph.nodes if node.op.casts)}
    samples: dict[str, list[FloatArray]] = {name: [] for name in wanted}
    for rows, name, part in graph.each_value(data):
        if name in wanted:
            flat = part.reshape(-1)
            step = thinning(len(data) * part[0].size)
            first = -(rows.start * part[0].size) % step
            samples[name] += [flat[first::step].copy(), np.array([flat.min(), flat.max()])]
    seen: dict[str, Observed] = {}
    for name, parts in samples.items():
        sample = np.concatenate(parts)
        node = graph.by_name.get(name)
        signed = bool(sample.min() < 0) if node is None else node.activation is None
        seen[name] = Observed(sample, signed)
    return seen


def readers(graph: Graph, name: str) -> tuple[list[str], bool]:
    """The layers with weights that read a value, directly or behind exact operators, and whether anything
    else does: another casting operator, or whoever takes the network's output."""
    weighted: list[str] = []
    others = graph.output == name
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
    """

    def __init__(self, graph: Graph, name: str, seen: Observed, moments: dict[str, InputMoments]) -> None:
        weighted, others = readers(graph, name)
        self._layers = [(as_matrices(graph.by_name[layer]), moments[layer]) for layer in weighted]
        self._values = seen.sample if others or not weighted else None

    def __call__(self, candidate: FixedType) -> float:
        error = 0.0
        if self._values is not None:
            error += squared_error(candidate, self._values) / _positive(float(self._values.var()))
        for weights, moments in self._layers:
            sample = moments.sample.astype(np.float64).transpose(1, 0, 2)
            change = candidate.to_float(candidate.from_float(sample)) - sample
            power = np.square(np.matmul(change, weights.transpose(0, 2, 1))).sum() / sample.shape[1]
            error += float(power) / _positive(_output_power(weights, moments))
        return error


def _output_power(weights: FloatArray, moments: InputMoments) -> float:
    """Variance of a layer's output, summed over its channels."""
    if moments.covariance.ndim == 2:
        return float((np.square(weights) * moments.covariance[:, None]).sum())
    return float((np.matmul(weights, moments.covariance) * weights).sum())


def _positive(value: float) -> float:
    return value if value > 0 else 1.0


def least_error(
    seen: Observed, width: int, modes: tuple[Rounding, Overflow], error: OutputError
) -> FixedType:
    """Of the types that might suit, the one with the least error; the widest range where several tie."""
    types: Sequence[FixedType] = candidate_types(seen.sample, width, seen.signed, *modes)
    return min(types, key=error)
