"""A bill of materials: what a circuit is built from, before it is known how many LUTs each thing takes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.parts import Family


class Term(enum.Enum):
    """A building block whose LUTs are counted; the value says in what it is measured.

    MEMORY is exact by construction (one LUT per 64 bits of ROM, per shift register, per RAM primitive);
    the LUTs per unit of all others are fitted, see coefficients.py.
    """

    MEMORY = "LUTs used as memory"
    PRODUCT = "LUTs of soft multipliers, by formula"
    CONSTANT = "bits of shifted copies added to multiply by a constant"
    NEGATE = "bits negated"
    GRAPH = "bits of the sums of an adder graph"
    ADD2 = "bits at which two numbers of a sum meet"
    ADD3 = "bits at which three meet that are added in one go"
    ADD4 = "bits at which four meet that are added in one go"
    ACCUMULATE = "bits of accumulators that start from a bias"
    BIAS = "bits of a sum with a bias"
    SELECT = "bits of 2:1 multiplexers"
    SHIFT_OUT = "bits of a register that is loaded or shifted"
    PAD = "bits replaced by padding"
    COMPARE = "bits of the larger of two"
    BOUND = "bits brought below or above a bound"
    SATURATE = "bits of results that saturate or are bounded"
    RANGE = "LUTs that look at the bits above a result that saturates"
    ROUND = "rounding increments"
    STICKY = "dropped bits that rounding looks at"
    COUNTER = "bits of counters"
    FIFO = "bits of the pointers of FIFOs"
    MATVEC = "matrix-vector units"
    WINDOW = "windows, twice where they are padded"
    CHANNELMAC = "per-channel units"
    PIPELINE = "pipelines"
    CONVERTER = "LUTs that control width converters"
    FORK = "outputs of forks"
    PORT = "LUTs that control ports"

    __hash__ = object.__hash__  # bills are made of little else than look-ups by term


TERMS = tuple(Term)
_PLACES = {term: place for place, term in enumerate(TERMS)}
Row = npt.NDArray[np.int64]
"""(terms + 6,): the amounts, and ff, dsp, bram, and what a calibration makes of them: lut, ff, dsp."""
DSP = len(TERMS) + 1
"""Where a row has its DSP blocks."""


@dataclass
class Bill:
    """Amounts by term, and the resources that follow from the structure alone.

    family: of the part it is built on; ff: flip-flops; dsp: DSP blocks; bram: block RAMs of 18 kbit. All are
    whole numbers, so that sums of bills do not depend on their order. products: how many there are of
    operands of so many bits, as signed numbers, by the widths and whether they have to be built in LUTs; no
    row has them. bound: of how many of them the design itself says where they are, by the widths. settled:
    bits of a result that are always the same, or the same as another; no row has these either. reported:
    LUTs, flip-flops and DSP blocks as a calibration has it, zeros without one.
    """

    family: Family
    terms: dict[Term, int] = field(default_factory=dict)
    ff: int = 0
    dsp: int = 0
    bram: int = 0
    products: dict[tuple[int, int, bool], int] = field(default_factory=dict)
    bound: dict[tuple[int, int], int] = field(default_factory=dict)
    settled: int = 0
    reported: tuple[int, int, int] = (0, 0, 0)

    def multiply(self, left: int, right: int, times: int, *, in_luts: bool, bound: bool = False) -> None:
        """Note ``times`` products of operands of these widths. bound: no tool builds them elsewhere."""
        wide, narrow = max(left, right), min(left, right)
        self.products[wide, narrow, in_luts] = self.products.get((wide, narrow, in_luts), 0) + times
        if bound:
            self.bound[wide, narrow] = self.bound.get((wide, narrow), 0) + times

    def add(self, term: Term, amount: int) -> None:
        """Count ``amount`` more of ``term``."""
        self.terms[term] = self.terms.get(term, 0) + amount

    def take(self, other: Bill) -> None:
        """Count everything of ``other``."""
        for term, amount in other.terms.items():
            self.add(term, amount)
        self.ff += other.ff
        self.dsp += other.dsp
        self.bram += other.bram
        self.settled += other.settled
        for key, count in other.products.items():
            self.products[key] = self.products.get(key, 0) + count
        for widths, count in other.bound.items():
            self.bound[widths] = self.bound.get(widths, 0) + count
        mine, more = self.reported, other.reported
        self.reported = (mine[0] + more[0], mine[1] + more[1], mine[2] + more[2])

    def lut(self, coefficients: Mapping[Term, float]) -> float:
        """LUTs at so many per unit of each term, summed in the order of the terms."""
        return sum((self.terms[term] * coefficients[term] for term in TERMS if term in self.terms), 0.0)

    @property
    def row(self) -> Row:
        """Everything in it as an array, for sums of many."""
        amounts = [0] * len(TERMS)
        for term, amount in self.terms.items():
            amounts[_PLACES[term]] = amount
        return np.array([*amounts, self.ff, self.dsp, self.bram, *self.reported])

    @classmethod
    def of(cls, family: Family, row: Row) -> Bill:
        """The bill with this row."""
        *terms, ff, dsp, bram, by_lut, by_ff, by_dsp = row.tolist()
        amounts = {term: amount for term, amount in zip(TERMS, terms, strict=True) if amount}
        return cls(family, amounts, ff, dsp, bram, reported=(by_lut, by_ff, by_dsp))
