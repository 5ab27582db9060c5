"""Spellings that several operators make up: lerp, addcmul, comparisons, constants in concatenations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

import hpq_hls as hpq
from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.simulate.engine import reference, simulate_all
from tests.frontends.test_onnx import model, node


class Two(nn.Module):
    """A function of an input and of a layer's output."""

    def __init__(self, function) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function, self.fc = function, nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.fc(x))


X = np.random.default_rng(0).normal(size=(40, 4))
WEIGHTS = torch.tensor([0.25, 0.5, 0.1, 1.5])

MEANT: dict[str, tuple[Any, list[str]]] = {
    "lerp": (lambda a, b: torch.lerp(a, b, 0.25), ["Linear", "ChannelAffine", "Add"]),
    "lerp per channel": (lambda a, b: torch.lerp(a, b, WEIGHTS), ["Linear", "ChannelAffine", "Add"]),
    "addcmul": (lambda a, b: torch.addcmul(a, a, b), ["Linear", "Mul", "Add"]),
    "addcmul times": (
        lambda a, b: torch.addcmul(b, a, b, value=-0.5),
        ["Linear", "Mul", "ChannelAffine", "Add"],
    ),
    "zeros behind": (lambda a, b: torch.cat([b, torch.zeros(len(b), 3)], 1), ["Linear", "Pad"]),
    "a number in front": (
        lambda a, b: torch.cat([torch.full((len(b), 2), 0.75), a, b], 1),
        ["Linear", "Concat", "Pad"],
    ),
    "numbers between": (
        lambda a, b: torch.cat([a, torch.ones(len(b), 2), b], 1),
        ["Linear", "Concat", "Pad"],
    ),
}


@pytest.mark.parametrize("name", MEANT)
def test_what_torch_means(name: str) -> None:
    function, kinds = MEANT[name]
    module = Two(function)
    graph = hpq.from_torch(module, torch.zeros(2, 4))
    assert set(kinds) <= {node.op.kind for node in graph.nodes}
    with torch.no_grad():
        expected = module(torch.from_numpy(X).float()).numpy()
    np.testing.assert_allclose(graph.predict(X), expected, atol=1e-5)  # torch in float32
    for width in (3, 8, 20):
        q = hpq.quantize(graph, X, width)
        np.testing.assert_array_equal(q.predict_raw(X), reference(q, q.quantize_input(X)))
    assert np.abs(q.predict(X) - expected).max() < 1e-3


def test_addcmul_is_a_product_and_a_sum_in_integers() -> None:
    q = hpq.quantize(hpq.from_torch(Two(lambda a, b: torch.addcmul(a, a, b)), torch.zeros(2, 4)), X, 6)
    x, (fc, product, total) = q.quantize_input(X), q.layers.values()
    b = simulate_all(q, x)[fc.name]
    mul = product.output_type.from_raw(x * b, q.input_type.fraction + fc.output_type.fraction)
    fraction = max(q.input_type.fraction, product.output_type.fraction)
    aligned = (x << fraction - q.input_type.fraction) + (mul << fraction - product.output_type.fraction)
    np.testing.assert_array_equal(q.predict_raw(X), total.output_type.from_raw(aligned, fraction))


def test_a_constant_in_a_concatenation_is_its_number_in_integers() -> None:
    function = lambda a, b: torch.cat([torch.full((len(b), 2), 0.75), b], 1)  # noqa: E731
    q = hpq.quantize(hpq.from_torch(Two(function), torch.zeros(2, 4)), X, 8)
    found = q.predict(X)
    np.testing.assert_array_equal(found[:, :2], np.full((40, 2), 0.75))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda a, b: torch.lerp(a, b, b), "only a constant weight between two values"),
        (lambda a, b: torch.lerp(a, torch.ones(4), 0.5), "only a constant weight between two values"),
        (lambda a, b: torch.addcmul(a, torch.ones(4), b), "only values of the network"),
        (lambda a, b: torch.addcdiv(a, a, b), "addcdiv"),
        (
            lambda a, b: torch.cat([a, torch.arange(3.0).expand(len(a), 3)], 1),
            "only constants of one number are supported",
        ),
        (lambda a, b: torch.where(a > b, a, b), "only comparisons with a constant"),
    ],
)
def test_refused(function, reason: str) -> None:
    with pytest.raises(UnsupportedOperatorError, match=reason):
        hpq.from_torch(Two(function), torch.zeros(2, 4))


# ---------------------------------------------------------------------- ONNX

COMPARISONS = ("Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal")


def loaded(folder: Path, *nodes: Any, **constants: Any) -> tuple[hpq.Graph, Any]:
    made = model(nodes, (4,), **constants)
    onnx.save(made, folder / "net.onnx")
    return hpq.from_onnx(folder / "net.onnx"), ReferenceEvaluator(made)


@pytest.mark.parametrize("kind", COMPARISONS)
@pytest.mark.parametrize("behind", [True, False])
def test_comparisons_in_onnx(kind: str, behind: bool, tmp_path: Path) -> None:
    """With a constant behind or in front; a tie is among the samples, in integers too."""
    given = ("x", "c") if behind else ("c", "x")
    nodes = (node(kind, *given, name="flag"), node("Where", "flag", "x", "d", name="y"))
    graph, evaluator = loaded(tmp_path, *nodes, c=np.array([0.5]), d=np.array(-1.25))
    x = np.concatenate([X, np.full((1, 4), 0.5)])
    (expected,) = evaluator.run(None, {"x": x})
    np.testing.assert_array_equal(graph.predict(x), expected)
    q = hpq.quantize(graph, x, 6)
    codes = q.input_type.to_float(q.quantize_input(x))
    assert (codes == 0.5).any()
    (made,) = evaluator.run(None, {"x": codes})
    np.testing.assert_array_equal(q.predict_raw(x), q.output_type.from_float(made))


def test_flags_in_onnx(tmp_path: Path) -> None:
    """And, Or, Not and Where of numbers, all in one table."""
    nodes = (
        node("Greater", "x", "low", name="above"),
        node("Less", "x", "high", name="below"),
        node("And", "above", "below", name="inside"),
        node("Not", "inside", name="outside"),
        node("Less", "x", "lowest", name="far"),
        node("Or", "inside", "far", name="some"),
        node("Where", "some", "x", "zero", name="part"),
        node("Where", "outside", "one", "zero", name="edge"),
        node("Add", "part", "edge", name="y"),
    )
    numbers = {"low": np.array(-0.5), "high": np.array(0.75), "lowest": np.array(-1.5)}
    graph, evaluator = loaded(tmp_path, *nodes, **numbers, zero=np.array(0.0), one=np.array(1.0))
    (expected,) = evaluator.run(None, {"x": X})
    np.testing.assert_array_equal(graph.predict(X), expected)
    q = hpq.quantize(graph, X, 7)
    assert [name for name, layer in q.layers.items() if layer.tables] == ["y"]
    (made,) = evaluator.run(None, {"x": q.input_type.to_float(q.quantize_input(X))})
    np.testing.assert_array_equal(q.predict_raw(X), q.output_type.from_float(made))


def test_refused_in_onnx(tmp_path: Path) -> None:
    for nodes, reason in (
        ((node("Neg", "x"), node("Greater", "x", "neg")), "only comparisons with a constant"),
        ((node("Less", "x", "c"),), "its constant has 4 elements"),
        ((node("Less", "x", "d", name="f"), node("Where", "f", "x", "c")), "its constant has 4 elements"),
    ):
        with pytest.raises(UnsupportedOperatorError, match=reason):
            loaded(tmp_path, *nodes, c=np.ones(4), d=np.array(1.0))
