"""What training minimises, in torch."""

from __future__ import annotations

import torch
from torch.nn import functional

from hpq_hls.finetune.settings import Loss

TEMPERATURE = 3.0
"""By how much outputs are divided before they become probabilities, so that all classes tell something."""


def loss_of(
    loss: Loss, outputs: torch.Tensor, taught: torch.Tensor | None, y: torch.Tensor | None
) -> torch.Tensor:
    """The mean loss of a batch, shape ().

    outputs: (batch, *output_shape). taught: the float network's outputs. y: class numbers or targets.
    """
    flat = outputs.flatten(1)
    if loss is Loss.CROSS_ENTROPY:
        assert y is not None
        return functional.cross_entropy(flat, y)
    if loss is Loss.MSE:
        assert y is not None
        return functional.mse_loss(flat, y.reshape(flat.shape))
    assert taught is not None
    if loss is Loss.IMITATION:
        return functional.mse_loss(flat, taught.reshape(flat.shape))
    divergence = _divergence(flat, taught.reshape(flat.shape))
    if y is None:
        return divergence
    return divergence + functional.cross_entropy(flat, y)


def _divergence(given: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Divergence of softened probabilities, section 2 of Hinton et al. 2015, arXiv 1503.02531.

    It is not multiplied by the square of the temperature as there, so that labels weigh more than a float
    network that may be wrong.
    """
    found = functional.log_softmax(given / TEMPERATURE, 1)
    asked = functional.log_softmax(wanted / TEMPERATURE, 1)
    return functional.kl_div(found, asked, reduction="batchmean", log_target=True)
