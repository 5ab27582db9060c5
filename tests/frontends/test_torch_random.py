"""Whole random networks built from the supported operators."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hpq_hls.graph import Graph, prepare

Check = Callable[..., Graph]


class Residual(nn.Module):
    """Branches of equal shape, joined again."""

    def __init__(self, branch: nn.Module, augmented: bool) -> None:
        super().__init__()
        self.branch = branch
        self.augmented = augmented

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        if self.augmented:
            y += x
            return F.relu(y)
        return torch.add(x, y)


def window(draw: st.DrawFn, size: tuple[int, int]) -> dict[str, tuple[int, int]]:
    kernel = tuple(draw(st.integers(1, min(4, length))) for length in size)
    dilation = tuple(draw(st.integers(1, 2)) for _ in size)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    fits = all((k - 1) * d < n + 2 * p for k, d, n, p in zip(kernel, dilation, size, padding, strict=True))
    return {
        "kernel_size": kernel,
        "stride": tuple(draw(st.integers(1, 3)) for _ in size),
        "padding": padding,
        "dilation": dilation if fits else (1, 1),
    }


def convolution(draw: st.DrawFn, channels: int, size: tuple[int, int]) -> nn.Module:
    groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    settings_ = window(draw, size)
    if draw(st.booleans()):
        settings_ |= {"padding": "same", "stride": (1, 1)}
    return nn.Conv2d(
        channels, groups * draw(st.integers(1, 3)), groups=groups, bias=draw(st.booleans()), **settings_
    )


def image_layer(draw: st.DrawFn, channels: int, size: tuple[int, int]) -> nn.Module:
    kind = draw(
        st.sampled_from(["conv", "conv", "conv", "norm", "relu", "max", "average", "residual", "dropout"])
    )
    if kind == "conv":
        return convolution(draw, channels, size)
    if kind == "norm":
        return nn.BatchNorm2d(channels, affine=draw(st.booleans()))
    if kind == "relu":
        return nn.ReLU(inplace=draw(st.booleans()))
    if kind == "max":
        chosen = window(draw, size)
        if any(p > 0 for p in chosen["padding"]):
            chosen["dilation"] = (1, 1)
        return nn.MaxPool2d(**chosen, ceil_mode=draw(st.booleans()))
    if kind == "average":
        chosen = window(draw, size)
        del chosen["dilation"]
        return nn.AvgPool2d(**chosen, divisor_override=draw(st.sampled_from([None, None, 3])))
    if kind == "residual":
        inner = nn.Conv2d(channels, channels, 3, padding=1)
        norm = nn.BatchNorm2d(channels) if draw(st.booleans()) else nn.Identity()
        return Residual(nn.Sequential(inner, norm, nn.ReLU(inplace=True)), draw(st.booleans()))
    return nn.Dropout2d()


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Module, tuple[int, ...]]:
    shape = (draw(st.integers(1, 4)), draw(st.integers(3, 9)), draw(st.integers(3, 9)))
    layers: list[nn.Module] = [nn.Conv2d(shape[0], shape[0], 1)]
    x = torch.zeros(1, *shape)
    for _ in range(draw(st.integers(1, 6))):
        layers.append(image_layer(draw, x.shape[1], (x.shape[2], x.shape[3])))
        x = layers[-1].eval()(x)
    if draw(st.booleans()):
        layers.append(nn.AdaptiveAvgPool2d(1))
        x = layers[-1](x)
    layers.append(nn.Flatten())
    width = x[0].numel()
    for _ in range(draw(st.integers(0, 2))):
        outputs = draw(st.integers(1, 6))
        layers += [nn.Linear(width, outputs, bias=draw(st.booleans())), nn.BatchNorm1d(outputs), nn.ReLU()]
        width = outputs
    return nn.Sequential(*layers), shape


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(networks())
def test_random_network(same_as_torch: Check, drawn: tuple[nn.Module, tuple[int, ...]]) -> None:
    module, shape = drawn
    graph = same_as_torch(module, *shape)
    x = torch.randn(4, *shape, dtype=torch.float64).numpy()
    difference = abs(prepare(graph).predict(x) - graph.predict(x)).max()
    assert difference < 1e-9  # folding a batch-norm rounds once more
