"""Adder graphs: products of a constant integer matrix and a vector, built from shifts and additions alone.

Strategy ``da`` replaces the multiplications of an unrolled layer by such a graph. Rows share partial
sums; which ones is found by alkaid's constant-matrix solver (its predecessor is described in Sun et al.,
"da4ml: Distributed Arithmetic for Real-time Neural Networks on FPGAs"). The solver's answer is turned
into integers only, and compared exactly with the matrix before anything is made from it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import ConfigError, VerificationError
from hpq_hls.fixed.interval import Interval, bits_for

if TYPE_CHECKING:
    from alkaid.cmvm import CombLogic, Op

IntArray = npt.NDArray[np.int64]

MAX_WEIGHT = 1 << 20
"""The solver works in float32, exact to 2**24: the sums and differences of weights it forms stay below."""
MAX_NONZEROS = 1 << 14
"""Beyond these the solver takes minutes, and synthesis longer."""
THOROUGH_NONZEROS = 1 << 10
"""Matrices up to here are solved with every limit on the depth, and from several starts."""
STARTS = 7
"""Orders of rows and columns, and signs of rows, from which a matrix up to ``THOROUGH_NONZEROS`` is solved
again: the solver is greedy, and its answers differ by some per cent."""


@dataclass(frozen=True)
class Term:
    """``2**shift`` times a value, or minus that.

    ref: number of the value: inputs first, then nodes. A negative shift, which only outputs have,
    drops bits that are always zero.
    """

    ref: int
    shift: int = 0
    negative: bool = False


@dataclass(frozen=True)
class Adder:
    """The sum of two terms, of which at least the left one is positive.

    interval: exactly the values that can occur at its ends. level: adders on the longest way here.
    """

    left: Term
    right: Term
    interval: Interval
    level: int

    @property
    def bits(self) -> int:
        """Full adders: the low bits of a term to which nothing is added are wires."""
        free = self.right.shift if not self.left.shift else 0
        if self.left.shift and not self.right.negative:
            free = self.left.shift
        return max(bits_for(self.interval)[0] - free, 1)


@dataclass(frozen=True)
class AdderGraph:
    """A directed acyclic graph of adders.

    inputs: interval of each input value. adders: each uses inputs and earlier adders only; its
    number as a value is ``len(inputs)`` plus its index. outputs: one term each, None for zero.
    """

    inputs: tuple[Interval, ...]
    adders: tuple[Adder, ...]
    outputs: tuple[Term | None, ...]

    @property
    def depth(self) -> int:
        """Adders on the longest way from an input to an output."""
        return max((adder.level for adder in self.adders), default=0)

    @functools.cached_property
    def adder_bits(self) -> int:
        """LUTs in front of the carry chains of the graph: one for each bit at which two numbers meet."""
        return sum(self.meeting_bits(adder) for adder in self.adders)

    def meeting_bits(self, adder: Adder) -> int:
        """Where there is one number alone, its bit goes straight into the carry chain; where both are
        extended by their signs, one LUT does for all bits. A constant only decides what is inverted."""
        ends = []
        for term in (adder.left, adder.right):
            interval = self.interval(term.ref)
            if interval.lo == interval.hi:
                return 0
            width, signed = bits_for(interval)
            ends.append((term.shift, term.shift + width, signed))
        first = max(start for start, _, _ in ends)
        top = max(end for _, end, _ in ends)
        last = min(top if signed else end for _, end, signed in ends)
        return max(last - first, 0)

    def interval(self, ref: int) -> Interval:
        """The values that input or adder number ``ref`` can have."""
        count = len(self.inputs)
        return self.inputs[ref] if ref < count else self.adders[ref - count].interval

    def level(self, ref: int) -> int:
        """Adders on the longest way to value number ``ref``."""
        count = len(self.inputs)
        return 0 if ref < count else self.adders[ref - count].level

    def pruned(self) -> AdderGraph:
        """The graph without adders that no output needs."""
        count = len(self.inputs)
        needed = {term.ref for term in self.outputs if term is not None}
        for index in reversed(range(len(self.adders))):
            if count + index in needed:
                needed |= {self.adders[index].left.ref, self.adders[index].right.ref}
        kept = [index for index in range(len(self.adders)) if count + index in needed]
        if len(kept) == len(self.adders):
            return self
        numbers = {ref: ref for ref in range(count)} | {
            count + old: count + new for new, old in enumerate(kept)
        }

        def moved(term: Term) -> Term:
            return Term(numbers[term.ref], term.shift, term.negative)

        adders = (self.adders[index] for index in kept)
        return AdderGraph(
            self.inputs,
            tuple(Adder(moved(one.left), moved(one.right), one.interval, one.level) for one in adders),
            tuple(term and moved(term) for term in self.outputs),
        )

    def evaluate(self, values: Sequence[int]) -> list[int]:
        """The outputs for one vector of Python integers, computed adder by adder."""
        known = list(values)
        for adder in self.adders:
            known.append(_scaled(adder.left, known) + _scaled(adder.right, known))
        return [0 if term is None else _scaled(term, known) for term in self.outputs]


def _scaled(term: Term, known: Sequence[int]) -> int:
    value = known[term.ref]
    if term.shift < 0:
        if value & ((1 << -term.shift) - 1):
            raise VerificationError("an adder graph drops bits that are not zero; please report this network")
        value >>= -term.shift
    else:
        value <<= term.shift
    return -value if term.negative else value


def side_by_side(graphs: Sequence[AdderGraph]) -> AdderGraph:
    """One graph whose inputs and outputs are those of all ``graphs`` in order."""
    inputs = sum(len(graph.inputs) for graph in graphs)
    first_input, first_adder = 0, inputs
    adders: list[Adder] = []
    outputs: list[Term | None] = []
    for graph in graphs:
        count = len(graph.inputs)

        def moved(term: Term, count: int = count, at: tuple[int, int] = (first_input, first_adder)) -> Term:
            ref = term.ref + at[0] if term.ref < count else term.ref - count + at[1]
            return Term(ref, term.shift, term.negative)

        adders.extend(
            Adder(moved(one.left), moved(one.right), one.interval, one.level) for one in graph.adders
        )
        outputs.extend(None if term is None else moved(term) for term in graph.outputs)
        first_input += count
        first_adder += len(graph.adders)
    return AdderGraph(tuple(one for graph in graphs for one in graph.inputs), tuple(adders), tuple(outputs))


def solve(matrix: IntArray, given: Interval) -> tuple[AdderGraph, ...]:
    """Adder graphs of ``y = matrix @ x``: all that were found, at least one.

    matrix: (rows, columns) integers. given: the values each element of x can have. The same
    arguments always give the same graphs; they are kept, because a search asks for them often.

    Raises:
        ConfigError: a weight is 2**20 or more, or too many are not zero.
        VerificationError: the solver's answer is not this matrix.
    """
    exact = np.ascontiguousarray(matrix, dtype=np.int64)
    largest = int(np.abs(exact).max(initial=0))
    if largest >= MAX_WEIGHT:
        raise ConfigError(
            f"strategy da takes weights of magnitude below {MAX_WEIGHT} and one is {largest}; give this "
            "layer fewer weight bits or another strategy"
        )
    nonzeros = int(np.count_nonzero(exact))
    if nonzeros > MAX_NONZEROS:
        raise ConfigError(
            f"strategy da takes matrices of up to {MAX_NONZEROS} weights that are not zero and this one has "
            f"{nonzeros}; use strategy folded or unrolled for this layer"
        )
    return _solve(exact.tobytes(), exact.shape[0], exact.shape[1], given)


@functools.lru_cache(maxsize=256)
def _solve(data: bytes, rows: int, columns: int, given: Interval) -> tuple[AdderGraph, ...]:
    matrix = np.frombuffer(data, dtype=np.int64).reshape(rows, columns)
    if not matrix.any():
        return (AdderGraph((given,) * columns, (), (None,) * rows),)
    thorough = int(np.count_nonzero(matrix)) <= THOROUGH_NONZEROS
    rng = np.random.default_rng(0)
    found = []
    plain = _Start(np.arange(rows), np.arange(columns), np.ones(rows, dtype=np.int64))
    shuffled = (
        _Start(rng.permutation(rows), rng.permutation(columns), rng.choice([-1, 1], rows))
        for _ in range(STARTS if thorough else 0)
    )
    # 0: no adder in a row more than there must be.
    limits = ({"hard_dc": 0}, _LIMITS[thorough])
    found = [_from(matrix, plain, given, limit) for limit in limits]
    found += [_from(matrix, start, given, _LIMITS[thorough]) for start in shuffled]
    return tuple(dict.fromkeys(found))


_LIMITS = {
    True: {"decompose_dc": -2, "search_all_decompose_dc": True},
    False: {"decompose_dc": 2, "search_all_decompose_dc": False},
}
"""What the solver is told of depths, by whether it is to try every limit on them."""


@dataclass(frozen=True)
class _Start:
    """How a matrix is shown to the solver.

    rows, columns: which of its own, in order. signs: what these rows are multiplied by.
    """

    rows: IntArray
    columns: IntArray
    signs: IntArray


def _from(matrix: IntArray, start: _Start, given: Interval, limits: dict[str, Any]) -> AdderGraph:
    """The solver's answer, checked against the matrix."""
    from alkaid.cmvm import cmvm_solve  # most designs have none, and its import takes a while

    shown = matrix[start.rows][:, start.columns] * start.signs[:, None]
    stages = cmvm_solve(
        np.ascontiguousarray(shown.T, dtype=np.float32),
        qintervals=[(float(given.lo), float(given.hi), 1.0)] * matrix.shape[1],
        **limits,
    )
    graph = _Maker(start.columns, given).graph(stages)
    outputs: list[Term | None] = [None] * len(start.rows)
    for row, sign, term in zip(start.rows.tolist(), start.signs.tolist(), graph.outputs, strict=True):
        outputs[row] = term and replace(term, negative=term.negative != (sign < 0))
    graph = replace(graph, outputs=tuple(outputs))
    _check(graph, matrix)
    return graph


