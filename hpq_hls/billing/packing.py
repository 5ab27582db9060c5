"""Several products in one multiplication: how numbers lie side by side in a factor, and why that is exact.

Rows of a matrix that are worked on at once multiply the same element x. Their weights are packed into one
factor, ``a = sum of w[j] << j * field``, and ``a * x`` has every product, ``field`` bits apart. Up to
COLUMNS of these are added up before they are taken apart, so that T[j], a sum of products of row j, is what
has to be found in ``S = sum of T[j] << j * field``.

Why it is exact. With ``overlap = sum_width - field`` and an offset O, 0 or 2**(sum_width - 1):

1. a and x fit the operands of the block, so that S is what the block makes.
2. U[j] = T[j] + O has 0 <= U[j] <= 2**sum_width - 2**overlap. Then no row borrows from the one above: with
   Q = S + the offsets, Q >> j * field = U[j] + e[j] + (rows above) << field, where e[j], what row j - 1 has
   above its field, is (U[j-1] + e[j-1]) >> field, e[0] = 0. By induction e[j] < 2**overlap: U[j-1] + e[j-1]
   is less than 2**sum_width.
3. overlap <= field, so that the rows above row j have no part in the lowest ``overlap`` bits of Q >> j *
   field: these, less those of U[j] that follow from the lowest bits of the factors, are e[j], modulo
   2**overlap.
4. 2**overlap divides O: the lowest bits of U[j] are those of T[j].

So U[j] = (e[j+1] << field) + (field bits of Q) - e[j]. Without an overlap that is wiring. The way to pack two
products is that of AMD's WP486, that to let them overlap that of FINN's ``mvu_4sx4u``; summing before taking
apart, and the offset instead of a correction for each row, make it cheaper in LUTs. ``hpq_packeddot`` builds
it.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import dsp_blocks, in_dsp, tree
from hpq_hls.billing.families import MULT18X18D, Operands
from hpq_hls.billing.products import signed_width
from hpq_hls.billing.stages import tree_registers
from hpq_hls.errors import ConfigError
from hpq_hls.fixed import FixedType

IntArray = npt.NDArray[np.int64]

COLUMNS = 4
"""Products that are added up before they are taken apart: as many as hpq_addtree adds between registers."""
MAX_OVERLAP = 3
"""Bits of a sum that are made in LUTs at most. The LUTs grow with their square; three are what four products
of 4 x 4 bits in a DSP48E2 need."""


@dataclass(frozen=True)
class Packing:
    """How products of several rows share a multiplication.

    rows: of a block. field: bits from one row to the next. sum_width: bits of the sum of ``columns``
    products of a row, with its offset. offset: whether 2**(sum_width - 1) is added to it; else no product is
    negative.
    """

    rows: int
    field: int
    sum_width: int
    offset: bool
    columns: int

    @property
    def overlap(self) -> int:
        """Bits of a sum that lie in the field of the row above."""
        return self.sum_width - self.field

    def factor_width(self, packed: FixedType, rows: int | None = None) -> int:
        """Bits of the factor of ``rows`` packed numbers, as a signed number."""
        return ((rows or self.rows) - 1) * self.field + packed.width + 1

    def blocks(self, rows: int) -> list[int]:
        """How ``rows`` rows are shared out among factors, the last of which may have fewer."""
        full, rest = divmod(rows, self.rows)
        return [self.rows] * full + ([rest] if rest else [])

    def holds(self, packed: FixedType, shared: FixedType, operands: Operands) -> bool:
        """Whether the four obligations of the proof are met for all numbers of two types."""
        lo, hi = _bounds(packed, shared, self.columns)
        offset = 1 << (self.sum_width - 1) if self.offset else 0
        step = 1 << max(self.overlap, 0)
        return (
            self.factor_width(packed) <= operands[0]
            and signed_width(shared) <= operands[1]
            and packed.width <= self.field
            and lo + offset >= 0
            and hi + offset <= (1 << self.sum_width) - step
            and 0 <= self.overlap <= self.field
            and offset % step == 0
        )


def _bounds(packed: FixedType, shared: FixedType, columns: int) -> tuple[int, int]:
    ends = [w * x for w in (packed.min_raw, packed.max_raw) for x in (shared.min_raw, shared.max_raw)]
    return columns * min(ends), columns * max(ends)


def most_overlap(operands: Operands) -> int:
    """Bits by which sums may overlap in a block; none on ECP5, where Yosys would put what makes them in LUTs
    in blocks too."""
    return 0 if operands == MULT18X18D else MAX_OVERLAP


def pack(packed: FixedType, shared: FixedType, rows: int, columns: int, operands: Operands) -> Packing:
    """``rows`` products in one block, the fields as far apart as they go.

    packed: the type of the numbers that lie side by side; shared: of the one that all are multiplied by.
    columns: how many such products are added up; at most COLUMNS before they are taken apart.

    Raises:
        ConfigError: that is not exact.
    """
    terms = min(columns, COLUMNS)
    widest = (operands[0] - packed.width - 1) // (rows - 1) if rows > 1 else operands[0]
    lo, hi = _bounds(packed, shared, terms)
    most = most_overlap(operands)
    least = max(hi.bit_length(), (~lo).bit_length()) + (lo < 0)
    for width in (least, least + 1):  # one more where an overlap takes away the room at the top
        found = Packing(rows, min(widest, width), width, lo < 0, terms)
        if found.holds(packed, shared, operands) and found.overlap <= most:
            return found
    raise ConfigError(
        f"{rows} products of {packed.width} by {shared.width} bits cannot be made exactly in one DSP block "
        f"of {operands[0]} x {operands[1]} bits; pack fewer, or narrower ones"
    )


@functools.lru_cache(maxsize=4096)
def find_packing(
    packed: FixedType, shared: FixedType, rows: int, columns: int, operands: Operands
) -> Packing | None:
    """The packing that takes the fewest blocks for ``rows`` rows, each with as few as possible of them, and
    with that the least overlap; None where no two products share a block. Arguments as of ``pack``."""
    for most in range(min(rows, operands[0] // packed.width), 1, -1):
        try:
            pack(packed, shared, most, columns, operands)
        except ConfigError:
            continue
        return pack(packed, shared, math.ceil(rows / math.ceil(rows / most)), columns, operands)
    return None


def pack_words(words: IntArray, kind: FixedType, packing: Packing) -> IntArray:
    """What the ROM holds of weights (..., rows, columns): the bits of the factor at each field.

    That is the weight, less one where what lies below it in the factor is negative, in as many bits; one less
    than the least weight looks like the largest, which ``unpack_words`` tells from what lies below.
    """
    packed = words.copy()
    below = np.zeros(words[..., 0, :].shape, dtype=bool)
    for row in range(words.shape[-2]):
        if row % packing.rows == 0:
            below[...] = False
        field = words[..., row, :] - below
        below = field < 0
        packed[..., row, :] = np.where(field < kind.min_raw, kind.max_raw, field)
    return packed


def unpack_words(packed: IntArray, kind: FixedType, packing: Packing) -> IntArray:
    """The weights that ``pack_words`` made ``packed`` of."""
    words = packed.copy()
    below = np.zeros(packed[..., 0, :].shape, dtype=bool)
    for row in range(packed.shape[-2]):
        if row % packing.rows == 0:
            below[...] = False
        field = packed[..., row, :]
        wrapped = below & (field == kind.max_raw) if kind.signed else np.zeros_like(below)
        words[..., row, :] = np.where(wrapped, kind.min_raw, field + below)
        below = (field < 0) | wrapped
    return words


def take_apart(sums: IntArray, low: IntArray, packing: Packing) -> IntArray:
    """The sums of the rows, as hpq_packeddot takes them out of packed ones.

    sums: (...), ``sum of T[j] << j * field``, modulo 2**64. low: (..., rows), the sums of the rows of which
    only the lowest ``overlap`` bits are looked at. Returns (..., rows).
    """
    field, width, overlap = packing.field, packing.sum_width, packing.overlap
    offset = 1 << (width - 1) if packing.offset else 0
    whole = sums + sum(offset << (row * field) for row in range(packing.rows))
    found = np.empty(low.shape, dtype=np.int64)
    carried = np.zeros_like(whole)
    for row in range(packing.rows - 1, -1, -1):
        here = whole >> (row * field)
        own = here & ((1 << width) - 1) if row == packing.rows - 1 else here & ((1 << field) - 1)
        upper = carried << field
        carried = (here - low[..., row]) & ((1 << overlap) - 1) if row else np.zeros_like(whole)
        found[..., row] = own + upper - carried - offset
    return found


@dataclass(frozen=True)
class Sharing:
    """What the products of a layer share DSP blocks by.

    operands: of a block. x: the type of the elements. always: whether products are in DSP blocks that would
    else be in LUTs, because they are too narrow.
    """

    operands: Operands
    x: FixedType
    always: bool = False

    def packing(self, weight: FixedType, rows: int, columns: int) -> Packing | None:
        """How products with weights of a type share blocks where ``rows`` rows work side by side on
        ``columns`` columns; None where they do not."""
        if not (self.always or _worth_a_block(weight, self.x)):
            return None
        return find_packing(weight, self.x, rows, columns, self.operands)


def _worth_a_block(weight: FixedType, x: FixedType) -> bool:
    widths = signed_width(weight), signed_width(x)
    if min(widths) <= ONE_ROW:
        return False
    return in_dsp(*widths) or min(weight.width, x.width) >= WORTH


ONE_ROW = 2
"""Bits of a signed factor that hpq_product takes apart in one row: no block is worth such a product."""
WORTH = 4
"""Products of operands of so many bits each are worth a DSP block that they share, even if none of their
own."""


def packed_dots(
    bill: Bill,
    packing: Packing,
    weight: FixedType,
    x: FixedType,
    rows: int,
    terms: int,
    stages: int = 2,
    every: int = 2,
    gap: int = 0,
) -> None:
    """hpq_packeddot up to its last trees: dot products of ``terms`` terms for the rows of a block.

    stages, every, gap: as of hpq_dot.

    What depends on x alone is not counted: see ``shared_elements``. LUTs are those of Yosys: what tells the
    signs in the factor, the lowest bits of the sums, and what is taken off where they overlap.
    """
    overlap, fields = packing.overlap, rows - 1
    width = fields * packing.field + packing.sum_width
    factor = packing.factor_width(weight, rows)
    bill.multiply(factor, signed_width(x), terms, in_luts=False, bound=True)
    bill.dsp += terms * dsp_blocks(factor, signed_width(x), bill.family)
    signs = fields if weight.signed else 0
    bill.add(Term.PRODUCT, terms * signs * math.ceil(weight.width / 5))
    if not bill.family.absorbs:
        product = min(factor + signed_width(x), width)
        bill.ff += terms * (rows * weight.width * (1 + max(stages - 3, 0)) + signs)
        bill.ff += terms * product * (2 if stages > 2 else 1)
    bill.ff += terms * fields * overlap
    groups = [COLUMNS] * (terms // COLUMNS) + ([terms % COLUMNS] if terms % COLUMNS else [])
    for columns in groups:
        waits = columns == 1 and len(groups) > 1  # for the sums of the other groups, in registers
        levels = (columns - 1).bit_length()
        on_way = (2 + gap) // every if len(groups) > 1 else tree_registers(columns, every)
        if waits:
            bill.ff += width * on_way
        inside = columns if bill.family.absorbs else 0
        due = len(groups) == 1 or on_way > 0  # a register behind the second level
        apart = every if len(groups) == 1 or every < 3 or not due else 2
        tree(bill, columns, width - levels, width, inside, every=apart, last=due)
        if overlap:
            bill.ff += fields * overlap * (1 + on_way + (stages > 2))
            low = columns * (overlap * (overlap + 1) // 2 + overlap) + 1
            bill.add(Term.PRODUCT, fields * low)
            bill.add(Term.ADD2, fields * (packing.sum_width - overlap))


def shared_elements(bill: Bill, packing: Packing, x: FixedType, terms: int) -> None:
    """The registers of the elements that all blocks read."""
    bill.ff += terms * (packing.overlap if bill.family.absorbs else x.width)
