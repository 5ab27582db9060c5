"""Intervals of raw integers: arithmetic, widths, and the image of an interval under a cast."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hpq_hls.errors import DataError
from hpq_hls.fixed import FixedType, Interval, Overflow, Rounding, bits_for, cast_interval


def test_arithmetic():
    one, other = Interval(-3, 5), Interval(2, 9)
    assert one.hull(other) == other.hull(one) == Interval(-3, 9)
    assert one.add(other) == Interval(-1, 14)
    assert one.shift(3) == Interval(-24, 40)
    assert one.shift(0) == one
    assert one.scale(-2) == Interval(-10, 6)
    assert one.scale(0) == Interval(0, 0)
    assert Interval(0, 1 << 100).shift(100).hi == 1 << 200


def test_contains():
    interval = Interval(-3, 5)
    assert [interval.contains(value) for value in (-4, -3, 5, 6)] == [False, True, True, False]
    assert interval.contains(Interval(-3, 5))
    assert not interval.contains(Interval(-4, 0))
    assert 5 in interval
    assert Interval(0, 6) not in interval


def test_of_an_array():
    assert Interval.of(np.array([[3, -7], [0, 2]], np.int8)) == Interval(-7, 3)
    assert Interval.of([1 << 80, -1]) == Interval(-1, 1 << 80)
    assert type(Interval.of(np.array([1])).lo) is int
    with pytest.raises(DataError):
        Interval.of([])


@pytest.mark.parametrize("ends", [(1, 0), (0.0, 1), (0, None), ("0", 1)])
def test_no_interval(ends):
    with pytest.raises(DataError):
        Interval(*ends)


def test_shift_is_to_the_left_only():
    with pytest.raises(DataError):
        Interval(0, 8).shift(-1)


def test_bits_for_is_the_least_width():
    for lo, hi in itertools.combinations_with_replacement(range(-9, 10), 2):
        width, signed = bits_for(Interval(lo, hi))
        assert signed == (lo < 0)
        assert Interval(lo, hi) in FixedType(width, width, signed).interval
        assert width == 1 or Interval(lo, hi) not in FixedType(width - 1, width, signed).interval


def test_bits_for_large():
    assert bits_for(Interval(-(1 << 99), (1 << 99) - 1)) == (100, True)
    assert bits_for(Interval(0, 1 << 99)) == (100, False)


@pytest.mark.parametrize(("rounding", "overflow"), [*itertools.product(Rounding, Overflow)], ids=str)
def test_cast_interval_holds_every_cast_value(rounding, overflow):
    for signed, drop, width in itertools.product([True, False], [-2, -1, 0, 1, 2, 6], [1, 3]):
        if overflow is Overflow.WRAP_SM and not signed:
            continue
        target = FixedType(width, width, signed, rounding, overflow)
        raws = np.arange(-13, 14)
        image = target.from_raw(raws, drop)
        exact = FixedType(64, 64, True, rounding).from_raw(raws, drop)
        for i, j in itertools.combinations_with_replacement(range(len(raws)), 2):
            found = cast_interval(Interval(raws[i], raws[j]), drop, target)
            values = image[i : j + 1]
            assert found.contains(Interval(int(values.min()), int(values.max())))
            assert target.interval.contains(found)
            fits = target.interval.contains(Interval(int(exact[i]), int(exact[j])))
            always = overflow in (Overflow.SAT, Overflow.SAT_SYM)
            if always or fits or i == j or (overflow is Overflow.SAT_ZERO and drop >= 0):
                assert found == Interval(int(values.min()), int(values.max()))  # tight


def test_cast_interval_of_wrap_within_one_period_is_tight():
    target = FixedType(4, 4)
    assert cast_interval(Interval(8, 23), 0, target) == Interval(-8, 7)
    assert cast_interval(Interval(9, 20), 0, target) == Interval(-7, 4)
    assert cast_interval(Interval(7, 8), 0, target) == Interval(-8, 7)


def test_cast_interval_beyond_int64():
    target = FixedType(64, 64, False, Rounding.RND, Overflow.SAT)
    assert cast_interval(Interval(-(1 << 200), 1 << 200), 0, target) == Interval(0, (1 << 64) - 1)
    assert cast_interval(Interval(-5, 1 << 200), 197, target) == Interval(0, 8)
    assert cast_interval(Interval(-5, 5), 10**9, FixedType(8, 8)) == Interval(-1, 0)
    assert cast_interval(Interval(-5, 5), -(10**9), FixedType(8, 8)) == Interval(-128, 127)
