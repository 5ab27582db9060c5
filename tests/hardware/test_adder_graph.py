"""Adder graphs equal their matrices, exactly, whatever the matrix."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from alkaid import cmvm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpq_hls.errors import ConfigError, VerificationError
from hpq_hls.fixed.interval import Interval
from hpq_hls.kernels.adder_graph import (
    MAX_NONZEROS,
    MAX_WEIGHT,
    Adder,
    AdderGraph,
    Term,
    side_by_side,
    solve,
)

INTERVALS = st.sampled_from(
    [Interval(0, 15), Interval(-8, 7), Interval(0, 1), Interval(-1, 0), Interval(-4, 200)]
)
POWERS = [0, *(sign << shift for shift in range(19) for sign in (1, -1))]


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """Up to 6 x 6: any integers, few bits, powers of two; then equal, opposite, zero rows and columns."""
    shape = (draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    limit = draw(st.sampled_from([1, 7, 127, MAX_WEIGHT - 1]))
    values = draw(st.sampled_from([st.integers(-limit, limit), st.sampled_from(POWERS)]))
    matrix = draw(arrays(np.int64, shape, elements=values))
    for change in draw(
        st.lists(st.sampled_from(["twin", "opposite", "double", "row", "column"]), max_size=3)
    ):
        one, other = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[0] - 1))
        if change == "row":
            matrix[one] = 0
        elif change == "column":
            matrix[:, draw(st.integers(0, shape[1] - 1))] = 0
        elif change != "double" or abs(matrix[one]).max() < MAX_WEIGHT // 2:
            matrix[other] = matrix[one] * {"twin": 1, "opposite": -1, "double": 2}[change]
    return matrix


def _product(matrix: np.ndarray, x: list[int]) -> list[int]:
    return [sum(int(w) * v for w, v in zip(row, x, strict=True)) for row in matrix]


@settings(max_examples=120, deadline=None)
@given(matrices(), INTERVALS, st.randoms(use_true_random=False))
def test_graph_equals_matrix(matrix: np.ndarray, interval: Interval, random: np.random.RandomState) -> None:
    columns = range(matrix.shape[1])
    for graph in solve(matrix, interval):
        for ends in ((interval.lo, interval.lo), (interval.hi, interval.hi), (interval.lo, interval.hi)):
            for _ in range(3):
                x = [random.randint(*ends) for _ in columns]
                assert graph.evaluate(x) == _product(matrix, x)
        _check_intervals(graph, interval)


def _check_intervals(graph: AdderGraph, interval: Interval) -> None:
    """Both ends of every adder's interval occur, and nothing beyond: adders are linear."""
    count = len(graph.inputs)
    rows = np.eye(count, dtype=object).tolist()
    for adder in graph.adders:
        assert adder.left.shift >= 0
        assert adder.right.shift >= 0
        assert not adder.left.negative
        assert {adder.left.ref, adder.right.ref} <= set(range(len(rows)))
        sign = -1 if adder.right.negative else 1
        rows.append(
            [
                (a << adder.left.shift) + sign * (b << adder.right.shift)
                for a, b in zip(rows[adder.left.ref], rows[adder.right.ref], strict=True)
            ]
        )
        least = sum(min(f * interval.lo, f * interval.hi) for f in rows[-1])
        most = sum(max(f * interval.lo, f * interval.hi) for f in rows[-1])
        assert adder.interval == Interval(least, most)


@settings(max_examples=60, deadline=None)
@given(st.lists(matrices(), min_size=1, max_size=3), INTERVALS)
def test_side_by_side(parts: list[np.ndarray], interval: Interval) -> None:
    graphs = [solve(part, interval)[-1] for part in parts]
    vectors = [[(7 * i + k) % 5 - 2 for k in range(part.shape[1])] for i, part in enumerate(parts)]
    expected = [y for part, x in zip(parts, vectors, strict=True) for y in _product(part, x)]
    together = side_by_side(graphs)
    assert together.evaluate([v for x in vectors for v in x]) == expected
    assert together.depth == max(graph.depth for graph in graphs)
    assert together.adder_bits == sum(graph.adder_bits for graph in graphs)


def test_rows_share_sums() -> None:
    """Equal rows, and multiples by a power of two, cost nothing; wires neither."""
    interval = Interval(0, 15)
    row = [3, 5, 7, -9]
    alone = solve(np.array([row]), interval)
    twins = solve(np.array([row, row, [-2 * w for w in row], [0, 0, 0, 0]]), interval)
    assert min(len(graph.adders) for graph in alone) == min(len(graph.adders) for graph in twins) > 0
    assert all(graph.outputs[3] is None for graph in twins)
    assert not any(graph.adders for graph in solve(np.array([[4, 0], [0, -1]]), interval))


def test_the_plain_order_is_not_the_only_start() -> None:
    """A greedy solver's answers differ, and no graph has fewer adders in a row than the first."""
    graphs = solve(np.random.default_rng(3).integers(-8, 8, (24, 12)), Interval(0, 255))
    assert len({graph.adder_bits for graph in graphs}) > 3
    assert graphs[0].depth == min(graph.depth for graph in graphs)


def test_refusals() -> None:
    with pytest.raises(ConfigError, match=r"below 1048576 and one is 1048576"):
        solve(np.array([[MAX_WEIGHT]]), Interval(0, 1))
    with pytest.raises(ConfigError, match="weights that are not zero and this one has 16512"):
        solve(np.ones((129, MAX_NONZEROS // 128), dtype=np.int64), Interval(0, 1))


def test_a_wrong_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver is not trusted: the graph of another matrix is refused."""
    right = cmvm.cmvm_solve

    def wrong(kernel: np.ndarray, **options: object) -> object:
        kernel[0, 0] += 1
        return right(kernel, **options)

    monkeypatch.setattr(cmvm, "cmvm_solve", wrong)
    with pytest.raises(VerificationError, match="wrong in column 0"):
        solve(np.array([[11, 13], [17, 190]]), Interval(0, 15))


def test_dropped_bits_must_be_zero() -> None:
    """Outputs may be shifted right only where that is exact."""
    inputs = (Interval(0, 3),)
    twice = Adder(Term(0), Term(0), Interval(0, 6), 1)
    assert AdderGraph(inputs, (twice,), (Term(1, -1),)).evaluate([3]) == [3]
    with pytest.raises(VerificationError, match="not zero"):
        AdderGraph(inputs, (twice,), (Term(1, -2),)).evaluate([3])


def test_same_graph_in_every_process() -> None:
    """Nothing depends on the order of sets, on time or on threads."""
    program = (
        "import numpy as np\n"
        "from hpq_hls.fixed.interval import Interval\n"
        "from hpq_hls.kernels.adder_graph import solve\n"
        "print(solve(np.random.default_rng(1).integers(-8, 8, (8, 24)), Interval(0, 15)))\n"
    )
    texts = [
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 1000
