"""ONNX files as tools write them: no types of outputs, open sizes, constants computed on the way."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from hpq_hls.errors import HpqError
from hpq_hls.frontends import from_onnx
from hpq_hls.graph import Graph

RANDOM = np.random.default_rng(0)
IMAGE = ("N", 2, 7, 6)


def node(kind: str, *inputs: str, **attributes: Any) -> onnx.NodeProto:
    name = attributes.pop("name", kind.lower())
    return helper.make_node(kind, inputs, [name], name=name, **attributes)


def model(
    nodes: Sequence[onnx.NodeProto], sizes: Sequence[int | str], opset: int = 21, **weights: Any
) -> onnx.ModelProto:
    output = onnx.ValueInfoProto(name=nodes[-1].output[0])
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, sizes)],
        [output],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("vendor", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


@pytest.fixture
def same_as_onnx(tmp_path: Path) -> Callable[..., Graph]:
    def check(built: onnx.ModelProto, shape: tuple[int, ...], **arguments: Any) -> Graph:
        onnx.save(built, tmp_path / "model.onnx")
        graph = from_onnx(tmp_path / "model.onnx", **arguments)
        x = RANDOM.normal(size=(4, *shape))
        (expected,) = ReferenceEvaluator(built).run(None, {"x": x})
        assert np.abs(graph.predict(x) - expected).max() < 1e-9  # the evaluator sums in another order
        return graph

    return check


def test_open_sizes(same_as_onnx: Callable[..., Graph]) -> None:
    w = RANDOM.normal(size=(3, 2, 2, 2))
    for sizes in (("N", 2, "H", "W"), ("N", "C", "H", 6)):
        graph = same_as_onnx(model([node("Conv", "x", "w")], sizes, w=w), (2, 7, 6), input_shape=(2, 7, 6))
        assert graph.output_shape == (3, 6, 5)
        same_as_onnx(model([node("Conv", "x", "w")], sizes, w=w), (2, 7, 6), input_shape={"x": (2, 7, 6)})


@pytest.mark.parametrize("opset", [11, 13, 18, 21])
def test_shapes_computed_by_many_operators(same_as_onnx: Callable[..., Graph], opset: int) -> None:
    axes = {"axes": [0]} if opset < 13 else {}
    extra = [] if opset < 13 else ["zero"]
    nodes = [
        node("Shape", "x", name="sizes"),
        node("Gather", "sizes", "first", name="batch"),
        node("Unsqueeze", "batch", *extra, name="batches", **axes),
        node("Range", "one", "four", "one", name="rest"),
        node("Gather", "sizes", "rest", name="others"),
        node("ReduceProd", "others", name="count", keepdims=1),
        node("Equal", "count", "minus", name="unknown"),
        node("Where", "unknown", "minus", "count", name="known"),
        node("Concat", "batches", "known", axis=0, name="wanted"),
        node("Reshape", "x", "wanted", name="flat"),
        node("ConstantOfShape", "four_ones", name="nothing"),
        node("Add", "nothing", "w", name="weights"),
        node("MatMul", "flat", "weights", name="fc"),
    ]
    given = {
        "first": np.array(0),
        "zero": np.array([0]),
        "one": np.array(1),
        "four": np.array(4),
        "minus": np.array([-1]),
        "four_ones": np.array([84, 1]),
        "w": RANDOM.normal(size=(84, 3)).astype(np.float64),
    }
    nodes[10].attribute.append(helper.make_attribute("value", numpy_helper.from_array(np.zeros(1))))
    graph = same_as_onnx(model(nodes, IMAGE, opset, **given), (2, 7, 6))
    assert [n.op.kind for n in graph.nodes] == ["Flatten", "Linear"]


@pytest.mark.parametrize("chosen", [True, False])
def test_branches_on_constants(same_as_onnx: Callable[..., Graph], chosen: bool) -> None:
    branches = {
        name: helper.make_graph(
            [helper.make_node(kind, ["x"], [f"{name}_out"])],
            name,
            [],
            [onnx.ValueInfoProto(name=f"{name}_out")],
        )
        for name, kind in (("then_branch", "Relu"), ("else_branch", "Flatten"))
    }
    for branch in branches.values():
        branch.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    built = model([node("If", "yes", **branches)], IMAGE, yes=np.array(chosen))
    graph = same_as_onnx(built, (2, 7, 6))
    assert [n.op.kind for n in graph.nodes] == ["ReLU" if chosen else "Flatten"]


POOLS = {
    "valid": node("MaxPool", "x", kernel_shape=[2, 2], strides=[1, 1], auto_pad="VALID", ceil_mode=1),
    "same": node("AveragePool", "x", kernel_shape=[1, 1], strides=[1, 1], auto_pad="SAME_LOWER"),
}


@pytest.mark.parametrize("name", POOLS)
def test_pools_that_all_runtimes_compute_alike(same_as_onnx: Callable[..., Graph], name: str) -> None:
    same_as_onnx(model([POOLS[name]], IMAGE), (2, 7, 6))


def test_pointwise_convolution_with_stride(same_as_onnx: Callable[..., Graph]) -> None:
    conv = node("Conv", "x", "w", strides=[2, 2], auto_pad="SAME_UPPER")
    same_as_onnx(model([conv], ("N", 2, 8, 6), w=RANDOM.normal(size=(3, 2, 1, 1))), (2, 8, 6))


CONSTANTS = {
    "normalise": [node("Sub", "x", "mean"), node("Div", "sub", "std")],
    "subtract from": [node("Sub", "mean", "x"), node("Mul", "two", "sub")],
    "each element": [node("Mul", "x", "all"), node("Add", "all", "mul")],
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(same_as_onnx: Callable[..., Graph], name: str) -> None:
    given = {
        "mean": RANDOM.normal(size=(2, 1, 1)),
        "std": RANDOM.uniform(1, 2, (1, 2, 1, 1)),
        "two": np.float64(2),
        "all": RANDOM.normal(size=(7, 6)),
    }
    graph = same_as_onnx(model(CONSTANTS[name], IMAGE, **given), (2, 7, 6))
    assert [n.op.kind for n in graph.nodes].count("ChannelAffine") == 1


REFUSED: dict[str, tuple[list[onnx.NodeProto], Sequence[int | str], dict[str, Any]]] = {
    "ceil with valid": (
        [node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID", ceil_mode=1)],
        IMAGE,
        {},
    ),
    "same with long strides": (
        [node("AveragePool", "x", kernel_shape=[1, 1], strides=[3, 3], auto_pad="SAME_UPPER")],
        IMAGE,
        {},
    ),
    "same dilated": (
        [node("MaxPool", "x", kernel_shape=[2, 2], dilations=[2, 2], auto_pad="SAME_UPPER")],
        IMAGE,
        {},
    ),
    "open sizes": ([node("Relu", "x")], ("N", 2, "H"), {}),
    "lstm": (
        [node("LSTM", "x", "w", "r", hidden_size=2)],
        ("N", 3, 4),
        {"w": np.ones((1, 8, 4)), "r": np.ones((1, 8, 2))},
    ),
    "quantized model": (
        [node("Quant", "x", "s", domain="qonnx.custom_op.general")],
        IMAGE,
        {"s": np.ones(())},
    ),
    "classical model": ([node("Scaler", "x", domain="ai.onnx.ml")], ("N", 3), {}),
    "loop": ([node("If", "yes")], IMAGE, {"yes": np.array(True)}),
    "not a number": ([node("Mul", "x", "c")], IMAGE, {"c": np.float64(np.nan)}),
    "missing input": ([node("Relu", "y")], IMAGE, {}),
    "unfoldable constant": (
        [node("Reshape", "c", "s"), node("Add", "x", "reshape")],
        IMAGE,
        {"c": np.ones(3), "s": np.array([2, 2])},
    ),
    "integer input": ([node("Cast", "x", to=TensorProto.INT64)], IMAGE, {}),
}


def test_every_sentence(tmp_path: Path, same_as_written: Callable[[str, dict[str, str]], None]) -> None:
    found = {}
    for name, (nodes, sizes, weights) in REFUSED.items():
        onnx.save(model(nodes, sizes, **weights), tmp_path / "model.onnx")
        found[name] = _answer(tmp_path / "model.onnx")
    assert not any("\n" in sentence for sentence in found.values())
    same_as_written("onnx_files", found)


def _answer(path: Path) -> str:
    try:
        from_onnx(path)
    except HpqError as error:
        return str(error).replace(f"{path.parent}/", "")
    return "accepted"
