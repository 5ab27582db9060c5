"""Layers of adders with biases, rounding and registers compute what their weights say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpq_hls.billing.delays import Delays, Pace
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.fixed.interval import Interval
from hpq_hls.kernels.adder_graph import solve
from hpq_hls.kernels.adder_pipeline import Ending, Pipelined, ending, pipelined, sum_of

DELAYS = Delays()
PACE = Pace(DELAYS, DELAYS.left(5.0))
MODES = ["AP_TRN", "AP_RND", "AP_RND_CONV", "AP_TRN_ZERO", "AP_RND_ZERO"]


@st.composite
def layers(draw: st.DrawFn) -> tuple[np.ndarray, list[int], Interval, int]:
    """Weights, offsets in units of the sum, the values of an input, zeros appended to sums of products."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 9))
    limit = draw(st.sampled_from([1, 3, 15, 200]))
    matrix = rng.integers(-limit, limit + 1, (rows, columns))
    matrix[rng.random(matrix.shape) < draw(st.sampled_from([0.0, 0.3, 0.8]))] = 0
    matrix *= draw(st.sampled_from([1, 1, -1, 4]))
    shift = draw(st.integers(0, 3))
    largest = draw(st.sampled_from([0, 1, 40, 3000]))
    offsets = [
        int(rng.integers(-largest, largest + 1)) << draw(st.sampled_from([0, 0, 2])) for _ in range(rows)
    ]
    lo, hi = draw(st.sampled_from([(0, 15), (-8, 7), (0, 1), (-3, 200)]))
    return matrix, offsets, Interval(lo, hi), shift


def _sums(one: Pipelined, x: list[int]) -> list[int]:
    """The rows' sums, with the half that may be in them."""
    constants = [interval.lo for interval in one.graph.inputs[len(one.graph.inputs) - one.constants :]]
    return one.graph.evaluate([*x, *constants])


@settings(max_examples=60, deadline=None)
@given(
    layers(),
    st.sampled_from(MODES),
    st.integers(-2, 12),
    st.sampled_from([1.0, 5.0, 30.0]),
    st.randoms(use_true_random=False),
)
def test_rows_are_sums(
    layer: tuple[np.ndarray, list[int], Interval, int],
    rounding: str,
    drop: int,
    clock_ns: float,
    random: np.random.RandomState,
) -> None:
    matrix, offsets, interval, shift = layer
    sums = FixedType(40, 20)
    made = FixedType.parse(f"ap_fixed<6,{6 - (20 - drop)},{rounding},AP_SAT>")
    for graph in solve(matrix, interval)[:3]:
        pace = Pace(DELAYS, DELAYS.left(clock_ns))
        one = pipelined(graph, tuple(offsets), shift, sums, made, Epilogue(), pace)
        assert not any(term.negative for term in one.graph.outputs if term is not None)
        for _ in range(4):
            x = [random.randint(interval.lo, interval.hi) for _ in range(matrix.shape[1])]
            exact = [
                (sum(int(w) * v for w, v in zip(row, x, strict=True)) << shift) + offset + one.end.half
                for row, offset in zip(matrix, offsets, strict=True)
            ]
            found = _sums(one, x)
            assert found == exact
            for value, term in zip(found, one.graph.outputs, strict=True):
                assert (value == 0) if term is None else sum_of(one.graph, term).contains(value)


@settings(max_examples=60, deadline=None)
@given(layers(), st.sampled_from([1.2, 3.0, 5.0, 40.0]))
def test_every_value_is_read_when_it_is_there(
    layer: tuple[np.ndarray, list[int], Interval, int], clock_ns: float
) -> None:
    matrix, offsets, interval, shift = layer
    sums, made = FixedType(40, 20), FixedType.parse("ap_ufixed<8,2,AP_RND,AP_SAT>")
    pace = Pace(DELAYS, DELAYS.left(clock_ns))
    one = pipelined(solve(matrix, interval)[0], tuple(offsets), shift, sums, made, Epilogue.relu(), pace)
    graph, count = one.graph, len(one.graph.inputs)
    assert set(one.stages[: count - one.constants]) <= {0}
    delays = one.delays()
    for index, adder in enumerate(graph.adders):
        for term in (adder.left, adder.right):
            assert term.ref < count + index
            waits = one.stages[count + index] - one.stages[term.ref]
            if not count - one.constants <= term.ref < count:
                assert 0 <= waits <= delays[term.ref]
    for row, term in enumerate(graph.outputs):
        assert term is None or one.waits(row) >= 0
        assert 0 <= one.rows[row] < one.registers
    slowest = max((pace.delays.adder(adder.bits) for adder in graph.adders), default=0)
    assert one.critical <= max(pace.budget, slowest, pace.delays.logic(2))


def test_a_bias_costs_no_depth_where_there_is_slack() -> None:
    """Five terms in three levels: the odd one waits for an adder."""
    graph = solve(np.array([[1, 1, 1, 1, 1]]), Interval(0, 7))[0]
    sums, made = FixedType(12, 12), FixedType.parse("ap_fixed<12,12>")
    one = pipelined(graph, (21,), 0, sums, made, Epilogue(), PACE)
    assert len(one.graph.adders) == len(graph.adders) + 1
    assert one.graph.depth == graph.depth == 3
    full = solve(np.array([[1, 1, 1, 1]]), Interval(0, 7))[0]
    assert pipelined(full, (21,), 0, sums, made, Epilogue(), PACE).graph.depth == full.depth + 1


def test_rounding_to_the_nearest_is_part_of_the_bias() -> None:
    sums, made = FixedType(16, 8), FixedType.parse("ap_fixed<6,3,AP_RND,AP_SAT>")
    assert ending(sums, made, Epilogue.relu()) == Ending(16, 5, 5, 17)
    assert ending(sums, made, Epilogue(-40, 1000)) == Ending(16, 0, 5, 17, 11)  # which need all bits
    assert ending(sums, made, Epilogue.relu()).cast_bits(Interval(-9, 100)) == 8
    assert (
        ending(sums, made, Epilogue.relu()).cast_bits(Interval(0, 3)) == 6
    )  # one less than that has no result
    assert ending(sums, made, Epilogue(-40, 1000)).cast_bits(Interval(0, 3)) == 11
    assert ending(sums, made, Epilogue.relu()).cast_bits(Interval(-(2**20), 0)) == 17
    for text in (
        "ap_fixed<6,3,AP_RND_CONV,AP_SAT>",
        "ap_fixed<6,3,AP_RND,AP_WRAP_SM>",
        "ap_fixed<9,-2,AP_RND,AP_SAT>",
        "ap_fixed<4,20,AP_RND>",
    ):
        kind = FixedType.parse(text)
        assert ending(sums, kind, Epilogue()) == Ending(0, 0, 8 - kind.fraction, 16)


@pytest.mark.parametrize(("slow", "fast"), [(20.0, 5.0), (5.0, 2.5)])
def test_registers_follow_the_clock(slow: float, fast: float) -> None:
    graph = solve(np.random.default_rng(0).integers(-8, 8, (8, 16)), Interval(0, 255))[0]
    sums, made = FixedType(16, 8), FixedType.parse("ap_ufixed<8,4,AP_RND,AP_SAT>")
    few, many = (
        pipelined(graph, (3,) * 8, 0, sums, made, Epilogue.relu(), Pace(DELAYS, DELAYS.left(clock_ns)))
        for clock_ns in (slow, fast)
    )
    assert few.registers < many.registers
    assert few.flip_flops < many.flip_flops
    assert many.critical <= DELAYS.left(fast) < few.critical <= DELAYS.left(slow)
