"""Casts in torch are FixedType's, for every pair of modes; gradients pass where the value moves."""

import itertools

import numpy as np
import pytest
import torch

from hpq_hls.finetune.casting import cast
from hpq_hls.fixed import FixedType, Overflow, Rounding

MODES = list(itertools.product(Rounding, Overflow, (True, False)))


def types(rounding: Rounding, overflow: Overflow, signed: bool) -> list[FixedType]:
    if overflow is Overflow.WRAP_SM and not signed:
        return []
    sizes = [(1, 1), (1, -3), (2, 0), (4, 2), (5, 7), (8, 3)]
    return [FixedType(width, integer, signed, rounding, overflow) for width, integer in sizes]


@pytest.mark.parametrize(("rounding", "overflow", "signed"), MODES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_values(rounding: Rounding, overflow: Overflow, signed: bool, dtype: torch.dtype) -> None:
    """Eighths around the range, ties among them, and far outside; all exact in float32."""
    for kind in types(rounding, overflow, signed):
        codes = np.concatenate([np.arange(-3000, 3000), [-(2**17) - 3, 2**17 + 5]]) / 8
        values = codes * kind.scale
        found = cast(torch.from_numpy(values).to(dtype), kind)
        assert found.dtype == dtype
        assert np.array_equal(found.double().numpy(), kind.to_float(kind.from_float(values))), kind


@pytest.mark.parametrize("overflow", list(Overflow))
def test_gradients(overflow: Overflow) -> None:
    """Straight through inside the range, nothing where the cast saturates, and always where it wraps."""
    kind = FixedType(3, 2, True, Rounding.RND, overflow)
    x = torch.tensor([-9.0, -2.25, -2.0, -1.6, 0.3, 1.7, 1.75, 9.0], dtype=torch.float64, requires_grad=True)
    weights = torch.arange(1.0, 9.0, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((cast(x, kind) * weights).sum(), x)
    inside = [False, True, True, True, True, True, False, False]  # -2.25 rounds to -2, 1.75 to 2
    if overflow is Overflow.SAT_SYM:
        inside[1] = inside[2] = False  # what becomes -1.5
    passes = torch.tensor(inside) | (overflow in (Overflow.WRAP, Overflow.WRAP_SM))
    assert torch.equal(gradient, weights * passes)
