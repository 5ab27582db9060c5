"""A layer built from adders as RTL has it: biases in the graph, one cast behind it, registers for a clock.

The bias of a row, and the half that rounding to the nearest adds, are one constant. It joins the way to the
row's sum where that has time for an adder more, if it has anywhere.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpq_hls.billing.delays import Delays, Pace
from hpq_hls.billing.stages import finish_steps
from hpq_hls.fixed import Epilogue, FixedType, Overflow, Rounding
from hpq_hls.fixed.interval import Interval, bits_for
from hpq_hls.kernels.adder_graph import Adder, AdderGraph, IntArray, Term
from hpq_hls.kernels.placing import Circuit, place


@dataclass(frozen=True, eq=False)
class Adders:
    """How a kernel without multipliers is built.

    graphs: one for each group, ``weight[g] @ x[g]``. shift: zeros appended to that, which then has the
    accumulator's fraction. made: the type that sums are cast to.
    """

    graphs: tuple[AdderGraph, ...]
    shift: int
    made: FixedType
    pace: Pace


@dataclass(frozen=True)
class Ending:
    """What becomes of a sum behind the graph.

    half: added to it for its rounding, which is nothing else then. drop: its lowest bits that nobody reads.
    shift: its fraction bits less those of what it is cast to. width: of a signed number that holds it.
    bounds: of one that holds what it is compared with.
    """

    half: int
    drop: int
    shift: int
    width: int
    bounds: int = 1

    def cast_bits(self, total: Interval) -> int:
        """Bits of the signed number that is cast, of a row with these sums: no more than it has, so that none
        of them is taken for one that may be out of range."""
        bits, signed = bits_for(total)
        return min(max(bits + (not signed), self.shift + 1, self.bounds), self.width)


def ending(accumulator: FixedType, made: FixedType, epilogue: Epilogue) -> Ending:
    """The end of sums of type ``accumulator`` that are cast to ``made``.

    Rounding to the nearest is one addition, and monotonic: half a unit can be part of the sum, but where
    wrapping looks at bits that are not rounded.
    """
    shift, width = accumulator.fraction - made.fraction, accumulator.width
    bounded = epilogue.high is not None or epilogue.low not in (None, 0)
    half = drop = 0
    if not epilogue.slopes and 0 < shift < width:
        if made.rounding is Rounding.RND and made.overflow is not Overflow.WRAP_SM:
            half, width = 1 << (shift - 1), width + 1
        drop = shift if (half or made.rounding is Rounding.TRN) and not bounded else 0
    found = [bound + more for bound in (epilogue.low, epilogue.high) if bound for more in (0, half)]
    bounds = max((bits_for(Interval(min(bound, -1), max(bound, 0)))[0] for bound in found), default=1)
    return Ending(half, drop, shift, width, bounds)


@dataclass(frozen=True)
class Pipelined:
    """A graph with offsets in it, and where its registers are.

    graph: the last ``constants`` of its inputs are constants; its outputs are the sums of the rows. stages:
    in which each value of it is made. rows: in which each row is cast. registers: on every way, the one
    behind the cast included. critical: picoseconds of logic between two of them at most. flip_flops: of all.
    """

    graph: AdderGraph
    constants: int
    end: Ending
    stages: tuple[int, ...]
    rows: tuple[int, ...]
    registers: int
    critical: int
    flip_flops: int

    def delays(self) -> list[int]:
        """For each value how many stages later it is read last; -1 for one that is never read. What a row
        keeps of its sum has registers of its own."""
        graph, count = self.graph, len(self.graph.inputs)
        delays = [-1] * len(self.stages)
        reads = [(term.ref, self.stages[term.ref]) for term in graph.outputs if term is not None]
        for index, adder in enumerate(graph.adders):
            reads += [(term.ref, self.stages[count + index]) for term in (adder.left, adder.right)]
        for ref, stage in reads:
            constant = count - self.constants <= ref < count
            delays[ref] = max(delays[ref], 0 if constant else stage - self.stages[ref])
        return delays

    def waits(self, row: int) -> int:
        """Registers between a row's sum and its cast."""
        term = self.graph.outputs[row]
        constant = term is None or self._is_constant(term.ref)
        return 0 if term is None or constant else self.rows[row] - self.stages[term.ref]

    def _is_constant(self, ref: int) -> bool:
        count = len(self.graph.inputs)
        return count - self.constants <= ref < count


