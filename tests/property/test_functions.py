"""Random networks of functions and clamps: simulator, C++ and RTL agree on every word and cycle."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.simulate import reference

FUNCTIONS = [
    nn.Sigmoid, nn.Tanh, nn.SiLU, nn.GELU, nn.ELU, nn.Softplus, nn.Mish, nn.Hardswish, nn.LeakyReLU,
    nn.Softsign, nn.Hardsigmoid, nn.Tanhshrink, nn.ReLU6,
]  # fmt: skip


def network(seed: int) -> tuple[nn.Module, tuple[int, ...]]:
    """Layers with functions, clamps and PReLU between them."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    channels = draw.randint(1, 3)
    layers: list[nn.Module] = [draw.choice(FUNCTIONS)()] if draw.random() < 0.4 else []
    out = draw.randint(1, 4)
    layers += [nn.Conv2d(channels, out, 2, bias=draw.random() < 0.7), draw.choice(FUNCTIONS)()]
    if draw.random() < 0.5:
        low = draw.uniform(-0.4, 0.1)
        layers.append(nn.Hardtanh(low, low + draw.uniform(0.1, 0.6)))
    if draw.random() < 0.5:
        layers.append(nn.MaxPool2d(2, 1))
        layers.append(draw.choice(FUNCTIONS)())
    size = 3 if any(isinstance(layer, nn.MaxPool2d) for layer in layers) else 4
    layers += [nn.Flatten(), nn.Linear(out * size * size, draw.randint(2, 5))]
    if draw.random() < 0.7:
        prelu = nn.PReLU(layers[-1].out_features)
        with torch.no_grad():
            prelu.weight.uniform_(-0.5, 0.5)
        layers.append(prelu)
    if draw.random() < 0.5:
        layers += [nn.Hardtanh(-0.3, 0.4)]
    return nn.Sequential(*layers).eval(), (channels, 5, 5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_every_path_gives_the_same_words(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    module, shape = network(seed)
    x = torch.randn(80, *shape)
    graph = hpq.from_torch(module, x[:2])
    width = draw.randint(2, 9)
    q = hpq.quantize(graph, x, {"default": {"weight": draw.randint(2, 7), "activation": width}})
    given, io = x[:8].numpy(), ("stream", "parallel")[seed % 2]
    raw = q.predict_raw(given)
    np.testing.assert_array_equal(reference(q, q.quantize_input(given)), raw)
    estimate = hpq.estimate(q, io=io)
    np.testing.assert_array_equal(
        hpq.generate(q, tmp_path / "c", backend="vitis", io=io).csim(given), raw, err_msg=str(seed)
    )
    result = hpq.generate(q, tmp_path / "r", backend="rtl", io=io).cosim(given)
    np.testing.assert_array_equal(result.raw, raw)
    assert result.latency_cycles == estimate.latency_cycles
    assert result.interval_cycles == estimate.interval_cycles
