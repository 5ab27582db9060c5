"""What the package offers to networks in torch: operators of torch's own kind, and modules that call them."""

from __future__ import annotations

import torch
from torch import nn


@torch.library.custom_op("squares::distance", mutates_args=())
def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(N, K), (N, K) -> (N, 1): the squared distance."""
    return ((a - b) ** 2).sum(1, keepdim=True)


@distance.register_fake
def _(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a.new_empty((a.shape[0], 1))


@torch.library.custom_op("squares::blend", mutates_args=())
def blend(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Three quarters of a, and b."""
    return 0.75 * a + b


@blend.register_fake
def _(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(a)


class SquaredDistance(nn.Module):
    """``distance`` as a module."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return distance(a, b)


class Blend(nn.Module):
    """``blend`` as a module."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return blend(a, b)
