"""Products in LUTs: all pairs of short numbers, the ends and the middle of long ones, all short constants."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpq_hls.fixed import FixedType
from hpq_hls.resources import templates_dir
from tests.rtl.harness import BENCH, build_bench, render_bench

SHORT = 5
MAX_STAGES = 8
"""Registers of a product, at most: what bench/products.cpp waits for."""
MODULES = ("hpq_registers", "hpq_product", "hpq_addtree", "hpq_dot", "hpq_constproduct")


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

    @property
    def width(self) -> int:
        return self.x.width + self.bits + 1

    def expected(self, x: np.ndarray, _w: np.ndarray) -> np.ndarray:
        return self.x.from_raw(x, 0) * self.constant


def products() -> list[Product]:
    signs = list(itertools.product((True, False), repeat=2))
    sizes = [*itertools.product(range(1, SHORT + 1), repeat=2), (8, 8), (7, 6), (3, 12), (12, 3)]
    sizes += [(9, 16), (16, 11), (17, 18), (18, 18)]
    shapes = [(integer(x, s), integer(w, t)) for x, w in sizes for s, t in signs]
    return [Product(*shape, 2 + number % (MAX_STAGES - 1)) for number, shape in enumerate(shapes)]


def constants() -> list[Constant]:
    rng = np.random.default_rng(1)
    short = [(SHORT, 6, value) for value in range(-32, 32)]
    long = [
        (int(x), 12, int(c))
        for x, c in zip(rng.integers(1, 19, 20), rng.integers(-2048, 2048, 20), strict=True)
    ]
    ends = [(8, 12, -2048), (8, 12, 2047), (18, 2, -1), (1, 1, -1)]
    return [Constant(integer(x, s), *rest) for x, *rest in (*short, *long, *ends) for s in (True, False)]


def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Every pattern of the low bits of both, the ends of every width with each other, random words."""
    low = np.arange(1 << SHORT)
    ends = np.unique([sign * (1 << n) + d for n in range(18) for d in (-1, 0, 1) for sign in (1, -1)])
    words = np.random.default_rng(0).integers(0, 1 << 18, (2, 1500))
    grids = [np.stack(np.meshgrid(v, v)).reshape(2, -1) for v in (low, ends[::3])]
    x, w = np.concatenate([*grids, words], axis=1)
    return x, w


def test_every_product_is_exact(tmp_path: Path) -> None:
    variables, fixed = products(), constants()
    for module in MODULES:
        shutil.copy(templates_dir() / "rtl" / "lib" / f"{module}.sv", tmp_path)
    render_bench("products.sv.j2", tmp_path / "bench.sv", products=variables, constants=fixed)
    executable = build_bench(tmp_path, BENCH / "products.cpp", [f"{module}.sv" for module in MODULES])
    x, w = pairs()
    (tmp_path / "pairs").write_bytes(np.stack([x, w], axis=1).astype("<i4").tobytes())
    subprocess.run([executable, "pairs", "y"], cwd=tmp_path, check=True)
    y = np.fromfile(tmp_path / "y", dtype="<i8").reshape(len(x), -1)
    for number, case in enumerate((*variables, *fixed)):
        np.testing.assert_array_equal(y[:, number], case.expected(x, w), err_msg=str(case))
