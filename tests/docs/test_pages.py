"""Every block of Python in README and docs/ runs, and every command in them exists with its options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
import yaml

import hpq_hls as hpq
from hpq_hls.cli import app
from hpq_hls.settings.config import Settings
from tests.docs.blocks import ROOT, python_blocks, run_page, shown_commands

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
QUOTED = {DOCS / "extending.md"}
"""Pages whose Python is parts of a package that the tests run as a whole."""
ON_CLUSTERS = {DOCS / "clusters.md"}
"""Pages that tests/search/executors/test_page.py runs, on the clusters that they start."""
RUN = [path for path in PAGES if python_blocks(path) and path not in QUOTED | ON_CLUSTERS]

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _known() -> dict[str, Any]:
    """What docs/searching.md takes as known."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3)).eval()
    x = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    y = net(torch.from_numpy(x)).argmax(1).numpy()
    graph = hpq.from_torch(net, torch.zeros(1, 5))
    return {"hpq": hpq, "np": np, "graph": graph, "calibration_x": x[:60], "x_val": x[60:], "y_val": y[60:]}


@pytest.mark.parametrize("path", RUN, ids=_name)
def test_python_runs(path: Path, tmp_path: Path) -> None:
    run_page(path, tmp_path, _known() if path == DOCS / "searching.md" else None)


@pytest.mark.parametrize("path", sorted(QUOTED), ids=_name)
def test_quotes_are_of_the_package(path: Path) -> None:
    sources = [file.read_text() for file in (ROOT / "tests/extension/squares").rglob("*.py")]
    lines = {line.strip() for text in sources for line in text.splitlines()}
    for number, block in python_blocks(path):
        for offset, line in enumerate(block.splitlines()):
            assert line.strip() in lines | {"", "..."}, f"{_name(path)}:{number + offset}: {line}"


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_commands_exist(path: Path) -> None:
    group: Any = typer.main.get_command(app)
    context = group.context_class(group, info_name="hpq")
    for words in shown_commands(path):
        command = group.get_command(context, words[1])
        assert command is not None, f"{_name(path)}: {' '.join(words)}: no such command"
        inner = command.context_class(command, info_name=words[1])
        known = {
            option for given in command.get_params(inner) for option in given.opts + given.secondary_opts
        }
        for word in words[2:]:
            if word.startswith("--"):
                assert word.split("=")[0] in known, f"{_name(path)}: {' '.join(words)}: no option {word}"


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_yaml_is_a_part_of_project_yaml(path: Path) -> None:
    """Blocks that begin with a section of project.yaml are valid settings."""
    for block in re.findall(r"^```yaml\n(.*?)^```", path.read_text(encoding="utf-8"), re.S | re.M):
        given = yaml.safe_load(block)
        if isinstance(given, dict) and set(given) <= set(Settings.model_fields):
            Settings.model_validate({"model": {"source": "m.pt2"}, "data": {"calibration": "x.npz"}, **given})


def test_every_public_name_is_in_the_reference() -> None:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    for name in hpq.__all__:
        assert re.search(rf"hpq_hls\.{name}\b", pages), f"{name} has no entry in docs/reference"
        assert re.search(rf"hpq\.{name}\b|\b{name}`", pages), f"{name} has no example in docs/reference"


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("https:", "http:", "#")):
            assert (path.parent / target.split("#")[0]).exists(), f"{_name(path)}: {target}"
