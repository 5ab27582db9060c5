"""What the cells of a mapped netlist are, by family."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hpq_hls.billing.parts import Family
from hpq_hls.errors import ToolError
from hpq_hls.synth.report import ResourceReport

_NO_CELLS = ("$scopeinfo", "$paramod")  # names of scopes, instances of modules kept whole


@dataclass(frozen=True)
class Cells:
    """What the types of cells are, each a pattern. lut: with how many LUTs a cell is; bram: with how many
    block RAMs."""

    lut: Mapping[str, int]
    ff: str
    dsp: str
    bram: Mapping[str, int]


# A LUT of a SLICEM holds 64 bits of RAM or 32 of shift register (UG474); each further port of a
# RAM is a copy.
_XILINX = Cells(
    lut={
        "LUT[1-6]|INV": 1,
        "SRL16E?|SRLC16E?|SRLC32E": 1,
        "RAM(32|64)X1S": 1,
        "RAM128X1S": 2,
        "RAM256X1S": 4,
        "RAM512X1S": 8,
        "RAM(32|64)X1D": 2,
        "RAM128X1D": 4,
        "RAM256X1D": 8,
        "RAM(32|64)M": 4,
        "RAM32M16|RAM64M8|RAM32X16DR8|RAM64X8SW": 8,
    },
    ff="(FD[RSCP]E|LD[CP]E)(_1)?",
    dsp=r"DSP48E\d?",
    bram={r"RAMB18E\d": 1, r"RAMB36E\d": 2},
)
# CCU2C are two LUTs with their carries; sixteen words of four bits with a port to write take three slices of
# two LUTs each (FPGA-DS-02012, 2.2.2.3).
_ECP5 = Cells(
    lut={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    ff="TRELLIS_FF",
    dsp="MULT18X18D",
    bram={"DP16KD|PDPW16KD": 1},
)
# A carry is beside the LUT of its bit.
_ICE40 = Cells(lut={"SB_LUT4": 1}, ff="SB_DFF.*", dsp="SB_MAC16", bram={"SB_RAM40_4K.*": 1})

CELLS: Mapping[Family, Cells] = {
    Family.SERIES_7: _XILINX,
    Family.ULTRASCALE: _XILINX,
    Family.ULTRASCALE_PLUS: _XILINX,
    Family.ECP5: _ECP5,
    Family.ICE40: _ICE40,
}


def count_cells(cells: Mapping[str, int], version: str, family: Family) -> ResourceReport:
    """Resources from numbers of cells.

    Raises:
        ToolError: something was left that no device of the family has.
    """
    unmapped = [name for name in cells if name.startswith("$") and not name.startswith(_NO_CELLS)]
    if unmapped:
        raise ToolError(f"yosys left cells of type {', '.join(unmapped)} unmapped; report this as a defect")

    def total(kinds: Mapping[str, int]) -> int:
        patterns = [(re.compile(pattern), each) for pattern, each in kinds.items()]
        return sum(
            count * each
            for name, count in cells.items()
            for pattern, each in patterns
            if pattern.fullmatch(name)
        )

    kinds = CELLS[family]
    return ResourceReport(
        lut=total(kinds.lut),
        ff=total({kinds.ff: 1}),
        dsp=total({kinds.dsp: 1}),
        bram=total(kinds.bram),
        tool="yosys",
        version=version,
        stage=f"RTL twin after Yosys synthesis, {family.value}",
        cells={name: count for name, count in cells.items() if not name.startswith("$")},
    )
