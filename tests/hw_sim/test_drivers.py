"""When sources send."""

from __future__ import annotations

import pytest

from hw_sim.drivers import paced


@pytest.mark.parametrize("late", [1, 2, 3, 9])
def test_beats_keep_their_distance_from_the_first_one_taken(late: int) -> None:
    """Of packets of two beats four cycles apart, if the design takes the first beat ``late`` cycles after it
    was offered."""
    cycle = 10
    pauses = paced(lambda: cycle, pace=4, beats=2)
    assert not next(pauses)
    cycle += late
    taken = [cycle]
    while len(taken) < 6:
        pausing = next(pauses)
        cycle += 1
        if not pausing:
            taken.append(cycle)
    assert [each - taken[0] for each in taken] == [0, 2, 4, 6, 8, 10]
