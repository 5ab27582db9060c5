"""Every mode of FixedType against the Xilinx headers compiled by g++; several million casts, all equal."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hpq_hls.fixed import FixedType, Overflow, Rounding

MODES = [(rounding, overflow) for rounding in Rounding for overflow in Overflow]
MASK = (1 << 64) - 1


def words_of(values: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """The low 64 bits of each integer, two's complement."""
    if values.dtype == np.int64:
        return values.view(np.uint64)
    return np.array([int(value) & MASK for value in values], np.uint64)


def fixed_operands(width: int, signed: bool, count: int, seed: int) -> npt.NDArray[Any]:
    """Raw operands: every code of a narrow source; of a wide one, codes of all sizes, ties, neighbours."""
    lo = -(1 << (width - 1)) if signed else 0
    if width <= 12:
        return np.arange(lo, lo + (1 << width))
    rng = np.random.default_rng(seed)
    raw = rng.integers(0, 1 << 64, count, np.uint64).astype(object)
    raw = ((raw << 64) | rng.integers(0, 1 << 64, count, np.uint64).astype(object)) >> (128 - width)
    raw = raw + lo >> rng.integers(0, width, count).astype(object)  # all magnitudes
    cleared = rng.integers(0, width, count).astype(object)
    raw = np.where(rng.random(count) < 0.6, (raw >> cleared) << cleared, raw)  # ties and exact values
    raw = raw + rng.integers(-1, 2, count).astype(object)
    return np.clip(raw, lo, lo + (1 << width) - 1)


def words_of_operands(raw: npt.NDArray[Any], width: int) -> npt.NDArray[np.uint64]:
    if width <= 64:
        return words_of(raw)
    return np.stack([words_of(raw), words_of(raw >> 64)], axis=1)


def double_operands(target: FixedType, count: int, seed: int) -> npt.NDArray[np.float64]:
    """Doubles about the target's range: eighths of a unit, ties, their neighbours, all exponents."""
    rng = np.random.default_rng(seed)
    reach = 3 << min(target.width, 8)
    grid = np.arange(-8 * reach, 8 * reach + 1) / 8
    exponents = rng.integers(-8, target.width + 70, count)
    spread = np.ldexp(rng.uniform(-1, 1, count), exponents)
    near = (np.trunc(spread[: count // 2]) + rng.integers(-2, 3, count // 2) / 2) * 1.0
    edges = np.array([target.min_raw, target.max_raw, target.max_raw + 1, 2 * target.max_raw + 1, 0], float)
    near = np.concatenate([near, *(edges + step for step in (-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1))])
    units = np.concatenate([grid, spread, near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)])
    extremes = [1.7976931348623157e308, 2.2250738585072014e-308, 5e-324, 1e300, 1e-300, 0.0]
    return np.concatenate([np.ldexp(units, -target.fraction), extremes, np.negative(extremes)])


def shape_of(source: str) -> tuple[int, int, bool]:
    """Width, fraction and signedness of a source, which may be wider than FixedType allows."""
    name, _, parameters = source.rstrip(">").partition("<")
    width, integer = map(int, parameters.split(","))
    return width, width - integer, name == "ap_fixed"


def request_and_expectation(cast: Any, target: FixedType, count: int) -> tuple[Any, npt.NDArray[np.uint64]]:
    if cast.source == "double":
        x = double_operands(target, count, cast.index)
        return (cast, x.view(np.uint64)), words_of(target.from_float(x))
    width, fraction, signed = shape_of(cast.source)
    raw = fixed_operands(width, signed, count, cast.index)
    return (cast, words_of_operands(raw, width)), words_of(target.from_raw(raw, fraction))


def compare(oracle: Any, casts: list[Any], count: int) -> int:
    """Casts on both sides, fails on the first difference, returns how many results were compared."""
    pairs = [request_and_expectation(cast, FixedType.parse(cast.target), count) for cast in casts]
    results = oracle([request for request, _ in pairs])
    for (cast, operands), expected, result in zip(*zip(*pairs, strict=True), results, strict=True):
        wrong = np.flatnonzero(expected != result)
        assert wrong.size == 0, (
            f"{cast.source} -> {cast.target}: {wrong.size} of {result.size} differ, first operand "
            f"{operands[wrong[0]]}: expected {expected[wrong[0]]}, header says {result[wrong[0]]}"
        )
    return sum(result.size for result in results)


@pytest.mark.parametrize(("rounding", "overflow"), MODES, ids=str)
def test_mode(oracle, rounding, overflow):
    casts = [cast for cast in oracle.casts if cast.target.endswith(f",{rounding},{overflow}>")]
    shapes = 18 if rounding in (Rounding.TRN, Rounding.RND_CONV) else 12
    assert len(casts) == (6 + shapes) * (1 if overflow is Overflow.WRAP_SM else 2)
    assert compare(oracle, casts, count=4000) > 90_000 * len(casts) // 24


def test_ap_int_is_truncation_towards_zero(oracle):
    casts = [cast for cast in oracle.casts if cast.target.startswith(("ap_int", "ap_uint"))]
    assert len(casts) == 4
    for cast in casts:
        target = FixedType.parse(cast.target)
        (_, words), expected = request_and_expectation(cast, target, 20_000)
        (result,) = oracle([(cast, words)])
        differs = expected != result
        if cast.source == "double":  # the header turns every double between -0.5 and 0 into 1, a defect
            x = words.view(np.float64)
            assert np.array_equal(differs, (x > -0.5) & (x < 0))
            assert (result[differs] == 1).all()
        else:
            assert not differs.any()


def test_to_float(oracle):
    casts = [cast for cast in oracle.casts if cast.target == "double"]
    assert len(casts) == 4
    for cast in casts:
        source = FixedType.parse(cast.source)
        raw = fixed_operands(source.width, source.signed, 20_000, cast.index)
        (result,) = oracle([(cast, words_of(raw))])
        assert np.array_equal(source.to_float(raw).view(np.uint64), result)


@pytest.mark.parametrize("names", [[str(r) for r in Rounding], [str(o) for o in Overflow]], ids=["Q", "O"])
def test_operands_tell_every_two_modes_apart(oracle, names):
    # Without this, the comparisons above could agree on operands that need no rounding or never overflow.
    targets = {name: f"ap_fixed<8,4,{name},AP_SAT>" for name in names}
    if "AP_SAT" in names:
        targets = {name: f"ap_fixed<8,4,AP_RND,{name}>" for name in names}
    casts = {cast.target: cast for cast in oracle.casts if cast.source == "double"}
    words = double_operands(FixedType.parse("ap_fixed<8,4>"), 1000, seed=1).view(np.uint64)
    results = oracle([(casts[target], words) for target in targets.values()])
    for one, other in itertools.combinations(results, 2):
        assert not np.array_equal(one, other)
