"""How long signals take: what places the registers of a pipeline for a clock.

Figures of AMD's logic are those of 7 series at speed grade 1 that Yosys' `cells_sim.v` and its model for ABC9
take from Project X-Ray's database (artix7/timings): flip-flops, LUTs, CARRY4; a net counts as ABC9 counts it.
Other generations and grades are scaled by the clock that their data sheets give for a block RAM in
WRITE_FIRST mode, which is the one figure that all of them state: DS181 (7 series), DS892 (UltraScale), DS923
(UltraScale+), DS958 (Versal).

Those of ECP5 are of speed grade 8: LUT4 and CCU2C as in Yosys' `cells_sim_ecp5.v` and `ccu2c_sim.vh`,
flip-flops, DP16KD, MULT18X18D and nets as nextpnr-ecp5 reports them (Project Trellis' database); so are the
scales of grades 6 and 7. Those of iCE40 are of HX, from Project IceStorm (icefuzz/timings_hx8k.txt), a net
being one Odrv4, LocalMux and InMux, and of UltraPlus (timings_up5k.txt); LP is scaled as its LUTs and
flip-flops are (timings_lp8k.txt). Output registers of block RAMs and registers inside of multipliers, which
Yosys does not use there, count as if they were not.

It is a model: what a design reaches, only placing and routing can tell.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hpq_hls.billing.parts import Family

CONTROL_LEVELS = 3
"""LUTs in a row from the counts of one FIFO through a handshake to those of another."""
UNCERTAINTY = 0.02
"""Share of a period that jitter takes."""


@dataclass(frozen=True)
class Figures:
    """Picoseconds of a family's circuits, at the speed grade that others are scaled from.

    clock_to_q, setup: of a flip-flop. net: to a few loads. lut: one level, at its slowest input. sum_lut: the
    LUT in front of a carry chain. into_carry, carry, out_of_carry: into a block of ``carry_bits`` bits, past
    one, and from its carry to a sum. read, read_registered: from the clock to the output of a block RAM,
    without and with its output register. multiply, multiply_in_two: a product in a DSP block to its one
    register, and to either of two.
    """

    clock_to_q: int
    setup: int
    net: int
    lut: int
    sum_lut: int
    into_carry: int
    carry: int
    out_of_carry: int
    carry_bits: int
    read: int
    read_registered: int
    multiply: int
    multiply_in_two: int


AMD = Figures(
    clock_to_q=303,
    setup=0,
    net=300,
    lut=642,
    sum_lut=238,
    into_carry=508,
    carry=114,
    out_of_carry=334,
    carry_bits=4,
    read=2454,
    read_registered=882,
    multiply=2739,
    multiply_in_two=1441,
)
ECP5 = Figures(
    clock_to_q=400,
    setup=0,
    net=700,
    lut=379,
    sum_lut=0,
    into_carry=516,
    carry=43,
    out_of_carry=273,
    carry_bits=2,
    read=4260,
    read_registered=4260,
    multiply=3070,
    multiply_in_two=3070,
)
ICE40 = Figures(
    clock_to_q=540,
    setup=0,
    net=960,
    lut=449,
    sum_lut=0,
    into_carry=259,
    carry=126,
    out_of_carry=316,
    carry_bits=1,
    read=2146,
    read_registered=2146,
    multiply=0,
    multiply_in_two=0,
)
ULTRAPLUS = Figures(
    clock_to_q=1050,
    setup=0,
    net=1820,
    lut=970,
    sum_lut=0,
    into_carry=510,
    carry=210,
    out_of_carry=660,
    carry_bits=1,
    read=890,
    read_registered=890,
    multiply=8750,
    multiply_in_two=8750,
)

_BLOCK_RAM_MHZ = {
    Family.SERIES_7: (388.2, 460.83, 509.68),
    Family.ULTRASCALE: (528.0, 585.0, 660.0),
    Family.ULTRASCALE_PLUS: (645.0, 738.0, 825.0),
}
"""At speed grades 1, 2 and 3."""
_VERSAL_MHZ = {"1l": 615.0, "2l": 650.0, "1m": 800.0, "2m": 850.0, "2h": 1000.0, "1h": 800.0, "3h": 1000.0}
"""The same by grade and voltage, low, medium or high. No figure is at hand for 1h and 3h: as 1m and 2h."""
_GRADE = re.compile(r"-([123])([a-z]*)(?:-|$)|(?<=\d)-([123])")
_ECP5_GRADE = re.compile(r"-([678])(?!\d)")
_ECP5_SCALE = {"6": 1.30, "7": 1.15, "8": 1.0}
_LP_SCALE = 1.474


@dataclass(frozen=True)
class Delays:
    """Picoseconds of what circuits are made of. scale: of ``figures``."""

    scale: float = 1.0
    figures: Figures = AMD

    def __hash__(self) -> int:
        return hash(self.scale)  # a family has few scales, and hardly one that another has

    def adder(self, bits: int) -> int:
        """A sum of two numbers, its operands' nets included; bits: of its carry chain."""
        own = self.figures
        blocks = max(math.ceil(bits / own.carry_bits), 1)
        if blocks == 1:
            return self._of(own.net + own.sum_lut + own.into_carry)
        between = (blocks - 2) * own.carry
        return self._of(own.net + own.sum_lut + own.into_carry + between + own.out_of_carry)

    def logic(self, levels: int) -> int:
        """LUTs in a row, the nets in front of them included."""
        return self._of(levels * (self.figures.lut + self.figures.net))

    def read(self, levels: int, *, registered: bool = False) -> int:
        """A block RAM, registered at its output or not, and LUTs behind it, beyond what a flip-flop takes."""
        own = self.figures
        time = own.read_registered if registered else own.read
        return self._of(time - own.clock_to_q + own.net) + self.logic(levels)

    def multiply(self, registers: int) -> int:
        """The longest stage of a product in a DSP block with so many registers."""
        own = self.figures
        return self._of(own.net + (own.multiply if registers < 3 else own.multiply_in_two))

    @property
    def control(self) -> int:
        """Counters and handshakes."""
        return self.logic(CONTROL_LEVELS)

    def left(self, clock_ns: float) -> int:
        """What a period leaves for logic between two registers; at least that of one level of LUTs."""
        period = 1000 * clock_ns * (1 - UNCERTAINTY)
        return max(math.floor(period) - self._flip_flop, self.logic(1))

    def period(self, logic: int) -> float:
        """Nanoseconds of the shortest period with so many picoseconds of logic between two registers."""
        return (logic + self._flip_flop) / (1 - UNCERTAINTY) / 1000

    @property
    def _flip_flop(self) -> int:
        return self._of(self.figures.clock_to_q + self.figures.setup)

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

    part: as the vendor tool names it, such as "xc7z020clg400-1", "xcve2802-vsvh1760-2MP-e-S",
    "LFE5U-25F-6BG256C" or "iCE40HX8K-CT256".
    """
    name = part.lower()
    if family is Family.ECP5:
        grade = _ECP5_GRADE.findall(name)
        return Delays(_ECP5_SCALE[grade[-1] if grade else "6"], ECP5)
    if family is Family.ICE40:
        line = name.removeprefix("ice40")[:2]
        return Delays(1.0, ULTRAPLUS) if line == "up" else Delays(_LP_SCALE if line == "lp" else 1.0, ICE40)
    grades = [(int(one or other), letters) for one, letters, other in _GRADE.findall(name)]
    number, letters = grades[0] if grades else (1, "")
    slowest = _BLOCK_RAM_MHZ[Family.SERIES_7][0]
    if family is Family.VERSAL:
        return Delays(slowest / _VERSAL_MHZ.get(f"{number}{letters[:1]}", _VERSAL_MHZ["1l"]))
    return Delays(slowest / _BLOCK_RAM_MHZ[family][number - 1])
