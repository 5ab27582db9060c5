"""Tables and clamps as hardware: every word, exact cycles, what they are built from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.billing.parts import Family
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.cost.estimate import bill_dataflow, luts_of
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.fixed import Epilogue, FixedType, Interval
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Cast, Lookup
from hpq_hls.kernels.table import addressed
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.pointwise import tabulated
from hpq_hls.verify.csim import run_selfcheck
from tests.codegen.flows import design, write
from tests.rtl.cases import chain, single, stream, table_flow
from tests.rtl.harness import Batch, Traffic
from tests.rtl.test_synthesis import _synthesize, write_projects


def function_flow(name: str, function: Expression, x: str, y: str, lanes: int = 1) -> Dataflow:
    """The table of a function over every code of ``x``."""
    given, made = FixedType.parse(x), FixedType.parse(y)
    codes = given.code_interval
    values = addressed(tabulated(function, given, codes, made), codes)
    return single(
        name,
        lambda **k: Lookup(values=values, type=made, content="a function", **k),
        stream("x", x, lanes, 8),
        stream("y", y, lanes, 8),
    )


def clamp_flow(name: str, x: str, y: str, low: int | None, high: int | None) -> Dataflow:
    epilogue = Epilogue(low, high)
    return single(name, lambda **k: Cast(epilogue=epilogue, **k), stream("x", x, 2, 8), stream("y", y, 2, 8))


FLOWS = (
    table_flow("signed_index", "ap_fixed<6,3>", "ap_fixed<7,3>", 6, lanes=3),
    table_flow("unsigned_index", "ap_ufixed<5,3>", "ap_ufixed<9,3>", 5),
    table_flow("part_of_a_code", "ap_ufixed<8,3>", "ap_fixed<4,3>", 5, lanes=2),
    table_flow("one_bit", "ap_ufixed<1,1>", "ap_fixed<5,3>", 1),
    function_flow("in_block_ram", ("tanh", "x"), "ap_fixed<11,3>", "ap_fixed<12,1,AP_RND,AP_SAT>", lanes=2),
    function_flow("mere_logic", ("sign", "x"), "ap_fixed<12,3>", "ap_fixed<2,2>"),
    clamp_flow("two_bounds", "ap_fixed<7,3>", "ap_fixed<6,2,AP_RND,AP_SAT>", -13, 22),
    clamp_flow("lower_bound", "ap_ufixed<7,3>", "ap_fixed<6,2,AP_TRN,AP_WRAP>", 13, None),
    clamp_flow("beyond", "ap_fixed<5,3>", "ap_fixed<9,5>", 40, 55),
    clamp_flow("below", "ap_fixed<5,3>", "ap_fixed<9,5>", None, -40),
)


def test_words_and_cycles(tmp_path: Path) -> None:
    batch = Batch(list(FLOWS), tmp_path)
    for flow, result in zip(batch.flows, batch.check(Traffic()), strict=True):
        timing = time_dataflow(flow)
        assert result.out_cycles[0, -1] - result.in_cycles[0, 0] == timing.latency, flow.name
    batch.check(Traffic(seed=4, valid=30, ready=30))


def test_cpp(tmp_path: Path) -> None:
    """A clamp, a table, another clamp and a wider table, in one design."""
    kinds = [
        "ap_fixed<7,3>",
        "ap_fixed<6,3,AP_RND,AP_SAT>",
        "ap_ufixed<8,4>",
        "ap_fixed<9,5>",
        "ap_fixed<5,1>",
    ]
    streams = [stream(f"s{number}", kind, 2, 6) for number, kind in enumerate(kinds)]
    rng = np.random.default_rng(0)
    flow = chain(
        "net",
        [
            Cast("net_a", "a", ("s0",), ("s1",), epilogue=Epilogue(-13, 40)),
            Lookup("net_b", "b", ("s1",), ("s2",), rng.integers(0, 256, 64), FixedType.parse(kinds[2])),
            Cast("net_c", "c", ("s2",), ("s3",), epilogue=Epilogue(None, 177)),
            Lookup("net_d", "d", ("s3",), ("s4",), rng.integers(-16, 16, 256), FixedType.parse(kinds[4])),
        ],
        streams,
    )
    made = design(flow, 6)
    check = run_selfcheck(write(VitisBackend(), made, tmp_path))
    assert check.message.startswith("PASS"), check.message
    whole = chain("net", list(flow.kernels), [replace(one, beats=1) for one in streams])
    made = design(whole, 6, io="parallel")
    check = run_selfcheck(write(VitisBackend(), made, tmp_path / "parallel"))
    assert check.message.startswith("PASS"), check.message


def test_where_words_stand() -> None:
    values = np.arange(100, 106)
    assert addressed(values, Interval(-2, 3)).tolist() == [102, 103, 104, 105, 100, 100, 100, 101]
    assert addressed(values, Interval(1, 6)).tolist() == [100, 100, 101, 102, 103, 104, 105, 105]


@pytest.mark.slow
def test_what_they_are_built_from(tmp_path: Path) -> None:
    """Block RAM where it is well filled, LUTs elsewhere, few where the table is mere logic; as estimated."""
    kinds = ("part_of_a_code", "in_block_ram", "mere_logic", "two_bounds")
    flows = [flow for flow in FLOWS if flow.name in kinds]
    flows += [
        function_flow("smooth", ("sigmoid", "x"), "ap_fixed<8,4>", "ap_ufixed<8,0,AP_RND,AP_SAT>"),
        function_flow(
            "bent", ("mul", "x", ("sigmoid", "x")), "ap_fixed<10,4>", "ap_fixed<6,4,AP_RND,AP_SAT>"
        ),
    ]
    write_projects(flows, tmp_path)
    cells = _synthesize(tmp_path, [flow.name for flow in flows])
    for flow in flows:
        found, bill = cells[flow.name], bill_dataflow(flow, Family.SERIES_7)
        luts = sum(
            count for cell, count in found.items() if cell.startswith(("LUT", "SRL", "RAM32", "RAM64"))
        )
        print(flow.name, luts, luts_of(bill), found["RAMB18E1"], bill.bram)
        assert found["RAMB18E1"] + 2 * found["RAMB36E1"] == bill.bram, flow.name
        assert abs(luts - luts_of(bill)) <= max(0.35 * luts, 14), flow.name
    logic = next(flow.kernels[0] for flow in flows if flow.name == "mere_logic")
    assert isinstance(logic, Lookup) and logic.style == "distributed"
