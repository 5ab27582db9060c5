"""What is measured of a precision combination."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """What a combination costs, known without running it.

    cost: by the objective; smaller is better. weight_bits: memory of weights and biases. slacks: for each
    bound, in the pricer's order, by which share of it the figure lies above it; at most 0 within it.
    """

    cost: float
    weight_bits: int
    slacks: tuple[float, ...] = ()

    @property
    def excess(self) -> float:
        """By which share the worst bound is exceeded; 0 within all of them."""
        return max(0.0, max(self.slacks, default=0.0))


@dataclass(frozen=True)
class Seen:
    """What simulating a combination shows, whatever its network costs.

    accuracy: by the metric; larger is better. error: mean squared difference of the outputs to the float
    network's, as a share of the variance of those. noise, risk: on the samples that are searched on, see
    ``Reading``.
    """

    accuracy: float
    error: float
    noise: float
    risk: float


@dataclass(frozen=True)
class Measurement(Seen):
    """What was measured of one combination on the validation data. others: what searches on other samples
    of the same data see of it, in the order of ``Task.others``."""

    price: Price
    others: tuple[Seen, ...] = ()

    @property
    def seen(self) -> Seen:
        """What has nothing to do with the price."""
        return Seen(self.accuracy, self.error, self.noise, self.risk)
