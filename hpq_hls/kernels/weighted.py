"""What all kernels have in common that multiply by constant weights."""

from __future__ import annotations

import functools
import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import dsp_blocks, in_dsp, sign_product, tree
from hpq_hls.billing.counters import count_bits
from hpq_hls.billing.memories import rom
from hpq_hls.billing.packing import ONE_ROW, Sharing
from hpq_hls.billing.parts import Family
from hpq_hls.billing.products import signed_width, soft_product
from hpq_hls.billing.stages import (
    PLAIN_STAGES,
    CastStages,
    cast_stages,
    levels_between,
    product_stages,
    product_time,
    tree_registers,
    tree_time,
)
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels.base import FABRIC_REMARK, IntArray, Kernel, Streams, Table
from hpq_hls.kernels.meaning import Objects, finish, slope_table
from hpq_hls.kernels.nature import Nature, Sums


@dataclass(frozen=True, eq=False)
class Weighted(Kernel):
    """Base of the kernels that multiply by constant weights, add a bias, and cast behind an epilogue.

    weight: integers of ``weight_type``; bias: integers of ``bias_type``, or None.
    shift: for each row (shaped like a bias), by how many bits its sum of products is shifted left before
    the bias is added; the least is 0. None: no row is shifted.
    signs: all weights are +1 or -1, and a ROM holds one bit of each, 1 for -1.
    in_luts: products are built in LUTs whatever their widths, never in DSP blocks.
    sharing: what products of several rows may share DSP blocks by; None: each has its own.
    """

    by_types: ClassVar[bool] = False
    accumulates: ClassVar[bool] = False
    """Whether sums stand in a register behind their bias whatever the clock."""

    weight: IntArray
    bias: IntArray | None
    weight_type: FixedType
    bias_type: FixedType | None
    accumulator_type: FixedType
    epilogue: Epilogue
    shift: IntArray | None = field(default=None, kw_only=True)
    signs: bool = field(default=False, kw_only=True)
    in_luts: bool = field(default=False, kw_only=True)
    sharing: Sharing | None = field(default=None, kw_only=True)

    @property
    def nature(self) -> Nature:
        return Nature.SUMS

    @property
    def rom_type(self) -> FixedType:
        """Type of what a ROM holds of a weight."""
        return FixedType(1, 1, signed=False) if self.signs else self.weight_type

    def in_rom(self, weight: IntArray) -> IntArray:
        """Weights as the integers of ``rom_type`` that a ROM holds of them."""
        return (weight < 0).astype(np.int64) if self.signs else weight

    @property
    def shift_type(self) -> FixedType | None:
        """The least unsigned integer type of the shifts."""
        if self.shift is None:
            return None
        width = max(int(self.shift.max()).bit_length(), 1)
        return FixedType(width, width, signed=False)

    @abstractmethod
    def shift_words(self) -> IntArray | None:
        """The shifts in the order in which rows are worked on, (words, rows at once)."""

    @property
    def signs_in_rom(self) -> bool:
        return self.signs

    @property
    def constant_bits(self) -> int:
        bits = self.weight.size * self.rom_type.width
        if self.bias is not None and self.bias_type is not None:
            bits += self.bias.size * self.bias_type.width
        return bits

    @property
    def constants(self) -> object:
        return self.weight

    def in_fabric(self) -> Kernel:
        return replace(self, in_luts=True)

    def on(self, family: Family) -> Kernel:
        sharing = self.sharing
        if sharing is None or sharing.operands == family.operands:
            return self
        return replace(self, sharing=replace(sharing, operands=family.operands))

    def built_in_luts(self, x: FixedType) -> bool:
        """Whether products of elements of type ``x`` are built in LUTs without leaving that to synthesis."""
        return self.multipliers > 0 and self.in_luts

    def remarks(self, streams: Streams) -> Sequence[str]:
        if not self.built_in_luts(streams[self.inputs[0]].type):
            return ()
        return (FABRIC_REMARK if self.in_luts else "Products in LUTs: they are too narrow for DSP blocks.",)

    def product_shift(self, x: FixedType) -> int:
        """Zeros to append to a product of an element of type ``x``, which then has the accumulator's
        fraction."""
        return self.accumulator_type.fraction - x.fraction - self.weight_type.fraction

    @property
    def bias_shift(self) -> int:
        """Zeros to append to a bias, which then has the accumulator's fraction."""
        if self.bias is None or self.bias_type is None:
            return 0
        return self.accumulator_type.fraction - self.bias_type.fraction

    @functools.cached_property
    def every(self) -> int:
        """Levels of its adder trees between registers."""
        return levels_between(self.pace, self.accumulator_type.width)

    @property
    def gap(self) -> int:
        """Levels that count as standing behind the second of its trees, as of ``gap_between``."""
        return 0

    @property
    def bias_time(self) -> int:
        """Picoseconds of the sum with a bias."""
        return self.pace.delays.adder(self.accumulator_type.width)

    def ending(self, made: FixedType) -> CastStages:
        """The registers behind its sums."""
        sums, fixed = self.accumulator_type, self.accumulates
        return cast_stages(self.pace, self.bias_time, sums, made, self.epilogue, fixed=fixed)

    @property
    def weight_content(self) -> str:
        """What a ROM holds of the weights, for people."""
        if self.signs:
            return f"signs (0: +1, 1: -1) times 2^{-self.weight_type.fraction}"
        return _raw(self.rom_type)

    def _tables(
        self, weight: IntArray | None, bias: IntArray | None, *, in_memory: bool = True
    ) -> Mapping[str, Table]:
        """weight, bias: (words, elements), None where there is no such table. in_memory: as of ``Table``, but
        for shifts that stay the same."""
        found = dict(slope_table(self.epilogue))
        if weight is not None:
            found["weight"] = Table(weight, self.rom_type, self.weight_content, in_memory=in_memory)
        if bias is not None and self.bias_type is not None:
            found["bias"] = Table(bias, self.bias_type, _raw(self.bias_type), in_memory=in_memory)
        shift, kind = self.shift_words(), self.shift_type
        if shift is not None and kind is not None:
            found["shift"] = Table(shift, kind, _raw(kind), in_memory=in_memory and len(shift) > 1)
        return found

    @property
    def finishes(self) -> tuple[FixedType, Epilogue]:
        return self.accumulator_type, self.epilogue

    def _sums(
        self, x: FixedType, blocks: int, columns: IntArray, weight: IntArray, *more: IntArray | None
    ) -> Sums:
        """columns: (G, K) as of ``Sums``. weight: (G, M, K); more: bias and shift, (G, M) or None. The output
        has the rows in order."""
        bias, shift = more
        scale = self.product_shift(x) + (0 if shift is None else shift[..., None])
        zeros = np.zeros(weight.shape[:2], dtype=np.int64)
        offset = zeros if bias is None else bias.astype(object) << self.bias_shift
        rows = np.arange(zeros.size).reshape(zeros.shape)
        return Sums(blocks, weight.astype(object) << scale, offset, columns, rows, self.accumulator_type)

    def _described(self, text: str) -> str:
        """A summary, and behind it what it says of every kernel of this sort."""
        if self.signs:
            text += ", weights are signs"
        if self.shift is not None:
            text += f", sums of rows shifted by up to {self.shift.max()} bits"
        return text + str(self.epilogue)

    def _summed(
        self, terms: Objects, bias: IntArray | None, shift: IntArray | None, streams: Streams, first: int = 0
    ) -> IntArray:
        """The cast of ``terms`` summed over the last axis, shifted, plus bias; first: see ``finish``."""
        given, made = self.ends(streams)
        product = given.type.fraction + self.weight_type.fraction
        fraction = product if self.bias_type is None else max(product, self.bias_type.fraction)
        total = terms.sum(axis=-1) * (1 << (fraction - product))
        if shift is not None:
            assert shift.min() >= 0
            total = total * 2 ** shift.astype(object)
        if bias is not None:
            assert self.bias_type is not None
            total = total + bias.astype(object) * (1 << (fraction - self.bias_type.fraction))
        sums = np.asarray(total, dtype=object)
        epilogue, accumulator = self.epilogue, self.accumulator_type
        return finish(sums, fraction, made.type, epilogue=epilogue, accumulator=accumulator, first=first)


