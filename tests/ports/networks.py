"""Networks with several inputs and outputs: one that people might have, and random ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hpq_hls.graph import Graph, Node
from hpq_hls.ops import Add, Conv2d, Flatten, Linear, MaxPool2d, Relu, WindowSpec
from hpq_hls.ops.base import Operator, Shape

SHAPES = {"image": (2, 4, 4), "mask": (1, 4, 4)}


class Heads(nn.Module):
    """A trunk of two inputs, which is an output too, and two heads of other sizes and rates."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.side = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(1, 3, 1)
        self.map, self.head, self.pool = nn.Conv2d(3, 2, 2, stride=2), nn.Linear(12, 3), nn.MaxPool2d(2)

    def forward(self, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
        trunk = (self.body(image).relu() + self.side(mask)).relu()
        return {"class": self.head(self.pool(trunk).flatten(1)), "map": self.map(trunk), "trunk": trunk}


def heads(seed: int = 0) -> Heads:
    torch.manual_seed(seed)
    return Heads().eval()


def samples(count: int, seed: int = 0, shapes: dict[str, Shape] | None = None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(count, *shape)) for name, shape in (shapes or SHAPES).items()}


def random_graph(seed: int) -> Graph:
    """A few layers on one to three inputs. What nobody reads is an output, and some of what others read;
    sometimes one value is two outputs, or an input is one."""
    rng = np.random.default_rng(seed)
    kinds: list[Shape] = [(2, 4, 4), (1, 4, 4), (3,), (4,)]
    inputs = {f"in{index}": kinds[rng.integers(len(kinds))] for index in range(rng.integers(1, 4))}
    shapes, nodes, reads = dict(inputs), list[Node](), set[str]()

    def emit(op: Operator, *given: str) -> None:
        name = f"{type(op).__name__.lower()}{len(nodes)}"
        nodes.append(Node(name, op, given))
        shapes[name] = op.output_shape([shapes[item] for item in given])
        reads.update(given)

    for name in inputs:
        emit(_layer(shapes[name], rng), name)
    while len(nodes) < 4 + rng.integers(4):
        name = str(rng.choice(list(shapes)))
        equal = [other for other in shapes if shapes[other] == shapes[name] and other != name]
        if equal and rng.random() < 0.5:
            emit(Add(), name, str(rng.choice(equal)))
        else:
            emit(_layer(shapes[name], rng), name)
    ends = [name for name in shapes if name not in reads or rng.random() < 0.2]
    ends += [name for name in ends if rng.random() < 0.1]
    return Graph(inputs, tuple(nodes), {f"out{index}": name for index, name in enumerate(ends)})


def _layer(shape: Shape, rng: np.random.Generator) -> Operator:
    if len(shape) == 1:
        rows = int(rng.integers(2, 5))
        return Linear(rng.normal(size=(rows, *shape)), rng.normal(size=rows))
    choice = rng.integers(5)
    if choice == 0:
        return Flatten()
    if choice == 1:
        return Relu()
    if choice == 2 and shape[1] > 2:
        return MaxPool2d(WindowSpec((2, 2), (2, 2)))
    rows = int(rng.integers(1, 4))
    window = WindowSpec((3, 3), (1, 1), (1, 1, 1, 1)) if rng.random() < 0.5 else WindowSpec((1, 1), (1, 1))
    weights = rng.normal(size=(rows, shape[0], *window.kernel))
    return Conv2d(weights, window, (shape[1], shape[2]), 1, rng.normal(size=rows))
