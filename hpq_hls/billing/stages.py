"""How many registers a clock asks for in the circuits that kernels share, and how long their stages take.

A circuit is a row of steps, each of some picoseconds of logic; registers go between steps. How many there are
decides latency, and with it the depth of FIFOs, so that small differences of width must not: registers are
chosen for sums of at least ``NOMINAL_SUM`` bits and operands of ``NOMINAL_OPERAND``, and what is narrower is
faster than it has to be. Types that are wider get what they need.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from hpq_hls.billing.delays import Delays, Pace
from hpq_hls.billing.products import constant_levels, digits_of, recoding, row_count
from hpq_hls.fixed import Epilogue, FixedType, Overflow, Rounding

NOMINAL_SUM, NOMINAL_OPERAND, NOMINAL_ROUND, NOMINAL_PACKED = 32, 8, 16, 18
"""Bits of a sum, of an operand, of what a rounding adds to, and of a sum that is packed with others."""
PACKED_LEVELS = 2
"""Levels of a tree in front of where packed sums are taken apart (hpq_packeddot)."""
PLAIN_STAGES = 2
"""Registers of a product, at least: of its operands, and of itself. A DSP block has both."""


def cuts(steps: Sequence[int], budget: int) -> tuple[bool, ...]:
    """Between which of the steps a register stands: as few as the budget allows, as early as they can be.

    steps: picoseconds. A step that takes more than the budget is alone in its stage. The result is one
    shorter.
    """
    found, time = [False] * max(len(steps) - 1, 0), 0
    for place in reversed(range(len(steps))):
        if time and steps[place] and time + steps[place] > budget:
            found[place] = True
            time = 0
        time += steps[place]
    return tuple(found)


def longest(steps: Sequence[int], registers: Sequence[bool]) -> int:
    """The longest stage of steps between which there are these registers, in picoseconds."""
    times = [0]
    for step, cut in zip(steps, (False, *registers), strict=True):
        times.append(step + (0 if cut else times[-1]))
    return max(times)


def levels_between(pace: Pace, width: int) -> int:
    """Levels of an adder tree between two registers; width: of its sums."""
    return max(pace.budget // pace.delays.adder(max(width, NOMINAL_SUM)), 1)


def compared_between(pace: Pace, width: int) -> int:
    """Levels of a tree of comparators between two registers; width: of an element."""
    return max(pace.budget // comparison(pace.delays, max(width, NOMINAL_OPERAND)), 1)


def comparison(delays: Delays, width: int) -> int:
    """The larger of two."""
    return delays.adder(width) + delays.logic(1)


def gap_between(pace: Pace, every: int, width: int) -> int:
    """Levels that count as standing between the second of a tree and the next (GAP of hpq_addtree), for the
    time in which packed sums of ``width`` bits are taken apart there.

    Where that fits between two registers together with the levels around it, it is as many levels as it takes
    the time of; else what follows the second level begins with a register.
    """
    left = Pace(pace.delays, pace.budget - pace.delays.adder(max(width, NOMINAL_PACKED)))
    apart = every - levels_between(left, NOMINAL_SUM)
    alone = PACKED_LEVELS + apart >= every
    return max(every - PACKED_LEVELS, 0) + apart if alone else apart


def tree_registers(terms: int, every: int = 2, gap: int = 0) -> int:
    """Registers in a tree of adders or comparators: one after every so many levels, and after the last.
    gap: as of ``gap_between``."""
    levels = (terms - 1).bit_length()
    return math.ceil((levels + (gap if levels > PACKED_LEVELS else 0)) / every)


def tree_time(terms: int, every: int, level: int) -> int:
    """The longest stage of such a tree; level: picoseconds of one."""
    return min((terms - 1).bit_length(), every) * level


def product_stages(pace: Pace, x: FixedType, weight: FixedType, *, soft: bool) -> int:
    """Registers of a product, those of its operands included (hpq_dot). soft: built in LUTs (hpq_product)."""
    delays = pace.delays
    if not soft:
        return PLAIN_STAGES if delays.multiply(PLAIN_STAGES) <= pace.budget else PLAIN_STAGES + 1
    factor, recoded = recoding(x, weight)
    rows = max(row_count(recoded), NOMINAL_OPERAND // 2 + 1)
    together = max(pace.budget // delays.adder(max(factor.width, NOMINAL_OPERAND) + 2), 1)
    return max(math.ceil((rows + 1) / together), PLAIN_STAGES)


def product_time(delays: Delays, x: FixedType, weight: FixedType, stages: int, *, soft: bool) -> int:
    """The longest stage of such a product."""
    if not soft:
        return delays.multiply(stages)
    factor, recoded = recoding(x, weight)
    return math.ceil((row_count(recoded) + 1) / stages) * delays.adder(factor.width + 2)


@dataclass(frozen=True)
class Scaling:
    """A product by a constant.

    registers: in it and behind it, 1 at least, if the last is not left out. time: the longest stage,
    picoseconds. whole: whether it has time in one stage.
    """

    registers: int
    time: int
    whole: bool


def scaling(pace: Pace, factor: int, width: int, *, soft: bool) -> Scaling:
    """Registers and time of a product by a constant of ``width`` bits. soft: in LUTs (hpq_constproduct)."""
    levels = constant_levels([factor]) if soft else 0
    every = levels_between(pace, width)
    if soft or digits_of(factor) == 1:
        time = min(levels, every) * pace.delays.adder(width)
        return Scaling(max(math.ceil(levels / every), 1), time, levels <= every)
    return Scaling(1, pace.delays.multiply(1), whole=True)


@dataclass(frozen=True)
class CastStages:
    """The end of a kernel: what stands in front of its cast, and hpq_finish.

    registers: behind what stands in front; then REGISTERS of hpq_finish: behind the slope, the range, the
    rounding. time: the longest stage, picoseconds.
    """

    registers: tuple[bool, bool, bool, bool]
    time: int

    @property
    def front(self) -> bool:
        """Whether there is a register in front of the cast."""
        return self.registers[0]

    @property
    def inside(self) -> int:
        """Registers in the cast."""
        return sum(self.registers[1:])

    @property
    def mask(self) -> int:
        """REGISTERS of hpq_finish."""
        return sum(1 << place for place, register in enumerate(self.registers[1:]) if register)


@functools.lru_cache(maxsize=4096)
def cast_stages(
    pace: Pace, front: int, given: FixedType, made: FixedType, epilogue: Epilogue, *, fixed: bool = False
) -> CastStages:
    """Where the end of a kernel has registers.

    front: picoseconds of what stands in front of the cast of the signed ``given`` to ``made``; fixed: there
    is a register behind it whatever the clock.
    """
    wide = FixedType(max(given.width, NOMINAL_SUM), max(given.width, NOMINAL_SUM) - given.fraction)
    behind = _nominal_steps(pace.delays, wide, made, epilogue)
    found = (True, *cuts(behind, pace.budget)) if fixed else cuts((front, *behind), pace.budget)
    first, slope, bounds, rounding = found
    registers = (first, slope, bounds, rounding)
    return CastStages(
        registers, longest((front, *finish_steps(pace.delays, given, made, epilogue)), registers)
    )


def _nominal_steps(
    delays: Delays, given: FixedType, made: FixedType, epilogue: Epilogue
) -> tuple[int, int, int, int]:
    rounds = delays.adder(max(made.width, NOMINAL_ROUND)) if made.rounding is not Rounding.TRN else 0
    plain = made.overflow is Overflow.WRAP and epilogue == Epilogue()
    return (*_range_steps(delays, given.width, epilogue), rounds, 0 if plain else delays.logic(2))


def finish_steps(
    delays: Delays, given: FixedType, made: FixedType, epilogue: Epilogue, *, half: bool = False
) -> tuple[int, int, int, int]:
    """Of hpq_finish: a product and a choice where there are slopes, comparisons where there are bounds, a sum
    where it rounds, LUTs that look at the sign and at the bits above the result. half: half a unit of
    ``made`` is in ``given`` already."""
    shift = given.fraction - made.fraction
    capacity = made.width if made.signed else made.width + 1
    above = max(given.width - shift - capacity, 0)
    levels = 0 if made.overflow is Overflow.WRAP and epilogue == Epilogue() else 1 + (above > 3)
    rounds = made.rounding is not Rounding.TRN and shift > 0 and not half
    added = delays.adder(min(made.width, given.width)) if rounds else 0
    return (*_range_steps(delays, given.width, epilogue), added, delays.logic(levels))


def _range_steps(delays: Delays, width: int, epilogue: Epilogue) -> tuple[int, int]:
    bounded = epilogue.high is not None or epilogue.low not in (None, 0)
    slopes = 2 * delays.adder(width) if epilogue.slopes else 0
    return slopes, delays.adder(width) if bounded else 0
