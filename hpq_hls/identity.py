"""What is known of objects that are told apart by identity alone: arrays above all, which have no hash."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class _Known(weakref.ref[Any], Generic[Value]):
    """An object, and what is known of it. place: where that is kept."""

    __slots__ = ("place", "value")

    place: int
    value: Value


class ByIdentity(Generic[Value]):
    """What is found of objects, each looked at once as long as it is there.

    It is for what does not change: nobody tells it that an array is written to.
    """

    def __init__(self) -> None:
        known: dict[int, _Known[Value]] = {}

        def forget(gone: _Known[Value]) -> None:
            if known.get(gone.place) is gone:
                del known[gone.place]

        self._known, self._forget = known, forget

    def of(self, thing: object, find: Callable[[], Value]) -> Value:
        """What ``find`` returns, or returned, of an object that weak references can lead to."""
        place = id(thing)
        found = self._known.get(place)
        if found is None or found() is not thing:
            value = find()
            found = self._known[place] = _Known(thing, self._forget)
            found.place, found.value = place, value
        return found.value
