"""What the templates of both backends must know of an adder graph: names, widths, registers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hpq_hls.fixed.interval import bits_for
from hpq_hls.kernels.adder_graph import AdderGraph, Term, side_by_side


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
    """An input or an adder.

    index: number among the inputs or among the adders. width, signed: the least that hold every
    value. delays: registers it is passed on through, for those that read it later. level: adders on
    the longest way to it. left, right: what an adder adds.
    """

    name: str
    index: int
    width: int
    signed: bool
    delays: int
    level: int
    left: Operand | None = None
    right: Operand | None = None


@dataclass(frozen=True)
class AdderView:
    """An adder graph as statements.

    inputs: those that are read. outputs: one operand each, None for zero, to be read after
    ``registers`` registers. cut: those of which some reader in RTL takes not all bits, because the
    sum is exact without them. width: of a signed number that holds every output.
    """

    inputs: tuple[Signal, ...]
    adders: tuple[Signal, ...]
    outputs: tuple[Operand | None, ...]
    cut: tuple[Operand, ...]
    registers: int
    depth: int
    width: int


def adder_view(graphs: Sequence[AdderGraph], width: int) -> AdderView:
    """All graphs side by side. width: bits of what their outputs are brought to."""
    graph = side_by_side(graphs)
    inputs = len(graph.inputs)
    delays = graph.delays()

    def operand(term: Term, stage: int) -> Operand:
        return Operand(
            _name(term.ref, inputs), stage - graph.stage(term.ref), term.shift, term.negative,
            bits_for(graph.interval(term.ref))[0],
        )  # fmt: skip

    def signal(ref: int) -> Signal:
        adder = graph.adders[ref - inputs] if ref >= inputs else None
        terms = () if adder is None else (adder.left, adder.right)
        return Signal(
            _name(ref, inputs),
            ref if adder is None else ref - inputs,
            *bits_for(graph.interval(ref)),
            max(delays[ref], 0),
            graph.level(ref),
            *(operand(term, graph.stage(ref)) for term in terms),
        )

    adders = tuple(signal(inputs + index) for index in range(len(graph.adders)))
    outputs = tuple(None if term is None else operand(term, graph.registers) for term in graph.outputs)
    reads = [(term, one.width) for one in adders for term in (one.left, one.right)]
    reads += [(term, width) for term in outputs]
    return AdderView(
        inputs=tuple(signal(ref) for ref in range(inputs) if delays[ref] >= 0),
        adders=adders,
        outputs=outputs,
        cut=_distinct(term for term, width in reads if term is not None and term.is_cut(width)),
        registers=graph.registers,
        depth=graph.depth,
        width=_width(graph),
    )


def _distinct(terms: Iterable[Operand]) -> tuple[Operand, ...]:
    """One operand for each signal and delay."""
    return tuple({(term.name, term.delay): term for term in terms}.values())


def _name(ref: int, inputs: int) -> str:
    return f"x{ref}" if ref < inputs else f"n{ref - inputs}"


def _width(graph: AdderGraph) -> int:
    """Bits of a signed number that holds every output."""
    widest = 1
    for term in graph.outputs:
        if term is not None:
            interval = graph.interval(term.ref)
            size = max(abs(interval.lo), abs(interval.hi)).bit_length() + term.shift
            widest = max(widest, size + 1)
    return widest
