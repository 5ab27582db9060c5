"""How training runs, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hpq_hls.errors import ConfigError


class Loss(Enum):
    """What the outputs of the quantized network are compared with.

    DISTILLATION: the float network's outputs as probabilities of classes.
    COMBINED: both that and class numbers.
    IMITATION: the float network's outputs, by mean squared difference.
    CROSS_ENTROPY: class numbers.
    MSE: target values, by mean squared difference.
    """

    DISTILLATION = "distillation"
    COMBINED = "combined"
    IMITATION = "imitation"
    CROSS_ENTROPY = "cross_entropy"
    MSE = "mse"

    @property
    def needs_targets(self) -> bool:
        """Whether the training data must come with y."""
        return self in (Loss.COMBINED, Loss.CROSS_ENTROPY, Loss.MSE)

    @property
    def needs_teacher(self) -> bool:
        """Whether the float network's outputs are looked at."""
        return self in (Loss.DISTILLATION, Loss.COMBINED, Loss.IMITATION)

    @property
    def of_classes(self) -> bool:
        """Whether the outputs are those of a classifier."""
        return self in (Loss.DISTILLATION, Loss.COMBINED, Loss.CROSS_ENTROPY)


@dataclass(frozen=True)
class Settings:
    """What ``finetune`` takes beside networks and data; see there."""

    loss: Loss
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int


def check_settings(loss: Any, epochs: Any, batch_size: Any, learning_rate: Any, seed: Any) -> Settings:
    """The settings as they are used.

    Raises:
        ConfigError: one of them is impossible.
    """
    try:
        chosen = Loss(loss)
    except ValueError as error:
        names = ", ".join(item.value for item in Loss)
        raise ConfigError(f"loss is {loss!r}; choose one of {names}") from error
    for name, value, least in (("epochs", epochs, 1), ("batch_size", batch_size, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
            raise ConfigError(f"{name} is {value!r}; give a whole number of at least {least}")
    number = isinstance(learning_rate, (int, float)) and not isinstance(learning_rate, bool)
    if not number or not 0 < learning_rate < math.inf:
        raise ConfigError(f"learning_rate is {learning_rate!r}; give a number above 0, such as 0.01")
    return Settings(chosen, int(epochs), int(batch_size), float(learning_rate), int(seed))
