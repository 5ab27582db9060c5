"""Slopes below zero in every kernel that casts: RTL and C++ against ``Kernel.run``, it against fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.billing.parts import Family
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.cost.kernels import bill_kernel
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.fixed import Epilogue, FixedType, Interval
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Combination, Reduction
from hpq_hls.verify.csim import run_selfcheck
from tests.codegen.flows import design, write
from tests.kernels.test_arithmetic import combine_flow
from tests.rtl.cases import (
    Mac,
    adders_flow,
    cast_flow,
    channelmac_flow,
    matvec_flow,
    pool_flow,
    reduce_flow,
    unrolled_flow,
)
from tests.rtl.harness import Batch, Traffic

KIND = "ap_fixed<7,4,AP_RND,AP_SAT>"
WRAPS = "ap_fixed<6,3,AP_RND_INF,AP_WRAP>"
UNSIGNED = "ap_ufixed<6,3,AP_TRN,AP_SAT>"


def leaky(flow: Dataflow, slopes: Sequence[Sequence[int]], fraction: int, *, luts: bool = False) -> Dataflow:
    """The last kernel of a flow with slopes in place of what it has."""
    *others, kernel = flow.kernels
    changes = {"in_luts": True} if luts else {}
    epilogue = Epilogue(slopes=tuple(map(tuple, slopes)), fraction=fraction)
    return replace(flow, kernels=(*others, replace(kernel, epilogue=epilogue, **changes)))


def drawn(seed: int, words: int, lanes: int, fraction: int) -> list[list[int]]:
    """Slopes of both signs, some above 1; one is 0, one is 1."""
    rng = np.random.default_rng(seed)
    found = rng.integers(-(2 << fraction), 2 << fraction, (words, lanes))
    found.reshape(-1)[rng.permutation(found.size)[:2]] = [0, 1 << fraction][: found.size]
    return found.tolist()


def flows() -> list[Dataflow]:
    folded = Mac(1, 6, 4, x="ap_fixed<5,3>", b="ap_fixed<6,3>", y=KIND, pe=2, simd=2, vectors=2)
    grouped = Mac(4, 1, 3, x="ap_fixed<5,3>", b="ap_fixed<6,3>", y=WRAPS, pe=2, vectors=3)
    whole = Mac(1, 3, 4, x="ap_fixed<5,3>", b="ap_fixed<6,3>", y=KIND, pe=2, vectors=4)
    third, average = (43691, "ap_ufixed<16,-1>"), "ap_fixed<6,4,AP_RND_CONV,AP_SAT>"
    mean, two = (Reduction.SUM, "ap_fixed<6,3>"), Combination
    return [
        leaky(matvec_flow("matvec_all", folded), [[1]], 3),
        leaky(matvec_flow("matvec_rows", folded), drawn(1, 3, 2, 4), 4),
        leaky(matvec_flow("matvec_frame", replace(folded, y=WRAPS)), drawn(2, 6, 2, 2), 2),
        leaky(matvec_flow("matvec_luts", folded), drawn(3, 3, 2, 5), 5, luts=True),
        leaky(matvec_flow("matvec_one", replace(folded, pe=6, y=UNSIGNED)), drawn(4, 1, 6, 3), 3),
        leaky(matvec_flow("matvec_fast", replace(folded, pe=1, simd=4)), drawn(5, 6, 1, 9), 9),
        leaky(channelmac_flow("mac_chunks", grouped), drawn(6, 2, 2, 4), 4),
        leaky(channelmac_flow("mac_all", replace(grouped, pe=4)), [[-3]], 2),
        leaky(unrolled_flow("unrolled_rows", whole), [[5, -9, 0] * 2], 3),
        leaky(unrolled_flow("unrolled_beats", whole), drawn(7, 4, 6, 6), 6),
        leaky(unrolled_flow("unrolled_luts", replace(whole, vectors=1)), [[13]], 4, luts=True),
        leaky(adders_flow("adders_rows", whole), [[5, -9, 0] * 2], 3),
        leaky(adders_flow("adders_beats", whole), drawn(8, 2, 6, 4), 4),
        leaky(adders_flow("adders_luts", replace(whole, vectors=1)), [[13]], 4, luts=True),
        leaky(pool_flow("average_all", "ap_fixed<6,4>", 1, 4, 2, average, 1, "ap_ufixed<1,-1>"), [[77]], 8),
        leaky(
            pool_flow("average_beats", "ap_fixed<6,4>", 2, 6, 3, average, 341, "ap_ufixed<9,-2>"),
            drawn(9, 5, 6, 3), 3,
        ),
        leaky(reduce_flow("mean_all", *mean, (1, 1, 2, 3, 4), constant=third), [[3]], 1),
        leaky(reduce_flow("mean_chunks", *mean, (1, 1, 2, 3, 4), constant=third), drawn(10, 4, 2, 5), 5),
        leaky(reduce_flow("mean_frame", *mean, (2, 3, 2, 1, 1), constant=third), drawn(11, 2, 4, 2), 2),
        leaky(reduce_flow("sum_steps", mean[0], "ap_fixed<4,2>", (1, 1, 1, 5, 1), KIND, outer=3), [[-1]], 0),
        leaky(combine_flow("add", two.ADD, "ap_fixed<8,4>", "ap_fixed<6,5>"), drawn(12, 3, 2, 3), 3),
        leaky(combine_flow("multiply", two.MUL, "ap_fixed<8,4>", "ap_fixed<6,5>"), drawn(13, 6, 2, 3), 3),
        leaky(combine_flow("larger", two.MAX, "ap_fixed<8,4>", "ap_fixed<6,5>", KIND, beats=1), [[1]], 6),
        leaky(cast_flow("cast_all", "ap_fixed<8,3>", "ap_fixed<8,3,AP_RND,AP_SAT>", False), [[5]], 4),
        leaky(cast_flow("cast_beats", "ap_fixed<8,3>", WRAPS, False), drawn(14, 8, 3, 2), 2),
        leaky(cast_flow("cast_lane", "ap_fixed<6,3>", UNSIGNED, False, lanes=1), [[-5], [2]], 1),
    ]  # fmt: skip


@pytest.mark.slow
def test_rtl(tmp_path: Path) -> None:
    batch = Batch(flows(), tmp_path)
    for flow, result in zip(batch.flows, batch.check(Traffic()), strict=True):
        assert len(np.unique(batch.expected[batch.flows.index(flow)])) > 1, "the case shows nothing"
        timing = time_dataflow(flow)
        assert timing.latency == result.out_cycles[0, -1] - result.in_cycles[0, 0], flow.name
        assert {timing.interval} == set(np.diff(result.out_cycles[:, -1])), flow.name
    traffic = [Traffic(seed=2, valid=50), Traffic(seed=3, ready=50), Traffic(seed=4, valid=30, ready=30)]
    for kind in [*traffic, Traffic(seed=5, valid=70, ready=70, reset_at=23), Traffic(seed=6, reset_at=57)]:
        batch.check(kind)


@pytest.mark.slow
@pytest.mark.parametrize("index", [1, 2, 6, 9, 12, 13, 15, 17, 21, 22, 24])
def test_cpp(index: int, tmp_path: Path) -> None:
    made = design(flows()[index], 4)
    assert len(np.unique(made.golden_frames)) > 1, "these test vectors prove nothing"
    check = run_selfcheck(write(VitisBackend(), made, tmp_path))
    assert check.message.startswith("PASS"), check.message


def test_meaning() -> None:
    """A beat after the other, each element by itself in fractions."""
    flow = next(flow for flow in flows() if flow.name == "cast_beats")
    (kernel,), x, y = flow.kernels, flow.streams["x"], flow.streams["y"]
    given = np.random.default_rng(0).integers(-128, 128, (x.beats, x.lanes))
    (found,) = kernel.run([given], flow.streams)
    slopes = kernel.epilogue.slopes  # type: ignore[attr-defined]
    for beat in range(x.beats):
        for lane in range(x.lanes):
            value = Fraction(int(given[beat, lane]), 2**x.type.fraction)
            if value < 0:
                value *= Fraction(slopes[beat % len(slopes)][lane], 4)
            raw = y.type.from_raw(int(value * 2**40), 40)
            assert found[beat, lane] == raw


def test_products_leave_dsp_blocks() -> None:
    """A wide product of a slope is a DSP block's, or, where the layer asks for it, LUTs'."""
    wide = Mac(1, 4, 2, x="ap_fixed<12,3>", w="ap_fixed<9,1>", b="ap_fixed<12,3>", pe=2)
    flow = leaky(matvec_flow("wide", wide), [[1321]], 12)
    plain = matvec_flow("wide", wide)
    bills = [bill_kernel(f.kernels[0], f.streams, Family.SERIES_7) for f in (plain, flow)]
    assert bills[1].dsp - bills[0].dsp == 2
    assert bill_kernel(flow.kernels[0].in_fabric(), flow.streams, Family.SERIES_7).dsp == 0


@pytest.mark.parametrize("seed", range(40))
def test_constants_of_drawn_slopes(seed: int) -> None:
    """Near, of few bits, and of as few as hold them where those suffice."""
    rng = np.random.default_rng(seed)
    width, slopes = int(rng.integers(1, 33)), rng.normal(0, 10.0 ** rng.integers(-4, 3), rng.integers(1, 9))
    found = Epilogue.leaky(slopes, width)
    values = found.words[:, 0] * 2.0**-found.fraction
    largest = np.abs(slopes).max()
    assert np.abs(values - slopes).max() <= largest * 2.0 ** -min(width + 2, 17)
    bits = int(np.abs(found.words).max()).bit_length()
    assert bits <= min(width + 2, 17) + 1 or found.fraction == 0
    assert found.fraction == 0 or (found.words & 1).any()
    short = np.round(slopes / largest * 4) / 4
    exact = Epilogue.leaky(short, width)
    assert exact.fraction <= 2
    if exact.slopes:
        np.testing.assert_array_equal(
            np.broadcast_to(exact.words[:, 0] * 2.0**-exact.fraction, short.shape), short
        )


@pytest.mark.parametrize("seed", range(60))
def test_type_holds_every_result(seed: int) -> None:
    """``made`` and ``interval`` are as narrow as the numbers that come out."""
    rng = np.random.default_rng(seed)
    width, fraction = int(rng.integers(2, 9)), int(rng.integers(0, 5))
    slopes = tuple((int(m),) for m in rng.integers(-40, 41, rng.integers(1, 4)))
    epilogue, kind = Epilogue(slopes=slopes, fraction=fraction), FixedType(width, width - 3)
    codes = np.arange(kind.min_raw, kind.max_raw + 1)
    found = np.concatenate([epilogue.apply(codes, np.full(codes.shape, m)) for (m,) in slopes])
    assert epilogue.interval(kind.interval) == Interval.of(found)
    made = epilogue.made(kind)
    assert made.fraction == kind.fraction + fraction
    assert Interval.of(found) in made.interval
    low, high = sorted(rng.integers(kind.min_raw, kind.max_raw + 1, 2).tolist())
    part = np.concatenate([epilogue.apply(np.arange(low, high + 1), np.array(m)) for (m,) in slopes])
    assert epilogue.interval(Interval(low, high)) == Interval.of(part)
    wide = codes.astype(object) * 2**70
    assert epilogue.apply(wide, np.array(slopes[0][0])).tolist() == [
        int(v) * (slopes[0][0] if v < 0 else 1 << fraction) for v in wide
    ]


def test_nothing_and_relu() -> None:
    assert Epilogue.leaky(np.array([0.0, 0.0]), 8) == Epilogue.relu()
    assert Epilogue.leaky(np.array([1.0]), 8) == Epilogue()
    assert Epilogue.leaky(np.array([0.125]), 8) == Epilogue(slopes=((1,),), fraction=3)
    with pytest.raises(ValueError, match="not both"):
        Epilogue(0, None, slopes=((1,),))
