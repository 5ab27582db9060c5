"""Properties of casting for random types and operands, against a model in exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hpq_hls.fixed import FixedType, Interval, Overflow, Rounding, align, bits_for, cast_interval

no_deadline = settings(deadline=None)  # a busy machine is no failure


@st.composite
def types(draw, max_width=64):
    signed = draw(st.booleans())
    overflows = [mode for mode in Overflow if signed or mode is not Overflow.WRAP_SM]
    return FixedType(
        draw(st.integers(1, max_width)),
        draw(st.integers(-80, 80)),
        signed,
        draw(st.sampled_from(Rounding)),
        draw(st.sampled_from(overflows)),
    )


integers = st.one_of(
    st.integers(-300, 300),
    st.integers(-(1 << 70), 1 << 70),
    st.builds(
        lambda sign, size, step: sign * (1 << size) + step,
        st.sampled_from([-1, 1]),
        st.integers(0, 140),
        st.integers(-2, 2),
    ),
)
fractions = st.integers(-90, 150)


def rounded(value: Fraction, rounding: Rounding) -> int:
    floor = math.floor(value)
    rest = value - floor
    if rounding is Rounding.TRN:
        return floor
    if rounding is Rounding.TRN_ZERO:
        return math.trunc(value)
    if rest != Fraction(1, 2):
        return floor + (rest > Fraction(1, 2))
    up = {
        Rounding.RND: True,
        Rounding.RND_MIN_INF: False,
        Rounding.RND_ZERO: value < 0,
        Rounding.RND_INF: value > 0,
        Rounding.RND_CONV: floor % 2 == 1,
    }
    return floor + up[rounding]


def model(value: Fraction, target: FixedType) -> int:
    """The cast of one exact number, written from the numerics page rather than from the code."""
    value *= Fraction(2) ** target.fraction
    raw = rounded(value, target.rounding)
    if target.overflow is Overflow.SAT_SYM and target.signed and target.width > 1:
        return max(-target.max_raw, min(raw, target.max_raw))
    lowest = -(1 << (target.width - 1)) if target.signed else 0
    if lowest <= raw <= target.max_raw:
        return raw
    if target.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        return lowest if raw < lowest else target.max_raw
    if target.overflow is Overflow.SAT_ZERO:
        return 0
    low = (raw - lowest) % (1 << target.width) + lowest
    if target.overflow is Overflow.WRAP_SM:
        deleted = (math.floor(value) >> target.width) & 1
        return low if deleted == (low < 0) else -1 - low
    return low


@no_deadline
@given(types(), st.lists(integers, min_size=1, max_size=8), fractions)
def test_from_raw_is_the_model(target, raws, fraction):
    expected = [model(Fraction(raw) / Fraction(2) ** fraction, target) for raw in raws]
    assert target.from_raw(raws, fraction).tolist() == expected
    # one by one: the shortcuts that the bounds of the whole array allow must not change a result
    assert [int(target.from_raw(raw, fraction)) for raw in raws] == expected


doubles = st.floats(allow_nan=False, allow_infinity=False)
small_doubles = st.builds(math.ldexp, st.integers(-4000, 4000), st.integers(-90, 90))


@no_deadline
@given(types(), st.lists(st.one_of(doubles, small_doubles), min_size=1, max_size=8))
def test_from_float_is_the_model(target, x):
    assert target.from_float(x).tolist() == [model(Fraction(value), target) for value in x]


@no_deadline
@given(types(), integers)
def test_every_representable_value_is_a_fixed_point(target, seed):
    raw = target.min_raw + seed % (target.max_raw - target.min_raw + 1)
    assert target.from_raw(raw, target.fraction) == raw
    if abs(raw) < 1 << 53:
        assert target.from_float(target.to_float(raw)) == raw


@no_deadline
@given(types(), st.lists(integers, min_size=1, max_size=8), fractions)
def test_results_lie_in_the_range(target, raws, fraction):
    assert all(value in target.interval for value in target.from_raw(raws, fraction).tolist())


@no_deadline
@given(types())
def test_text_round_trip(target):
    assert FixedType.parse(str(target)) == target


@no_deadline
@given(types(max_width=12), integers, integers, fractions, st.lists(st.floats(0, 1), max_size=8))
def test_cast_interval_is_sound(target, one, other, fraction, places):
    interval = Interval(min(one, other), max(one, other))
    image = cast_interval(interval, fraction, target)
    inside = [interval.lo + round(Fraction(place) * (interval.hi - interval.lo)) for place in places]
    raws = [interval.lo, interval.hi, *inside]
    assert all(value in image for value in target.from_raw(raws, fraction).tolist())
    assert image in target.interval


def codes(width: int, signed: bool) -> Interval:
    return Interval(-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else Interval(0, (1 << width) - 1)


@no_deadline
@given(integers, integers)
def test_bits_for_is_minimal(one, other):
    interval = Interval(min(one, other), max(one, other))
    width, signed = bits_for(interval)
    assert signed == (interval.lo < 0)
    assert interval in codes(width, signed)
    assert width == 1 or interval not in codes(width - 1, signed)


@no_deadline
@given(st.lists(integers, max_size=8), st.integers(-100, 100), st.integers(0, 100))
def test_align_keeps_values(raws, fraction, left):
    up = align(raws, fraction, fraction + left)
    assert up.tolist() == [raw << left for raw in raws]
    down = align(up, fraction + left, fraction)
    assert down.tolist() == raws
    assert down.dtype == (np.int64 if all(-(1 << 63) <= raw < 1 << 63 for raw in raws) else object)
