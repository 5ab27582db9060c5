"""Exported programs, as they come out of .pt2 files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.errors import DataError, UnsupportedOperatorError
from hpq_hls.frontends import from_exported
from hpq_hls.graph import Graph


def network() -> nn.Sequential:
    module = nn.Sequential(
        nn.Conv2d(1, 4, 4, padding="same", bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Conv2d(4, 6, 3, groups=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(6, 3),
    )
    return module.double().eval()


def assert_same(graph: Graph, module: nn.Module) -> None:
    x = torch.randn(5, 1, 9, 9, dtype=torch.float64)
    with torch.no_grad():
        expected = module(x.clone()).numpy()
    assert np.abs(graph.predict(x) - expected).max() < 1e-9  # torch sums in another order
    assert [node.name for node in graph.nodes] == ["0", "1", "2", "3", "4", "5", "6", "8"]


def export(module: nn.Module, batch: int = 2, dynamic: bool = True) -> torch.export.ExportedProgram:
    sizes = {0: torch.export.Dim("batch")} if dynamic else None
    x = torch.zeros(batch, 1, 9, 9, dtype=torch.float64)
    return torch.export.export(module, (x,), dynamic_shapes=(sizes,))


def test_saved_and_loaded(tmp_path: Path) -> None:
    module = network()
    torch.export.save(export(module), tmp_path / "model.pt2")
    assert_same(from_exported(torch.export.load(tmp_path / "model.pt2")), module)


@pytest.mark.parametrize("batch", [1, 4])
def test_fixed_batch(batch: int) -> None:
    module = network()
    assert_same(from_exported(export(module, batch, dynamic=False)), module)


def test_core_operators() -> None:
    """What is left when a user ran all of torch's decompositions."""
    module = network()
    assert_same(from_exported(export(module).run_decompositions()), module)


def test_with_gradients_and_in_strict_mode() -> None:
    module = network()
    x = torch.zeros(2, 1, 9, 9, dtype=torch.float64)
    program = torch.export.export(module, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=True)
    assert_same(from_exported(program), module)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.BatchNorm2d(1), "call model.eval\\(\\) before exporting"),
        (nn.Sequential(nn.ReLU(), nn.Dropout()), "'1' .*model.eval\\(\\) before exporting"),
    ],
)
def test_exported_while_training(module: nn.Module, reason: str) -> None:
    with pytest.raises(UnsupportedOperatorError, match=reason):
        from_exported(export(module.double().train()))


def test_open_image_size() -> None:
    sizes = {0: torch.export.Dim("batch"), 2: torch.export.Dim("height")}
    x = torch.zeros(2, 1, 9, 9)
    program = torch.export.export(nn.ReLU(), (x,), dynamic_shapes=(sizes,))
    with pytest.raises(DataError, match="only the batch axis is dynamic"):
        from_exported(program)
