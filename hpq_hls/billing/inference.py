"""Which products a synthesis tool puts into DSP blocks, where the design leaves it to the tool.

The RTL says of packed products that they are in blocks, and of those by hpq_product and hpq_constproduct that
they are not (``use_dsp``); the C++ binds what ``multiplier`` asks for. Of all others, a plain ``*``, each
tool decides by the widths of the operands.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from hpq_hls.billing.bill import Bill
from hpq_hls.billing.blocks import dsp_blocks
from hpq_hls.billing.calibration import Calibration, DspRule
from hpq_hls.billing.coefficients import luts


class Tool(enum.Enum):
    """Whose rules decide which products are in DSP blocks.

    YOSYS: exact for the RTL, whose structure follows them: ``mul2dsp`` takes products from 9 bits on with
    operands of 2 at least (``help synth_xilinx``, Yosys 0.70).
    VIVADO, VITIS: what reports show, because neither UG901 (it says only that the choice is "driven by the
    size of operands") nor UG1399 has a figure.
    """

    YOSYS = "yosys"
    VIVADO = "vivado"
    VITIS = "vitis"


VENDOR = DspRule(min_operand=5, min_product=18)
"""C synthesis by Vivado HLS of products with an operand of 16 bits (wa-hls4ml, 906 layers whose weights are
in memories): none in blocks up to weights of 4 bits, nearly all from 6 bits on; of 8 by 8 bits Vitis HLS
reports none (``mul_8s_8s_16_1_1``). Vivado's synthesis has as many blocks as C synthesis said in the median
of 49 designs, so that the same holds for it. Between what was seen, the thresholds are half-way."""


@dataclass(frozen=True)
class Inference:
    """The twin's figures, with the products in DSP blocks that a tool would put there.

    backend: whose project the tool reads.
    """

    tool: Tool
    rule: DspRule
    backend: str

    @property
    def sentence(self) -> str:
        """What it rests on."""
        return f"products in DSP blocks as {self.tool.value} has them"

    def apply(self, kind: str, bill: Bill, taken: int, made: int) -> tuple[int, int, int]:
        """LUTs, flip-flops and DSP blocks of a kernel. kind, taken, made: as of ``Calibration.apply``."""
        lut, ff, dsp = luts(bill), bill.ff, bill.dsp
        for (left, right, in_luts), count in bill.products.items():
            if in_luts or self.rule.takes(left, right):
                continue
            blocks = dsp_blocks(left, right, bill.family)
            moved = min(count - bill.bound.get((left, right), 0), dsp // blocks)
            dsp -= moved * blocks
            lut += moved * fabric_product(left, right)
            if bill.family.absorbs:  # the registers of operands and product leave the block too
                ff += moved * 2 * (left + right)
        return round(lut), ff, dsp


def fabric_product(left: int, right: int) -> int:
    """LUTs of a product that a tool builds of a ``*``: each LUT adds the bits of two rows, of one operand
    times two bits of the other, and a tree of sums adds those up (UG474, carry logic)."""
    wide, narrow = max(left, right), min(left, right)
    pairs = math.ceil(narrow / 2)
    return pairs * (wide + 1) + (pairs - 1) * (wide + 2)


Figures = Calibration | Inference
"""Whose figures an estimate gives, instead of those of the twin after Yosys."""

_INFERENCES = {
    Tool.VIVADO: Inference(Tool.VIVADO, VENDOR, "rtl"),
    Tool.VITIS: Inference(Tool.VITIS, VENDOR, "vitis"),
}


def figures_of(tool: Tool) -> Inference | None:
    """The figures by the rules of a tool; None: those of the twin as they are."""
    return _INFERENCES.get(tool)
