"""Bills of the arithmetic that several kernels share; each names the RTL module it stands for. Those of
memories: ``hpq_hls.billing.memories``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.counters import count_bits
from hpq_hls.billing.memories import as_shift_register, rom
from hpq_hls.billing.parts import Family
from hpq_hls.billing.products import constant_tree, product_registers
from hpq_hls.billing.stages import PACKED_LEVELS, CastStages
from hpq_hls.fixed import Epilogue, FixedType, Overflow, Rounding

IntArray = npt.NDArray[np.int64]

DSP_MIN_OPERAND, DSP_MIN_PRODUCT = 2, 9
"""Yosys' synth_xilinx builds a product in a DSP block from these widths on, whatever else there is."""
DSP_PART = 18
"""Bits of an operand of a product, with a sign, that is part of one too wide for a DSP block: the cascade
between two blocks shifts by one less."""


def in_dsp(left: int, right: int, read: int | None = None) -> bool:
    """Whether a product of signed operands of these widths is built in DSP blocks. read: its lowest bits, if
    others are not."""
    made = left + right if read is None else min(left + right, read)
    return min(left, right) >= DSP_MIN_OPERAND and made >= DSP_MIN_PRODUCT


def dsp_blocks(left: int, right: int, family: Family) -> int:
    """DSP blocks of a product of signed operands of these widths (Yosys' mul2dsp)."""
    wide, narrow = family.operands
    parts = (
        1 + max(math.ceil((width - limit) / (min(limit, DSP_PART) - 1)), 0)
        for width, limit in ((max(left, right), wide), (min(left, right), narrow))
    )
    return math.prod(parts)


def around_product(bill: Bill, held: int, registers: int, width: int, unread: int, times: int) -> None:
    """The registers of ``times`` products in DSP blocks: those in front, of ``held`` bits together, which are
    billed and which blocks may take in, and so many of ``width`` bits behind each, which are not. unread: of
    the last one's bits those that nobody reads."""
    if bill.family.absorbs:
        bill.ff -= held
    elif registers:
        bill.ff += times * (registers * width - unread)


def sign_product(width: int) -> int:
    """LUTs that negate an operand of ``width`` bits or do not: carries make the highest bits, the lowest is a
    wire."""
    return max(width - 1, 1)


