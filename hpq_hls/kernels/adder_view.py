"""What the templates of both backends must know of an adder graph: names, widths, registers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hpq_hls.fixed.interval import Interval, bits_for
from hpq_hls.kernels.adder_graph import AdderGraph, Term, side_by_side
from hpq_hls.kernels.adder_pipeline import Ending, Pipelined, sum_of


@dataclass(frozen=True)
class Operand:
    """A term: the signal it reads, and how many registers after the signal's own stage (RTL only).

    shift: to the left; negative only for outputs, where the bits it drops are zero. width: of the signal.
    """

    name: str
    delay: int
    shift: int
    negative: bool
    width: int

    def is_cut(self, width: int) -> bool:
        """Whether bits of the signal are missing in a word of ``width`` bits that it is brought to."""
        return self.shift < 0 or self.width + self.shift > width


@dataclass(frozen=True)
class Signal:
    """An input, a constant or an adder.

    index: number among the inputs or among the adders. width, signed: the least that hold every value.
    delays: registers it is passed on through, for those that read it later. stage: of the pipeline in which
    it is made. left, right: what an adder adds. value: of a constant.
    """

    name: str
    index: int
    width: int
    signed: bool
    delays: int = 0
    stage: int = 0
    left: Operand | None = None
    right: Operand | None = None
    value: int | None = None


@dataclass(frozen=True)
class AdderView:
    """An adder graph as statements, without registers.

    inputs: those that are read. outputs: one operand each, None for zero. width: of a signed number that
    holds every output. depth: adders that follow each other at most.
    """

    inputs: tuple[Signal, ...]
    adders: tuple[Signal, ...]
    outputs: tuple[Operand | None, ...]
    width: int
    depth: int


@dataclass(frozen=True)
class RowView:
    """The end of a row.

    source: the signal that its sum is; None for zero. shift: of it to the left; negative where zeros are
    dropped. width, signed: the least that hold every sum. cast: bits of the signed number that is cast.
    waits: registers between that and the cast. delays: registers behind the cast, but for the last. stage:
    in which it is cast.
    """

    name: str
    source: str | None
    shift: int
    width: int
    signed: bool
    cast: int
    waits: int
    delays: int
    stage: int


@dataclass(frozen=True)
class PipelineView:
    """A pipelined graph as statements of RTL.

    inputs, constants: those that are read. adders: in the order of their stages. cut: operands of which some
    reader takes not all bits, because the sum is exact without them. end: what the rows' casts are.
    """

    inputs: tuple[Signal, ...]
    constants: tuple[Signal, ...]
    adders: tuple[Signal, ...]
    rows: tuple[RowView, ...]
    cut: tuple[Operand, ...]
    end: Ending
    registers: int
    depth: int


def adder_view(graphs: Sequence[AdderGraph]) -> AdderView:
    """All graphs side by side, for a language that does not know registers."""
    graph = side_by_side(graphs)
    inputs = len(graph.inputs)
    read = {term.ref for one in graph.adders for term in (one.left, one.right)}
    read |= {term.ref for term in graph.outputs if term is not None}

    def operand(term: Term) -> Operand:
        name = _name(term.ref, inputs, inputs)
        return Operand(name, 0, term.shift, term.negative, bits_for(graph.interval(term.ref))[0])

    return AdderView(
        inputs=tuple(
            Signal(_name(ref, inputs, inputs), ref, *bits_for(graph.interval(ref)))
            for ref in range(inputs)
            if ref in read
        ),
        adders=tuple(
            Signal(
                _name(inputs + index, inputs, inputs), index, *bits_for(adder.interval),
                left=operand(adder.left), right=operand(adder.right),
            )
            for index, adder in enumerate(graph.adders)
        ),
        outputs=tuple(None if term is None else operand(term) for term in graph.outputs),
        width=_width(graph),
        depth=graph.depth,
    )  # fmt: skip


def pipeline_view(one: Pipelined) -> PipelineView:
    """The statements of a pipelined graph."""
    graph, delays = one.graph, one.delays()
    count = len(graph.inputs)
    inputs = count - one.constants

    def operand(term: Term, stage: int) -> Operand:
        constant = inputs <= term.ref < count
        delay = 0 if constant else stage - one.stages[term.ref]
        name = _name(term.ref, inputs, count)
        return Operand(name, delay, term.shift, term.negative, bits_for(graph.interval(term.ref))[0])

    def signal(ref: int) -> Signal:
        kind, stage = bits_for(graph.interval(ref)), one.stages[ref]
        name, delay = _name(ref, inputs, count), max(delays[ref], 0)
        if ref < inputs:
            return Signal(name, ref, *kind, delay)
        if ref < count:
            return Signal(name, ref - inputs, *kind, value=graph.inputs[ref].lo)
        adder = graph.adders[ref - count]
        terms = operand(adder.left, stage), operand(adder.right, stage)
        return Signal(name, ref - count, *kind, delay, stage, *terms)

    def row(index: int, term: Term | None) -> RowView:
        stage, waits = one.rows[index], one.waits(index)
        later = one.registers - 1 - stage
        if term is None:
            return RowView(f"y{index}", None, 0, 1, False, one.end.cast_bits(Interval(0, 0)), 0, later, stage)
        source, total = _name(term.ref, inputs, count), sum_of(graph, term)
        cast = one.end.cast_bits(total)
        return RowView(f"y{index}", source, term.shift, *bits_for(total), cast, waits, later, stage)

    adders = tuple(signal(count + index) for index in range(len(graph.adders)))
    return PipelineView(
        inputs=tuple(signal(ref) for ref in range(inputs) if delays[ref] >= 0),
        constants=tuple(signal(ref) for ref in range(inputs, count) if delays[ref] >= 0),
        adders=tuple(sorted(adders, key=lambda adder: adder.stage)),
        rows=tuple(row(index, term) for index, term in enumerate(graph.outputs)),
        cut=_distinct(
            (
                *_cut(adders),
                *(operand(term, one.stages[term.ref]) for term in graph.outputs if term is not None),
            )
        ),
        end=one.end,
        registers=one.registers,
        depth=graph.depth,
    )


def _cut(adders: Iterable[Signal]) -> Iterator[Operand]:
    for adder in adders:
        yield from (term for term in (adder.left, adder.right) if term and term.is_cut(adder.width))


def _distinct(terms: Iterable[Operand]) -> tuple[Operand, ...]:
    """One operand for each signal and delay."""
    return tuple({(term.name, term.delay): term for term in terms}.values())


def _name(ref: int, inputs: int, count: int) -> str:
    """inputs: how many are no constants. count: with the constants."""
    if ref < inputs:
        return f"x{ref}"
    return f"c{ref - inputs}" if ref < count else f"n{ref - count}"


def _width(graph: AdderGraph) -> int:
    """Bits of a signed number that holds every output."""
    widest = 1
    for term in graph.outputs:
        if term is not None:
            interval = graph.interval(term.ref)
            size = max(abs(interval.lo), abs(interval.hi)).bit_length() + term.shift
            widest = max(widest, size + 1)
    return widest