@functools.lru_cache(maxsize=256)
def pipelined(
    graph: AdderGraph,
    offsets: tuple[int, ...],
    shift: int,
    accumulator: FixedType,
    made: FixedType,
    epilogue: Epilogue,
    pace: Pace,
) -> Pipelined:
    """A graph with its rows' ends.

    offsets: the bias of each row in raw units of ``accumulator``. shift: zeros appended to what the graph
    gives, which then has the accumulator's fraction. made: what sums are cast to behind ``epilogue``.
    """
    end = ending(accumulator, made, epilogue)
    whole, constants = _with_offsets(graph, [offset + end.half for offset in offsets], shift)
    circuit, rows = _circuit(whole, constants, end, made, epilogue, pace.delays)
    placed = place(circuit, pace.budget)
    values = len(whole.inputs) + len(whole.adders)
    return Pipelined(
        whole,
        constants,
        end,
        placed.stages[:values],
        tuple(placed.stages[row] for row in rows),
        placed.count,
        placed.critical,
        placed.flip_flops,
    )


def cheapest(
    groups: Sequence[Sequence[AdderGraph]],
    offsets: Sequence[Sequence[int]],
    shift: int,
    accumulator: FixedType,
    made: FixedType,
    epilogue: Epilogue,
    pace: Pace,
) -> Adders:
    """Of the graphs that were found for each group, the one that is cheapest with all that is around it.

    offsets: of each group, and the others: as of ``pipelined``.
    """

    def cost(graph: AdderGraph, own: Sequence[int]) -> int:
        return _cost(pipelined(graph, tuple(own), shift, accumulator, made, epilogue, pace))

    graphs = tuple(
        found[0] if len(found) == 1 else min(found, key=lambda graph: cost(graph, own))
        for found, own in zip(groups, offsets, strict=True)
    )
    return Adders(graphs, shift, made, pace)


def offsets_of(
    weight: IntArray, bias: IntArray | None, bias_type: FixedType | None, accumulator: FixedType
) -> list[list[int]]:
    """The biases of each group of ``weight`` (groups, rows, columns) in raw units of ``accumulator``."""
    if bias is None or bias_type is None:
        groups, rows = weight.shape[:2]
        return [[0] * rows for _ in range(groups)]
    scaled: list[list[int]] = (bias.astype(object) << (accumulator.fraction - bias_type.fraction)).tolist()
    return scaled


def _cost(one: Pipelined) -> int:
    """LUTs and flip-flops alike."""
    return one.graph.adder_bits + one.flip_flops


def _circuit(
    graph: AdderGraph, constants: int, end: Ending, made: FixedType, epilogue: Epilogue, delays: Delays
) -> tuple[Circuit, list[int]]:
    """The graph, and for each row what is kept of its sum, and its cast; returns the numbers of the casts."""
    count = len(graph.inputs)
    times, reads = [0] * count, [()] * count  # type: list[int], list[Sequence[int]]
    widths = [bits_for(one)[0] for one in graph.inputs[: count - constants]] + [0] * constants
    for adder in graph.adders:
        times.append(delays.adder(adder.bits))
        reads.append((adder.left.ref, adder.right.ref))
        widths.append(bits_for(adder.interval)[0])
    cast, rows = _cast_time(end, made, epilogue, delays), []
    for term in graph.outputs:
        kept = () if term is None or count - constants <= term.ref < count else (len(times),)
        if kept:
            assert term is not None
            times.append(0)
            reads.append((term.ref,))
            widths.append(max(bits_for(sum_of(graph, term))[0] - end.drop, 1))
        rows.append(len(times))
        times.append(cast)
        reads.append(kept)
        widths.append(made.width)
    return Circuit(times, widths, reads, rows, rows if epilogue.slopes else ()), rows


def sum_of(graph: AdderGraph, term: Term) -> Interval:
    """The values of the sum that ``term`` is; right shifts are exact."""
    interval, shift = graph.interval(term.ref), term.shift
    return interval.shift(shift) if shift >= 0 else Interval(interval.lo >> -shift, interval.hi >> -shift)


def _cast_time(end: Ending, made: FixedType, epilogue: Epilogue, delays: Delays) -> int:
    """Of hpq_finish."""
    sums = FixedType(end.width, end.width - end.shift - made.fraction)
    return sum(finish_steps(delays, sums, made, epilogue, half=bool(end.half)))


def _with_offsets(graph: AdderGraph, offsets: Sequence[int], shift: int) -> tuple[AdderGraph, int]:
    """Outputs times ``2**shift`` plus an offset each, none of them negated; how many constants that takes."""
    joined = _Offsets(graph, shift)
    outputs = [joined.row(term, offset) for term, offset in zip(graph.outputs, offsets, strict=True)]
    return joined.graph(outputs), len(joined.constants)


