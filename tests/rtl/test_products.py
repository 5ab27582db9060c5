"""Products in LUTs: all pairs of short numbers, the ends and the middle of long ones, all short constants."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpq_hls.billing.products import constant_levels
from hpq_hls.fixed import FixedType
from hpq_hls.resources import templates_dir
from tests.rtl.harness import BENCH, build_bench, render_bench

SHORT = 5
MAX_STAGES = 8
"""Registers of a product, at most: what bench/products.cpp waits for."""
MODULES = ("hpq_registers", "hpq_product", "hpq_addtree", "hpq_dot", "hpq_constproduct", "hpq_constdot")


def integer(width: int, signed: bool) -> FixedType:
    return FixedType(width, width, signed)


@dataclass(frozen=True)
class Product:
    x: FixedType
    w: FixedType
    stages: int = 2

    @property
    def width(self) -> int:
        return self.x.width + self.w.width + 1

    def expected(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        return self.x.from_raw(x, 0) * self.w.from_raw(w, 0)


@dataclass(frozen=True)
class Constant:
    x: FixedType
    bits: int
    constant: int
    every: int = 1

    @property
    def width(self) -> int:
        return self.x.width + self.bits + 1

    @property
    def stages(self) -> int:
        """0 for the combinational ones, else as many as the tree needs or one more."""
        return -(-constant_levels([self.constant]) // self.every) + self.constant % 2 if self.every else 0

    def expected(self, x: np.ndarray, _w: np.ndarray) -> np.ndarray:
        return self.x.from_raw(x, 0) * self.constant


@dataclass(frozen=True)
class Dot:
    """Four elements, bits of both numbers, by four constants."""

    x: FixedType
    w: FixedType
    weights: tuple[int, ...]
    digits: int
    stages: int
    every: int

    @property
    def width(self) -> int:
        return self.x.width + self.w.width + 4

    @property
    def packed(self) -> int:
        """WEIGHTS."""
        mask = (1 << self.w.width) - 1
        return sum((value & mask) << at * self.w.width for at, value in enumerate(self.weights))

    def expected(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        given = [self.x.from_raw(part, 0) for part in (x, w, x >> 2, w >> 2)]
        return sum(part * weight for part, weight in zip(given, self.weights, strict=True))


def products() -> list[Product]:
    signs = list(itertools.product((True, False), repeat=2))
    sizes = [*itertools.product(range(1, SHORT + 1), repeat=2), (8, 8), (7, 6), (3, 12), (12, 3)]
    sizes += [(9, 16), (16, 11), (17, 18), (18, 18)]
    shapes = [(integer(x, s), integer(w, t)) for x, w in sizes for s, t in signs]
    return [Product(*shape, 2 + number % (MAX_STAGES - 1)) for number, shape in enumerate(shapes)]


def constants() -> list[Constant]:
    rng = np.random.default_rng(1)
    short = [(SHORT, 6, value, value // 2 % 4) for value in range(1, 64)]
    long = [
        (int(x), 12, int(c), int(c) // 2 % 4)
        for x, c in zip(rng.integers(1, 19, 20), rng.integers(1, 4096, 20), strict=True)
    ]
    ends = [(8, 12, 2048, 0), (8, 12, 4095, 1), (18, 2, 1, 1), (1, 1, 1, 0), (9, 12, 0b101010101011, 2)]
    return [Constant(integer(x, s), *rest) for x, *rest in (*short, *long, *ends) for s in (True, False)]


def dots() -> list[Dot]:
    """All digits in LUTs, some, powers of two alone; with and without something to subtract from."""
    rng = np.random.default_rng(2)
    found = []
    for number in range(48):
        x, w = (integer(int(rng.integers(2, 9)), bool(rng.integers(2))) for _ in range(2))
        weights = rng.integers(w.min_raw, w.max_raw, 4, endpoint=True)
        weights = np.where(rng.integers(3, size=4) == 0, 0, weights)
        if w.signed and number % 4 == 0:
            weights = np.maximum(-np.abs(weights), w.min_raw)
        digits, every = (1, 2, w.width)[number % 3], 1 + number % 2
        levels = constant_levels(np.abs(weights).tolist(), digits)
        stages = max(-(-levels // every), 1) + number // 2 % 2
        found.append(Dot(x, w, tuple(weights.tolist()), digits, stages, every))
    return found


def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Every pattern of the low bits of both, the ends of every width with each other, random words."""
    low = np.arange(1 << SHORT)
    ends = np.unique([sign * (1 << n) + d for n in range(18) for d in (-1, 0, 1) for sign in (1, -1)])
    words = np.random.default_rng(0).integers(0, 1 << 18, (2, 1500))
    grids = [np.stack(np.meshgrid(v, v)).reshape(2, -1) for v in (low, ends[::3])]
    x, w = np.concatenate([*grids, words], axis=1)
    return x, w


def test_every_product_is_exact(tmp_path: Path) -> None:
    variables, fixed, sums = products(), constants(), dots()
    for module in MODULES:
        shutil.copy(templates_dir() / "rtl" / "lib" / f"{module}.sv", tmp_path)
    render_bench("products.sv.j2", tmp_path / "bench.sv", products=variables, constants=fixed, dots=sums)
    executable = build_bench(tmp_path, BENCH / "products.cpp", [f"{module}.sv" for module in MODULES])
    x, w = pairs()
    (tmp_path / "pairs").write_bytes(np.stack([x, w], axis=1).astype("<i4").tobytes())
    subprocess.run([executable, "pairs", "y"], cwd=tmp_path, check=True)
    y = np.fromfile(tmp_path / "y", dtype="<i8").reshape(len(x), -1)
    for number, case in enumerate((*variables, *fixed, *sums)):
        np.testing.assert_array_equal(y[:, number], case.expected(x, w), err_msg=str(case))
