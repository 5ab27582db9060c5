"""generate, estimate and what a Project can do, at the level of the public interface."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import time_dataflow, with_room_for_pipelines
from hpq_hls.cost.engine import UNBOUNDED, follow
from hpq_hls.cost.stages import network_of
from hpq_hls.errors import ConfigError, DataError, OutputError, UnsupportedOperatorError
from hpq_hls.hardware import Multiplier, with_fifo_depths
from hpq_hls.project.hardware import hardware_config
from hpq_hls.verify import cosim_build
from tests.networks import Residual

NO_PERIODS = (0, -3, math.nan, math.inf, "x", True)
"""Numbers that no clock, rate or share can be."""


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 2, 6, 6))


@pytest.fixture(scope="module")
def q(x: np.ndarray) -> hpq.QuantizedGraph:
    torch.manual_seed(0)
    branch = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), Residual(branch, True), nn.Flatten(), nn.Linear(144, 3)
    ).eval()
    return hpq.quantize(hpq.from_torch(net, torch.zeros(2, 2, 6, 6)), x, 5)


def test_measured_fifos_change_no_cycle_and_no_word(
    q: hpq.QuantizedGraph, x: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roomy = hpq.generate(q, tmp_path / "roomy", "rtl", target_interval=64, oversize=True)
    before = roomy.cosim(x)
    assert before.build_seconds > 0
    with monkeypatch.context() as patch:
        patch.setattr(cosim_build, "_verilate", None)  # measuring compiles nothing
        depths = roomy.measure_fifos(x)
        assert roomy.cosim(x).build_seconds == 0
    assert set(depths) == set(roomy.dataflow.streams)
    waiting = max(depths, key=lambda name: depths[name])
    assert 2 < depths[waiting] <= roomy.dataflow.streams[waiting].depth < 36
    assert all(depth <= roomy.dataflow.streams[name].depth for name, depth in depths.items())
    tight = hpq.generate(q, tmp_path / "tight", "rtl", target_interval=64, oversize=True, fifo_depths=depths)
    after = tight.cosim(x, scenarios=("back_to_back", "random_gaps", "reset_mid_stream"))
    assert (after.latency_cycles, after.interval_cycles) == (before.latency_cycles, before.interval_cycles)
    assert after.mismatches == 0
    np.testing.assert_array_equal(after.raw, q.predict_raw(x))
    hls = hpq.generate(q, tmp_path / "hls", "vitis", target_interval=64, oversize=True, fifo_depths=depths)
    # and room for what the pipelines of the HLS tool hold
    room = with_room_for_pipelines(tight.dataflow, 24).streams[waiting].depth
    assert depths[waiting] < room == hls.dataflow.streams[waiting].depth
    pragma = f"variable={waiting}_fifo type=fifo depth={room}"
    assert pragma in (hls.path / "src" / "model.cpp").read_text()


def test_estimate_follows_width_and_folding(q: hpq.QuantizedGraph, x: np.ndarray) -> None:
    slow = hpq.estimate(q, target_interval=100_000)
    fast = hpq.estimate(q, target_interval=40)
    assert fast.interval_cycles < slow.interval_cycles
    assert fast.lut + 100 * fast.dsp > slow.lut + 100 * slow.dsp
    assert slow.weight_bits == fast.weight_bits == q.weight_bits == sum(e.weight_bits for e in slow.layers)
    assert {layer.name for layer in slow.layers} <= set(q.layers) | {q.graph.input_name}


def test_fifos_are_measured_with_room_for_all_frames_under_way(
    q: hpq.QuantizedGraph, x: np.ndarray, tmp_path: Path
) -> None:
    """FIFOs that hold up the design do not hide what it needs, and the RTL fills them as the timing says."""
    sized = hpq.generate(q, tmp_path / "sized", "rtl", target_interval=40, oversize=True)
    streams = sized.dataflow.streams
    name = max(streams, key=lambda name: streams[name].depth if streams[name].beats < 100 else 0)
    wish = {"target_interval": 40, "oversize": True, "fifo_depths": {name: streams[name].depth - 1}}
    less = hpq.generate(q, tmp_path / "less", "rtl", **wish)
    interval = time_dataflow(sized.dataflow).interval
    assert time_dataflow(less.dataflow).interval > interval
    fills = less.fifo_fills(np.concatenate([x, x])[:6])
    depths = less.measure_fifos(np.concatenate([x, x])[:6])
    network = network_of(sized.dataflow)
    run = follow(network, [UNBOUNDED] * len(streams), pace=interval, fills=True)
    assert fills == dict(zip(streams, run.fills, strict=True))
    assert all(stream.depth <= max(2, fills[stream.name]) for stream in streams.values())
    assert depths == {stream.name: stream.depth for stream in streams.values()}
    assert time_dataflow(with_fifo_depths(sized.dataflow, depths)).interval == interval


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backend": "verilog"}, "no backend 'verilog'; choose one of vitis, vivado, rtl"),
        ({"io": "serial"}, "io is 'serial'"),
        ({"part": "xc9999"}, "xc9999"),
        ({"target_interval": 0}, "target_interval is 0"),
        ({"layers": {"conv": {"pe": 2}}}, "unknown layer 'conv'"),
        ({"layers": {"0": {"pe": 3}}}, "pe of layer '0' is 3, which does not divide.*1, 2, 4"),
        ({"layers": {"0": {"pes": 3}}}, "unknown hardware key 'pes'"),
        ({"layers": {"0": {"simd": 0}}}, "simd of layer '0' is 0"),
        ({"layers": {"0": {"strategy": "magic"}}}, "strategy of layer '0' is 'magic'"),
        (
            {"layers": {"0": {"multiplier": "luts"}}},
            "multiplier of layer '0' is 'luts'; choose auto, dsp or lut",
        ),
        ({"multiplier": "fabric"}, "multiplier is 'fabric'; choose auto, dsp or lut"),
        ({"multipliers": "cotton"}, "multipliers is 'cotton'; choose auto, dsp or lut"),
        (
            {"multiplier": "dsp", "multipliers": "fabric"},
            "multiplier and multipliers are both given, and mean the same; keep multiplier",
        ),
        ({"tlast": "none"}, "tlast is 'none'; choose checked or ignored"),
        ({"fifo_depths": {"nothing": 4}}, "fifo_depths.nothing names an unknown stream; there are"),
        ({"fifo_depths": [4]}, r"fifo_depths is \[4\]; give depths in beats by stream"),
        *(
            ({"fifo_depths": {"n_0_out": depth}}, f"fifo_depths.n_0_out is {depth!r}; .* at least 2")
            for depth in (0, -1, 1, 2.5, math.nan, "x", True)
        ),
        *(
            ({"clock_ns": clock}, f"clock_ns is {clock!r}; give the clock's period")
            for clock in (1e-9, 1e9, *NO_PERIODS)
        ),
        *(({"target_fps": fps}, f"target_fps is {fps!r}; give inferences per second") for fps in NO_PERIODS),
        *(
            ({"utilisation": share}, f"utilisation is {share!r}; it is a share")
            for share in (1.5, *NO_PERIODS)
        ),
        *(
            ({"layers": {"0": {key: value}}}, f"{key} of layer '0' is {value!r}; give a whole number")
            for key in ("pe", "simd", "pixels", "reuse_factor")
            for value in (0, -1, 2.5, math.nan, "x", True)
        ),
        ({"layers": {"0": {"simd": 4000}}}, "simd of layer '0' is 4000, which does not divide the layer"),
        ({"layers": {"0": {"pixels": 4000}}}, "pixels of layer '0' is 4000, which does not divide its rows"),
        (
            {"layers": {"0": {"reuse_factor": 4000}}},
            "reuse_factor of layer '0' is 4000, .* give at most [0-9]+$",
        ),
        (
            {"layers": {"0": {"pe": 2, "simd": 1, "reuse_factor": 4}}},
            "layer '0' has pe, simd and reuse_factor; .* leave out reuse_factor",
        ),
        ({"layers": [1]}, r"layers is \[1\]; give settings by name"),
        ({"layers": {"0": 3}}, "layer '0' is 3; give settings by name"),
        (
            {"part": "LFE5U-25F-6BG256C"},
            "backend vitis is for AMD's HLS tools.*Lattice's ECP5; choose backend rtl",
        ),
    ],
)
def test_wrong_settings(
    q: hpq.QuantizedGraph, tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        hpq.generate(q, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"multiplier": "dsp"}, "multiplier"),
        ({"layers": {"fc": {"multiplier": "dsp"}}}, "multiplier of layer 'fc'"),
    ],
)
def test_dsp_blocks_that_a_part_lacks(settings: dict[str, Any], what: str) -> None:
    part = "iCE40HX8K-CT256"
    assert hardware_config(part=part, multiplier="lut").multiplier is Multiplier.LUT
    with pytest.raises(ConfigError) as caught:
        hardware_config(part=part, **settings)
    assert str(caught.value) == f"{what} is 'dsp', and {part} has no DSP block; choose auto or lut"


@pytest.mark.parametrize("backend", ["vitis", "vivado", "rtl"])
@pytest.mark.parametrize("tlast", ["checked", "ignored"])
def test_the_flag_of_wrong_packets(q: hpq.QuantizedGraph, tmp_path: Path, backend: str, tlast: str) -> None:
    project = hpq.generate(q, tmp_path / "out", backend, tlast=tlast)
    flag = "s_axis_packet_error" if tlast == "checked" else ""
    assert [port.packet_error for port in (*project.manifest.inputs, *project.manifest.outputs)] == [flag, ""]
    suffix = ".sv" if backend == "rtl" else ".cpp"
    design = project.path / ("rtl" if backend == "rtl" else "src") / f"{project.manifest.name}{suffix}"
    assert ("packet_error" in design.read_text()) == (tlast == "checked")
    wider = hpq.estimate(q, tlast="checked"), hpq.estimate(q, tlast="ignored")
    assert wider[0].ff > wider[1].ff and wider[0].latency_cycles == wider[1].latency_cycles


def test_what_a_project_cannot_do_is_said(q: hpq.QuantizedGraph, x: np.ndarray, tmp_path: Path) -> None:
    rtl = hpq.generate(q, tmp_path / "rtl", "rtl")
    hls = hpq.generate(q, tmp_path / "hls", "vitis")
    with pytest.raises(ConfigError, match="has no C"):
        rtl.csim(x)
    with pytest.raises(ConfigError, match="give rtl_dir"):
        hls.cosim(x)
    with pytest.raises(ConfigError, match="backend rtl"):
        hls.measure_fifos(x)
    with pytest.raises(DataError, match="shape"):
        hls.csim(x[0])
    again = hpq.generate(q, tmp_path / "rtl", "rtl")  # nobody changed it
    assert again.manifest == rtl.manifest
    (tmp_path / "rtl" / "README.md").write_text("notes of mine")
    with pytest.raises(OutputError, match="not empty"):
        hpq.generate(q, tmp_path / "rtl", "rtl")
    assert hpq.generate(q, tmp_path / "rtl", "rtl", force=True).manifest == rtl.manifest


def test_names_become_identifiers(q: hpq.QuantizedGraph, x: np.ndarray, tmp_path: Path) -> None:
    project = hpq.generate(q, tmp_path / "odd", "vitis", name='1; system("rm") // while')
    assert project.dataflow.name == "n_1_system_rm_while"
    small = hpq.generate(q, tmp_path / "small", "rtl", name="small")
    assert any(note.startswith("name is 'small'") and note.endswith("called n_small") for note in small.notes)
    assert hpq.generate(q, tmp_path / "kept", "rtl", name="kept").notes == small.notes[1:]
    np.testing.assert_array_equal(project.csim(x[:2]), q.predict_raw(x[:2]))


def test_a_network_that_computes_nothing_is_refused(tmp_path: Path) -> None:
    q = hpq.quantize(hpq.from_torch(nn.Flatten(), torch.zeros(2, 2, 3)), np.ones((2, 2, 3)), 4)
    with pytest.raises(UnsupportedOperatorError, match="computes nothing"):
        hpq.generate(q, tmp_path / "out")
