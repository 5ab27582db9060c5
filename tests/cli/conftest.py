"""A small exported network with data and a project.yaml, and a way to run commands on it."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from hpq_hls.cli import app

PROJECT = """\
name: tiny
model: {source: model.pt2}
data: {calibration: calibration.npz, validation: validation.npz, test: test.npz}
precision: {default: {weight: 6, activation: 6}}
search: {objective: weight_bits, max_drop: 0.1, weight_bits: [3, 6], activation_bits: [4, 6]}
"""


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """A folder with a project.yaml in it."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "project.yaml"

    def write(self, text: str) -> None:
        """Replace the project.yaml."""
        self.file.write_text(text, encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        """Change the project.yaml."""
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.write(text.replace(old, new))


def run_command(*words: object) -> Outcome:
    """Run ``hpq`` with these arguments."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="session")
def run():
    return run_command


@pytest.fixture(scope="session")
def master(tmp_path_factory) -> Path:
    """The folder that every project is a copy of."""
    folder = tmp_path_factory.mktemp("master")
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()
    rng = np.random.default_rng(1)
    batch = torch.export.Dim("batch")
    program = torch.export.export(net, (torch.zeros(2, 1, 4, 4),), dynamic_shapes=({0: batch},))
    torch.export.save(program, folder / "model.pt2")
    torch.save(net.state_dict(), folder / "weights.pt")
    for split in ("calibration", "validation", "test"):
        x = rng.normal(size=(40, 1, 4, 4)).astype(np.float32)
        with torch.no_grad():
            y = net(torch.from_numpy(x)).argmax(1).numpy()
        np.savez(folder / f"{split}.npz", x=x, y=y)
    (folder / "project.yaml").write_text(PROJECT, encoding="utf-8")
    return folder


@pytest.fixture
def project(master, tmp_path) -> Project:
    """A project of its own."""
    folder = tmp_path / "project"
    shutil.copytree(master, folder)
    return Project(folder)


@pytest.fixture(scope="session")
def built(master, tmp_path_factory) -> Project:
    """A project that was generated and verified once; not to be changed."""
    folder = tmp_path_factory.mktemp("built") / "project"
    shutil.copytree(master, folder)
    assert run_command("generate", folder).status == 0
    outcome = run_command("verify", folder, "--samples", 6)
    assert outcome.status == 0, outcome.err
    return Project(folder)
