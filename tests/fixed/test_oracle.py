"""Every mode of FixedType against the Xilinx headers compiled by g++: over ten million casts, all equal."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hpq_hls.fixed import FixedType, Overflow, Rounding
from tests.fixed.operands import fixed_operands, shape_of, words_of, words_of_operands

MODES = [(rounding, overflow) for rounding in Rounding for overflow in Overflow]
LEAST = 180_000
"""Casts that every quantization mode x overflow mode x signedness of the target is compared on, or more."""

FROM_DOUBLE, FROM_FIXED = 5, 36  # targets and pairs of shapes in casts.inc
WIDE = 12_000  # operands of a source too wide for all its codes


@pytest.fixture(scope="module")
def oracle(build_oracle):
    return build_oracle("casts")


def signs(overflow: Overflow) -> int:
    """How many signednesses the mode exists for."""
    return 1 if overflow is Overflow.WRAP_SM else 2


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


def request_and_expectation(cast: Any, doubles: int) -> tuple[Any, npt.NDArray[np.uint64]]:
    source, target = cast.fields[0], FixedType.parse(cast.fields[1])
    if source == "double":
        x = double_operands(target, doubles, cast.index)
        return (cast, x.view(np.uint64)), words_of(target.from_float(x))
    width, fraction, signed = shape_of(source)
    raw = fixed_operands(width, signed, WIDE if width < 62 else WIDE // 5, cast.index)
    return (cast, words_of_operands(raw, width)), words_of(target.from_raw(raw, fraction))


def compare(oracle: Any, casts: list[Any], doubles: int) -> int:
    """Casts on both sides, fails on the first difference, returns how many results were compared."""
    pairs = [request_and_expectation(cast, doubles) for cast in casts]
    results = oracle([request for request, _ in pairs])
    for (cast, operands), expected, result in zip(*zip(*pairs, strict=True), results, strict=True):
        wrong = np.flatnonzero(expected != result)
        assert wrong.size == 0, (
            f"{' -> '.join(cast.fields)}: {wrong.size} of {result.size} differ, first operand "
            f"{operands[wrong[0]]}: expected {expected[wrong[0]]}, header says {result[wrong[0]]}"
        )
    return sum(result.size for result in results)


@pytest.mark.parametrize(("rounding", "overflow"), MODES, ids=str)
def test_mode(oracle, rounding, overflow):
    casts = [cast for cast in oracle.table if cast.fields[1].endswith(f",{rounding},{overflow}>")]
    assert len(casts) == (FROM_DOUBLE + FROM_FIXED) * signs(overflow)
    assert compare(oracle, casts, doubles=8000) >= LEAST * signs(overflow)


def test_ten_million_casts_are_compared(oracle):
    # test_mode fails below LEAST casts; for the sum to count, the table must have all modes.
    assert LEAST * sum(signs(overflow) for _, overflow in MODES) >= 10_000_000
    modes = {tuple(cast.fields[1].rstrip(">").split(",")[2:]) for cast in oracle.table}
    assert modes >= {(str(rounding), str(overflow)) for rounding, overflow in MODES}


def test_every_mode_meets_every_kind_of_source(oracle):
    """Bits dropped below, deleted above, both, neither, all; signed and unsigned; narrow and very wide."""
    seen: dict[tuple[str, ...], set[Any]] = {}
    shapes = set()
    for cast in oracle.table:
        if cast.fields[0] == "double" or ",AP_" not in cast.fields[1]:
            continue
        target = FixedType.parse(cast.fields[1])
        width, fraction, signed = shape_of(cast.fields[0])
        dropped = fraction - target.fraction
        below = (
            "none" if dropped <= 0 else "some" if dropped < width else "all" if dropped == width else "more"
        )
        above = width - dropped - target.width
        kinds = seen.setdefault((str(target.rounding), str(target.overflow)), set())
        kinds |= {(below, signed), ("above", above > 0, signed), ("one above", above == 1)}
        kinds |= {("both", dropped > 0 and above > 0, signed), ("words", (width + 63) // 64)}
        shapes.add((width, fraction, signed, target.width, target.fraction, target.signed))
    assert len(seen) == len(MODES)
    wanted = {(below, signed) for below in ("some", "more") for signed in (True, False)}
    wanted |= {(kind, True, signed) for kind in ("above", "both") for signed in (True, False)}
    wanted |= {("one above", True), ("words", 1), ("words", 2)}
    for mode, kinds in seen.items():
        assert kinds >= wanted, mode
    assert len(shapes) > 400


def test_ap_int_is_truncation_towards_zero(oracle):
    casts = [cast for cast in oracle.table if cast.fields[1].startswith(("ap_int", "ap_uint"))]
    assert len(casts) == 4
    for cast in casts:
        (_, words), expected = request_and_expectation(cast, 20_000)
        (result,) = oracle([(cast, words)])
        differs = expected != result
        if cast.fields[0] == "double":  # the header turns every double between -0.5 and 0 into 1, a defect
            x = words.view(np.float64)
            assert np.array_equal(differs, (x > -0.5) & (x < 0))
            assert (result[differs] == 1).all()
        else:
            assert not differs.any()


def test_to_float(oracle):
    casts = [cast for cast in oracle.table if cast.fields[1] == "double"]
    assert len(casts) == 4
    for cast in casts:
        source = FixedType.parse(cast.fields[0])
        raw = fixed_operands(source.width, source.signed, 20_000, cast.index)
        (result,) = oracle([(cast, words_of(raw))])
        assert np.array_equal(source.to_float(raw).view(np.uint64), result)


@pytest.mark.parametrize("names", [[str(r) for r in Rounding], [str(o) for o in Overflow]], ids=["Q", "O"])
def test_operands_tell_every_two_modes_apart(oracle, names):
    # Without this, the comparisons above could agree on operands that need no rounding or never overflow.
    targets = {name: f"ap_fixed<5,-2,{name},AP_SAT>" for name in names}
    if "AP_SAT" in names:
        targets = {name: f"ap_fixed<5,-2,AP_RND,{name}>" for name in names}
    casts = {cast.fields[1]: cast for cast in oracle.table if cast.fields[0] == "double"}
    words = double_operands(FixedType.parse("ap_fixed<5,-2>"), 1000, seed=1).view(np.uint64)
    results = oracle([(casts[target], words) for target in targets.values()])
    for one, other in itertools.combinations(results, 2):
        assert not np.array_equal(one, other)
