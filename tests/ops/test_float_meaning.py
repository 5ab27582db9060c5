"""The float meaning of each operator is torch's, and on integers it is the same map, exactly."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops import (
    Add,
    AvgPool2d,
    BatchNorm,
    ChannelAffine,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Operator,
    Relu,
    WindowSpec,
)

BATCH = 3
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
steps = st.tuples(st.integers(1, 3), st.integers(1, 3))
seeds = st.integers(0, 2**32 - 1)
exactly = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def integers(seed: int, *shape: int) -> np.ndarray:
    """Small integers: every sum of products of them is exact in float64 too."""
    return np.random.default_rng(seed).integers(-50, 51, size=shape)


def check(op: Operator, expected: torch.Tensor, *inputs: np.ndarray, **parameters: np.ndarray | None) -> None:
    """Compare with torch, on floats and on integers, and with the operator's own shape rule."""
    weight, bias = parameters.get("weight"), parameters.get("bias")
    on_integers = op.evaluate(inputs, weight, bias)
    as_floats = [None if p is None else p.astype(np.float64) for p in (weight, bias)]
    on_floats = op.evaluate([x.astype(np.float64) for x in inputs], *as_floats)
    assert op.output_shape([x.shape[1:] for x in inputs]) == tuple(expected.shape[1:])
    assert np.array_equal(on_integers, expected.numpy())
    assert np.array_equal(on_floats, expected.numpy())
    assert on_integers.dtype == np.int64
    check_differentiable(op, expected, inputs, as_floats)


def check_differentiable(
    op: Operator, expected: torch.Tensor, inputs: Sequence[np.ndarray], parameters: list[np.ndarray | None]
) -> None:
    """The torch form gives the same numbers. All operators are linear in their inputs and biases, piece by
    piece, and in weights and biases: the gradients times what they belong to add up to the sum of the values,
    exactly."""
    given_ = [torch.from_numpy(x).double().requires_grad_() for x in inputs]
    weight, bias = (None if p is None else torch.from_numpy(np.array(p)).requires_grad_() for p in parameters)
    found = op.differentiable(given_, weight, bias)
    assert torch.equal(found, expected.double())
    for variables in (given_, [] if weight is None else [weight]):
        linear = [variable for variable in (*variables, bias) if variable is not None]
        if linear and variables:
            gradients = torch.autograd.grad(found.sum(), linear, retain_graph=True)
            moved = sum((a * b).sum() for a, b in zip(linear, gradients, strict=True))
            assert moved == found.sum()


@exactly
@given(
    seed=seeds,
    groups=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel=pairs,
    stride=steps,
    dilation=steps,
    padding=st.tuples(*[st.integers(0, 3)] * 4),
    biased=st.booleans(),
)
def test_conv2d(seed, groups, channels, size, kernel, stride, dilation, padding, biased) -> None:
    top, bottom, left, right = padding
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(size[0] + top + bottom >= spans[0] and size[1] + left + right >= spans[1])
    x = integers(seed, BATCH, groups * channels[0], *size)
    weight = integers(seed + 1, groups * channels[1], channels[0], *kernel)
    bias = integers(seed + 2, groups * channels[1]) if biased else None
    padded = F.pad(torch.from_numpy(x), (left, right, top, bottom))
    expected = F.conv2d(
        padded.double(),
        torch.from_numpy(weight).double(),
        None if bias is None else torch.from_numpy(bias).double(),
        stride,
        0,
        dilation,
        groups,
    )
    op = Conv2d(weight.astype(float), WindowSpec(kernel, stride, padding, dilation), size, groups)
    check(op, expected, x, weight=weight, bias=bias)


pooling = {
    "seed": seeds,
    "size": st.tuples(st.integers(1, 9), st.integers(1, 9)),
    "kernel": pairs,
    "stride": steps,
    "ceil_mode": st.booleans(),
    "half": st.booleans(),
}


