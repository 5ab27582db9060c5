"""One tiny instance of every kernel, to look at what is generated for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hpq_hls.billing.parts import DSP48E2
from hpq_hls.fixed import Epilogue
from hpq_hls.hardware import Dataflow
from hpq_hls.hardware.dataflow import Terminal
from hpq_hls.kernels import Constant, Fork, Kernel, MatVec, Reduction, Reorder, Splice, Weld
from tests.rtl.cases import (
    OUT,
    Mac,
    Slide,
    adders_flow,
    cast_flow,
    chain,
    channelmac_flow,
    converter_flow,
    gather_flow,
    matvec_flow,
    packed_flow,
    pool_flow,
    reduce_flow,
    stream,
    sum_flow,
    table_flow,
    unrolled_flow,
    window_flow,
)

MAC = Mac(1, 2, 3, x="ap_fixed<4,2>", w="ap_fixed<3,1>", b="ap_fixed<5,2>", y="ap_ufixed<4,2,AP_RND,AP_SAT>")


def _shifted() -> Dataflow:
    """A folded layer with everything there is: shifts in a ROM, products in LUTs."""
    flow = matvec_flow("net", replace(MAC, rows=4, pe=2, relu=True))
    (kernel,) = flow.kernels
    assert isinstance(kernel, MatVec)
    return replace(flow, kernels=(replace(kernel, shift=np.array([[0, 1, 2, 0]]), in_luts=True),))


def _packed() -> Dataflow:
    """A folded layer whose products share DSP blocks: of five rows three, and two."""
    mac = replace(MAC, rows=5, pe=5, simd=3, x="ap_fixed<4,2>", w="ap_fixed<4,1>")
    return packed_flow(matvec_flow("net", mac), DSP48E2)


def _leaky() -> Dataflow:
    """A folded layer with a slope below zero for each row."""
    flow = matvec_flow("net", replace(MAC, rows=4, pe=2))
    (kernel,) = flow.kernels
    assert isinstance(kernel, MatVec)
    return replace(flow, kernels=(replace(kernel, epilogue=Epilogue(slopes=((1, 0), (4, -3)), fraction=2)),))


def _fork() -> Dataflow:
    return chain(
        "net",
        [Fork("net_unit", "net.0", ("x",), ("y", "z"))],
        [
            stream("x", "ap_fixed<4,2>", 2, 3),
            stream("y", "ap_fixed<4,2>", 2, 3),
            stream("z", "ap_fixed<4,2>", 2, 3),
        ],
    )


def _reorder() -> Dataflow:
    """Six elements, two at a time, from last to first."""
    index = np.arange(6)[::-1].copy()
    kernel = Reorder("net_unit", "net.0", ("x",), ("y",), index=index, **Reorder.structure(index, 2, 2, 3))
    return chain("net", [kernel], [stream("x", "ap_fixed<4,2>", 2, 3), stream("y", "ap_fixed<4,2>", 2, 3)])


def _joined(kernel: Kernel, lanes: int, beats: int) -> Dataflow:
    """Two streams of two elements in one, which has more bits after the point than one of them."""
    streams = [
        stream("a", "ap_fixed<4,2>", 1, 2),
        stream("b", "ap_fixed<5,2>", 1, 2),
        stream("y", "ap_fixed<5,2,AP_RND,AP_SAT>", lanes, beats),
    ]
    flow = chain("net", [kernel], [streams[0], streams[2]])
    given = tuple(Terminal(s.name, f"s_axis_{s.name}", s.name, (2,), np.arange(2)) for s in streams[:2])
    return replace(flow, inputs=given, streams={s.name: s for s in streams})


def _splice() -> Dataflow:
    runs = ((0, True, 1), (1, True, 2), (-1, True, 1), (0, False, 1))
    return _joined(Splice("net_unit", "net.0", ("a", "b"), ("y",), runs=runs, repeats=1, casts=True), 1, 4)


def _weld() -> Dataflow:
    return _joined(Weld("net_unit", "net.0", ("a", "b"), ("y",), index=np.array([1, 0])), 2, 2)


def _constant() -> Dataflow:
    """Three beats for the four that two inputs have."""
    values = np.array([[3], [-5], [0]])
    made = stream("y", "ap_fixed<5,2,AP_RND,AP_SAT>", 1, 3).type
    kernel = Constant("net_unit", "net.0", ("a", "b"), ("y",), values=values, type=made, given=(2, 2))
    return _joined(kernel, 1, 3)


FLOWS: Mapping[str, Dataflow] = {
    "matvec": matvec_flow("net", replace(MAC, simd=3)),
    "matvec_shifted": _shifted(),
    "matvec_leaky": _leaky(),
    "matvec_packed": _packed(),
    "channelmac": channelmac_flow("net", replace(MAC, groups=2, rows=1, pe=2)),
    "unrolled": unrolled_flow("net", MAC),
    "unrolled_adders": adders_flow("net", replace(MAC, rows=2, cols=2)),
    "window": window_flow("net", Slide(1, (4, 4), (2, 2), pad=(0, 1, 0, 1), text="ap_fixed<4,2>")),
    "pool": pool_flow("net", "ap_fixed<4,2>", 1, 4, 2),
    "pool_average": pool_flow("net", "ap_fixed<4,2>", 1, 3, 2, "ap_fixed<4,2,AP_RND>", 11, "ap_ufixed<5,0>"),
    "combine": sum_flow("net"),
    "constant": _constant(),
    "reduce": reduce_flow("net", Reduction.MAX, "ap_fixed<4,2>", (1, 1, 2, 3, 2)),
    "reduce_mean": reduce_flow(
        "net", Reduction.SUM, "ap_fixed<4,2>", (1, 1, 2, 3, 1), OUT, constant=(11, "ap_ufixed<5,0>")
    ),
    "cast": cast_flow("net", "ap_fixed<6,2>", "ap_ufixed<4,2,AP_RND_CONV,AP_SAT>", relu=True),
    "table": table_flow("net", "ap_fixed<4,2>", "ap_ufixed<3,1>", 3),
    "fork": _fork(),
    "gather": gather_flow("net", 3, [0, 2, -1, 1], -3),
    "reorder": _reorder(),
    "splice": _splice(),
    "weld": _weld(),
    "widthconverter": converter_flow("net", 1, 3),
}
"""By name: the kernel's kind, and what is special about it."""
