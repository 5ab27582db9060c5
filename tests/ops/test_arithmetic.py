"""Arithmetic of two values and reductions, from float meaning to hardware."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import hpq_hls as hpq
from hpq_hls import ops
from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.graph import Graph, Node
from hpq_hls.ops.folding import Folding
from hpq_hls.simulate.engine import reference

RNG = np.random.default_rng(0)


def conv(inputs: int, outputs: int, size: tuple[int, int]) -> ops.Conv2d:
    return ops.Conv2d(RNG.normal(size=(outputs, inputs, 1, 1)), ops.WindowSpec((1, 1)), size)


def binary_graph(op: ops.Operator, shape: tuple[int, int, int] = (3, 4, 4)) -> Graph:
    """op(x, conv(x))."""
    nodes = (Node("conv", conv(shape[0], shape[0], shape[1:]), ("x",)), Node("y", op, ("x", "conv")))
    return Graph.single("x", shape, nodes, "y")


BINARY = {
    ops.Add: torch.add,
    ops.Sub: torch.sub,
    ops.Mul: torch.mul,
    ops.Maximum: torch.maximum,
    ops.Minimum: torch.minimum,
}

REDUCTIONS = [
    (ops.Mean((1, 2), length=20), (3, 4, 5)),
    (ops.Mean((1, 2), True, length=16), (3, 4, 4)),
    (ops.Mean((0, 2), length=15), (3, 4, 5)),
    (ops.Sum((0,), length=3), (3, 4, 5)),
    (ops.Sum((1,), length=5), (4, 5)),
    (ops.Max((2,)), (3, 4, 5)),
    (ops.Max((0,)), (7,)),
    (ops.Min((1,), True), (3, 4, 5)),
    (ops.Min((0, 1, 2)), (2, 3, 4)),
    (ops.ArgMax((0,), length=3), (3, 4, 5)),
    (ops.ArgMax((1,), length=5), (4, 5)),
    (ops.ArgMin((0, 1, 2), length=60), (3, 4, 5)),
]


def torch_meaning(op: ops.Operator, x: torch.Tensor) -> torch.Tensor:
    """What torch itself computes, by the function of that name."""
    axes = [axis + 1 for axis in op.axes]
    if op.kind in ("ArgMax", "ArgMin"):
        place = torch.argmax if op.kind == "ArgMax" else torch.argmin
        return place(x.flatten(1), 1) if len(axes) > 1 else place(x, axes[0], keepdim=op.keep)
    found = {"Mean": torch.mean, "Sum": torch.sum, "Max": torch.amax, "Min": torch.amin}[op.kind]
    return found(x, axes, keepdim=op.keep)


@pytest.mark.parametrize("kind", BINARY)
def test_two_values(kind: type[ops.Operator]) -> None:
    graph, x = binary_graph(kind()), np.random.default_rng(1).normal(size=(32, 3, 4, 4))
    values = graph.values(x)
    expected = BINARY[kind](torch.from_numpy(x), torch.from_numpy(values["conv"]))
    np.testing.assert_array_equal(values["y"], expected)
    for width in (1, 3, 8, 20):
        q = hpq.quantize(graph, x, width)
        raw = q.quantize_input(x)
        np.testing.assert_array_equal(q.predict_raw(x), reference(q, raw))
        edge = q.edges["y"]
        assert q.predict_raw(x).min() >= edge.interval.lo and q.predict_raw(x).max() <= edge.interval.hi
    assert np.abs(q.predict(x) - values["y"]).max() < 1e-3 * np.ptp(values["y"])


@pytest.mark.parametrize(("op", "shape"), REDUCTIONS)
def test_reductions(op: ops.Operator, shape: tuple[int, ...]) -> None:
    graph = Graph.single("x", shape, (Node("y", op, ("x",)),), "y")
    x = np.random.default_rng(2).normal(size=(32, *shape))
    given, expected = torch.from_numpy(x), graph.predict(x)
    np.testing.assert_allclose(torch_meaning(op, given).reshape(expected.shape), expected, atol=1e-12)
    np.testing.assert_allclose(op.differentiable([given], None, None), expected, atol=1e-12)
    for width in (1, 3, 8, 20):
        q = hpq.quantize(graph, x, width)
        np.testing.assert_array_equal(q.predict_raw(x), reference(q, q.quantize_input(x)))
    assert np.abs(q.predict(x) - expected).max() < 1e-3 * max(np.ptp(expected), 1)


def test_the_mean_of_an_image_is_what_average_pooling_makes_of_it() -> None:
    window = ops.WindowSpec((4, 5), (4, 5))
    mean, pool = ops.Mean((1, 2), True, length=20), ops.AvgPool2d(window, 20, (4, 5))
    x = np.random.default_rng(3).normal(size=(64, 3, 4, 5))
    both = [
        hpq.quantize(Graph.single("x", (3, 4, 5), (Node("y", op, ("x",)),), "y"), x, 6) for op in (mean, pool)
    ]
    np.testing.assert_array_equal(both[0].predict_raw(x), both[1].predict_raw(x))


def test_arguments_of_the_largest_agree_with_the_sorted_integers() -> None:
    graph = Graph.single("x", (9,), (Node("y", ops.ArgMax((0,), length=9), ("x",)),), "y")
    x = np.random.default_rng(4).normal(size=(500, 9))
    q = hpq.quantize(graph, x, 3)  # many are equal
    np.testing.assert_array_equal(q.predict_raw(x), np.argmax(q.quantize_input(x), axis=1))


def test_folding() -> None:
    groups = np.array([0, 1, 0, 1, 2, 3, 2, 3])
    found = Folding.of(groups)
    assert found == Folding(2, 2, 2)
    assert found.beats == [1, 2, 4, 8]
    assert [found.shape(beat) for beat in found.beats] == [
        (1, 1, 1, 2, 2),
        (1, 1, 2, 2, 1),
        (1, 2, 2, 1, 1),
        (2, 2, 2, 1, 1),
    ]
    assert Folding.of(np.array([0, 1, 1, 0])) is None
    assert Folding.of(np.array([0, 0, 1, 1])) == Folding(2, 2, 1)


def everything() -> Graph:
    """An image through every operation of two values and then through reductions."""
    nodes = [Node("a", conv(2, 4, (4, 6)), ("x",)), Node("b", conv(2, 4, (4, 6)), ("x",))]
    last = "a"
    for kind in (ops.Sub, ops.Mul, ops.Maximum, ops.Minimum, ops.Add):
        nodes.append(Node(kind.kind.lower(), kind(), (last, "b")))
        last = nodes[-1].name
    nodes.append(Node("mean", ops.Mean((1,), True, length=4), (last,)))
    nodes.append(Node("max", ops.Max((2,), True), ("mean",)))
    nodes.append(Node("flat", ops.Flatten(), ("max",)))
    nodes.append(Node("place", ops.ArgMax((0,), length=4), ("flat",)))
    return Graph.single("x", (2, 4, 6), tuple(nodes), "place")


def reduced(op: ops.Operator, shape: tuple[int, ...]) -> Graph:
    nodes = (Node("mix", conv(shape[0], 6, shape[1:]), ("x",)), Node("y", op, ("mix",)))
    return Graph.single("x", shape, nodes, "y")


@pytest.mark.slow
@pytest.mark.parametrize("target", [1, 30])
def test_in_hardware(target: int, tmp_path: Path) -> None:
    x = np.random.default_rng(5).normal(size=(6, 2, 4, 6))
    q = hpq.quantize(everything(), x, 5)
    where = {"io": "parallel"} if target == 1 else {"target_interval": target}
    project = hpq.generate(q, tmp_path / "rtl", backend="rtl", oversize=True, **where)
    result = project.cosim(x, scenarios=("back_to_back", "random_gaps"))
    np.testing.assert_array_equal(result.raw, q.predict_raw(x))
    found = hpq.estimate(q, **where)
    assert (found.latency_cycles, found.interval_cycles) == (result.latency_cycles, result.interval_cycles)
    cpp = hpq.generate(q, tmp_path / "hls", backend="vitis", oversize=True, **where)
    np.testing.assert_array_equal(cpp.csim(x), q.predict_raw(x))


@pytest.mark.slow
def test_a_mean_takes_several_pixels(tmp_path: Path) -> None:
    graph, x = (
        reduced(ops.Mean((1, 2), length=32), (2, 4, 8)),
        np.random.default_rng(6).normal(size=(5, 2, 4, 8)),
    )
    q = hpq.quantize(graph, x, 6)
    project = hpq.generate(q, tmp_path, backend="rtl", target_interval=8, oversize=True)
    result = project.cosim(x)
    np.testing.assert_array_equal(result.raw, q.predict_raw(x))
    assert result.interval_cycles == hpq.estimate(q, target_interval=8).interval_cycles == 8


def test_saved_and_loaded(tmp_path: Path) -> None:
    x = np.random.default_rng(7).normal(size=(8, 2, 4, 6))
    q = hpq.quantize(everything(), x, 6)
    q.save(tmp_path / "q.hpq")
    np.testing.assert_array_equal(hpq.load(tmp_path / "q.hpq").predict_raw(x), q.predict_raw(x))


def test_a_length_that_is_not_the_shape_s_is_refused():
    with pytest.raises(UnsupportedOperatorError, match=r"Sum over axes .* length is 0; give length=4"):
        ops.Sum((0,)).output_shape([(4, 5)])
    with pytest.raises(UnsupportedOperatorError, match="give length=20"):
        ops.Mean((0, 1), length=4).output_shape([(4, 5)])
