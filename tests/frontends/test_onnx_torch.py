"""Networks exported by torch: the same values, and the names of the modules."""

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from hpq_hls.frontends import from_onnx


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.relu(self.conv1(x)) + x)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
        self.norm = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Block(), Block())
        self.pool = nn.AvgPool2d(2, ceil_mode=False)
        self.dropout = nn.Dropout()
        self.fc1, self.fc2 = nn.Linear(16, 6), nn.Linear(6, 6, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.layer1(self.norm(self.features(x))))
        x = self.dropout(x.view(x.size(0), -1))
        return self.fc2(F.relu(self.fc1(x)))


def export(module: nn.Module, folder: Path, **settings: object) -> Path:
    x = torch.zeros(2, 1, 11, 11, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), folder / "model.onnx", dynamo=False, **settings)
    return folder / "model.onnx"


def test_values_and_names(tmp_path: Path) -> None:
    module = Network().double().eval()
    module.norm.running_mean.normal_()
    path = export(module, tmp_path, input_names=["image"], dynamic_axes={"image": {0: "batch"}})
    graph = from_onnx(path)
    x = torch.randn(5, 1, 11, 11, dtype=torch.float64)
    with torch.no_grad():
        expected = module(x).numpy()
    assert np.abs(graph.predict(x) - expected).max() < 1e-9  # torch sums in another order
    assert graph.input_name == "image"
    assert [node.name for node in graph.nodes] == [
        "features.0",
        "features.2",
        "features.3",
        "norm",
        "layer1.0.conv1",
        "layer1.0.relu",
        "layer1.0.add",
        "layer1.0.relu_1",
        "layer1.1.conv1",
        "layer1.1.relu",
        "layer1.1.add",
        "layer1.1.relu_1",
        "pool",
        "flatten",
        "fc1",
        "relu",
        "fc2",
    ]


def test_fixed_batch(tmp_path: Path) -> None:
    module = Network().double().eval()
    graph = from_onnx(export(module, tmp_path))
    x = torch.randn(5, 1, 11, 11, dtype=torch.float64)
    with torch.no_grad():
        expected = module(x).numpy()
    assert np.abs(graph.predict(x) - expected).max() < 1e-9  # torch sums in another order


def test_names_in_metadata(tmp_path: Path) -> None:
    """The exporter on top of torch.export describes each node in its metadata."""
    path = export(nn.Sequential(nn.ReLU(), nn.ReLU()).double(), tmp_path)
    model = onnx.load(path)
    scopes = (
        (
            ["", "block", "block.act", "relu"],
            ["Net", "Block", "torch.nn.modules.activation.ReLU", "aten.relu.default"],
        ),
        (["", "block", "relu_1"], ["Net", "Block", "aten.relu.default"]),
    )
    for node, (names, classes) in zip(model.graph.node, scopes, strict=True):
        frames = (("/home/user/net.py", len(names), "forward"), ("/lib/torch/nn/functional.py", 1, "relu"))
        trace = "\n".join(f'File "{file}", line {line}, in {name}' for file, line, name in frames)
        for key, value in (
            ("name_scopes", json.dumps(names)),
            ("class_hierarchy", json.dumps(classes)),
            ("stack_trace", trace),
        ):
            node.metadata_props.add(key=f"pkg.torch.onnx.{key}", value=value)
    onnx.save(model, path)
    found = [(node.name, node.source) for node in from_onnx(path).nodes]
    assert found == [("block.act", "net.py:4"), ("block.relu", "net.py:3")]
