"""Random networks over all operators: small graphs of any shape, several inputs and outputs.

Everything follows from a seed. A drawing that is refused is drawn again: what is refused, and in which
words, is the business of other tests.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 (as people write it)
from torch import Tensor, nn

import hpq_hls as hpq
from hpq_hls.errors import PrecisionError, UnsupportedOperatorError
from hpq_hls.hardware import HardwareConfig, build_dataflow, without_dead

Shape = tuple[int, ...]
Make = Callable[[random.Random, Shape], "nn.Module | Callable[..., Any] | None"]
LARGEST = 300
"""Elements of a value."""
ATTEMPTS = 100
"""Drawings before a seed is given up."""
MODES = [
    ("AP_RND", "AP_SAT"),
    ("AP_TRN", "AP_WRAP"),
    ("AP_RND_CONV", "AP_SAT_SYM"),
    ("AP_TRN_ZERO", "AP_SAT_ZERO"),
    ("AP_RND_INF", "AP_WRAP_SM"),
    ("AP_RND_ZERO", "AP_SAT"),
    ("AP_RND_MIN_INF", "AP_SAT"),
]


def _norm(layer: Any) -> Any:
    with torch.no_grad():
        layer.running_mean.normal_(0, 0.3)
        layer.running_var.uniform_(0.5, 1.5)
        layer.weight.uniform_(-1.5, 1.5)
        layer.bias.normal_(0, 0.3)
    return layer


def _groups(draw: random.Random, channels: int) -> tuple[int, int]:
    """Groups, and channels that come out."""
    groups = draw.choice([g for g in (1, 1, 2, 3, channels) if channels % g == 0])
    return groups, groups * draw.randint(1, max(1, 6 // groups))


def _conv(draw: random.Random, shape: Shape) -> nn.Module:
    groups, out = _groups(draw, shape[0])
    kernel = [draw.randint(1, min(3, size)) for size in shape[1:]]
    mode = draw.choice(["zeros", "zeros", "zeros", "reflect", "replicate", "circular"])
    padding = [draw.randint(0, min(k // 2 + 1, size - 1)) for k, size in zip(kernel, shape[1:], strict=True)]
    stride = [draw.choice([1, 1, 2]) for _ in kernel]
    layer = nn.Conv1d if len(shape) == 2 else nn.Conv2d
    return layer(
        shape[0], out, kernel, stride, padding, groups=groups, bias=draw.random() < 0.7, padding_mode=mode
    )


def _transposed(draw: random.Random, shape: Shape) -> nn.Module:
    groups, out = _groups(draw, shape[0])
    kernel, stride = draw.randint(1, 4), draw.choice([1, 2, 2, 3])
    extra = draw.randint(0, stride - 1)
    layer = nn.ConvTranspose1d if len(shape) == 2 else nn.ConvTranspose2d
    return layer(shape[0], out, kernel, stride, draw.randint(0, (kernel - 1) // 2), extra, groups)


def _pool(draw: random.Random, shape: Shape, kind: str) -> nn.Module:
    kernel = draw.randint(1, min(3, *shape[1:]))
    padding, ceil = draw.randint(0, kernel // 2), draw.random() < 0.3
    layer = getattr(nn, f"{kind}Pool{len(shape) - 1}d")
    more = {"count_include_pad": draw.random() < 0.5} if kind == "Avg" else {}
    return layer(kernel, draw.randint(1, 2), padding, ceil_mode=ceil, **more)


def _axis(draw: random.Random, shape: Shape, least: int = 1) -> int | None:
    fitting = [axis + 1 for axis, size in enumerate(shape) if size >= least]
    return draw.choice(fitting) if fitting else None


def _slice(draw: random.Random, shape: Shape) -> Callable[[Tensor], Tensor] | None:
    axis = _axis(draw, shape, 2)
    if axis is None:
        return None
    start, step = draw.randint(0, shape[axis - 1] - 2), draw.choice([1, 1, 2])
    index = (slice(None),) * axis + (slice(start, None, step),)
    return lambda x: x[index]


def _reshape(draw: random.Random, shape: Shape) -> Callable[[Tensor], Tensor]:
    size = math.prod(shape)
    first = draw.choice([d for d in range(1, size + 1) if size % d == 0])
    rest = size // first
    second = draw.choice([d for d in range(1, rest + 1) if rest % d == 0])
    sizes = draw.choice([(size,), (first, rest), (first, second, rest // second)])
    return lambda x: x.reshape(x.shape[0], *sizes)


def _permute(draw: random.Random, shape: Shape) -> Callable[[Tensor], Tensor]:
    axes = [0, *draw.sample(range(1, len(shape) + 1), len(shape))]
    return lambda x: x.permute(axes)


def _pad(draw: random.Random, shape: Shape) -> Callable[[Tensor], Tensor]:
    amounts = [draw.randint(0, min(2, size - 1)) for size in reversed(shape[-2:]) for _ in "ab"][
        : 2 * (len(shape) - 1)
    ]
    mode = draw.choice(["constant", "reflect", "replicate", "circular"])
    return lambda x: F.pad(x, amounts, mode, *([0.5] if mode == "constant" else []))


def _reduced(draw: random.Random, shape: Shape, name: str) -> Callable[[Tensor], Tensor]:
    axes = sorted(draw.sample(range(1, len(shape) + 1), draw.randint(1, len(shape))))
    keep = draw.random() < 0.5 or len(axes) == len(shape)
    return lambda x: getattr(x, name)(axes, keepdim=keep)


def _constant(draw: random.Random, shape: Shape) -> Callable[[Tensor], Tensor]:
    per_channel = (shape[0], *(1 for _ in shape[1:]))
    size = draw.choice([(), per_channel, per_channel, shape])
    scale, offset = torch.randn(size), torch.randn(size)
    return draw.choice(
        [lambda x: x * scale, lambda x: x + offset, lambda x: offset - x, lambda x: x * scale + offset]
    )


def _gate(draw: random.Random, shape: Shape) -> nn.Module:
    return _Gate(shape[0])


class _Gate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.layer(x.mean((2, 3))))[:, :, None, None]


def _always(function: Callable[..., Any]) -> Make:
    return lambda _draw, _shape: function


def _of_rank(*ranks: int) -> Callable[[Make], Make]:
    """A maker for values of these ranks alone."""
    return lambda make: lambda draw, shape: make(draw, shape) if len(shape) in ranks else None


IMAGES, SEQUENCES, MAPS, VECTORS = _of_rank(3), _of_rank(2), _of_rank(2, 3), _of_rank(1)
UNARY: dict[str, Make] = {
    name: _always(function)
    for name, function in {
        "relu": F.relu, "relu6": F.relu6, "leaky": lambda x: F.leaky_relu(x, 0.125), "sigmoid": torch.sigmoid,
        "tanh": torch.tanh, "silu": F.silu, "gelu": F.gelu, "hardswish": F.hardswish, "hardtanh": F.hardtanh,
        "elu": F.elu, "softplus": F.softplus, "abs": torch.abs, "neg": torch.neg, "square": torch.square,
        "sin": torch.sin, "clamp": lambda x: x.clamp(-0.5, 0.75), "hardsigmoid": F.hardsigmoid,
        "threshold": lambda x: F.threshold(x, 0.25, -0.5), "round": torch.round,
    }.items()
}  # fmt: skip
LAYERS: dict[str, Make] = {
    "linear": lambda draw, shape: nn.Linear(shape[-1], draw.randint(1, 8), bias=draw.random() < 0.7),
    "norm 1d": _of_rank(1, 2)(lambda _, shape: _norm(nn.BatchNorm1d(shape[0]))),
    "norm 2d": IMAGES(lambda _, shape: _norm(nn.BatchNorm2d(shape[0]))),
    "prelu": lambda draw, shape: _leaks(nn.PReLU(draw.choice([1, shape[0]]))),
    "conv": MAPS(_conv),
    "transposed": MAPS(_transposed),
    "maxpool": MAPS(lambda draw, shape: _pool(draw, shape, "Max")),
    "avgpool": MAPS(lambda draw, shape: _pool(draw, shape, "Avg")),
    "adaptive": IMAGES(lambda draw, _: nn.AdaptiveAvgPool2d(draw.randint(1, 3))),
    "gate": IMAGES(_gate),
    "softmax": lambda draw, shape: functools.partial(F.softmax, dim=_axis(draw, shape)),
    "mean": lambda draw, shape: _reduced(draw, shape, "mean"),
    "sum": lambda draw, shape: _reduced(draw, shape, "sum"),
    "amax": lambda draw, shape: _reduced(draw, shape, "amax"),
    "constant": _constant,
    "flatten": _always(lambda x: x.flatten(1)),
    "reshape": _reshape,
    "permute": _permute,
    "slice": _slice,
    "flip": lambda draw, shape: functools.partial(torch.flip, dims=[_axis(draw, shape) or 1]),
    "pad": MAPS(_pad),
    "pixel shuffle": IMAGES(lambda _, shape: nn.PixelShuffle(2) if shape[0] % 4 == 0 else None),
    "pixel unshuffle": IMAGES(lambda _, s: nn.PixelUnshuffle(2) if s[1] % 2 == s[2] % 2 == 0 else None),
    "channel shuffle": IMAGES(lambda _, shape: nn.ChannelShuffle(2) if shape[0] % 2 == 0 else None),
    "nearest": MAPS(lambda draw, _: nn.Upsample(scale_factor=draw.choice([2, 2, 3]))),
    "bilinear": IMAGES(lambda _, shape: nn.Upsample(scale_factor=2, mode="bilinear")),
}


def _leaks(layer: nn.PReLU) -> nn.PReLU:
    with torch.no_grad():
        layer.weight.uniform_(-0.5, 0.8)
    return layer


BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "maximum": torch.maximum, "minimum": torch.minimum,
    "cat": lambda a, b: torch.cat([a, b], 1), "stack": lambda a, b: torch.stack([a, b], 1),
}  # fmt: skip
HEADS: dict[str, Make] = {
    "argmax": lambda draw, shape: functools.partial(torch.argmax, dim=_axis(draw, shape))
}
SHAPES: Sequence[Shape] = ((4,), (7,), (12,), (3, 8), (5, 6), (2, 5, 5), (4, 4, 6), (1, 6, 6), (3, 4, 4))


class Dag(nn.Module):
    """Steps, each a name, a function, and the numbers of the values that it reads; the inputs come first."""

    def __init__(
        self, steps: Sequence[tuple[str, Any, tuple[int, ...]]], inputs: int, outputs: Sequence[int]
    ) -> None:
        super().__init__()
        self.steps, self.inputs, self.outputs = steps, inputs, tuple(outputs)
        self.layers = nn.ModuleList(step[1] for step in steps if isinstance(step[1], nn.Module))

    def values(self, *given: Tensor) -> list[Tensor]:
        found = list(given)
        for _, function, reads in self.steps:
            found.append(function(*(found[number] for number in reads)))
        return found

    def forward(self, *given: Tensor) -> Any:
        found = self.values(*given)
        results = tuple(found[number] for number in self.outputs)
        return results if len(results) > 1 else results[0]


class _One(Dag):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x)


class _Two(Dag):
    def forward(self, x: Tensor, y: Tensor) -> Any:
        return super().forward(x, y)


def make_dag(steps: Sequence[Any], inputs: int, outputs: Sequence[int]) -> Dag:
    """With a signature of named inputs."""
    return (_One if inputs == 1 else _Two)(steps, inputs, outputs).eval()


@dataclass(frozen=True)
class Drawn:
    """A network in integers, samples (an array, or one for each input), and how to build hardware for it."""

    seed: int
    q: Any
    x: Any
    hardware: Mapping[str, Any]
    described: str


@functools.cache
def _several(inputs: int, outputs: int) -> bool:
    steps = [("linear", nn.Linear(4, 4), (0,)), ("other", nn.Linear(4, 3), (inputs - 1,))]
    sizes = [inputs, inputs + 1] if outputs > 1 else [inputs + 1]
    module = make_dag(steps, inputs, sizes)
    try:
        hpq.from_torch(
            module, tuple(torch.zeros(1, 4) for _ in range(inputs)) if inputs > 1 else torch.zeros(1, 4)
        )
    except (hpq.HpqError, AttributeError, TypeError):
        return False
    return True


class _Drawing:
    """Draws the steps of one network."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        torch.manual_seed(seed)
        inputs = 2 if self.draw.random() < 0.3 and _several(2, 1) else 1
        self.shapes: list[Shape] = [self.draw.choice(SHAPES) for _ in range(inputs)]
        self.inputs, self.steps = inputs, []
        self.values = [torch.randn(2, *shape) for shape in self.shapes]

    def step(self, kinds: Mapping[str, Any]) -> bool:
        """Append one of the kinds, if it fits."""
        kind, at = self.draw.choice(list(kinds)), self._place()
        shape = tuple(self.values[at].shape[1:])
        if len(shape) > 3:
            return False
        reads = (at,)
        if kind in BINARY:
            partners = [
                i for i, value in enumerate(self.values) if value.shape == self.values[at].shape and i != at
            ]
            if not partners:
                return False
            function: Any = BINARY[kind]
            reads = (at, self.draw.choice(partners))
        else:
            function = kinds[kind](self.draw, shape)
        try:
            result = None if function is None else function(*(self.values[i] for i in reads))
        except (RuntimeError, ValueError, IndexError):
            return False
        if result is None or not 0 < result[0].numel() <= LARGEST or result.ndim not in (2, 3, 4):
            return False
        self.steps.append((kind, function, reads))
        self.values.append(result.detach())
        return True

    def _place(self) -> int:
        """Mostly the last value, and each input at last."""
        unread = [i for i in range(self.inputs) if not any(i in step[2] for step in self.steps)]
        if unread and self.draw.random() < 0.5:
            return self.draw.choice(unread)
        return len(self.values) - 1 if self.draw.random() < 0.7 else self.draw.randrange(len(self.values))

    def network(self) -> Dag | None:
        """The whole: layers, functions and joins, now and then a head."""
        for _ in range(self.draw.randint(3, 8)):
            for _ in range(10):
                if self.step(self.draw.choice([UNARY, LAYERS, LAYERS, LAYERS, BINARY, BINARY])):
                    break
        if self.draw.random() < 0.1:
            self.step(HEADS)
        read = {i for step in self.steps for i in step[2]}
        ends = [i for i in range(len(self.values)) if i not in read and i >= self.inputs]
        if not ends or any(i not in read for i in range(self.inputs)):
            return None
        if len(ends) > 1 and not _several(1, 2):
            return None
        if (
            len(ends) == 1
            and self.draw.random() < 0.1
            and len(self.values) - 2 >= self.inputs
            and _several(1, 2)
        ):
            ends.append(len(self.values) - 2)  # read inside too
        return make_dag(self.steps, self.inputs, sorted(set(ends))[-3:]) if len(ends) <= 3 else None


