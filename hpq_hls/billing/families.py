"""Families of parts: what their logic, their multipliers and their memories are.

Sources: UG474, UG479, UG473 (7 series), UG574, UG579 (UltraScale and UltraScale+), AM004, AM005 and AM007
(Versal), FPGA-DS-02012 (ECP5), FPGA-DS-02029 and FPGA-DS-02008 (iCE40 LP, HX and UltraPlus).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

Operands = tuple[int, int]
"""Bits of the signed operands of a DSP block, the wider first."""

DSP48E1: Operands = (25, 18)
"""7 series."""
DSP48E2: Operands = (27, 18)
"""UltraScale and UltraScale+."""
DSP58: Operands = (27, 24)
"""Versal."""
MULT18X18D: Operands = (18, 18)
"""ECP5."""
SB_MAC16: Operands = (16, 16)
"""iCE40 UltraPlus."""

RAMB18 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Depths and widths of a simple dual-port block RAM of 18 kbit: AMD's, and ECP5's DP16KD and PDPW16KD."""
SB_RAM40 = ((256, 16), (512, 8), (1024, 4), (2048, 2))
"""Those of a block RAM of 4 kbit of iCE40."""


@dataclass(frozen=True)
class Fabric:
    """What a family is made of.

    vendor, title: as people call them. operands: of its DSP blocks. lut_inputs: of a LUT. joined: how many
    times two LUTs are joined by a multiplexer of their own (MUXF7 and MUXF8, PFUMX and L6MUX21). shifts:
    whether LUTs are shift registers, of 32 bits. lut_words: bits of a LUT that is memory with a port to
    write; 0 where none is. absorbs: whether Yosys puts registers and adders around a multiplication into its
    block. shapes, bram_kbit: of a block RAM. yosys: the command that maps to it; "" where Yosys has no
    library of its cells.
    """

    vendor: str
    title: str
    operands: Operands
    lut_inputs: int
    joined: int
    shifts: bool
    lut_words: int
    absorbs: bool
    shapes: tuple[tuple[int, int], ...]
    bram_kbit: int
    yosys: str

    @property
    def rom_bits(self) -> int:
        """Words of one bit that a LUT holds."""
        return 1 << self.lut_inputs


class Family(enum.Enum):
    """Generation of the fabric; the value is its name in tables and files."""

    SERIES_7 = "xc7"
    ULTRASCALE = "xcu"
    ULTRASCALE_PLUS = "xcup"
    VERSAL = "versal"
    ECP5 = "ecp5"
    ICE40 = "ice40"

    @property
    def fabric(self) -> Fabric:
        """What it is made of."""
        return _FABRICS[self]

    @property
    def operands(self) -> Operands:
        """Of its DSP blocks."""
        return self.fabric.operands

    @property
    def absorbs(self) -> bool:
        """Whether Yosys puts registers and adders around a multiplication into its DSP block: it knows those
        of the DSP48E1 alone."""
        return self.fabric.absorbs


_XILINX = "synth_xilinx -family {} -flatten -noiopad -noclkbuf"
_FABRICS = {
    Family.SERIES_7: Fabric(
        vendor="AMD",
        title="7 series",
        operands=DSP48E1,
        lut_inputs=6,
        joined=2,
        shifts=True,
        lut_words=64,
        absorbs=True,
        shapes=RAMB18,
        bram_kbit=18,
        yosys=_XILINX.format("xc7"),
    ),
}
_FABRICS[Family.ULTRASCALE] = replace(
    _FABRICS[Family.SERIES_7],
    title="UltraScale",
    operands=DSP48E2,
    absorbs=False,
    yosys=_XILINX.format("xcu"),
)
_FABRICS[Family.ULTRASCALE_PLUS] = replace(
    _FABRICS[Family.ULTRASCALE], title="UltraScale+", yosys=_XILINX.format("xcup")
)
_FABRICS[Family.VERSAL] = replace(
    _FABRICS[Family.ULTRASCALE_PLUS], title="Versal", operands=DSP58, joined=0, shapes=RAMB18[:3], yosys=""
)
_FABRICS[Family.ECP5] = Fabric(
    vendor="Lattice",
    title="ECP5",
    operands=MULT18X18D,
    lut_inputs=4,
    joined=3,
    shifts=False,
    lut_words=16,
    absorbs=False,
    shapes=RAMB18,
    bram_kbit=18,
    yosys="synth_ecp5",
)
_FABRICS[Family.ICE40] = Fabric(
    vendor="Lattice",
    title="iCE40",
    operands=SB_MAC16,
    lut_inputs=4,
    joined=0,
    shifts=False,
    lut_words=0,
    absorbs=True,
    shapes=SB_RAM40,
    bram_kbit=4,
    yosys="synth_ice40",
)
