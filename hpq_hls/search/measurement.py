"""What is measured of a precision combination."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """What a combination costs.

    cost: by the objective; smaller is better. excess: by which share the worst limit is exceeded; 0 within
    all limits. weight_bits: memory of weights and biases.
    """

    cost: float
    excess: float
    weight_bits: int


@dataclass(frozen=True)
class Measurement:
    """What was measured of one combination on the validation data.

    accuracy: by the metric; larger is better. error: mean squared difference of the outputs to the float
    network's, as a share of the variance of those.
    """

    accuracy: float
    error: float
    price: Price
