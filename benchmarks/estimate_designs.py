"""Random small designs as a stranger would make them, to compare estimates with synthesis."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.quantize.quantizer import Quantizer

PARTS = ("xc7z020clg400-1", "xczu7ev-ffvc1156-2-e")
"""One part of the 7 series, and one of UltraScale+."""
WEIGHT_BITS = (2, 3, 4, 4, 5, 6, 6, 8, 8, 10, 12)
ACTIVATION_BITS = (2, 3, 4, 5, 6, 6, 8, 8, 10, 12)


@dataclass(frozen=True)
class Drawn:
    """A network and what hardware is asked for. kind: "mlp" or "cnn"; hardware: arguments of ``generate``."""

    seed: int
    kind: str
    q: hpq.QuantizedGraph
    hardware: Mapping[str, Any]

    @property
    def described(self) -> str:
        """Layers and hardware in a line."""
        layers = ", ".join(
            f"{name} {layer.output_type.width}b"
            + (
                ""
                if layer.weight_raw is None
                else f" w{layer.weight_type.width} {list(layer.weight_raw.shape)}"
            )
            for name, layer in self.q.layers.items()
        )
        return f"{self.kind}; {dict(self.hardware)}; {layers}"


class Residual(nn.Module):
    """A 1x1 convolution whose input is added to its result."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + x)


def drawn(seed: int, part: str) -> Drawn:
    """A network of one to four layers and its hardware."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    parallel = draw.random() < 0.4
    kind = "mlp" if draw.random() < (0.8 if parallel else 0.4) else "cnn"
    module, shape = (_mlp if kind == "mlp" else _cnn)(draw, 6 if parallel else 12)
    if draw.random() < 0.4:
        _prune(draw, module)
    calibration = torch.randn(24, *shape).clamp(-3, 3)
    if draw.random() < 0.5:
        calibration = calibration.abs()
    q = _quantized(draw, module, calibration)
    return Drawn(seed, kind, q, {"part": part, **_hardware(draw, parallel)})


def combinations(seed: int, part: str, count: int) -> list[Drawn]:
    """One network and one folding at ``count`` combinations of widths."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    kind = draw.choice(["mlp", "cnn"])
    module, shape = (_mlp if kind == "mlp" else _cnn)(draw, 8)
    calibration = torch.randn(24, *shape).clamp(-3, 3)
    networks = [_quantized(draw, module, calibration) for _ in range(count)]
    hardware = {"part": part, "io": "stream", "target_interval": draw.choice([16, 64, 256])}
    return [Drawn(seed, kind, q, hardware) for q in networks]


def _quantized(draw: random.Random, module: nn.Module, calibration: torch.Tensor) -> hpq.QuantizedGraph:
    quantizer = Quantizer(hpq.from_torch(module.eval(), calibration[:1]), calibration.numpy())
    widths: dict[str, dict[str, int]] = {}
    for name in (quantizer.graph.input_name, *quantizer.layer_names):
        widths[name] = {"activation": draw.choice(ACTIVATION_BITS)}
        node = quantizer.graph.by_name.get(name)
        if node is not None and node.op.weight is not None:
            widths[name]["weight"] = draw.choice(WEIGHT_BITS)
    return quantizer.quantize(widths)


def _hardware(draw: random.Random, parallel: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"multiplier": draw.choice(["auto", "auto", "auto", "lut"])}
    if parallel:
        return {**made, "io": "parallel", "strategy": draw.choice(["unrolled", "da", "da"])}
    made["io"] = "stream"
    if draw.random() < 0.2:
        return {**made, "strategy": draw.choice(["unrolled", "da"]), "target_interval": 4096}
    if draw.random() < 0.3:
        return {**made, "reuse_factor": draw.choice([4, 8, 16])}
    return {**made, "target_interval": draw.choice([32, 64, 128, 512, 2048])}


def _activation(draw: random.Random) -> list[nn.Module]:
    kinds: list[Callable[[], nn.Module]] = [nn.ReLU] * 7 + [nn.Sigmoid, nn.Tanh, nn.LeakyReLU, nn.ReLU6]
    return [] if draw.random() < 0.15 else [draw.choice(kinds)()]


def _mlp(draw: random.Random, most: int) -> tuple[nn.Module, tuple[int, ...]]:
    sizes = [draw.randint(3, 2 * most) for _ in range(draw.randint(2, 4))]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after, bias=draw.random() < 0.8), *_activation(draw)]
    if draw.random() < 0.15:
        layers.append(nn.Softmax(dim=1))
    return nn.Sequential(*layers), (sizes[0],)


def _cnn(draw: random.Random, most: int) -> tuple[nn.Module, tuple[int, ...]]:
    channels, size = (
        draw.choice([1, 2, 3, 4]),
        draw.choice([4, 5, 6]) if most < 8 else draw.choice([6, 8, 10]),
    )
    shape, layers = (channels, size, size), list[nn.Module]()
    for _ in range(1 if most < 8 else draw.randint(1, 2)):
        if size < 3:
            break
        out, kernel, groups = draw.randint(2, most // 2), draw.choice([1, 3, 3]), 1
        if channels > 1 and draw.random() < 0.3:
            out, groups = channels, channels
        padding = draw.choice([0, kernel // 2])
        layers.append(nn.Conv2d(channels, out, kernel, 1, padding, groups=groups))
        channels, size = out, size + 2 * padding - kernel + 1
        if draw.random() < 0.2:
            layers.append(nn.BatchNorm2d(channels))
        layers += _activation(draw)
        if most >= 8 and draw.random() < 0.2:
            layers.append(Residual(channels))
        if size >= 4 and draw.random() < 0.5:
            layers.append(nn.MaxPool2d(2) if draw.random() < 0.7 else nn.AvgPool2d(2))
            size //= 2
    if draw.random() < 0.5:
        layers.append(nn.AdaptiveAvgPool2d(1))
        size = 1
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(channels * size * size, draw.choice([3, 5, 10]))
    ), shape


def _prune(draw: random.Random, module: nn.Module) -> None:
    """Most weights of each layer, some whole rows with their biases, some whole columns."""
    with torch.no_grad():
        for part in module.modules():
            if not isinstance(part, (nn.Linear, nn.Conv2d)):
                continue
            weight = part.weight
            weight *= (torch.rand_like(weight) < draw.choice([0.25, 0.5, 0.75])).float()
            rows = torch.rand(weight.shape[0]) < 0.15
            weight[rows] = 0
            if part.bias is not None and draw.random() < 0.5:
                part.bias[rows] = 0
            weight[:, torch.rand(weight.shape[1]) < 0.15] = 0
