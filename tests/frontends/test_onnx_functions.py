"""Functions of one variable in ONNX, all in one model, against the reference evaluator."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.frontends import from_onnx
from hpq_hls.graph import Graph
from hpq_hls.ops import Clamp
from hpq_hls.ops.leaky import PRelu
from tests.frontends.test_onnx import model, node

ANY: dict[str, dict[str, Any]] = {
    "Sigmoid": {}, "Tanh": {}, "Softplus": {}, "Softsign": {}, "Mish": {}, "HardSwish": {}, "Exp": {},
    "Erf": {}, "Sin": {}, "Cos": {}, "Atan": {}, "Sinh": {}, "Cosh": {}, "Asinh": {}, "Abs": {},
    "Neg": {}, "Sign": {}, "Round": {}, "Floor": {}, "Ceil": {}, "Elu": {"alpha": 0.7},
    "Celu": {"alpha": 1.5},
    "Selu": {},
    "HardSigmoid": {"alpha": 0.3, "beta": 0.4}, "ThresholdedRelu": {"alpha": 0.5},
    "Shrink": {"lambd": 0.4, "bias": 0.2}, "Gelu": {},
}  # fmt: skip
ABOVE: dict[str, dict[str, Any]] = {"Log": {}, "Sqrt": {}, "Reciprocal": {}, "Acosh": {}}
INNER: dict[str, dict[str, Any]] = {"Asin": {}, "Acos": {}, "Atanh": {}, "Tan": {}}


def summed(functions: dict[str, dict[str, Any]]) -> Any:
    nodes = [node(kind, "x", **attributes) for kind, attributes in functions.items()]
    last = nodes[0].output[0]
    for number, one in enumerate(nodes[1:]):
        nodes.append(node("Add", last, one.output[0], name=f"sum{number}"))
        last = f"sum{number}"
    return model(nodes, (5,))


@pytest.mark.parametrize(
    ("functions", "limits"), [(ANY, (-3.0, 3.0)), (ABOVE, (1.1, 4.0)), (INNER, (-0.9, 0.9))]
)
def test_functions(functions: dict[str, dict[str, Any]], limits: tuple[float, float]) -> None:
    made = summed(functions)
    x = np.random.default_rng(0).uniform(*limits, (40, 5))
    graph = loaded(made)
    (wanted,) = ReferenceEvaluator(made).run(None, {"x": x})
    np.testing.assert_allclose(graph.predict(x), wanted, rtol=1e-6, atol=1e-6)  # some compute in float32


def imported(*nodes: Any, **weights: Any) -> Graph:
    return loaded(model(nodes, (5,), **weights))


def loaded(made: onnx.ModelProto) -> Graph:
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(made, Path(folder) / "net.onnx")
        return from_onnx(Path(folder) / "net.onnx")


def test_constants_beside_a_value() -> None:
    x = np.random.default_rng(0).uniform(0.5, 2.0, (9, 5))
    graph = imported(node("Pow", "x", "two"), two=np.array(2.5))
    np.testing.assert_allclose(graph.predict(x), x**2.5)
    graph = imported(node("Pow", "two", "x"), two=np.array([2.5]))
    np.testing.assert_allclose(graph.predict(x), 2.5**x)
    with pytest.raises(UnsupportedOperatorError, match="its constant has 5 elements"):
        imported(node("Pow", "x", "two"), two=np.ones(5))


def test_clip() -> None:
    x = np.random.default_rng(0).normal(size=(9, 5))
    graph = imported(node("Clip", "x", "low", "high"), low=np.array(-0.5), high=np.array(0.7))
    (found,) = graph.nodes
    assert isinstance(found.op, Clamp) and found.op.clips == (-0.5, 0.7)
    np.testing.assert_array_equal(graph.predict(x), x.clip(-0.5, 0.7))
    largest = np.array(np.finfo(np.float32).max)
    graph = imported(node("Clip", "x", "low", "high"), low=np.array(0.0), high=largest)
    np.testing.assert_array_equal(graph.predict(x), x.clip(0))


def test_prelu() -> None:
    x = np.random.default_rng(0).normal(size=(9, 5))
    slopes = np.array([0.1, 0.2, -0.3, 0.0, 1.0])
    np.testing.assert_allclose(
        imported(node("PRelu", "x", "slopes"), slopes=slopes).predict(x), np.where(x < 0, slopes * x, x)
    )
    (found,) = imported(node("PRelu", "x", "slopes"), slopes=np.array([0.25])).nodes
    assert isinstance(found.op, PRelu)