PRUNINGS = ("nothing", "few", "rows", "rows", "columns", "columns", "weights", "all")


def prune(draw: random.Random, module: nn.Module) -> None:
    """Without some rows, columns and weights of some layers, without all weights of others."""
    for part in module.modules():
        weight, bias = getattr(part, "weight", None), getattr(part, "bias", None)
        if not isinstance(weight, Tensor) or weight.ndim < 2:
            continue
        way, share = draw.choice(PRUNINGS), draw.choice([0.2, 0.5, 0.8])
        rows = torch.rand(weight.shape[0]) < (1 if way in ("weights", "all") else share)
        with torch.no_grad():
            if way == "few":
                weight *= torch.rand_like(weight) < share
            elif way == "columns":
                weight[:, torch.rand(weight.shape[1]) < share] = 0
            elif way != "nothing":
                weight[rows] = 0
                if bias is not None and len(bias) == len(rows) and (way == "all" or draw.random() < 0.3):
                    bias[rows] = 0


def drawn(seed: int, *, pruned: bool = False) -> Drawn:
    """The network of a seed; drawings that come to nothing are drawn again. pruned: see ``prune``."""
    for attempt in range(ATTEMPTS):
        drawing = _Drawing(seed * 1000 + attempt)
        module = drawing.network()
        if module is None:
            continue
        if pruned:
            prune(drawing.draw, module)
        rng = np.random.default_rng(seed)
        x = [(rng.normal(size=(6, *shape)) * 1.5).astype(np.float32) for shape in drawing.shapes]
        example = tuple(torch.from_numpy(part[:1]) for part in x)
        given = x[0] if len(x) == 1 else tuple(x)
        try:
            graph = hpq.from_torch(module, example if len(example) > 1 else example[0])
        except UnsupportedOperatorError:
            continue
        if all(node.op.weight is None and not node.op.casts for node in graph.nodes):
            continue  # names for the same elements, perhaps: no hardware
        rounding, overflow = drawing.draw.choice(MODES)
        try:
            q = hpq.quantize(
                graph,
                given,
                _widths(drawing.draw, graph, given),
                rounding=rounding,
                overflow=overflow,
                keep_zeros=pruned,
            )
        except PrecisionError:
            if not pruned:
                raise
            continue  # weights of one bit hold no zeros
        names = " ".join(
            f"{i + drawing.inputs}:{kind}{list(reads)}" for i, (kind, _, reads) in enumerate(drawing.steps)
        )
        return Drawn(
            seed, q, given, _hardware(drawing.draw, q), f"{drawing.shapes} {names} -> {module.outputs}"
        )
    raise AssertionError(f"no network from seed {seed}")


