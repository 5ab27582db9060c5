"""Bills of dot products with constants (hpq_constdot): what synthesis leaves of products and of their sums.

Synthesis narrows what it sees the ends of. Zeros below a product, and copies of its sign above it, are
wires. A product whose factors are both never negative has no sign. Products of one input that differ by a
power of two or by sign are one product, but in DSP blocks, and sums of the same terms are one sum.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import dsp_blocks, in_dsp, joined_levels
from hpq_hls.billing.memories import as_shift_register
from hpq_hls.billing.products import constant_tree, digits_of, product_registers, signed_width
from hpq_hls.billing.remembered import Remembered, content
from hpq_hls.fixed import FixedType
from hpq_hls.fixed.interval import Interval, bits_for

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Wires:
    """Bits of a number that synthesis does not know.

    low: of its lowest, of which all below are zeros. high: above its highest, from where on all are zeros, or
    copies of its sign where it is ``signed``. key: the same for the same number. in_dsp: whether it comes out
    of a DSP block that nothing else reads. negative: whether it is subtracted from a sum. delayed: registers
    in a row that end with its own, of which nobody reads another.
    """

    low: int
    high: int
    signed: bool
    key: Hashable
    in_dsp: bool = False
    negative: bool = False
    delayed: int = 0

    @property
    def bits(self) -> int:
        """How many there are."""
        return self.high - self.low

    def shifted(self, places: int, *, negative: bool = False) -> Wires:
        """The number with so many zeros appended, subtracted or not."""
        return replace(self, low=self.low + places, high=self.high + places, negative=negative)


def added(members: Sequence[Wires], limit: int) -> Wires:
    """The sum of two numbers or more, modulo 2**limit. A sum of nothing but numbers that are subtracted is
    subtracted itself."""
    negative = all(one.negative for one in members)
    signed = any(one.signed for one in members)
    tops = [one.high + (1 if signed and not one.signed else 0) for one in members]
    high = min(max(tops) + (len(members) - 1).bit_length(), limit)
    lowest = min(one.low for one in members)
    key = tuple((one.key, one.low - lowest, one.negative) for one in members)
    signed = signed or any(one.negative != negative for one in members)
    return Wires(min(lowest, high), high, signed, key, negative=negative)


MEETING = {2: 1, 3: 2, 4: 3}
"""LUTs of each place of a sum, by how many numbers meet there. A third takes one more, for the carry that
three bits make; the exclusive or of all of them is still one LUT. So does a fourth."""


def bill_added(bill: Bill, members: Sequence[Wires], limit: int, times: int = 1) -> None:
    """The LUTs of a sum of up to four numbers, ``times`` over: for each place by how many meet there.

    A number alone is a wire; but where something is subtracted, an inverter, unless that only begins above.
    Where all are extended by their signs, the LUTs are those of the place below. For each of three or four
    numbers that is subtracted a one is added, and a fourth number takes another carry.
    """
    top = min(max(one.high for one in members), limit)
    ends = sorted({min(end, top) for one in members for end in (one.low, one.high)})
    differ = len({one.negative for one in members}) > 1
    subtracted = min((one.low for one in members if one.negative), default=0)
    if len(members) > 2:
        ones = sum(one.negative for one in members) if differ else 0
        bill.add(Term.ADD2, times * (ones + (len(members) > 3)))
    for start, end in itertools.pairwise(ends):
        there = [one for one in members if one.low <= start and (one.signed or start < one.high)]
        if len(there) > 1:
            bill.add(Term.ADD2, times * MEETING[len(there)] * (end - start))
            if len(members) == 2 and differ and start == subtracted:  # into which a one is carried
                bill.add(Term.ADD2, times)
        elif there and differ and (there[0].negative or start >= subtracted):
            bill.add(Term.NEGATE, times * (end - start))


def with_constant(bill: Bill, total: Wires, constant: int, limit: int) -> Wires:
    """A number, or minus that, and a constant that is not zero, modulo 2**limit.

    Below the number are bits of the constant, which are known. Above, the constant only decides what is
    inverted, in front of the carry chain.
    """
    high = min(max(total.high + 1, bits_for(Interval(constant, constant))[0]) + 1, limit)
    flipped = (constant >> total.low) ^ (-1 if total.negative else 0)
    own = flipped & ((1 << max(min(total.high, high) - total.low, 0)) - 1)
    above = flipped >> total.high - total.low & ((1 << max(high - total.high, 0)) - 1)
    bill.add(Term.BIAS, own.bit_count() + (1 if above and total.signed else 0))
    signed = total.signed or total.negative or constant < 0
    return Wires(total.low, high, signed, None)


@dataclass(frozen=True)
class Products:
    """How products with constants are built (hpq_constdot).

    digits: of constants up to which they are shifted copies, added up; others are in DSP blocks. stages:
    registers of a product. every: levels of two-operand sums between registers, in products and behind them.
    in_luts: none may be in a DSP block.
    """

    digits: int
    stages: int
    every: int
    in_luts: bool


def constant_dots(
    bill: Bill,
    columns: IntArray,
    weights: IntArray,
    types: tuple[FixedType, FixedType],
    limit: int,
    how: Products,
) -> list[Wires | None]:
    """Bill the products and the trees of all rows; returns the sum of each, None where no weight is.

    columns: (rows, terms), which input each term is; weights: (rows, terms) integers. types: of inputs and of
    weights. limit: bits of a sum.
    """

    def drawn(part: Bill) -> list[Wires | None]:
        products = _Products(part, types, limit, how).of(columns, weights)
        sums = _Sums(part, limit, how.every)
        return sums.with_delays([sums.tree(row) for row in products])

    return list(_DRAWN.take(bill, (content(columns), content(weights), types, limit, how), drawn))


_DRAWN: Remembered[list[Wires | None]] = Remembered(256)


class _Products:
    """hpq_constdot's registered products of inputs and constants, which it bills. Parameters as of
    ``constant_dots``."""

    def __init__(self, bill: Bill, types: tuple[FixedType, FixedType], limit: int, how: Products) -> None:
        self._bill, self._limit, self._how = bill, limit, how
        self._x, _ = types
        self._there = defaultdict[Hashable, set[Hashable]](set)  # LUTs and registers of each input

    def of(self, columns: IntArray, weights: IntArray) -> list[list[Wires | None]]:
        """All of some rows, one for what is the same."""
        sizes = np.abs(weights)
        lows = np.where(weights == 0, 1, sizes & -sizes)
        places = np.log2(lows.astype(np.float64)).astype(np.int64)
        odds = weights // lows
        parts = np.abs(odds)
        shifted = np.isin(parts, [odd for odd in np.unique(parts).tolist() if self._shifted(odd)])
        # Of what Yosys puts into blocks it does not see that it is a multiple of another.
        kinds = np.stack([columns, np.where(shifted, parts, odds), np.where(shifted, 0, places)], axis=-1)
        each, counts = np.unique(kinds[weights != 0], axis=0, return_counts=True)
        made = {
            (column, odd, place): self._product((column, odd, place), count)
            for (column, odd, place), count in zip(each.tolist(), counts.tolist(), strict=True)
        }
        negative = shifted & (weights < 0)
        return [
            [
                made[column, odd, inside].shifted(place, negative=minus) if odd else None
                for (column, odd, inside), place, minus in zip(row, row_places, row_negative, strict=True)
            ]
            for row, row_places, row_negative in zip(
                kinds.tolist(), places.tolist(), negative.tolist(), strict=True
            )
        ]

    def _shifted(self, odd: int) -> bool:
        return digits_of(odd) <= self._how.digits

    def _product(self, key: tuple[int, int, int], count: int) -> Wires:
        """An input times an odd constant that ``count`` terms need, in a register.

        key: which input, the constant, and the place that tells it apart.
        """
        x, (column, odd, _) = self._x, key
        if odd > 0 and self._shifted(odd):
            return self._tree(column, odd)
        # Bits of an input and of an odd constant as Yosys multiplies them: signed, or neither is.
        signed = x.signed or odd < 0
        operand = signed_width(x) if signed else x.width
        bits = (odd if odd > 0 else odd + 1).bit_length() + (1 if signed else 0)
        as_signed = (operand, bits) if signed else (operand + 1, bits + 1)
        bill, width = self._bill, min(operand + bits, self._limit)
        bill.multiply(*as_signed, 1, in_luts=False)
        in_block = in_dsp(*as_signed, width)
        # A block that absorbs registers has one for its operand too.
        self._delay(column, self._how.stages - (2 if in_block and bill.family.absorbs else 1))
        if in_block:
            bill.dsp += dsp_blocks(*as_signed, bill.family)
            bill.ff += 0 if bill.family.absorbs else width
            return Wires(0, width, signed, key, bill.family.absorbs and count == 1)
        bill.add(Term.CONSTANT, x.width * (abs(odd).bit_count() - 1 + (odd < 0)))
        bill.ff += width
        return Wires(0, width, signed, key)

    def _tree(self, column: int, odd: int) -> Wires:
        """hpq_constproduct."""
        bill, x, how = self._bill, self._x, self._how
        levels = constant_tree(x.width, x.signed, odd)
        if len(levels) > 1:
            wide = odd.bit_length() + 1
            bill.multiply(signed_width(x), wide, 1, in_luts=how.in_luts, bound=True)
        before = how.stages * how.every - (len(levels) - 1)
        for number, nodes in enumerate(levels[1:], before + 1):
            for node in nodes:
                cycle = (number - 1) // how.every
                bill.add(Term.CONSTANT, self._more(("luts", column, cycle), node.luts))
        bill.ff += self._more(("registers", column), product_registers(levels, how.stages, how.every))
        (product,) = levels[-1]
        return Wires(0, min(product.high, self._limit), product.signed, (column, odd))

    def _delay(self, column: int, cycles: int) -> None:
        """Registers of an input, which all its products share."""
        wires = {(cycle, ("x", bit)) for cycle in range(cycles) for bit in range(self._x.width)}
        self._bill.ff += self._more(("registers", column), wires)

    def _more(self, where: Hashable, things: Set[Hashable]) -> int:
        """How many of these things are not there so far; they are then."""
        there = self._there[where]
        before = len(there)
        there |= things
        return len(there) - before


class _Sums:
    """The trees of rows (hpq_addtree), which it bills; what is the same in several is there once. limit,
    every: as of ``constant_dots``."""

    def __init__(self, bill: Bill, limit: int, every: int) -> None:
        self._bill, self._limit, self._every = bill, limit, every
        self._seen = set[Hashable]()
        self._readers = Counter[Hashable]()
        self._registers: dict[Hashable, tuple[Hashable, int]] = {}  # what each copies, if that is all; bits

    def tree(self, terms: Sequence[Wires | None]) -> Wires | None:
        """The sum of terms some of which are zero: a register behind every so many levels and the last."""
        levels, done, every = (len(terms) - 1).bit_length(), 0, self._every
        for one in terms:
            if one is not None and not one.in_dsp:
                self._registers[one.key] = None, one.bits
        while done < levels:
            step = joined_levels(levels, done, every - done % every)
            size, done = 1 << step, done + step
            registered = done % every == 0 or done == levels
            groups = [terms[at : at + size] for at in range(0, len(terms), size)]
            terms = [self._sum(group, registered=registered) for group in groups]
        return terms[0]

    def _sum(self, terms: Sequence[Wires | None], *, registered: bool) -> Wires | None:
        """A sum of up to four terms, and its register. DSP blocks take up to two of its adders, and the
        register too if that leaves none."""
        members = [one for one in terms if one is not None]
        if not members:
            return None
        in_dsps = sum(one.in_dsp for one in members)
        left = len(members) - min(len(members) - 1, in_dsps, 2)
        total = members[0]
        if len(members) > 1:
            total = added(members, self._limit)
            if total.key not in self._seen:
                self._readers.update(one.key for one in members)
                if left > 1:
                    bill_added(self._bill, _beside(members, left), self._limit)
            self._seen.add(total.key)
        if registered:
            source, total = total.key, replace(total, key=(total.key,), in_dsp=False)
            if total.key not in self._seen:
                self._readers[source] += 1
                if left > 1 or not in_dsps:
                    self._bill.ff += total.bits
                    self._registers[total.key] = source if len(members) == 1 else None, total.bits
            self._seen.add(total.key)
        return total

    def with_delays(self, sums: Sequence[Wires | None]) -> list[Wires | None]:
        """The sums of all rows, with what is ``delayed`` of each; three registers in a row and more that end
        elsewhere become shift registers."""
        self._readers.update(total.key for total in sums if total is not None)
        going_on = {
            source
            for source, _ in self._registers.values()
            if source is not None and self._readers[source] == 1
        }
        ends = {total.key for total in sums if total is not None and self._readers[total.key] == 1}
        for key, (_, bits) in self._registers.items():
            if key not in going_on and key not in ends:
                as_shift_register(self._bill, self._delayed(key), bits)
        # Keys are as long as their rows, and all is shared that can be.
        return [
            None
            if total is None
            else replace(total, key=None, delayed=self._delayed(total.key) if total.key in ends else 0)
            for total in sums
        ]

    def _delayed(self, key: Hashable) -> int:
        """Registers in a row that end with this one."""
        count = 0
        while key in self._registers and (not count or self._readers[key] == 1):
            count += 1
            key, _ = self._registers[key]
        return count


def _beside(members: Sequence[Wires], left: int) -> Sequence[Wires]:
    """What is added up outside of DSP blocks, which make ``left`` numbers of these, the widest last."""
    if left == len(members):
        return members
    inside = len(members) - left + 1
    first = sorted(members, key=lambda one: not one.in_dsp)
    return [*first[inside:], replace(max(first[:inside], key=lambda one: one.high), low=0)]
