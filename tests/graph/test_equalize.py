"""Equalization changes no output, evens ranges out, and stays away from what it must not touch."""

from __future__ import annotations

import numpy as np
import pytest

from hpq_hls.graph import Graph, Node, prepare
from hpq_hls.graph.equalize import channel_sizes, equalize
from hpq_hls.ops import Add, AvgPool2d, ChannelAffine, Conv2d, Flatten, Linear, MaxPool2d, Relu, WindowSpec

RNG = np.random.default_rng(0)
SAME = WindowSpec((3, 3), padding=(1, 1, 1, 1))


def uneven(*shape: int) -> np.ndarray:
    weights = RNG.normal(size=shape) * 10.0 ** RNG.uniform(-2, 2, size=(shape[0],) + (1,) * (len(shape) - 1))
    return np.asarray(weights)


def network() -> Graph:
    """conv, depthwise, max pooling, grouped, average pooling, flatten, linear, linear."""
    operators = [
        Conv2d(uneven(4, 2, 3, 3), SAME, (8, 8), 1, RNG.normal(size=4)),
        Relu(),
        Conv2d(uneven(8, 1, 3, 3), SAME, (8, 8), 4, RNG.normal(size=8)),
        MaxPool2d(WindowSpec((2, 2), (2, 2))),
        Relu(),
        Conv2d(uneven(6, 4, 3, 3), SAME, (4, 4), 2),
        Relu(),
        AvgPool2d(WindowSpec((2, 2), (2, 2)), 4, (4, 4)),
        Flatten(),
        Linear(uneven(5, 24), RNG.normal(size=5)),
        Relu(),
        Linear(uneven(3, 5), RNG.normal(size=3)),
    ]
    nodes = [Node(f"n{i}", op, (f"n{i - 1}" if i else "x",)) for i, op in enumerate(operators)]
    return prepare(Graph.single("x", (2, 8, 8), tuple(nodes), "n11"))


def spread(graph: Graph) -> float:
    """How far the largest weights of output channels lie apart, in octaves, on average over the layers."""
    found = []
    for node in graph.nodes:
        if node.op.weight is not None:
            rows = np.abs(node.op.weight).reshape(len(node.op.weight), -1).max(axis=1)
            found.append(float(np.log2(rows.max() / rows.min())))
    return sum(found[:-1]) / len(found[:-1])  # the last layer's rows have no partner


@pytest.mark.parametrize("measured", [False, True])
def test_the_network_stays_the_same_and_gets_even(measured: bool) -> None:
    graph = network()
    x = RNG.normal(size=(20, 2, 8, 8))
    even = equalize(graph, channel_sizes(graph, x) if measured else None)
    wanted = graph.predict(x)
    assert np.abs(even.predict(x) - wanted).max() < 1e-12 * np.abs(wanted).max()  # weights are rounded again
    assert spread(even) < 0.75 * spread(graph)
    assert [node.name for node in even.nodes] == [node.name for node in graph.nodes]
    assert even.shapes == graph.shapes


def test_writer_and_reader_get_the_same_range() -> None:
    nodes = (
        Node("a", Linear(uneven(6, 4), RNG.normal(size=6)), ("x",), Relu()),
        Node("b", Linear(uneven(3, 6)), ("a",)),
    )
    even = equalize(Graph.single("x", (4,), nodes, "b"))
    written = np.abs(even.by_name["a"].op.weight).max(axis=1)
    read = np.abs(even.by_name["b"].op.weight).max(axis=0)
    assert np.allclose(written, read, rtol=1e-3)  # where the passes stop


def test_sizes_are_root_mean_squares_of_channels() -> None:
    graph = network()
    x = RNG.normal(size=(300, 2, 8, 8))
    values, found = graph.values(x), channel_sizes(graph, x)
    for name in ("n0", "n9"):
        value = values[name]
        axes = (0, 2, 3) if value.ndim == 4 else (0,)
        assert np.allclose(found[name], np.sqrt(np.square(value).mean(axis=axes)))


def weights_of(graph: Graph) -> list[np.ndarray]:
    return [node.op.weight for node in graph.nodes if node.op.weight is not None]


@pytest.mark.parametrize("case", ["two readers", "output between", "add between", "affine between"])
def test_layers_that_share_their_value_are_left_alone(case: str) -> None:
    first = Node("a", Linear(uneven(4, 4), RNG.normal(size=4)), ("x",), Relu())
    second = Linear(uneven(4, 4))
    nodes = {
        "two readers": (first, Node("b", second, ("a",)), Node("c", Add(), ("a", "b"))),
        "output between": (first, Node("b", second, ("a",))),
        "add between": (first, Node("c", Add(), ("a", "x")), Node("b", second, ("c",))),
        "affine between": (
            first,
            Node("c", ChannelAffine(np.ones(4), np.ones(4)), ("a",)),
            Node("b", second, ("c",)),
        ),
    }[case]
    output = "a" if case == "output between" else nodes[-1].name
    graph = Graph.single("x", (4,), nodes, output)
    for before, after in zip(weights_of(graph), weights_of(equalize(graph)), strict=True):
        assert np.array_equal(before, after)


def test_dead_channels_are_left_alone() -> None:
    writer, reader = uneven(5, 4), uneven(3, 5)
    writer[1], reader[:, 2] = 0.0, 0.0
    nodes = (Node("a", Linear(writer, RNG.normal(size=5)), ("x",), Relu()), Node("b", Linear(reader), ("a",)))
    graph = Graph.single("x", (4,), nodes, "b")
    for sizes in (None, {"a": np.array([0.0, 1.0, 1.0, 1.0, 1.0])}):
        even = equalize(graph, sizes)
        assert all(np.isfinite(weight).all() for weight in weights_of(even))
        assert np.array_equal(even.by_name["a"].op.weight[1], writer[1])
        assert np.array_equal(even.by_name["a"].op.weight[2], writer[2])
        x = RNG.normal(size=(9, 4))
        assert np.allclose(even.predict(x), graph.predict(x), rtol=1e-12)  # weights are rounded again