def _check(graph: AdderGraph, matrix: IntArray) -> None:
    """A linear graph that is right on every unit vector is right everywhere."""
    for column in range(matrix.shape[1]):
        unit = [0] * matrix.shape[1]
        unit[column] = 1
        if graph.evaluate(unit) != matrix[:, column].tolist():
            raise VerificationError(
                f"the adder graph of a {matrix.shape[0]}x{matrix.shape[1]} matrix is wrong in column "
                f"{column}; use strategy unrolled for this layer and report it"
            )


@dataclass(frozen=True)
class _Value:
    """A value of the solver: ``2**exponent`` times value ``ref`` of the graph, or minus that.

    No value (None in its place) is zero.
    """

    ref: int
    exponent: int
    negative: bool

    def times(self, exponent: int, negative: bool = False) -> _Value:
        return _Value(self.ref, self.exponent + exponent, self.negative != negative)


_Row = dict[int, int]
"""Coefficients of the inputs that are not zero."""


class _Maker:
    """Translates the solver's operations, following exponents so that no bit is ever lost."""

    def __init__(self, columns: IntArray, given: Interval) -> None:
        """columns: number of the input that each column of the solver is."""
        self._columns = columns.tolist()
        self._inputs = (given,) * len(columns)
        self._given = given
        self._rows: list[_Row] = [{column: 1} for column in range(len(columns))]
        self._adders: list[Adder] = []
        self._known: dict[tuple[Term, Term], int] = {}

    def graph(self, stages: Sequence[CombLogic]) -> AdderGraph:
        """The graph of stages of which each reads the outputs of the one before."""
        values: list[_Value | None] = [_Value(column, 0, False) for column in self._columns]
        for stage in stages:
            values = self._stage(stage, values)
        outputs = tuple(None if v is None else Term(v.ref, v.exponent, v.negative) for v in values)
        return AdderGraph(self._inputs, tuple(self._adders), outputs).pruned()

    def _stage(self, stage: CombLogic, given: Sequence[_Value | None]) -> list[_Value | None]:
        known: list[_Value | None] = []
        for op in stage.ops:
            known.append(self._operation(op, known, given, stage.inp_shifts))
        outputs: list[_Value | None] = []
        for index, shift, negative in zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True):
            value = known[index] if index >= 0 else None
            outputs.append(None if value is None else value.times(int(shift), bool(negative)))
        return outputs

    def _operation(
        self, op: Op, known: Sequence[_Value | None], given: Sequence[_Value | None], shifts: Sequence[int]
    ) -> _Value | None:
        values = [known[address] for address in op.addr]
        match op.opcode:
            case -1:  # an input of the stage
                source = given[op.data[0]]
                return None if source is None else source.times(int(shifts[op.data[0]]))
            case -2:  # minus a value
                return None if values[0] is None else values[0].times(0, negative=True)
            case 0 | 1:  # a sum or a difference, the second operand shifted
                second = values[1]
                if second is not None:
                    second = second.times(op.data[0], negative=op.opcode == 1)
                return self._sum([values[0], second])
            case 11:  # a sum of several values, each with sign and shift
                signs, amounts = op.data[0 : 2 * len(values) : 2], op.data[1 : 2 * len(values) : 2]
                terms = zip(values, signs, amounts, strict=True)
                return self._sum([v and v.times(shift, negative=not plus) for v, plus, shift in terms])
        raise VerificationError(
            f"alkaid answered with operation {op.opcode}, which is not known here; install the version of "
            "constraints.txt"
        )

    def _sum(self, values: Sequence[_Value | None]) -> _Value | None:
        """The sum of all values as a balanced tree."""
        terms = [value for value in values if value is not None]
        while len(terms) > 1:
            pairs = [self._add(a, b) for a, b in zip(terms[0::2], terms[1::2], strict=False)]
            odd = [terms[-1]] if len(terms) % 2 else []
            terms = [value for value in (*pairs, *odd) if value is not None]
        return terms[0] if terms else None

    def _add(self, a: _Value, b: _Value) -> _Value | None:
        exponent = min(a.exponent, b.exponent)
        if a.negative and not b.negative:
            a, b = b, a
        flip = a.negative  # then both are: the adder gives minus the value
        left = Term(a.ref, a.exponent - exponent)
        right = Term(b.ref, b.exponent - exponent, b.negative != flip)
        ref = self._known.get((left, right))
        if ref is None:
            row = self._combined(left, right)
            if not row:
                return None
            ref = len(self._rows)
            self._rows.append(row)
            level = 1 + max(self._level(left.ref), self._level(right.ref))
            self._adders.append(Adder(left, right, self._interval(row), level))
            self._known[left, right] = ref
        return _Value(ref, exponent, flip)

    def _level(self, ref: int) -> int:
        count = len(self._inputs)
        return 0 if ref < count else self._adders[ref - count].level

    def _combined(self, left: Term, right: Term) -> _Row:
        row = {column: factor << left.shift for column, factor in self._rows[left.ref].items()}
        sign = -1 if right.negative else 1
        for column, factor in self._rows[right.ref].items():
            total = row.get(column, 0) + sign * (factor << right.shift)
            if total:
                row[column] = total
            else:
                del row[column]
        return row

    def _interval(self, row: _Row) -> Interval:
        least, most = self._given.lo, self._given.hi
        up = sum(factor for factor in row.values() if factor > 0)
        down = sum(factor for factor in row.values() if factor < 0)
        return Interval(up * least + down * most, up * most + down * least)
