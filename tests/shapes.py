"""Random networks of shape operators, and torch networks that use them as people do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from hpq_hls import ops
from hpq_hls.graph import Graph, Node
from hpq_hls.ops import Operator, Shape, WindowSpec
from hpq_hls.ops.rearrange import Rearrange

SHAPES: list[Shape] = [(4, 4, 6), (6, 4), (12,), (2, 3, 5), (3, 8), (2, 2, 3, 2)]
SMALL = 120
"""Elements up to which values may still grow."""


def rearrangements(rng: np.random.Generator, shape: Shape) -> list[Rearrange]:
    """One of each operator that suits a shape."""
    rank, size = len(shape), math.prod(shape)
    axis = int(rng.integers(rank))
    length = shape[axis]
    found: list[Rearrange] = [
        ops.Flip((axis,)),
        ops.Roll((1,), (axis,)),
        ops.Permute(tuple(rng.permutation(rank).tolist())),
        ops.Reshape((2, size // 2)) if size % 2 == 0 else ops.Reshape((1, size)),
        ops.Flatten(),
    ]
    if length > 1:
        found += [
            ops.Take(axis, tuple(range(0, length, 2))),
            ops.Take(axis, tuple(range(1, length))),
            ops.Take(axis, (length - 1,), rank > 1),
            ops.Take(axis, (0, length - 1, 0)),
        ]
    if size < SMALL:
        found += [ops.Border((1,) * rank, (0,) * (rank - 1) + (2,)), ops.Repeat((1,) * (rank - 1) + (2,))]
        found += [ops.Border((1,) * rank, (0,) * rank, "edge"), ops.Expand((2, *shape))]
        if length > 1:
            found.append(ops.Border((1,) * rank, (1,) * rank, "wrap"))
        if rank > 1:
            found.append(ops.Upsample((2,) * (rank - 1)))
    if rank == 3:
        if shape[0] % 4 == 0:
            found.append(ops.PixelShuffle((2, 2), bool(rng.integers(2))))
        if shape[1] % 2 == shape[2] % 2 == 0:
            found.append(ops.PixelUnshuffle((2, 2), bool(rng.integers(2))))
        if shape[0] % 2 == 0:
            found.append(ops.ChannelShuffle(2))
    return found


def _layers(rng: np.random.Generator, shape: Shape) -> list[Operator]:
    """Operators that compute."""
    found: list[Operator] = [ops.Linear(rng.normal(size=(4, shape[-1])), rng.normal(size=4)), ops.Relu()]
    if len(shape) == 3:
        window = WindowSpec((min(2, shape[1]), min(2, shape[2])))
        size = (shape[1], shape[2])
        weights = rng.normal(size=(3, shape[0], *window.kernel))
        found += [ops.Conv2d(weights, window, size, 1, rng.normal(size=3)), ops.MaxPool2d(window)]
    if len(shape) == 2:
        window = WindowSpec((1, min(3, shape[1])))
        weights = rng.normal(size=(3, shape[0], window.kernel[1]))
        found += [ops.Conv1d(weights, window, (1, shape[1]), 1, rng.normal(size=3)), ops.MaxPool1d(window)]
        found.append(ops.ConvTranspose(rng.normal(size=(shape[0], 2, 3)), (2,), (1,), (1,), (1,)))
    return found


def shape_network(seed: int, steps: int = 5) -> Graph:
    """A network in which elements are moved, layers compute in between, and branches are joined."""
    rng = np.random.default_rng(seed)
    shape = SHAPES[seed % len(SHAPES)]
    nodes: list[Node] = []
    shapes: dict[str, Shape] = {"x": shape}
    last = "x"
    for step in range(steps):
        op, inputs = _next(rng, shapes, last)
        last = f"n{step}"
        nodes.append(Node(last, op, inputs))
        shapes[last] = op.output_shape([shapes[name] for name in inputs])
    if not any(node.op.casts for node in nodes):
        nodes.append(Node("end", ops.Linear(rng.normal(size=(3, shapes[last][-1]))), (last,)))
        last = "end"
    needed = {last}
    for node in reversed(nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return Graph.single("x", shape, tuple(node for node in nodes if node.name in needed), last)


def _next(rng: np.random.Generator, shapes: dict[str, Shape], last: str) -> tuple[Operator, tuple[str, ...]]:
    if rng.random() < 0.4:
        other = list(shapes)[int(rng.integers(len(shapes)))]
        one, two = shapes[last], shapes[other]
        if len(one) == len(two) and math.prod(one) < SMALL:
            for axis in rng.permutation(len(one)).tolist():
                if one[:axis] + one[axis + 1 :] == two[:axis] + two[axis + 1 :]:
                    joins: Operator = ops.Add() if one == two and rng.random() < 0.3 else ops.Concat(axis)
                    return joins, (last, other)
    options: list[Operator] = [*rearrangements(rng, shapes[last]), *_layers(rng, shapes[last])]
    return options[int(rng.integers(len(options)))], (last,)


class Net(nn.Module):
    """A function of the input and of modules as a module."""

    def __init__(self, function: Callable[..., torch.Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, *self.parts)


IMAGE, ROWS, VECTOR = (4, 6, 8), (4, 12), (12,)


def _conv(into: int = 4, out: int = 4, kernel: int = 3, **settings: Any) -> nn.Conv2d:
    return nn.Conv2d(into, out, kernel, **settings)


TORCH: dict[str, tuple[Any, ...]] = {
    "permute": (lambda x, c: c(x.permute(0, 2, 3, 1).permute(0, 3, 1, 2)), IMAGE, _conv()),
    "transpose_linear": (lambda x, c: c(x.transpose(1, 2)), ROWS, nn.Linear(4, 3)),
    "flip": (lambda x, c: c(x.flip(3)), IMAGE, _conv()),
    "roll": (lambda x, c: c(x.roll(1, 2)), IMAGE, _conv()),
    "slice": (lambda x, c: c(x[:, :, 1:5, ::2]), IMAGE, _conv(kernel=2)),
    "select": (lambda x, c: c(x[:, :, -1]), ROWS, nn.Linear(4, 3)),
    "chunk": (lambda x, c: torch.cat([c(t) for t in x.chunk(2, 1)], 1), IMAGE, _conv(2, 3)),
    "split": (lambda x, c: c(x.split([1, 3], 1)[1]), IMAGE, _conv(3)),
    "unbind": (lambda x, c: c(x.unbind(2)[1] + x.unbind(2)[0]), ROWS, nn.Linear(4, 3)),
    "index": (lambda x, c: c(x[:, [2, 0, 1, 1]]), IMAGE, _conv()),
    "cat": (lambda x, a, b: torch.cat([a(x), b(x), x], 1), IMAGE, _conv(padding=1), _conv(out=2, padding=1)),
    "cat_w": (lambda x, a, b: torch.cat([a(x), b(x)], 3), IMAGE, _conv(padding=1), _conv(padding=1)),
    "stack": (lambda x, a, b: torch.stack([a(x), b(x)], 1), VECTOR, nn.Linear(12, 4), nn.Linear(12, 4)),
    "view": (
        lambda x, c: c(x.view(x.shape[0], 2, 2, 6, 8).transpose(1, 2).reshape(x.shape[0], 4, 6, 8)),
        IMAGE,
        _conv(),
    ),
    "unflatten": (lambda x, c: c(x.unflatten(1, (3, 2, 2))), VECTOR, _conv(3, 2, 2)),
    "pixel_shuffle": (lambda x, c: F.pixel_shuffle(c(x), 2), IMAGE, _conv()),
    "pixel_unshuffle": (lambda x, c: c(F.pixel_unshuffle(x, 2)), IMAGE, _conv(16, 2, 2)),
    "channel_shuffle": (lambda x, c, s: c(s(x)), IMAGE, _conv(), nn.ChannelShuffle(2)),
    "upsample": (lambda x, c: c(F.interpolate(x, scale_factor=2)), IMAGE, _conv()),
    "upsample_mod": (lambda x, c, u: c(u(x)), IMAGE, _conv(), nn.Upsample(scale_factor=2, mode="bilinear")),
    "reflect": (lambda x, c: c(x), IMAGE, _conv(padding=1, padding_mode="reflect")),
    "circular": (lambda x, c: c(x), IMAGE, _conv(padding=2, padding_mode="circular")),
    "replicate": (lambda x, c: c(x), IMAGE, _conv(padding=1, padding_mode="replicate")),
    "same": (lambda x, c: c(x), IMAGE, _conv(kernel=4, padding="same")),
    "chpad": (lambda x, c: c(F.pad(x, (0, 0, 0, 0, 1, 3))), IMAGE, _conv(8)),
    "ReflectionPad2d": (lambda x, p, c: c(p(x)), IMAGE, nn.ReflectionPad2d(1), _conv()),
    "conv1d": (lambda x, c: c(x), ROWS, nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2)),
    "conv1d_net": (
        lambda x, c, b, p, d: d(p(F.relu(b(c(x)))).flatten(1)),
        ROWS,
        nn.Conv1d(4, 6, 3, padding="same"),
        nn.BatchNorm1d(6).eval(),
        nn.MaxPool1d(2),
        nn.Linear(36, 3),
    ),
    "avg1d": (lambda x, c, p: p(c(x)), ROWS, nn.Conv1d(4, 6, 3), nn.AvgPool1d(2)),
    "adavg1d": (lambda x, c, p: p(c(x)).flatten(1), ROWS, nn.Conv1d(4, 6, 3), nn.AdaptiveAvgPool1d(1)),
    "admax2d": (lambda x, c, p: c(p(x)), IMAGE, _conv(kernel=1), nn.AdaptiveMaxPool2d((2, 4))),
    "ct2d": (lambda x, c: c(x), IMAGE, nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1)),
    "ct2d_k2": (lambda x, c: F.relu(c(x)), IMAGE, nn.ConvTranspose2d(4, 2, 2, stride=2)),
    "ct1d": (lambda x, c: c(x), ROWS, nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1, groups=2)),
    "linear_tc": (lambda x, c: c(x), ROWS, nn.Linear(12, 5)),
    "linear_chw": (lambda x, c: c(x), IMAGE, nn.Linear(8, 3)),
    "mixer": (lambda x, a, b: b(F.relu(a(x)).transpose(1, 2)), ROWS, nn.Linear(12, 5), nn.Linear(4, 6)),
    "repeat": (lambda x, c: c(x.repeat(1, 2)), VECTOR, nn.Linear(24, 3)),
    "expand": (lambda x, c: c(x[:, :, None, None].expand(-1, -1, 4, 4)), VECTOR, _conv(12, 2, 2)),
    "repeat_interleave": (lambda x, c: c(x.repeat_interleave(2, 1)), VECTOR, nn.Linear(24, 3)),
    "unet": (
        lambda x, a, d, u: torch.cat([x, u(d(F.max_pool2d(a(x), 2)))], 1),
        IMAGE,
        _conv(padding=1),
        _conv(padding=1),
        nn.ConvTranspose2d(4, 3, 2, stride=2),
    ),
    "squeeze": (lambda x, c: c(x.unsqueeze(1)).squeeze(1), ROWS, _conv(1, 1)),
    "nhwc": (lambda x, c: c(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1), (6, 8, 4), _conv()),
}
"""By name: a function of the input and of modules, the input's shape, the modules."""


def torch_network(name: str) -> tuple[Net, Shape]:
    """One of TORCH, always the same."""
    torch.manual_seed(0)
    function, shape, *parts = TORCH[name]
    net = Net(function, *parts).eval()
    for parameter in net.parameters():
        parameter.data.uniform_(-0.5, 0.5)
    return net, shape
