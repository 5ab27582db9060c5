"""Bills of the building blocks that several kernels share; each names the RTL module it stands for."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.memory import SRL_DEPTH, block_count, fifo_style, memory_style, ram_style, slice_bits
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


def count_bits(states: int) -> int:
    """Bits of a counter with so many states; none for a single state."""
    return (states - 1).bit_length()


def wrapping_counter(states: int) -> int:
    """LUTs of a counter with an enable that goes through so many states, and says when it is at the last.

    From three bits on it has a carry chain. A power of two wraps by itself.
    """
    bits = count_bits(states)
    if bits < 3:
        return min(2 * bits - 1, 3) if bits else 0
    return 3 + (bits > 6) if states & (states - 1) == 0 else 4 + bits // 2


# ---------------------------------------------------------------------------------------------
# Memories


def fifo(bill: Bill, depth: int, width: int, latency: int, slices: int = 1) -> None:
    """hpq_fifo, of three places or more. slices: how often it has its pointers."""
    pointer, count = count_bits(depth), depth.bit_length()
    style, fabric = fifo_style(depth, width, bill.family), bill.family.fabric
    if latency:
        bill.ff += latency - 1 + count + slices
    if style == "shift":
        bill.ff += slices * (pointer + 1)
        bill.add(Term.FIFO, slices * (pointer + (pointer + 1) // 2) + (2 if latency else 0))
        if fabric.shifts:
            bill.add(Term.MEMORY, width)
        else:
            bill.ff += depth * width
            bill.add(Term.MEMORY, width * chosen(depth, bill.family))
        return
    bill.ff += slices * (2 * pointer + count)
    bill.add(Term.FIFO, slices * (count + 2 * pointer) + (count if latency else 0))
    if style == "block":
        bill.ff += width + slices
        bill.bram += block_count(depth, width, bill.family)
        bill.add(Term.SELECT, width)
        return
    _lut_ram(bill, depth, width)


def chosen(ways: int, family: Family) -> int:
    """LUTs that choose one of so many bits: each of six inputs one of four, each of four one of two, and
    behind them multiplexers of their own."""
    fabric = family.fabric
    leaf = 1 << (fabric.lut_inputs // 3)
    luts = left = math.ceil(ways / leaf)
    for _ in range(fabric.joined):
        left = math.ceil(left / 2)
    while left > 1:
        left = math.ceil(left / leaf)
        luts += left
    return luts


def _lut_ram(bill: Bill, depth: int, width: int) -> None:
    """Memory in LUTs, written at one address and read at another, without registers."""
    if bill.family.fabric.lut_words == 16:  # TRELLIS_DPR16X4
        banks = math.ceil(depth / 16)
        bill.add(Term.MEMORY, 6 * banks * math.ceil(width / 4))
        bill.add(Term.SELECT, width * (chosen(banks, bill.family) if banks > 1 else 0))
        return
    rows, columns = (32, 6) if depth <= 32 else (64, 3)  # RAM32M, RAM64M
    banks = math.ceil(depth / rows)
    bill.add(Term.MEMORY, 4 * banks * math.ceil(width / columns))
    bill.add(Term.SELECT, width * math.ceil((banks - 1) / 3))


MERGED_DEPTH = 9
"""Words of a wide ROM in LUTs up to which many of its columns are equal, and synthesis makes them one."""
MOST_LOADS = 240
"""Of such a column, but for those of registers around."""


def rom_slice(words: IntArray, width: int, loads: int) -> int:
    """Bits of a word of a ROM for each copy of its address: in LUTs as many as leave few loads to an address,
    or, where columns are equal, to these; else all.

    words: (depth, elements); width: bits of an element; loads: that a bit is to what reads it.
    """
    depth = len(words)
    bits = words.size // depth * width
    if memory_style(depth, bits) == "block":
        return bits
    if depth > MERGED_DEPTH:
        return min(max(slice_bits() // width, 1) * width, bits)
    flat, slices = words.reshape(depth, -1), 1
    while True:
        step = math.ceil(flat.shape[1] / slices)
        parts = (columns(flat[:, part : part + step], width) for part in range(0, flat.shape[1], step))
        most = max(max(Counter(part).values(), default=0) for part in parts)
        if most * loads <= MOST_LOADS or step == 1:
            return step * width
        slices += 1


def rom(bill: Bill, words: IntArray, width: int, sliced: int = 0) -> None:
    """hpq_rom. words: (depth, elements) of so many bits each; sliced: bits for each copy of the address."""
    depth = words.shape[0]
    bits = words.size // depth * width
    if depth == 1:
        return  # constants
    if memory_style(depth, bits) == "block":
        block_rom(bill, words, width)
        return
    flat, step, fabric = words.reshape(depth, -1), (sliced or bits) // width, bill.family.fabric
    parts = range(0, flat.shape[1], step)
    different = sum(distinct_columns(flat[:, part : part + step], width) for part in parts)
    addresses = (len(parts) - 1) * count_bits(depth)
    bill.ff += different + addresses
    bill.add(Term.COUNTER, addresses)
    blocks = math.ceil(depth / fabric.rom_bits)
    if depth > fabric.rom_bits and depth % fabric.rom_bits == 1:
        blocks -= 1  # a single word more sets or resets the registers
    bill.add(Term.MEMORY, different * blocks)
    together = fabric.rom_bits << fabric.joined
    if depth > together:  # beyond what multiplexers of their own join
        each = 3 if fabric.lut_inputs == 6 and not fabric.joined else 1  # a LUT chooses among four
        bill.add(Term.SELECT, different * math.ceil((depth / together - 1) / each))


def block_rom(bill: Bill, words: IntArray, width: int, copies: int = 1) -> None:
    """hpq_rom in block RAMs, ``copies`` over. words: (depth, ...); width: bits of an element.

    Bits that are always the same are no part of it.
    """
    depth = words.shape[0]
    bits = len(columns(words.reshape(depth, -1), width))
    bill.bram += copies * block_count(depth, bits, bill.family)


def logic_rom(bill: Bill, words: IntArray, width: int, copies: int) -> None:
    """hpq_rom of one element per word built from LUTs, ``copies`` over. words: (depth,), a power of two.

    Each bit is a function of the address. Equal halves of a function need no multiplexer, and functions that
    several bits share exist once: the LUTs of a decision diagram whose leaves are functions that a LUT holds.
    Multiplexers of their own join the first levels, but for a function and a constant, which take a LUT.
    """
    columns = (words[None, :] >> np.arange(width)[:, None]) & 1
    leaf = min(bill.family.fabric.rom_bits, words.size)
    leaves = columns.reshape(width, -1, leaf)
    _, ids = np.unique(leaves.reshape(-1, leaf), axis=0, return_inverse=True)
    flat = leaves.reshape(-1, leaf)
    constant = (flat == flat[:, :1]).all(axis=1)
    luts = len(set(ids.reshape(-1)[~constant].tolist()))
    level, nodes = 0, ids.reshape(width, -1)
    fixed = np.zeros(int(ids.max()) + 1, dtype=bool)
    fixed[ids.reshape(-1)] = constant
    multiplexers = 0
    while nodes.shape[1] > 1:
        pairs = nodes.reshape(width, -1, 2)
        flat_pairs = pairs.reshape(-1, 2)
        _, joined = np.unique(flat_pairs, axis=0, return_inverse=True)
        joined = joined.reshape(-1)
        equal = flat_pairs[:, 0] == flat_pairs[:, 1]
        if level >= bill.family.fabric.joined:
            multiplexers += len(set(joined[~equal].tolist()))
        else:
            beside = ~equal & (fixed[flat_pairs[:, 0]] != fixed[flat_pairs[:, 1]])
            luts += len(set(joined[beside].tolist()))
        settled = np.zeros(int(joined.max()) + 1, dtype=bool)
        settled[joined] = equal & fixed[flat_pairs[:, 0]]
        fixed = settled
        nodes, level = joined.reshape(width, -1), level + 1
    bill.ff += copies * distinct_columns(words.reshape(-1, 1), width)
    bill.add(Term.MEMORY, copies * luts)
    bill.add(Term.SELECT, copies * math.ceil(multiplexers / 2))


def distinct_columns(words: IntArray, width: int) -> int:
    """Bit positions of a memory that differ from each other and are not constant."""
    return len(set(columns(words, width)))


def columns(words: IntArray, width: int) -> list[bytes]:
    """The bits at each position of a memory's words (depth, elements), packed, but for positions at which all
    are equal."""
    depth = words.shape[0]
    octets = np.ascontiguousarray(words, dtype="<i8").view(np.uint8).reshape(depth, -1, 8)
    bits = np.unpackbits(octets, axis=2, count=min(width, 64), bitorder="little").reshape(depth, -1)
    packed = np.packbits(bits, axis=0)
    size, text = len(packed), packed.tobytes("F")
    ones = (1 << 8 * size) - (1 << 8 * size - depth)
    constant = {bytes(size), ones.to_bytes(size, "big")}
    found = (text[start : start + size] for start in range(0, len(text), size))
    return [column for column in found if column not in constant]


def ram(bill: Bill, depth: int, width: int) -> None:
    """hpq_ram with one address for reading and writing; read data in registers."""
    if ram_style(depth, width, bill.family) == "block":
        bill.bram += block_count(depth, width, bill.family)
        return
    bill.ff += width
    if bill.family.fabric.lut_words == 16:
        _lut_ram(bill, depth, width)
    elif depth <= 32:
        bill.add(Term.MEMORY, 4 * math.ceil(width / 8))  # RAM32M
    else:
        bill.add(Term.MEMORY, width * _power_of_two(math.ceil(depth / 64)))  # RAM64X1S to RAM256X1S


def dual_port_ram(bill: Bill, depth: int, width: int) -> None:
    """hpq_ram with addresses of their own for reading and writing; read data in registers."""
    if ram_style(depth, width, bill.family) == "block":
        bill.bram += block_count(depth, width, bill.family)
        return
    bill.ff += width
    _lut_ram(bill, depth, width)


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


def delay(bill: Bill, depth: int, width: int) -> None:
    """hpq_delay; Yosys makes a shift register of three stages or more an SRL."""
    if depth < 3:
        bill.ff += depth * width
    elif depth <= SRL_DEPTH and bill.family.fabric.shifts:
        bill.add(Term.MEMORY, width)
    elif depth <= SRL_DEPTH:
        bill.ff += depth * width
    else:
        bill.ff += count_bits(depth - 1)
        bill.add(Term.COUNTER, count_bits(depth - 1))
        ram(bill, depth - 1, width)


# ---------------------------------------------------------------------------------------------
# Arithmetic


def in_dsp(left: int, right: int) -> bool:
    """Whether a product of signed operands of these widths is built in DSP blocks."""
    return min(left, right) >= DSP_MIN_OPERAND and left + right >= DSP_MIN_PRODUCT


def dsp_blocks(left: int, right: int, family: Family) -> int:
    """DSP blocks of a product of signed operands of these widths (Yosys' mul2dsp)."""
    wide, narrow = family.operands
    parts = (
        1 + max(math.ceil((width - limit) / (min(limit, DSP_PART) - 1)), 0)
        for width, limit in ((max(left, right), wide), (min(left, right), narrow))
    )
    return math.prod(parts)


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
) -> None:
    """hpq_addtree: ``terms`` numbers of ``width`` bits, no sum wider than ``limit``, ``times`` over.

    in_dsps: how many of the terms come straight out of DSP blocks, whose adders then take part. every: levels
    of two-operand sums between registers; synthesis makes sums of up to four of two of them. before: levels
    that count as being in front of these. gap: as of ``gap_between``.
    """
    levels = (terms - 1).bit_length()
    done = 0

    def place(level: int) -> int:
        """Of what follows a level of this tree, counted from the first of all."""
        return before + level + (gap if before + level >= PACKED_LEVELS else 0)

    while done < levels:
        step = min(2, levels - done, every - place(done) % every)
        size = 1 << step
        ended = place(done + step) // every > place(done + step - 1) // every
        registered = ended or done + step == levels
        full, rest = divmod(terms, size)
        for members, groups in ((size, full), (rest, 1 if rest else 0)):
            if groups:
                dsps = min(members, in_dsps // groups) if done == 0 else 0
                _sum(bill, members, min(width + step, limit), dsps, groups * times, registered=registered)
        terms, width, done = full + (1 if rest else 0), min(width + step, limit), done + step


SUMS = {2: Term.ADD2, 3: Term.ADD3, 4: Term.ADD4}
"""A sum of so many numbers between two registers."""


def _sum(bill: Bill, members: int, width: int, in_dsps: int, times: int, *, registered: bool) -> None:
    """A sum of up to four terms, and its register. DSP blocks take up to two of its adders, and the register
    too if that leaves none."""
    left = members - min(members - 1, in_dsps, 2)
    if left > 1:
        bill.add(SUMS[left], width * times)
    if registered and (left > 1 or not in_dsps):
        bill.ff += width * times


def constant_product(bill: Bill, width: int, constant: int, registers: int, every: int, times: int) -> None:
    """hpq_constproduct of a signed operand of ``width`` bits and a positive constant, ``times`` over.

    registers: STAGES of it. every: levels between two registers.
    """
    tree = constant_tree(width, True, constant)
    # Of those that are shifted copies of one another there is one.
    sums = {node.wires: node.bits for nodes in tree for node in nodes if node.bits}
    bill.add(Term.CONSTANT, times * sum(sums.values()))
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
) -> None:
    """hpq_slopes, and hpq_finish of the signed ``given`` to ``kind`` in front of a register, ``times`` over.

    in_luts: products with slopes are built in LUTs whatever their widths. stages: the registers in the cast.
    """
    if stages is not None:
        _, slope, bounds, rounding = stages.registers
        sums = epilogue.made(given) if epilogue.slopes else given
        left = _Left.of(sums, kind)
        read = sums.width - unread_bits(sums, kind, Epilogue() if epilogue.slopes else epilogue)
        bill.ff += times * (read * (slope + bounds) + (left.kept + left.carries) * rounding)
    if epilogue.slopes:
        unread = unread_bits(epilogue.made(given), kind, Epilogue())
        _slopes(bill, given, epilogue, times, unread, in_luts=in_luts)
        given, epilogue = epilogue.made(given), Epilogue()
    cast(bill, given, kind, epilogue, times)


