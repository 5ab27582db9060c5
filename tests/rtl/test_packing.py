"""Several products in a DSP block: all factors of the sizes that decide, in integers and in the RTL."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.billing.packing import (
    IntArray,
    Packing,
    find_packing,
    pack,
    pack_words,
    take_apart,
    unpack_words,
)
from hpq_hls.billing.parts import DSP48E1, DSP48E2, DSP58, Operands
from hpq_hls.billing.stages import tree_registers
from hpq_hls.errors import ConfigError
from hpq_hls.fixed import FixedType
from hpq_hls.resources import templates_dir
from hpq_hls.synth.yosys import run_script
from tests.rtl import harness
from tests.rtl.harness import BENCH, build_bench, render_bench

BLOCKS = {"DSP48E1": DSP48E1, "DSP48E2": DSP48E2, "DSP58": DSP58}
SIGNS = list(itertools.product((True, False), repeat=2))


def integer(width: int, signed: bool) -> FixedType:
    return FixedType(width, width, signed)


def codes(kind: FixedType) -> IntArray:
    return np.arange(kind.min_raw, kind.max_raw + 1)


def extremes(kind: FixedType, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    """Random numbers, half of them at the ends and around zero."""
    ends = np.clip([kind.min_raw, kind.min_raw + 1, -1, 0, 1, kind.max_raw], kind.min_raw, kind.max_raw)
    drawn = rng.integers(kind.min_raw, kind.max_raw + 1, shape)
    return np.where(rng.random(shape) < 0.5, rng.choice(ends, shape), drawn)


def through_the_block(words: IntArray, x: IntArray, kind: FixedType, packing: Packing) -> IntArray:
    """Sums (..., rows) of words (..., rows, columns) and x (..., columns), by one multiplication a column."""
    stored = pack_words(words, kind, packing)
    assert stored.min() >= kind.min_raw and stored.max() <= kind.max_raw  # it has the width of a weight
    assert (unpack_words(stored, kind, packing) == words).all()
    places = np.arange(packing.rows)[:, None] * packing.field
    factor = (words << places).sum(axis=-2)
    low = (words * x[..., None, :]).sum(axis=-1) & ((1 << packing.overlap) - 1)
    return take_apart((factor * x).sum(axis=-1), low, packing)


@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("block", BLOCKS)
def test_all_pairs_of_weights_of_8_bits_with_all_elements(block: str, signs: tuple[bool, bool]) -> None:
    kind, x = integer(8, signs[0]), integer(8, signs[1])
    packing = pack(kind, x, 2, 1, BLOCKS[block])
    pairs = np.stack(np.meshgrid(codes(kind), codes(kind)), axis=-1).reshape(-1, 2, 1)
    for element in codes(x):
        found = through_the_block(pairs, np.full((len(pairs), 1), element), kind, packing)
        np.testing.assert_array_equal(found, pairs[..., 0] * element)


@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize(("block", "rows"), [("DSP48E1", 3), ("DSP48E2", 4), ("DSP58", 4)])
def test_all_tuples_of_weights_of_4_bits_with_all_elements(
    block: str, rows: int, signs: tuple[bool, bool]
) -> None:
    kind, x = integer(4, signs[0]), integer(4, signs[1])
    packing = pack(kind, x, rows, 1, BLOCKS[block])
    tuples = np.stack(np.meshgrid(*[codes(kind)] * rows), axis=-1).reshape(-1, rows, 1)
    for element in codes(x):
        found = through_the_block(tuples, np.full((len(tuples), 1), element), kind, packing)
        np.testing.assert_array_equal(found, tuples[..., 0] * element)


@pytest.mark.parametrize("block", BLOCKS)
def test_sums_of_all_widths_are_exact(block: str) -> None:
    rng = np.random.default_rng(5)
    sizes = itertools.product(range(1, 14), range(1, 19), SIGNS, (1, 2, 3, 4), (2, 3, 5, 8))
    packed = 0
    for width, x_width, signs, columns, rows in sizes:
        kind, x = integer(width, signs[0]), integer(x_width, signs[1])
        packing = find_packing(kind, x, rows, columns, BLOCKS[block])
        if packing is None:
            continue
        assert packing.holds(kind, x, BLOCKS[block])
        words = extremes(kind, (50, packing.rows, columns), rng)
        elements = extremes(x, (50, columns), rng)
        found = through_the_block(words, elements, kind, packing)
        np.testing.assert_array_equal(found, (words * elements[:, None, :]).sum(axis=-1))
        packed += 1
    assert packed > 1000


def test_an_obligation_that_is_not_met_is_seen() -> None:
    kind = integer(8, True)
    found = pack(kind, kind, 2, 4, DSP48E2)
    assert found.holds(kind, kind, DSP48E2)
    assert not found.holds(kind, kind, DSP48E1)  # the factor does not fit
    assert not found.holds(kind, integer(19, True), DSP48E2)
    short = Packing(2, found.field, found.sum_width - 1, True, found.columns)
    assert not short.holds(kind, kind, DSP48E2)
    assert not Packing(2, 18, 18, False, 4).holds(kind, kind, DSP48E2)


@pytest.mark.parametrize(
    ("block", "width", "rows"),
    [
        ("DSP48E1", 8, 2),
        ("DSP48E2", 8, 2),
        ("DSP58", 8, 2),
        ("DSP48E1", 4, 3),
        ("DSP48E2", 4, 4),
        ("DSP58", 4, 4),
    ],
)
def test_as_many_products_as_a_block_takes(block: str, width: int, rows: int) -> None:
    kind = integer(width, True)
    for columns in (1, 4, 64):
        found = find_packing(kind, integer(width, False), 2 * 3 * 4, columns, BLOCKS[block])
        assert found is not None
        assert found.rows == rows if columns >= 4 else found.rows >= rows
        assert sum(found.blocks(24)) == 24


def test_rows_are_shared_out_evenly() -> None:
    """Two blocks of three rows overlap less than one of four and one of two."""
    kind = integer(4, True)
    found = find_packing(kind, kind, 6, 4, DSP48E2)
    assert found is not None
    assert (found.blocks(6), found.overlap) == ([3, 3], 0)


def test_too_many_products_are_refused() -> None:
    kind = integer(8, True)
    with pytest.raises(ConfigError) as caught:
        pack(kind, kind, 3, 4, DSP48E2)
    assert str(caught.value) == (
        "3 products of 8 by 8 bits cannot be made exactly in one DSP block of 27 x 18 bits; pack fewer, or "
        "narrower ones"
    )
    assert find_packing(integer(14, True), integer(14, True), 8, 1, DSP48E2) is None


@dataclass(frozen=True)
class Case:
    w: FixedType
    x: FixedType
    packing: Packing
    columns: int
    stages: int = 2
    every: int = 2
    gap: int = 0

    @property
    def latency(self) -> int:
        return self.stages + tree_registers(self.columns, self.every, self.gap)


def case(w: FixedType, x: FixedType, rows: int, columns: int, operands: Operands) -> Case:
    return Case(w, x, pack(w, x, rows, columns, operands), columns)


def cases() -> list[Case]:
    """The sizes that decide with all signs; overlaps of all widths; one to sixteen columns."""
    found = []
    for signs in SIGNS:
        wide, narrow = (integer(8, s) for s in signs), (integer(4, s) for s in signs)
        w8, x8 = wide
        w4, x4 = narrow
        found += [case(w8, x8, 2, columns, DSP48E2) for columns in (1, 4)]
        found += [case(w8, x8, 2, columns, DSP48E1) for columns in (1, 3)]
        found += [case(w4, x4, 4, columns, DSP48E2) for columns in (1, 2, 4)]
        found += [case(w4, x4, 3, 5, DSP48E1), case(w4, x8, 3, 4, DSP48E2)]
        found += [case(integer(2, signs[0]), integer(3, signs[1]), 2, 16, DSP48E2)]
    found += [case(integer(1, False), integer(5, True), 4, 9, DSP48E2)]
    found += [case(integer(5, True), integer(16, True), 2, 3, DSP48E2)]
    return found


def paced() -> list[Case]:
    """With other registers, where sums of rows overlap and where they do not."""
    wide, narrow = integer(8, True), integer(4, True)
    sizes = [(wide, wide, 2, DSP48E2), (narrow, narrow, 4, DSP48E2), (narrow, narrow, 3, DSP48E1)]
    sizes += [(integer(1, False), integer(3, True), 4, DSP48E1)]
    paces = ((3, 1, 0), (5, 1, 0), (4, 3, 0), (2, 4, 0), (2, 2, 1), (3, 3, 2), (2, 4, 1), (2, 4, 4))
    shapes = itertools.product(sizes, (1, 2, 3, 4, 5, 9, 16), paces)
    return [
        replace(case(w, x, rows, columns, block), stages=stages, every=every, gap=gap)
        for (w, x, rows, block), columns, (stages, every, gap) in shapes
        if columns * max(rows * w.width, x.width) <= 64
    ]


def side_by_side(values: IntArray, width: int) -> IntArray:
    """(vectors, elements) as words of 64 bits, element 0 lowest."""
    bits = (values & ((1 << width) - 1)).astype(np.uint64)
    places = (np.arange(values.shape[1]) * width).astype(np.uint64)
    return np.bitwise_or.reduce(bits << places, axis=1)


def vectors(given: Case, count: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Words (count, rows, columns) and elements (count, columns). In the first column a row at a time meets
    all pairs of a weight and an element, as far as they go; all else is random or extreme."""
    words = extremes(given.w, (count, given.packing.rows, given.columns), rng)
    x = extremes(given.x, (count, given.columns), rng)
    pairs = np.stack(np.meshgrid(codes(given.w), codes(given.x)), axis=-1).reshape(-1, 2)
    for row in range(given.packing.rows):
        start = row * len(pairs)
        stop = min(start + len(pairs), count)
        if start < stop:
            words[start:stop, row, 0], x[start:stop, 0] = pairs[: stop - start].T
    return words, x


