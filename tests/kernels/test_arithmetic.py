"""The kernels that combine two streams and that reduce many elements: RTL and C++ against ``Kernel.run``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.billing.parts import Family
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.cost.engine import follow
from hpq_hls.cost.kernels import bill_kernel
from hpq_hls.cost.plain import follow as follow_plain
from hpq_hls.cost.stages import network_of
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Cast, Combination, Combine, Fork, Reduction, WidthConverter
from hpq_hls.verify.csim import run_selfcheck
from tests.codegen.flows import design, write
from tests.rtl.cases import OUT, chain, reduce_flow, stream
from tests.rtl.harness import Batch, Traffic


def combine_flow(
    name: str,
    operation: Combination,
    a: str,
    b: str,
    y: str = OUT,
    *,
    lanes: int = 2,
    beats: int = 6,
    relu: bool = False,
    in_luts: bool = False,
) -> Dataflow:
    """x is forked, cast to two types, and combined."""
    x = stream("x", "ap_fixed<9,4>", lanes, beats)
    streams = [x, *(stream(n, "ap_fixed<9,4>", lanes, beats) for n in ("p", "q"))]
    streams += [stream("a", a, lanes, beats), stream("b", b, lanes, beats), stream("y", y, lanes, beats)]
    kinds = [streams[3].type, streams[4].type]
    if operation is Combination.MUL:
        width = sum(kind.width + (not kind.signed) for kind in kinds)
        accumulator = FixedType(width, width - sum(kind.fraction for kind in kinds))
    else:
        integer = max(kind.integer + (not kind.signed) for kind in kinds) + 1
        accumulator = FixedType(integer + max(kind.fraction for kind in kinds), integer)
    names = ("net_unit", "net.3", ("a", "b"), ("y",))
    kernel = Combine(*names, operation, accumulator, Epilogue.relu(relu), in_luts=in_luts)
    return chain(
        name,
        [
            Fork("net_split", "net.0", ("x",), ("p", "q")),
            Cast("net_cast_a", "net.1", ("p",), ("a",), epilogue=Epilogue.relu(not kinds[0].signed)),
            Cast("net_cast_b", "net.2", ("q",), ("b",), epilogue=Epilogue()),
            kernel,
        ],
        streams,
    )


def combine_flows() -> list[Dataflow]:
    found = []
    for operation in Combination:
        for index, (a, b) in enumerate(
            [
                ("ap_fixed<8,4>", "ap_fixed<6,5>"),
                ("ap_ufixed<7,3,AP_RND,AP_SAT>", "ap_fixed<3,1>"),
                ("ap_ufixed<4,4>", "ap_ufixed<5,2,AP_TRN,AP_WRAP>"),
            ]
        ):
            found.append(combine_flow(f"{operation.value}_{index}", operation, a, b, relu=index == 1))
    wide = ("ap_fixed<9,4>", "ap_ufixed<8,4>", "ap_fixed<9,7,AP_RND,AP_SAT>")
    found.append(combine_flow("multiply_luts", Combination.MUL, *wide, in_luts=True))
    found.append(combine_flow("multiply_bit", Combination.MUL, "ap_ufixed<1,1>", "ap_fixed<9,4>", lanes=1))
    found.append(combine_flow("multiply_frame", Combination.MUL, *wide, lanes=5, beats=1))
    return found


def reduce_flows() -> list[Dataflow]:
    third, sixth = (43691, "ap_ufixed<16,-1>"), (43691, "ap_ufixed<16,-2>")
    eighth = (1, "ap_ufixed<1,-2>")
    found = [
        reduce_flow("mean_0", Reduction.SUM, "ap_fixed<6,3>", (1, 1, 2, 3, 4), constant=third),
        reduce_flow("mean_1", Reduction.SUM, "ap_ufixed<5,3>", (1, 3, 4, 2, 1), constant=sixth, relu=True),
        reduce_flow("mean_2", Reduction.SUM, "ap_fixed<6,3>", (1, 1, 3, 3, 2), constant=third, in_luts=True),
        reduce_flow("mean_3", Reduction.SUM, "ap_fixed<6,3>", (1, 2, 1, 4, 1), constant=eighth),
        reduce_flow("mean_4", Reduction.SUM, "ap_fixed<6,3>", (2, 3, 2, 1, 1), outer=1, constant=third),
        reduce_flow("sum_0", Reduction.SUM, "ap_fixed<4,2>", (1, 1, 1, 5, 1), "ap_fixed<7,5>", outer=3),
        reduce_flow(
            "sum_1", Reduction.SUM, "ap_ufixed<3,1>", (1, 1, 1, 2, 2), "ap_ufixed<4,2,AP_RND,AP_SAT>"
        ),
        reduce_flow("sum_2", Reduction.SUM, "ap_fixed<4,2>", (1, 1, 1, 2, 40), "ap_fixed<7,5>", outer=1),
    ]
    for index, mode in enumerate([Reduction.MAX, Reduction.MIN, Reduction.ARGMAX, Reduction.ARGMIN]):
        for number, (x, shape) in enumerate(
            [
                ("ap_fixed<3,2>", (1, 1, 1, 7, 1)),
                ("ap_ufixed<3,1>", (1, 1, 2, 3, 3)),
                ("ap_fixed<4,4>", (1, 3, 2, 2, 1)),
                ("ap_fixed<4,2>", (2, 3, 1, 1, 1)),
            ]
        ):
            found.append(reduce_flow(f"extreme_{index}{number}", mode, x, shape))
    return [*found, slow_reader("slow_1", 1), slow_reader("slow_3", 3)]


def slow_reader(name: str, chunks: int) -> Dataflow:
    """Results wait for a converter that hands them out one by one."""
    flow = reduce_flow("inner", Reduction.MAX, "ap_fixed<5,3>", (1, 1, 4, 2, chunks), outer=3)
    x, made = flow.streams["x"], stream("made", "ap_fixed<5,3>", 4, 3 * chunks)
    kernel = replace(flow.kernels[0], outputs=("made",))
    narrow = WidthConverter("net_narrow", "net.1", ("made",), ("y",))
    return chain(name, [kernel, narrow], [x, made, stream("y", "ap_fixed<5,3>", 1, 12 * chunks)])


@pytest.mark.slow
@pytest.mark.parametrize("flows", [combine_flows, reduce_flows])
def test_rtl(flows: Callable[[], list[Dataflow]], tmp_path: Path) -> None:
    batch = Batch(flows(), tmp_path)
    for flow, result in zip(batch.flows, batch.check(Traffic()), strict=True):
        assert len(np.unique(batch.expected[batch.flows.index(flow)])) > 1, "the case shows nothing"
        timing = time_dataflow(flow)
        assert timing.latency == result.out_cycles[0, -1] - result.in_cycles[0, 0], flow.name
        assert {timing.interval} == set(np.diff(result.out_cycles[:, -1])), flow.name
    traffic = [Traffic(seed=2, valid=50), Traffic(seed=3, ready=50), Traffic(seed=4, valid=30, ready=30)]
    for kind in [*traffic, Traffic(seed=5, valid=70, ready=70, reset_at=23)]:
        batch.check(kind)


@pytest.mark.slow
@pytest.mark.parametrize("index", [*range(0, 18, 4), 10, 17])
def test_combine_in_cpp(index: int, tmp_path: Path) -> None:
    _proves(combine_flows()[index], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, 1, 2, 4, 6, 9, 14, 18, 22, 23])
def test_reduce_in_cpp(index: int, tmp_path: Path) -> None:
    _proves(reduce_flows()[index], tmp_path)


def _proves(flow: Dataflow, folder: Path) -> None:
    made = design(flow, 4)
    assert len(np.unique(made.golden_frames)) > 1, "these test vectors prove nothing"
    check = run_selfcheck(write(VitisBackend(), made, folder))
    assert check.message.startswith("PASS"), check.message


def test_both_timing_models_agree() -> None:
    """Also where beats wait: FIFOs of two, and a reader that takes them one at a time."""
    for flow in reduce_flows():
        network = network_of(flow)
        for depth in (2, 7):
            depths = [depth] * len(flow.streams)
            assert follow(network, depths, frames=12).ends == follow_plain(network, depths, 0, 12)[0], (
                flow.name
            )


def test_products_leave_dsp_blocks() -> None:
    by_name = {flow.name: flow for flow in (*combine_flows(), *reduce_flows())}
    for name in ("multiply_0", "mean_0"):
        flow = by_name[name]
        kernel = flow.kernels[-1]
        assert bill_kernel(kernel, flow.streams, Family.SERIES_7).dsp > 0
        assert bill_kernel(kernel.in_fabric(), flow.streams, Family.SERIES_7).dsp == 0
