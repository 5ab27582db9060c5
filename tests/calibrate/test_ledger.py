"""A search prices calibrated networks as ``hpq.estimate`` does, also where products leave DSP blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.calibration import Calibration
from hpq_hls.cost import Ledger
from hpq_hls.project import hardware_config, priced_by
from tests.calibrate.test_table import HEAD, _rows


class Joined(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.relu(self.a(x))
        return torch.relu(self.b(y)) + y


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    file: Path = tmp_path_factory.mktemp("table") / "kernels.csv"
    file.write_text("\n".join([HEAD, *_rows(7)]) + "\n")
    return hpq.calibrate(file)


@pytest.mark.parametrize(
    ("part", "strategy"), [("xc7z020", "folded"), ("xc7s6", "folded"), ("xc7z020", "da")]
)
def test_prices_are_estimates(part: str, strategy: str, calibration: Calibration) -> None:
    torch.manual_seed(2)
    graph = hpq.from_torch(Joined().eval(), torch.zeros(2, 2, 5, 5))
    x = np.random.default_rng(2).normal(size=(10, 2, 5, 5))
    config = priced_by(hardware_config(part=part, strategy=strategy, target_interval=100), calibration)
    ledger = Ledger(config, part)
    seen = set()
    for widths in (4, 8, {"default": 6, "layers": {"a": {"weight": 9}}}):
        q = hpq.quantize(graph, x, widths)
        found = hpq.estimate(q, part=part, strategy=strategy, target_interval=100, calibration=calibration)
        made, timing = ledger.resources(q), ledger.timing(q)
        assert (made.lut, made.ff, made.dsp, made.bram) == (found.lut, found.ff, found.dsp, found.bram)
        assert (timing.latency, timing.interval) == (found.latency_cycles, found.interval_cycles)
        seen.add(found.lut)
    assert len(seen) == 3
