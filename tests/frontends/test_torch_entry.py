"""What may stand in the place of a module, and the sentences for what may not."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hpq_hls.errors import DataError, HpqError, UnsupportedOperatorError
from hpq_hls.frontends import from_exported, from_torch


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x))) + x


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(), Block())
        self.pool, self.fc = nn.MaxPool2d(2), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.blocks(x)).flatten(1))


X = torch.randn(3, 2, 4, 4, dtype=torch.float64)
FORMS: dict[str, Callable[[nn.Module], Any]] = {
    "traced": lambda m: torch.jit.trace(m, X),
    "scripted": torch.jit.script,
    "frozen": lambda m: torch.jit.freeze(torch.jit.trace(m, X)),
    "part traced": lambda m: nn.Sequential(torch.jit.trace(m.blocks, X), m.pool, nn.Flatten(), m.fc),
    "exported": lambda m: torch.export.export(m, (X,)),
    "exported module": lambda m: torch.export.export(m, (X,)).module(),
    "unflattened": lambda m: torch.export.unflatten(torch.export.export(m, (X,))),
    "symbolic trace": torch.fx.symbolic_trace,
    "data parallel": nn.DataParallel,
}


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_of_a_module(form: str) -> None:
    module = Network().double().eval()
    with torch.no_grad():
        expected = module(X).numpy()
    graph = from_torch(FORMS[form](module), X)
    assert np.abs(graph.predict(X) - expected).max() < 1e-9  # torch sums in another order
    if form in ("traced", "scripted", "exported", "exported module"):
        assert {"blocks.0.conv", "blocks.1.norm", "fc"} <= {node.name for node in graph.nodes}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_parameters(dtype: torch.dtype) -> None:
    module = Network().to(dtype).eval()
    graph = from_torch(module, torch.zeros(1, 2, 4, 4))
    with torch.no_grad():
        expected = module.double()(X).numpy()
    assert np.abs(graph.predict(X) - expected).max() < 1e-9  # torch sums in another order


class Calls(nn.Module):
    def __init__(self, function: Callable[..., object], **members: object) -> None:
        super().__init__()
        self.function = function
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, x: Tensor) -> object:
        return self.function(self, x)


@dataclasses.dataclass
class Result:
    score: Tensor


@pytest.mark.parametrize(
    "pack",
    [lambda y: {"score": y}, lambda y: (y,), lambda y: [y], Result],
    ids=["dict", "tuple", "list", "class"],
)
def test_one_tensor_in_a_container(pack: Callable[[Tensor], object]) -> None:
    graph = from_torch(Calls(lambda s, x: pack(x.relu())), torch.zeros(1, 3))
    assert [node.op.kind for node in graph.nodes] == ["ReLU"]


class Counting(nn.Module):
    def __init__(self, used: bool) -> None:
        super().__init__()
        self.used, self.fc = used, nn.Linear(3, 3)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.fc(x) * self.calls if self.used else self.fc(x)


def test_state_that_nothing_is_computed_from() -> None:
    assert [node.op.kind for node in from_torch(Counting(False), torch.zeros(1, 3)).nodes] == ["Linear"]


CONSTANTS = {
    "ones like": lambda s, x: x + torch.ones_like(x),
    "ones of the batch": lambda s, x: x + torch.ones(x.shape[0], 3),
    "new full": lambda s, x: x * x.new_full((3,), 2.5),
    "full like": lambda s, x: x - torch.full_like(x, 2.5),
    "arange": lambda s, x: x * (torch.arange(3) + torch.ones(3).cumsum(0)),
    "twice the same module": lambda s, x: s.fc(s.fc(x)) + nn.functional.linear(x, s.fc.weight),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_computed(same_as_torch: Callable[..., object], name: str) -> None:
    same_as_torch(Calls(CONSTANTS[name], fc=nn.Linear(3, 3)), 3)


REFUSED: dict[str, tuple[Any, Any]] = {
    "meta": (nn.Linear(3, 2, device="meta"), torch.zeros(1, 3)),
    "lazy": (nn.LazyLinear(2), torch.zeros(1, 3)),
    "class": (nn.Linear, torch.zeros(1, 3)),
    "function": (torch.relu, torch.zeros(1, 3)),
    "complex": (nn.Linear(3, 2).to(torch.complex64), torch.zeros(1, 3)),
    "lstm": (Calls(lambda s, x: s.r(x)[0], r=nn.LSTM(3, 2, batch_first=True)), torch.zeros(1, 4, 3)),
    "gru cell": (Calls(lambda s, x: s.r(x), r=nn.GRUCell(3, 2)), torch.zeros(1, 3)),
    "attention": (Calls(lambda s, x: s.r(x, x, x)[0], r=nn.MultiheadAttention(4, 2)), torch.zeros(1, 4, 4)),
    "state": (Counting(True), torch.zeros(1, 3)),
    "part scripted": (nn.Sequential(torch.jit.script(nn.Linear(3, 3))), torch.zeros(1, 3)),
    "unknown container": (Calls(lambda s, x: {"y": slice(x)}), torch.zeros(1, 3)),
    "no forward": (nn.ModuleList([nn.Linear(3, 2)]), torch.zeros(1, 3)),
    "not a number": (Calls(lambda s, x: x * float("nan")), torch.zeros(1, 3)),
    "division by zero": (Calls(lambda s, x: x / 0), torch.zeros(1, 3)),
    "weights of the batch": (
        Calls(lambda s, x: nn.functional.linear(x, torch.ones_like(x))),
        torch.zeros(1, 3),
    ),
    "samples added up": (Calls(lambda s, x: x + torch.ones_like(x).sum(0)), torch.zeros(1, 3)),
    "random": (Calls(lambda s, x: x + torch.randn(3)), torch.zeros(1, 3)),
}


def test_every_sentence(same_as_written: Callable[[str, dict[str, str]], None]) -> None:
    found = {name: _answer(module, example) for name, (module, example) in REFUSED.items()}
    assert not any("\n" in sentence for sentence in found.values())
    same_as_written("entry", found)


def _answer(module: Any, example: Any) -> str:
    try:
        from_torch(module, example)
    except HpqError as error:
        return str(error)
    return "accepted"


def test_from_exported_takes_programs() -> None:
    with pytest.raises(DataError, match="takes an exported program, but got a Linear"):
        from_exported(nn.Linear(3, 2))


def test_a_handler_that_fails_gives_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from hpq_hls.ops.spelling import TORCH

    monkeypatch.setitem(TORCH, "aten.relu", lambda call: call.arguments["missing"])
    with pytest.raises(
        UnsupportedOperatorError, match=r"its arguments cannot be understood \(KeyError: 'missing'"
    ):
        from_torch(nn.ReLU(), torch.zeros(1, 3))
