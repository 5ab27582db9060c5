"""How a layer runs that looks its output up: one indexing operation, at the speed of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpq_hls.ops.base import Operator
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.simulate.layer import QuantizedLayer

FLOAT32_BOUND = 2**24
"""Up to this magnitude float32 holds every integer."""
FLOAT64_BOUND = 2**53


@dataclass(frozen=True, eq=False)
class TablePlan:
    """A table in the number type of its words.

    words: of the codes from ``lowest`` on. dtype: of the places in the table.
    """

    op: Operator
    words: Array
    lowest: int
    dtype: np.dtype[np.generic]

    @classmethod
    def of(cls, layer: QuantizedLayer, *, integers: bool = False) -> TablePlan:
        """The plan of a layer; integers: in int64, else in the floats that other layers run in."""
        (words,) = layer.tables.values()
        peak = int(np.abs(words).max())
        if not integers and peak <= FLOAT64_BOUND:
            words = words.astype(np.float32 if peak <= FLOAT32_BOUND else np.float64)
        return cls(layer.op, words, layer.input_edges[0].interval.lo, np.dtype(np.intp))

    def run(self, inputs: Sequence[Array], scratch: Scratch) -> Array:
        """The layer's raw output; raw inputs in any number type; batch last."""
        (raw,) = inputs
        places = scratch.array("places", raw.shape, self.dtype)
        np.copyto(places, raw, casting="unsafe")  # a byte less its lowest code would not fit a byte
        if self.lowest:
            places -= self.lowest
        result = scratch.result(raw.shape, self.words.dtype)
        # Both lie in memory alike: taken in that order, neither is copied.
        order = np.argsort([-step for step in places.strides], kind="stable")
        np.take(self.words, places.transpose(order), out=result.transpose(order), mode="clip")
        return result
