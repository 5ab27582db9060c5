"""What is known of one precision combination."""

from __future__ import annotations

from dataclasses import dataclass

from hpq_hls.quantize import Precision

ROUNDING_ERROR = 1e-9
"""An accuracy this far below the least counts as equal: differences of decimal fractions are not exact."""


@dataclass(frozen=True, eq=False)
class Point:
    """One precision combination: accuracy measured bit-exactly on the validation data, and its cost.

    accuracy: by the metric; larger is better. cost: by the objective. weight_bits: memory of weights and
    biases. error: mean squared difference of the outputs to the float network's, as a share of the variance
    of those. excess: by which share the worst limit (see ``Limits``) is exceeded; 0 within all. noise, risk:
    what a ``Gauge`` reads on the samples that are searched on.
    """

    accuracy: float
    cost: float
    precision: Precision
    weight_bits: int
    error: float = 0.0
    excess: float = 0.0
    noise: float = 0.0
    risk: float = 0.0
