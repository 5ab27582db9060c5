"""Random but realistic networks in hardware, as samples for measurements."""

from __future__ import annotations

import itertools
import random

import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost.folding import UNLIMITED, interval_of
from hpq_hls.hardware import Dataflow, HardwareConfig, Io, Multiplier, Strategy, build_dataflow
from hpq_hls.quantize.quantizer import Quantizer

WEIGHT_BITS = (2, 3, 3, 4, 4, 5, 6, 6, 8, 8, 8, 12, 16)
ACTIVATION_BITS = (2, 3, 4, 4, 5, 6, 6, 8, 8, 8, 10, 16)


def networks(count: int, seed: int, multipliers: Multiplier = Multiplier.AUTO) -> list[Dataflow]:
    """``count`` networks of one to five layers, with mixed precisions and a random target interval."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    return [_network(draw, multipliers) for _ in range(count)]


def sample_network(draw: random.Random) -> hpq.QuantizedGraph:
    """A network of one to five layers, with mixed precisions."""
    torch.manual_seed(draw.getrandbits(32))
    module, shape = _mlp(draw) if draw.random() < 0.35 else _cnn(draw)
    calibration = torch.randn(16, *shape).clamp(-3, 3)
    if draw.random() < 0.6:
        calibration = calibration.abs()
    quantizer = Quantizer(hpq.from_torch(module.eval(), calibration[:1]), calibration.numpy())
    widths = {
        name: {"weight": draw.choice(WEIGHT_BITS), "activation": draw.choice(ACTIVATION_BITS)}
        for name in (*quantizer.layer_names, quantizer.graph.input_name)
    }
    for name in widths:
        node = quantizer.graph.by_name.get(name)
        if node is None or node.op.weight is None:
            del widths[name]["weight"]
    return quantizer.quantize(widths)


def _network(draw: random.Random, multipliers: Multiplier) -> Dataflow:
    q = sample_network(draw)
    shape = q.graph.input_shape
    size = sum(layer.weight_raw.size for layer in q.layers.values() if layer.weight_raw is not None)
    if len(shape) == 1 and size < 300 and draw.random() < 0.5:
        strategy = draw.choice([Strategy.UNROLLED, Strategy.DA])
        return build_dataflow(q, HardwareConfig(io=Io.PARALLEL, strategy=strategy, multiplier=multipliers))
    slowest = interval_of(build_dataflow(q, HardwareConfig(target_interval=UNLIMITED)))
    target = slowest // draw.choice([1, 2, 4, 8, 16]) or 1
    return build_dataflow(q, HardwareConfig(target_interval=target, multiplier=multipliers))


def _mlp(draw: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    sizes = [draw.choice([4, 7, 8, 10, 16, 24, 32, 48, 64]) for _ in range(draw.randint(2, 4))]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers.append(nn.Linear(before, after, bias=draw.random() < 0.8))
        if draw.random() < 0.8:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers), (sizes[0],)


def _cnn(draw: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    channels, size = draw.choice([1, 1, 2, 3, 4]), draw.choice([6, 8, 8, 10, 12, 16, 28])
    shape = (channels, size, size)
    layers: list[nn.Module] = []
    for _ in range(draw.randint(1, 3)):
        if size < 3:
            break
        out, kernel, depthwise = draw.choice([2, 4, 6, 8, 12, 16]), draw.choice([1, 3, 3, 3, 5]), False
        kernel = min(kernel, size)
        if channels > 1 and draw.random() < 0.3:
            out, depthwise = channels, True
        padding, stride = draw.choice([0, kernel // 2]), draw.choice([1, 1, 1, 2])
        layers.append(nn.Conv2d(channels, out, kernel, stride, padding, groups=channels if depthwise else 1))
        channels, size = out, (size + 2 * padding - kernel) // stride + 1
        if draw.random() < 0.8:
            layers.append(nn.ReLU())
        if draw.random() < 0.25:
            body = nn.Conv2d(channels, channels, 1)
            layers.append(_Residual(body))
        if size >= 4 and draw.random() < 0.5:
            layers.append(nn.MaxPool2d(2) if draw.random() < 0.7 else nn.AvgPool2d(draw.choice([2, 3])))
            size = _size_after(nn.Sequential(*layers), shape)
        if draw.random() < 0.1:
            norm = nn.BatchNorm2d(channels)
            layers.extend([nn.ReLU(), norm])
    if draw.random() < 0.5:
        layers.append(nn.AdaptiveAvgPool2d(1))
        size = 1
    layers.extend([nn.Flatten(), nn.Linear(channels * size * size, draw.choice([4, 8, 10]))])
    return nn.Sequential(*layers), shape


def _size_after(module: nn.Module, shape: tuple[int, ...]) -> int:
    with torch.no_grad():
        return int(module.eval()(torch.zeros(1, *shape)).shape[-1])


class _Residual(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + x)
