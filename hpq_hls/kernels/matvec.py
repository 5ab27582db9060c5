"""The matrix-vector unit folded by PE x SIMD (hpq_matvec)."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import finished, result_bits, tree, unread_bits
from hpq_hls.billing.counters import count_bits, wrapping_counter
from hpq_hls.billing.memories import ram, rom, rom_slice
from hpq_hls.billing.memory import memory_style, slice_bits, slice_count
from hpq_hls.billing.packing import (
    COLUMNS,
    Packing,
    most_overlap,
    pack_words,
    packed_dots,
    shared_elements,
    unpack_words,
)
from hpq_hls.billing.parts import Family
from hpq_hls.billing.remembered import Remembered
from hpq_hls.billing.stages import (
    PACKED_LEVELS,
    gap_between,
    product_stages,
    product_time,
    tree_registers,
)
from hpq_hls.fixed import FixedType
from hpq_hls.kernels.base import Frame, IntArray, Stream, Streams
from hpq_hls.kernels.contract import Contract, pipeline
from hpq_hls.kernels.meaning import Objects
from hpq_hls.kernels.nature import Sums
from hpq_hls.kernels.weighted import FromRom, Matrix, by_fold, by_type

LOADS_OF_DIGIT = 22
"""That a bit of a weight is to hpq_product: it is in two digits, each of which makes a row of 11 LUTs, for
elements of 8 bits."""

_DOTS: Remembered[bool] = Remembered(4096)


@dataclass(frozen=True, eq=False)
class MatVec(FromRom, Matrix):
    """Matrix-vector unit folded by PE x SIMD, weights in a ROM.

    For each of ``vectors`` vectors of a frame, for each of G groups:
    ``y[g, m] = cast(epilogue(bias[g, m] + (sum_k weight[g, m, k] * x[g, k] << shift[g, m])))``.
    weight: (G, M, K) integers of ``weight_type``, columns already in stream order.
    bias: (G, M) integers of ``bias_type``, or None; shift: (G, M), or None.
    Input beats carry ``simd`` elements (simd divides K), order (vector, g, k); the vector of a
    group is kept in a buffer and reused for every fold of rows. Output beats carry ``pe`` elements
    (pe divides M), order (vector, g, m). Cycles: vectors * G * (M / pe) * (K / simd).
    ROM word of step (g, nf, sf): weight[g, nf * pe + p, sf * simd + s] at bits
    ``(p * simd + s) * rom_type.width``, as ``in_rom`` says.
    """

    kind: ClassVar[str] = "matvec"
    header: ClassVar[str] = "matvec"
    accumulates: ClassVar[bool] = True

    vectors: int
    pe: int
    simd: int

    @property
    def neuron_folds(self) -> int:
        """Row folds per group, M / pe."""
        return self.rows // self.pe

    @property
    def synapse_folds(self) -> int:
        """Column folds, K / simd."""
        return self.cols // self.simd

    @property
    def multipliers(self) -> int:
        return self.pe * self.simd

    @functools.cached_property
    def packing(self) -> Packing | None:
        """How the products of the rows that are worked on at once share DSP blocks; None where they do
        not."""
        if self.sharing is None or self.signs or self.in_luts:
            return None
        return self.sharing.packing(self.weight_type, self.pe, self.simd)

    @property
    def layout(self) -> object:
        return None if self.packing is None else self.packing.rows

    @property
    def weight_content(self) -> str:
        if self.packing is None:
            return super().weight_content
        return f"{super().weight_content}, less 1 where those below in the factor are negative"

    def built_in_luts(self, x: FixedType) -> bool:
        shared = self.packing is not None and 1 not in self.packing.blocks(self.pe)
        return not shared and super().built_in_luts(x)

    def remarks(self, streams: Streams) -> Sequence[str]:
        if self.packing is None:
            return super().remarks(streams)
        return (f"Products of {self.packing.rows} rows share a DSP block.",)

    def cycles(self, streams: Streams) -> int:
        return self.vectors * self.groups * self.neuron_folds * self.synapse_folds

    def weight_words(self) -> IntArray:
        """The ROM in order: (G * M/pe * K/simd, pe, simd) integers."""
        folded = self.weight.reshape(self.groups, self.neuron_folds, self.pe, self.synapse_folds, self.simd)
        words = self.in_rom(folded.transpose(0, 1, 3, 2, 4).reshape(-1, self.pe, self.simd))
        return words if self.packing is None else pack_words(words, self.rom_type, self.packing)

    def _weights_read(self) -> Objects:
        if self.packing is None:
            return super()._weights_read()
        words: Objects = unpack_words(self.weight_words(), self.rom_type, self.packing).astype(object)
        return words

    def bias_words(self) -> IntArray | None:
        """The bias ROM in order: (G * M/pe, pe) integers."""
        return None if self.bias is None else self.bias.reshape(-1, self.pe)

    def shift_words(self) -> IntArray | None:
        """The shifts in order: (G * M/pe, pe), or (1, pe) where each row of multipliers has one shift."""
        return by_fold(self.shift, self.pe)

    @property
    def folding(self) -> tuple[int, int]:
        return self.pe, self.simd

    @property
    def terms(self) -> int:
        return self.simd

    @property
    def first_read(self) -> tuple[bool, int]:
        depth = self.groups * self.neuron_folds * self.synapse_folds
        blocks = memory_style(depth, self.pe * self.simd * self.rom_type.width) == "block"
        return blocks, 1 if self.neuron_folds > 1 and self.synapse_folds > 1 else 0  # beat or buffer

    @by_type
    def stages(self, x: FixedType) -> int:
        """Those in DSP blocks that rows share are as many as those of a row alone, in LUTs or not."""
        shared = 0 if self.packing is None else product_stages(self.pace, x, self.weight_type, soft=False)
        return max(super().stages(x), shared)

    def latency(self, streams: Streams) -> int:
        """Accumulator and result are two registers more."""
        given, made = self.ends(streams)
        return self.arrival(given.type) + 2 + self.ending(made.type).inside

    @functools.cached_property
    def gap(self) -> int:
        """Where sums overlap, and where there are as many registers as if they did only with a gap, so that
        latency is the same for all widths. A unit of one row alone never shares blocks."""
        if self.sharing is None or self.pe == 1 or not most_overlap(self.sharing.operands):
            return 0
        every, width = self.every, 0 if self.packing is None else self.packing.sum_width
        gap = gap_between(self.pace, every, width)
        longer = tree_registers(self.simd, every, gap) > tree_registers(self.simd, every)
        return gap if longer or self._taken_apart else 0

    @property
    def _taken_apart(self) -> int:
        """Picoseconds in which packed sums that overlap are taken apart."""
        packing = self.packing
        if packing is None or packing.overlap <= 0:
            return 0
        return self.pace.delays.adder(packing.sum_width)

    def critical(self, streams: Streams) -> int:
        own = super().critical(streams)
        if self.packing is None:
            return own
        delays, given = self.pace.delays, self.ends(streams)[0].type
        shared = product_time(delays, given, self.weight_type, self.stages(given), soft=False)
        apart = self._taken_apart
        return max(own, shared, apart + self._time_around if apart else 0)

    @property
    def _time_around(self) -> int:
        """Picoseconds of what is in the same stage as the taking apart."""
        level = self.pace.delays.adder(self.accumulator_type.width)
        if self.simd <= COLUMNS:  # behind the last register of the tree
            return self._shift_time + (0 if self.shift_register else self.bias_time)
        place = PACKED_LEVELS + self.gap
        before = PACKED_LEVELS if place < self.every else 0
        behind = (math.ceil(self.simd / COLUMNS) - 1).bit_length()
        return (before + min(behind, self.every - place % self.every)) * level

    def contract(self, streams: Streams) -> Contract:
        return pipeline(self.latency(streams), self.synapse_folds, self.neuron_folds)

    @functools.cached_property
    def rom_slice(self) -> int:
        """Bits of a word of weights that hang on one copy of its address."""
        words = self.weight_words()
        loads = LOADS_OF_DIGIT if self.packing is None else 1
        return rom_slice(words.reshape(len(words), -1), self.rom_type.width, loads)

    @property
    def row_slice(self) -> int:
        """Rows whose accumulators hang on one copy of what they are told."""
        return min(max(slice_bits() // self.accumulator_type.width, 1), self.pe)

    def bill_constants(self, bill: Bill) -> None:
        words = self.weight_words()
        rom(bill, words.reshape(len(words), -1), self.rom_type.width, self.rom_slice)

    def bill(self, bill: Bill, streams: Streams) -> None:
        given, made = self.ends(streams)
        steps, rows, folds = self.synapse_folds, self.neuron_folds, self.groups * self.neuron_folds
        counts = [steps, rows, folds * steps]
        counters = sum(map(count_bits, counts))
        latency = self.arrival(given.type)
        bill.add(Term.MATVEC, 1)
        bill.ff += counters + (latency if steps > 1 or self.bias is not None else 0)  # valid_at
        if steps > 1:  # first_at and last_at: shift registers
            bill.ff += 2 * (math.ceil(self.pe / self.row_slice) - 1)  # copies of the last of valid and first
            bill.ff += 3 if latency == 3 else 1
            bill.add(Term.MEMORY, 1 if latency == 3 else 2)
        accumulator = self.accumulator_type
        if self.bias is not None:
            bill.ff += count_bits(folds)
            counts.append(folds)
        product = self._product_width(given.type)
        shift_counter, shifted = self._bill_shifts(bill, self.simd, product)
        bill.add(Term.COUNTER, sum(map(wrapping_counter, counts)) + shift_counter)
        bill.ff += given.bits * (1 + self.read_register)  # the beat that comes in
        if folds * steps == 1:
            bill.ff -= self._beat_in_blocks(given, bill.family)
        if self.shift_register:
            bill.ff += self.pe * accumulator.width
        slices = slice_count(given.bits)
        if slices > 1 and rows > 1:  # enables and addresses of their own
            own = slices * (1 + count_bits(steps))
            bill.ff += own
            bill.add(Term.COUNTER, own)
        if rows > 1 and steps > 1:
            ram(bill, steps, given.bits)
            bill.ff += slices
            bill.add(Term.SELECT, given.bits)
        inside = self._bill_dots(bill, given.type)
        # A single product is accumulated in its DSP block, unless it is shifted before.
        outside = shifted if inside and self.simd == 1 else self.pe
        if steps > 1:
            bill.add(Term.ACCUMULATE, outside * accumulator.width)
        elif self.bias is not None:
            bill.add(Term.BIAS, outside * accumulator.width)
        unread = unread_bits(accumulator, made.type, self.epilogue) if steps == 1 else 0
        bill.ff += outside * (accumulator.width - unread)
        bill.ff += self.pe * result_bits(accumulator, made.type, self.epilogue)
        stages = self.ending(made.type)
        finished(bill, accumulator, made.type, self.epilogue, self.pe, in_luts=self.in_luts, stages=stages)

    def _beat_in_blocks(self, given: Stream, family: Family) -> int:
        """Bits of the beat that comes in whose register is in DSP blocks: the other factor is constant."""
        packing = self.packing
        if not family.absorbs or not self.in_single_blocks(given.type, family):
            return 0
        return given.bits - (0 if packing is None else max(packing.overlap, 0) * self.simd)

    def _bill_dots(self, bill: Bill, x: FixedType) -> bool:
        """All dot products; True if the last register of each is inside a DSP block."""
        made_of = self.weight_type, self.signs, self.in_luts, self.built_in_luts(x), self.packing
        paced = self.stages(x), self.every, self.gap
        key = x, *made_of, self.accumulator_type.width, self.pe, self.simd, *paced
        return _DOTS.take(bill, key, lambda part: self._bill_each_dot(part, x))

    def _bill_each_dot(self, bill: Bill, x: FixedType) -> bool:
        packing, terms, limit = self.packing, self.simd, self.accumulator_type.width
        if packing is None:
            return self._bill_dot(bill, x, terms, self.pe, shared=True)
        shared_elements(bill, packing, x, terms)
        for rows in packing.blocks(self.pe):
            if rows == 1:
                self._bill_dot(bill, x, terms, 1, shared=True)  # its x registers too: few, if any
                continue
            pace = self.stages(x), self.every, self.gap
            packed_dots(bill, packing, self.weight_type, x, rows, terms, *pace)
            width = packing.sum_width + (0 if packing.offset else 1)
            groups = math.ceil(terms / COLUMNS)
            tree(bill, groups, width, limit, 0, rows, every=self.every, before=PACKED_LEVELS, gap=self.gap)
        return False

    def summary(self, streams: Streams) -> str:
        return self._described(
            f"{self.groups} x {self.rows}x{self.cols} matrix, vectors: {self.vectors}, "
            f"PE {self.pe}, SIMD {self.simd}"
        )

    def exact_sums(self, streams: Streams) -> Sums:
        columns = np.arange(self.groups * self.cols).reshape(self.groups, self.cols)
        return self._sums(
            self.ends(streams)[0].type, self.vectors, columns, self.weight, self.bias, self.shift
        )

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        """Folded exactly as the ROM is laid out."""
        words, made = self._weights_read(), streams[self.outputs[0]]
        biases, shifts = self.bias_words(), self.shift_words()
        vectors = frames[0].reshape(self.vectors, self.groups, self.synapse_folds, self.simd).astype(object)
        result: list[IntArray] = []
        for vector in vectors:
            for g in range(self.groups):
                for nf in range(self.neuron_folds):
                    fold = g * self.neuron_folds + nf
                    word = words[fold * self.synapse_folds : (fold + 1) * self.synapse_folds]
                    terms = (word * vector[g][:, None, :]).transpose(1, 0, 2).reshape(self.pe, -1)
                    bias = None if biases is None else biases[fold]
                    shift = None if shifts is None else shifts[fold % len(shifts)]
                    result.append(self._summed(terms, bias, shift, streams, self.pe * len(result)))
        return [np.asarray(result, dtype=np.int64).reshape(made.beats, made.lanes)]