def write_sources(folder: Path, built: list[Case]) -> list[str]:
    """The modules and the bench around them; returns the modules' files."""
    files = ["hpq_packeddot.sv", "hpq_addtree.sv", "hpq_registers.sv"]
    for name in files:
        shutil.copy(templates_dir() / "rtl" / "lib" / name, folder)
    render_bench("packed.sv.j2", folder / "bench.sv", cases=built)
    return files


def check(executable: Path, folder: Path, built: list[Case], count: int) -> None:
    """Every sum that the bench makes of ``count`` vectors."""
    rng = np.random.default_rng(3)
    given = [vectors(one, count, rng) for one in built]
    xs = [side_by_side(x, one.x.width) for one, (_, x) in zip(built, given, strict=True)]
    ws = [
        side_by_side(pack_words(words, one.w, one.packing).reshape(count, -1), one.w.width)
        for one, (words, _) in zip(built, given, strict=True)
    ]
    (folder / "vectors").write_bytes(np.stack([*xs, *ws], axis=1).astype("<u8").tobytes())
    subprocess.run([executable, "vectors", "y"], cwd=folder, check=True)
    y = np.fromfile(folder / "y", dtype="<i4").reshape(count, len(built), 8)
    for number, (one, (words, x)) in enumerate(zip(built, given, strict=True)):
        expected = (words * x[:, None, :]).sum(axis=-1)[: count - one.latency]
        found = y[one.latency :, number, : one.packing.rows]
        np.testing.assert_array_equal(found, expected, err_msg=str(one))


