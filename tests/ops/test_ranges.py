"""The interval every operator promises holds, and is reached."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hpq_hls.fixed import FixedType, Interval
from hpq_hls.ops import Add, AvgPool2d, ChannelAffine, Conv2d, Flatten, Linear, MaxPool2d, Relu, WindowSpec

intervals = st.tuples(st.integers(-9, 9), st.integers(0, 9)).map(lambda ends: Interval(ends[0], sum(ends)))
exactly = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def corners(interval: Interval, count: int) -> np.ndarray:
    """Every vector whose elements are ends of an interval: extremes of linear maps lie there."""
    return np.array(list(itertools.product((interval.lo, interval.hi), repeat=count)))


@exactly
@given(interval=intervals, seed=st.integers(0, 1000), biased=st.booleans())
def test_linear(interval: Interval, seed: int, biased: bool) -> None:
    random = np.random.default_rng(seed)
    weight, bias = random.integers(-9, 10, size=(3, 5)), random.integers(-99, 100, size=3) if biased else None
    found, partial = Linear(weight.astype(float)).range([interval], weight, bias)
    reached = corners(interval, 5) @ weight.T + (0 if bias is None else bias)
    assert (found.lo, found.hi) == (reached.min(), reached.max())
    terms = corners(interval, 5)[:, None, :] * weight  # any of them may be added up before the others
    if bias is not None:
        terms = np.concatenate([terms, np.broadcast_to(bias[:, None], (len(terms), 3, 1))], axis=2)
    assert partial == max(np.maximum(terms, 0).sum(2).max(), -np.minimum(terms, 0).sum(2).min())


@exactly
@given(interval=intervals, seed=st.integers(0, 1000), padding=st.integers(0, 1))
def test_conv2d(interval: Interval, seed: int, padding: int) -> None:
    """A 1x1 image: the padded window sees the pixel at one tap and zeros at all others."""
    random = np.random.default_rng(seed)
    kernel = (2 * padding + 1, 1)
    weight, bias = random.integers(-9, 10, size=(2, 2, *kernel)), random.integers(-9, 10, size=2)
    op = Conv2d(weight.astype(float), WindowSpec(kernel, padding=(padding, padding, 0, 0)), (1, 1))
    found, partial = op.range([interval], weight, bias)
    inputs = corners(interval, 2).reshape(-1, 2, 1, 1)
    reached = op.evaluate([inputs], weight, bias)
    assert found.contains(Interval(int(reached.min()), int(reached.max())))
    assert max(abs(found.lo), abs(found.hi)) <= partial
    if not padding:
        assert (found.lo, found.hi) == (reached.min(), reached.max())


@exactly
@given(interval=intervals, seed=st.integers(0, 1000))
def test_channel_affine(interval: Interval, seed: int) -> None:
    random = np.random.default_rng(seed)
    weight, bias = random.integers(-9, 10, size=3), random.integers(-9, 10, size=3)
    op = ChannelAffine(weight.astype(float), bias.astype(float))
    found, _ = op.range([interval], weight, bias)
    reached = op.evaluate([np.array([[interval.lo] * 3, [interval.hi] * 3])], weight, bias)
    assert (found.lo, found.hi) == (reached.min(), reached.max())


@exactly
@given(first=intervals, second=intervals)
def test_add_and_relu(first: Interval, second: Interval) -> None:
    found, partial = Add().range([first, second], None, None)
    assert (found.lo, found.hi) == (first.lo + second.lo, first.hi + second.hi)
    assert partial >= max(abs(found.lo), abs(found.hi))
    found, _ = Relu().range([first], None, None)
    assert (found.lo, found.hi) == (max(first.lo, 0), max(first.hi, 0))


@pytest.mark.parametrize("op", [MaxPool2d(WindowSpec((2, 2))), Flatten()])
def test_what_moves_elements_keeps_the_interval(op: MaxPool2d | Flatten) -> None:
    assert op.range([Interval(-3, 5)], None, None)[0] == Interval(-3, 5)
    assert op.exact_type([FixedType(8, 3, True)]) == FixedType(8, 3, True)


@exactly
@given(interval=intervals, padded=st.booleans())
def test_avg_pool(interval: Interval, padded: bool) -> None:
    op = AvgPool2d(
        WindowSpec((2, 2), (2, 2), (0, 1, 0, 0) if padded else (0, 0, 0, 0)), 4, (3 if padded else 2, 2)
    )
    found, _ = op.range([interval], np.array(3), None)
    ends = [np.full((1, 1, *op.input_size), end) for end in (interval.lo, interval.hi)]
    reached = np.array([op.evaluate([x], np.array(3), None) for x in ends])
    assert found.contains(Interval(int(reached.min()), int(reached.max())))
    if not padded:
        assert (found.lo, found.hi) == (reached.min(), reached.max())


@pytest.mark.parametrize("given_type", [FixedType(8, 3, True), FixedType(1, 1, True), FixedType(4, -2, True)])
def test_relu_drops_the_sign(given_type: FixedType) -> None:
    found = Relu().exact_type([given_type])
    assert not found.signed
    assert found.fraction == given_type.fraction
    assert found.max_raw >= given_type.max_raw
    assert Relu().exact_type([found]) == found


@exactly
@given(
    size=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(*[st.integers(0, 2)] * 4),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    ceil_mode=st.booleans(),
)
def test_windows_that_touch_padding(size, kernel, stride, padding, dilation, ceil_mode) -> None:
    window = WindowSpec(kernel, stride, padding, dilation, ceil_mode)
    assume(min(window.output_size(*size)) > 0)
    seen = window.patches(np.ones((1, 1, *size), dtype=np.int64))
    assert seen.shape == (1, 1, *window.output_size(*size), *kernel)
    if (seen == 0).any():
        assert not all(mask.all() for mask in window.visible(*size))
    elif not any(padding):
        assert all(mask.all() for mask in window.visible(*size))
    assert window.is_pointwise == (kernel == (1, 1) and stride == (1, 1) and not any(padding))