def _slopes(
    bill: Bill, sums: FixedType, epilogue: Epilogue, times: int, unread: int, *, in_luts: bool
) -> None:
    """What sums are multiplied by where they are negative: ROM, products, and what joins the two.

    Products that are not forced into LUTs are of sums that are zero where they are not negative, so that the
    lowest bits of a product, below a sum's, are wires. unread: lowest bits of the result that nobody reads.
    """
    words, width, made = epilogue.words, epilogue.slope_type.width, epilogue.made(sums).width
    joined = made - unread if in_luts else made - max(epilogue.fraction, unread) + sums.width - 1
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


def cast(bill: Bill, given: FixedType, kind: FixedType, epilogue: Epilogue, times: int) -> None:
    """hpq_cast of the signed ``given`` to ``kind``, in front of a register, ``times`` over.

    Where what is negative becomes 0, that is the reset of the register. A bit that may saturate takes one
    LUT, of itself and of what lies above the range, as long as that is few bits.
    """
    left = _Left.of(given, kind)
    value = left.kept + left.carries + left.grown
    range_bits = kind.width - kind.signed
    saturates = kind.overflow is not Overflow.WRAP
    zeroed = epilogue.low == 0 or (saturates and not kind.signed)
    above = value - range_bits - (1 if zeroed else 0)
    selected = 0
    if left.carries:
        bill.add(Term.ROUND, times)
        if kind.rounding is not Rounding.RND:
            bill.add(Term.STICKY, min(given.fraction - kind.fraction, given.width) * times)
    if saturates and above > (0 if zeroed else 1):
        selected = range_bits - max(left.grown - 1, 0)
        if above > FEW:
            bill.add(Term.RANGE, math.ceil(above / (4 if zeroed else 3)) * times)
    for bound in (epilogue.low or None, epilogue.high):
        if bound is not None and given.min_raw <= bound <= given.max_raw:  # beyond them it is no comparison
            bill.add(Term.BOUND, given.width * times)
            selected = max(selected, left.kept if left.carries else min(left.kept, range_bits))
    bill.add(Term.SATURATE, selected * times)


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
