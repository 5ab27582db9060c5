"""What every front-end test needs: a comparison of the Graph with torch itself."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph


def randomize(module: nn.Module) -> None:
    """Batch-norm statistics and parameters that a mistake cannot hide behind."""
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)) and part.running_mean is not None:
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2.0)
            if part.affine:
                nn.init.normal_(part.weight)
                nn.init.normal_(part.bias)


@pytest.fixture
def same_as_torch() -> Callable[..., Graph]:
    """The graph of a module, after its predictions have been compared with torch's."""

    def check(module: nn.Module, *shape: int) -> Graph:
        module.double()
        randomize(module)
        graph = from_torch(module, torch.zeros(1, *shape))
        x = torch.randn(5, *shape, dtype=torch.float64)
        module.eval()
        with torch.no_grad():
            expected = module(x.clone()).numpy()
        found = graph.predict(x)
        assert found.dtype == np.float64
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-9  # torch sums in another order
        return graph

    return check


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def same_as_written() -> Callable[[str, dict[str, str]], None]:
    """Compare sentences with those in a file beside the tests, one a line; HPQ_RENEW=1 writes it anew.

    Line numbers of test files are left out, and the list of supported operators, which grows.
    """

    def check(name: str, found: dict[str, str]) -> None:
        path = Path(__file__).with_name(f"refusals_{name}.txt")
        lines = [f"{key}: {sentence}" for key, sentence in found.items()]
        text = re.sub(r"\.py:\d+", ".py", "\n".join(lines) + "\n")
        text = re.sub(r"(?<=supported operators are ).*", "...", text)
        if os.environ.get("HPQ_RENEW"):
            path.write_text(text)
        assert text == path.read_text(), f"HPQ_RENEW=1 pytest {Path(__file__).parent} renews {path.name}"

    return check
