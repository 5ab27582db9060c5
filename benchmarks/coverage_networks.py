"""Networks of the kinds that people have, and what hls4ml's tests of its PyTorch front end convert.

All are small: what is measured is whether they are imported and computed right, not how well they do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from coverage_features import Calls, Case, One, Shape, Two
from torch import Tensor, nn

S = nn.Sequential
RGB, GRAY, VEC, AUDIO, FRAMES = (3, 16, 16), (1, 16, 16), (16,), (1, 128), (10, 24)


def cbr(a: int, b: int, k: int = 3, s: int = 1, g: int = 1, act: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Convolution, batch-norm, activation."""
    return S(nn.Conv2d(a, b, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(b), act())


def cbr1(a: int, b: int, k: int = 3, s: int = 1, g: int = 1) -> nn.Sequential:
    """The same along one axis."""
    return S(nn.Conv1d(a, b, k, s, k // 2, groups=g, bias=False), nn.BatchNorm1d(b), nn.ReLU())


def head(c: int, classes: int = 5) -> nn.Sequential:
    """Global average, then one layer."""
    return S(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes))


def head1(c: int, classes: int = 5) -> nn.Sequential:
    """The same along one axis."""
    return S(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(c, classes))


class Sum(nn.Module):
    """Branches added up, then what follows."""

    def __init__(self, *branches: nn.Module, then: nn.Module | None = None) -> None:
        super().__init__()
        self.branches, self.then = nn.ModuleList(branches), then or nn.Identity()

    def forward(self, x: Tensor) -> Any:
        total = self.branches[0](x)
        for branch in self.branches[1:]:
            total = total + branch(x)
        return self.then(total)


class Cat(nn.Module):
    """Branches side by side."""

    def __init__(self, *branches: nn.Module, dim: int = 1) -> None:
        super().__init__()
        self.branches, self.dim = nn.ModuleList(branches), dim

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], self.dim)


class Gate(nn.Module):
    """What a branch makes of x, times x (squeeze and excitation and its kin)."""

    def __init__(self, gate: nn.Module, body: nn.Module | None = None) -> None:
        super().__init__()
        self.gate, self.body = gate, body or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) * self.gate(x)


class Heads(nn.Module):
    """A trunk and several outputs."""

    def __init__(self, trunk: nn.Module, *heads: nn.Module) -> None:
        super().__init__()
        self.trunk, self.heads = trunk, nn.ModuleList(heads)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.trunk(x)
        return tuple(one(x) for one in self.heads)


def fn(function: Callable[[Tensor], Tensor]) -> nn.Module:
    """A function of one value."""
    return One(function)


