"""FixedType as a value: construction, text, derived properties, errors."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType, Interval, Overflow, Rounding


@pytest.mark.parametrize(
    "text",
    [
        "ap_fixed<8,2>",
        "ap_ufixed<8,2>",
        "ap_fixed<8,-3>",
        "ap_fixed<8,2,AP_RND>",
        "ap_fixed<8,2,AP_RND,AP_SAT>",
        "ap_ufixed<1,40,AP_RND_CONV,AP_SAT_ZERO>",
        "ap_fixed<64,64,AP_TRN,AP_WRAP_SM>",
        "ap_fixed<8,2,AP_TRN,AP_SAT>",
    ],
)
def test_canonical_text_is_given_back(text):
    assert str(FixedType.parse(text)) == text


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("signed", [True, False])
def test_every_mode_survives_text(rounding, overflow, signed):
    if overflow is Overflow.WRAP_SM and not signed:
        with pytest.raises(PrecisionError, match="AP_WRAP_SM needs a signed type"):
            FixedType(5, 3, signed, rounding, overflow)
        return
    kind = FixedType(5, 3, signed, rounding, overflow)
    assert FixedType.parse(str(kind)) == kind
    full = f"ap_{'' if signed else 'u'}fixed<5,3,{rounding},{overflow}>"
    assert FixedType.parse(full) == kind


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ap_fixed<8,2,AP_TRN,AP_WRAP>", "ap_fixed<8,2>"),
        ("ap_fixed<8,2,AP_RND,AP_WRAP>", "ap_fixed<8,2,AP_RND>"),
        ("ap_fixed<8,2,AP_RND,AP_WRAP,0>", "ap_fixed<8,2,AP_RND>"),
        (" ap_ufixed < 8 ,\t+2 , AP_RND\n, AP_SAT > ", "ap_ufixed<8,2,AP_RND,AP_SAT>"),
        ("ap_int<8>", "ap_fixed<8,8,AP_TRN_ZERO>"),
        ("ap_uint< 5 >", "ap_ufixed<5,5,AP_TRN_ZERO>"),
    ],
)
def test_other_spellings_become_canonical(text, canonical):
    assert str(FixedType.parse(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fixed<8,2>",
        "ap_fixed",
        "ap_fixed<>",
        "ap_fixed<8>",
        "ap_fixed<8,2",
        "ap_fixed<8,2>>",
        "ap_fixed<8,2>;",
        "ap_fixed<8,,2>",
        "ap_fixed<8,2,>",
        "ap_fixed<8.0,2>",
        "ap_fixed<8,two>",
        "ap_fixed<8,2,AP_ROUND>",
        "ap_fixed<8,2,AP_SAT>",
        "ap_fixed<8,2,AP_RND,AP_TRN>",
        "ap_fixed<8,2,ap_rnd>",
        "ap_fixed<8,2,AP_RND,AP_WRAP,1>",
        "ap_fixed<8,2,AP_RND,AP_WRAP,0,0>",
        "ap_ufixed<8,2,AP_RND,AP_WRAP_SM>",
        "ap_fixed<0,0>",
        "ap_fixed<129,2>",
        "ap_fixed<-1,2>",
        "ap_fixed<8,513>",
        "ap_fixed<8,99999999999999999999>",
        "ap_fixed<８,2>",
        "ap_int<8,2>",
        "ap_int<0>",
        "ap_int",
        None,
        8,
    ],
)
def test_bad_text_is_refused(text):
    with pytest.raises(PrecisionError):
        FixedType.parse(text)


def test_error_names_the_text_and_the_choices():
    with pytest.raises(PrecisionError, match=r"'AP_ROUND' in 'ap_fixed<8,2,AP_ROUND>'.*AP_RND_CONV"):
        FixedType.parse("ap_fixed<8,2,AP_ROUND>")


@pytest.mark.parametrize(
    "arguments",
    [
        *[(0, 0), (129, 0), (True, 0), (8.0, 2), ("8", 2), (8, None), (8, -513), (8, 2, 1)],
        *[(8, 2, True, "AP_RND"), (8, 2, True, Overflow.SAT), (8, 2, True, Rounding.RND, "AP_SAT")],
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(PrecisionError):
        FixedType(*arguments)


def test_numpy_integers_become_python_integers():
    kind = FixedType(np.int64(8), np.uint8(2), np.bool_(False))
    assert kind == FixedType(8, 2, False)
    assert [type(value) for value in (kind.width, kind.integer, kind.signed)] == [int, int, bool]


def test_is_an_immutable_value():
    kind = FixedType(8, 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind.width = 9
    assert not hasattr(kind, "__dict__")
    assert len({kind, FixedType.parse("ap_fixed<8,2>")}) == 1
    assert pickle.loads(pickle.dumps(kind)) == kind  # parallel search sends types to workers


def test_replace():
    kind = FixedType(8, 2)
    assert kind.replace(width=4, overflow=Overflow.SAT) == FixedType(4, 2, overflow=Overflow.SAT)
    assert kind == FixedType(8, 2)
    with pytest.raises(PrecisionError, match="width"):
        kind.replace(width=0)
    with pytest.raises(PrecisionError, match="'bits'"):
        kind.replace(bits=3)


@pytest.mark.parametrize(
    ("text", "fraction", "scale", "lo", "hi", "code_lo"),
    [
        ("ap_fixed<8,2>", 6, 2.0**-6, -128, 127, -128),
        ("ap_ufixed<8,2>", 6, 2.0**-6, 0, 255, 0),
        ("ap_fixed<8,10>", -2, 4.0, -128, 127, -128),
        ("ap_fixed<8,-4>", 12, 2.0**-12, -128, 127, -128),
        ("ap_fixed<8,2,AP_TRN,AP_SAT_SYM>", 6, 2.0**-6, -127, 127, -128),
        ("ap_ufixed<8,2,AP_TRN,AP_SAT_SYM>", 6, 2.0**-6, 0, 255, 0),
        ("ap_fixed<1,1>", 0, 1.0, -1, 0, -1),
        ("ap_fixed<1,1,AP_TRN,AP_SAT_SYM>", 0, 1.0, -1, 0, -1),
        ("ap_ufixed<1,1>", 0, 1.0, 0, 1, 0),
        ("ap_fixed<64,0>", 64, 2.0**-64, -(2**63), 2**63 - 1, -(2**63)),
        ("ap_ufixed<64,0>", 64, 2.0**-64, 0, 2**64 - 1, 0),
        ("ap_fixed<8,512>", -504, 2.0**504, -128, 127, -128),
    ],
)
def test_derived_properties(text, fraction, scale, lo, hi, code_lo):
    kind = FixedType.parse(text)
    assert (kind.fraction, kind.scale, kind.min_raw, kind.max_raw) == (fraction, scale, lo, hi)
    assert kind.interval == Interval(lo, hi)
    assert kind.code_interval == Interval(code_lo, hi)


def test_types_of_sums_can_be_described_but_not_cast_to() -> None:
    wide = FixedType(100, 20)
    assert str(wide) == "ap_fixed<100,20>" and wide.max_raw == 2**99 - 1
    for cast in (lambda: wide.from_float(1.0), lambda: wide.from_raw(1, 0)):
        with pytest.raises(PrecisionError, match="at most 64 bits"):
            cast()
