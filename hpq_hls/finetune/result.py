"""What fine-tuning found, and what it says while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hpq_hls.graph import Graph, Node
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data.

    number: from 1. loss: mean over the batches while they were trained. accuracy: of the integers that
        the epoch ended with, measured bit-exactly on the validation data.
    """

    number: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class FinetuneProgress:
    """Where training stands, after every step.

    step of steps: batches done and to do, all epochs together. epoch of epochs: the one that runs, from 1.
    loss: of the last batch. accuracy: the best so far on the validation data, bit-exact.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    accuracy: float


Progress = Callable[[FinetuneProgress], None]


@dataclass(frozen=True, eq=False, repr=False)
class FinetuneResult:
    """The best network that fine-tuning saw.

    best: with the types and widths that training started from; the start itself where no epoch was better.
    graph: the float network whose parameters are the values that ``best`` computes with, batch-norm folded
        and ReLU fused.
    accuracy_before, accuracy_after: of the start and of ``best`` on the validation data, bit-exact; larger
        is better.
    history: one entry per epoch.
    best_epoch: the number of the epoch that ``best`` comes from, 0 for the start.
    metric: its name.
    """

    best: QuantizedGraph
    graph: Graph
    accuracy_before: float
    accuracy_after: float
    history: tuple[Epoch, ...]
    best_epoch: int
    metric: str

    def __repr__(self) -> str:
        return (
            f"FinetuneResult({self.metric} {self.accuracy_before:.6g} -> {self.accuracy_after:.6g}, "
            f"epoch {self.best_epoch} of {len(self.history)})"
        )


def tuned_graph(q: QuantizedGraph) -> Graph:
    """The float network whose parameters are the values that ``q`` computes with."""
    return replace(q.graph, nodes=tuple(_tuned(node, q.layers[node.name]) for node in q.graph.nodes))


def _tuned(node: Node, layer: QuantizedLayer) -> Node:
    if layer.weight_raw is None or layer.weight_type is None:
        return node
    weights = layer.weight_type.to_float(layer.weight_raw)
    if layer.bias_raw is None or layer.bias_type is None:
        return replace(node, op=node.op.with_parameters(weights, None))
    return replace(node, op=node.op.with_parameters(weights, layer.bias_type.to_float(layer.bias_raw)))
