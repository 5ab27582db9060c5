"""Casts into fixed-point types in torch, exact forwards, with straight-through gradients.

The straight-through estimator (Bengio et al. 2013, arXiv 1308.3432) takes rounding for the identity in the
backward pass. Where a cast saturates, nothing flows back: the value would be the same without the step.
"""

from __future__ import annotations

from typing import Any

import torch

from hpq_hls.fixed import FixedType, Overflow, Rounding


def cast(x: torch.Tensor, target: FixedType) -> torch.Tensor:
    """The values of ``x`` cast into ``target``, as docs/numerics.md says; a tensor like ``x``.

    Exact where ``x`` times 2**fraction, and half of it more, is exact in the number type of ``x``.
    """
    return _Cast.apply(x, target)  # type: ignore[no-any-return, no-untyped-call]


class _Cast(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, target: FixedType) -> torch.Tensor:
        scaled = x * 2.0**target.fraction
        rounded = round_to_integers(scaled, target.rounding)
        inside = into_range(rounded, scaled, target)
        if target.overflow not in (Overflow.WRAP, Overflow.WRAP_SM):
            ctx.save_for_backward(rounded == inside)  # a wrapped value still moves with its source
        return inside * target.scale

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = gradients
        return (gradient * ctx.saved_tensors[0] if ctx.saved_tensors else gradient), None


def round_to_integers(scaled: torch.Tensor, rounding: Rounding) -> torch.Tensor:
    """``scaled`` rounded, in a new tensor."""
    match rounding:
        case Rounding.TRN:
            return scaled.floor()
        case Rounding.TRN_ZERO:
            return scaled.trunc()
        case Rounding.RND:
            return (scaled + 0.5).floor_()
        case Rounding.RND_MIN_INF:
            return (scaled - 0.5).ceil_()
        case Rounding.RND_CONV:
            return scaled.round()
        case Rounding.RND_ZERO:
            return torch.copysign((scaled.abs() - 0.5).ceil_(), scaled)
        case Rounding.RND_INF:
            return torch.copysign((scaled.abs() + 0.5).floor_(), scaled)


def into_range(rounded: torch.Tensor, scaled: torch.Tensor, target: FixedType) -> torch.Tensor:
    """``rounded`` brought into the range of ``target`` by its overflow mode; ``scaled`` before rounding."""
    lo, hi = target.min_raw, target.max_raw
    if target.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        return rounded.clamp(lo, hi)
    outside = (rounded < lo) | (rounded > hi)
    if target.overflow is Overflow.SAT_ZERO:
        return torch.where(outside, torch.zeros_like(rounded), rounded)
    size = 2.0**target.width
    wrapped = rounded - size * torch.floor((rounded - lo) / size)
    if target.overflow is Overflow.WRAP:
        return torch.where(outside, wrapped, rounded)
    deleted = (scaled / size).floor() % 2 != 0  # the lowest bit that there is no room for, before rounding
    flipped = outside & (deleted != (wrapped < 0))
    return torch.where(flipped, -1 - wrapped, torch.where(outside, wrapped, rounded))
