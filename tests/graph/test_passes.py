"""prepare() changes no value, folds and fuses all it may, and nothing it must not."""

from collections.abc import Sequence

import numpy as np
import pytest

from hpq_hls.graph import Graph, Node, fold_affine, lower_affine, prepare
from hpq_hls.graph.passes import fuse_epilogues
from hpq_hls.ops import (
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Operator,
    PRelu,
    Relu,
    WindowSpec,
)

RANDOM = np.random.default_rng(0)


def conv(channels: int = 2, groups: int = 1, biased: bool = True) -> Conv2d:
    weights = RANDOM.normal(size=(channels, channels // groups, 3, 3))
    biases = RANDOM.normal(size=channels) if biased else None
    return Conv2d(weights, WindowSpec((3, 3), padding=(1, 1, 1, 1)), (4, 4), groups, biases)


def linear(size: int = 2, biased: bool = True) -> Linear:
    return Linear(RANDOM.normal(size=(size, size)), RANDOM.normal(size=size) if biased else None)


def norm(channels: int = 2) -> BatchNorm:
    gamma, beta, mean = RANDOM.normal(size=(3, channels))
    return BatchNorm(gamma, beta, mean, RANDOM.uniform(0.1, 2, size=channels), 1e-3)


def average() -> AvgPool2d:
    return AvgPool2d(WindowSpec((2, 2), (2, 2)), 4, (4, 4))


def chain(shape: tuple[int, ...], *operators: Operator) -> Graph:
    """Operators one behind the other, named by their position."""
    nodes = [Node(f"n{i}", op, (f"n{i - 1}" if i else "x",)) for i, op in enumerate(operators)]
    return Graph.single("x", shape, tuple(nodes), nodes[-1].name)


def prepared(graph: Graph) -> list[tuple[str, str, str | None]]:
    """Name, kind and fused activation of each node that is left; values are compared on the way."""
    before, given = list(graph.nodes), graph.output
    result = prepare(graph)
    assert (list(graph.nodes), graph.output) == (before, given)
    x = RANDOM.normal(size=(6, *graph.input_shape))
    assert np.abs(result.predict(x) - graph.predict(x)).max() < 1e-12  # folded weights are rounded once more
    assert result.output_shape == graph.output_shape
    return [(n.name, n.op.kind, n.activation and n.activation.kind) for n in result.nodes]


IMAGE = (2, 4, 4)
CHAINS: dict[str, tuple[Graph, Sequence[tuple[str, str, str | None]]]] = {
    "conv, norm, relu": (chain(IMAGE, conv(), norm(), Relu()), [("n0", "Conv2d", "ReLU")]),
    "without bias": (chain(IMAGE, conv(biased=False), norm()), [("n0", "Conv2d", None)]),
    "depthwise": (chain(IMAGE, conv(groups=2), norm(), Relu()), [("n0", "Conv2d", "ReLU")]),
    "linear": (chain((2,), linear(biased=False), norm(), Relu()), [("n0", "Linear", "ReLU")]),
    "two norms": (chain((2,), linear(), norm(), norm(), Relu()), [("n0", "Linear", "ReLU")]),
    "three layers": (
        chain((2,), *[op for _ in range(3) for op in (linear(), norm(), Relu())]),
        [("n0", "Linear", "ReLU"), ("n3", "Linear", "ReLU"), ("n6", "Linear", "ReLU")],
    ),
    "norm behind relu": (
        chain(IMAGE, conv(), Relu(), norm(), Relu()),
        [("n0", "Conv2d", "ReLU"), ("n2", "ChannelAffine", "ReLU")],
    ),
    "norm first": (chain(IMAGE, norm(), conv()), [("n0", "ChannelAffine", None), ("n1", "Conv2d", None)]),
    "norm behind max pooling": (
        chain(IMAGE, conv(), MaxPool2d(WindowSpec((2, 2))), norm()),
        [("n0", "Conv2d", None), ("n1", "MaxPool2d", None), ("n2", "ChannelAffine", None)],
    ),
    "norm behind flatten": (
        chain((2, 1, 1), Flatten(), norm()),
        [("n0", "Flatten", None), ("n1", "ChannelAffine", None)],
    ),
    "relu behind max pooling": (
        chain(IMAGE, conv(), MaxPool2d(WindowSpec((2, 2))), Relu()),
        [("n0", "Conv2d", None), ("n1", "MaxPool2d", None), ("n2", "ReLU", None)],
    ),
    "relu behind average": (chain(IMAGE, average(), Relu()), [("n0", "AvgPool2d", "ReLU")]),
    "relu first": (chain((2,), Relu(), linear()), [("n0", "ReLU", None), ("n1", "Linear", None)]),
    "two relus": (chain((2,), linear(), Relu(), Relu()), [("n0", "Linear", "ReLU"), ("n2", "ReLU", None)]),
    "nothing to do": (chain((2,), linear()), [("n0", "Linear", None)]),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains(name: str) -> None:
    graph, expected = CHAINS[name]
    assert prepared(graph) == expected


def test_relu_behind_add() -> None:
    nodes = (
        Node("conv", conv(), ("x",)),
        Node("norm", norm(), ("conv",)),
        Node("add", Add(), ("norm", "x")),
        Node("relu", Relu(), ("add",)),
    )
    found = prepared(Graph.single("x", IMAGE, nodes, "relu"))
    assert found == [("conv", "Conv2d", None), ("add", "Add", "ReLU")]


def test_two_consumers_keep_a_layer_apart() -> None:
    nodes = (
        Node("conv", conv(), ("x",)),
        Node("norm", norm(), ("conv",)),
        Node("relu", Relu(), ("conv",)),
        Node("add", Add(), ("norm", "relu")),
    )
    found = prepared(Graph.single("x", IMAGE, nodes, "add"))
    assert found == [
        ("conv", "Conv2d", None),
        ("norm", "ChannelAffine", None),
        ("relu", "ReLU", None),
        ("add", "Add", None),
    ]


def test_norm_with_two_consumers_still_folds_but_does_not_fuse() -> None:
    nodes = (
        Node("conv", conv(), ("x",)),
        Node("norm", norm(), ("conv",)),
        Node("relu", Relu(), ("norm",)),
        Node("add", Add(), ("relu", "norm")),
    )
    graph = Graph.single("x", IMAGE, nodes, "add")
    assert prepared(graph) == [("conv", "Conv2d", None), ("relu", "ReLU", None), ("add", "Add", None)]
    assert prepare(graph).by_name["add"].inputs == ("relu", "conv")


@pytest.mark.parametrize("last", [norm(), Relu()])
def test_a_layer_that_is_the_output_keeps_its_value(last: Operator) -> None:
    nodes = (Node("fc", linear(), ("x",)), Node("unused", last, ("fc",)))
    graph = Graph.single("x", (2,), nodes, "fc")
    assert [name for name, *_ in prepared(graph)] == ["fc"]


def test_value_read_twice_by_one_node() -> None:
    nodes = (
        Node("fc", linear(), ("x",)),
        Node("relu", Relu(), ("fc",)),
        Node("add", Add(), ("relu", "relu")),
    )
    graph = Graph.single("x", (2,), nodes, "add")
    assert prepared(graph) == [("fc", "Linear", "ReLU"), ("add", "Add", None)]
    assert prepare(graph).by_name["add"].inputs == ("fc", "fc")


def test_output_is_renamed_with_its_node() -> None:
    graph = chain((2,), linear(), norm(), Relu())
    assert prepare(graph).output == "n0"
    assert prepare(graph).name == graph.name


def test_passes_alone() -> None:
    graph = chain((2,), Relu(), norm(), linear(), norm(), Relu())
    kinds = lambda g: [n.op.kind for n in g.nodes]  # noqa: E731
    assert kinds(fold_affine(graph, constants=True)) == kinds(graph)
    assert kinds(fold_affine(graph)) in (["ReLU", "Linear", "ReLU"], ["ReLU", "BatchNorm", "Linear", "ReLU"])
    assert kinds(lower_affine(graph)) == ["ReLU", "ChannelAffine", "Linear", "ChannelAffine", "ReLU"]
    assert kinds(fuse_epilogues(graph)) == ["ReLU", "BatchNorm", "Linear", "BatchNorm"]


def test_norm_behind_a_fused_relu_is_not_folded() -> None:
    fused = fuse_epilogues(chain((2,), linear(), Relu(), norm()))
    assert [n.op.kind for n in fold_affine(fused).nodes] == ["Linear", "BatchNorm"]
    assert prepared(fused) == [("n0", "Linear", "ReLU"), ("n2", "ChannelAffine", None)]


def test_folding_is_exact_where_scaling_is_by_powers_of_two() -> None:
    weights, ones = np.arange(4.0).reshape(2, 2), np.ones(2)
    scale = BatchNorm(np.array([2.0, -0.5]), np.array([1.0, 3.0]), np.array([4.0, -2.0]), ones, 0.0)
    (layer,) = prepare(chain((2,), Linear(weights, np.array([1.0, 2.0])), scale)).nodes
    assert np.array_equal(layer.op.weight, [[0.0, 2.0], [-1.0, -1.5]])
    assert np.array_equal(layer.op.bias, [-5.0, 1.0])


@pytest.mark.parametrize(("takes", "kinds"), [(True, ["Linear"]), (False, ["Linear", "Cast"])])
def test_slopes_join_only_what_has_hardware_for_them(
    monkeypatch: pytest.MonkeyPatch, takes: bool, kinds: list[str]
) -> None:
    """An operator that does not say so, as one from another package, may have a kernel without."""
    monkeypatch.setattr(Linear, "leaks_sums", takes)
    slopes = PRelu(np.array([0.25, -0.5]))
    nodes = (Node("fc", linear(), ("x",)), Node("slopes", slopes, ("fc",)))
    graph = Graph.single("x", (2,), nodes, "slopes")
    made = prepare(graph)
    assert [node.op.kind for node in made.nodes] == kinds
    assert made.nodes[-1].activation is slopes
    x = RANDOM.normal(size=(7, 2))
    np.testing.assert_allclose(made.predict(x), graph.predict(x), rtol=0, atol=1e-12)
