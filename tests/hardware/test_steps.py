"""Units that take a beat of a window in steps, in the last of which a few columns rest."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from hpq_hls.codegen.manifest import frames_at
from hpq_hls.frontends import from_torch
from hpq_hls.hardware import Dataflow, HardwareConfig, LayerFolding, build_dataflow
from hpq_hls.hardware.folding import IDLE, regroupable
from hpq_hls.kernels import MatVec, WidthConverter
from hpq_hls.quantize import quantize
from hpq_hls.simulate import QuantizedGraph, simulate


def network() -> QuantizedGraph:
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(4, 3, 6, 6))
    return quantize(from_torch(nn.Conv2d(3, 5, 3).eval(), torch.zeros(2, 3, 6, 6)), x, 5)


def unit(flow: Dataflow) -> MatVec:
    (found,) = (kernel for kernel in flow.kernels if isinstance(kernel, MatVec))
    return found


def test_legal_steps() -> None:
    """Of 50 elements in 3 steps of 17 one rests, in 4 of 13 two; with 9, four of 54 would."""
    simds = regroupable(150, 50)
    resting = {simd: steps for simd, steps in simds.items() if 150 % simd}
    assert resting == {17: 9, 13: 12, 4: 39}
    assert all(simds[simd] == 150 // simd for simd in (1, 2, 5, 10, 25, 50, 150))
    for cols, beat in ((144, 9), (27, 27), (64, 64), (1200, 400)):
        for simd, steps in regroupable(cols, beat).items():
            assert cols <= simd * steps <= cols * (1 + IDLE)
    assert set(regroupable(12, 5)) == {1}


def test_a_target_is_met_with_columns_that_rest() -> None:
    """16 positions of 5 x 27 in 64 cycles: 4 steps of 7, of which the last takes 6, where 9 would divide."""
    q = network()
    flow = build_dataflow(q, HardwareConfig(target_interval=64))
    assert (unit(flow).pe, unit(flow).simd, unit(flow).cycles(flow.streams)) == (5, 7, 64)
    (narrow,) = (kernel for kernel in flow.kernels if isinstance(kernel, WidthConverter))
    given, made = narrow.ends(flow.streams)
    assert (given.lanes, given.beats, made.lanes, made.beats) == (27, 16, 7, 64)
    raw = q.quantize_input(np.random.default_rng(1).normal(size=(2, 3, 6, 6)))
    (x,) = frames_at(flow, flow.inputs, raw).values()
    (y,) = frames_at(flow, flow.outputs, simulate(q, raw)).values()
    for given_frame, made_frame in zip(x, y, strict=True):
        streams = flow.every_stream({flow.input: given_frame})
        np.testing.assert_array_equal(streams[flow.output], made_frame)
        assert not streams[made.name][3::4, 6].any()  # zeros fill up


def test_steps_by_hand() -> None:
    wish = HardwareConfig(layers={name: LayerFolding(pe=5, simd=14) for name in network().layers})
    flow = build_dataflow(network(), wish)
    assert (unit(flow).pe, unit(flow).simd, unit(flow).cycles(flow.streams)) == (5, 14, 32)
