"""Single features of torch, one tiny network each, written as people write them: the code is the name."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (as people write it)
from torch import nn

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A network to import.

    make: gives what from_torch is called with. shapes: of its inputs, without the batch axis. positive:
    whether its inputs are (0.1 to 2.1), else normally distributed. optional: may be refused, if that is said
    clearly.
    """

    group: str
    name: str
    make: Callable[[], Any]
    shapes: tuple[Shape, ...]
    positive: bool = False
    optional: bool = False


class One(nn.Module):
    """A function of one value as a network."""

    def __init__(self, function: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


class Two(nn.Module):
    """A function of two values as a network."""

    def __init__(self, function: Callable[[torch.Tensor, torch.Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        return self.function(x, y)


class Calls(nn.Module):
    """What a method of a module is called with and gives, such as an LSTM's tuple."""

    def __init__(self, inner: nn.Module, take: Callable[[nn.Module, torch.Tensor], Any]) -> None:
        super().__init__()
        self.inner, self.take = inner, take

    def forward(self, x: torch.Tensor) -> Any:
        return self.take(self.inner, x)


NAMES = {"torch": torch, "nn": nn, "F": F, "Calls": Calls, "One": One, "Two": Two}
V, SEQ, IMG, WIDE, CUBE = (12,), (3, 16), (4, 8, 8), (3, 12, 12), (2, 4, 6, 6)
IMG3 = (3, 8, 8)

ACTIVATIONS = """
ReLU() ReLU(inplace=True) ReLU6() Hardtanh() Hardtanh(-0.5,0.75) LeakyReLU() LeakyReLU(0.2) LeakyReLU(1.0)
PReLU() Threshold(0.5,0.0) Threshold(0.1,2.0) Hardsigmoid() Hardswish() Sigmoid() Tanh() SiLU() GELU()
GELU(approximate='tanh') ELU() ELU(0.5) SELU() CELU() CELU(2.0) Softplus() Softplus(2,10) Softsign() Mish()
LogSigmoid() Tanhshrink() Hardshrink() Softshrink() RReLU() Softmax(1) Softmax(-1) Softmin(1) LogSoftmax(1)
GLU(1) Sequential(nn.Linear(12,5),nn.Identity()) Sequential(nn.Dropout(0.3),nn.Linear(12,5))
Sequential(nn.Linear(12,5),nn.AlphaDropout()) Sequential(nn.FeatureAlphaDropout(),nn.ReLU())
"""
ON_IMAGES = """
PReLU(4) ReLU6() Hardswish() SiLU() LeakyReLU() Sigmoid() Softmax2d() Softmax(1) Softmax(-1)
Sequential(nn.Dropout2d(),nn.ReLU()) Hardtanh() BatchNorm2d(4) BatchNorm2d(4,affine=False) InstanceNorm2d(4)
GroupNorm(2,4) LayerNorm([8,8]) LayerNorm([4,8,8]) LocalResponseNorm(2) Conv2d(4,6,3) Conv2d(4,6,1)
Conv2d(4,6,3,2,1) Conv2d(4,6,3,dilation=2) Conv2d(4,6,3,padding='same') Conv2d(4,6,2,padding='same')
Conv2d(4,6,3,padding='valid') Conv2d(4,8,3,groups=2) Conv2d(4,8,3,groups=4,padding=1)
Conv2d(4,6,(1,3),padding=(0,1)) Conv2d(4,6,3,padding=1,padding_mode='reflect')
Conv2d(4,6,3,padding=1,padding_mode='replicate') Conv2d(4,6,3,padding=1,padding_mode='circular')
Conv2d(4,6,3,bias=False) ConvTranspose2d(4,6,2,2) ConvTranspose2d(4,6,3,2,1,output_padding=1)
ConvTranspose2d(4,6,4,2,1) ConvTranspose2d(4,6,3,1,1) ConvTranspose2d(4,4,2,2,groups=4)
ConvTranspose2d(4,6,3,2,dilation=2) MaxPool2d(2) MaxPool2d(3,2,1) MaxPool2d(3,2,ceil_mode=True)
MaxPool2d(2,dilation=2) MaxPool2d((1,2)) AvgPool2d(2) AvgPool2d(3,2,1)
AvgPool2d(3,2,1,count_include_pad=False) AvgPool2d(3,2,ceil_mode=True) AvgPool2d(2,divisor_override=3)
LPPool2d(2,2) FractionalMaxPool2d(2,output_size=4) AdaptiveAvgPool2d(1) AdaptiveAvgPool2d(2)
AdaptiveAvgPool2d(3) AdaptiveAvgPool2d((1,None)) AdaptiveMaxPool2d(1) AdaptiveMaxPool2d(2) Flatten()
Flatten(2) Flatten(1,2) Flatten(-2) Unflatten(1,(2,2)) ZeroPad2d(1) ZeroPad2d((1,0,2,1))
ConstantPad2d(1,0.5) ReflectionPad2d(1) ReplicationPad2d((1,2,0,1)) CircularPad2d(1) PixelShuffle(2)
PixelUnshuffle(2) ChannelShuffle(2) Upsample(scale_factor=2) Upsample(scale_factor=(1,2))
Upsample(size=(16,16)) Upsample(scale_factor=2,mode='bilinear')
Upsample(scale_factor=2,mode='bilinear',align_corners=True) Upsample(scale_factor=3,mode='bilinear')
Upsample(scale_factor=2,mode='bicubic') UpsamplingNearest2d(scale_factor=2)
UpsamplingBilinear2d(scale_factor=2) Unfold(2) Linear(8,5)
"""
ON_SEQUENCES = """
Conv1d(3,5,3) Conv1d(3,5,3,2,1) Conv1d(3,5,3,dilation=2) Conv1d(3,6,3,groups=3) Conv1d(3,5,1)
Conv1d(3,5,5,padding='same') Conv1d(3,5,3,padding=1,padding_mode='reflect')
Conv1d(3,5,3,padding=1,padding_mode='circular') ConvTranspose1d(3,5,4,2,1) ConvTranspose1d(3,5,2,2)
BatchNorm1d(3) InstanceNorm1d(3) MaxPool1d(2) MaxPool1d(3,2,1) AvgPool1d(2) AvgPool1d(3,2,1)
AdaptiveAvgPool1d(1) AdaptiveAvgPool1d(4) AdaptiveMaxPool1d(1) AdaptiveMaxPool1d(4) Linear(16,5)
ConstantPad1d((2,3),0.0) ZeroPad1d(1) ReflectionPad1d(2) ReplicationPad1d((2,0)) Upsample(scale_factor=2)
Upsample(scale_factor=2,mode='linear') Flatten() Softmax(1) Softmax(-1) ReLU() Tanh()
Sequential(nn.Dropout1d(),nn.ReLU()) PReLU(3) LayerNorm(16)
"""
ON_VECTORS = """
Linear(12,5) Linear(12,5,bias=False) BatchNorm1d(12) BatchNorm1d(12,affine=False) Unflatten(1,(3,4))
LayerNorm(12) PReLU(12) Sequential(nn.Flatten(),nn.ReLU())
"""
ON_CUBES = """
Conv3d(2,3,2) MaxPool3d(2) AvgPool3d(2) BatchNorm3d(2) ConvTranspose3d(2,3,2,2) ReLU() Flatten()
"""
OPTIONAL = """
InstanceNorm GroupNorm LayerNorm LocalResponse LPPool Fractional Unfold bicubic 3d( Bilinear LSTM GRU RNN
Multihead Transformer Embedding cumsum prod( .norm( .var( .std( logsumexp normalize einsum bmm cdist sort
roll Fold atan sinh isnan FeatureAlpha count_nonzero >
"""

FUNCTIONS = {
    "activation functions": """
F.relu(x) | F.relu6(x) | F.hardtanh(x) | F.hardtanh(x, 0.0, 1.0) | F.leaky_relu(x) | F.leaky_relu(x, 0.3) |
F.prelu(x, torch.tensor([0.2])) | F.threshold(x, 0.2, 0.0) | F.hardsigmoid(x) | F.hardswish(x) |
F.sigmoid(x) | F.tanh(x) | F.silu(x) | F.gelu(x) | F.gelu(x, approximate='tanh') | F.elu(x) | F.selu(x) |
F.celu(x) | F.softplus(x) | F.softsign(x) | F.mish(x) | F.logsigmoid(x) | F.tanhshrink(x) | F.hardshrink(x)
| F.softshrink(x, 0.2) | F.softmax(x, -1) | F.log_softmax(x, 1) | F.softmin(x, 1) | F.glu(x) | F.rrelu(x) |
F.dropout(x, training=False) | F.normalize(x) | x.relu() | torch.relu(x) | torch.relu_(x + 0) | x.sigmoid()
| torch.sigmoid(x) | x.tanh() | torch.tanh(x) | x.softmax(-1) | torch.softmax(x, 1) | x.log_softmax(-1) |
torch.special.expit(x) | x * torch.sigmoid(x) | x * F.relu6(x + 3) / 6 | 0.5 * x * (1 + torch.erf(x /
1.4142135)) | x * torch.tanh(F.softplus(x)) | torch.where(x > 0, x, 0.1 * x) | x * (x > 0)
""",
    "elementary functions": """
x.clamp(min=0) | x.clamp(-1, 1) | x.clamp(max=0.5) | torch.clamp(x, -0.3, 2.0) | x.clip(-1, 1) |
x.clamp_min(0.1) | x.clamp_max(0.3) | torch.clamp(x, min=0.0, max=6.0) | x.exp() | torch.exp(-x) | x.expm1()
| x.exp2() | x.pow(2) | x**2 | x**3 | x.square() | torch.erf(x) | x.sin() | torch.cos(x) | x.abs() |
torch.abs(x) | -x | x.neg() | x.sign() | x.round() | x.floor() | x.ceil() | x.trunc() | x.atan() | x.sinh()
""",
    "positive functions": """
x.log() | torch.log(x + 1) | x.log2() | x.log10() | x.log1p() | x.sqrt() | torch.sqrt(x) | x.rsqrt() |
x.reciprocal() | 1 / x | 1.0 / (1.0 + x) | x**0.5 | x**-1 | torch.pow(x, 1.5)
""",
    "arithmetic": """
x + 1 | x - 0.5 | 2.5 - x | x * 0.5 | 3 * x | x / 3 | x / 255.0 | (x - 0.5) / 0.25 | x * 2 - 1 | x + x | x *
x | x - x.relu() | x + torch.linspace(-1, 1, 12) | x * torch.linspace(-1, 1, 12) | torch.add(x, x.relu(),
alpha=2) | torch.sub(x, 1.5) | torch.rsub(x, 1.0) | torch.mul(x, 0.75) | torch.div(x, 8) | torch.maximum(x,
x * 0.1) | torch.minimum(x, torch.zeros(12)) | torch.maximum(x, torch.tensor(0.25)) | torch.max(x, -x) |
torch.min(x, x * 2) | x @ torch.linspace(-1, 1, 36).reshape(12, 3) | torch.matmul(x, torch.linspace(-1, 1,
24).reshape(12, 2)) | F.linear(x, torch.linspace(-1, 1, 24).reshape(2, 12)) | torch.einsum('bi,oi->bo', x,
torch.ones(2, 12)) | x.add(1).mul(2).sub(0.5).div(4) | x.addcmul(x, x, value=0.5) | torch.lerp(x, x.relu(),
0.25) | x.mul_(1.0) * 2
""",
    "arithmetic of images": """
(x - torch.tensor([0.4, 0.5, 0.6, 0.1]).view(4, 1, 1)) / torch.tensor([0.2, 0.3, 0.1, 0.5]).view(4, 1, 1) |
x * torch.tensor([1.0, 2.0, 0.5, 4.0]).view(1, 4, 1, 1) | x + torch.linspace(0, 1, 64).view(8, 8) | x +
torch.linspace(0, 1, 256).view(4, 8, 8) | x * x.mean((2, 3), keepdim=True) | x * F.adaptive_avg_pool2d(x, 1)
| x * x.mean(1, keepdim=True) | x - x.amax(1, keepdim=True) | F.conv2d(x, torch.ones(2, 4, 3, 3) / 36) |
F.avg_pool2d(x, 2) | F.max_pool2d(x, 2) | F.max_pool2d(x, 3, 1, 1) | F.adaptive_avg_pool2d(x, (1, 1)) |
F.adaptive_max_pool2d(x, 1) | F.batch_norm(x, torch.zeros(4), torch.ones(4)) | x.mean((2, 3)) | x.mean([-1,
-2]) | x.mean((2, 3), keepdim=True) | x.mean(1) | x.mean(-1) | torch.mean(x, dim=2) | x.sum(1) | x.sum((2,
3)) | x.sum((1, 2, 3)) | x.mean((1, 2, 3)) | x.amax((2, 3)) | torch.amin(x, 1) | x.max(1).values |
x.max(-1)[0] | x.min(2).values | x.flatten(2).mean(2) | x.argmax(1) | torch.logsumexp(x, 1) | x.norm(dim=1)
| x.var(1) | x.std((2, 3)) | x.cumsum(1) | x.prod(1)
""",
    "heads": """
torch.argmax(x, 1) | x.argmax(-1, keepdim=True) | x.argmin(1) | torch.topk(x, 1).indices | torch.topk(x,
1).values | torch.max(x, 1).indices | torch.max(x, 1) | x.topk(3).values | x.sort(1).values | x > 0 |
torch.sigmoid(x).round() | x.softmax(1).argmax(1) | (x, x.relu()) | {'a': x + 1, 'b': x * 2} | [x.relu()]
""",
    "shapes": """
x.flatten(1) | torch.flatten(x, 1) | x.flatten(2) | x.view(x.size(0), -1) | x.view(-1, 256) | x.reshape(-1,
4, 64) | x.reshape(x.shape[0], 16, 4, 4) | x.reshape(x.shape[0], 2, 2, 8, 8) | x.permute(0, 2, 3, 1) |
x.transpose(1, 2) | x.transpose(2, 3) | torch.permute(x, (0, 3, 1, 2)) | x.swapaxes(1, 3) | torch.movedim(x,
1, -1) | x.mT | x.mean(3, keepdim=True).squeeze(-1) | x.mean((2, 3), keepdim=True).squeeze() |
x.unsqueeze(1) | x.unsqueeze(-1).squeeze(-1) | torch.cat([x, x.relu()], 1) | torch.cat((x, -x), dim=2) |
torch.cat([x, x * 2], -1) | torch.concat([x, x], 1) | torch.stack([x, -x], 1) | torch.stack([x, x.relu()],
-1) | torch.hstack([x, x * 2]) | x.chunk(2, 1)[0] | x.split(1, 1)[3] | sum(x.chunk(4, 1)) |
torch.cat(x.chunk(2, 1)[::-1], 1) | x[:, :2] | x[:, ::2] | x[:, 1::2] | x[:, 0] | x[:, -1:] | x[..., 1:-1,
1:-1] | x[:, :, ::2, ::2] | x[:, :, 3] | x.select(1, 0) | x.narrow(1, 1, 2) | x.index_select(1,
torch.tensor([2, 0])) | x[:, [3, 1, 0]] | x.flip(-1) | torch.flip(x, [2, 3]) | x.roll(1, 2) | x.unbind(1)[1]
| x.repeat(1, 2, 1, 1) | x.tile((1, 1, 2, 2)) | x.mean((2, 3), keepdim=True).expand(-1, -1, 4, 4) |
x.repeat_interleave(2, 1) | x.relu().contiguous().clone() | x.detach() + 1 | x.relu().float() |
x.to(torch.float32) * 2 | x.view(x.size(0), 2, 2, 8, 8).transpose(1, 2).reshape(x.size(0), 4, 8, 8) |
torch.zeros_like(x) + x.relu() |
F.pad(x, (1, 1)) | F.pad(x, (1, 1, 2, 0)) | F.pad(x, (1, 1, 1, 1), value=-0.5) |
F.pad(x, (0, 0, 0, 0, 2, 2)) | F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1), 'constant', 0) | F.pad(x, (1, 2,
1, 0), mode='reflect') | F.pad(x, (1, 1, 1, 1), mode='replicate') | F.pad(x, (2, 0, 0, 2), mode='circular')
| F.pad(x, (-1, -1, -1, -1)) | torch.cat([x, x.new_zeros(x.shape[0], 2, 8, 8)], 1) | F.pixel_shuffle(x, 2) |
F.pixel_unshuffle(x, 2) | F.channel_shuffle(x, 2) | F.interpolate(x, scale_factor=2) | F.interpolate(x,
size=(16, 24)) | F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False) | F.interpolate(x,
scale_factor=0.5) | F.interpolate(x, size=16, mode='bilinear') | F.unfold(x, 2)
""",
    "two values": """
x + y | x - y | x * y | x / y | torch.maximum(x, y) | torch.minimum(x, y) | torch.cat([x, y], 1) |
torch.stack((x, y), 1) | torch.add(x, y, alpha=0.5) | torch.lerp(x, y, 0.5) | x.relu() + y.sigmoid() | (x +
y, x - y) | (x - y) ** 2 | ((x - y) ** 2).sum(1) | torch.abs(x - y) | (x * y).sum(-1) | torch.where(x > y,
x, y)
""",
}
TWO_SHAPES = (
    ("x * y", (4, 1, 1)),
    ("x + y", (1, 1, 8)),
    ("x * y", (1, 8, 8)),
    ("x - y", (4, 8, 1)),
    ("x * y", (1, 1, 1)),
)
RECURRENT = (
    ("Calls(nn.LSTM(16, 4, batch_first=True), lambda m, x: m(x)[0])", SEQ),
    ("Calls(nn.GRU(16, 4, batch_first=True), lambda m, x: m(x)[0][:, -1])", SEQ),
    ("Calls(nn.RNN(16, 4, batch_first=True), lambda m, x: m(x)[1])", SEQ),
    ("Calls(nn.MultiheadAttention(16, 2, batch_first=True), lambda m, x: m(x, x, x)[0])", SEQ),
    ("nn.TransformerEncoderLayer(16, 2, 8, batch_first=True)", SEQ),
    ("Calls(nn.Bilinear(12, 12, 3), lambda m, x: m(x, x))", V),
    ("Calls(nn.Embedding(7, 4), lambda m, x: m(x.long().abs() % 7))", V),
    ("One(lambda x: torch.bmm(x, x.transpose(1, 2)))", SEQ),
    ("One(lambda x: torch.einsum('bij,bkj->bik', x, x))", SEQ),
    ("One(lambda x: torch.cdist(x, x))", SEQ),
    ("nn.LSTMCell(12, 4)", V),
    ("nn.utils.weight_norm(nn.Conv1d(3, 4, 3))", SEQ),
    ("nn.utils.parametrizations.spectral_norm(nn.Conv1d(3, 4, 3))", SEQ),
    ("nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 3))", SEQ),
)


class Twice(nn.Module):
    """One layer called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(torch.relu(self.layer(x)))


def _shared() -> nn.Module:
    first, second = nn.Linear(12, 12), nn.Linear(12, 12)
    second.weight = first.weight
    return nn.Sequential(first, nn.ReLU(), second)


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 3)).eval()


ENTRIES: dict[str, Callable[[], Any]] = {
    "a layer called twice": Twice,
    "shared parameters": _shared,
    "torch.export(...).module()": lambda: torch.export.export(
        _mlp(), (torch.zeros(2, 12),), dynamic_shapes=({0: torch.export.Dim("batch")},)
    ).module(),
    "torch.jit.trace": lambda: torch.jit.trace(_mlp(), torch.zeros(1, 12)),
    "half parameters": lambda: _mlp().half(),
    "bfloat16 parameters": lambda: _mlp().bfloat16(),
    "double parameters": lambda: _mlp().double(),
    "dict of one output": lambda: Calls(_mlp(), lambda m, x: {"logits": m(x)}),
    "tuple of one output": lambda: Calls(_mlp(), lambda m, x: (m(x),)),
    "torch.no_grad in forward": lambda: Calls(_mlp(), torch.no_grad()(lambda m, x: m(x))),
    "training mode": lambda: _mlp().train(),
    "torch.fx.symbolic_trace": lambda: torch.fx.symbolic_trace(_mlp()),
}


def _case(group: str, code: str, *shapes: Shape) -> Case:
    function = group in FUNCTIONS or group == "broadcast"
    text = f"Two(lambda x, y: {code})" if len(shapes) > 1 else f"One(lambda x: {code})" if function else code
    name = (
        code
        if group not in ("broadcast", "nn on (.., 12)")
        else f"{code} of {' and '.join(map(str, shapes))}"
    )
    compiled = compile(text, f"<{code}>", "eval")
    optional = group == "recurrent" or any(word in code for word in OPTIONAL.split())
    positive = group == "positive functions" or code == "x / y"
    make = functools.partial(eval, compiled, dict(NAMES))
    return Case(group, name, make, shapes, positive, optional)


def features() -> list[Case]:
    """All of them."""
    cases: list[Case] = []
    listed = ((ACTIVATIONS, V), (ON_VECTORS, V), (ON_SEQUENCES, SEQ), (ON_IMAGES, IMG), (ON_CUBES, CUBE))
    for names, shape in listed:
        group = f"nn on {shape}" if names is not ACTIVATIONS else "activation modules"
        cases += [_case(group, f"nn.{name}", shape) for name in names.split()]
    for group, codes in FUNCTIONS.items():
        image = group in ("shapes", "arithmetic of images")
        shapes = (IMG,) if image else (V, V) if group == "two values" else (V,)
        cases += [_case(group, code, *shapes) for code in re.split(r"\s*\|\s*", " ".join(codes.split()))]
    cases += [_case("broadcast", code, IMG, shape) for code, shape in TWO_SHAPES]
    cases += [_case("nn on (.., 12)", "nn.Linear(12,5)", shape) for shape in ((5, 12), (2, 3, 12))]
    cases += [_case("recurrent", code, shape) for code, shape in RECURRENT]
    cases += [Case("entry", name, make, (V,)) for name, make in ENTRIES.items()]
    return cases
