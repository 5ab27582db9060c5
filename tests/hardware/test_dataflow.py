"""The Dataflow of random networks, executed literally, gives the simulator's words."""

from __future__ import annotations

import numpy as np
import pytest

from hpq_hls.codegen.manifest import port_at
from hpq_hls.frontends.torch_export import from_torch
from hpq_hls.hardware import Dataflow, HardwareConfig, Io, LayerFolding, Strategy, build_dataflow
from hpq_hls.hardware.stream_builder import weldable
from hpq_hls.kernels import MatVec, Weighted, Window
from hpq_hls.quantize import quantize
from hpq_hls.simulate import QuantizedGraph, reference
from tests.hardware.dataflow_model import run_dataflow
from tests.networks import random_network
from tests.scales import with_shifts

CONFIGS = {
    "slow": HardwareConfig(target_interval=1 << 30),
    "auto": HardwareConfig(target_interval=100),
    "fast": HardwareConfig(target_interval=1),
    "middle": HardwareConfig(target_interval=40),
    "parallel": HardwareConfig(io=Io.PARALLEL),
    "adders": HardwareConfig(io=Io.PARALLEL, strategy=Strategy.DA),
}


def _quantized(seed: int, **modes: str) -> tuple[QuantizedGraph, np.ndarray]:
    import torch

    module, shape = random_network(seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6, *shape))
    graph = from_torch(module, torch.zeros(2, *shape))
    width = int(rng.integers(2, 17))
    return quantize(graph, x, width, **modes), x


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(seed: int) -> None:
    q, x = _quantized(seed)
    _check(q, x)


@pytest.mark.parametrize("seed", range(0, 40, 2))
def test_random_networks_with_scales_of_channels(seed: int) -> None:
    q, x = _quantized(seed)
    shifted = with_shifts(q, seed)
    flow = _check(shifted, x)
    weighted = [kernel for kernel in flow.kernels if isinstance(kernel, Weighted)]
    for kernel in weighted:
        layer = shifted.layers[kernel.layer]
        assert kernel.weight_type == layer.stored_weight_type
        assert kernel.weight_type.width == q.layers[kernel.layer].weight_type.width  # type: ignore[union-attr]
        assert (kernel.shift is None) == (layer.weight_shift is None)


def _check(q: QuantizedGraph, x: np.ndarray) -> Dataflow:
    """Compare every configuration with the simulator; the folded one."""
    raw = np.concatenate([q.quantize_input(x), q.example_inputs[-6:]])
    expected = reference(q, raw)
    np.testing.assert_array_equal(q.predict_raw(x), expected[: len(x)])
    for label, config in CONFIGS.items():
        flow = build_dataflow(q, config)
        source = port_at(flow, flow.inputs[0])
        sink = port_at(flow, flow.outputs[0])
        frames = np.stack([run_dataflow(flow, frame) for frame in source.to_frames(raw)])
        np.testing.assert_array_equal(sink.from_frames(frames), expected, err_msg=label)
    return build_dataflow(q, CONFIGS["auto"])


def test_targets_are_met_or_the_limit_is_reached() -> None:
    q, _ = _quantized(7)
    slow = build_dataflow(q, CONFIGS["slow"])
    assert all(k.pe == k.simd == 1 for k in slow.kernels if isinstance(k, MatVec))
    fast = build_dataflow(q, CONFIGS["fast"])
    for kernel in fast.kernels:
        if isinstance(kernel, MatVec):
            assert (kernel.pe, kernel.simd) == (kernel.rows, kernel.cols)


@pytest.mark.parametrize(("simd", "lanes"), [(None, 1), (9, 1), (3, 1), (2, 2), (4, 4), (12, 4)])
def test_windows_have_lanes_that_a_simd_by_hand_divides(simd: int | None, lanes: int) -> None:
    import torch

    graph = from_torch(torch.nn.Conv2d(4, 2, 3).eval(), torch.zeros(1, 4, 5, 5))
    q = quantize(graph, np.random.default_rng(0).normal(size=(4, 4, 5, 5)), 5)
    config = HardwareConfig(target_interval=1 << 30, layers={next(iter(q.layers)): LayerFolding(simd=simd)})
    flow = build_dataflow(q, config)
    (window,) = [kernel for kernel in flow.kernels if isinstance(kernel, Window)]
    (unit,) = [kernel for kernel in flow.kernels if isinstance(kernel, MatVec)]
    assert (flow.streams[window.inputs[0]].lanes, unit.simd) == (lanes, simd or 1)


def test_parts_of_pixels_leave_in_the_beat_in_which_they_come() -> None:
    beside, behind = np.array([0, 1, 4, 5, 2, 3, 6, 7]), np.arange(8)
    assert [weldable(beside, (4, 4), target) for target in (1, 2, 9)] == [1, 2, 2]
    assert weldable(behind, (4, 4), 9) == 1
