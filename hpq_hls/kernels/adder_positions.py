"""What synthesis leaves of a graph of adders that stands in several positions side by side.

Positions share inputs, and sums that are made of the same ones in the same stage are one. Padding is a
constant: what is added to zero is a wire, and rows that read nothing else are constants themselves.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from hpq_hls.fixed.interval import Interval, bits_for
from hpq_hls.kernels.adder_graph import AdderGraph, Term
from hpq_hls.kernels.adder_pipeline import Pipelined, sum_of

ZERO = Interval(0, 0)


@dataclass(frozen=True)
class Left:
    """What is left. adder_bits: LUTs of adders. flip_flops: of all registers. sums: of each row that is no
    constant, which it is of those of all positions, and the values that it can have."""

    adder_bits: int
    flip_flops: int
    sums: tuple[tuple[int, Interval], ...]


def left_of(
    one: Pipelined, inputs: Sequence[Sequence[int]], read: Sequence[Sequence[bool]], width: int
) -> Left:
    """What synthesis leaves of ``one`` in several positions.

    inputs: of each position, which input each element is; -1: zero. read: of each position, whether each row
    is read. width: of what rows are cast to.
    """
    seen, numbers = set[Hashable](), dict[Hashable, int]()
    bits, registers, sums = 0, 0, list[tuple[int, Interval]]()
    for place, (elements, rows) in enumerate(zip(inputs, read, strict=True)):
        position = _Position(one, elements, rows, numbers)
        bits += position.adder_bits(seen)
        registers += position.flip_flops(seen)
        for row, term in enumerate(position.graph.outputs):
            if term is not None and not position.is_constant(term.ref):
                total = sum_of(position.graph, term)
                sums.append((place * len(rows) + row, total))
                waits = one.waits(row)
                kept = max(bits_for(total)[0] - one.end.drop, 1)
                registers += waits * kept + (one.registers - one.rows[row]) * width
    return Left(bits, registers, tuple(sums))


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
            ends = [
                intervals[term.ref].shift(term.shift).scale(-1 if term.negative else 1)
                for term in (adder.left, adder.right)
            ]
            same = all(intervals[term.ref] == graph.interval(term.ref) for term in (adder.left, adder.right))
            interval = adder.interval if same else ends[0].add(ends[1])
            stage = one.stages[len(graph.inputs) + index]
            wire = next(
                (term for term, other in _pairs(adder.left, adder.right) if intervals[other.ref] == ZERO),
                None,
            )
            if wire is not None and not wire.negative:
                keys.append(number((keys[wire.ref], wire.shift)) if wire.shift else keys[wire.ref])
            else:
                keys.append(number((stage, _key(adder.left, keys), _key(adder.right, keys))))
            intervals.append(interval)
            adders.append(replace(adder, interval=interval))
        self._keys = keys
        outputs = tuple(term if live else None for term, live in zip(graph.outputs, read, strict=True))
        self.graph = AdderGraph(tuple(intervals[: len(graph.inputs)]), tuple(adders), outputs)
        self._needed = {term.ref for term in outputs if term is not None}
        for index in reversed(range(len(adders))):
            if len(graph.inputs) + index in self._needed:
                self._needed |= {adders[index].left.ref, adders[index].right.ref}

    def is_constant(self, ref: int) -> bool:
        """Whether a value is always the same."""
        interval = self.graph.interval(ref)
        return interval.lo == interval.hi

    def adder_bits(self, seen: set[Hashable]) -> int:
        """LUTs of the adders that ``seen`` has not; it has them then."""
        bits, first = 0, len(self.graph.inputs)
        for index, adder in enumerate(self.graph.adders):
            key = ("adder", self._keys[first + index])
            if first + index in self._needed and key not in seen:
                seen.add(key)
                bits += self.graph.meeting_bits(adder)
        return bits

    def flip_flops(self, seen: set[Hashable]) -> int:
        """Registers of values that ``seen`` has not."""
        found = 0
        for ref, delay in enumerate(self._one.delays()):
            if self.is_constant(ref) or ref not in self._needed:
                continue
            for cycle in range(self._one.stages[ref], self._one.stages[ref] + delay):
                key = ("register", self._keys[ref], cycle)
                if key not in seen:
                    seen.add(key)
                    found += bits_for(self.graph.interval(ref))[0]
        return found


def _pairs(left: Term, right: Term) -> tuple[tuple[Term, Term], tuple[Term, Term]]:
    return (left, right), (right, left)


def _key(term: Term, keys: Sequence[int]) -> Hashable:
    return keys[term.ref], term.shift, term.negative