def se(c: int, conv: bool = True) -> nn.Module:
    """Squeeze and excitation, with 1x1 convolutions or linear layers."""
    if conv:
        ends = nn.Conv2d(c, c // 2, 1), nn.ReLU(), nn.Conv2d(c // 2, c, 1), nn.Sigmoid()
        return Gate(S(nn.AdaptiveAvgPool2d(1), *ends))
    layers = nn.Linear(c, c // 2), nn.ReLU(), nn.Linear(c // 2, c), nn.Hardsigmoid()
    return Gate(S(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *layers, fn(lambda x: x[:, :, None, None])))


def basic(a: int, b: int, s: int = 1, option: str = "B") -> nn.Module:
    """A basic block of ResNet."""
    shortcut: nn.Module = nn.Identity()
    if a != b and option == "A":
        shortcut = fn(lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, (b - a) // 2, (b - a) // 2), "constant", 0))
    elif a != b:
        shortcut = S(nn.Conv2d(a, b, 1, s, bias=False), nn.BatchNorm2d(b))
    return Sum(S(cbr(a, b, 3, s), nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)), shortcut, then=nn.ReLU())


def inverted(a: int, b: int, s: int = 1, act: Callable[[], nn.Module] = nn.ReLU6, gate: bool = False) -> nn.Module:
    """A block of MobileNet v2 or v3."""
    wide = a * 2
    middle = [se(wide, conv=False)] if gate else []
    body = S(cbr(a, wide, 1, act=act), cbr(wide, wide, 3, s, wide, act), *middle, nn.Conv2d(wide, b, 1), nn.BatchNorm2d(b))
    return Sum(nn.Identity(), body) if s == 1 and a == b else body


def fire(a: int, b: int) -> nn.Module:
    """SqueezeNet's."""
    return S(nn.Conv2d(a, b, 1), nn.ReLU(), Cat(S(nn.Conv2d(b, b, 1), nn.ReLU()), S(nn.Conv2d(b, b, 3, padding=1), nn.ReLU())))


class ShuffleUnit(nn.Module):
    """ShuffleNet v2: half of the channels pass, then all are shuffled."""

    def __init__(self, c: int) -> None:
        super().__init__()
        h = c // 2
        self.branch = S(cbr(h, h, 1), nn.Conv2d(h, h, 3, 1, 1, groups=h), nn.BatchNorm2d(h), cbr(h, h, 1))

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        x = torch.cat((a, self.branch(b)), dim=1)
        n, c, h, w = x.size()
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


class UNet(nn.Module):
    """Two levels; up: how the lower one is brought to the upper one's size."""

    def __init__(self, up: nn.Module, act: Callable[[], nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.enc, self.mid, self.up = cbr(1, 6, act=act), cbr(6, 8, act=act), up
        self.dec, self.out = cbr(14, 6, act=act), nn.Conv2d(6, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        e = self.enc(x)
        m = self.mid(F.max_pool2d(e, 2))
        return self.out(self.dec(torch.cat([self.up(m), e], dim=1)))


class Causal(nn.Module):
    """A dilated causal convolution as in WaveNet: gated, with a residual and a skip branch."""

    def __init__(self, c: int, d: int) -> None:
        super().__init__()
        self.pad, self.f, self.g = d, nn.Conv1d(c, c, 2, dilation=d), nn.Conv1d(c, c, 2, dilation=d)
        self.out = nn.Conv1d(c, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.pad(x, (self.pad, 0))
        return x + self.out(torch.tanh(self.f(y)) * torch.sigmoid(self.g(y)))


class Temporal(nn.Module):
    """A block of a temporal convolutional net: padded on both sides, then chomped."""

    def __init__(self, a: int, b: int, d: int) -> None:
        super().__init__()
        self.d, self.conv, self.down = d, nn.Conv1d(a, b, 3, padding=2 * d, dilation=d), nn.Conv1d(a, b, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(F.relu(self.conv(x)[:, :, : -2 * self.d].contiguous()) + self.down(x))


class Vae(nn.Module):
    """Encoder and decoder; in evaluation the mean is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.enc, self.mu, self.logvar = nn.Linear(16, 12), nn.Linear(12, 4), nn.Linear(12, 4)
        self.dec = S(nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 16), nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.enc(x))
        mu, logvar = self.mu(h), self.logvar(h)
        return self.dec(mu), mu, logvar


class Fpn(nn.Module):
    """Two levels of a feature pyramid, each with an output."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = cbr(3, 6), cbr(6, 8, s=2)
        self.la, self.lb, self.out = nn.Conv2d(6, 5, 1), nn.Conv2d(8, 5, 1), nn.Conv2d(5, 4, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a = self.a(x)
        top = self.lb(self.b(a))
        return self.out(self.la(a) + F.interpolate(top, scale_factor=2, mode="nearest")), self.out(top)


class Ssd(nn.Module):
    """Boxes and classes from two scales, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = cbr(3, 8, s=2), cbr(8, 8, s=2)
        self.loc = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)])
        self.conf = nn.ModuleList([nn.Conv2d(8, 6, 3, padding=1), nn.Conv2d(8, 6, 3, padding=1)])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a = self.a(x)
        maps = [a, self.b(a)]
        loc = [l(m).permute(0, 2, 3, 1).reshape(x.size(0), -1, 4) for l, m in zip(self.loc, maps, strict=True)]
        conf = [c(m).permute(0, 2, 3, 1).reshape(x.size(0), -1, 3) for c, m in zip(self.conf, maps, strict=True)]
        return torch.cat(loc, 1), torch.cat(conf, 1)


class Siamese(nn.Module):
    """One trunk for two inputs."""

    def __init__(self, join: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.trunk, self.out, self.join = S(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 6)), nn.Linear(6, 1), join

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.sigmoid(self.out(self.join(self.trunk(x), self.trunk(y))))


class Dueling(nn.Module):
    """Value and advantage."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.v, self.a = S(nn.Linear(16, 12), nn.ReLU()), nn.Linear(12, 1), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.trunk(x)
        v, a = self.v(x), self.a(x)
        return v + a - a.mean(dim=1, keepdim=True)


class Mixer(nn.Module):
    """A block of an MLP-Mixer over (steps, features)."""

    def __init__(self, t: int, c: int) -> None:
        super().__init__()
        self.t, self.c = S(nn.Linear(t, t), nn.ReLU()), S(nn.Linear(c, c), nn.GELU(), nn.Linear(c, c))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.t(x.transpose(1, 2)).transpose(1, 2)
        return x + self.c(x)


class Normalise(nn.Module):
    """Normalisation inside the model."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.48, 0.46, 0.41]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.23, 0.22, 0.23]).view(1, 3, 1, 1))
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return self.body((x - self.mean) / self.std)


class Ghost(nn.Module):
    """A module of GhostNet: half of the channels by a cheap operation on the others."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.b, self.primary, self.cheap = b, cbr(a, (b + 1) // 2, 1), cbr((b + 1) // 2, (b + 1) // 2, 3, g=(b + 1) // 2)

    def forward(self, x: Tensor) -> Tensor:
        a = self.primary(x)
        return torch.cat([a, self.cheap(a)], dim=1)[:, : self.b]


def dense(a: int, growth: int, count: int) -> nn.Module:
    """A block of DenseNet, normalisation first."""
    layers = [
        Cat(nn.Identity(), S(nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, growth, 3, padding=1, bias=False)))
        for c in range(a, a + growth * count, growth)
    ]
    return S(*layers)


def mlp(*sizes: int, act: Callable[[], nn.Module] = nn.ReLU, last: nn.Module | None = None) -> nn.Sequential:
    """Linear layers with activations between them."""
    layers: list[nn.Module] = []
    for a, b in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(a, b), act()]
    return S(*layers[:-1], *([last] if last else []))


def dw(a: int, b: int, s: int = 1) -> nn.Sequential:
    """Depthwise separable, as in MobileNet v1."""
    return S(cbr(a, a, 3, s, a), cbr(a, b, 1))


def up(mode: str) -> nn.Module:
    """To twice the size."""
    return nn.Upsample(scale_factor=2, mode=mode)


def _pointnet() -> nn.Module:
    return S(cbr1(3, 8, 1), cbr1(8, 12, 1), fn(lambda x: torch.max(x, 2)[0]), mlp(12, 8, 4))


def _hsigmoid_net() -> nn.Module:
    return S(cbr(3, 8, s=2, act=nn.Hardswish), inverted(8, 8, 1, nn.Hardswish, True), inverted(8, 12, 2, nn.ReLU, True), head(12))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "MLP": (lambda: mlp(16, 12, 8, 5), VEC),
    "MLP tanh": (lambda: mlp(16, 12, 5, act=nn.Tanh), VEC),
    "MLP softmax head": (lambda: mlp(16, 12, 5, last=nn.Softmax(dim=1)), VEC),
    "MLP sigmoid head": (lambda: mlp(16, 12, 1, last=nn.Sigmoid()), VEC),
    "MLP log-softmax head": (lambda: mlp(16, 12, 5, act=nn.LeakyReLU, last=nn.LogSoftmax(dim=1)), VEC),
    "MLP argmax head": (lambda: S(mlp(16, 12, 5), fn(lambda x: x.argmax(1))), VEC),
    "MLP SELU with dropout": (lambda: S(nn.Linear(16, 8), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(8, 3)), VEC),
    "MLP batch-norm first": (lambda: S(nn.BatchNorm1d(16), nn.Linear(16, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3)), VEC),
    "ResMLP": (lambda: S(Sum(nn.Identity(), mlp(16, 12, 16)), nn.ReLU(), nn.Linear(16, 4)), VEC),
    "LeNet": (lambda: S(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 8, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32, 10), nn.Softmax(1)), GRAY),
    "VGG": (lambda: S(cbr(3, 8), cbr(8, 8), nn.MaxPool2d(2), cbr(8, 12), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(192, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 5)), RGB),
    "VGG with adaptive pool": (lambda: S(cbr(3, 8), nn.MaxPool2d(2), cbr(8, 8), nn.AdaptiveAvgPool2d((4, 4)), nn.Flatten(), nn.Linear(128, 5)), RGB),
    "All-CNN": (lambda: S(cbr(3, 8), cbr(8, 8, s=2), cbr(8, 5, 1), fn(lambda x: x.mean((2, 3)))), RGB),
    "NiN": (lambda: S(cbr(3, 8, 5), cbr(8, 8, 1), nn.MaxPool2d(3, 2, 1), cbr(8, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), RGB),
    "ResNet option A": (lambda: S(cbr(3, 4), basic(4, 4), basic(4, 8, 2, "A"), head(8)), RGB),
    "ResNet option B": (lambda: S(cbr(3, 4), basic(4, 4), basic(4, 8, 2), head(8)), RGB),
    "ResNet with stem": (lambda: S(cbr(3, 4, 7, 2), nn.MaxPool2d(3, 2, 1), basic(4, 8, 2), head(8)), RGB),
    "preactivation ResNet": (lambda: S(nn.Conv2d(3, 6, 3, padding=1), Sum(nn.Identity(), S(nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1))), nn.BatchNorm2d(6), nn.ReLU(), head(6)), RGB),
    "ResNeXt": (lambda: S(cbr(3, 8), Sum(nn.Identity(), S(cbr(8, 8, 1), cbr(8, 8, 3, g=4), nn.Conv2d(8, 8, 1)), then=nn.ReLU()), head(8)), RGB),
    "SE-ResNet": (lambda: S(cbr(3, 8), Sum(nn.Identity(), S(cbr(8, 8), se(8)), then=nn.ReLU()), head(8)), RGB),
    "SE with linear layers": (lambda: S(cbr(3, 8), se(8, conv=False), head(8)), RGB),
    "spatial attention (CBAM)": (lambda: S(cbr(3, 8), Gate(S(Cat(fn(lambda x: x.mean(1, keepdim=True)), fn(lambda x: x.amax(1, keepdim=True))), nn.Conv2d(2, 1, 3, padding=1), nn.Sigmoid())), head(8)), RGB),
    "MobileNet v1": (lambda: S(cbr(3, 8, s=2), dw(8, 12), dw(12, 16, 2), head(16)), RGB),
    "MobileNet v2": (lambda: S(cbr(3, 8, s=2, act=nn.ReLU6), inverted(8, 8), inverted(8, 12, 2), cbr(12, 16, 1, act=nn.ReLU6), head(16)), RGB),
    "MobileNet v3": (_hsigmoid_net, RGB),
    "EfficientNet-like": (lambda: S(cbr(3, 8, s=2, act=nn.SiLU), inverted(8, 8, 1, nn.SiLU, True), head(8)), RGB),
    "ShuffleNet v1-like": (lambda: S(cbr(3, 8, s=2), nn.Conv2d(8, 8, 1, groups=2), nn.ChannelShuffle(2), cbr(8, 8, g=8), head(8)), RGB),
    "ShuffleNet v2": (lambda: S(cbr(3, 8, s=2), ShuffleUnit(8), ShuffleUnit(8), head(8)), RGB),
    "SqueezeNet": (lambda: S(nn.Conv2d(3, 8, 3, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, ceil_mode=True), fire(8, 4), fire(8, 4), nn.Dropout(0.5), nn.Conv2d(8, 5, 1), nn.ReLU(True), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()), RGB),
    "DenseNet": (lambda: S(nn.Conv2d(3, 6, 3, padding=1), dense(6, 4, 2), nn.BatchNorm2d(14), nn.ReLU(), nn.Conv2d(14, 7, 1), nn.AvgPool2d(2), dense(7, 4, 2), nn.BatchNorm2d(15), nn.ReLU(), head(15)), RGB),
    "Inception-like": (lambda: S(cbr(3, 8), Cat(cbr(8, 4, 1), S(cbr(8, 4, 1), cbr(4, 6)), S(cbr(8, 2, 1), cbr(2, 4, 5)), S(nn.MaxPool2d(3, 1, 1), cbr(8, 2, 1))), head(16)), RGB),
    "GhostNet-like": (lambda: S(cbr(3, 8, s=2), Ghost(8, 9), Ghost(9, 8), head(8)), RGB),
    "ConvMixer": (lambda: S(nn.Conv2d(3, 8, 2, 2), nn.GELU(), nn.BatchNorm2d(8), Sum(nn.Identity(), S(nn.Conv2d(8, 8, 3, groups=8, padding="same"), nn.GELU(), nn.BatchNorm2d(8))), nn.Conv2d(8, 8, 1), nn.GELU(), nn.BatchNorm2d(8), head(8)), RGB),
    "RepVGG": (lambda: S(Sum(S(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)), S(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)), then=nn.ReLU()), head(8)), RGB),
    "Maxout network": (lambda: S(nn.Linear(16, 12), fn(lambda x: x.view(-1, 6, 2).max(2)[0]), nn.Linear(6, 3)), VEC),
    "highway network": (lambda: S(nn.Linear(16, 8), fn(torch.relu), _highway(8), nn.Linear(8, 3)), VEC),
    "normalisation inside": (lambda: Normalise(S(cbr(3, 8, s=2), head(8))), RGB),
    "x / 255 inside": (lambda: S(fn(lambda x: x / 255.0), cbr(3, 8, s=2), head(8)), RGB),
    "x * 2 - 1 inside": (lambda: S(fn(lambda x: x * 2 - 1), cbr(3, 8, s=2), head(8)), RGB),
    "SRCNN": (lambda: S(nn.Conv2d(1, 8, 9, padding=4), nn.ReLU(), nn.Conv2d(8, 6, 1), nn.ReLU(), nn.Conv2d(6, 1, 5, padding=2)), GRAY),
    "ESPCN": (lambda: S(nn.Conv2d(1, 8, 5, padding=2), nn.Tanh(), nn.Conv2d(8, 4, 3, padding=1), nn.PixelShuffle(2), nn.Sigmoid()), GRAY),
    "FSRCNN": (lambda: S(nn.Conv2d(1, 8, 5, padding=2), nn.PReLU(8), nn.Conv2d(8, 4, 1), nn.PReLU(4), nn.Conv2d(4, 4, 3, padding=1), nn.PReLU(4), nn.ConvTranspose2d(4, 1, 9, 2, 4, output_padding=1)), (1, 8, 8)),
    "EDSR-like": (lambda: S(nn.Conv2d(3, 8, 3, padding=1), Sum(nn.Identity(), S(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), fn(lambda x: x * 0.1))), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2)), (3, 8, 8)),
    "VDSR": (lambda: Sum(nn.Identity(), S(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))), GRAY),
    "bicubic-free upscaler": (lambda: Sum(up("bilinear"), S(nn.Conv2d(1, 4, 3, padding=1), nn.PixelShuffle(2))), (1, 8, 8)),
    "DnCNN": (lambda: Sum(nn.Identity(), S(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), cbr(6, 6), nn.Conv2d(6, 1, 3, padding=1), fn(torch.neg))), GRAY),
    "U-Net transposed": (lambda: UNet(nn.ConvTranspose2d(8, 8, 2, 2)), GRAY),
    "U-Net bilinear": (lambda: UNet(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)), GRAY),
    "U-Net bilinear corners": (lambda: UNet(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)), GRAY),
    "U-Net nearest": (lambda: UNet(up("nearest"), nn.LeakyReLU), GRAY),
    "FCN": (lambda: S(cbr(3, 8, s=2), cbr(8, 8, s=2), nn.Conv2d(8, 4, 1), nn.ConvTranspose2d(4, 4, 8, 4, 2)), RGB),
    "DeepLab-like": (lambda: S(cbr(3, 6, s=2), Cat(*[S(nn.Conv2d(6, 4, 3, padding=d, dilation=d), nn.ReLU()) for d in (1, 2, 3)]), nn.Conv2d(12, 3, 1), up("bilinear")), RGB),
    "SegNet argmax": (lambda: S(cbr(3, 6), nn.MaxPool2d(2), cbr(6, 6), up("nearest"), nn.Conv2d(6, 3, 3, padding=1), fn(lambda x: x.argmax(1))), RGB),
    "autoencoder": (lambda: mlp(16, 8, 3, 8, 16, last=nn.Sigmoid()), VEC),
    "convolutional autoencoder": (lambda: S(nn.Conv2d(1, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 6, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(6, 1, 3, 2, 1, 1), nn.Sigmoid()), GRAY),
    "VAE": (Vae, VEC),
    "DCGAN generator": (lambda: S(nn.Unflatten(1, (16, 1, 1)), nn.ConvTranspose2d(16, 8, 4, 1, 0, bias=False), nn.BatchNorm2d(8), nn.ReLU(True), nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(True), nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Tanh()), VEC),
    "DCGAN discriminator": (lambda: S(nn.Conv2d(1, 6, 4, 2, 1), nn.LeakyReLU(0.2, True), nn.Conv2d(6, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.LeakyReLU(0.2, True), nn.Conv2d(8, 1, 4, 1, 0), nn.Sigmoid(), nn.Flatten()), GRAY),
    "MLP generator": (lambda: S(mlp(16, 12, 24, act=lambda: nn.LeakyReLU(0.2)), nn.Tanh(), fn(lambda z: z.view(z.size(0), 1, 4, 6))), VEC),
    "YOLO tiny": (lambda: S(cbr(3, 8, act=lambda: nn.LeakyReLU(0.1)), nn.MaxPool2d(2), cbr(8, 8, act=lambda: nn.LeakyReLU(0.1)), nn.MaxPool2d(2), nn.Conv2d(8, 14, 1)), RGB),
    "YOLO head reshaped": (lambda: S(cbr(3, 8, s=2), nn.Conv2d(8, 14, 1), fn(lambda x: x.view(x.size(0), 2, 7, 8, 8).permute(0, 1, 3, 4, 2))), RGB),
    "YOLO decoded": (lambda: S(cbr(3, 8, s=2, act=nn.SiLU), nn.Conv2d(8, 5, 1), fn(lambda x: torch.cat([x[:, :2].sigmoid(), x[:, 2:4].exp(), x[:, 4:].sigmoid()], 1))), RGB),
    "SSD": (Ssd, RGB),
    "FPN": (Fpn, RGB),
    "CenterNet heads": (lambda: Heads(S(cbr(3, 8, s=2), cbr(8, 8)), S(nn.Conv2d(8, 3, 1), nn.Sigmoid()), nn.Conv2d(8, 2, 1)), RGB),
    "keypoints and visibility": (lambda: Heads(S(cbr(3, 8, s=2), nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(8, 10), S(nn.Linear(8, 5), nn.Sigmoid())), RGB),
    "SPP": (lambda: S(cbr(3, 8, s=2), Cat(nn.Identity(), nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(5, 1, 2)), head(24)), RGB),
    "DS-CNN": (lambda: S(cbr(1, 8, 5, 2), dw(8, 8), dw(8, 8), nn.Dropout(0.2), head(8, 12)), (1, 24, 10)),
    "TC-ResNet": (lambda: S(cbr1(24, 8), Sum(S(cbr1(8, 12, 9, 2), nn.Conv1d(12, 12, 9, padding=4), nn.BatchNorm1d(12)), cbr1(8, 12, 1, 2), then=nn.ReLU()), head1(12)), (24, 20)),
    "M5 raw audio": (lambda: S(nn.Conv1d(1, 8, 16, 4), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(4), cbr1(8, 8), fn(lambda x: F.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1)), nn.Linear(8, 5), nn.LogSoftmax(dim=2)), AUDIO),
    "matchbox-like": (lambda: S(cbr1(10, 8, 5), Sum(cbr1(8, 8, 7, g=8), nn.Identity()), nn.Conv1d(8, 4, 1), nn.AdaptiveAvgPool1d(1), nn.Flatten()), FRAMES),
    "1d CNN for ECG": (lambda: S(nn.Conv1d(1, 8, 5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 8, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, 4)), AUDIO),
    "1d U-Net": (lambda: Cat(nn.Identity(), S(nn.Conv1d(1, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose1d(4, 2, 4, 2, 1))), AUDIO),
    "WaveNet-like": (lambda: S(nn.Conv1d(1, 6, 1), Causal(6, 1), Causal(6, 2), nn.ReLU(), nn.Conv1d(6, 4, 1)), (1, 32)),
    "temporal conv net": (lambda: S(Temporal(10, 8, 1), Temporal(8, 8, 2), fn(lambda x: x[:, :, -1]), nn.Linear(8, 2)), FRAMES),
    "MLP-Mixer": (lambda: S(Mixer(10, 24), fn(lambda x: x.mean(dim=1)), nn.Linear(24, 3)), FRAMES),
    "DLinear": (lambda: S(Sum(nn.Linear(24, 6), S(nn.AvgPool1d(5, 1, 2), nn.Linear(24, 6)))), FRAMES),
    "jet tagging": (lambda: mlp(16, 32, 16, 16, 5, last=nn.Softmax(dim=-1)), VEC),
    "deep sets": (lambda: S(mlp(6, 8, 8, act=nn.ReLU), fn(lambda x: x.sum(dim=1)), mlp(8, 8, 3)), (12, 6)),
    "deep sets mean": (lambda: S(mlp(6, 8, 8, act=nn.SiLU), fn(lambda x: torch.mean(x, 1)), mlp(8, 8, 3)), (12, 6)),
    "PointNet-like": (_pointnet, (3, 20)),
    "interaction features": (lambda: Gate(nn.Linear(16, 16), nn.Linear(16, 16)), VEC),
    "siamese difference": (lambda: Siamese(lambda a, b: torch.abs(a - b)), (VEC, VEC)),
    "siamese product": (lambda: Siamese(lambda a, b: a * b), (VEC, VEC)),
    "late fusion": (lambda: Siamese(lambda a, b: torch.maximum(a, b)), (VEC, VEC)),
    "image and metadata": (lambda: _Fusion(), (RGB, VEC)),
    "dueling DQN": (Dueling, VEC),
    "policy and value": (lambda: Heads(mlp(16, 12, 12, act=nn.Tanh), S(nn.Linear(12, 4), nn.Softmax(-1)), S(nn.Linear(12, 1), nn.Tanh())), VEC),
    "Gaussian actor": (lambda: Heads(mlp(16, 12, 12), S(nn.Linear(12, 2), nn.Tanh()), S(nn.Linear(12, 2), fn(lambda x: torch.exp(x.clamp(-5, 2))))), VEC),
    "Atari DQN-like": (lambda: S(nn.Conv2d(4, 8, 8, 4), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4)), (4, 20, 20)),
    "physics-informed (SIREN)": (lambda: S(nn.Linear(2, 12), fn(lambda x: torch.sin(3 * x)), nn.Linear(12, 12), fn(torch.sin), nn.Linear(12, 1)), (2,)),
    "mixture density": (lambda: Heads(mlp(16, 8, 8, act=nn.ELU), S(nn.Linear(8, 3), nn.Softmax(1)), nn.Linear(8, 3), S(nn.Linear(8, 3), nn.Softplus())), VEC),
    "3d CNN": (lambda: S(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2)), (1, 6, 6, 6)),
    "LSTM classifier": (lambda: Calls(nn.LSTM(24, 6, batch_first=True), lambda m, x: m(x)[0][:, -1]), FRAMES),
    "transformer encoder": (lambda: nn.TransformerEncoderLayer(24, 2, 16, batch_first=True), FRAMES),
}
MAY_BE_REFUSED = ("3d CNN", "LSTM classifier", "transformer encoder")


