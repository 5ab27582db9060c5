"""Designs that do not fit are refused by name, and what is proposed instead fits."""

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import build_design, find_part, misfit
from hpq_hls.errors import CapacityError
from hpq_hls.hardware import DEFAULT_UTILISATION
from hpq_hls.project import hardware_config

PARTS = ("xc7s6", "xc7a12t", "xc7z010", "xc7s15", "xczu1eg")


def network(seed: int) -> hpq.QuantizedGraph:
    """A random network of one to three convolutions, or of linear layers, at random widths."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    if seed % 3:
        channels, size = int(rng.integers(1, 4)), int(rng.integers(10, 20))
        shape: tuple[int, ...] = (channels, size, size)
        for _ in range(int(rng.integers(1, 4))):
            wider = int(rng.choice([16, 24, 32, 48]))
            layers += [nn.Conv2d(channels, wider, 3, padding=1), nn.ReLU()]
            channels = wider
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    else:
        features = int(rng.integers(200, 500))
        shape = (features,)
        for _ in range(3):
            wider = int(rng.choice([128, 256, 384]))
            layers += [nn.Linear(features, wider), nn.ReLU()]
            features = wider
        layers += [nn.Linear(features, 10)]
    x = rng.normal(size=(4, *shape)).astype(np.float32)
    graph = hpq.from_torch(nn.Sequential(*layers).eval(), torch.from_numpy(x[:2]))
    return hpq.quantize(graph, x, int(rng.integers(4, 13)))


def checked(seed: int, tmp_path) -> bool:
    """Whether a network does not fit; if so, that it is refused and that the proposal fits."""
    q, part = network(seed), PARTS[seed % len(PARTS)]
    target = 50 if seed % 2 else None
    if hpq.estimate(q, part, target_interval=target).fits:
        return False
    found = misfit(q, hardware_config(part=part, target_interval=target), part)
    assert found is not None
    assert found.shortages
    with pytest.raises(CapacityError) as refused:
        hpq.generate(q, tmp_path / str(seed), "rtl", part=part, target_interval=target)
    assert not (tmp_path / str(seed)).exists()
    said, other = str(refused.value), found.proposal
    assert find_part(part).name in said
    assert "%" in said
    assert other is not None
    assert f"target_interval {other.target_interval}" in said
    report = hpq.estimate(q, other.part, io=other.io, target_interval=other.target_interval)
    shares = (
        report.lut_utilization,
        report.ff_utilization,
        report.dsp_utilization,
        report.bram_utilization,
    )
    assert max(shares) <= DEFAULT_UTILISATION
    assert max(layer.cycles for layer in report.layers) == other.interval
    return True


def test_designs_that_do_not_fit_are_refused_and_what_is_proposed_fits(tmp_path):
    """On every part, of convolutions and of linear layers, with and without a target."""
    refused = [seed for seed in (0, 1, 3, 4, 5, 6, 9, 27) if checked(seed, tmp_path)]
    assert len(refused) >= 6
    assert {seed % len(PARTS) for seed in refused} == set(range(len(PARTS)))
    assert {seed % 3 == 0 for seed in refused} == {seed % 2 == 0 for seed in refused} == {False, True}


@pytest.fixture(scope="module")
def wide():
    return network(1)


def test_a_slower_folding_is_the_fastest_that_fits(wide):
    config = hardware_config(part="xc7z020", target_interval=1)
    found = misfit(wide, config, "xc7z020")
    assert found is not None
    assert found.proposal is not None
    assert found.proposal.part == "xc7z020"
    faster = hpq.estimate(wide, "xc7z020", target_interval=found.proposal.target_interval - 1)
    slower = max(layer.cycles for layer in faster.layers) >= found.proposal.interval
    assert slower or max(faster.to_dict()["utilization"].values()) > DEFAULT_UTILISATION


def test_oversize_is_generated_when_told_to(wide, tmp_path):
    with pytest.raises(CapacityError, match="or generate it all the same with oversize"):
        hpq.generate(wide, tmp_path / "no", "rtl", part="xc7s6", target_interval=1)
    project = hpq.generate(wide, tmp_path / "yes", "rtl", part="xc7s6", target_interval=1, oversize=True)
    assert project.path.is_dir()


def test_what_sets_the_interval_has_a_name(wide):
    report = hpq.estimate(wide)
    slowest = max(report.layers, key=lambda layer: layer.cycles)
    flow = build_design(wide, hardware_config())
    kernel = next(kernel for kernel in flow.kernels if kernel.name == report.limited_by)
    assert kernel.cycles(flow.streams) == slowest.cycles
    assert report.to_dict()["limited_by"] == report.limited_by
