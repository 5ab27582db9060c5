"""Bills of dot products with constants (hpq_constdot): what synthesis leaves of products and of their sums.

Synthesis narrows what it sees the ends of. Zeros below a product, and copies of its sign above it, are
wires. A product whose factors are both never negative has no sign. Products of one input that differ by a
power of two are one product, but in DSP blocks, and sums of the same terms are one sum.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import DSP_MIN_OPERAND, DSP_MIN_PRODUCT, SUMS, dsp_blocks
from hpq_hls.billing.products import constant_steps, constant_width, signed_width
from hpq_hls.fixed import FixedType

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Wires:
    """Bits of a number that synthesis does not know.

    low: of its lowest, of which all below are zeros. high: above its highest, from where on all are zeros, or
    copies of its sign where it is ``signed``. key: the same for the same number. in_dsp: whether it comes out
    of a DSP block that nothing else reads.
    """

    low: int
    high: int
    signed: bool
    key: Hashable
    in_dsp: bool = False

    @property
    def bits(self) -> int:
        """How many there are."""
        return self.high - self.low

    def shifted(self, places: int) -> Wires:
        """The number with so many zeros appended."""
        return Wires(self.low + places, self.high + places, self.signed, self.key, self.in_dsp)


def added(members: Sequence[Wires], limit: int) -> tuple[Wires, int]:
    """The sum of two numbers or more, modulo 2**limit, and the bits that it has to be added up for: below
    these no two numbers have any."""
    signed = any(one.signed for one in members)
    tops = [one.high + (1 if signed and not one.signed else 0) for one in members]
    high = min(max(tops) + (len(members) - 1).bit_length(), limit)
    lows = sorted(one.low for one in members)
    key = tuple((one.key, one.low - lows[0]) for one in members)
    return Wires(min(lows[0], high), high, signed, key), max(high - lows[1], 0)


def constant_dots(
    bill: Bill,
    columns: IntArray,
    weights: IntArray,
    types: tuple[FixedType, FixedType],
    limit: int,
    *,
    every: int,
    in_luts: bool,
) -> list[Wires | None]:
    """Bill the products and the trees of all rows; returns the sum of each, None where no weight is.

    columns: (rows, terms), which input each term is; weights: (rows, terms) integers. types: of inputs and of
    weights. limit: bits of a sum. every: levels of two-operand sums between registers. in_luts: no product is
    built in a DSP block.
    """
    products = _Products(bill, types, limit, in_luts=in_luts).of(columns, weights)
    seen = set[Hashable]()
    return [_tree(bill, row, limit, every, seen) for row in products]


class _Products:
    """hpq_constdot's registered products of inputs and constants, which it bills. Parameters as of
    ``constant_dots``."""

    def __init__(self, bill: Bill, types: tuple[FixedType, FixedType], limit: int, *, in_luts: bool) -> None:
        self._bill, self._limit, self._in_luts = bill, limit, in_luts
        self._x, weight = types
        self._full = signed_width(self._x) + signed_width(weight)
        self._steps = set[tuple[int, int]]()  # sums that products in LUTs have been made of so far

    def of(self, columns: IntArray, weights: IntArray) -> list[list[Wires | None]]:
        """All of some rows, one for what is the same."""
        lows = np.where(weights == 0, 1, weights & -weights)
        odds = weights // lows
        places = np.log2(lows.astype(np.float64)).astype(np.int64)
        apart = np.isin(odds, [odd for odd in np.unique(odds).tolist() if self._stands_apart(odd)])
        kinds = np.stack([columns, odds, np.where(apart, places, 0)], axis=-1)
        each, counts = np.unique(kinds[weights != 0], axis=0, return_counts=True)
        made = {
            (column, odd, place): self._product((column, odd, place), count)
            for (column, odd, place), count in zip(each.tolist(), counts.tolist(), strict=True)
        }
        return [
            [
                made[column, odd, inside].shifted(place) if odd else None
                for (column, odd, inside), place in zip(row, row_places, strict=True)
            ]
            for row, row_places in zip(kinds.tolist(), places.tolist(), strict=True)
        ]

    def _stands_apart(self, odd: int) -> bool:
        """Whether multiples by powers of two are products of their own: Yosys has put them into blocks, or
        made differences from zero of them, before it could see that they are multiples."""
        return self._in_block(odd) or (odd == -1 and not self._in_luts)

    def _factors(self, odd: int) -> tuple[int, int]:
        """Bits of an input and of an odd constant as Yosys multiplies them: signed, or neither is."""
        if not self._x.signed and odd > 0:
            return self._x.width, odd.bit_length()
        return signed_width(self._x), (odd if odd > 0 else odd + 1).bit_length() + 1

    def _in_block(self, odd: int) -> bool:
        operand, bits = self._factors(odd)
        wide = bits >= DSP_MIN_OPERAND and operand + bits >= DSP_MIN_PRODUCT
        return not self._in_luts and abs(odd) > 1 and wide

    def _product(self, key: tuple[int, int, int], count: int) -> Wires:
        """An input times an odd constant that ``count`` terms need, in a register.

        key: which input, the constant, and the place that tells it apart.
        """
        bill, x, (column, odd, place) = self._bill, self._x, key
        operand, bits = self._factors(odd)
        signed = x.signed or odd < 0
        if odd == 1:
            bill.ff += x.width
            return Wires(0, x.width, signed, key)
        as_signed = (operand, bits) if signed else (operand + 1, bits + 1)
        if odd != -1:
            bill.multiply(*as_signed, 1, in_luts=self._in_luts)
        if self._in_block(odd):
            width = min(operand + bits, self._limit)
            bill.dsp += dsp_blocks(*as_signed, bill.family)
            bill.ff += 0 if bill.family.absorbs else width
            return Wires(0, width, signed, key, bill.family.absorbs and count == 1)
        if self._in_luts:
            width = constant_width(x.width, x.signed, odd, self._full)
            for so_far, added_bits in constant_steps(x.width, x.signed, odd):
                if (column, so_far) not in self._steps:
                    self._steps.add((column, so_far))
                    bill.add(Term.CONSTANT, added_bits)
        elif odd == -1:
            width = self._full - place  # no tool looks for copies of a sign in a difference from zero
            bill.add(Term.NEGATE, x.width)
        else:
            width = operand + bits
            bill.add(Term.CONSTANT, x.width * (abs(odd).bit_count() - 1 + (odd < 0)))
        width = min(width, self._limit)
        bill.ff += width
        return Wires(0, width, signed, key)


def _tree(bill: Bill, terms: list[Wires | None], limit: int, every: int, seen: set[Hashable]) -> Wires | None:
    """hpq_addtree of terms some of which are zero: a register behind every so many levels and the last one.
    Synthesis makes sums of up to four of two levels between which there is none."""
    levels, done = (len(terms) - 1).bit_length(), 0
    while done < levels:
        step = min(2, levels - done, every - done % every)
        size, done = 1 << step, done + step
        registered = done % every == 0 or done == levels
        groups = [terms[at : at + size] for at in range(0, len(terms), size)]
        terms = [_sum(bill, group, limit, seen, registered=registered) for group in groups]
    return terms[0]


def _sum(
    bill: Bill, terms: Sequence[Wires | None], limit: int, seen: set[Hashable], *, registered: bool
) -> Wires | None:
    """A sum of up to four terms, and its register. DSP blocks take up to two of its adders, and the register
    too if that leaves none."""
    members = [one for one in terms if one is not None]
    if not members:
        return None
    in_dsps = sum(one.in_dsp for one in members)
    left = len(members) - min(len(members) - 1, in_dsps, 2)
    total = members[0]
    if len(members) > 1:
        total, bits = added(members, limit)
        if left > 1 and total.key not in seen:
            bill.add(SUMS[left], bits)
        seen.add(total.key)
    if registered:
        total = replace(total, key=(total.key,), in_dsp=False)
        if total.key not in seen and (left > 1 or not in_dsps):
            bill.ff += total.bits
        seen.add(total.key)
    return total
