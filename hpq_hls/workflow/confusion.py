"""Which classes a network takes for which."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpq_hls.search.metric import Kind
from hpq_hls.search.scored import values_of
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.workflow.workspace import Workspace


@dataclass(frozen=True)
class Confusion:
    """Classes of a split's samples and those that the quantized network gives them, the largest output's.

    counts: (labelled, given, samples) for each pair that occurs; float_counts: the same of the float network.
    """

    split: str
    classes: int
    counts: tuple[tuple[int, int, int], ...]
    float_counts: tuple[tuple[int, int, int], ...]


def confusion_of(work: Workspace, q: QuantizedGraph) -> Confusion | None:
    """None where no split is labelled with classes, or the network has no output for each of them."""
    data = work.scored
    if data is None or data.y is None or work.metric.kind not in (Kind.SHARE, Kind.AREA):
        return None
    classes = math.prod(q.output_shapes[data.output] if data.output else q.output_shape)
    labels = np.asarray(data.y)
    if classes < 2 or labels.ndim != 1:
        return None
    outputs = values_of(q.predict(data.x), data.output)

    def counts(given: np.ndarray) -> tuple[tuple[int, int, int], ...]:
        chosen = given.reshape(len(given), -1).argmax(axis=1)
        pairs, found = np.unique(np.stack([labels.astype(np.int64), chosen]), axis=1, return_counts=True)
        return tuple((int(a), int(b), int(n)) for a, b, n in zip(*pairs, found, strict=True))

    return Confusion(data.split, classes, counts(outputs), counts(work.float_outputs))
