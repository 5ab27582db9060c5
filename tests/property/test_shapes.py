"""Networks of shape operators: numpy = g++ = Verilator on every word, timing to the cycle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import hpq_hls as hpq
from hpq_hls.cost.design import build_design
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.graph import Graph
from hpq_hls.hardware import Dataflow, HardwareConfig, Io
from hpq_hls.hardware.order import places
from hpq_hls.kernels import Reorder, Splice, Weld
from tests.rtl.harness import Batch, Traffic
from tests.shapes import TORCH, shape_network, torch_network

SEEDS = range(300, 304)
NAMES = ["mixer", "unet", "ct1d"]
MOST = 300
"""Multipliers of a design in io parallel; Verilator takes long to build more."""
TARGETS = [None, 40, 100]


def _quantized(graph: Graph, seed: int) -> hpq.QuantizedGraph:
    rng = np.random.default_rng(seed)
    widths = {"default": {"weight": int(rng.integers(2, 9)), "activation": int(rng.integers(1, 13))}}
    return hpq.quantize(graph, rng.normal(size=(8, *graph.input_shape)), widths)


def _networks() -> list[hpq.QuantizedGraph]:
    graphs = [shape_network(seed) for seed in SEEDS]
    for name in NAMES:
        net, shape = torch_network(name)
        graphs.append(hpq.from_torch(net, torch.zeros(2, *shape)))
    return [_quantized(graph, seed) for seed, graph in enumerate(graphs)]


def _flows(networks: list[hpq.QuantizedGraph]) -> list[tuple[hpq.QuantizedGraph, Dataflow]]:
    """Each network in io stream, every fourth one in io parallel too."""
    found = []
    for index, q in enumerate(networks):
        config = HardwareConfig(target_interval=TARGETS[index % len(TARGETS)])
        found.append((q, build_design(q, config)))
        if index % 4 == 0:
            unrolled = build_design(q, HardwareConfig(io=Io.PARALLEL))
            if sum(kernel.multipliers for kernel in unrolled.kernels) < MOST:
                found.append((q, unrolled))
    return [(q, replace(flow, name=f"d{index}")) for index, (q, flow) in enumerate(found)]


def _predicted(q: hpq.QuantizedGraph, flow: Dataflow, frames: np.ndarray) -> np.ndarray:
    """What the simulator makes of frames at the input port, as frames at the output port."""
    (given,), (left,) = flow.inputs, flow.outputs
    raw = frames.reshape(len(frames), -1)[:, places(given.order)].reshape(len(frames), *q.input_shape)
    made = q.predict_raw(q.input_type.to_float(raw)).reshape(len(frames), -1)[:, left.order]
    sink = flow.streams[flow.output]
    return made.reshape(len(frames), sink.beats, sink.lanes)


def test_rtl_equals_simulator_and_timing_is_exact(tmp_path: Path) -> None:
    designs = _flows(_networks())
    batch = Batch([flow for _, flow in designs], tmp_path, frames=4)
    for traffic in (Traffic(), Traffic(seed=5, valid=60, ready=60)):
        results = zip(designs, batch.inputs, batch.run(traffic), batch.expected, strict=True)
        for (q, flow), frames, result, modelled in results:
            story = (flow.name, [f"{layer.kind} {layer.name}" for layer in q.layers.values()])
            expected = _predicted(q, flow, frames)
            np.testing.assert_array_equal(result.frames, expected, err_msg=str(story))
            np.testing.assert_array_equal(modelled, expected, err_msg=str(story))
            if traffic.valid == traffic.ready == 100:
                timing, ends = time_dataflow(flow), result.out_cycles[:, -1]
                assert timing.latency == ends[0] - result.in_cycles[0, 0], story
                assert timing.interval == ends[-1] - ends[-2], story
    used = {type(kernel) for _, flow in designs for kernel in flow.kernels}
    assert used >= {Reorder, Splice, Weld}


@pytest.mark.parametrize(
    ("seed", "io"), [(300, "stream"), (305, "parallel"), (308, "stream"), (308, "parallel")]
)
def test_cpp_equals_simulator(tmp_path: Path, seed: int, io: str) -> None:
    q = _quantized(shape_network(seed), seed)
    x = np.random.default_rng(seed).normal(size=(3, *q.input_shape))
    project = hpq.generate(q, tmp_path / "hls", backend="vitis", io=io, oversize=True)
    np.testing.assert_array_equal(project.csim(x), q.predict_raw(x))
    q.save(tmp_path / "q.hpq")
    np.testing.assert_array_equal(hpq.load(tmp_path / "q.hpq").predict_raw(x), q.predict_raw(x))


@pytest.mark.parametrize("name", TORCH)
def test_torch_networks(name: str) -> None:
    net, shape = torch_network(name)
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    graph = hpq.from_torch(net, x)
    expected = net(x).detach().numpy()
    np.testing.assert_allclose(graph.predict(x.numpy()), expected, atol=1e-5)
    close = hpq.quantize(graph, x.numpy(), 20).predict(x.numpy())
    assert np.abs(close - expected).max() < 1e-3 * np.abs(expected).max()
