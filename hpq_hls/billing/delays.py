"""How long signals take: what places the registers of a pipeline for a clock.

Figures of logic are those of 7 series at speed grade 1 that Yosys' `cells_sim.v` and its model for ABC9 take
from Project X-Ray's database (artix7/timings): flip-flops, LUTs, CARRY4; a net counts as ABC9 counts it.
Other generations and grades are scaled by the clock that their data sheets give for a block RAM in
WRITE_FIRST mode, which is the one figure that all of them state: DS181 (7 series), DS892 (UltraScale), DS923
(UltraScale+). It is a model: what a design reaches, only placing and routing can tell.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hpq_hls.billing.parts import Family

CLOCK_TO_Q, SETUP = 303, 0
"""Picoseconds of a flip-flop."""
NET = 300
"""Picoseconds of a net to a few loads."""
LUT_AND_NET = 642 + NET
"""Picoseconds of one level of LUTs at its slowest input."""
SUM_LUT = 238
"""Picoseconds of the LUT in front of a carry chain."""
INTO_CARRY, CARRY, OUT_OF_CARRY, CARRY_BITS = 508, 114, 334, 4
"""Picoseconds into a CARRY4, past one, and from its carry to a sum; bits of one."""
MEMORY_READ, MEMORY_READ_REGISTERED = 2454, 882
"""Picoseconds from the clock to the output of a block RAM without and with its output register."""
MULTIPLY, MULTIPLY_IN_TWO = 2739, 1441
"""Picoseconds of a product in a DSP block to its one register, and to either of two (MREG and PREG)."""
CONTROL_LEVELS = 3
"""LUTs in a row from the counts of one FIFO through a handshake to those of another."""
UNCERTAINTY = 0.02
"""Share of a period that jitter takes."""

_BLOCK_RAM_MHZ = {
    Family.SERIES_7: (388.2, 460.83, 509.68),
    Family.ULTRASCALE: (528.0, 585.0, 660.0),
    Family.ULTRASCALE_PLUS: (645.0, 738.0, 825.0),
}
"""At speed grades 1, 2 and 3."""
_GRADE = re.compile(r"-([123])[a-z]*(?:-|$)|(?<=\d)-([123])")


@dataclass(frozen=True)
class Delays:
    """Picoseconds of what circuits are made of.

    scale: of the figures of 7 series at speed grade 1.
    """

    scale: float = 1.0

    def adder(self, bits: int) -> int:
        """A sum of two numbers, its operands' nets included; bits: of its carry chain."""
        blocks = max(math.ceil(bits / CARRY_BITS), 1)
        if blocks == 1:
            return self._of(NET + SUM_LUT + INTO_CARRY)
        return self._of(NET + SUM_LUT + INTO_CARRY + (blocks - 2) * CARRY + OUT_OF_CARRY)

    def logic(self, levels: int) -> int:
        """LUTs in a row, the nets in front of them included."""
        return self._of(levels * LUT_AND_NET)

    def read(self, levels: int, *, registered: bool = False) -> int:
        """A block RAM, registered at its output or not, and LUTs behind it, beyond what a flip-flop takes."""
        time = MEMORY_READ_REGISTERED if registered else MEMORY_READ
        return self._of(time - CLOCK_TO_Q + NET) + self.logic(levels)

    def multiply(self, registers: int) -> int:
        """The longest stage of a product in a DSP block with so many registers."""
        return self._of(NET + (MULTIPLY if registers < 3 else MULTIPLY_IN_TWO))

    @property
    def control(self) -> int:
        """Counters and handshakes."""
        return self.logic(CONTROL_LEVELS)

    def left(self, clock_ns: float) -> int:
        """What a period leaves for logic between two registers; at least that of one level of LUTs."""
        period = 1000 * clock_ns * (1 - UNCERTAINTY)
        return max(math.floor(period) - self._of(CLOCK_TO_Q + SETUP), self.logic(1))

    def period(self, logic: int) -> float:
        """Nanoseconds of the shortest period with so many picoseconds of logic between two registers."""
        return (logic + self._of(CLOCK_TO_Q + SETUP)) / (1 - UNCERTAINTY) / 1000

    def _of(self, figure: int) -> int:
        return round(figure * self.scale)


@dataclass(frozen=True)
class Pace:
    """What registers are placed for. budget: picoseconds of logic between two of them."""

    delays: Delays
    budget: int


USUAL_PACE = Pace(Delays(), Delays().left(5.0))
"""7 series at speed grade 1, 200 MHz."""


def delays_of(family: Family, part: str) -> Delays:
    """Those of a part, whose name ends in its speed grade; without one it is the slowest.

    part: as the vendor tool names it, such as "xc7z020clg400-1" or "xczu7ev-ffvc1156-2-e".
    """
    grade = next((int(a or b) for a, b in _GRADE.findall(part.lower())), 1)
    return Delays(_BLOCK_RAM_MHZ[Family.SERIES_7][0] / _BLOCK_RAM_MHZ[family][grade - 1])
