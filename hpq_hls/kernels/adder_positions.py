"""What synthesis leaves of a graph of adders that stands in several positions side by side.

Positions share inputs, and sums that are made of the same ones in the same stage are one. Padding is a
constant: what is added to zero is a wire, and rows that read nothing else are constants themselves.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from hpq_hls.fixed.interval import Interval, bits_for
from hpq_hls.kernels.adder_graph import Adder, AdderGraph, Term
from hpq_hls.kernels.adder_pipeline import Pipelined, sum_of

ZERO = Interval(0, 0)
SHORT_CHAIN = 2
"""Bits of a sum that Yosys makes no carry chain for."""


@dataclass(frozen=True)
class RowSum:
    """The sum of a row that is no constant. row: which it is of those of all positions. interval: the values
    that it can have. low: its lowest bits, as far as they are the same in all of these."""

    row: int
    interval: Interval
    low: tuple[int, ...]


@dataclass(frozen=True)
class Left:
    """What is left. adder_luts: LUTs of adders. flip_flops: of all registers in front of the casts."""

    adder_luts: int
    flip_flops: int
    sums: tuple[RowSum, ...]


def left_of(one: Pipelined, inputs: Sequence[Sequence[int]], read: Sequence[Sequence[bool]]) -> Left:
    """What synthesis leaves of ``one`` in several positions.

    inputs: of each position, which input each element is; -1: zero. read: of each position, whether each row
    is read.
    """
    seen, numbers = set[tuple[Bit, int]](), dict[Hashable, int]()
    luts, registers, sums = set[Hashable](), 0, list[RowSum]()
    for place, (elements, rows) in enumerate(zip(inputs, read, strict=True)):
        position = _Position(one, elements, rows, numbers)
        luts |= position.adder_luts()
        registers += position.flip_flops(seen)
        for row, term in enumerate(position.graph.outputs):
            if term is not None and not position.is_constant(term.ref):
                total, low = sum_of(position.graph, term), position.low_bits(term)
                sums.append(RowSum(place * len(rows) + row, total, low))
                waits = one.waits(row)
                kept = max(min(bits_for(total)[0], one.end.width) - max(one.end.drop, len(low)), 1)
                registers += waits * kept
    return Left(len(luts), registers, tuple(sums))


Bit = int | tuple[int, int]
"""0 or 1 where that is known, else of which value it is which bit."""


def _without_carry(left: Sequence[Bit], right: Sequence[Bit], *, minus: bool) -> int:
    """How many of the lowest bits of a sum, or of a difference, carry nothing into those above."""
    count = 0
    for one, other in zip(left, right, strict=True):
        if other != 0 and not (one == 1 if minus else one == 0):
            break
        count += 1
    return count


def _known_sum(left: Sequence[Bit], right: Sequence[Bit], *, minus: bool) -> tuple[int, ...]:
    """The lowest bits of a sum, or of a difference, as far as those of both ends are known."""
    known, carry = list[int](), int(minus)
    for one, other in zip(left, right, strict=True):
        if not isinstance(one, int) or not isinstance(other, int):
            break
        total = one + (other ^ minus) + carry
        known.append(total & 1)
        carry = total >> 1
    return tuple(known)


class _Position:
    """The graph with what is known of its inputs. numbers: of all values, by what they are made of."""

    def __init__(
        self, one: Pipelined, elements: Sequence[int], read: Sequence[bool], numbers: dict[Hashable, int]
    ) -> None:
        def number(made_of: Hashable) -> int:
            return numbers.setdefault(made_of, len(numbers))

        graph, count = one.graph, len(one.graph.inputs) - one.constants
        self._one = one
        known = [ZERO if element < 0 else graph.inputs[at] for at, element in enumerate(elements)]
        intervals = [*known, *graph.inputs[count:]]
        keys = [number(("x", element)) for element in elements]
        keys += [number(("constant", interval.lo)) for interval in graph.inputs[count:]]
        adders = []
        for index, adder in enumerate(graph.adders):
            same = all(intervals[term.ref] == graph.interval(term.ref) for term in (adder.left, adder.right))
            if not same:
                ends = [
                    intervals[term.ref].shift(term.shift).scale(-1 if term.negative else 1)
                    for term in (adder.left, adder.right)
                ]
                adder = replace(adder, interval=ends[0].add(ends[1]))
            stage = one.stages[len(graph.inputs) + index]
            wire = next(
                (term for term, other in _pairs(adder.left, adder.right) if intervals[other.ref] == ZERO),
                None,
            )
            if wire is not None and not wire.negative:
                keys.append(number((keys[wire.ref], wire.shift)) if wire.shift else keys[wire.ref])
            else:
                keys.append(number((stage, _key(adder.left, keys), _key(adder.right, keys))))
            intervals.append(adder.interval)
            adders.append(adder)
        self._keys = keys
        outputs = tuple(term if live else None for term, live in zip(graph.outputs, read, strict=True))
        self.graph = AdderGraph(tuple(intervals[: len(graph.inputs)]), tuple(adders), outputs)
        self._made: list[list[Bit]] = [
            [(keys[ref], place) for place in range(bits_for(interval)[0])]
            for ref, interval in enumerate(self.graph.inputs)
        ]
        self._known = [0] * len(self.graph.inputs)
        for index, adder in enumerate(self.graph.adders):
            made, count = self._sum(adder, keys[len(graph.inputs) + index])
            self._made.append(made)
            self._known.append(count)
        self._needed = {term.ref for term in outputs if term is not None}
        for index in reversed(range(len(adders))):
            if len(graph.inputs) + index in self._needed:
                self._needed |= {adders[index].left.ref, adders[index].right.ref}
        self._lowest = self._lowest_read()
        self._width = self._width_read()

    def is_constant(self, ref: int) -> bool:
        """Whether a value is always the same."""
        interval = self.graph.interval(ref)
        return interval.lo == interval.hi

    def low_bits(self, term: Term) -> tuple[int, ...]:
        """The lowest bits of the sum that ``term`` is, as far as they are the same in all its values."""
        made = self._made[term.ref][: self._known[term.ref]]
        known = tuple(bit for bit in made if isinstance(bit, int))
        return (0,) * term.shift + known if term.shift >= 0 else known[-term.shift :]

    def _sum(self, adder: Adder, key: int) -> tuple[list[Bit], int]:
        """The bits of a sum, and how many of the lowest are known. Where nothing is added, nor carried, a bit
        is that of the other end."""
        width, minus = bits_for(adder.interval)[0], adder.right.negative
        left, right = self._bits(adder.left, width), self._bits(adder.right, width)
        made: list[Bit] = [*_known_sum(left, right, minus=minus)]
        known = len(made)
        if not known:
            while len(made) < width:
                one, other = left[len(made)], right[len(made)]
                if other != 0 and (minus or one != 0):
                    break
                made.append(one if other == 0 else other)
        return made + [(key, place) for place in range(len(made), width)], known

    def adder_luts(self) -> set[Hashable]:
        """What each LUT in front of a carry chain makes; the same in several places is one LUT.

        Where two bits meet, that is their exclusive or, inverted in a difference. Where there is one alone,
        it is a wire, or an inverter: behind a minus, or beside the ones that a minus makes of zeros. The
        lowest bits, to which nothing is added, are wires. The lowest of a chain is made once more in a
        difference: the one that is carried into it makes the result the inverse. A chain of up to two bits
        is logic, a LUT for each.
        """
        found, first = set[Hashable](), len(self.graph.inputs)
        for index, adder in enumerate(self.graph.adders):
            ref = first + index
            if ref not in self._needed or self.is_constant(ref):
                continue
            stage, width = self._one.stages[ref], self._width[ref]
            left, right = (self._bits(term, width) for term in (adder.left, adder.right))
            minus = adder.right.negative
            lowest = min(self._lowest[ref], _without_carry(left, right, minus=minus))
            lowest = max(lowest, self._known[ref])
            while lowest < width and (right[lowest] == 0 or (left[lowest] == 0 and not minus)):
                lowest += 1  # wires
            if width - lowest <= SHORT_CHAIN:
                found |= {("logic", self._keys[ref], place) for place in range(lowest, width)}
                continue
            for place, ends in enumerate(zip(left[lowest:], right[lowest:], strict=True)):
                alone = frozenset(bit for bit in ends if not isinstance(bit, int))
                inverted = (sum(bit for bit in ends if isinstance(bit, int)) + minus) % 2 == 1
                made = (inverted, not inverted) if minus and not place else (inverted,)
                found |= {(stage, so, alone) for so in made if len(alone) == 2 or (alone and so)}
        return found

    def _lowest_read(self) -> dict[int, int]:
        """The lowest bit of each value that is read: rows may drop bits, and what is added to nothing below
        these carries nothing."""
        graph, drop = self.graph, self._one.end.drop
        lowest: dict[int, int] = {}

        def reads(term: Term, place: int) -> None:
            lowest[term.ref] = min(lowest.get(term.ref, place), max(place - term.shift, 0))

        for term in graph.outputs:
            if term is not None:
                reads(term, drop)
        for index in reversed(range(len(graph.adders))):
            adder, ref = graph.adders[index], len(graph.inputs) + index
            if ref in lowest:
                left, right = (self._bits(term, lowest[ref]) for term in (adder.left, adder.right))
                silent = _without_carry(left, right, minus=adder.right.negative)
                reads(adder.left, silent)
                reads(adder.right, silent)
        return lowest

    def _width_read(self) -> dict[int, int]:
        """How many of the lowest bits of each value are read: a sum is exact without its upper bits."""
        graph, width = self.graph, dict[int, int]()

        def reads(term: Term, bits: int) -> None:
            own = bits_for(graph.interval(term.ref))[0]
            width[term.ref] = max(width.get(term.ref, 0), min(own, bits - term.shift))

        for term in graph.outputs:
            if term is not None:
                reads(term, self._one.end.width)
        for index in reversed(range(len(graph.adders))):
            adder, ref = graph.adders[index], len(graph.inputs) + index
            if ref in width:
                reads(adder.left, width[ref])
                reads(adder.right, width[ref])
        return width

    def _bits(self, term: Term, width: int) -> list[Bit]:
        """The lowest bits of a term."""
        interval = self.graph.interval(term.ref)
        if interval.lo == interval.hi:
            return [(interval.lo << term.shift) >> place & 1 for place in range(width)]
        made, signed = self._made[term.ref], bits_for(interval)[1]
        return ([0] * term.shift + made + [made[-1] if signed else 0] * width)[:width]

    def flip_flops(self, seen: set[tuple[Bit, int]]) -> int:
        """Registers of bits that ``seen`` has not, of those that are read."""
        found = 0
        for ref, delay in enumerate(self._one.delays()):
            if self.is_constant(ref) or ref not in self._needed:
                continue
            lowest = max(self._lowest[ref], self._known[ref])
            bits = self._made[ref][lowest : self._width[ref]]
            for cycle in range(self._one.stages[ref], self._one.stages[ref] + delay):
                held = {(bit, cycle) for bit in bits} - seen
                seen |= held
                found += len(held)
        return found


def _pairs(left: Term, right: Term) -> tuple[tuple[Term, Term], tuple[Term, Term]]:
    return (left, right), (right, left)


def _key(term: Term, keys: Sequence[int]) -> Hashable:
    return keys[term.ref], term.shift, term.negative