def _widths(draw: random.Random, graph: Any, x: Any) -> dict[str, Any]:
    """A width from 1 to 16 for every layer's weights and output."""
    q = hpq.quantize(graph, x)
    inner = {node.name for node in q.graph.nodes if node.inner is not None}
    most = draw.choice([4, 8, 16])
    widths: dict[str, dict[str, int]] = {}
    for name, layer in q.layers.items():
        if name in inner:
            continue
        own = {"activation": draw.randint(1, most)} if layer.op.casts else {}
        if layer.weight_raw is not None:
            own["weight"] = draw.randint(1, most)
        if own:
            widths[name] = own
    return {
        "default": {"weight": draw.randint(1, most), "activation": draw.randint(1, most)},
        "layers": widths,
    }


def _hardware(draw: random.Random, q: Any) -> dict[str, Any]:
    largest = max(
        (layer.weight_raw.size for layer in q.layers.values() if layer.weight_raw is not None), default=0
    )
    if draw.random() < 0.3 and largest < 150:
        return {"io": "parallel"}
    return {"io": "stream", "target_interval": draw.choice([None, 1, 30, 1000])}


def flat(values: Any) -> list[npt.NDArray[np.int64]]:
    """The arrays of all outputs."""
    return list(values.values()) if isinstance(values, Mapping) else [values]