def tree(
    bill: Bill,
    terms: int,
    width: int,
    limit: int,
    in_dsps: int = 0,
    times: int = 1,
    *,
    every: int = 2,
    before: int = 0,
    gap: int = 0,
    last: bool = True,
) -> None:
    """hpq_addtree: ``terms`` numbers of ``width`` bits, no sum wider than ``limit``, ``times`` over.

    in_dsps: how many of the terms come straight out of DSP blocks, whose adders then take part. every: levels
    of two-operand sums between registers; synthesis makes sums of up to four of the first two. before: levels
    that count as being in front of these. gap: as of ``gap_between``. last: whether there is a register
    behind the last level, be it due or not.
    """
    levels, alone = (terms - 1).bit_length(), width  # alone: bits of a last term that no other is added to
    done = passed = 0  # passed: registers in a row that it has gone through

    def place(level: int) -> int:
        """Of what follows a level of this tree, counted from the first of all."""
        return before + level + (gap if before + level >= PACKED_LEVELS else 0)

    while done < levels:
        step = joined_levels(levels, done, every - place(done) % every, before)
        size = 1 << step
        ended = place(done + step) // every > place(done + step - 1) // every
        registered = ended or (last and done + step == levels)
        full, rest = divmod(terms, size)
        for members, groups in ((size, full), (rest, 1 if rest else 0)):
            if groups:
                dsps = min(members, in_dsps // groups) if done == 0 else 0
                total = alone if members == 1 else min(width + step, limit)
                _sum(bill, members, width, total, dsps, groups * times, registered)
        if rest == 1:
            passed += registered
        else:
            as_shift_register(bill, passed, alone * times)
            passed, alone = 0, min(width + step, limit)
        terms, width, done = full + (1 if rest else 0), min(width + step, limit), done + step


def joined_levels(levels: int, done: int, until: int, before: int = 0) -> int:
    """How many levels of hpq_addtree synthesis makes one sum of: the first two, if there is no register
    between them; those behind are kept apart.

    levels: of the tree. done: of them. until: levels up to the next register. before: as of ``tree``.
    """
    return max(min(2 - before - done, levels - done, until), 1)


SUMS = {2: Term.ADD2, 3: Term.ADD3, 4: Term.ADD4}
"""A sum of so many numbers between two registers, by the bits at which so many meet."""


def _sum(
    bill: Bill, members: int, width: int, total: int, in_dsps: int, times: int, registered: bool
) -> None:
    """A sum of ``total`` bits of up to four terms of ``width``, and its register. DSP blocks take up to two
    of its adders, and the register too if that leaves none."""
    left = members - min(members - 1, in_dsps, 2)
    if left > 1:
        bill.add(SUMS[left], min(width + (left < members), total) * times)
    if registered and (left > 1 or not in_dsps):
        bill.ff += total * times


def constant_product(bill: Bill, width: int, constant: int, registers: int, every: int, times: int) -> None:
    """hpq_constproduct of a signed operand of ``width`` bits and a positive constant, ``times`` over.

    registers: STAGES of it. every: levels between two registers.
    """
    tree = constant_tree(width, True, constant)
    bill.add(Term.CONSTANT, times * len({lut for nodes in tree for node in nodes for lut in node.luts}))
    bill.ff += times * len(product_registers(tree, registers, every))


def comparators(bill: Bill, terms: int, width: int, times: int, every: int) -> None:
    """hpq_maxtree, ``times`` over: the largest of ``terms`` elements of ``width`` bits; every: levels between
    registers."""
    level = 0
    while terms > 1:
        bill.add(Term.COMPARE, terms // 2 * width * times)
        terms = (terms + 1) // 2
        level += 1
        if level % every == 0 or terms == 1:
            bill.ff += terms * width * times


def finished(
    bill: Bill,
    given: FixedType,
    kind: FixedType,
    epilogue: Epilogue,
    times: int,
    *,
    in_luts: bool = False,
    stages: CastStages | None = None,
    low: Sequence[int] = (),
) -> None:
    """hpq_slopes, and hpq_finish of the signed ``given`` to ``kind`` in front of a register, ``times`` over.

    in_luts: products with slopes are built in LUTs whatever their widths. stages: the registers in the cast.
    low: the lowest bits of ``given``, as far as they are the same in all values.
    """
    if stages is not None:
        _, slope, bounds, rounding = stages.registers
        sums = epilogue.made(given) if epilogue.slopes else given
        left = _Left.of(sums, kind)
        read = sums.width - unread_bits(sums, kind, Epilogue() if epilogue.slopes else epilogue)
        bill.ff += times * (read * (slope + bounds) + (left.kept + left.carries) * rounding)
    if epilogue.slopes:
        unread = unread_bits(epilogue.made(given), kind, Epilogue())
        _slopes(bill, given, epilogue, times, unread, len(low), in_luts=in_luts)
        given, epilogue, low = epilogue.made(given), Epilogue(), ()
    cast(bill, given, kind, epilogue, times, low)


def _slopes(
    bill: Bill, sums: FixedType, epilogue: Epilogue, times: int, unread: int, known: int, *, in_luts: bool
) -> None:
    """What sums are multiplied by where they are negative: ROM, products, and what joins the two.

    Products that are not forced into LUTs are of sums that are zero where they are not negative, so that the
    lowest bits of a product, below a sum's, are wires. unread: lowest bits of the result that nobody reads.
    known: lowest bits of the sums that are the same in all of them.
    """
    words, width, made = epilogue.words, epilogue.slope_type.width, epilogue.made(sums).width
    masked = sums.width - 1 - known
    joined = made - unread if in_luts else made - max(epilogue.fraction, unread) + masked
    if len(words) > 1:
        rom(bill, words, width)
        bill.ff += count_bits(len(words))
        bill.add(Term.COUNTER, 2 * count_bits(len(words)))  # the place, and the one behind it
        bill.add(Term.SELECT, joined * times)
        bill.multiply(sums.width, width, times, in_luts=in_luts)
        if not in_luts and in_dsp(sums.width, width):
            bill.dsp += times * dsp_blocks(sums.width, width, bill.family)
        else:
            bill.add(Term.CONSTANT, times * sums.width * (width - 1))
        return
    for slope in np.resize(words[0], times).tolist():
        if abs(slope) & (abs(slope) - 1) == 0:  # wires, or a difference
            bill.add(Term.SELECT, made - unread)
            bill.add(Term.NEGATE, sums.width if slope < 0 else 0)
            continue
        own = (slope if slope > 0 else ~slope).bit_length() + 1
        bill.add(Term.SELECT, joined)
        bill.multiply(sums.width, own, 1, in_luts=in_luts)
        if not in_luts and in_dsp(sums.width, own):
            bill.dsp += dsp_blocks(sums.width, own, bill.family)
        else:
            bill.add(Term.CONSTANT, sums.width * (abs(slope).bit_count() - 1 + (slope < 0)))


@dataclass(frozen=True)
class _Left:
    """What a cast leaves of a signed number, in bits: kept, its sign included; one more if rounding carries;
    grown, the zeros below."""

    kept: int
    carries: int
    grown: int

    @classmethod
    def of(cls, given: FixedType, kind: FixedType) -> _Left:
        dropped = given.fraction - kind.fraction
        rounds = kind.rounding is not Rounding.TRN and dropped > 0
        return cls(max(given.width - max(dropped, 0), 1), int(rounds), max(-dropped, 0))


def cast(
    bill: Bill, given: FixedType, kind: FixedType, epilogue: Epilogue, times: int, low: Sequence[int] = ()
) -> None:
    """hpq_cast of the signed ``given`` to ``kind``, in front of a register, ``times`` over.

    Where what is negative becomes 0, that is the reset of the register. A bit that may saturate takes one
    LUT, of itself and of what lies above the range, as long as that is few bits. low: as of ``finished``.
    """
    left = _Left.of(given, kind)
    range_bits = kind.width - kind.signed
    selected = 0
    if left.carries:
        bill.add(Term.ROUND, times)
        if kind.rounding is not Rounding.RND:
            bill.add(Term.STICKY, min(given.fraction - kind.fraction, given.width) * times)
    above, zeroed = _above(given, kind, epilogue)
    if above:
        known = _known(given, kind, low)
        selected = range_bits - len(known) + len(set(known))
        if above > FEW:
            bill.add(Term.RANGE, math.ceil(above / (4 if zeroed else 3)) * times)
    for bound in (epilogue.low or None, epilogue.high):
        if bound is not None and given.min_raw <= bound <= given.max_raw:  # beyond them it is no comparison
            bill.add(Term.BOUND, given.width * times)
            selected = max(selected, left.kept if left.carries else min(left.kept, range_bits))
    bill.add(Term.SATURATE, selected * times)


def _above(given: FixedType, kind: FixedType, epilogue: Epilogue) -> tuple[int, bool]:
    """Bits of a value above the range that it saturates to, 0: it never does; and whether what is negative
    becomes 0."""
    left, saturates = _Left.of(given, kind), kind.overflow is not Overflow.WRAP
    value = left.kept + left.carries + left.grown
    zeroed = epilogue.low == 0 or (saturates and not kind.signed)
    above = value - (kind.width - kind.signed) - (1 if zeroed else 0)
    return (above if saturates and above > (0 if zeroed else 1) else 0), zeroed


def _known(given: FixedType, kind: FixedType, low: Sequence[int]) -> list[int]:
    """The lowest bits of what ``kind`` has of a value whose lowest bits are ``low``, before it saturates."""
    dropped = given.fraction - kind.fraction
    if _Left.of(given, kind).carries:
        return []
    known = [0] * max(-dropped, 0) + list(low)[max(dropped, 0) :]
    return known[: kind.width - kind.signed]


FEW = 5
"""Bits that a LUT looks at beside the one that it passes on."""


def unread_bits(given: FixedType, kind: FixedType, epilogue: Epilogue) -> int:
    """How many of the lowest bits of ``given`` hpq_finish to ``kind`` does not read."""
    dropped = given.fraction - kind.fraction
    if epilogue.slopes or epilogue.high is not None or epilogue.low not in (None, 0):
        return 0
    if kind.rounding is Rounding.TRN:
        return max(dropped, 0)
    return max(dropped - 1, 0) if kind.rounding is Rounding.RND else 0


def result_bits(given: FixedType, kind: FixedType, epilogue: Epilogue, low: Sequence[int] = ()) -> int:
    """How many bits of what hpq_finish makes of the signed ``given`` are neither known nor equal to others:
    zeros below a value, and above it zeros or copies of its sign, are none. low: as of ``finished``."""
    sums = epilogue.made(given) if epilogue.slopes else given
    left = _Left.of(sums, kind)
    natural = given.signed and (not kind.signed or (epilogue.low is not None and epilogue.low >= 0))
    bits = min(kind.width - left.grown, left.kept + left.carries - natural)
    if low and not epilogue.slopes:  # they are equal to each other where what saturates changes them
        known = _known(given, kind, low)[left.grown :]
        above, zeroed = _above(given, kind, epilogue)
        bits -= len(known) - len({bit for bit in known if above or (zeroed and bit)})
    return max(bits, 1)
