"""Designs for ECP5 and iCE40: the same words, no cell that they lack, estimates in their own cells."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.simulate import QuantizedGraph

PARTS = ("LFE5U-25F-6BG256C", "iCE40HX8K-CT256", "iCE40UP5K-SG48I")
X = np.random.default_rng(0).normal(size=(24, 2, 8, 8))


@pytest.fixture(scope="module")
def q() -> QuantizedGraph:
    """With a window, whose line is a memory of its own, and a folded layer with a buffer."""
    torch.manual_seed(1)
    layers = (nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 5))
    return hpq.quantize(hpq.from_torch(nn.Sequential(*layers).eval(), torch.zeros(2, 2, 8, 8)), X, 6)


WISH = {"clock_ns": 20.0, "target_interval": 2400}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_estimates_are_of_what_yosys_makes(q: QuantizedGraph, part: str, tmp_path: Path) -> None:
    project = hpq.generate(q, tmp_path / "rtl", "rtl", part=part, **WISH)
    said, found = hpq.estimate(q, part=part, **WISH), project.synth(tool="yosys")
    assert (said.dsp, said.bram) == (found.dsp, found.bram)
    assert said.ff == pytest.approx(found.ff, rel=0.05)  # the model, on a design it was not fitted to
    assert said.lut == pytest.approx(found.lut, rel=0.3)  # likewise
    assert said.fits
    names = " ".join(found.cells)
    assert not re.search("RAMB|DSP48|SRL|FDRE|CARRY4", names)
    text = "".join(file.read_text() for file in sorted((project.path / "rtl").glob("*.sv")))
    assert not re.search(r"^\s*(RAMB|DSP48|SRL|FD[RSCP]E|CARRY|BUFG|xpm_)\w*\s", text, re.MULTILINE)


@pytest.mark.slow
def test_memories_in_blocks_give_the_same_words(q: QuantizedGraph, tmp_path: Path) -> None:
    """No LUT of an iCE40 is memory with a port to write."""
    project = hpq.generate(q, tmp_path / "rtl", "rtl", part="iCE40UP5K-SG48I", **WISH)
    usual = hpq.generate(q, tmp_path / "usual", "rtl", **WISH)
    pattern = r"\.(?:LINE|COLUMN|BUFFER)_STYLE *\(\"(\w+)\""
    styles = [set(re.findall(pattern, _text(one))) for one in (project, usual)]
    assert styles == [{"block"}, {"distributed"}]
    run = project.cosim(X[:3])
    np.testing.assert_array_equal(run.raw, q.predict_raw(X[:3]))


def _text(project: hpq.Project) -> str:
    return "".join(file.read_text() for file in sorted((project.path / "rtl").glob("*.sv")))


def test_a_part_without_dsp_blocks_gets_none() -> None:
    """Also of products of two streams, such as those of a softmax."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(8, 6), nn.Softmax(dim=1)).eval()
    x = np.random.default_rng(1).normal(size=(32, 8))
    q = hpq.quantize(hpq.from_torch(module, torch.zeros(2, 8)), x, 8)
    for io in ("stream", "parallel"):
        report = hpq.estimate(q, part="iCE40HX8K-CT256", io=io)
        assert (report.dsp, report.dsp_utilization) == (0, 0.0)
        assert hpq.estimate(q, part="LFE5U-25F", io=io).dsp > 0
    assert report.facts()["BRAM (4 kbit)"]
