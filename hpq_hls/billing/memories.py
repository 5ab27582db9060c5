"""Bills of memories: FIFOs, ROMs, RAMs and delay lines; each names the RTL module it stands for."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.counters import count_bits
from hpq_hls.billing.memory import SRL_DEPTH, block_count, fifo_style, memory_style, ram_style, slice_bits
from hpq_hls.billing.parts import Family

IntArray = npt.NDArray[np.int64]


def fifo(bill: Bill, depth: int, width: int, latency: int, slices: int = 1) -> None:
    """hpq_fifo, of three places or more. slices: how often it has its pointers."""
    pointer, count = count_bits(depth), depth.bit_length()
    style, fabric = fifo_style(depth, width, bill.family), bill.family.fabric
    if latency:
        bill.ff += latency - 1 + count + slices
        # What is on its way is reset; what is held counts both ways, from three bits on with a carry chain.
        bill.add(Term.COUNTER, latency - 1 + slices + (count if count < 3 else count + 3))
    if style == "shift":
        bill.ff += slices * (pointer + 1)
        bill.add(Term.FIFO, slices * (pointer + (pointer + 1) // 2))
        if fabric.shifts:
            bill.add(Term.MEMORY, width)
        else:
            bill.ff += depth * width
            bill.add(Term.MEMORY, width * chosen(depth, bill.family))
        return
    bill.ff += slices * (2 * pointer + count)
    bill.add(Term.FIFO, slices * (count + 2 * pointer))
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
    size = len(packed)
    ones = (1 << 8 * size) - (1 << 8 * size - depth)
    constant = {bytes(size), ones.to_bytes(size, "big")}
    found: list[bytes] = np.ascontiguousarray(packed.T).view(f"V{size}").reshape(-1).tolist()
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


SHORTEST_SHIFT = 3
"""Registers in a row that Yosys makes an SRL."""


def registers(bill: Bill, count: int, width: int) -> None:
    """``count`` registers in a row of which nobody reads but the last."""
    if count < SHORTEST_SHIFT or not bill.family.fabric.shifts:
        bill.ff += count * width
    else:
        bill.add(Term.MEMORY, math.ceil(count / SRL_DEPTH) * width)


def as_shift_register(bill: Bill, count: int, width: int) -> None:
    """Registers in a row that are billed as flip-flops, as what synthesis makes of them."""
    bill.ff -= count * width
    registers(bill, count, width)


def delay(bill: Bill, depth: int, width: int) -> None:
    """hpq_delay."""
    if depth <= SRL_DEPTH:
        registers(bill, depth, width)
    else:
        bill.ff += count_bits(depth - 1)
        bill.add(Term.COUNTER, count_bits(depth - 1))
        ram(bill, depth - 1, width)
