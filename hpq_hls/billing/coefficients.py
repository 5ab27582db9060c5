"""LUTs per unit of each building block, fitted to what Yosys makes of generated kernels.

Fitted by ``benchmarks/estimate_vs_yosys.py --refit``, which prints this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.parts import Family

LUTS: Mapping[Term, float] = MappingProxyType(
    {
        Term.MEMORY: 1.0,
        Term.PRODUCT: 1.0,
        Term.CONSTANT: 1.0,
        Term.NEGATE: 1.0,
        Term.GRAPH: 1.0,
        Term.ADD2: 1.0,
        Term.ADD3: 2.0,
        Term.ADD4: 3.3,
        Term.ACCUMULATE: 1.0,
        Term.BIAS: 1.0,
        Term.SELECT: 1.0,
        Term.SHIFT_OUT: 1.0,
        Term.PAD: 1.0,
        Term.COMPARE: 1.7,
        Term.BOUND: 0.3,
        Term.SATURATE: 1.0,
        Term.RANGE: 1.0,
        Term.ROUND: 1.0,
        Term.STICKY: 0.2,
        Term.COUNTER: 1.0,
        Term.FIFO: 1.5,
        Term.MATVEC: 1.0,
        Term.WINDOW: 8.0,
        Term.CHANNELMAC: 1.0,
        Term.PIPELINE: 1.0,
        Term.CONVERTER: 1.0,
        Term.FORK: 2.0,
        Term.PORT: 1.0,
    }
)

_SUMS = {
    *(Term.CONSTANT, Term.NEGATE, Term.GRAPH, Term.ADD2, Term.ADD3, Term.ADD4, Term.ACCUMULATE, Term.BIAS),
}


@dataclass(frozen=True)
class Smaller:
    """How many LUTs of four inputs there are for each of six: of soft products, which fourteen products of
    hpq_product show, and of memories, sums and all other logic, fitted as four numbers to designs that
    ``benchmarks/estimates.py`` draws (seeds 100 to 115 on ECP5, 100 to 107 on iCE40)."""

    product: float
    memory: float
    sums: float
    logic: float

    def of(self, term: Term) -> float:
        """For a term."""
        if term in _SUMS:
            return self.sums
        return {Term.PRODUCT: self.product, Term.MEMORY: self.memory}.get(term, self.logic)


_SMALLER = {
    Family.ECP5: Smaller(product=2.85, memory=1.25, sums=1.0, logic=1.3),
    Family.ICE40: Smaller(product=2.95, memory=0.5, sums=1.3, logic=1.35),
}


def coefficients(family: Family) -> Mapping[Term, float]:
    """LUTs per unit of each building block of a family."""
    smaller = _SMALLER.get(family)
    if smaller is None:
        return LUTS
    return MappingProxyType({term: each * smaller.of(term) for term, each in LUTS.items()})


def luts(bill: Bill) -> float:
    """The LUTs of a bill."""
    return bill.lut(_OF[bill.family])


_OF = {family: coefficients(family) for family in Family}
