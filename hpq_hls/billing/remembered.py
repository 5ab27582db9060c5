"""Bills by the content of what is billed: the same circuit is drawn up once, for however many designs."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import numpy.typing as npt

from hpq_hls.billing.bill import Bill

Result = TypeVar("Result")


class Remembered(Generic[Result]):
    """Parts of bills, and what else was found with them, by all that they follow from; the ``size`` ones that
    were asked for last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[Hashable, tuple[Bill, Result]] = OrderedDict()

    def take(self, bill: Bill, key: Hashable, make: Callable[[Bill], Result]) -> Result:
        """Count in ``bill`` a part that ``make`` bills, as if it had billed it there; returns what that does.

        key: everything that it follows from but the family, arrays as ``content``.
        """
        whole = bill.family, key
        found = self._known.pop(whole, None)
        if found is None:
            part = Bill(bill.family)
            found = part, make(part)
        self._known[whole] = found
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        bill.take(found[0])
        return found[1]


def content(array: npt.NDArray[Any]) -> Hashable:
    """The same for arrays of the same shape, type and elements, and for no others."""
    return array.shape, array.dtype.str, hashlib.sha256(array.tobytes()).digest()
