"""Graphs: shapes, values, and the checks of what goes in."""

import numpy as np
import pytest
import torch

from hpq_hls.errors import DataError, UnsupportedOperatorError
from hpq_hls.graph import Graph, Node
from hpq_hls.ops import Add, Flatten, Linear, Relu


def linear(outputs: int, inputs: int) -> Linear:
    return Linear(np.arange(outputs * inputs, dtype=float).reshape(outputs, inputs), np.ones(outputs))


def residual() -> Graph:
    nodes = (
        Node("flat", Flatten(), ("x",)),
        Node("fc", linear(4, 4), ("flat",), activation=Relu()),
        Node("add", Add(), ("fc", "flat")),
    )
    return Graph.single("x", (1, 2, 2), nodes, "add")


def test_shapes_and_neighbours() -> None:
    graph = residual()
    assert dict(graph.shapes) == {"x": (1, 2, 2), "flat": (4,), "fc": (4,), "add": (4,)}
    assert graph.output_shape == (4,)
    assert graph.by_name["fc"] is graph.nodes[1]
    assert graph.consumers("flat") == graph.nodes[1:]
    assert graph.consumers("add") == ()


def test_values_and_predict() -> None:
    graph = residual()
    x = np.arange(20.0).reshape(5, 1, 2, 2) - 10
    values = graph.values(x)
    flat = x.reshape(5, 4)
    hidden = np.maximum(flat @ graph.nodes[1].op.weight.T + 1, 0)
    assert np.array_equal(values["x"], x)
    assert np.array_equal(values["fc"], hidden)
    assert np.array_equal(values["add"], hidden + flat)
    for batch_size in (1, 2, 5, 256):
        assert np.array_equal(graph.predict(x, batch_size), values["add"])
        assert np.array_equal(graph.values(x, batch_size)["fc"], hidden)


@pytest.mark.parametrize("kind", [np.float32, np.int8, bool, "list", "tensor"])
def test_inputs_of_any_number_type(kind: object) -> None:
    graph = Graph.single("x", (2,), (Node("relu", Relu(), ("x",)),), "relu")
    data = [[1, 0], [0, 1]]
    given = data if kind == "list" else torch.tensor(data) if kind == "tensor" else np.array(data, dtype=kind)
    found = graph.predict(given)
    assert found.dtype == np.float64
    assert np.array_equal(found, data)


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.zeros((2, 3)), "input 'x' has shape \\(2, 3\\), but the network takes \\(batch, 1, 2, 2\\)"),
        (np.zeros((1, 2, 2)), "has shape \\(1, 2, 2\\)"),
        (np.zeros((0, 1, 2, 2)), "is empty"),
        (np.full((3, 1, 2, 2), np.nan), "has NaN or infinity \\(first in sample 0\\)"),
        (np.array([0.0, np.inf]).repeat(4).reshape(2, 1, 2, 2), "first in sample 1"),
        (np.zeros((1, 1, 2, 2), dtype=complex), "of type complex128"),
        (np.zeros((1, 1, 2, 2), dtype=str), "convert it to a numeric array"),
    ],
)
def test_inputs_that_do_not_fit(x: np.ndarray, reason: str) -> None:
    for run in (residual().predict, residual().values):
        with pytest.raises(DataError, match=reason):
            run(x)


def test_graphs_that_are_none() -> None:
    relu = Node("relu", Relu(), ("x",))
    with pytest.raises(ValueError, match="two nodes are called 'relu'"):
        Graph.single("x", (2,), (relu, relu), "relu")
    with pytest.raises(ValueError, match="two nodes are called 'x'"):
        Graph.single("x", (2,), (Node("x", Relu(), ("x",)),), "x")
    with pytest.raises(ValueError, match="the output 'y' is no node"):
        Graph.single("x", (2,), (relu,), "y")
    with pytest.raises(UnsupportedOperatorError, match="Linear with 3 inputs"):
        Graph.single("x", (2,), (Node("fc", linear(1, 3), ("x",)),), "fc")
