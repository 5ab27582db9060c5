"""Random torch networks from every supported operator, for property tests."""

from __future__ import annotations

import random

import torch
from torch import nn


class Residual(nn.Module):
    """``relu(body(x) + x)``, or without the ReLU."""

    def __init__(self, body: nn.Module, relu: bool) -> None:
        super().__init__()
        self.body = body
        self.relu = relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.body(x) + x
        return torch.relu(y) if self.relu else y


def _trained_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.Module:
    with torch.no_grad():
        norm.running_mean.normal_(0, 0.3)
        norm.running_var.uniform_(0.5, 1.5)
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.normal_(0, 0.3)
    return norm


def random_mlp(seed: int) -> tuple[nn.Module, tuple[int, ...]]:
    """(module in eval mode, input shape without batch)."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    size = draw.randint(1, 12)
    shape = (size,)
    layers: list[nn.Module] = []
    for _ in range(draw.randint(1, 3)):
        kind = draw.random()
        if kind < 0.2 and size > 1:
            layers.append(Residual(nn.Linear(size, size), draw.random() < 0.5))
            continue
        new = draw.randint(1, 12)
        layers.append(nn.Linear(size, new, bias=draw.random() < 0.7))
        size = new
        if draw.random() < 0.3:
            layers.append(_trained_norm(nn.BatchNorm1d(size)))
        if draw.random() < 0.7:
            layers.append(nn.ReLU())
            if draw.random() < 0.3:
                layers.append(_trained_norm(nn.BatchNorm1d(size)))
    return nn.Sequential(*layers).eval(), shape


def _conv(draw: random.Random, channels: int, height: int, width: int) -> nn.Module | None:
    groups = draw.choice([1, 1, channels, *(g for g in (2, 3) if channels % g == 0)])
    out = groups * draw.randint(1, max(1, 6 // groups))
    kernel = (draw.randint(1, 3), draw.randint(1, 3))
    dilation = (draw.choice([1, 1, 2]), draw.choice([1, 1, 2]))
    stride = (draw.choice([1, 1, 2, 3]), draw.choice([1, 1, 2, 3]))
    padding: str | tuple[int, int] = (draw.randint(0, 2), draw.randint(0, 2))
    if draw.random() < 0.25:
        padding, stride = "same", (1, 1)
    else:
        assert not isinstance(padding, str)
        for size, k, d, p in zip((height, width), kernel, dilation, padding, strict=True):
            if size + 2 * p < (k - 1) * d + 1:
                return None
    return nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups, bias=draw.random() < 0.7)


def _pool(draw: random.Random, height: int, width: int) -> nn.Module | None:
    kernel = (draw.randint(1, 3), draw.randint(1, 3))
    if kernel[0] > height or kernel[1] > width:
        return None
    stride = (draw.randint(1, 3), draw.randint(1, 3))
    padding = (draw.randint(0, kernel[0] // 2), draw.randint(0, kernel[1] // 2))
    if draw.random() < 0.6:
        return nn.MaxPool2d(kernel, stride, padding, ceil_mode=draw.random() < 0.4)
    return nn.AvgPool2d(kernel, stride, padding)


def random_cnn(seed: int) -> tuple[nn.Module, tuple[int, ...]]:
    """(module in eval mode, input shape without batch)."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    shape = (draw.randint(1, 4), draw.randint(4, 8), draw.randint(4, 8))
    layers: list[nn.Module] = []
    x = torch.zeros(2, *shape)

    def append(module: nn.Module | None) -> None:
        nonlocal x
        if module is None:
            return
        with torch.no_grad():
            x = module.eval()(x)
        layers.append(module)

    for _ in range(draw.randint(1, 3)):
        channels, height, width = x.shape[1:]
        append(_conv(draw, channels, height, width))
        if draw.random() < 0.4:
            append(_trained_norm(nn.BatchNorm2d(x.shape[1])))
        if draw.random() < 0.7:
            append(nn.ReLU())
        if draw.random() < 0.4:
            append(_pool(draw, *x.shape[2:]))
        if draw.random() < 0.3:
            channels = x.shape[1]
            body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU())
            append(Residual(body, draw.random() < 0.5))
    ending = draw.random()
    if ending < 0.3:
        append(nn.AdaptiveAvgPool2d(1))
    if ending < 0.85:
        append(nn.Flatten())
        append(nn.Linear(x.shape[1], draw.randint(1, 6)))
    return nn.Sequential(*layers).eval(), shape


def random_network(seed: int) -> tuple[nn.Module, tuple[int, ...]]:
    """An MLP or a CNN."""
    return random_mlp(seed) if seed % 3 == 0 else random_cnn(seed)
