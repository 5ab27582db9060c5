"""What has to be shown of a kernel so that it is right for every input (docs/verification.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType

IntArray = npt.NDArray[np.int64]

DOUBLE_BITS = 53
"""Sums of up to so many bits are exact in double precision."""


class Nature(enum.Enum):
    """How what comes out depends on what goes in.

    ROUTES: where an element goes does not depend on what it is; it may be cast at the end.
    ELEMENTWISE: an element of the output depends on the element at the same place of the input alone.
    PLACEWISE: and on the place.
    SUMS: exact weighted sums (``Kernel.exact_sums``), each of which is cast.
    PRODUCTS: products of an element of either input, which are cast.
    COMPARES: of some elements one, or its number, by their order.
    ANY: nothing of all that.
    """

    ROUTES = "routes"
    ELEMENTWISE = "elementwise"
    PLACEWISE = "placewise"
    SUMS = "sums"
    PRODUCTS = "products"
    COMPARES = "compares"
    ANY = "any"


@dataclass(frozen=True, eq=False)
class Sums:
    """The exact sums of a kernel, in integers of their own scale.

    A frame of all inputs, each cut into ``blocks`` parts, makes blocks of ``columns.max() + 1`` elements, the
    parts of the inputs one after the other. Of each block

        sum[g, m] = offset[g, m] + weight[g, m] . block[columns[g]]

    and the casts of the sums are a block of the output, sum (g, m) at place rows[g, m].

    weight: (G, M, K); offset, rows: (G, M); columns: (G, K). kind: the type that holds the sums.
    """

    blocks: int
    weight: IntArray
    offset: IntArray
    columns: IntArray
    rows: IntArray
    kind: FixedType

    def of(self, blocks: IntArray) -> IntArray:
        """(N, elements) -> (N, outputs): the exact sums, in the order of the output."""
        small = self.kind.width <= DOUBLE_BITS
        number = np.dtype(np.float64 if small else object)
        picked = blocks[:, self.columns].transpose(1, 0, 2).astype(number)  # (G, N, K)
        made = np.matmul(picked, self.weight.transpose(0, 2, 1).astype(number))
        made = made + self.offset[:, None].astype(number)
        result = np.empty((len(blocks), self.rows.size), dtype=np.int64 if small else object)
        result[:, self.rows.reshape(-1)] = made.transpose(1, 0, 2).reshape(len(blocks), -1)
        return result


def evenly(blocks: int, factor: int, columns: IntArray, kind: FixedType) -> Sums:
    """Sums of some elements each, times one factor; they leave in order. columns: (sums, terms)."""
    weight = np.full((len(columns), 1, columns.shape[1]), factor, dtype=object)
    nothing, rows = np.zeros((len(columns), 1), dtype=np.int64), np.arange(len(columns))[:, None]
    return Sums(blocks, weight, nothing, columns, rows, kind)
