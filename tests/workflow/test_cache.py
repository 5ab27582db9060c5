"""The cache of networks: used where nothing changed, never where something did."""

import shutil

import numpy as np
import pytest

from hpq_hls.settings.config import load_config
from hpq_hls.workflow import open_workspace
from hpq_hls.workflow.loading import Loader

FACTORY = """\
import torch
from torch import nn


def make():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
"""


def loads(monkeypatch):
    """Counts how often a model is read."""
    from hpq_hls.workflow import loading

    counted = []
    before = loading.load_model
    monkeypatch.setattr(loading, "load_model", lambda *args: counted.append(1) or before(*args))
    return counted


def test_what_is_kept_is_the_same_network(project, monkeypatch):
    counted = loads(monkeypatch)
    first, second = open_workspace(project.file), open_workspace(project.file)
    x = np.load(project.folder / "test.npz")["x"]
    assert np.array_equal(first.graph.predict(x), second.graph.predict(x))
    a, b = first.quantized(), open_workspace(project.file).quantized()
    assert np.array_equal(a.predict_raw(x), b.predict_raw(x))
    assert b.weight_bits == a.weight_bits
    assert len(counted) == 1


def test_another_file_is_another_model(project):
    open_workspace(project.file).quantized()
    assert Loader(load_config(project.file)).known
    path = project.folder / "model.pt2"
    path.write_bytes(path.read_bytes() + b"\0")
    assert not Loader(load_config(project.file)).known


@pytest.mark.parametrize("change", ["calibration", "name", "precision"])
def test_what_changed_is_read_again(project, change):
    before = open_workspace(project.file).quantized()
    if change == "calibration":
        x = np.load(project.folder / "calibration.npz")["x"]
        np.savez(project.folder / "calibration.npz", x=8 * x)
    elif change == "name":
        project.edit("name: tiny", "name: other")
    else:
        project.edit("weight: 6", "weight: 5")
    after = open_workspace(project.file).quantized()
    if change == "name":
        assert after.name == "other"
    elif change == "calibration":
        assert after.input_type != before.input_type
    else:
        assert after.weight_bits < before.weight_bits


def test_a_damaged_entry_is_not_used(project, monkeypatch):
    counted = loads(monkeypatch)
    q = open_workspace(project.file).quantized()
    folder = project.folder / "build" / "cache"
    for path in folder.iterdir():
        if path.name != "index.json":
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
    again = open_workspace(project.file).quantized()
    x = np.load(project.folder / "test.npz")["x"]
    assert np.array_equal(again.predict_raw(x), q.predict_raw(x))
    assert len(counted) == 2
    (folder / "index.json").write_text("{")
    open_workspace(project.file).quantized()
    assert len(counted) == 3
    shutil.rmtree(folder)
    open_workspace(project.file).quantized()
    assert len(counted) == 4


def test_a_factory_is_kept_by_its_sources(project, monkeypatch):
    counted = loads(monkeypatch)
    (project.folder / "sizes.py").write_text("SEED = 3\n")
    (project.folder / "nets.py").write_text(
        "from sizes import SEED\n" + FACTORY.replace("manual_seed(3)", "manual_seed(SEED)")
    )
    project.edit("{source: model.pt2}", "{factory: 'nets:make'}")
    first = open_workspace(project.file).graph
    open_workspace(project.file).quantized()
    made = len(counted)  # 2 where the first run imported something of its own that is no source
    open_workspace(project.file).quantized()
    assert len(counted) == made <= 2
    (project.folder / "sizes.py").write_text("SEED = 44\n")
    second = open_workspace(project.file).graph
    assert len(counted) == made + 1
    assert not np.array_equal(first.nodes[0].op.weight, second.nodes[0].op.weight)


@pytest.mark.parametrize("reads", ["file", "module"])
def test_a_factory_that_reads_elsewhere_is_made_again_each_time(project, tmp_path, monkeypatch, reads):
    counted = loads(monkeypatch)
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "seed.txt").write_text("3")
    (other / "elsewhere_seed.py").write_text("SEED = 3\n")
    monkeypatch.syspath_prepend(str(other))
    head = (
        f"SEED = int(open({str(other / 'seed.txt')!r}).read())\n"
        if reads == "file"
        else "import sys\nsys.modules.pop('elsewhere_seed', None)\nfrom elsewhere_seed import SEED\n"
    )
    (project.folder / "nets.py").write_text(head + FACTORY.replace("manual_seed(3)", "manual_seed(SEED)"))
    project.edit("{source: model.pt2}", "{factory: 'nets:make'}")
    open_workspace(project.file)
    open_workspace(project.file)
    assert len(counted) == 2
