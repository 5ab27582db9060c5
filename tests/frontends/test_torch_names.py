"""Layers carry the names a user knows."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph

Check = Callable[..., Graph]


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 3, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + F.relu(self.bn1(self.conv1(x))))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.layer1 = nn.Sequential(Block(), Block())
        self.fc = nn.Linear(3, 3)

    def forward(self, image: Tensor) -> Tensor:
        x = self.layer1(self.features(image)).mean((2, 3))
        return self.fc(F.relu(self.fc(x)))


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def test_module_paths_and_function_names(same_as_torch: Check) -> None:
    graph = same_as_torch(Network(), 1, 8, 8)
    assert graph.input_name == "image"
    assert names(graph) == [
        "features.0",
        "features.1",
        "features.2",
        "layer1.0.conv1",
        "layer1.0.bn1",
        "layer1.0.relu",
        "layer1.0.add",
        "layer1.0.relu_1",
        "layer1.1.conv1",
        "layer1.1.bn1",
        "layer1.1.relu",
        "layer1.1.add",
        "layer1.1.relu_1",
        "mean",
        "fc",
        "relu",
        "fc_1",
    ]
    assert graph.output == "fc_1"


def test_source_lines_are_the_users() -> None:
    graph = from_torch(Network(), torch.zeros(1, 1, 8, 8))
    lines = {node.name: node.source for node in graph.nodes}
    first = Block.forward.__code__.co_firstlineno + 1
    assert lines["layer1.0.conv1"] == f"test_torch_names.py:{first}"
    assert lines["layer1.1.add"] == f"test_torch_names.py:{first}"
    assert from_torch(nn.Sequential(nn.ReLU()), torch.zeros(1, 3)).nodes[0].source is None


def test_sequential_and_single_modules() -> None:
    example = torch.zeros(1, 3)
    assert names(from_torch(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), example)) == ["0", "1"]
    assert names(from_torch(nn.Linear(3, 2), example)) == ["linear"]
    assert from_torch(nn.Linear(3, 2), example).input_name == "input"


def test_subclass_of_a_layer_keeps_its_path() -> None:
    class Standardized(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return F.linear(x, self.weight - 0, self.bias) if self.training else F.linear(x, self.weight)

    assert names(from_torch(nn.Sequential(Standardized(3, 2)), torch.zeros(1, 3))) == ["0"]


def test_functions_do_not_take_the_names_of_modules(same_as_torch: Check) -> None:
    class Clash(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu, self.x, self.relu_1 = nn.ReLU(), nn.Linear(3, 3), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu_1(self.relu(self.x(F.relu(self.x(x)))))

    graph = same_as_torch(Clash(), 3)
    assert names(graph) == ["x", "relu_2", "x_2", "relu", "relu_1"]
    assert graph.input_name == "x_1"


def test_bias_added_later_keeps_the_name_of_the_layer(same_as_torch: Check) -> None:
    class Split(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.bias = nn.Linear(3, 3, bias=False), nn.Parameter(torch.randn(3))

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.fc(x) + self.bias)

    assert names(same_as_torch(Split(), 3)) == ["fc", "relu"]


def test_parameters_are_float64() -> None:
    graph = from_torch(Network(), torch.zeros(1, 1, 8, 8))
    for node in graph.nodes:
        for array in (node.op.weight, node.op.bias):
            assert array is None or array.dtype == np.float64


def test_half_precision_parameters_are_kept_exactly() -> None:
    module = nn.Linear(3, 2).to(torch.bfloat16)
    weight = from_torch(module, torch.zeros(1, 3)).nodes[0].op.weight
    assert np.array_equal(weight, module.weight.detach().double().numpy())


def test_graph_does_not_share_memory_with_the_module() -> None:
    module = nn.Linear(3, 2).double()
    graph = from_torch(module, torch.zeros(1, 3))
    before = graph.nodes[0].op.weight.copy()
    nn.init.zeros_(module.weight)
    assert np.array_equal(graph.nodes[0].op.weight, before)


@pytest.mark.parametrize("training", [True, False])
def test_module_is_left_as_it_was(training: bool) -> None:
    module = Network().train(training)
    module.layer1[0].bn1.train(not training)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    flags = [part.training for part in module.modules()]
    from_torch(module, torch.ones(2, 1, 8, 8))
    assert [part.training for part in module.modules()] == flags
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_batch_of_the_example_does_not_matter(batch: int) -> None:
    graph = from_torch(Network(), torch.zeros(batch, 1, 8, 8))
    assert graph.input_shape == (1, 8, 8)
    assert graph.predict(np.zeros((3, 1, 8, 8))).shape == (3, 3)


def test_example_may_be_an_array_or_a_tuple() -> None:
    module = nn.Linear(3, 2)
    for example in (np.zeros((1, 3)), (torch.zeros(2, 3),), [[0.0, 1.0, 2.0]]):
        assert names(from_torch(module, example)) == ["linear"]


def test_compiled_modules_are_unwrapped() -> None:
    assert names(from_torch(torch.compile(nn.Sequential(nn.Linear(3, 2))), torch.zeros(1, 3))) == ["0"]


def test_variable_arguments() -> None:
    class Variadic(nn.Module):
        def forward(self, *inputs: Tensor) -> Tensor:
            return F.relu(inputs[0])

    assert names(from_torch(Variadic(), torch.zeros(1, 3))) == ["relu"]


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    from_torch(nn.Sequential(nn.Conv2d(1, 2, 4, padding="same"), nn.ReLU()), torch.zeros(1, 1, 5, 5))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert not recwarn.list


def test_modules_may_be_named_like_what_torch_has_itself(same_as_torch: Check) -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.meta = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
            self.graph = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.graph(self.meta(x))

    assert names(same_as_torch(Named(), 3)) == ["meta.0", "meta.1", "graph"]


def test_modules_may_be_named_like_python_keywords() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add_module("while", nn.Linear(2, 3))
            self.add_module("while_", nn.Linear(3, 3))
            self.block = nn.ModuleDict({"in": nn.BatchNorm1d(3)})

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.while_(getattr(self, "while")(x))
            return torch.relu_(self.block["in"](x))

    module = Odd().eval().double()
    graph = from_torch(module, torch.zeros(2, 2, dtype=torch.float64))
    assert [node.name for node in graph.nodes] == ["while", "while_", "block.in", "relu"]
    x = torch.randn(5, 2, dtype=torch.float64)
    expected = module(x).detach().numpy()
    np.testing.assert_allclose(graph.predict(x), expected, rtol=0, atol=1e-12)  # order of summation
