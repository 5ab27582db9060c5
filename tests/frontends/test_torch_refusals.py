"""What has no exact meaning is refused, with the operator, the module, the line and the alternatives."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from hpq_hls.errors import DataError, UnsupportedOperatorError
from hpq_hls.frontends import from_torch

IMAGE = (2, 6, 6)


class Calls(nn.Module):
    def __init__(self, function: Callable[[nn.Module, Tensor], object], **members: object) -> None:
        super().__init__()
        self.function = function
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, x: Tensor) -> object:
        return self.function(self, x)


def refused(module: nn.Module, *shape: int) -> str:
    with pytest.raises(UnsupportedOperatorError) as caught:
        from_torch(module, torch.zeros(1, *shape))
    return str(caught.value)


def test_message_has_operator_module_line_and_list() -> None:
    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.GroupNorm(1, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.act(x)

    message = refused(nn.Sequential(nn.Linear(3, 3), Head()), 3)
    line = Head.forward.__code__.co_firstlineno + 1
    assert message.startswith(
        f"operator aten.group_norm.default (nn.GroupNorm) of module '1.act' at test_torch_refusals.py:{line} "
        "is not supported; supported operators are "
    )
    for name in (
        "ReLU",
        "MaxPool2d",
        "AvgPool2d",
        "AdaptiveAvgPool2d",
        "Flatten",
        "arithmetic of two values",
        "Dropout",
        "Identity",
    ):
        assert name in message.partition("supported operators are")[2]
    assert "\n" not in message


def test_message_of_a_function() -> None:
    message = refused(Calls(lambda s, x: torch.lgamma(x)), 3)
    line = Calls.forward.__code__.co_firstlineno + 1  # torch keeps the frames of forward methods
    assert message.startswith(
        f"operator aten.lgamma.default (lgamma) at test_torch_refusals.py:{line} is not"
    )


OPERATORS = {
    "three-dimensional convolution": (nn.Conv3d(2, 2, 3), (2, 6, 6, 6)),
    "group norm": (nn.GroupNorm(1, 2), IMAGE),
    "product of values": (Calls(lambda s, x: x @ x.T), (3,)),
    "random numbers": (Calls(lambda s, x: x + torch.rand(3)), (3,)),
    "spatial dropout while training": (Calls(lambda s, x: F.dropout2d(x)), IMAGE),
}


MODES = {
    "negative divisor": (nn.AvgPool2d(2, divisor_override=-4), IMAGE),
    "unbatched max pooling": (nn.MaxPool2d(2), (6, 6)),
    "indices": (nn.MaxPool2d(2, return_indices=True), IMAGE),
    "window in the padding": (nn.MaxPool2d(2, 1, 1, dilation=2), (2, 1, 2)),
    "batch statistics": (nn.BatchNorm2d(2, track_running_stats=False), IMAGE),
    "functional batch statistics": (Calls(lambda s, x: F.batch_norm(x, None, None, training=True)), (3,)),
    "dropout while training": (Calls(lambda s, x: F.dropout(x)), (3,)),
    "matrix from the left": (Calls(lambda s, x: s.w @ x.T, w=nn.Parameter(torch.ones(2, 3))), (3,)),
    "matrix of vectors": (Calls(lambda s, x: x @ s.w, w=nn.Parameter(torch.ones(3))), (3,)),
    "scaled addmm": (
        Calls(
            lambda s, x: torch.addmm(s.b, x, s.w, alpha=2), w=nn.Parameter(torch.ones(3, 3)), b=torch.ones(3)
        ),
        (3,),
    ),
    "computed weights": (Calls(lambda s, x: F.linear(x, x)), (3,)),
    "broadcasting to a constant": (Calls(lambda s, x: x + s.c, c=nn.Parameter(torch.zeros(2, 1, 3))), (3,)),
    "flatten of the batch": (nn.Flatten(0), IMAGE),
    "view across samples": (Calls(lambda s, x: x.view(-1, 6)), IMAGE),
    "view with a fixed batch": (Calls(lambda s, x: x.view(1, -1)), IMAGE),
    "mean over all": (Calls(lambda s, x: x.mean()), IMAGE),
    "narrower type": (Calls(lambda s, x: x.relu().half().float()), (3,)),
    "integer type": (Calls(lambda s, x: x.relu().int()), (3,)),
    "nothing": (nn.Identity(), (3,)),
}


def test_every_sentence(same_as_written: Callable[[str, dict[str, str]], None]) -> None:
    found = {name: _answer(module, shape) for name, (module, shape) in {**OPERATORS, **MODES}.items()}
    assert not any("\n" in sentence for sentence in found.values())
    same_as_written("torch", found)


def _answer(module: nn.Module, shape: tuple[int, ...]) -> str:
    try:
        from_torch(module, torch.zeros(1, *shape))
    except UnsupportedOperatorError as error:
        return str(error)
    return "accepted"


def test_a_reason_stands_in_the_place_of_the_list() -> None:
    message = refused(nn.Sequential(nn.Upsample(scale_factor=0.5)), 2, 8, 8)
    assert message.startswith(
        "operator aten.upsample_nearest2d.vec (nn.Upsample) of module '0' is not supported because it "
    )
    assert "supported operators are" not in message
    assert "\n" not in message


def test_several_inputs() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    class First(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x.relu()

    one = torch.zeros(2, 3)
    with pytest.raises(DataError, match=r"batches of \[2, 4\] samples; give equally many"):
        from_torch(Two(), (one, torch.zeros(4, 3)))
    with pytest.raises(UnsupportedOperatorError, match="no output of the network depends on its input 'y'"):
        from_torch(First(), (one, one))
    with pytest.raises(DataError, match="no example input is given"):
        from_torch(Two(), ())
    with pytest.raises(DataError, match=r"shape \(batch, 3\) and \(batch, 3\): TypeError"):
        from_torch(Two(), {"x": one, "z": one})
    with pytest.raises(DataError, match="missing 1 required positional argument: 'y'"):
        from_torch(Two(), torch.zeros(1, 3))


def test_several_outputs() -> None:
    assert "output 'output_1' does not depend" in refused(Calls(lambda s, x: (x.relu(), torch.ones(3))), 3)
    assert "output 'b' does not depend" in refused(Calls(lambda s, x: {"a": x.relu(), "b": torch.ones(3)}), 3)
    assert "no operator between" in refused(Calls(lambda s, x: (x, x)), 3)
    assert "has no output" in refused(Calls(lambda s, x: None), 3)
    assert "does not depend on its input" in refused(Calls(lambda s, x: torch.ones(3)), 3)


def test_control_flow_on_data(capfd: pytest.CaptureFixture[str]) -> None:
    message = refused(Calls(lambda s, x: x if x.sum() > 0 else x.relu()), 3)
    line = test_control_flow_on_data.__code__.co_firstlineno + 1
    assert message.startswith(
        f"torch.export cannot trace the network at test_torch_refusals.py:{line}: GuardOnDataDependent"
    )
    assert "\n" not in message
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        (
            torch.zeros(1, 4),
            "does not run on an example input of shape .batch, 4.: RuntimeError: mat1 and mat2",
        ),
        (torch.zeros(3), r"has shape \(3,\)"),
        (torch.zeros(0, 3), r"has shape \(0, 3\)"),
        ("image.png", "is a str; give a tensor or numeric array"),
        (None, "is a NoneType; give a tensor"),
    ],
)
def test_examples_that_do_not_fit(example: object, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        from_torch(nn.Linear(3, 2), example)


def test_flags_come_back_after_a_failure() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Dropout()).train()
    with pytest.raises(DataError):
        from_torch(module, torch.zeros(1, 4))
    assert all(part.training for part in module.modules())


def test_example_is_not_changed_by_a_failure() -> None:
    example = torch.full((2, 3), -1.0)
    with pytest.raises(UnsupportedOperatorError):
        from_torch(Calls(lambda s, x: x.relu_() if x.relu_().sum() > 0 else x), example)
    assert (example == -1).all()


def test_what_is_no_module() -> None:
    with pytest.raises(DataError, match=r"takes a torch\.nn\.Module, but got a dict"):
        from_torch({}, torch.zeros(1, 3))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("layer", "attribute"), [(0, "weight"), (0, "bias"), (1, "running_mean"), (1, "weight")]
)
def test_parameters_that_are_no_numbers(layer: int, attribute: str, value: float) -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        getattr(module[layer], attribute)[0] = value
    message = refused(module, 3)
    assert f"of module '{layer}' is not supported because its parameters hold NaN or infinity" in message


def test_variance_of_zero() -> None:
    module = nn.BatchNorm1d(2, eps=0.0)
    module.running_var.zero_()
    assert "its parameters hold NaN or infinity, or give it" in refused(module, 2)