This = TypeVar("This")


def by_type(method: Callable[[This, FixedType], int]) -> Callable[[This, FixedType], int]:
    """A method of a kernel that finds a number once for a type."""
    name = f"_{method.__name__}_by_type"

    @functools.wraps(method)
    def found(self: This, x: FixedType) -> int:
        known: dict[FixedType, int] = self.__dict__.setdefault(name, {})
        if x not in known:
            known[x] = method(self, x)
        return known[x]

    return found


def _raw(kind: FixedType) -> str:
    plain = FixedType(kind.width, kind.integer, kind.signed)
    return f"raw integers of {plain}"


def by_fold(shift: IntArray | None, units: int) -> IntArray | None:
    """Shifts in the order in which ``units`` parallel units use them: (folds, units), or (1, units) where
    each unit always shifts by the same, which takes wires only."""
    if shift is None:
        return None
    words = shift.reshape(-1, units)
    return words[:1] if (words == words[0]).all() else words


@dataclass(frozen=True, eq=False)
class Matrix(Weighted):
    """Base of the matrix-vector kernels: weight (G, M, K), bias and shift (G, M)."""

    @property
    def groups(self) -> int:
        """Number of groups, G."""
        return int(self.weight.shape[0])

    @property
    def rows(self) -> int:
        """Rows per group, M."""
        return int(self.weight.shape[1])

    @property
    def cols(self) -> int:
        """Columns per group, K."""
        return int(self.weight.shape[2])


