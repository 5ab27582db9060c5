"""hpq_cast against FixedType.from_raw: every rounding with every overflow mode, exact."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hpq_hls.fixed import Epilogue, FixedType, Overflow, Rounding
from hpq_hls.resources import templates_dir
from tests.rtl.harness import BENCH, build_bench, render_bench


@dataclass(frozen=True)
class Case:
    in_w: int
    shift: int
    out_w: int
    signed: bool
    rounding: Rounding
    overflow: Overflow
    epilogue: Epilogue
    half_added: bool = False

    @property
    def given_w(self) -> int:
        """Bits of what the cast is given: with half a unit in it, one more."""
        return self.in_w + self.half_added

    @property
    def clip_text(self) -> str:
        """As hpq_cast takes it."""
        mask = (1 << self.given_w) - 1
        flags = f"1'b{int(self.epilogue.high is not None)}, 1'b{int(self.epilogue.low is not None)}"
        bounds = [
            f"{self.given_w}'h{(bound or 0) & mask:x}" for bound in (self.epilogue.high, self.epilogue.low)
        ]
        return f"{{{flags}, {', '.join(bounds)}}}"

    def expected(self, x: np.ndarray) -> np.ndarray:
        """Of the low in_w bits of x, taken as a signed number."""
        raw = (x << (64 - self.in_w)) >> (64 - self.in_w)
        if self.epilogue.low is not None:
            raw = np.maximum(raw, self.epilogue.low)
        if self.epilogue.high is not None:
            raw = np.minimum(raw, self.epilogue.high)
        target = FixedType(self.out_w, self.out_w, self.signed, self.rounding, self.overflow)
        return target.from_raw(raw, self.shift)


SHAPES = (
    # input width, shift, output width: nothing, a bit, nearly all, all, and more than all is dropped
    (10, 0, 10), (10, 0, 6), (6, 0, 12), (10, 1, 5), (10, 3, 7), (10, 4, 3), (10, 8, 2), (10, 9, 1),
    (10, 10, 2), (10, 11, 1), (10, 12, 3), (10, 13, 1), (10, 40, 4),
    # zeros are appended
    (6, -1, 7), (6, -3, 4), (6, -3, 12), (3, -8, 5), (3, -50, 6),
    # single bits, and wide words
    (1, 0, 1), (1, 1, 1), (1, 2, 3), (2, 1, 1), (24, 9, 8), (40, 17, 16), (48, 20, 32),
    (64, 33, 12), (20, -7, 32),
)  # fmt: skip


def _clip(number: int, width: int) -> Epilogue:
    """A ReLU, bounds of either sign, or nothing."""
    most = (1 << (width - 1)) - 1
    some = [
        Epilogue.relu(),
        Epilogue(),
        Epilogue(-most // 3, most // 2),
        Epilogue(most // 4, None),
        Epilogue(None, -most // 5),
        Epilogue(),
    ]
    return some[number % 6]


def cases() -> list[Case]:
    every = itertools.product(SHAPES, (True, False), Rounding, Overflow)
    found = [
        Case(*shape, signed, rounding, overflow, _clip(number, shape[0]))
        for number, (shape, signed, rounding, overflow) in enumerate(every)
        if signed or overflow is not Overflow.WRAP_SM
    ]
    nearest = [
        case
        for case in found
        if case.rounding is Rounding.RND
        and case.overflow is not Overflow.WRAP_SM
        and 0 < case.shift < case.in_w
    ]
    return found + [
        replace(case, half_added=True, epilogue=_clip(number + turn, case.in_w))
        for turn in range(2)
        for number, case in enumerate(nearest)
    ]


MODULES = ("hpq_registers.sv", "hpq_cast.sv")


def numbers() -> np.ndarray:
    """Every pattern of the low 10 bits, powers of two and their neighbours, random words."""
    rng = np.random.default_rng(0)
    powers = np.int64(1) << np.arange(63, dtype=np.int64)
    near = np.concatenate([powers + d for d in (-1, 0, 1)])
    words = rng.integers(-(2**63), 2**63 - 1, 600)
    return np.concatenate([np.arange(1024), near, -near, words, words >> 17, words >> 39])


def test_every_mode_and_shape_equals_fixed_type(tmp_path: Path) -> None:
    todo = cases()
    assert len({(case.rounding, case.overflow) for case in todo}) == 35
    for module in MODULES:
        shutil.copy(templates_dir() / "rtl" / "lib" / module, tmp_path)
    render_bench("casts.sv.j2", tmp_path / "bench.sv", cases=todo)
    executable = build_bench(tmp_path, BENCH / "casts.cpp", list(MODULES))
    x = numbers()
    (tmp_path / "x").write_bytes(x.astype("<i8").tobytes())
    subprocess.run([executable, "x", "y"], cwd=tmp_path, check=True)
    y = np.fromfile(tmp_path / "y", dtype="<u4").reshape(len(x), len(todo)).astype(np.int64)
    for number, case in enumerate(todo):
        expected = case.expected(x) & ((1 << case.out_w) - 1)
        np.testing.assert_array_equal(y[:, number], expected, err_msg=str(case))
