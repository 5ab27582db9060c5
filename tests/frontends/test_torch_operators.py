"""Every spelling and mode of every supported operator means what torch means."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from hpq_hls.graph import Graph

Check = Callable[..., Graph]


class Calls(nn.Module):
    """A module whose forward is the given function of (self, x)."""

    def __init__(self, function: Callable[[nn.Module, Tensor], Tensor], **members: object) -> None:
        super().__init__()
        self.function = function
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes]


CONVOLUTIONS = {
    "plain": nn.Conv2d(3, 4, 3),
    "no bias": nn.Conv2d(3, 4, 3, bias=False),
    "stride": nn.Conv2d(3, 4, 3, stride=(2, 3)),
    "padding": nn.Conv2d(3, 4, (3, 5), padding=(1, 2)),
    "dilation": nn.Conv2d(3, 4, (3, 2), dilation=(2, 3)),
    "groups": nn.Conv2d(6, 4, 3, groups=2),
    "depthwise": nn.Conv2d(3, 3, 3, groups=3),
    "depthwise times two": nn.Conv2d(3, 6, 3, groups=3, padding=1, stride=2),
    "pointwise": nn.Conv2d(3, 4, 1),
    "pointwise strided": nn.Conv2d(3, 4, 1, stride=2),
    "everything": nn.Conv2d(6, 4, (2, 3), stride=(2, 1), padding=(3, 1), dilation=(2, 1), groups=2),
    "valid": nn.Conv2d(3, 4, 3, padding="valid"),
    "same 1": nn.Conv2d(3, 4, 1, padding="same"),
    "same 2": nn.Conv2d(3, 4, 2, padding="same"),
    "same 3": nn.Conv2d(3, 4, 3, padding="same"),
    "same 4x5": nn.Conv2d(3, 4, (4, 5), padding="same"),
    "same 6 dilated": nn.Conv2d(3, 4, (2, 4), padding="same", dilation=(3, 1)),
    "same grouped": nn.Conv2d(6, 6, 4, padding="same", groups=3),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_module(same_as_torch: Check, name: str) -> None:
    module = CONVOLUTIONS[name]
    graph = same_as_torch(module, module.in_channels, 9, 8)
    assert kinds(graph) == ["Conv2d"]


@pytest.mark.parametrize("name", ["plain", "no bias", "everything", "valid", "same 4x5"])
def test_convolution_function(same_as_torch: Check, name: str) -> None:
    held = CONVOLUTIONS[name]

    def call(self: nn.Module, x: Tensor) -> Tensor:
        return F.conv2d(x, held.weight, held.bias, held.stride, held.padding, held.dilation, held.groups)

    module = Calls(call, held=held)
    assert kinds(same_as_torch(module, held.in_channels, 9, 8)) == ["Conv2d"]


POOLS = {
    "max": nn.MaxPool2d(2),
    "max rectangular": nn.MaxPool2d((2, 3), stride=(1, 2)),
    "max padded": nn.MaxPool2d(3, stride=2, padding=1),
    "max dilated": nn.MaxPool2d(2, stride=1, dilation=(2, 3)),
    "max ceil": nn.MaxPool2d(3, stride=2, ceil_mode=True),
    "max ceil padded": nn.MaxPool2d((2, 3), stride=(3, 2), padding=(1, 1), ceil_mode=True),
    "max overlapping": nn.MaxPool2d(4, stride=1),
    "average": nn.AvgPool2d(2),
    "average rectangular": nn.AvgPool2d((3, 2), stride=(1, 3)),
    "average padded": nn.AvgPool2d(3, stride=2, padding=1),
    "average without padding": nn.AvgPool2d(3, stride=2, count_include_pad=False),
    "average with divisor": nn.AvgPool2d(3, stride=2, padding=1, divisor_override=5),
    "average with divisor, ceil": nn.AvgPool2d(3, 2, 1, True, False, divisor_override=7),
    "average ceil that fits": nn.AvgPool2d((3, 2), stride=2, ceil_mode=True),
    "global": nn.AdaptiveAvgPool2d(1),
    "global pair": nn.AdaptiveAvgPool2d((1, 1)),
    "adaptive that divides": nn.AdaptiveAvgPool2d((3, None)),
}


@pytest.mark.parametrize("name", POOLS)
def test_pooling_module(same_as_torch: Check, name: str) -> None:
    graph = same_as_torch(POOLS[name], 3, 9, 8)
    expected = "Mean" if name.startswith("global") else "MaxPool2d" if name.startswith("max") else "AvgPool2d"
    assert kinds(graph) == [expected]


POOL_FUNCTIONS = {
    "max": lambda s, x: F.max_pool2d(x, 2),
    "max ceil": lambda s, x: F.max_pool2d(x, (3, 2), stride=2, padding=(1, 0), ceil_mode=True),
    "torch.max_pool2d": lambda s, x: torch.max_pool2d(x, 3, 2, 1),
    "average": lambda s, x: F.avg_pool2d(x, 3, 1, 1),
    "adaptive": lambda s, x: F.adaptive_avg_pool2d(x, 1),
    "mean": lambda s, x: x.mean((2, 3), keepdim=True),
    "mean from the end": lambda s, x: torch.mean(x, dim=(-1, -2), keepdim=True),
    "mean of rows": lambda s, x: x.mean(2, keepdim=True),
    "padded": lambda s, x: F.avg_pool2d(F.pad(x, (1, 0, 2, 1)), 2, padding=1),
}


@pytest.mark.parametrize("name", POOL_FUNCTIONS)
def test_pooling_function(same_as_torch: Check, name: str) -> None:
    graph = same_as_torch(Calls(POOL_FUNCTIONS[name]), 3, 9, 8)
    means = name.startswith(("adaptive", "mean"))
    assert kinds(graph) == ["Mean" if means else "MaxPool2d" if "max" in name else "AvgPool2d"]


@pytest.mark.parametrize(
    "function",
    [
        lambda s, x: F.adaptive_avg_pool2d(x, 1).flatten(1),
        lambda s, x: F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1),
        lambda s, x: F.adaptive_avg_pool2d(x, 1).squeeze(),
        lambda s, x: x.mean((2, 3)),
        lambda s, x: x.mean([-2, -1]),
    ],
)
def test_global_average_is_a_vector(same_as_torch: Check, function: Callable[..., Tensor]) -> None:
    assert kinds(same_as_torch(Calls(function), 3, 4, 5)) in (["Mean"], ["Mean", "Flatten"])


RELUS = {
    "module": lambda s, x: s.act(x),
    "in place module": lambda s, x: s.inplace(x + x),
    "functional": lambda s, x: F.relu(x),
    "functional in place": lambda s, x: F.relu(x.clone(), inplace=True),
    "torch": lambda s, x: torch.relu(x),
    "method": lambda s, x: x.relu(),
    "method in place": lambda s, x: x.clone().relu_(),
    "clamp": lambda s, x: x.clamp(min=0),
    "clamp_min": lambda s, x: torch.clamp_min(x, 0.0),
    "clamp in place": lambda s, x: x.clone().clamp_(0),
    "clip": lambda s, x: torch.clip(x, 0, float("inf")),
    "threshold": lambda s, x: F.threshold(x, 0, 0),
}


@pytest.mark.parametrize("name", RELUS)
def test_relu(same_as_torch: Check, name: str) -> None:
    module = Calls(RELUS[name], act=nn.ReLU(), inplace=nn.ReLU(inplace=True))
    found = kinds(same_as_torch(module, 7))
    assert found == (["Add", "ReLU"] if name == "in place module" else ["ReLU"])


LINEARS = {
    "module": lambda s, x: s.fc(x),
    "functional": lambda s, x: F.linear(x, s.fc.weight, s.fc.bias),
    "without bias": lambda s, x: F.linear(x, s.fc.weight),
    "matmul": lambda s, x: x @ s.fc.weight.T + s.fc.bias,
    "bias in place": lambda s, x: torch.mm(x, s.fc.weight.t()).add_(s.fc.bias),
    "bias first": lambda s, x: s.fc.bias + torch.matmul(x, s.fc.weight.t()),
    "scaled bias": lambda s, x: torch.add(s.fc(x), s.fc.bias, alpha=3),
    "addmm": lambda s, x: torch.addmm(s.fc.bias, x, s.fc.weight.T),
    "masked weights": lambda s, x: F.linear(x, s.fc.weight * (s.fc.weight > 0), s.fc.bias),
}


@pytest.mark.parametrize("name", LINEARS)
def test_linear(same_as_torch: Check, name: str) -> None:
    graph = same_as_torch(Calls(LINEARS[name], fc=nn.Linear(6, 4)), 6)
    assert kinds(graph) == ["Linear"]


def test_weight_norm_is_computed_once(same_as_torch: Check) -> None:
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(6, 4))
    graph = same_as_torch(nn.Sequential(normed, nn.ReLU()), 6)
    assert [node.name for node in graph.nodes] == ["0", "1"]


def test_bias_of_a_value_that_is_read_twice_stays_apart(same_as_torch: Check) -> None:
    def call(self: nn.Module, x: Tensor) -> Tensor:
        y = F.linear(x, self.fc.weight)
        return (y + self.fc.bias) + F.relu(y)

    graph = same_as_torch(Calls(call, fc=nn.Linear(6, 4)), 6)
    assert kinds(graph) == ["Linear", "ChannelAffine", "ReLU", "Add"]


def test_convolution_with_bias_added_later(same_as_torch: Check) -> None:
    def call(self: nn.Module, x: Tensor) -> Tensor:
        return F.conv2d(x, self.c.weight) + self.c.bias.view(1, -1, 1, 1)

    assert kinds(same_as_torch(Calls(call, c=nn.Conv2d(2, 3, 2)), 2, 5, 5)) == ["Conv2d"]


NORMS = {
    "2d": (nn.BatchNorm2d(4), (4, 3, 3)),
    "1d": (nn.BatchNorm1d(4), (4,)),
    "not affine": (nn.BatchNorm2d(4, affine=False), (4, 3, 3)),
    "epsilon": (nn.BatchNorm1d(4, eps=0.5), (4,)),
    "no momentum": (nn.BatchNorm1d(4, momentum=None), (4,)),
    "functional": (
        Calls(
            lambda s, x: F.batch_norm(x, s.b.running_mean, s.b.running_var, s.b.weight, s.b.bias, eps=1e-3),
            b=nn.BatchNorm2d(4),
        ),
        (4, 3, 3),
    ),
    "functional not affine": (
        Calls(lambda s, x: F.batch_norm(x, s.b.running_mean, s.b.running_var), b=nn.BatchNorm1d(4)),
        (4,),
    ),
}


@pytest.mark.parametrize("name", NORMS)
def test_batch_norm(same_as_torch: Check, name: str) -> None:
    module, shape = NORMS[name]
    assert kinds(same_as_torch(module, *shape)) == ["BatchNorm"]


FLATTENS = {
    "module": lambda s, x: nn.Flatten()(x),
    "method": lambda s, x: x.flatten(1),
    "torch": lambda s, x: torch.flatten(x, start_dim=1),
    "in two steps": lambda s, x: x.flatten(2).flatten(1),
    "view of batch": lambda s, x: x.view(x.size(0), -1),
    "view of shape": lambda s, x: x.view(x.shape[0], 24),
    "view of features": lambda s, x: x.view(-1, 24),
    "reshape": lambda s, x: x.reshape(len(x), -1),
    "reshape of features": lambda s, x: torch.reshape(x, (-1, 2 * 3 * 4)),
    "there and back": lambda s, x: x.flatten(1).view(-1, 2, 3, 4).flatten(1),
}


@pytest.mark.parametrize("name", FLATTENS)
def test_flatten(same_as_torch: Check, name: str) -> None:
    graph = same_as_torch(Calls(lambda s, x: s.fc(FLATTENS[name](s, x)), fc=nn.Linear(24, 5)), 2, 3, 4)
    assert kinds(graph) == ["Flatten", "Linear"]


def test_flattening_taken_back(same_as_torch: Check) -> None:
    def call(self: nn.Module, x: Tensor) -> Tensor:
        return self.c(x.flatten(1).view(-1, 2, 3, 4))

    assert kinds(same_as_torch(Calls(call, c=nn.Conv2d(2, 2, 2)), 2, 3, 4)) == ["Conv2d"]


ADDS = {
    "operator": lambda a, b: a + b,
    "torch": torch.add,
    "alpha of one": lambda a, b: torch.add(a, b, alpha=1),
    "method": lambda a, b: a.add(b),
    "in place method": lambda a, b: a.add_(b),
    "sum of a list": lambda a, b: sum([a, b]),
}


@pytest.mark.parametrize("name", ADDS)
def test_add(same_as_torch: Check, name: str) -> None:
    module = Calls(lambda s, x: ADDS[name](s.c(x), x), c=nn.Conv2d(2, 2, 3, padding=1))
    graph = same_as_torch(module, 2, 4, 4)
    assert kinds(graph) == ["Conv2d", "Add"]
    assert set(graph.nodes[-1].inputs) == {"c", "x"}


def test_augmented_assignment(same_as_torch: Check) -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.fc(x)
            y += x
            return y

    assert kinds(same_as_torch(Residual(), 3)) == ["Linear", "Add"]


def test_value_added_to_itself(same_as_torch: Check) -> None:
    graph = same_as_torch(Calls(lambda s, x: x + x), 3)
    assert graph.nodes[0].inputs == ("x", "x")


def test_in_place_relu_reaches_the_shortcut(same_as_torch: Check) -> None:
    """The shortcut is the same tensor, so it is rectified too."""

    class PreActivation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.fc, self.act = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            shortcut = x
            return self.fc(self.act(x)) + shortcut

    graph = same_as_torch(PreActivation(), 4)
    assert graph.by_name["add"].inputs == ("fc", "act")


NOTHINGS = {
    "dropout": nn.Dropout(0.3),
    "dropout2d": nn.Dropout2d(0.3),
    "alpha dropout": nn.AlphaDropout(0.3),
    "identity": nn.Identity(),
    "functional dropout": Calls(lambda s, x: F.dropout(x, 0.3, training=s.training)),
    "zero dropout": Calls(lambda s, x: F.dropout(x, 0.0, training=True)),
    "contiguous": Calls(lambda s, x: x.contiguous()),
    "channels last": Calls(lambda s, x: x.contiguous(memory_format=torch.channels_last)),
    "clone": Calls(lambda s, x: x.clone()),
    "detach": Calls(lambda s, x: x.detach()),
    "same type": Calls(lambda s, x: x.double()),
    "plus zero": Calls(lambda s, x: x + 0),
    "same view": Calls(lambda s, x: x.view_as(x)),
    "adaptive to its own size": nn.AdaptiveAvgPool2d((None, 4)),
    "without gradient": Calls(torch.no_grad()(lambda s, x: x * 1 if s.training else x)),
}


@pytest.mark.parametrize("name", NOTHINGS)
def test_what_does_nothing_leaves_nothing(same_as_torch: Check, name: str) -> None:
    graph = same_as_torch(nn.Sequential(nn.ReLU(), NOTHINGS[name], nn.MaxPool2d(2)), 3, 4, 4)
    assert [node.name for node in graph.nodes] == ["0", "2"]


@pytest.mark.parametrize("padder", [nn.ZeroPad2d((1, 0, 2, 1)), nn.ConstantPad2d((0, 2, 0, 1), 0.0)])
def test_zero_padding_joins_the_convolution(same_as_torch: Check, padder: nn.Module) -> None:
    graph = same_as_torch(nn.Sequential(padder, nn.Conv2d(2, 3, 3, stride=2, padding=1)), 2, 6, 5)
    assert kinds(graph) == ["Conv2d"]


def test_zero_padding_in_steps_joins_each_reader(same_as_torch: Check) -> None:
    def call(self: nn.Module, x: Tensor) -> Tensor:
        padded = F.pad(F.pad(x, (1, 0)), (0, 0, 2, 1))
        return self.a(padded) + F.avg_pool2d(padded, 3, 1)

    assert kinds(same_as_torch(Calls(call, a=nn.Conv2d(2, 2, 3)), 2, 6, 5)) == ["Conv2d", "AvgPool2d", "Add"]


def test_unused_branches_disappear(same_as_torch: Check) -> None:
    def call(self: nn.Module, x: Tensor) -> Tensor:
        self.a(x)
        return self.b(x)

    graph = same_as_torch(Calls(call, a=nn.Linear(3, 2), b=nn.Linear(3, 2)), 3)
    assert [node.name for node in graph.nodes] == ["b"]


def test_narrow_integers_may_become_float() -> None:
    from hpq_hls.frontends import from_torch

    module = Calls(lambda s, x: s.fc(x.float().flatten(1)), fc=nn.Linear(4, 2))
    graph = from_torch(module, torch.zeros(1, 1, 2, 2, dtype=torch.uint8))
    assert kinds(graph) == ["Flatten", "Linear"]


CONSTANTS = {
    "add": (lambda s, x: x + 1.5, (3,)),
    "subtract": (lambda s, x: x - 1.5, (3,)),
    "subtract from": (lambda s, x: 1.5 - x, (3, 2, 2)),
    "multiply": (lambda s, x: -2 * x, (3,)),
    "divide": (lambda s, x: x / 3, (3, 2, 2)),
    "normalise": (lambda s, x: (x / 255 - s.c.view(3, 1, 1)) / s.d.view(1, 3, 1, 1), (3, 2, 2)),
    "per channel": (lambda s, x: x * s.c.view(3, 1, 1) + 1, (3, 2, 2)),
    "per element": (lambda s, x: x * s.e + s.e, (3, 2, 2)),
    "scaled add": (lambda s, x: torch.add(s.c, x, alpha=2), (3,)),
    "scaled subtraction": (lambda s, x: torch.sub(x, s.c, alpha=3), (3,)),
    "scaled subtraction from": (lambda s, x: torch.sub(s.c, x, alpha=3), (3,)),
    "rsub": (lambda s, x: torch.rsub(x, 2, alpha=3), (3,)),
    "in place": (lambda s, x: x.clone().mul_(2).add_(1).div_(3).sub_(4), (3,)),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(same_as_torch: Check, name: str) -> None:
    function, shape = CONSTANTS[name]
    members = {"c": torch.randn(3), "d": torch.rand(3) + 1, "e": nn.Parameter(torch.randn(2, 2))}
    graph = same_as_torch(Calls(function, **members), *shape)
    assert kinds(graph).count("ChannelAffine") == 1


@pytest.mark.parametrize("behind", [nn.Conv2d(3, 2, 3), nn.Conv2d(3, 3, 2, groups=3), nn.Flatten()])
def test_normalised_input_joins_the_first_layer(same_as_torch: Check, behind: nn.Module) -> None:
    mean, std = torch.rand(3, 1, 1), torch.rand(3, 1, 1) + 1

    def call(self: nn.Module, x: Tensor) -> Tensor:
        return self.fc(self.behind((x * 2 / 255 - 1 - mean) / std).flatten(1))

    fc = nn.Linear(behind(torch.zeros(1, 3, 4, 4)).numel(), 2)
    graph = same_as_torch(Calls(call, behind=behind, fc=fc), 3, 4, 4)
    assert "ChannelAffine" not in kinds(graph)


def test_an_offset_stays_in_front_of_zero_padding(same_as_torch: Check) -> None:
    graph = same_as_torch(Calls(lambda s, x: s.c(x * 2 - 1), c=nn.Conv2d(2, 2, 3, padding=1)), 2, 4, 4)
    assert kinds(graph) == ["ChannelAffine", "Conv2d"]
    graph = same_as_torch(Calls(lambda s, x: s.c(x * 2), c=nn.Conv2d(2, 2, 3, padding=1)), 2, 4, 4)
    assert kinds(graph) == ["Conv2d"]


def test_an_output_is_scaled_in_the_layer(same_as_torch: Check) -> None:
    graph = same_as_torch(Calls(lambda s, x: s.c(x) * 0.5 + 1, c=nn.Conv2d(2, 2, 3, bias=False)), 2, 4, 4)
    assert [(node.name, node.op.kind) for node in graph.nodes] == [("c", "Conv2d")]


PADDINGS = {
    "ones": lambda s, x: s.c(F.pad(x, (1, 1), value=1.0)),
    "channels": lambda s, x: F.pad(x, (0, 0, 0, 0, 1, 0)),
    "before max pooling": lambda s, x: F.max_pool2d(F.pad(x, (1, 2, 0, 1)), 2),
    "lowest before max pooling": lambda s, x: F.max_pool2d(F.pad(x, (1, 0), value=-torch.inf), 2),
    "before relu": lambda s, x: F.pad(x, (1, 2, 0, 1)).relu(),
    "before ceil_mode": lambda s, x: F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, 2, 0, True, divisor_override=4),
    "then flatten": lambda s, x: F.pad(x, (1, 2, 0, 1)).flatten(1),
}


@pytest.mark.parametrize("name", PADDINGS)
def test_padding(same_as_torch: Check, name: str) -> None:
    graph = same_as_torch(Calls(PADDINGS[name], c=nn.Conv2d(2, 3, 2)), 2, 4, 6)
    assert kinds(graph) == ["MaxPool2d"] if name.startswith("lowest") else "Pad" in kinds(graph)


RESHAPES = {
    "unflatten": (lambda s, x: s.c(x.view(-1, 1, 4, 4)), (16,)),
    "flatten of channels only": (lambda s, x: x.flatten(1, 2).relu(), (2, 3, 4)),
    "squeezed and back": (lambda s, x: x.unsqueeze(1).relu().squeeze(1), (2, 3, 4)),
    "four axes": (lambda s, x: x.view(-1, 2, 2, 2, 3).relu().flatten(1), (4, 2, 3)),
}


@pytest.mark.parametrize("name", RESHAPES)
def test_reshape(same_as_torch: Check, name: str) -> None:
    function, shape = RESHAPES[name]
    assert "Reshape" in kinds(same_as_torch(Calls(function, c=nn.Conv2d(1, 1, 3)), *shape))


OTHERS = {
    "cropped": (nn.ZeroPad2d(-1), (2, 6, 6)),
    "sum of values, scaled": (Calls(lambda s, x: torch.add(s.c(x), x, alpha=2), c=nn.Linear(3, 3)), (3,)),
    "broadcasting add": (Calls(lambda s, x: x + x.mean((2, 3), keepdim=True)), (2, 6, 6)),
    "add of an image": (
        Calls(lambda s, x: s.c(x) + s.i, c=nn.Conv2d(2, 2, 1), i=nn.Parameter(torch.arange(36.0).view(6, 6))),
        (2, 6, 6),
    ),
    "subtraction of itself": (Calls(lambda s, x: x - x), (3,)),
    "squeezed output": (nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)), (3,)),
    "mean over channels": (Calls(lambda s, x: x.mean(1)), (2, 6, 6)),
    "mean over features": (Calls(lambda s, x: x.mean(1)), (3,)),
    "batch norm of sequences": (nn.BatchNorm1d(2), (2, 5)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_spellings(same_as_torch: Check, name: str) -> None:
    module, shape = OTHERS[name]
    same_as_torch(module, *shape)