@dataclass(frozen=True, eq=False)
class FromRom(Weighted):
    """Base of the kernels that read their weights from a ROM, a word per cycle, and have multipliers for
    a word (hpq_dot)."""

    biases_apart: ClassVar[bool] = True

    @abstractmethod
    def weight_words(self) -> IntArray:
        """The ROM in order: (words, ...) integers of ``rom_type``."""

    @abstractmethod
    def bias_words(self) -> IntArray | None:
        """The bias ROM in order: (words, rows at once) integers."""

    def built_in_luts(self, x: FixedType) -> bool:
        """Whether the products of x and a weight are hpq_product: where the layer asks for it, where they are
        too narrow for DSP blocks, or sums are, and where one factor has no more than -2, -1, 0 and 1, so
        that a row of LUTs negates the other, shifts it or skips it. Those by signs are none of these."""
        if self.signs:
            return False
        widths = signed_width(x), signed_width(self.weight_type)
        always = self.sharing is not None and self.sharing.always
        read = self.accumulator_type.width - self.product_shift(x)
        return self.in_luts or not in_dsp(*widths, read) or (min(widths) <= ONE_ROW and not always)

    def stages(self, x: FixedType) -> int:
        """Registers of its products, those of the operands included."""
        if self.signs:
            return PLAIN_STAGES
        return product_stages(self.pace, x, self.weight_type, soft=self.built_in_luts(x))

    @property
    @abstractmethod
    def terms(self) -> int:
        """Products of a sum that are added up at once."""

    @property
    @abstractmethod
    def first_read(self) -> tuple[bool, int]:
        """Whether a memory that it reads first is of block RAMs, and the LUTs in a row behind them."""

    @functools.cached_property
    def read_register(self) -> bool:
        """Whether there is a register behind the memories that it reads first."""
        blocks, levels = self.first_read
        return blocks and self.pace.delays.read(levels) > self.pace.budget

    @property
    def shift_register(self) -> bool:
        """Whether there is a register behind the shift of sums."""
        return self._shift_time > 0 and self._shift_time + self.bias_time > self.pace.budget

    @property
    def _shift_time(self) -> int:
        words, kind = self.shift_words(), self.shift_type
        if words is None or kind is None or len(words) == 1:
            return 0
        return self.pace.delays.logic(math.ceil(kind.width / 2))

    @by_type
    def arrival(self, x: FixedType) -> int:
        """Registers until a sum of products meets its bias (LATENCY in the RTL)."""
        tree = tree_registers(self.terms, self.every, self.gap)
        return 1 + self.read_register + self.stages(x) + tree + self.shift_register

    def critical(self, streams: Streams) -> int:
        given, made = self.ends(streams)
        delays, width = self.pace.delays, self._product_width(given.type)
        level = delays.adder(min(width + (self.terms - 1).bit_length(), self.accumulator_type.width))
        product = level if self.signs else self._product_time(given.type)
        sums = self.bias_time + (0 if self.shift_register else self._shift_time)
        tree = tree_time(self.terms, self.every, level)
        blocks, levels = self.first_read
        read = delays.read(levels, registered=self.read_register) if blocks else delays.logic(levels)
        return max(delays.control, read, product, tree, sums, self.ending(made.type).time)

    def _product_time(self, x: FixedType) -> int:
        soft = self.built_in_luts(x)
        return product_time(self.pace.delays, x, self.weight_type, self.stages(x), soft=soft)

    def in_single_blocks(self, x: FixedType, family: Family) -> bool:
        """Whether each product has a DSP block of its own, and only one."""
        if self.signs or self.built_in_luts(x):
            return False
        return dsp_blocks(signed_width(x), signed_width(self.weight_type), family) == 1

    def bill_constants(self, bill: Bill) -> None:
        words = self.weight_words()
        rom(bill, words.reshape(len(words), -1), self.rom_type.width)

    def bill_biases(self, bill: Bill) -> None:
        biases = self.bias_words()
        if biases is not None and self.bias_type is not None:
            rom(bill, biases, self.bias_type.width)

    def tables(self) -> Mapping[str, Table]:
        words = self.weight_words()
        return self._tables(words.reshape(len(words), -1), self.bias_words())

    def _weights_read(self) -> Objects:
        """The weights, as they are read from the ROM: of a sign there is one bit, 1 for -1."""
        words: Objects = self.weight_words().astype(object)
        return 1 - 2 * words if self.signs else words

    def _product_width(self, x: FixedType) -> int:
        """Bits of a product of x and a weight."""
        if self.signs:
            return x.width + 1
        if self.built_in_luts(x):
            return soft_product(x, self.weight_type).width
        return signed_width(x) + signed_width(self.weight_type)

    def _bill_dot(self, bill: Bill, x: FixedType, terms: int, rows: int, *, shared: bool) -> bool:
        """hpq_dot, ``rows`` of them; True if the last register of each is inside a DSP block.

        shared: all rows see the same x, whose operand registers then exist once.
        """
        width, limit = self._product_width(x), self.accumulator_type.width
        copies = 1 if shared else rows
        operands = signed_width(x), 1 if self.signs else signed_width(self.weight_type)
        bill.multiply(*operands, terms * rows, in_luts=self.in_luts or self.signs)
        stages, every, gap = self.stages(x), self.every, self.gap
        earlier, later = max(stages - 3, 0), int(stages > 2)  # as hpq_dot has them, beyond the first of each
        more = terms * (earlier * (x.width * copies + rows * self.rom_type.width) + later * rows * width)
        if self.signs:
            bill.ff += terms * (x.width * copies + rows * (self.rom_type.width + width)) + more
            bill.add(Term.PRODUCT, terms * rows * sign_product(x.width))
        elif self.built_in_luts(x):
            product = soft_product(x, self.weight_type, stages)
            bill.ff += terms * (product.x_ff * copies + rows * product.ff)
            bill.add(Term.PRODUCT, terms * rows * product.lut)
        else:
            blocks = dsp_blocks(signed_width(x), signed_width(self.weight_type), bill.family)
            bill.dsp += terms * rows * blocks
            if blocks > 1:
                bill.add(Term.ADD2, terms * rows * width)
                bill.ff += terms * rows * width
            absorbed = blocks == 1 and bill.family.absorbs
            if not absorbed:
                bill.ff += more
            if blocks == 1 and not absorbed:
                bill.ff += terms * (x.width * copies + rows * (self.weight_type.width + width))
            tree(bill, terms, width, limit, terms if absorbed else 0, rows, every=every, gap=gap)
            return absorbed and terms <= 3
        tree(bill, terms, width, limit, 0, rows, every=every, gap=gap)
        return False

    def _bill_shifts(self, bill: Bill, terms: int, products: int) -> tuple[int, int]:
        """The ROM of shifts and what shifts the sums of ``terms`` products of so many bits.

        Returns the bits of the ROM's counter, and how many sums are shifted at all, be it by wires: no DSP
        block adds a shifted product to its accumulator.
        """
        words, kind = self.shift_words(), self.shift_type
        if words is None or kind is None:
            return 0, 0
        shifted = int(np.count_nonzero(words.any(axis=0)))
        if len(words) == 1:
            return 0, shifted
        rom(bill, words[:, :, None], kind.width)
        counter = count_bits(len(words))
        bill.ff += counter
        for column in words.T:
            bits = int(np.bitwise_or.reduce(column ^ column[0])).bit_count()
            width = min(products + count_bits(terms) + int(column.max()), self.accumulator_type.width)
            bill.add(Term.SELECT, width * math.ceil(bits / 2))  # a LUT selects among four
        return counter, shifted
