"""Registers of a pipeline: no stage takes longer than it may, none is too many, and boundaries are cheap."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpq_hls.kernels.placing import Circuit, flip_flops, place


@st.composite
def circuits(draw: st.DrawFn, most: int = 24) -> Circuit:
    """Inputs, then values made from earlier ones; whatever nobody reads leaves, and perhaps more does."""
    inputs = draw(st.integers(1, 4))
    made = draw(st.integers(1, most))
    delays, reads = [0] * inputs, [()] * inputs
    for value in range(inputs, inputs + made):
        delays.append(draw(st.integers(0, 4)))
        reads.append(tuple(draw(st.lists(st.integers(0, value - 1), min_size=1, max_size=2))))
    widths = draw(st.lists(st.integers(1, 9), min_size=inputs + made, max_size=inputs + made))
    read = {one for part in reads for one in part}
    ends = [value for value in range(inputs, inputs + made) if value not in read or draw(st.booleans())]
    return Circuit(delays, widths, reads, ends)


def _times(circuit: Circuit, stages: tuple[int, ...]) -> list[int]:
    times: list[int] = []
    for value, reads in enumerate(circuit.reads):
        here = [times[read] for read in reads if stages[read] == stages[value]]
        times.append(max(here, default=0) + circuit.delays[value])
    return times


def _legal(circuit: Circuit, stages: tuple[int, ...], budget: int) -> bool:
    forward = all(
        stages[read] <= stages[value] for value, reads in enumerate(circuit.reads) for read in reads
    )
    return forward and max(_times(circuit, stages)) <= budget


@settings(max_examples=100, deadline=None)
@given(circuits(), st.integers(4, 12))
def test_every_stage_fits(circuit: Circuit, budget: int) -> None:
    placed = place(circuit, budget)
    assert _legal(circuit, placed.stages, budget)
    assert placed.critical == max(_times(circuit, placed.stages))
    assert set(placed.stages) <= set(range(placed.count))
    assert placed.flip_flops == flip_flops(circuit, placed.stages, placed.count)
    inputs = [value for value, reads in enumerate(circuit.reads) if not reads]
    assert all(placed.stages[value] == 0 for value in inputs)


@settings(max_examples=60, deadline=None)
@given(circuits(most=5), st.integers(4, 8))
def test_two_stages_are_the_best_there_are(circuit: Circuit, budget: int) -> None:
    """With one boundary the minimum cut is all there is to decide."""
    placed = place(circuit, budget)
    if placed.count > 2:
        return
    fixed = [value for value, reads in enumerate(circuit.reads) if not reads]
    free = [value for value in range(len(circuit.delays)) if value not in fixed]
    best = None
    for count in (1, 2):
        for choice in itertools.product(range(count), repeat=len(free)):
            stages = [0] * len(circuit.delays)
            for value, stage in zip(free, choice, strict=True):
                stages[value] = stage
            if _legal(circuit, tuple(stages), budget):
                cost = flip_flops(circuit, stages, count)
                best = cost if best is None else min(best, cost)
        if best is not None:
            assert placed.count == count
            break
    assert placed.flip_flops == best


def test_slow_value_has_a_stage_of_its_own() -> None:
    circuit = Circuit([0, 1, 9, 1], [4, 4, 4, 4], [(), (0,), (1,), (2,)], [3])
    placed = place(circuit, 5)
    assert placed.count == 3
    assert placed.critical == 9


def test_what_belongs_last_is_last() -> None:
    circuit = Circuit([0, 5, 5, 1], [1, 9, 9, 1], [(), (0,), (1,), (0,)], [2, 3], last=[3])
    assert place(circuit, 5).stages == (0, 0, 1, 1)


@pytest.mark.parametrize("copies", [1, 3])
def test_a_value_is_registered_once(copies: int) -> None:
    """However many read it behind a boundary."""
    reads = [(), (0,), *[(1,)] * copies]
    circuit = Circuit([0, 5, *[5] * copies], [1, 7, *[2] * copies], reads, range(2, 2 + copies))
    placed = place(circuit, 5)
    assert (placed.count, placed.flip_flops) == (2, 7 + 2 * copies)
