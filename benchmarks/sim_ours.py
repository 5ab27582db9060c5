"""Our side of the comparison: every call into hpq_hls whose time or memory is measured."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sim_networks import NETWORKS, FloatArray
from torch import nn

import hpq_hls as hpq
from hpq_hls.quantize import Quantizer

Labels = npt.NDArray[np.int64]
Widths = dict[str, dict[str, int]]


@dataclass(frozen=True)
class SearchSpec:
    """A search: strategy, the widths to choose from, and what it minimizes."""

    strategy: str
    weight_bits: tuple[int, ...]
    activation_bits: tuple[int, ...]
    objective: str = "weight_bits"
    max_drop: float = 0.02

    def __str__(self) -> str:
        weights, activations = (", ".join(map(str, w)) for w in (self.weight_bits, self.activation_bits))
        return f"{self.strategy}, weights {weights}, activations {activations} bit, {self.objective}"


SEARCHES = {
    "mlp": (SearchSpec("exhaustive", (4, 8), (4, 8)), SearchSpec("greedy", (2, 3, 4, 6, 8), (3, 4, 6, 8))),
    "lenet": (SearchSpec("exhaustive", (4, 8), (4, 8)), SearchSpec("greedy", (2, 3, 4, 6, 8), (3, 4, 6, 8))),
    "resnet8": (SearchSpec("greedy", (4, 8), (4, 8)),),
}
"""What the time per combination is averaged over; ResNet-8 has too many layers to be enumerated."""

THOUSAND = (
    SearchSpec("exhaustive", (2, 4, 6, 8), (8,)),
    SearchSpec("exhaustive", (2, 4, 6, 8), (8,), objective="lut"),
    SearchSpec("exhaustive", (4, 8), (4, 8)),
)
"""1,024, 1,024 and 2,048 combinations of LeNet."""


def graph_of(name: str, module: nn.Module) -> hpq.Graph:
    """The float network as hpq_hls sees it."""
    return hpq.from_torch(module, torch.zeros(2, *NETWORKS[name].shape))


def predict(q: hpq.QuantizedGraph, x: FloatArray) -> npt.NDArray[np.int64]:
    """Raw outputs (samples, classes)."""
    return q.predict_raw(x).reshape(len(x), -1)


def random_widths(graph: hpq.Graph, calibration: FloatArray, seed: int) -> Widths:
    """4 to 8 bits for every weight and activation, drawn independently."""
    draw = np.random.default_rng(seed)
    prepared = Quantizer(graph, calibration).graph
    widths: Widths = {prepared.input_name: {"activation": int(draw.integers(4, 9))}}
    for node in prepared.nodes:
        if node.op.casts:
            kinds = ["activation", "weight"] if node.op.weight is not None else ["activation"]
            widths[node.name] = {kind: int(draw.integers(4, 9)) for kind in kinds}
    return widths


def independent(graph: hpq.Graph, calibration: FloatArray, x: FloatArray, widths: Widths) -> dict[str, float]:
    """Seconds for one combination when nothing of any other can be used; calibration stands apart, because
    it is done once for all combinations."""
    start = time.perf_counter()
    quantizer = Quantizer(graph, calibration)
    calibrated = time.perf_counter()
    q = quantizer.quantize(widths)
    quantized = time.perf_counter()
    predict(q, x)
    end = time.perf_counter()
    return {
        "calibrate_s": calibrated - start,
        "quantize_s": quantized - calibrated,
        "predict_s": end - quantized,
        "total_s": end - calibrated,
    }


def search(
    graph: hpq.Graph,
    calibration: FloatArray,
    validation: tuple[FloatArray, Labels],
    spec: SearchSpec,
    jobs: int,
) -> dict[str, Any]:
    """Wall time of a whole search, and how many combinations it evaluated."""
    start = time.perf_counter()
    found = hpq.search(
        graph,
        calibration,
        validation,
        max_drop=spec.max_drop,
        confidence=None,
        objective=spec.objective,
        strategy=spec.strategy,
        weight_bits=spec.weight_bits,
        activation_bits=spec.activation_bits,
        n_jobs=jobs,
    )
    seconds = time.perf_counter() - start
    return {
        "search": str(spec),
        "strategy": spec.strategy,
        "jobs": jobs,
        "evaluations": found.evaluations,
        "wall_s": seconds,
        "per_combination_s": seconds / found.evaluations,
        "float_accuracy": found.float_accuracy,
        "best_accuracy": found.best_point.accuracy,
        "best_weight_bits": found.best_point.weight_bits,
    }
