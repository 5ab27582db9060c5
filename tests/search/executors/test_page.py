"""docs/clusters.md does what it says: its commands start clusters, on which its settings and code search."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
import yaml
from torch import nn

import hpq_hls as hpq
from hpq_hls.settings.config import load_config
from hpq_hls.workflow import open_workspace, run_search

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/clusters.md").read_text(encoding="utf-8")
DASK_PORT, RAY_PORT = "8786", "6379"

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def blocks(kind: str, section: str) -> list[str]:
    """The fenced blocks of a section."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def free_port() -> str:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return str(opened.getsockname()[1])


@contextlib.contextmanager
def running(lines: list[str], folder: Path, more: list[str]) -> Iterator[None]:
    """Commands of the page, each in the background, from the first to the last."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    started = []
    try:
        for line in lines:
            log = (folder / f"{len(started)}.log").open("w")
            started.append(
                subprocess.Popen(
                    [*line.split(), *more],
                    cwd=folder,
                    env=environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        yield
        assert [process.poll() for process in started] == [None] * len(started)
    finally:
        below = [each for process in started for each in psutil.Process(process.pid).children(recursive=True)]
        for each in [*started, *below]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        for process in started:
            process.wait(20)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the page's code takes as given."""
    torch.manual_seed(4)
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    graph = hpq.from_torch(net, torch.zeros(2, 4))
    x = np.random.default_rng(4).normal(size=(60, 4))
    search = hpq.search

    class Small:
        """hpq, whose searches look at few combinations."""

        @staticmethod
        def search(*given: Any, **settings: Any) -> Any:
            few = {"evaluations": 20, "confidence": None, "weight_bits": (3, 5), "activation_bits": (4, 6)}
            return search(*given, **few, **settings)

    return {"hpq": Small, "graph": graph, "calibration_x": x, "x_val": x, "y_val": graph.predict(x).argmax(1)}


def points(result: Any) -> list[Any]:
    return [(point.accuracy, point.cost, point.precision.to_dict()) for point in result.points]


@pytest.fixture(scope="module")
def serial(names: dict[str, Any]) -> list[Any]:
    pair = names["x_val"], names["y_val"]
    return points(names["hpq"].search(names["graph"], names["calibration_x"], pair))


def run(code: str, names: dict[str, Any]) -> list[Any]:
    here = dict(names)
    exec(compile(code, "docs/clusters.md", "exec"), here)
    return points(here["result"])


def project(folder: Path, names: dict[str, Any], text: str) -> Path:
    torch.manual_seed(4)
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    program = torch.export.export(net, (torch.zeros(2, 4),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, folder / "model.pt2")
    np.savez(folder / "data.npz", x=names["x_val"].astype(np.float32), y=names["y_val"])
    settings = yaml.safe_load(text)
    settings["search"] |= {
        "evaluations": 20,
        "weight_bits": [3, 5],
        "activation_bits": [4, 6],
        "max_drop": 0.9,
    }
    settings |= {
        "model": {"source": "model.pt2"},
        "data": {"calibration": "data.npz", "validation": "data.npz"},
    }
    (folder / "project.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder


def searched(folder: Path) -> Any:
    return run_search(open_workspace(load_config(folder)))


def test_the_extras_that_it_installs_exist() -> None:
    extras = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    named = set(re.findall(r"pip install 'hpq_hls\[(\w+)\]'", PAGE))
    assert named == {"dask", "ray"}
    assert named <= set(extras)


def test_every_block_is_run_here() -> None:
    counts = {kind: len(blocks(kind, "Dask") + blocks(kind, "Ray")) for kind in ("sh", "yaml", "python")}
    assert counts == {"sh": 4, "yaml": 2, "python": 3}
    assert PAGE.count("```") == 2 * sum(counts.values())


def test_dask(names: dict[str, Any], serial: list[Any], tmp_path: Path) -> None:
    port = free_port()
    _, start = blocks("sh", "Dask")
    (settings,), (python, adaptive) = blocks("yaml", "Dask"), blocks("python", "Dask")
    start, settings, python = (text.replace(DASK_PORT, port) for text in (start, settings, python))
    folder = project(tmp_path, names, settings)
    with running(start.strip().splitlines(), tmp_path, ["--no-dashboard"]):
        assert_found_the_same(folder, python, names, serial)
    assert run(adaptive, names) == serial


def assert_found_the_same(folder: Path, python: str, names: dict[str, Any], serial: list[Any]) -> None:
    end = time.monotonic() + 60
    while True:  # until the cluster has started
        try:
            found = run(python, names)
            break
        except hpq.HpqError:
            assert time.monotonic() < end
            time.sleep(0.5)
    assert found == serial
    on_cluster = searched(folder)
    file = folder / "project.yaml"
    file.write_text(re.sub(r"\n +cluster: .*", "", file.read_text(encoding="utf-8")), encoding="utf-8")
    assert "cluster" not in file.read_text(encoding="utf-8")
    here = searched(folder)
    assert (on_cluster.evaluations, on_cluster.pareto) == (here.evaluations, here.pareto)
    assert on_cluster.found.precision == here.found.precision


def test_ray(
    names: dict[str, Any], serial: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    (_, start), (settings,), (python,) = (blocks(kind, "Ray") for kind in ("sh", "yaml", "python"))
    folder = project(tmp_path, names, settings)
    more = ["--block", "--num-cpus=1", "--include-dashboard=false"]
    with running(start.strip().replace(RAY_PORT, port).splitlines(), tmp_path, more):
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
        assert_found_the_same(folder, python, names, serial)