class _Highway(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.h, self.t = nn.Linear(c, c), nn.Linear(c, c)

    def forward(self, x: Tensor) -> Tensor:
        t = torch.sigmoid(self.t(x))
        return F.relu(self.h(x)) * t + x * (1 - t)


_highway = _Highway


class _Fusion(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image, self.meta, self.out = S(cbr(3, 8, s=2), head(8, 6)), mlp(16, 6), nn.Linear(12, 3)

    def forward(self, image: Tensor, meta: Tensor) -> Tensor:
        return self.out(torch.cat([self.image(image), F.relu(self.meta(meta))], dim=1))


def networks() -> list[Case]:
    """Those of NETWORKS."""
    return [_case("networks", name, make, given, name in MAY_BE_REFUSED) for name, (make, given) in NETWORKS.items()]


def _case(group: str, name: str, make: Callable[[], Any], given: Any, optional: bool = False) -> Case:
    shapes: tuple[Shape, ...] = given if isinstance(given[0], tuple) else (given,)
    return Case(group, name, make, shapes, optional=optional)


# ---------------------------------------------------------------------------------------------
# What test/pytest/*pytorch*.py of hls4ml 1.3.0 converts: its layers and shapes, written anew.


def _named() -> nn.Module:
    return S(OrderedDict(conv_1=nn.Conv2d(1, 20, 5), relu_1=nn.ReLU(), conv_2=nn.Conv2d(20, 64, 5), relu_2=nn.ReLU()))


def _plain() -> nn.Module:
    return S(nn.Conv2d(1, 20, 5), nn.ReLU(), nn.Conv2d(20, 64, 5), nn.ReLU())


def _profiled(*layers: nn.Module) -> Callable[[], nn.Module]:
    return lambda: S(*layers)


def hls4ml() -> list[Case]:
    """The configurations that torch itself runs, but for recurrent layers and LayerNorm."""
    made: dict[str, tuple[Callable[[], Any], Any]] = {
        "linear": (lambda: S(nn.Linear(1, 1)), (1,)),
        "backend config": (lambda: S(nn.Linear(1, 2), nn.ReLU()), (1,)),
    }
    modules = (nn.Softmax(dim=-1), nn.ReLU(), nn.Tanh(), nn.LeakyReLU(1.0), nn.ELU(1.0), nn.PReLU(init=0.25),
               nn.Sigmoid(), nn.Threshold(1.0, 0.0))
    made |= {f"activation {m}": (lambda m=m: S(nn.Linear(1, 1), m), (1,)) for m in modules}
    functions = {
        "relu": F.relu, "softmax": lambda x: F.softmax(x, dim=-1), "tanh": F.tanh,
        "leaky_relu": lambda x: F.leaky_relu(x, negative_slope=1.0), "elu": lambda x: F.elu(x, alpha=1.0),
        "sigmoid": F.sigmoid, "threshold": lambda x: F.threshold(x, threshold=1.0, value=0.0),
    }
    made |= {f"functional {name}": (lambda f=f: One(f), (1,)) for name, f in functions.items()}
    for p in (0, 1):
        made[f"conv1d, padding {p}"] = lambda p=p: S(nn.Conv1d(2, 2, 3, padding=p), nn.ReLU()), (2, 4)
        made[f"conv2d, padding {p}"] = lambda p=p: S(nn.Conv2d(2, 2, 3, padding=p), nn.ReLU()), (2, 4, 4)
        for pool in (nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d):
            shape = (2, 121) if "1d" in pool.__name__ else (2, 15, 18)
            made[f"{pool.__name__}, padding {p}"] = lambda pool=pool, p=p: S(pool(2, padding=p)), shape
    conv = {1: (nn.Conv1d, 6, (1, 8)), 2: (nn.Conv2d, 36, (1, 8, 8))}
    for rank, (layer, size, shape) in conv.items():
        made[f"transpose removed, rank {rank}"] = (
            lambda layer=layer, size=size: S(layer(1, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4 * size, 5, bias=False), nn.ReLU())
        ), shape
    outer = "bi,bj->bij"
    made |= {
        "batch-norm behind ReLU": (lambda: S(nn.Linear(5, 8), nn.ReLU(), nn.BatchNorm1d(8)), (5,)),
        "squeeze": (lambda: Calls(nn.Linear(5, 3, bias=False), lambda m, x: torch.relu(torch.squeeze(m(torch.unsqueeze(x, dim=1)), 1))), (5,)),
        "flatten": (lambda: S(nn.Conv2d(1, 32, 5, 1, 1), nn.Flatten(), nn.ReLU()), (1, 5, 5)),
        "skipped layers": (lambda: S(nn.Conv1d(3, 6, 3, bias=False), nn.ReLU(), nn.Conv1d(6, 5, 3, bias=False), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(20, 6, bias=False), nn.Dropout(), nn.Linear(6, 5, bias=False)), (3, 8)),
        "view": (lambda: Calls(nn.Conv1d(5, 5, 3, bias=False), lambda m, x: m(x).view(-1, 30)), (5, 8)),
        "einsum outer product": (lambda: Two(lambda x, y: torch.einsum(outer, x, y)), ((3,), (4,))),
        "einsum matrix product": (lambda: Two(lambda x, y: torch.einsum("bij,bjk->bik", x, y)), ((3, 4), (4, 5))),
        "einsum of one value": (lambda: Calls(nn.Linear(4, 4), lambda m, x: torch.einsum("ij,ij->i", m(x), m(x))), (4,)),
        "sequence, unnamed": (_plain, (1, 16, 16)),
        "sequence, named": (_named, (1, 16, 16)),
        "sequence inside, unnamed": (lambda: Calls(_plain(), lambda m, x: m(x)), (1, 16, 16)),
        "sequence inside, named": (lambda: Calls(_named(), lambda m, x: m(x)), (1, 16, 16)),
        "reverse (extension)": (lambda: S(nn.ReLU(), One(lambda x: torch.flip(x, dims=[-1])), nn.ReLU()), (8,)),
        "upsampling 1d": (lambda: S(nn.Upsample(scale_factor=2), nn.ReLU()), (4, 8)),
        "upsampling 2d": (lambda: S(nn.UpsamplingNearest2d(scale_factor=(1, 2.4)), nn.ReLU()), (4, 6, 8)),
        "constant padding 1d": (lambda: S(nn.ConstantPad1d((2, 3), 0)), (2, 4)),
        "constant padding 2d": (lambda: S(nn.ConstantPad2d((1, 2, 3, 4), 0)), (2, 3, 4)),
        "batch-norm": (lambda: S(nn.BatchNorm1d(16)), (16,)),
        "batch-norm fused": (lambda: S(nn.Conv1d(2, 2, 3, padding=1, bias=False), nn.BatchNorm1d(2), nn.ReLU()), (2, 32)),
        "profiler: two linear": (_profiled(nn.Linear(10, 20), nn.Linear(20, 5)), (10,)),
        "profiler: batch-norm": (_profiled(nn.Linear(10, 20), nn.BatchNorm1d(20)), (10,)),
        "profiler: Conv1d": (_profiled(nn.Linear(10, 20), nn.Linear(20, 5), nn.Conv1d(3, 16, kernel_size=3)), (3, 10)),
        "profiler: Conv2d": (_profiled(nn.Linear(15, 30), nn.Linear(30, 15), nn.Conv2d(1, 32, kernel_size=3)), (1, 5, 15)),
    }
    both = ((3, 10, 10), (3, 10, 10))
    made["merge cat"] = lambda: Two(lambda x, y: torch.cat([x, y], dim=1)), both
    for op in (torch.add, torch.mul, torch.sub, torch.minimum, torch.maximum):
        made[f"merge {op.__name__}"] = lambda op=op: Two(op), both
    return [_case("hls4ml", name, make, given, "einsum" in name or "2d" in name and "up" in name) for name, (make, given) in made.items()]