class _Offsets:
    """Adds offsets to the outputs of a graph."""

    def __init__(self, graph: AdderGraph, shift: int) -> None:
        self._graph, self._shift = graph, shift
        self._adders = list(graph.adders)
        self._readers = Counter(term.ref for one in graph.adders for term in (one.left, one.right))
        self._readers.update(term.ref for term in graph.outputs if term is not None)
        self.constants: dict[int, int] = {}

    def row(self, term: Term | None, offset: int) -> Term | None:
        """The output that is ``offset`` more, in units of the result."""
        if term is None:
            return self._constant(offset) if offset else None
        exponent = term.shift + self._shift
        kept = max(-exponent, 0)  # a graph's value whose low bits are zero, and are dropped
        offset, exponent = offset << kept, exponent + kept
        if not offset and not term.negative:
            return Term(term.ref, exponent - kept)
        made = self._early(term, offset) if not exponent else None
        if made is None:
            value = Term(term.ref, exponent, term.negative)
            own = self._interval(term.ref).shift(exponent)
            made = self._sum(value, self._constant(offset), _signed(own, term.negative), offset)
        return Term(made, -kept)

    def graph(self, outputs: Sequence[Term | None]) -> AdderGraph:
        """The whole graph, constants behind the inputs."""
        count = len(self._graph.inputs)

        def moved(term: Term) -> Term:
            ref = count - 1 - term.ref if term.ref < 0 else term.ref
            moved_by = len(self.constants) if term.ref >= count else 0
            return Term(ref + moved_by, term.shift, term.negative)

        adders = (Adder(moved(one.left), moved(one.right), one.interval, one.level) for one in self._adders)
        values = tuple(Interval(value, value) for value in self.constants)
        whole = AdderGraph(
            (*self._graph.inputs, *values), tuple(adders), tuple(term and moved(term) for term in outputs)
        )
        return whole.pruned()

    def _early(self, term: Term, offset: int) -> int | None:
        """``term``, times 1 or -1, made anew with the offset in a sum on the way to it that has time for it.

        None where there is none, or another reads a sum on the way.
        """
        count = len(self._graph.inputs)
        if term.ref < count or self._readers[term.ref] > 1:
            return None
        old = self._adders[term.ref - count]
        parts = [replace(part, negative=part.negative != term.negative) for part in (old.left, old.right)]
        interval = _signed(old.interval, term.negative).add(Interval(offset, offset))
        if not offset:
            return (
                None if parts[0].negative and parts[1].negative else self._add(parts[0], parts[1], interval)
            )
        one, other = sorted(parts, key=lambda part: self._level(part.ref))
        if offset % (1 << one.shift) == 0 and self._level(one.ref) < self._level(other.ref):
            return self._add(self._joined(one, offset >> one.shift), other, interval)
        for part, rest in ((one, other), (other, one)):
            if offset % (1 << part.shift) == 0:
                made = self._early(replace(part, shift=0), offset >> part.shift)
                if made is not None:
                    return self._add(Term(made, part.shift), rest, interval)
        return None

    def _joined(self, part: Term, share: int) -> Term:
        """An operand with its share of the offset, in its own units."""
        own = _signed(self._interval(part.ref), part.negative)
        made = self._sum(Term(part.ref, 0, part.negative), self._constant(share), own, share)
        return Term(made, part.shift)

    def _sum(self, value: Term, constant: Term, interval: Interval, offset: int) -> int:
        return self._add(value, constant, interval.add(Interval(offset, offset)))

    def _add(self, one: Term, other: Term, interval: Interval) -> int:
        left, right = (other, one) if one.negative else (one, other)
        level = 1 + max(self._level(left.ref), self._level(right.ref))
        self._adders.append(Adder(left, right, interval, level))
        return len(self._graph.inputs) + len(self._adders) - 1

    def _constant(self, value: int) -> Term:
        """Without its zeros at the end; numbered -1, -2, ... until it is known how many there are."""
        shift = (value & -value).bit_length() - 1 if value else 0
        index = self.constants.setdefault(value >> shift, len(self.constants))
        return Term(-1 - index, shift)

    def _level(self, ref: int) -> int:
        count = len(self._graph.inputs)
        return 0 if ref < count else self._adders[ref - count].level

    def _interval(self, ref: int) -> Interval:
        count = len(self._graph.inputs)
        return self._graph.inputs[ref] if ref < count else self._adders[ref - count].interval


def _signed(interval: Interval, negative: bool) -> Interval:
    return interval.scale(-1) if negative else interval
