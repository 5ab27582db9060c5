"""What products cost that are built in LUTs (hpq_product, hpq_constproduct)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType


@dataclass(frozen=True)
class SoftProduct:
    """A product of two numbers, neither of them a constant, built in LUTs.

    width: of the product, as a signed number. lut: LUTs. ff: flip-flops, those of the product included;
    x_ff: flip-flops beside these that depend on x alone: all products of the same x share them.
    """

    width: int
    lut: int
    ff: int
    x_ff: int


def signed_width(kind: FixedType) -> int:
    """Bits of ``kind`` as a signed number."""
    return kind.width if kind.signed else kind.width + 1


def recoding(x: FixedType, weight: FixedType) -> tuple[FixedType, FixedType]:
    """The factor that hpq_product adds up multiples of, and that which it takes apart."""
    return (weight, x) if _chain_bits(weight, x) < _chain_bits(x, weight) else (x, weight)


def soft_product(x: FixedType, weight: FixedType, stages: int = 2) -> SoftProduct:
    """The product of an operand and a weight as hpq_product builds it, with so many registers.

    One factor, the one with which carry chains are shorter in all, is taken two bits at a time: each pair,
    with the bit below it, is a digit from -2 to 2 (Booth's recoding), which adds a row, that multiple of the
    other factor. A row takes one LUT of six inputs for each bit, of the sum so far, two bits of the factor,
    three of the digit, and a carry chain (M. Kumm, S. Abbas, P. Zipf: An Efficient Softcore Multiplier
    Architecture for Xilinx FPGAs, ARITH 2015). The counts are those of Yosys 0.70 for the 7 series, found on
    21 pairs of widths from 2 x 2 to 18 x 18, signed and not, for which they are exact. What Yosys makes of
    ``*`` without DSP blocks takes two to four times as many.
    """
    factor, recoded = recoding(x, weight)
    rows = row_count(recoded)
    odd = signed_width(recoded) % 2
    lut = rows * (factor.width + 1) + 1 - odd if factor.signed else rows * (factor.width + 2) - odd
    width = x.width + weight.width + (0 if x.signed or weight.signed else 1)
    sums = digits = 0  # flip-flops of what is added up so far, and of what is left of the factor taken apart
    for stage in range(1, stages):
        before = max(stage * (rows + 1) // stages - 1, 0)  # rows in front of the stage
        sums += factor.width + 2 * before if before else 0
        digits += recoded.width - max(2 * before - 1, 0)
    whole = factor.width * (stages - 1)
    recodes_x = (factor, recoded) == (weight, x) != (x, weight)
    own, of_x = (whole, digits) if recodes_x else (digits, whole)
    return SoftProduct(width, lut, own + sums + width, of_x)


def row_count(recoded: FixedType) -> int:
    """Rows that a product adds up: one for two bits of the factor that is taken apart."""
    return (signed_width(recoded) + 1) // 2


def _chain_bits(factor: FixedType, recoded: FixedType) -> int:
    """Bits of all carry chains together."""
    return row_count(recoded) * (factor.width + 3)


def constant_product(width: int, signed: bool, constant: int) -> int:
    """Bits added up in the product of an operand of ``width`` bits and a constant (hpq_constproduct).

    None for a power of two. Sums that the products of one operand share are counted each time.
    """
    return sum(bits for _, bits in constant_steps(width, signed, constant))


def constant_width(width: int, signed: bool, constant: int, full: int) -> int:
    """Bits of the product that hpq_constproduct makes of an operand of ``width`` bits.

    Synthesis narrows its sums to a bit more than the wider of two; where only the sum so far has a sign, the
    operand gets one. full: bits that there is room for.
    """
    high, has_sign = 0, signed
    for at, (place, sign) in enumerate(_in_order(constant)):
        operand = width + (1 if at and has_sign and not signed else 0)
        high = place + (width if at == 0 and sign > 0 else max(high - place, operand) + 1)
        has_sign = has_sign or sign < 0
    return min(high, full)


def constant_steps(width: int, signed: bool, constant: int) -> list[tuple[int, int]]:
    """(constant so far, bits added up) of each sum that hpq_constproduct makes of ``width`` bits.

    A step takes the bits of the operand and, if it subtracts, those of the sum so far that lie above them.
    What is added lies above most of the sum so far, of which unsigned operands leave little there.
    """
    steps, so_far = list[tuple[int, int]](), 0
    for place, sign in _in_order(constant):
        top = width + abs(so_far).bit_length() - 1 if so_far else 0
        before, so_far = so_far, so_far + sign * (1 << place)
        if sign < 0:
            steps.append((so_far, width + max(top - width - place, 0)))
        elif before:
            steps.append((so_far, max(top - place, width - 1 if signed else 0)))
    return steps


def most_digits(constants: npt.NDArray[np.int64]) -> int:
    """Powers of two in the longest non-adjacent form of some constants; at least 1."""
    return max([1, *(len(_digits(constant)) for constant in np.unique(constants).tolist())])


def _in_order(constant: int) -> list[tuple[int, int]]:
    """The digits in the order in which hpq_constproduct adds them up."""
    return sorted(_digits(constant), key=lambda digit: (-digit[1], digit[0]))


def _digits(constant: int) -> list[tuple[int, int]]:
    """(place, sign) of the powers of two in the non-adjacent form of a constant."""
    half = constant >> 1
    more = constant + half
    plus, minus = more & ~half, half & ~more
    places = range(abs(constant).bit_length() + 1)
    return [(at, 1 if plus >> at & 1 else -1) for at in places if (plus | minus) >> at & 1]
