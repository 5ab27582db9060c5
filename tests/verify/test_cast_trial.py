"""Which numbers are tried of a cast."""

from __future__ import annotations

import numpy as np
import pytest

from hpq_hls.fixed import Epilogue, FixedType, Interval
from hpq_hls.verify.certify.plan import EXHAUSTIVE, CastTrial, cast_trial

SUM = FixedType.parse("ap_fixed<40,20>")
BYTE = FixedType.parse("ap_fixed<8,4,AP_RND,AP_SAT>")


def trial(codes: Interval, made: FixedType = BYTE, ranged: Epilogue | None = None) -> CastTrial:
    return cast_trial(SUM, ranged or Epilogue(), made, codes, np.random.default_rng(1))


@pytest.mark.parametrize("low", [0, -EXHAUSTIVE // 2, -EXHAUSTIVE + 1, 1 << 37, -(1 << 37)])
def test_all_codes_up_to_a_limit(low: int) -> None:
    all_of_them = trial(Interval(low, low + EXHAUSTIVE - 1))
    assert (all_of_them.everything, len(all_of_them.codes)) == (True, EXHAUSTIVE)
    assert (all_of_them.codes[0], all_of_them.codes[-1]) == (low, low + EXHAUSTIVE - 1)
    some = trial(Interval(low, low + EXHAUSTIVE))
    assert not some.everything
    assert len(some.codes) < EXHAUSTIVE


def test_of_many_codes_each_step_and_each_bit() -> None:
    codes = Interval(-(1 << 38), (1 << 38) + 5)
    found = trial(codes)
    assert (found.everything, found.steps) == (False, True)
    there = set(found.codes.tolist())
    dropped = SUM.fraction - BYTE.fraction
    for step in range(-128, 128):
        middle, half = step << dropped, 1 << dropped - 1
        assert {middle, middle - 1, middle + 1, middle + half, middle + half - 1, middle - half} <= there
    assert {1 << bit for bit in range(38)} <= there
    assert {codes.lo, codes.hi} <= there
    assert min(there) >= codes.lo and max(there) <= codes.hi
    assert len(np.unique(found.expected)) == 256


def test_bounds_are_tried_and_a_wide_result_is_not_all_steps() -> None:
    found = trial(Interval(0, 1 << 38), FixedType.parse("ap_fixed<24,12>"), Epilogue(low=12345, high=9876543))
    assert not found.steps
    assert {12344, 12345, 12346, 9876542, 9876543, 9876544} <= set(found.codes.tolist())
