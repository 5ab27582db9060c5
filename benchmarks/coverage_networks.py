"""Networks of the kinds that people have, and what hls4ml's tests of its PyTorch front end convert.

All are small: what is measured is whether they are imported and computed right, not how well they do.
"""

from __future__ import annotations

import functools
import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (as people write it)
from coverage_features import NAMES, Case, One
from torch import Tensor, nn

S = nn.Sequential


def cbr(
    a: int, b: int, k: int = 3, s: int = 1, g: int = 1, act: Callable[[], nn.Module] = nn.ReLU
) -> nn.Sequential:
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


def se(c: int, conv: bool = True) -> nn.Module:
    """Squeeze and excitation, with 1x1 convolutions or linear layers."""
    if conv:
        ends = nn.Conv2d(c, c // 2, 1), nn.ReLU(), nn.Conv2d(c // 2, c, 1), nn.Sigmoid()
        return Gate(S(nn.AdaptiveAvgPool2d(1), *ends))
    layers = nn.Linear(c, c // 2), nn.ReLU(), nn.Linear(c // 2, c), nn.Hardsigmoid()
    return Gate(S(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *layers, One(lambda x: x[:, :, None, None])))


def basic(a: int, b: int, s: int = 1, option: str = "B") -> nn.Module:
    """A basic block of ResNet."""
    shortcut: nn.Module = nn.Identity()
    if a != b and option == "A":
        shortcut = One(
            lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, (b - a) // 2, (b - a) // 2), "constant", 0)
        )
    elif a != b:
        shortcut = S(nn.Conv2d(a, b, 1, s, bias=False), nn.BatchNorm2d(b))
    return Sum(
        S(cbr(a, b, 3, s), nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)), shortcut, then=nn.ReLU()
    )


def inverted(
    a: int, b: int, s: int = 1, act: Callable[[], nn.Module] = nn.ReLU6, gate: bool = False
) -> nn.Module:
    """A block of MobileNet v2 or v3."""
    wide = a * 2
    middle = [se(wide, conv=False)] if gate else []
    body = S(
        cbr(a, wide, 1, act=act),
        cbr(wide, wide, 3, s, wide, act),
        *middle,
        nn.Conv2d(wide, b, 1),
        nn.BatchNorm2d(b),
    )
    return Sum(nn.Identity(), body) if s == 1 and a == b else body


def fire(a: int, b: int) -> nn.Module:
    """SqueezeNet's."""
    return S(
        nn.Conv2d(a, b, 1),
        nn.ReLU(),
        Cat(S(nn.Conv2d(b, b, 1), nn.ReLU()), S(nn.Conv2d(b, b, 3, padding=1), nn.ReLU())),
    )


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
        loc = [one(m) for one, m in zip(self.loc, maps, strict=True)]
        loc = [one.permute(0, 2, 3, 1).reshape(x.size(0), -1, 4) for one in loc]
        conf = [one(m) for one, m in zip(self.conf, maps, strict=True)]
        conf = [one.permute(0, 2, 3, 1).reshape(x.size(0), -1, 3) for one in conf]
        return torch.cat(loc, 1), torch.cat(conf, 1)


class Siamese(nn.Module):
    """One trunk for two inputs."""

    def __init__(self, join: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.trunk, self.out, self.join = (
            S(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 6)),
            nn.Linear(6, 1),
            join,
        )

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
        self.b, self.primary, self.cheap = (
            b,
            cbr(a, (b + 1) // 2, 1),
            cbr((b + 1) // 2, (b + 1) // 2, 3, g=(b + 1) // 2),
        )

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
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), act()]
    return S(*layers[:-1], *([last] if last else []))


def dw(a: int, b: int, s: int = 1) -> nn.Sequential:
    """Depthwise separable, as in MobileNet v1."""
    return S(cbr(a, a, 3, s, a), cbr(a, b, 1))


def up(mode: str) -> nn.Module:
    """To twice the size."""
    return nn.Upsample(scale_factor=2, mode=mode)


class Highway(nn.Module):
    """A layer with a gate that lets x pass."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.h, self.t = nn.Linear(c, c), nn.Linear(c, c)

    def forward(self, x: Tensor) -> Tensor:
        t = torch.sigmoid(self.t(x))
        return F.relu(self.h(x)) * t + x * (1 - t)


class Fusion(nn.Module):
    """An image and a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.meta, self.out = S(cbr(3, 8, s=2), head(8, 6)), mlp(16, 6), nn.Linear(12, 3)

    def forward(self, image: Tensor, meta: Tensor) -> Tensor:
        return self.out(torch.cat([self.image(image), F.relu(self.meta(meta))], dim=1))


def sequence(named: bool = False) -> nn.Sequential:
    """Two convolutions, their layers numbered or with names."""
    layers = (nn.Conv2d(1, 20, 5), nn.ReLU(), nn.Conv2d(20, 64, 5), nn.ReLU())
    names = ("conv_1", "relu_1", "conv_2", "relu_2")
    return S(OrderedDict(zip(names, layers, strict=True))) if named else S(*layers)


NETWORKS = """
MLP | 16 | mlp(16, 12, 8, 5)
MLP tanh | 16 | mlp(16, 12, 5, act=Tanh)
MLP softmax head | 16 | mlp(16, 12, 5, last=Softmax(dim=1))
MLP sigmoid head | 16 | mlp(16, 12, 1, last=Sigmoid())
MLP log-softmax head | 16 | mlp(16, 12, 5, act=LeakyReLU, last=LogSoftmax(dim=1))
MLP argmax head | 16 | S(mlp(16, 12, 5), One(lambda x: x.argmax(1)))
MLP SELU with dropout | 16 | S(Linear(16, 8), SELU(), AlphaDropout(0.1), Linear(8, 3))
MLP batch-norm first | 16 | S(BatchNorm1d(16), Linear(16, 8), ReLU(), BatchNorm1d(8), Linear(8, 3))
ResMLP | 16 | S(Sum(Identity(), mlp(16, 12, 16)), ReLU(), Linear(16, 4))
LeNet | 1 16 16 | S(Conv2d(1, 6, 5, padding=2), Tanh(), AvgPool2d(2), Conv2d(6, 8, 5), Tanh(), AvgPool2d(2),
    Flatten(), Linear(32, 10), Softmax(1))
VGG | 3 16 16 | S(cbr(3, 8), cbr(8, 8), MaxPool2d(2), cbr(8, 12), MaxPool2d(2), Flatten(), Linear(192, 16),
    ReLU(True), Dropout(), Linear(16, 5))
VGG with adaptive pool | 3 16 16 | S(cbr(3, 8), MaxPool2d(2), cbr(8, 8), AdaptiveAvgPool2d((4, 4)),
    Flatten(), Linear(128, 5))
All-CNN | 3 16 16 | S(cbr(3, 8), cbr(8, 8, s=2), cbr(8, 5, 1), One(lambda x: x.mean((2, 3))))
NiN | 3 16 16 | S(cbr(3, 8, 5), cbr(8, 8, 1), MaxPool2d(3, 2, 1), cbr(8, 5, 1), AdaptiveAvgPool2d(1),
    Flatten())
ResNet option A | 3 16 16 | S(cbr(3, 4), basic(4, 4), basic(4, 8, 2, 'A'), head(8))
ResNet option B | 3 16 16 | S(cbr(3, 4), basic(4, 4), basic(4, 8, 2), head(8))
ResNet with stem | 3 16 16 | S(cbr(3, 4, 7, 2), MaxPool2d(3, 2, 1), basic(4, 8, 2), head(8))
preactivation ResNet | 3 16 16 | S(Conv2d(3, 6, 3, padding=1), Sum(Identity(), S(BatchNorm2d(6), ReLU(),
    Conv2d(6, 6, 3, padding=1))), BatchNorm2d(6), ReLU(), head(6))
ResNeXt | 3 16 16 | S(cbr(3, 8), Sum(Identity(), S(cbr(8, 8, 1), cbr(8, 8, 3, g=4), Conv2d(8, 8, 1)),
    then=ReLU()), head(8))
SE-ResNet | 3 16 16 | S(cbr(3, 8), Sum(Identity(), S(cbr(8, 8), se(8)), then=ReLU()), head(8))
SE with linear layers | 3 16 16 | S(cbr(3, 8), se(8, conv=False), head(8))
spatial attention (CBAM) | 3 16 16 | S(cbr(3, 8), Gate(S(Cat(One(lambda x: x.mean(1, keepdim=True)),
    One(lambda x: x.amax(1, keepdim=True))), Conv2d(2, 1, 3, padding=1), Sigmoid())), head(8))
MobileNet v1 | 3 16 16 | S(cbr(3, 8, s=2), dw(8, 12), dw(12, 16, 2), head(16))
MobileNet v2 | 3 16 16 | S(cbr(3, 8, s=2, act=ReLU6), inverted(8, 8), inverted(8, 12, 2), cbr(12, 16, 1,
    act=ReLU6), head(16))
MobileNet v3 | 3 16 16 | S(cbr(3, 8, s=2, act=Hardswish), inverted(8, 8, 1, Hardswish, True), inverted(8, 12,
    2, ReLU, True), head(12))
EfficientNet-like | 3 16 16 | S(cbr(3, 8, s=2, act=SiLU), inverted(8, 8, 1, SiLU, True), head(8))
ShuffleNet v1-like | 3 16 16 | S(cbr(3, 8, s=2), Conv2d(8, 8, 1, groups=2), ChannelShuffle(2), cbr(8, 8,
    g=8), head(8))
ShuffleNet v2 | 3 16 16 | S(cbr(3, 8, s=2), ShuffleUnit(8), ShuffleUnit(8), head(8))
SqueezeNet | 3 16 16 | S(Conv2d(3, 8, 3, 2), ReLU(True), MaxPool2d(3, 2, ceil_mode=True), fire(8, 4), fire(8,
    4), Dropout(0.5), Conv2d(8, 5, 1), ReLU(True), AdaptiveAvgPool2d((1, 1)), Flatten())
DenseNet | 3 16 16 | S(Conv2d(3, 6, 3, padding=1), dense(6, 4, 2), BatchNorm2d(14), ReLU(), Conv2d(14, 7, 1),
    AvgPool2d(2), dense(7, 4, 2), BatchNorm2d(15), ReLU(), head(15))
Inception-like | 3 16 16 | S(cbr(3, 8), Cat(cbr(8, 4, 1), S(cbr(8, 4, 1), cbr(4, 6)), S(cbr(8, 2, 1), cbr(2,
    4, 5)), S(MaxPool2d(3, 1, 1), cbr(8, 2, 1))), head(16))
GhostNet-like | 3 16 16 | S(cbr(3, 8, s=2), Ghost(8, 9), Ghost(9, 8), head(8))
ConvMixer | 3 16 16 | S(Conv2d(3, 8, 2, 2), GELU(), BatchNorm2d(8), Sum(Identity(), S(Conv2d(8, 8, 3,
    groups=8, padding='same'), GELU(), BatchNorm2d(8))), Conv2d(8, 8, 1), GELU(), BatchNorm2d(8), head(8))
RepVGG | 3 16 16 | S(Sum(S(Conv2d(3, 8, 3, padding=1), BatchNorm2d(8)), S(Conv2d(3, 8, 1), BatchNorm2d(8)),
    then=ReLU()), head(8))
Maxout network | 16 | S(Linear(16, 12), One(lambda x: x.view(-1, 6, 2).max(2)[0]), Linear(6, 3))
highway network | 16 | S(Linear(16, 8), One(torch.relu), Highway(8), Linear(8, 3))
normalisation inside | 3 16 16 | Normalise(S(cbr(3, 8, s=2), head(8)))
x / 255 inside | 3 16 16 | S(One(lambda x: x / 255.0), cbr(3, 8, s=2), head(8))
x * 2 - 1 inside | 3 16 16 | S(One(lambda x: x * 2 - 1), cbr(3, 8, s=2), head(8))
SRCNN | 1 16 16 | S(Conv2d(1, 8, 9, padding=4), ReLU(), Conv2d(8, 6, 1), ReLU(), Conv2d(6, 1, 5, padding=2))
ESPCN | 1 16 16 | S(Conv2d(1, 8, 5, padding=2), Tanh(), Conv2d(8, 4, 3, padding=1), PixelShuffle(2),
    Sigmoid())
FSRCNN | 1 8 8 | S(Conv2d(1, 8, 5, padding=2), PReLU(8), Conv2d(8, 4, 1), PReLU(4), Conv2d(4, 4, 3,
    padding=1), PReLU(4), ConvTranspose2d(4, 1, 9, 2, 4, output_padding=1))
EDSR-like | 3 8 8 | S(Conv2d(3, 8, 3, padding=1), Sum(Identity(), S(Conv2d(8, 8, 3, padding=1), ReLU(),
    Conv2d(8, 8, 3, padding=1), One(lambda x: x * 0.1))), Conv2d(8, 12, 3, padding=1), PixelShuffle(2))
VDSR | 1 16 16 | Sum(Identity(), S(Conv2d(1, 8, 3, padding=1), ReLU(), Conv2d(8, 1, 3, padding=1)))
bicubic-free upscaler | 1 8 8 | Sum(up('bilinear'), S(Conv2d(1, 4, 3, padding=1), PixelShuffle(2)))
DnCNN | 1 16 16 | Sum(Identity(), S(Conv2d(1, 6, 3, padding=1), ReLU(), cbr(6, 6), Conv2d(6, 1, 3,
    padding=1), One(torch.neg)))
U-Net transposed | 1 16 16 | UNet(ConvTranspose2d(8, 8, 2, 2))
U-Net bilinear | 1 16 16 | UNet(Upsample(scale_factor=2, mode='bilinear', align_corners=False))
U-Net bilinear corners | 1 16 16 | UNet(Upsample(scale_factor=2, mode='bilinear', align_corners=True))
U-Net nearest | 1 16 16 | UNet(up('nearest'), LeakyReLU)
FCN | 3 16 16 | S(cbr(3, 8, s=2), cbr(8, 8, s=2), Conv2d(8, 4, 1), ConvTranspose2d(4, 4, 8, 4, 2))
DeepLab-like | 3 16 16 | S(cbr(3, 6, s=2), Cat(*[S(Conv2d(6, 4, 3, padding=d, dilation=d), ReLU()) for d in
    (1, 2, 3)]), Conv2d(12, 3, 1), up('bilinear'))
SegNet argmax | 3 16 16 | S(cbr(3, 6), MaxPool2d(2), cbr(6, 6), up('nearest'), Conv2d(6, 3, 3, padding=1),
    One(lambda x: x.argmax(1)))
autoencoder | 16 | mlp(16, 8, 3, 8, 16, last=Sigmoid())
convolutional autoencoder | 1 16 16 | S(Conv2d(1, 6, 3, 2, 1), ReLU(), Conv2d(6, 8, 3, 2, 1), ReLU(),
    ConvTranspose2d(8, 6, 3, 2, 1, 1), ReLU(), ConvTranspose2d(6, 1, 3, 2, 1, 1), Sigmoid())
VAE | 16 | Vae()
DCGAN generator | 16 | S(Unflatten(1, (16, 1, 1)), ConvTranspose2d(16, 8, 4, 1, 0, bias=False),
    BatchNorm2d(8), ReLU(True), ConvTranspose2d(8, 4, 4, 2, 1, bias=False), BatchNorm2d(4), ReLU(True),
    ConvTranspose2d(4, 1, 4, 2, 1), Tanh())
DCGAN discriminator | 1 16 16 | S(Conv2d(1, 6, 4, 2, 1), LeakyReLU(0.2, True), Conv2d(6, 8, 4, 2, 1),
    BatchNorm2d(8), LeakyReLU(0.2, True), Conv2d(8, 1, 4, 1, 0), Sigmoid(), Flatten())
MLP generator | 16 | S(mlp(16, 12, 24, act=lambda: LeakyReLU(0.2)), Tanh(), One(lambda z: z.view(z.size(0),
    1, 4, 6)))
YOLO tiny | 3 16 16 | S(cbr(3, 8, act=lambda: LeakyReLU(0.1)), MaxPool2d(2), cbr(8, 8, act=lambda:
    LeakyReLU(0.1)), MaxPool2d(2), Conv2d(8, 14, 1))
YOLO head reshaped | 3 16 16 | S(cbr(3, 8, s=2), Conv2d(8, 14, 1), One(lambda x: x.view(x.size(0), 2, 7, 8,
    8).permute(0, 1, 3, 4, 2)))
YOLO decoded | 3 16 16 | S(cbr(3, 8, s=2, act=SiLU), Conv2d(8, 5, 1), One(lambda x: torch.cat([x[:,
    :2].sigmoid(), x[:, 2:4].exp(), x[:, 4:].sigmoid()], 1)))
SSD | 3 16 16 | Ssd()
FPN | 3 16 16 | Fpn()
CenterNet heads | 3 16 16 | Heads(S(cbr(3, 8, s=2), cbr(8, 8)), S(Conv2d(8, 3, 1), Sigmoid()), Conv2d(8, 2,
    1))
keypoints and visibility | 3 16 16 | Heads(S(cbr(3, 8, s=2), AdaptiveAvgPool2d(1), Flatten()), Linear(8, 10),
    S(Linear(8, 5), Sigmoid()))
SPP | 3 16 16 | S(cbr(3, 8, s=2), Cat(Identity(), MaxPool2d(3, 1, 1), MaxPool2d(5, 1, 2)), head(24))
DS-CNN | 1 24 10 | S(cbr(1, 8, 5, 2), dw(8, 8), dw(8, 8), Dropout(0.2), head(8, 12))
TC-ResNet | 24 20 | S(cbr1(24, 8), Sum(S(cbr1(8, 12, 9, 2), Conv1d(12, 12, 9, padding=4), BatchNorm1d(12)),
    cbr1(8, 12, 1, 2), then=ReLU()), head1(12))
M5 raw audio | 1 128 | S(Conv1d(1, 8, 16, 4), BatchNorm1d(8), ReLU(), MaxPool1d(4), cbr1(8, 8), One(lambda x:
    F.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1)), Linear(8, 5), LogSoftmax(dim=2))
matchbox-like | 10 24 | S(cbr1(10, 8, 5), Sum(cbr1(8, 8, 7, g=8), Identity()), Conv1d(8, 4, 1),
    AdaptiveAvgPool1d(1), Flatten())
1d CNN for ECG | 1 128 | S(Conv1d(1, 8, 5), ReLU(), MaxPool1d(2), Conv1d(8, 8, 5), ReLU(),
    AdaptiveMaxPool1d(1), Flatten(), Linear(8, 4))
1d U-Net | 1 128 | Cat(Identity(), S(Conv1d(1, 4, 4, 2, 1), ReLU(), ConvTranspose1d(4, 2, 4, 2, 1)))
WaveNet-like | 1 32 | S(Conv1d(1, 6, 1), Causal(6, 1), Causal(6, 2), ReLU(), Conv1d(6, 4, 1))
temporal conv net | 10 24 | S(Temporal(10, 8, 1), Temporal(8, 8, 2), One(lambda x: x[:, :, -1]), Linear(8,
    2))
MLP-Mixer | 10 24 | S(Mixer(10, 24), One(lambda x: x.mean(dim=1)), Linear(24, 3))
DLinear | 10 24 | S(Sum(Linear(24, 6), S(AvgPool1d(5, 1, 2), Linear(24, 6))))
jet tagging | 16 | mlp(16, 32, 16, 16, 5, last=Softmax(dim=-1))
deep sets | 12 6 | S(mlp(6, 8, 8, act=ReLU), One(lambda x: x.sum(dim=1)), mlp(8, 8, 3))
deep sets mean | 12 6 | S(mlp(6, 8, 8, act=SiLU), One(lambda x: torch.mean(x, 1)), mlp(8, 8, 3))
PointNet-like | 3 20 | S(cbr1(3, 8, 1), cbr1(8, 12, 1), One(lambda x: torch.max(x, 2)[0]), mlp(12, 8, 4))
interaction features | 16 | Gate(Linear(16, 16), Linear(16, 16))
siamese difference | 16, 16 | Siamese(lambda a, b: torch.abs(a - b))
siamese product | 16, 16 | Siamese(lambda a, b: a * b)
late fusion | 16, 16 | Siamese(lambda a, b: torch.maximum(a, b))
image and metadata | 3 16 16, 16 | Fusion()
dueling DQN | 16 | Dueling()
policy and value | 16 | Heads(mlp(16, 12, 12, act=Tanh), S(Linear(12, 4), Softmax(-1)), S(Linear(12, 1),
    Tanh()))
Gaussian actor | 16 | Heads(mlp(16, 12, 12), S(Linear(12, 2), Tanh()), S(Linear(12, 2), One(lambda x:
    torch.exp(x.clamp(-5, 2)))))
Atari DQN-like | 4 20 20 | S(Conv2d(4, 8, 8, 4), ReLU(), Conv2d(8, 8, 3), ReLU(), Flatten(), Linear(32, 16),
    ReLU(), Linear(16, 4))
physics-informed (SIREN) | 2 | S(Linear(2, 12), One(lambda x: torch.sin(3 * x)), Linear(12, 12),
    One(torch.sin), Linear(12, 1))
mixture density | 16 | Heads(mlp(16, 8, 8, act=ELU), S(Linear(8, 3), Softmax(1)), Linear(8, 3), S(Linear(8,
    3), Softplus()))
3d CNN | 1 6 6 6 | S(Conv3d(1, 4, 3), ReLU(), AdaptiveAvgPool3d(1), Flatten(), Linear(4, 2))
LSTM classifier | 10 24 | Calls(LSTM(24, 6, batch_first=True), lambda m, x: m(x)[0][:, -1])
transformer encoder | 10 24 | TransformerEncoderLayer(24, 2, 16, batch_first=True)
"""
"""Name, shapes of the inputs, and the network; what is indented goes on."""

HLS4ML = """
linear | 1 | S(Linear(1, 1))
backend config | 1 | S(Linear(1, 2), ReLU())
activation Softmax(dim=-1) | 1 | S(Linear(1, 1), Softmax(dim=-1))
activation ReLU() | 1 | S(Linear(1, 1), ReLU())
activation Tanh() | 1 | S(Linear(1, 1), Tanh())
activation LeakyReLU(1.0) | 1 | S(Linear(1, 1), LeakyReLU(1.0))
activation ELU(1.0) | 1 | S(Linear(1, 1), ELU(1.0))
activation PReLU(init=0.25) | 1 | S(Linear(1, 1), PReLU(init=0.25))
activation Sigmoid() | 1 | S(Linear(1, 1), Sigmoid())
activation Threshold(1.0,0.0) | 1 | S(Linear(1, 1), Threshold(1.0,0.0))
functional relu | 1 | One(lambda x: F.relu(x))
functional softmax | 1 | One(lambda x: F.softmax(x, dim=-1))
functional tanh | 1 | One(lambda x: F.tanh(x))
functional leaky_relu | 1 | One(lambda x: F.leaky_relu(x, negative_slope=1.0))
functional elu | 1 | One(lambda x: F.elu(x, alpha=1.0))
functional sigmoid | 1 | One(lambda x: F.sigmoid(x))
functional threshold | 1 | One(lambda x: F.threshold(x, threshold=1.0, value=0.0))
conv1d, padding 0 | 2 4 | S(Conv1d(2, 2, 3, padding=0), ReLU())
conv2d, padding 0 | 2 4 4 | S(Conv2d(2, 2, 3, padding=0), ReLU())
MaxPool1d, padding 0 | 2 121 | S(MaxPool1d(2, padding=0))
MaxPool2d, padding 0 | 2 15 18 | S(MaxPool2d(2, padding=0))
AvgPool1d, padding 0 | 2 121 | S(AvgPool1d(2, padding=0))
AvgPool2d, padding 0 | 2 15 18 | S(AvgPool2d(2, padding=0))
conv1d, padding 1 | 2 4 | S(Conv1d(2, 2, 3, padding=1), ReLU())
conv2d, padding 1 | 2 4 4 | S(Conv2d(2, 2, 3, padding=1), ReLU())
MaxPool1d, padding 1 | 2 121 | S(MaxPool1d(2, padding=1))
MaxPool2d, padding 1 | 2 15 18 | S(MaxPool2d(2, padding=1))
AvgPool1d, padding 1 | 2 121 | S(AvgPool1d(2, padding=1))
AvgPool2d, padding 1 | 2 15 18 | S(AvgPool2d(2, padding=1))
transpose removed, rank 1 | 1 8 | S(Conv1d(1, 4, 3, bias=False), ReLU(), Flatten(), Linear(24, 5,
    bias=False), ReLU())
transpose removed, rank 2 | 1 8 8 | S(Conv2d(1, 4, 3, bias=False), ReLU(), Flatten(), Linear(144, 5,
    bias=False), ReLU())
batch-norm behind ReLU | 5 | S(Linear(5, 8), ReLU(), BatchNorm1d(8))
squeeze | 5 | Calls(Linear(5, 3, bias=False), lambda m, x: torch.relu(torch.squeeze(m(torch.unsqueeze(x,
    dim=1)), 1)))
flatten | 1 5 5 | S(Conv2d(1, 32, 5, 1, 1), Flatten(), ReLU())
skipped layers | 3 8 | S(Conv1d(3, 6, 3, bias=False), ReLU(), Conv1d(6, 5, 3, bias=False), ReLU(), Dropout(),
    Flatten(), Linear(20, 6, bias=False), Dropout(), Linear(6, 5, bias=False))
view | 5 8 | Calls(Conv1d(5, 5, 3, bias=False), lambda m, x: m(x).view(-1, 30))
einsum outer product | 3, 4 | Two(lambda x, y: torch.einsum('bi,bj->bij', x, y))
einsum matrix product | 3 4, 4 5 | Two(lambda x, y: torch.einsum('bij,bjk->bik', x, y))
einsum of one value | 4 | Calls(Linear(4, 4), lambda m, x: torch.einsum('ij,ij->i', m(x), m(x)))
sequence, unnamed | 1 16 16 | sequence()
sequence, named | 1 16 16 | sequence(named=True)
sequence inside, unnamed | 1 16 16 | Calls(sequence(), lambda m, x: m(x))
sequence inside, named | 1 16 16 | Calls(sequence(named=True), lambda m, x: m(x))
reverse (extension) | 8 | S(ReLU(), One(lambda x: torch.flip(x, dims=[-1])), ReLU())
upsampling 1d | 4 8 | S(Upsample(scale_factor=2), ReLU())
upsampling 2d | 4 6 8 | S(UpsamplingNearest2d(scale_factor=(1, 2.4)), ReLU())
constant padding 1d | 2 4 | S(ConstantPad1d((2, 3), 0))
constant padding 2d | 2 3 4 | S(ConstantPad2d((1, 2, 3, 4), 0))
batch-norm | 16 | S(BatchNorm1d(16))
batch-norm fused | 2 32 | S(Conv1d(2, 2, 3, padding=1, bias=False), BatchNorm1d(2), ReLU())
profiler: two linear | 10 | S(Linear(10, 20), Linear(20, 5))
profiler: batch-norm | 10 | S(Linear(10, 20), BatchNorm1d(20))
profiler: Conv1d | 3 10 | S(Linear(10, 20), Linear(20, 5), Conv1d(3, 16, kernel_size=3))
profiler: Conv2d | 1 5 15 | S(Linear(15, 30), Linear(30, 15), Conv2d(1, 32, kernel_size=3))
merge cat | 3 10 10, 3 10 10 | Two(lambda x, y: torch.cat([x, y], dim=1))
merge add | 3 10 10, 3 10 10 | Two(torch.add)
merge mul | 3 10 10, 3 10 10 | Two(torch.mul)
merge sub | 3 10 10, 3 10 10 | Two(torch.sub)
merge minimum | 3 10 10, 3 10 10 | Two(torch.minimum)
merge maximum | 3 10 10, 3 10 10 | Two(torch.maximum)
"""
"""What test/pytest/*pytorch*.py of hls4ml 1.3.0 converts and torch itself runs, but for recurrent layers and
LayerNorm: its layers and shapes, written anew."""

MAY_BE_REFUSED = ("3d CNN", "LSTM classifier", "transformer encoder", "einsum", "upsampling 2d")


def _cases(group: str, text: str) -> list[Case]:
    cases = []
    for line in text.strip().replace("\n    ", " ").splitlines():
        name, sizes, code = (part.strip() for part in line.split("|", 2))
        shapes = tuple(tuple(map(int, one.split())) for one in sizes.split(","))
        make = functools.partial(eval, compile(code, f"<{name}>", "eval"), {**vars(nn), **NAMES, **globals()})
        cases.append(Case(group, name, make, shapes, optional=name.startswith(MAY_BE_REFUSED)))
    return cases


def networks() -> list[Case]:
    """Those of NETWORKS."""
    return _cases("networks", NETWORKS)


def hls4ml() -> list[Case]:
    """Those of HLS4ML."""
    return _cases("hls4ml", HLS4ML)
