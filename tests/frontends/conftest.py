"""What every front-end test needs: a comparison of the Graph with torch itself."""

from collections.abc import Callable

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