def literal(network: Drawn) -> list[npt.NDArray[np.int64]]:
    """What the kernels of what is built say they compute, one after the other, of each sample."""
    hardware = dict(network.hardware)
    target = hardware.pop("target_interval", None)
    config = HardwareConfig(**hardware, target_interval=target)
    flow = build_dataflow(without_dead(network.q, config), config)
    raw = network.q.quantize_input(network.x)
    given = list(raw.values()) if isinstance(raw, Mapping) else [raw]
    made: list[list[npt.NDArray[np.int64]]] = [[] for _ in flow.outputs]
    for sample in range(len(given[0])):
        frames = {}
        for terminal, values in zip(flow.inputs, given, strict=True):
            stream = flow.streams[terminal.stream]
            travelling = values[sample].reshape(-1)[terminal.order]
            frames[terminal.stream] = travelling.reshape(stream.beats, stream.lanes)
        for kernel in flow.kernels:
            results = kernel.run([frames[name] for name in kernel.inputs], flow.streams)
            frames.update(zip(kernel.outputs, results, strict=True))
        for terminal, results in zip(flow.outputs, made, strict=True):
            tensor = np.empty(math.prod(terminal.shape), np.int64)
            tensor[terminal.order] = frames[terminal.stream].reshape(-1)
            results.append(tensor.reshape(terminal.shape))
    return [np.stack(results) for results in made]


