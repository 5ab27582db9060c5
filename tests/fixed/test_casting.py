"""Casting: hand-made examples of every mode, all kinds of input, refusals. See also test_oracle.py."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hpq_hls.errors import DataError
from hpq_hls.fixed import FixedType, Overflow, Rounding, align

# -2.5 .. 2.5 in quarters
QUARTERS = np.arange(-10, 11)
ROUNDED = {
    Rounding.TRN: [-3, -3, -2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2],
    Rounding.TRN_ZERO: [-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2],
    Rounding.RND: [-2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3],
    Rounding.RND_ZERO: [-2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2],
    Rounding.RND_INF: [-3, -2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3],
    Rounding.RND_MIN_INF: [-3, -2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2],
    Rounding.RND_CONV: [-2, -2, -2, -2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2],
}

# What a signed and an unsigned type of 3 bits make of -10 .. 10
WHOLE = np.arange(-10, 11)
SIGNED = {
    Overflow.SAT: [-4] * 7 + [-3, -2, -1, 0, 1, 2, 3] + [3] * 7,
    Overflow.SAT_ZERO: [0] * 6 + [-4, -3, -2, -1, 0, 1, 2, 3] + [0] * 7,
    Overflow.SAT_SYM: [-3] * 7 + [-3, -2, -1, 0, 1, 2, 3] + [3] * 7,
    Overflow.WRAP: [-2, -1, 0, 1, 2, 3, -4, -3, -2, -1, 0, 1, 2, 3, -4, -3, -2, -1, 0, 1, 2],
    Overflow.WRAP_SM: [1, 0, -1, -2, -3, -4, -4, -3, -2, -1, 0, 1, 2, 3, 3, 2, 1, 0, -1, -2, -3],
}
UNSIGNED = {
    Overflow.SAT: [0] * 10 + [0, 1, 2, 3, 4, 5, 6, 7] + [7] * 3,
    Overflow.SAT_ZERO: [0] * 10 + [0, 1, 2, 3, 4, 5, 6, 7] + [0] * 3,
    Overflow.SAT_SYM: [0] * 10 + [0, 1, 2, 3, 4, 5, 6, 7] + [7] * 3,
    Overflow.WRAP: [6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2],
}


def all_ways(kind: FixedType, raw: np.ndarray, fraction: int) -> list[list[int]]:
    """The cast by int64, by Python ints (a huge extra element forces them) and by doubles."""
    huge = np.append(raw.astype(object), 1 << 100)
    return [
        kind.from_raw(raw, fraction).tolist(),
        kind.from_raw(huge, fraction).tolist()[:-1],
        kind.from_float(np.ldexp(raw.astype(float), -fraction)).tolist(),
    ]


@pytest.mark.parametrize("rounding", Rounding)
def test_rounding(rounding):
    assert all_ways(FixedType(8, 8, True, rounding), QUARTERS, 2) == [ROUNDED[rounding]] * 3


@pytest.mark.parametrize("overflow", SIGNED)
def test_overflow_signed(overflow):
    assert all_ways(FixedType(3, 3, True, Rounding.TRN, overflow), WHOLE, 0) == [SIGNED[overflow]] * 3


@pytest.mark.parametrize("overflow", UNSIGNED)
def test_overflow_unsigned(overflow):
    assert all_ways(FixedType(3, 3, False, Rounding.TRN, overflow), WHOLE, 0) == [UNSIGNED[overflow]] * 3


def test_sign_magnitude_wrap_looks_at_the_value_before_rounding():
    # 7.5 rounds to 8 = 0b1000, whose low bits 000 agree with a deleted bit of 0; the deleted bit is that of 8
    # if rounding came first (giving ~0 = -1), and that of 7 as the headers have it.
    kind = FixedType(3, 3, True, Rounding.RND, Overflow.WRAP_SM)
    assert kind.from_float([7.5, 8.0, 3.5]).tolist() == [0, -1, 3]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        *[("ap_fixed<3,2,AP_RND,AP_SAT>", 1.25, 1.5), ("ap_fixed<3,2,AP_RND,AP_SAT>", -1.25, -1.0)],
        *[("ap_fixed<3,2,AP_RND_ZERO,AP_SAT>", 1.25, 1.0), ("ap_fixed<3,2,AP_RND_ZERO,AP_SAT>", -1.25, -1.0)],
        ("ap_fixed<3,2,AP_RND_MIN_INF,AP_SAT>", 1.25, 1.0),
        ("ap_fixed<3,2,AP_RND_MIN_INF,AP_SAT>", -1.25, -1.5),
        *[("ap_fixed<3,2,AP_RND_INF,AP_SAT>", 1.25, 1.5), ("ap_fixed<3,2,AP_RND_INF,AP_SAT>", -1.25, -1.5)],
        *[("ap_fixed<4,4,AP_RND,AP_SAT>", 19, 7), ("ap_fixed<4,4,AP_RND,AP_SAT>", -19, -8)],
        *[("ap_ufixed<4,4,AP_RND,AP_SAT>", 19, 15), ("ap_ufixed<4,4,AP_RND,AP_SAT>", -19, 0)],
        *[("ap_fixed<4,4,AP_RND,AP_SAT_ZERO>", 19, 0), ("ap_fixed<4,4,AP_RND,AP_SAT_ZERO>", -19, 0)],
        *[("ap_ufixed<4,4,AP_RND,AP_SAT_ZERO>", 19, 0), ("ap_ufixed<4,4,AP_RND,AP_SAT_ZERO>", -19, 0)],
        *[("ap_fixed<4,4,AP_RND,AP_SAT_SYM>", 19, 7), ("ap_fixed<4,4,AP_RND,AP_SAT_SYM>", -19, -7)],
        *[("ap_ufixed<4,4,AP_RND,AP_SAT_SYM>", 19, 15), ("ap_ufixed<4,4,AP_RND,AP_SAT_SYM>", -19, 0)],
        *[("ap_fixed<4,4,AP_RND,AP_WRAP>", 31, -1), ("ap_fixed<4,4,AP_RND,AP_WRAP>", -19, -3)],
        *[("ap_ufixed<4,4,AP_RND,AP_WRAP>", 19, 3), ("ap_ufixed<4,4,AP_RND,AP_WRAP>", -19, 13)],
        *[("ap_fixed<2,0>", -0.5, -0.5), ("ap_ufixed<1,0>", 0.5, 0.5), ("ap_ufixed<1,-1>", 0.25, 0.25)],
        ("ap_fixed<1,-7>", 2.0**-8, -(2.0**-8)),  # the guide says 2^-8, which is no value of this type
        ("ap_fixed<3,2,AP_RND_ZERO,AP_SAT>", 1.4, 1.5),  # the guide's words would give 1.0
        ("ap_fixed<3,2,AP_RND_MIN_INF,AP_SAT>", 1.4, 1.5),  # and here
        ("ap_fixed<4,4,AP_RND,AP_SAT_SYM>", -8, -7),  # the guide speaks of values that overflow
    ],
)
def test_the_examples_of_ug1399(kind, value, expected):
    kind = FixedType.parse(kind)
    assert kind.to_float(kind.from_float(value)) == expected


def test_symmetric_saturation_also_moves_the_most_negative_code():
    kind = FixedType(8, 8, True, Rounding.TRN, Overflow.SAT_SYM)
    assert kind.from_raw([-129, -128, -127], 0).tolist() == [-127, -127, -127]
    one_bit = FixedType(1, 1, True, Rounding.TRN, Overflow.SAT_SYM)
    assert one_bit.from_raw([-2, -1, 0, 1], 0).tolist() == [-1, -1, 0, 0]


def test_rounding_comes_before_overflow():
    assert FixedType(8, 8, True, Rounding.RND, Overflow.SAT).from_float([127.5, -128.5]).tolist() == [
        127,
        -128,
    ]
    assert FixedType(8, 8, True, Rounding.RND, Overflow.WRAP).from_float(127.5) == -128
    assert FixedType(8, 8, False, Rounding.RND, Overflow.SAT_ZERO).from_float([255.5, -0.5]).tolist() == [
        0,
        0,
    ]


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "O"]
)
def test_every_integer_dtype(dtype):
    result = FixedType(6, 4, True, Rounding.RND, Overflow.SAT).from_raw(np.arange(100).astype(dtype), 3)
    assert result.dtype == np.int64
    assert result.tolist() == [min((raw + 1) // 2, 31) for raw in range(100)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f8"])
def test_every_float_dtype(dtype):
    result = FixedType(8, 4).from_float(np.array([0.5, -1.25], dtype))
    assert result.dtype == np.int64
    assert result.tolist() == [8, -20]


def test_shapes_are_kept():
    kind = FixedType(8, 4)
    for shape in [(), (0,), (3,), (2, 0, 4), (2, 3, 4)]:
        for result in (kind.from_float(np.ones(shape)), kind.from_raw(np.ones(shape, int), 0)):
            assert isinstance(result, np.ndarray)
            assert (result.shape, result.dtype) == (shape, np.int64)
        assert kind.to_float(np.ones(shape, int)).shape == shape
    assert kind.from_float(0.5).shape == kind.from_raw(1, 1).shape == ()
    assert kind.from_float([]).tolist() == kind.from_raw([], 0).tolist() == kind.to_float([]).tolist() == []
    strided = np.arange(24).reshape(4, 6)[::2, ::-3].T
    assert np.array_equal(kind.from_raw(strided, 4), strided)


def test_lists_booleans_and_big_python_integers():
    kind = FixedType(64, 64, False)
    assert kind.from_raw([[1, 2], [3, 4]], 0).tolist() == [[1, 2], [3, 4]]
    assert kind.from_raw([True, False], 0).tolist() == [1, 0]
    assert kind.from_raw([2**63, -1], 0).tolist() == [
        2**63,
        2**64 - 1,
    ]  # numpy alone makes floats of this list
    assert kind.from_raw(np.array([2**64 - 1, 1], np.uint64), 0).tolist() == [2**64 - 1, 1]
    assert kind.from_raw(np.array([2**64 - 1, 2], np.uint64), 1).tolist() == [2**63 - 1, 1]
    assert kind.from_float([2**63 + 1, 3]).dtype == object
    assert kind.from_float(2**62 + 1) == 2**62 + 1  # no double, and yet exact
    assert kind.from_float(np.array([0.5, 1.5])).tolist() == [0, 1]


def test_results_are_new_arrays_and_operands_stay():
    for kind in (FixedType(8, 8), FixedType(8, 6), FixedType(8, 10, True, Rounding.RND, Overflow.SAT)):
        for raw in (np.array([1, -300, 77]), np.array([1, -300, 1 << 70], object)):
            before = raw.copy()
            result = kind.from_raw(raw, 0)
            assert not np.shares_memory(result, raw)
            result[:] = 0
            assert np.array_equal(raw, before)
    x = np.array([1.0, 1e30, -7.3])
    FixedType(8, 4, True, Rounding.RND, Overflow.WRAP).from_float(x)
    assert x.tolist() == [1.0, 1e30, -7.3]
    read_only = np.arange(5)
    read_only.flags.writeable = False
    assert FixedType(2, 2).from_raw(read_only, 0).tolist() == [0, 1, -2, -1, 0]


def test_dtype_is_object_only_where_int64_is_too_small():
    wide = FixedType(64, 64, False, Rounding.TRN, Overflow.SAT)
    assert wide.from_raw([1 << 80, 5], 0).tolist() == [2**64 - 1, 5]
    assert wide.from_raw([1 << 80, 5], 0).dtype == object
    assert wide.from_raw([1 << 62, 5], 0).dtype == np.int64
    assert wide.from_float([1e30, 2.0**63, 1.0]).tolist() == [2**64 - 1, 2**63, 1]
    assert wide.replace(overflow=Overflow.WRAP).from_float([-1.0, 2.0**65 + 2.0**20]).tolist() == [
        2**64 - 1,
        2**20,
    ]
    assert FixedType(64, 64).from_raw([1 << 63, -(1 << 63) - 1], 0).tolist() == [-(2**63), 2**63 - 1]
    assert FixedType(8, 8, True, Rounding.TRN, Overflow.SAT).from_raw([1 << 80, -5], 0).dtype == np.int64


@pytest.mark.parametrize("rounding", Rounding)
def test_the_edge_of_int64(rounding):
    # Where int64 would overflow in between, Python integers must take over; the huge element forces them.
    for width, size in itertools.product([1, 8, 63, 64], range(58, 65)):
        raw = [top + step for top in (1 << size, -(1 << size), 1 << size - 1) for step in (-1, 0, 1, 3)]
        raw = [value for value in raw if -(2**63) <= value < 2**63]
        for overflow, drop in itertools.product(
            [Overflow.SAT, Overflow.WRAP], [*range(-7, 8), *range(56, 68)]
        ):
            kind = FixedType(width, width, True, rounding, overflow)
            assert kind.from_raw(raw, drop).tolist() == kind.from_raw([*raw, 1 << 200], drop).tolist()[:-1]


@pytest.mark.parametrize("fraction", [-(10**9), -2000, -65, 64, 200, 2000, 10**9])
def test_any_fraction(fraction):
    kind = FixedType(8, 4, True, Rounding.RND_MIN_INF, Overflow.SAT)
    expected = [-128, 0, 127] if fraction < 0 else [0, 0, 0]
    assert kind.from_raw([-3, 0, 3], fraction).tolist() == expected
    assert kind.from_raw([-(2**62), 0, 2**62 + 1], fraction + 60 * (fraction > 0)).tolist() == expected
    assert kind.replace(rounding=Rounding.TRN).from_raw([-1, 1], abs(fraction)).tolist() == [-1, 0]
    assert kind.replace(overflow=Overflow.WRAP_SM).from_raw([-1, 1], -abs(fraction)).tolist() == [0, 0]


def test_extreme_doubles():
    tiny, largest = 5e-324, 1.7976931348623157e308
    x = [largest, -largest, tiny, -tiny, -0.0]
    for integer in (-512, 0, 512):
        kind = FixedType(8, integer, True, Rounding.TRN, Overflow.SAT)
        big = 127 if integer < 512 else int(largest * 2.0**-504)
        low = -128 if integer < 512 else -big - (big != largest * 2.0**-504)
        assert kind.from_float(x).tolist() == [min(big, 127), max(low, -128), 0, -1, 0]


def test_nearest_rounding_is_exact_beside_ties():
    below = np.nextafter(0.5, 0)  # adding 0.5 to it gives 1.0 in double arithmetic
    kind = FixedType(60, 60, True, Rounding.RND)
    assert kind.from_float([below, 0.5, -below, -0.5, 2.0**52 + 1, 2.0**51 + 0.5]).tolist() == [
        *(0, 1, 0, 0),
        *(2**52 + 1, 2**51 + 1),
    ]


def test_to_float():
    kind = FixedType(8, 2)
    assert kind.to_float([-128, 1, 127]).tolist() == [-2.0, 2.0**-6, 127 / 64]
    assert kind.to_float(3).dtype == np.float64
    assert FixedType(8, 12).to_float([3]).tolist() == [48.0]
    assert FixedType(64, 64, False).to_float([2**64 - 1, 2**53 + 1]).tolist() == [2.0**64, 2.0**53]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_is_refused(bad):
    with pytest.raises(DataError, match="1 of 3 values are NaN or infinite"):
        FixedType(8, 4).from_float([0.0, bad, 1.0])


@pytest.mark.parametrize("bad", ["1.0", [1 + 2j], [None], [[1.0], [2.0, 3.0]], np.array([0.5], object), {}])
def test_what_is_no_number_is_refused(bad):
    for call in (
        FixedType(8, 4).from_float,
        lambda x: FixedType(8, 4).from_raw(x, 0),
        FixedType(8, 4).to_float,
    ):
        with pytest.raises(DataError):
            call(bad)


def test_long_double_is_refused():
    with pytest.raises(DataError, match="at most 64 bits"):
        FixedType(8, 4).from_float(np.array([1.0], np.longdouble))


@pytest.mark.parametrize("bad", [1.0, [1.0, 2.0], np.array([1.0]), np.array([1.0], object), [2**70, 0.5]])
def test_floats_are_no_raw_values(bad):
    for call in (lambda raw: FixedType(8, 4).from_raw(raw, 0), FixedType(8, 4).to_float):
        with pytest.raises(DataError, match="from_float"):
            call(bad)


def test_align_is_exact():
    assert align([1, -3], 2, 5).tolist() == [8, -24]
    assert align([1, -3], 2, 5).dtype == np.int64
    assert align([8, -24], 5, 2).tolist() == [1, -3]
    assert align([1, -1], 0, 62).tolist() == [2**62, -(2**62)]
    assert align([1, -1], 0, 63).tolist() == [2**63, -(2**63)]
    assert align([-1], 0, 63).dtype == np.int64
    assert align([0, 0], 0, 10**12).tolist() == align([0, 0], 10**12, 0).tolist() == [0, 0]
    assert align(1 << 70, 70, 0) == 1
    raw = np.arange(3)
    assert not np.shares_memory(align(raw, 1, 1), raw)


@pytest.mark.parametrize(
    ("raw", "fraction"),
    [([8, -25], 3), ([1], 1), ([1 << 62], 100), ([-1], 1), ([1], 62), ([1], 63), ([1], 64), ([-1], 65)],
)
def test_align_refuses_to_lose_bits(raw, fraction):
    with pytest.raises(DataError, match="lose set bits"):
        align(raw, fraction, 0)
