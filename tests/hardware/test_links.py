"""What streams are in the RTL: FIFOs with places for what is under way, or wires."""

from __future__ import annotations

from dataclasses import replace

from hpq_hls.billing.memory import SRL_DEPTH
from hpq_hls.billing.parts import Family
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.cost.kernels import bill_stream
from hpq_hls.cost.stages import network_of
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.fixed import Epilogue
from hpq_hls.hardware import Dataflow, with_fifo_depths
from hpq_hls.hardware.dataflow import SHORTEST
from hpq_hls.kernels import Cast
from tests.rtl.cases import MATVECS, chain, matvec_flow, stream

TYPE = "ap_fixed<8,4>"


def casts(count: int, slopes: tuple[tuple[int, ...], ...] = ()) -> Dataflow:
    """Casts one behind the other; slopes: of the last."""
    streams = [stream(f"s{index}", TYPE, 2, 6) for index in range(count + 1)]
    ends = [Epilogue()] * (count - 1) + [Epilogue(slopes=slopes)]
    kernels = [
        Cast(f"k{index}", f"layer{index}", (f"s{index}",), (f"s{index + 1}",), epilogue)
        for index, epilogue in enumerate(ends)
    ]
    return chain("casts", kernels, streams)


def test_kernels_in_step_share_the_fifo_behind_the_last() -> None:
    links = casts(3).links
    assert [link.wire for link in links.values()] == [False, True, True, False]
    assert [link.latency for link in links.values()] == [0, 1, 2, 3]
    assert [link.places for link in links.values()] == [SHORTEST, 0, 0, 2 + 3]


def test_they_are_one_stage_and_lose_no_rate() -> None:
    flow = casts(3)
    (stage,) = network_of(flow).stages
    assert (stage.inputs, stage.outputs, stage.parameters) == ((0,), (3,), (3, 1, 1))
    assert len(network_of(flow, in_step=False).stages) == 3
    timing = time_dataflow(flow)
    assert timing.interval == 6
    apart = with_fifo_depths(flow, {"s1": 3, "s2": 3})
    assert not any(link.wire for link in apart.links.values())
    assert len(network_of(apart).stages) == 3
    assert time_dataflow(apart).interval == 6
    assert time_dataflow(apart).latency == timing.latency + 2  # a cycle in each FIFO


def test_a_wire_costs_nothing() -> None:
    flow = casts(2)
    assert bill_stream(flow.streams["s1"], flow.links["s1"], Family.SERIES_7).row.sum() == 0
    apart = with_fifo_depths(flow, {"s1": 3})
    assert bill_dataflow(flow, Family.SERIES_7).ff < bill_dataflow(apart, Family.SERIES_7).ff


def test_what_counts_beats_is_not_in_step() -> None:
    assert casts(2, slopes=((1,),)).links["s1"].wire
    assert not casts(2, slopes=((1,), (2,))).links["s1"].wire


def test_no_more_is_in_step_than_a_shift_register_holds() -> None:
    links = casts(SRL_DEPTH).links
    last = max(link.latency for link in links.values())
    assert last == SRL_DEPTH - 2
    assert max(link.places for link in links.values()) == SRL_DEPTH
    assert sum(not link.wire for link in links.values()) == 3


def test_results_far_apart_need_no_places_for_what_is_under_way() -> None:
    """Of a unit that takes many cycles for each; one that gives one in every cycle has them all under way."""
    for case in MATVECS:
        flow = matvec_flow("m", case)
        (kernel,) = flow.kernels
        link = flow.links[kernel.outputs[0]]
        assert link.latency == kernel.latency(flow.streams)
        group = kernel.contract(flow.streams).parameters[1]
        assert link.places == max(SHORTEST, -(-(link.latency + 2) // group))
        deeper = {name: replace(s, depth=s.depth + 5) for name, s in flow.streams.items()}
        assert time_dataflow(flow) == time_dataflow(replace(flow, streams=deeper))