def differences(
    network: Drawn, folder: Path, csim: bool = True, cosim: bool = True, certify: bool = False
) -> list[str]:
    """What is not equal, word by word, or not as estimated; empty where all is.

    certify: every kernel of what is generated is checked alone too.
    """
    wanted = flat(network.q.predict_raw(network.x))
    found = [("kernels", literal(network))]
    projects = []
    if csim:
        project = hpq.generate(network.q, folder / "hls", backend="vitis", oversize=True, **network.hardware)
        found.append(("csim", flat(project.csim(network.x))))
        projects.append(project)
    problems = []
    if cosim:
        project = hpq.generate(network.q, folder / "rtl", backend="rtl", oversize=True, **network.hardware)
        projects.append(project)
        result = project.cosim(network.x, scenarios=("back_to_back", "random_gaps"), seed=network.seed)
        problems += list(result.failures)
        found.append(("cosim", flat(result.raw)))
        told = hpq.estimate(network.q, **network.hardware)
        seen = result.latency_cycles, result.interval_cycles
        if seen != (told.latency_cycles, told.interval_cycles):
            problems.append(f"cycles {seen}, estimated {(told.latency_cycles, told.interval_cycles)}")
    for project in projects if certify else ():
        certificate = project.certify()
        if not certificate.passed:
            bad = [kernel.name for kernel in certificate.kernels if kernel.different]
            problems.append(f"{project.backend}: the certificate fails, kernels {bad}")
    for name, arrays in found:
        for number, (array, right) in enumerate(zip(arrays, wanted, strict=True)):
            if array.shape != right.shape or (array != right).any():
                problems.append(
                    f"{name}: output {number}: {np.sum(array != right)} of {right.size} words differ"
                )
    return problems
