"""How good a network's outputs are; larger is better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.ops.base import FloatArray, Shape

Metric = Callable[[FloatArray, npt.NDArray[np.generic]], float]


def top1(outputs: FloatArray, labels: npt.NDArray[np.generic]) -> float:
    """Share of samples whose largest output is the labelled class; the first of equals counts."""
    return float((outputs.reshape(len(outputs), -1).argmax(axis=1) == labels).mean())


def negative_mse(outputs: FloatArray, targets: npt.NDArray[np.generic]) -> float:
    """Minus the mean squared error."""
    difference = outputs.reshape(len(outputs), -1) - targets.reshape(len(targets), -1).astype(np.float64)
    return -float(np.square(difference).mean())


METRICS: dict[str, Metric] = {"top1": top1, "mse": negative_mse}


def find_metric(name: str) -> Metric:
    """The metric called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in METRICS:
        raise ConfigError(f"there is no metric {name!r}; choose one of {', '.join(METRICS)}")
    return METRICS[name]


def check_targets(
    metric: str, y: npt.ArrayLike, samples: int, output_shape: Shape
) -> npt.NDArray[np.generic]:
    """Labels or targets as an array that the metric can use.

    Raises:
        DataError: wrong number, shape or type, a label that is no class, or a value that is not finite.
    """
    if hasattr(y, "detach"):
        y = y.detach().cpu().numpy()
    targets = np.asarray(y)
    if targets.dtype.kind not in "fiub" or (targets.dtype.kind == "f" and not np.isfinite(targets).all()):
        raise DataError(f"y must hold finite numbers, not {targets.dtype}; clean or encode the labels first")
    if len(targets.reshape(-1)) == 0 or targets.shape[:1] != (samples,):
        raise DataError(
            f"y has shape {targets.shape} but x has {samples} samples; give one label for each sample"
        )
    classes = int(np.prod(output_shape))
    if metric == "mse":
        if targets.size != samples * classes:
            raise DataError(
                f"y has shape {targets.shape} but the network's output is (batch, {output_shape})"
            )
        return targets
    if targets.ndim != 1:
        raise DataError(
            f"y has shape {targets.shape}; metric {metric} takes class numbers of shape ({samples},)"
        )
    labels = targets.astype(np.int64)
    if (labels != targets).any() or labels.min() < 0 or labels.max() >= classes:
        raise DataError(f"y must hold class numbers from 0 to {classes - 1}, the network's outputs")
    return labels
