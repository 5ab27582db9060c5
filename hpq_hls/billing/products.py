"""What products cost that are built in LUTs (hpq_product, hpq_constproduct)."""

from __future__ import annotations

import functools
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Node:
    """A term of hpq_constproduct's tree: a shifted copy of the operand, or a sum.

    value: the constant that it is a product by. minus: whether it is subtracted, as what is only made of
    copies that are. low: where its lowest bit is. signed: whether it has a sign. wires: its bits; equal ones
    are one, None is zero. luts: what those of its adder make, equal ones once; none of a copy or of a term of
    the level before.
    """

    value: int
    minus: bool
    low: int
    signed: bool
    wires: tuple[Hashable, ...]
    luts: frozenset[Hashable] = frozenset()

    @property
    def high(self) -> int:
        """Above its highest bit."""
        return self.low + len(self.wires)

    def wire(self, place: int) -> Hashable:
        """The bit at a place; None is zero."""
        if self.low <= place < self.high:
            return self.wires[place - self.low]
        return self.wires[-1] if place >= self.high and self.signed else None


@functools.lru_cache(maxsize=4096)
def constant_tree(width: int, signed: bool, constant: int) -> tuple[tuple[Node, ...], ...]:
    """The levels of hpq_constproduct's tree for an operand of ``width`` bits, its shifted copies first."""
    copy = tuple(("x", bit) for bit in range(width))
    nodes = tuple(Node(1 << place, sign < 0, place, signed, copy) for place, sign in _digits(constant))
    levels = [nodes]
    while len(nodes) > 1:
        pairs = [nodes[at : at + 2] for at in range(0, len(nodes), 2)]
        nodes = tuple(
            _joined(pair[0], pair[1], width, signed) if len(pair) == 2 else replace(pair[0], luts=frozenset())
            for pair in pairs
        )
        levels.append(nodes)
    return tuple(levels)


def product_registers(tree: Sequence[Sequence[Node]], stages: int, every: int) -> set[Hashable]:
    """The flip-flops of hpq_constproduct with these parameters, each as a cycle and a wire."""
    before = stages * every - (len(tree) - 1)
    found = set[Hashable]()
    for cycle in range(before // every if stages else 0):
        found |= {(cycle, wire) for wire in tree[0][0].wires}
    for number, nodes in enumerate(tree[1:], before + 1):
        if stages and number % every == 0:
            found |= {(number // every - 1, wire) for node in nodes for wire in node.wires if wire}
    return found


def _joined(left: Node, right: Node, width: int, operand_signed: bool) -> Node:
    """Their sum. Below the right one are wires."""
    difference, either = left.minus != right.minus, left.signed or right.signed
    signed = either or difference
    value = left.value + (-right.value if difference else right.value)
    minus = left.minus and right.minus
    if difference and left.minus:
        value = -value
    odd = value >> left.low
    length = width + (abs(odd) - 1).bit_length() + (signed and not operand_signed)
    apart = right.low - left.high
    if not signed and apart >= 0:  # nothing meets, and nothing is carried
        return Node(value, minus, left.low, False, (*left.wires, *[None] * apart, *right.wires))
    if difference and left.minus:  # the right one less the left one
        first, last, below = left.low, max(left.high, right.high), list[Hashable]()
    else:
        tops = [node.high + (either and not node.signed) for node in (left, right)]
        first, last = right.low, max(tops) if signed else min(tops)
        gap = right.low - left.low - len(left.wires)
        filler = left.wires[-1] if left.signed else None
        below = [*left.wires[: right.low - left.low], *[filler] * max(gap, 0)]
    wires = (*below, *((odd, bit) for bit in range(len(below), length)))
    return Node(value, minus, left.low, signed, wires, _meeting(left, right, range(first, last)))


def _meeting(left: Node, right: Node, places: range) -> frozenset[Hashable]:
    """What the LUTs of a sum of two numbers make at these places, in front of the carry chain: an exclusive
    or, its inverse in a difference, of the bits that meet; nothing of a bit that meets itself. A bit alone is
    a wire, in a difference an inverter. The lowest of a difference is made in both ways: a one is carried
    into it."""
    difference = left.minus != right.minus
    found = set[Hashable]()
    for place in places:
        bits = frozenset(bit for node in (left, right) if (bit := node.wire(place)) is not None)
        itself = left.wire(place) == right.wire(place)
        if not itself and (len(bits) == 2 or (bits and difference)):
            found.add((difference, bits))
            if difference and len(bits) == 2 and place == places.start:
                found.add((False, bits))
    return frozenset(found)


LUTS_PER_DSP = 55
"""What a DSP block counts where resources are added up (the weight of HGQ's EBOPs, arXiv 2405.00645)."""


def most_shifted(width: int) -> int:
    """Digits of a constant up to which shifted copies of a signed operand of ``width`` bits, added up, are
    cheaper than a DSP block. What has more is wide enough for one."""
    return 1 + LUTS_PER_DSP // width


def constant_levels(constants: Collection[int], most: int | None = None) -> int:
    """Levels of the trees of products by these constants, of those that have up to ``most`` digits."""
    found = (digits_of(abs(constant)) for constant in constants)
    return max(
        (max(digits - 1, 0).bit_length() for digits in found if most is None or digits <= most), default=0
    )


def digits_of(constant: int) -> int:
    """Digits that are not zero in the non-adjacent form of a constant."""
    return len(_digits(constant))


def _digits(constant: int) -> list[tuple[int, int]]:
    """(place, sign) of the powers of two in the non-adjacent form of a constant."""
    half = constant >> 1
    more = constant + half
    plus, minus = more & ~half, half & ~more
    places = range(abs(constant).bit_length() + 1)
    return [(at, 1 if plus >> at & 1 else -1) for at in places if (plus | minus) >> at & 1]
