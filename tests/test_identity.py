"""What is known of objects by identity."""

from __future__ import annotations

import gc

import numpy as np

from hpq_hls.identity import ByIdentity


def test_each_object_is_looked_at_once() -> None:
    known, looked = ByIdentity[int](), []
    first, second = np.zeros(3), np.zeros(3)  # equal, and yet two
    for thing in (first, second, first, second):
        assert known.of(thing, lambda thing=thing: looked.append(thing) or len(looked)) in (1, 2)
    assert [id(thing) for thing in looked] == [id(first), id(second)]


def test_nothing_is_known_of_what_comes_to_stand_in_the_same_place() -> None:
    known = ByIdentity[int]()
    for number in range(1000):  # most of these arrays are where the one before was
        thing = np.full(5, number)
        assert known.of(thing, lambda thing=thing: int(thing[0])) == number
    places = {id(np.full(5, number)) for number in range(1000)}
    assert len(places) < 1000


def test_objects_go_with_what_is_known_of_them() -> None:
    known = ByIdentity[list[int]]()
    kept = np.zeros(2)
    known.of(kept, list)
    for _ in range(100):
        known.of(np.zeros(2), list)
    gc.collect()
    assert len(known._known) == 1
