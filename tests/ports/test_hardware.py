"""Several inputs and outputs in hardware: every word of both backends, and cycles exact to one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import build_design, engine, plain, time_dataflow
from hpq_hls.cost.ledger import Ledger
from hpq_hls.cost.stages import UNBOUNDED, network_of
from hpq_hls.errors import DataError
from hpq_hls.hardware import HardwareConfig, Io
from hpq_hls.hardware.naming import port_names
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.verify.cosim import SCENARIOS
from tests.ports.networks import SHAPES, heads, random_graph, samples

PART = "xcvu9p-flga2104-2-i"


@pytest.fixture(scope="module")
def q() -> QuantizedGraph:
    graph = hpq.from_torch(heads(), {name: torch.zeros(1, *shape) for name, shape in SHAPES.items()})
    return hpq.quantize(graph, samples(30), 5)


def random_network(seed: int) -> QuantizedGraph:
    graph = random_graph(seed)
    x = samples(10, seed, dict(graph.inputs))
    return hpq.quantize(graph, x, int(np.random.default_rng(seed).integers(2, 9)))


def same(found: object, right: object) -> bool:
    """Whether outputs, one or several, are equal word by word."""
    if isinstance(right, dict):
        assert isinstance(found, dict) and list(found) == list(right)
        return all(np.array_equal(found[name], right[name]) for name in right)
    return np.array_equal(found, right)  # type: ignore[arg-type]


def test_names_of_ports() -> None:
    assert port_names("s_axis", ["x"]) == {"x": "s_axis"}
    names = ["image", "input", "a.b", "a_b", "A_B", "3d", "/"]
    assert list(port_names("s_axis", names).values()) == [
        f"s_axis_{name}" for name in ("image", "input", "a_b", "a_b_1", "A_B_2", "3d", "n")
    ]


def test_ports_and_files(q: QuantizedGraph, tmp_path: Path) -> None:
    project = hpq.generate(q, tmp_path / "p", "vitis", part=PART)
    manifest = json.loads((tmp_path / "p" / "design.json").read_text())
    assert [port["port"] for port in manifest["inputs"]] == ["s_axis_image", "s_axis_mask"]
    assert [port["port"] for port in manifest["outputs"]] == ["m_axis_class", "m_axis_map", "m_axis_trunk"]
    assert [tuple(port["shape"]) for port in manifest["outputs"]] == [(3,), (2, 2, 2), (3, 4, 4)]
    data = sorted(path.name for path in (tmp_path / "p" / "tb").glob("*.dat"))
    assert data == [
        f"{n}.dat" for n in ("golden_class", "golden_map", "golden_trunk", "input_image", "input_mask")
    ]
    for file in ("run_hls.tcl", "hls_config.cfg", "Makefile", "README.md"):
        text = (tmp_path / "p" / file).read_text()
        assert all(f"tb/{name}" in text for name in data), file
    with pytest.raises(DataError, match="give a mapping by name"):
        project.csim(samples(2)["image"])


@pytest.mark.parametrize(("backend", "io"), [("vitis", "stream"), ("vivado", "parallel")])
def test_cpp(q: QuantizedGraph, backend: str, io: str, tmp_path: Path) -> None:
    """Every word; and the emitted testbench finds one that is wrong."""
    project = hpq.generate(q, tmp_path / "p", backend, io=io, part=PART)
    x = samples(7, seed=3)
    check = project.selfcheck()
    assert check.passed and check.words == 64 * (3 + 8 + 48)
    assert same(project.csim(x), q.predict_raw(x))
    golden = tmp_path / "p" / "tb" / "golden_map.dat"
    words = golden.read_text().split("\n")
    words[0] = " ".join(str(int(word) ^ 1) for word in words[0].split())
    golden.write_text("\n".join(words))
    check = project.selfcheck()
    assert not check.passed and check.message.startswith("FAIL: m_axis_map: frame 0 beat 0 lane 0: expected")


@pytest.mark.parametrize("io", ["stream", "parallel"])
def test_rtl(q: QuantizedGraph, io: str, tmp_path: Path) -> None:
    """Every scenario; what is estimated is what is measured."""
    project = hpq.generate(q, tmp_path / "p", "rtl", io=io, part=PART)
    x = samples(12, seed=4)
    found = project.cosim(x, scenarios=SCENARIOS)
    assert found.passed, found.failures
    assert same(found.raw, q.predict_raw(x))
    timing = time_dataflow(project.dataflow)
    assert (found.latency_cycles, found.interval_cycles) == (timing.latency, timing.interval)
    report = hpq.estimate(q, io=io, part=PART)
    assert (report.latency_cycles, report.interval_cycles) == (timing.latency, timing.interval)
    if io == "stream":
        again = project.cosim(x, rtl_dir=tmp_path / "p" / "rtl", scenarios=("random_gaps",), seed=5)
        assert again.passed and same(again.raw, found.raw)


@pytest.mark.parametrize("seed", [3, 7])
def test_random_rtl(seed: int, tmp_path: Path) -> None:
    q = random_network(seed)
    project = hpq.generate(q, tmp_path / "p", "rtl", part=PART)
    x = samples(8, seed + 1, dict(q.input_shapes))
    found = project.cosim(x, scenarios=("back_to_back", "random_gaps", "reset_mid_stream"))
    assert found.passed, found.failures
    assert same(found.raw, q.predict_raw(x))
    timing = time_dataflow(project.dataflow)
    assert (found.latency_cycles, found.interval_cycles) == (timing.latency, timing.interval)


def test_six_packets_show_the_interval_of_a_design_with_branches(tmp_path: Path) -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.BatchNorm1d(12)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            scaled = self.scale(x)
            return torch.cat([x, scaled], 1), torch.minimum(x, torch.minimum(scaled * x, x))

    x = np.random.default_rng(0).normal(size=(6, 12))
    q = hpq.quantize(hpq.from_torch(Branches().eval(), torch.zeros(1, 12)), x, 4)
    project = hpq.generate(q, tmp_path / "p", "rtl", target_interval=1000)
    found = project.cosim(x)
    assert found.passed and same(found.raw, q.predict_raw(x))
    assert found.words_compared == 6 * (24 + 12)
    assert found.interval_cycles == time_dataflow(project.dataflow).interval == 24


@pytest.mark.parametrize("seed", range(20, 32))
def test_timing_of_random_networks(seed: int) -> None:
    """The compiled actors do what the plain ones do, with the FIFOs of the design, with endless ones, with
    some that hang, and paced."""
    q = random_network(seed)
    flow = build_design(q, HardwareConfig(io=Io.PARALLEL if seed % 3 == 0 else Io.STREAM, part=PART))
    network = network_of(flow)
    assert engine.is_compiled()
    sized = [stream.depth for stream in flow.streams.values()]
    for depths, pace in ((sized, 0), ([UNBOUNDED] * len(sized), 0), ([2] * len(sized), 0), (sized, 50)):
        ends, fills, period = plain.follow(network, depths, pace, 24)
        fast = engine.follow(network, depths, pace=pace, fills=True, frames=24)
        assert fast.ends == ends
        assert ends is None or (fast.fills, fast.period) == (fills, period)


def test_the_ledger_bills_what_the_estimate_bills(q: QuantizedGraph) -> None:
    ledger = Ledger(HardwareConfig(part=PART, target_interval=64), PART)
    for precision in (5, 7, {"map": 3}):
        other = hpq.quantize(q.graph, samples(30), precision)
        report = hpq.estimate(other, PART, target_interval=64)
        found, timing = ledger.resources(other), ledger.timing(other)
        assert (found.lut, found.ff, found.dsp, found.bram) == (
            report.lut,
            report.ff,
            report.dsp,
            report.bram,
        )
        assert (timing.latency, timing.interval) == (report.latency_cycles, report.interval_cycles)


def test_fifos_are_measured(q: QuantizedGraph, tmp_path: Path) -> None:
    project = hpq.generate(q, tmp_path / "p", "rtl", part=PART)
    depths = project.measure_fifos(samples(4, seed=6))
    assert set(depths) == set(project.dataflow.streams)