def pool_window(size, kernel, stride, dilation, ceil_mode, half) -> WindowSpec:
    """A window as torch allows it: padding of at most half the kernel, at least one window."""
    vertical, horizontal = (k // 2 if half else 0 for k in kernel)
    window = WindowSpec(kernel, stride, (vertical, vertical, horizontal, horizontal), dilation, ceil_mode)
    assume(min(window.output_size(*size)) > 0)
    return window


@exactly
@given(dilation=steps, **pooling)
def test_max_pool(seed, size, kernel, stride, dilation, ceil_mode, half) -> None:
    window = pool_window(size, kernel, stride, dilation, ceil_mode, half)
    x = integers(seed, BATCH, 2, *size)
    padding = (window.padding[0], window.padding[2])
    expected = F.max_pool2d(torch.from_numpy(x).double(), kernel, stride, padding, dilation, ceil_mode)
    assume(bool(torch.isfinite(expected).all()))  # a window in the padding has no largest element
    check(MaxPool2d(window), expected, x)


@exactly
@given(divisor=st.integers(1, 40), **pooling)
def test_avg_pool(seed, size, kernel, stride, divisor, ceil_mode, half) -> None:
    window = pool_window(size, kernel, stride, (1, 1), ceil_mode, half)
    x = integers(seed, BATCH, 2, *size)
    padding = (window.padding[0], window.padding[2])
    given_ = torch.from_numpy(x).double()
    op = AvgPool2d(window, divisor, size)
    expected = F.avg_pool2d(given_, kernel, stride, padding, ceil_mode, divisor_override=divisor)
    assert np.array_equal(op.evaluate([given_.numpy()], None, None), expected.numpy())
    assert torch.equal(op.differentiable([given_], None, None), expected)
    sums = F.avg_pool2d(given_, kernel, stride, padding, ceil_mode, divisor_override=1)
    check(op, 5 * sums, x, weight=np.array(5))  # with its reciprocal constant, here 5


def test_avg_pool_reciprocal_is_close() -> None:
    for divisor in range(1, 2000):
        constant = AvgPool2d(WindowSpec((1, 1)), divisor, (1, 1)).constant
        assert constant is not None
        value = constant.raw * 2.0**-constant.type.fraction
        assert abs(value * divisor - 1) < 2.0**-18
        assert constant.type.min_raw <= constant.raw <= constant.type.max_raw
        if divisor & (divisor - 1) == 0:
            assert constant.raw == 1
            assert value * divisor == 1


@pytest.mark.parametrize("biased", [True, False])
def test_linear(biased: bool) -> None:
    x, weight = integers(1, BATCH, 7), integers(2, 4, 7)
    bias = integers(3, 4) if biased else None
    expected = F.linear(*(None if a is None else torch.from_numpy(a) for a in (x, weight, bias)))
    check(Linear(weight.astype(float)), expected, x, weight=weight, bias=bias)


@pytest.mark.parametrize("size", [(), (3, 2)])
def test_channel_affine(size: tuple[int, ...]) -> None:
    x, weight, bias = integers(1, BATCH, 4, *size), integers(2, 4), integers(3, 4)
    shape = (-1,) + (1,) * len(size)
    expected = torch.from_numpy(x * weight.reshape(shape) + bias.reshape(shape))
    check(ChannelAffine(weight.astype(float), bias.astype(float)), expected, x, weight=weight, bias=bias)


@pytest.mark.parametrize("size", [(), (3, 2)])
def test_batch_norm(size: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(BATCH, 4, *size))
    gamma, beta, mean = random.normal(size=(3, 4))
    variance = random.uniform(0.1, 2, size=4)
    expected = F.batch_norm(*(torch.from_numpy(a) for a in (x, mean, variance, gamma, beta)), eps=1e-3)
    op = BatchNorm(gamma, beta, mean, variance, 1e-3)
    assert op.output_shape([x.shape[1:]]) == x.shape[1:]
    for form in (op, op.affine()):
        found = form.evaluate([x], form.weight, form.bias)
        assert np.abs(found - expected.numpy()).max() < 1e-12  # one multiplication instead of three
    tensor = torch.from_numpy(x)
    assert np.array_equal(op.differentiable([tensor], None, None).numpy(), op.evaluate([x], None, None))


@pytest.mark.parametrize("size", [(4,), (2, 3, 3)])
def test_relu_and_add(size: tuple[int, ...]) -> None:
    x, y = integers(1, BATCH, *size), integers(2, BATCH, *size)
    check(Relu(), torch.relu(torch.from_numpy(x)), x)
    check(Add(), torch.from_numpy(x) + torch.from_numpy(y), x, y)


def test_flatten() -> None:
    x = integers(1, BATCH, 2, 3, 4)
    check(Flatten(), torch.flatten(torch.from_numpy(x), 1), x)


@pytest.mark.parametrize(
    ("op", "shapes", "reason"),
    [
        (Linear(np.ones((2, 3))), [(4,)], "Linear with 3 inputs is applied to a tensor of shape \\(4,\\)"),
        (Linear(np.ones((2, 3))), [(3, 1, 1)], "put a Flatten in front of it"),
        (
            Conv2d(np.ones((2, 3, 1, 1)), WindowSpec((1, 1)), (4, 4)),
            [(2, 4, 4)],
            "Conv2d with 3 input channels",
        ),
        (Conv2d(np.ones((2, 3, 5, 1)), WindowSpec((5, 1)), (4, 4)), [(3, 4, 4)], "does not fit"),
        (MaxPool2d(WindowSpec((5, 1))), [(3, 4, 4)], "MaxPool2d with kernel .* does not fit"),
        (MaxPool2d(WindowSpec((1, 1))), [(3,)], "only \\(C, H, W\\) is supported"),
        (AvgPool2d(WindowSpec((1, 5)), 5, (4, 4)), [(3, 4, 4)], "AvgPool2d with kernel .* does not fit"),
        (ChannelAffine(np.ones(3), np.ones(3)), [(4,)], "factor and an offset for each of 3 channels"),
        (Add(), [(3,), (1,)], "bring both to one shape first"),
    ],
)
def test_shapes_that_do_not_fit(op: Operator, shapes: list[tuple[int, ...]], reason: str) -> None:
    with pytest.raises(UnsupportedOperatorError, match=reason):
        op.output_shape(shapes)


def test_other_parameters() -> None:
    """Weights and biases are replaced, the rest stays."""
    window = WindowSpec((2, 1), padding=(1, 0, 0, 0))
    conv = Conv2d(np.ones((4, 1, 2, 1)), window, (3, 3), 2)
    for op in (conv, Linear(np.ones((4, 2))), ChannelAffine(np.ones(4), np.ones(4))):
        assert op.weight is not None
        other = op.with_parameters(2 * op.weight, np.arange(4.0))
        assert type(other) is type(op)
        assert np.array_equal(other.weight, 2 * op.weight)
        assert np.array_equal(other.bias, np.arange(4.0))
    other = conv.with_parameters(conv.weights, None)
    assert (other.window, other.groups, other.bias) == (window, 2, None)
    with pytest.raises(TypeError, match="Add has no parameters"):
        Add().with_parameters(np.ones(1), None)
