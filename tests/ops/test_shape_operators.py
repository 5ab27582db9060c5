"""Operators that move elements: their float meaning is torch's, their integers are the same elements."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import hpq_hls as hpq
from hpq_hls import ops
from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops import Operator, WindowSpec
from tests.shapes import SHAPES, Net, rearrangements

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(2, 8, 4, 6))
ROWS = IMAGE[:, :, 0]

MOVES: list[tuple[Operator, Callable[[Tensor], Tensor]]] = [
    (ops.PixelShuffle((2, 2)), lambda x: F.pixel_shuffle(x, 2)),
    (ops.PixelUnshuffle((2, 2)), lambda x: F.pixel_unshuffle(x, 2)),
    (ops.ChannelShuffle(4), lambda x: F.channel_shuffle(x, 4)),
    (ops.Permute((1, 2, 0)), lambda x: x.permute(0, 2, 3, 1)),
    (ops.Flip((0, 2)), lambda x: x.flip(1, 3)),
    (ops.Roll((1, -2), (1, 2)), lambda x: x.roll((1, -2), (2, 3))),
    (ops.Take(1, (3, 1)), lambda x: x[:, :, [3, 1]]),
    (ops.Take(2, (5,), dropped=True), lambda x: x[..., -1]),
    (ops.Border((1, 0, 2), (0, 3, 1)), lambda x: F.pad(x, (2, 1, 0, 3, 1, 0))),
    (ops.Border((0, -1, 0), (0, 0, -2)), lambda x: x[:, :, 1:, :-2]),
    (ops.Border((0, 1, 2), (0, 3, 1), "reflect"), lambda x: F.pad(x, (2, 1, 1, 3), "reflect")),
    (ops.Border((0, 1, 2), (0, 3, 1), "edge"), lambda x: F.pad(x, (2, 1, 1, 3), "replicate")),
    (ops.Border((0, 1, 2), (0, 3, 1), "wrap"), lambda x: F.pad(x, (2, 1, 1, 3), "circular")),
    (ops.Repeat((2, 1, 3)), lambda x: x.repeat(1, 2, 1, 3)),
    (ops.Expand((3, 8, 4, 6)), lambda x: x[:, None].expand(2, 3, 8, 4, 6)),
    (ops.Reshape((4, 2, 24)), lambda x: x.reshape(2, 4, 2, 24)),
    (ops.Reshape((2, 4, 2, 12)), lambda x: x.reshape(2, 2, 4, 2, 12)),
    (ops.Upsample((2, 3)), lambda x: F.interpolate(x, scale_factor=(2, 3))),
]


@pytest.mark.parametrize("number", range(len(MOVES)))
def test_moves(number: int) -> None:
    op, meant = MOVES[number]
    expected = meant(torch.tensor(IMAGE)).numpy()
    np.testing.assert_array_equal(op.evaluate([IMAGE], None, None), expected)
    np.testing.assert_array_equal(op.differentiable([torch.tensor(IMAGE)], None, None).numpy(), expected)


@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_convolution(axes: int) -> None:
    """Every kernel, stride, padding, output padding, dilation and number of groups."""
    meant = F.conv_transpose1d if axes == 1 else F.conv_transpose2d
    x = torch.tensor(IMAGE[:, :4, :3, :3] if axes == 2 else ROWS[:, :4])
    steps = itertools.product((1, 2, 3, 4), (1, 2, 3), (0, 1, 2), (0, 1), (1, 2), (1, 2))
    for kernel, stride, cut, extra, dilation, groups in steps:
        weights, biases = RNG.normal(size=(4, 3, *[kernel] * axes)), RNG.normal(size=3 * groups)
        size = (x.shape[-1] - 1) * stride - 2 * cut + dilation * (kernel - 1) + extra + 1
        if extra >= max(stride, dilation) or size < 1:
            continue
        given = (stride, cut, extra, groups, dilation)
        expected = meant(x, torch.tensor(weights), torch.tensor(biases), *given).numpy()
        each = [(number,) * axes for number in (stride, cut, extra, dilation)]
        op = ops.ConvTranspose(weights, *each, groups, biases)
        np.testing.assert_allclose(op.evaluate([x.numpy()], None, None), expected, atol=1e-12)
        np.testing.assert_allclose(op.differentiable([x], None, None).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bilinear(factor: int) -> None:
    expected = F.interpolate(torch.tensor(IMAGE), scale_factor=factor, mode="bilinear").numpy()
    op = ops.Bilinear((factor, factor))
    np.testing.assert_allclose(op.evaluate([IMAGE], None, None), expected, atol=1e-12)


def test_one_axis() -> None:
    x = torch.tensor(ROWS)
    conv = ops.Conv1d(
        RNG.normal(size=(4, 4, 3)), WindowSpec((1, 3), (1, 2), (0, 0, 1, 2)), (1, 6), 2, RNG.normal(size=4)
    )
    weights, biases = torch.tensor(conv.weights), torch.tensor(conv.biases)
    expected = F.conv1d(F.pad(x, (1, 2)), weights, biases, 2, groups=2).numpy()
    np.testing.assert_allclose(conv.evaluate([ROWS], conv.weight, conv.bias), expected)
    np.testing.assert_allclose(conv.differentiable([x], weights, biases).numpy(), expected)
    pool = ops.MaxPool1d(WindowSpec((1, 3), (1, 2), (0, 0, 1, 1)))
    np.testing.assert_array_equal(pool.evaluate([ROWS], None, None), F.max_pool1d(x, 3, 2, 1).numpy())


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_linear_over_the_last_axis(rank: int) -> None:
    x = RNG.normal(size=(3, *(2, 4, 3)[: rank - 1], 5))
    op = ops.Linear(RNG.normal(size=(4, 5)), RNG.normal(size=4))
    expected = F.linear(torch.tensor(x), torch.tensor(op.weights), torch.tensor(op.biases)).numpy()
    np.testing.assert_allclose(op.evaluate([x], op.weight, op.bias), expected)


def test_integers_and_ranges() -> None:
    """The elements of the output are elements of the input, or zero, in every number type."""
    for shape in SHAPES:
        for op in rearrangements(np.random.default_rng(1), shape):
            x = np.random.default_rng(2).integers(3, 9, (4, *shape))
            made = op.evaluate([x], None, None)
            assert made.dtype == x.dtype
            assert made.shape[1:] == op.output_shape([shape])
            np.testing.assert_array_equal(op.evaluate([x.astype(object)], None, None), made)
            np.testing.assert_array_equal(op.evaluate([x.astype(np.float32)], None, None), made)
            interval, _ = op.range([Interval(3, 8)], None, None)
            assert interval.lo <= made.min()
            assert made.max() <= interval.hi


REFUSED: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...], str]] = {
    "slice of samples": (lambda x: x[1:], (3, 4), "along the batch axis"),
    "joined samples": (lambda x: torch.cat([x, x], 0), (3, 4), "along the batch axis"),
    "moved batch": (lambda x: x.transpose(0, 1), (3, 4), "moves the batch axis"),
    "rolled samples": (lambda x: x.roll(1, 0), (3, 4), "along the batch axis"),
    "repeated samples": (lambda x: x.repeat(2, 1), (3,), "repeats samples"),
    "upsampling by a fraction": (
        lambda x: F.interpolate(x, size=(5, 5)), (2, 3, 3), "only whole factors are supported"
    ),
    "uneven adaptive pooling": (nn.AdaptiveMaxPool2d(2), (2, 5, 5), "does not divide its input size"),
    "transposed convolution in space": (
        nn.ConvTranspose3d(2, 2, 2), (2, 3, 3, 3), "conv_transpose3d"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    function, shape, reason = REFUSED[name]
    net = Net(lambda x, last: last(function(x)), nn.Flatten())
    example = torch.zeros(2, *shape)
    if isinstance(function, nn.Module):
        net = Net(lambda x, part, last: last(part(x)), function, nn.Flatten())
    with pytest.raises(UnsupportedOperatorError, match=reason):
        hpq.quantize(hpq.from_torch(net, example), example.numpy() + 1.0, 8)