@pytest.mark.parametrize(
    ("made", "count"),
    # All pairs of 8 bits in each row of a block; with other registers the products are no others.
    [(cases, 1 << 17), (paced, 1 << 13)],
    ids=["sizes", "registers"],
)
def test_rtl_takes_every_sum_apart(made: Callable[[], list[Case]], count: int, tmp_path: Path) -> None:
    built = made()
    files = write_sources(tmp_path, built)
    check(build_bench(tmp_path, BENCH / "packed.cpp", files), tmp_path, built, count)


@pytest.mark.slow
def test_mapped_blocks_compute_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Yosys puts into DSP48E1 blocks (operand registers, the offset, sums of two) is what was meant: its
    netlist, with its own models of the cells, gives the same sums."""
    wide, narrow = integer(8, True), integer(4, True)
    sizes = ((wide, integer(8, True), 2, 4), (wide, integer(8, False), 2, 1), (narrow, narrow, 3, 4))
    built = [case(*size, DSP48E1) for size in sizes]
    files = write_sources(tmp_path, built)
    script = [
        f"read_verilog -sv {' '.join(files)} bench.sv",
        "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top bench",
        f"select -assert-count {sum(one.columns for one in built)} t:*DSP48E1",
        "techmap -autoproc -map +/xilinx/cells_sim.v",
        "opt_clean",
        "write_verilog -noattr netlist.v",
    ]
    run_script("\n".join(script), tmp_path, "yosys, packed products", print)
    (tmp_path / "netlist.v").rename(tmp_path / "bench.sv")
    monkeypatch.setattr(harness, "LINT", ["-Wno-lint", "-Wno-style", "-Wno-UNOPTFLAT"])
    check(build_bench(tmp_path, BENCH / "packed.cpp", []), tmp_path, built, 1 << 15)
