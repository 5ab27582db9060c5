"""hpq_hls.finetune: a quantized network trained on at its precisions, judged by the exact simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.finetune.result import Epoch, FinetuneProgress, FinetuneResult, Progress, tuned_graph
from hpq_hls.finetune.settings import Loss, Settings, check_settings
from hpq_hls.graph import Graph, Inputs, check_inputs, plain
from hpq_hls.ops.base import Shape
from hpq_hls.search.metric import Function, Kind, Metric, check_targets, find_metric
from hpq_hls.search.scored import part_of, scored_output, values_of
from hpq_hls.simulate import QuantizedGraph

if TYPE_CHECKING:
    from hpq_hls.finetune.training import Training

Pair = tuple[Any, Any]
Targets = npt.NDArray[np.generic]


def finetune(
    q: QuantizedGraph,
    train: Any,
    validation: Pair,
    *,
    loss: str | Loss | None = None,
    epochs: int = 5,
    batch_size: int = 64,
    learning_rate: float = 0.01,
    metric: str | Function | Metric = "top1",
    output: str | None = None,
    teacher: Graph | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> FinetuneResult:
    """Train the parameters of a quantized network on; its types stay, and with them the memory it takes.

    Logic and cycles follow the integers, though (accumulators are as wide as the weights' values need, adder
    graphs are made of them), so that what comes out may cost a little more or less: estimate it again.

    Torch computes what the hardware computes (docs/numerics.md): parameters rounded to their types, sums,
    every cast. Backwards, roundings count as the identity: the straight-through estimator of Bengio et al.
    2013, arXiv 1308.3432, in training as of Jacob et al. 2017, arXiv 1712.05877. After every epoch the
    integers are taken and measured by the exact simulation; the best are returned.

    q: from ``quantize`` or ``search``. train: inputs (samples, *input_shape), or a pair (x, y); several
    inputs by name. validation: (x, y) for the metric. output: of a network with several, the one that loss
    and metric are of, chosen as in ``search``; the others follow those of the float network.

    loss: "distillation" (follow the float network's classes; needs no y), "cross_entropy" (y holds class
    numbers), "combined" (the sum of both), "imitation" (follow the float network's outputs as numbers; needs
    no y) or "mse" (y holds targets). None is imitation for one output and for the metrics "mse" and "mae",
    else combined where there is y, else distillation. learning_rate: of Adam, as a share of a layer's typical
    parameter; falls to zero along a cosine. metric: as in ``search``. teacher: the float network to follow;
    None is the one that ``q`` came from. seed: for the order of the samples; nothing else is drawn, and
    torch's own generator and threads stay as they are. progress: called after every step.

    The same call gives the same integers on the same machine, however many processors it has.

    Raises:
        ConfigError: an impossible setting, a loss that does not suit the network, or one that diverges.
        DataError: data that does not fit the network.
    """
    measure = find_metric(metric)
    if not _is_pair(validation):
        raise DataError("validation must be a pair (x, y) of inputs and labels; give both")
    output = scored_output(q.graph, output, validation[1])
    shape = q.output_shapes[output]
    loss = _usual_loss(shape, measure, train) if loss is None else loss
    settings = check_settings(loss, epochs, batch_size, learning_rate, seed)
    teacher = q.graph if teacher is None else teacher
    _check_network(q, settings, teacher, shape)
    x, y = _training_data(q, settings, train, output)
    x_val = check_inputs(validation[0], q.graph.inputs)
    y_val = check_targets(measure, part_of(validation[1], output), len(x_val), shape)

    def accuracy(tuned: QuantizedGraph) -> float:
        return measure(values_of(tuned.predict(x_val), output), y_val)

    from hpq_hls.finetune.training import Training, undisturbed  # takes torch, which import hpq_hls does not

    with undisturbed():
        training = Training(q, settings, x, y, teacher, output)
        return _best(q, training, accuracy, measure.name, progress)


def _best(
    start: QuantizedGraph,
    training: Training,
    accuracy: Callable[[QuantizedGraph], float],
    metric: str,
    progress: Progress | None,
) -> FinetuneResult:
    """Train all epochs; the best of them, the later one of equals, if it beats the start."""
    before = best_accuracy = accuracy(start)
    best, best_epoch = start, 0
    history: list[Epoch] = []
    epochs = training.settings.epochs

    def report(step: int, epoch: int, loss: float) -> None:
        if progress is not None:
            progress(FinetuneProgress(step, training.steps, epoch, epochs, loss, best_accuracy))

    for number in range(1, epochs + 1):
        loss = training.epoch(number, report)
        q = training.quantized()
        found = accuracy(q)
        history.append(Epoch(number, loss, found))
        if found > before and found >= best_accuracy:
            best, best_accuracy, best_epoch = q, found, number
    return FinetuneResult(
        best=best,
        graph=tuned_graph(best),
        accuracy_before=before,
        accuracy_after=best_accuracy,
        history=tuple(history),
        best_epoch=best_epoch,
        metric=metric,
    )


def _usual_loss(shape: Shape, metric: Metric, train: Any) -> Loss:
    """The loss that suits an output of a shape and the training data."""
    if math.prod(shape) == 1 or metric.kind is Kind.LOSS:
        return Loss.IMITATION
    labelled = _is_pair(train) and metric.kind in (Kind.SHARE, Kind.AREA)
    return Loss.COMBINED if labelled else Loss.DISTILLATION


def _check_network(q: QuantizedGraph, settings: Settings, teacher: Graph, shape: Shape) -> None:
    """Check that the network has something to train and an output, of a shape, that the loss can use."""
    if all(layer.weight_raw is None for layer in q.layers.values()):
        raise ConfigError(f"network {q.name!r} has no weights, so there is nothing to fine-tune")
    if settings.loss.of_classes and math.prod(shape) < 2:
        raise ConfigError(
            f"loss {settings.loss.value} compares classes, and network {q.name!r} has one output; choose "
            "imitation or mse"
        )
    for what, own, given in (
        ("takes", q.input_shapes, teacher.inputs),
        ("returns", q.output_shapes, teacher.output_shapes),
    ):
        single = len(own) == 1 == len(given)
        if tuple(own.values()) != tuple(given.values()) if single else dict(own) != dict(given):
            raise ConfigError(
                f"the teacher {what} {plain(given)} and the quantized network {plain(own)}; give the float "
                "network that was quantized"
            )


def _training_data(
    q: QuantizedGraph, settings: Settings, train: Any, output: str
) -> tuple[Inputs, Targets | None]:
    """Inputs, and targets where the loss needs them."""
    x, y = train if _is_pair(train) else (train, None)
    data = check_inputs(x, q.graph.inputs)
    if not settings.loss.needs_targets:
        return data, None
    if y is None:
        raise DataError(
            f"loss {settings.loss.value} needs labels; give the training data as a pair (x, y), or choose "
            "distillation or imitation"
        )
    metric = "top1" if settings.loss.of_classes else "mse"
    return data, check_targets(metric, part_of(y, output), len(data), q.output_shapes[output])


def _is_pair(given: Any) -> bool:
    return isinstance(given, (tuple, list)) and len(given) == 2
