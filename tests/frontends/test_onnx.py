"""ONNX models: every operator against the reference evaluator, whole networks against torch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.frontends import from_onnx
from hpq_hls.graph import Graph

RANDOM = np.random.default_rng(0)
IMAGE = (2, 7, 6)


def node(kind: str, *inputs: str, **attributes: Any) -> onnx.NodeProto:
    """A node whose output is named after it."""
    name = attributes.pop("name", kind.lower())
    return helper.make_node(kind, inputs, [name], name=name, **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    shape: tuple[int, ...],
    opset: int = 21,
    batch: int | str = "N",
    kind: int = TensorProto.DOUBLE,
    output_rank: int | None = None,
    **weights: Any,
) -> onnx.ModelProto:
    """A model of double precision with one input "x", whose output is its last node's."""
    output = helper.make_tensor_value_info(nodes[-1].output[0], kind, ["N", None])
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", kind, [batch, *shape])],
        [output],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def saved(built: onnx.ModelProto, folder: Path) -> Path:
    onnx.save(built, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.fixture
def same_as_onnx(tmp_path: Path) -> Callable[..., Graph]:
    def check(
        nodes: Sequence[onnx.NodeProto], shape: tuple[int, ...], batch: int | str = "N", **rest: Any
    ) -> Graph:
        built = model(nodes, shape, batch=batch, **rest)
        graph = from_onnx(saved(built, tmp_path))
        x = RANDOM.normal(size=(batch if isinstance(batch, int) else 4, *shape))
        (expected,) = ReferenceEvaluator(built).run(None, {"x": x})
        found = graph.predict(x)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-9  # the evaluator sums in another order
        return graph

    return check


def weights(*shape: int) -> Any:
    return RANDOM.normal(size=shape)


CONVOLUTIONS = {
    "plain": {},
    "pads": {"pads": [1, 0, 2, 3]},
    "strides": {"strides": [2, 3], "kernel_shape": [3, 2]},
    "dilations": {"dilations": [2, 1]},
    "groups": {"group": 2},
    "same upper": {"auto_pad": "SAME_UPPER"},
    "same lower": {"auto_pad": "SAME_LOWER"},
    "same upper strided": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "valid": {"auto_pad": "VALID"},
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_conv(same_as_onnx: Callable[..., Graph], name: str) -> None:
    settings = CONVOLUTIONS[name]
    w = weights(4, 2 // settings.get("group", 1), 3, 2)
    graph = same_as_onnx([node("Conv", "x", "w", "b", **settings)], IMAGE, w=w, b=weights(4))
    assert [n.op.kind for n in graph.nodes] == ["Conv2d"]
    assert np.array_equal(graph.nodes[0].op.weight, w)


def test_conv_without_bias(same_as_onnx: Callable[..., Graph]) -> None:
    assert same_as_onnx([node("Conv", "x", "w")], IMAGE, w=weights(3, 2, 2, 2)).nodes[0].op.bias is None


@pytest.mark.parametrize(
    ("settings", "bias"),
    [
        ({}, None),
        ({}, (3,)),
        ({"alpha": 0.5, "beta": 2.0}, (1, 3)),
        ({"transB": 1, "beta": 0.25}, (1,)),
        ({"transB": 1}, ()),
    ],
)
def test_gemm(
    same_as_onnx: Callable[..., Graph], settings: dict[str, Any], bias: tuple[int, ...] | None
) -> None:
    given = {"w": weights(*((3, 5) if settings.get("transB") else (5, 3)))}
    names = ["x", "w"]
    if bias is not None:
        given["b"] = weights(*bias)
        names.append("b")
    graph = same_as_onnx([node("Gemm", *names, **settings)], (5,), **given)
    assert [n.op.kind for n in graph.nodes] == ["Linear"]


@pytest.mark.parametrize("flipped", [False, True])
def test_matmul_and_bias(same_as_onnx: Callable[..., Graph], flipped: bool) -> None:
    add = ("b", "fc") if flipped else ("fc", "b")
    nodes = [node("MatMul", "x", "w", name="fc"), node("Add", *add), node("Relu", "add")]
    graph = same_as_onnx(nodes, (5,), w=weights(5, 3), b=weights(3))
    assert [(n.name, n.op.kind) for n in graph.nodes] == [("fc", "Linear"), ("relu", "ReLU")]


@pytest.mark.parametrize("shape", [(4, 6), (2, 4, 3)])
def test_matrix_first(same_as_onnx: Callable[..., Graph], shape: tuple[int, ...]) -> None:
    """``w @ x`` of each sample; the matrix may have axes of size 1 in front."""
    graph = same_as_onnx(
        [node("MatMul", "w", "x")], shape, w=weights(1, 3, 4 if len(shape) > 2 else shape[0])
    )
    assert "Linear" in [each.op.kind for each in graph.nodes]


def test_batch_normalization_of_features_first(tmp_path: Path) -> None:
    """(C, N) around a batch norm, as one writer has it; no evaluator takes that."""
    given = {"s": weights(5), "b": weights(5), "m": weights(5), "v": RANDOM.uniform(0.5, 2, size=5)}
    nodes = [
        node("Transpose", "x", name="turned"),
        node("BatchNormalization", "turned", "s", "b", "m", "v", name="norm", epsilon=1e-2),
        node("Transpose", "norm", name="back"),
    ]
    x = RANDOM.normal(size=(4, 5))
    found = from_onnx(saved(model(nodes, (5,), **given), tmp_path)).predict(x)
    expected = (x - given["m"]) / np.sqrt(given["v"] + np.float32(1e-2)) * given["s"] + given["b"]
    assert np.abs(found - expected).max() < 1e-12
    for broken, place in [(nodes[:2], "the output"), ([nodes[0], node("Relu", "turned")], "its input 0")]:
        with pytest.raises(UnsupportedOperatorError, match=f"batch axis of {place}.* keep it first"):
            from_onnx(saved(model(broken, (5,), **given), tmp_path))


TRANSPOSED = {
    "output_shape": {"output_shape": [7, 7], "strides": [2, 2]},
    "same upper": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "same lower": {"auto_pad": "SAME_LOWER", "strides": [2, 1]},
    "output_shape from the end": {"output_shape": [8, 8], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
}


@pytest.mark.parametrize("name", TRANSPOSED)
def test_wanted_size_of_a_transposed_convolution(tmp_path: Path, name: str) -> None:
    """What is cut off goes by the ONNX specification."""
    given, kernel = TRANSPOSED[name], weights(2, 3, 3, 2)
    built = model([node("ConvTranspose", "x", "w", **given)], (2, 4, 4), w=kernel)
    x = torch.tensor(RANDOM.normal(size=(2, 2, 4, 4)))
    full = torch.conv_transpose2d(x, torch.tensor(kernel), stride=given["strides"])
    wanted = given.get("output_shape", [4 * step for step in given["strides"]])
    for axis, size in enumerate(wanted, start=2):
        cut = full.shape[axis] - size
        first = cut // 2 if given.get("auto_pad") == "SAME_UPPER" else cut - cut // 2
        full = full.narrow(axis, first, size)
    found = from_onnx(saved(built, tmp_path)).predict(x.numpy())
    np.testing.assert_allclose(found, full.numpy(), rtol=0, atol=1e-12)


def test_batch_normalization(same_as_onnx: Callable[..., Graph]) -> None:
    given = {"s": weights(2), "b": weights(2), "m": weights(2), "v": RANDOM.uniform(0.5, 2, size=2)}
    norm = node("BatchNormalization", "x", "s", "b", "m", "v", epsilon=1e-2)
    assert same_as_onnx([norm], IMAGE, **given).nodes[0].op.kind == "BatchNorm"


ELEMENTWISE = {
    "relu": [node("Relu", "x")],
    "clip": [node("Clip", "x", "zero", name="relu")],
    "clip with an open end": [node("Clip", "x", "zero", "infinity", name="relu")],
    "identity": [node("Identity", "x", name="same"), node("Relu", "same")],
    "dropout": [node("Dropout", "x", name="same"), node("Relu", "same")],
    "dropout with inputs": [node("Dropout", "x", "half", "no", name="same"), node("Relu", "same")],
    "cast": [node("Cast", "x", to=TensorProto.DOUBLE, name="same"), node("Relu", "same")],
    "add of zero": [node("Add", "x", "zero", name="same"), node("Relu", "same")],
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_relu_and_what_does_nothing(same_as_onnx: Callable[..., Graph], name: str) -> None:
    given = {
        "zero": np.float64(0),
        "infinity": np.float64(np.inf),
        "half": np.float64(0.5),
        "no": np.array(False),
    }
    graph = same_as_onnx(ELEMENTWISE[name], (6,), **given)
    assert [(n.name, n.op.kind) for n in graph.nodes] == [("relu", "ReLU")]


def test_clip_of_old_opsets(tmp_path: Path) -> None:
    built = model([node("Clip", "x", min=0.0)], (6,), opset=7, kind=TensorProto.FLOAT)
    assert from_onnx(saved(built, tmp_path)).nodes[0].op.kind == "ReLU"


def test_add(same_as_onnx: Callable[..., Graph]) -> None:
    graph = same_as_onnx([node("Conv", "x", "w"), node("Add", "conv", "x")], IMAGE, w=weights(2, 2, 1, 1))
    assert graph.nodes[-1].inputs == ("conv", "x")


POOLS = {
    "max": node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2]),
    "max padded": node("MaxPool", "x", kernel_shape=[3, 2], strides=[1, 2], pads=[1, 0, 1, 1]),
    "max dilated": node("MaxPool", "x", kernel_shape=[2, 2], dilations=[3, 2]),
    "max same": node("MaxPool", "x", kernel_shape=[2, 3], auto_pad="SAME_UPPER"),
    "max ceil": node("MaxPool", "x", kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1),
    "average": node("AveragePool", "x", kernel_shape=[3, 2], strides=[2, 1]),
    "average with padding": node(
        "AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1
    ),
    "average asymmetric": node(
        "AveragePool", "x", kernel_shape=[2, 2], pads=[1, 0, 0, 1], count_include_pad=1
    ),
    "global": node("GlobalAveragePool", "x"),
    "mean": node("ReduceMean", "x", "axes"),
}


@pytest.mark.parametrize("name", POOLS)
def test_pooling(same_as_onnx: Callable[..., Graph], name: str) -> None:
    graph = same_as_onnx([POOLS[name]], IMAGE, axes=np.array([2, -1]))
    expected = "Mean" if name in ("global", "mean") else "MaxPool2d" if "max" in name else "AvgPool2d"
    assert [n.op.kind for n in graph.nodes] == [expected]


def test_mean_without_axes(same_as_onnx: Callable[..., Graph]) -> None:
    graph = same_as_onnx([node("ReduceMean", "x", axes=[2, 3], keepdims=0)], IMAGE, opset=13)
    assert [n.op.kind for n in graph.nodes] == ["Mean"]


SIZES = [
    node("Shape", "x", name="sizes"),
    node("Gather", "sizes", "first", name="batch"),
    node("Unsqueeze", "batch", "axis", name="batches"),
    node("Concat", "batches", "rest", axis=0, name="wanted"),
]
RESHAPES = {
    "flatten": [node("Flatten", "x")],
    "flatten from the end": [node("Flatten", "x", axis=-3)],
    "reshape": [node("Reshape", "x", "free", name="flatten")],
    "reshape that copies": [node("Reshape", "x", "copied", name="flatten")],
    "computed reshape": [*SIZES, node("Reshape", "x", "wanted", name="flatten")],
    "in two steps": [node("Reshape", "x", "steps", name="step"), node("Flatten", "step")],
}


@pytest.mark.parametrize("batch", ["N", 3])
@pytest.mark.parametrize("name", RESHAPES)
def test_flatten(same_as_onnx: Callable[..., Graph], name: str, batch: int | str) -> None:
    graph = same_as_onnx(
        RESHAPES[name],
        IMAGE,
        batch=batch,
        free=np.array([-1, 84]),
        copied=np.array([0, -1]),
        steps=np.array([0, 0, -1]),
        first=np.array(0),
        axis=np.array([0]),
        rest=np.array([-1]),
    )
    assert [(n.name, n.op.kind) for n in graph.nodes] == [("flatten", "Flatten")]


def test_squeeze_and_unsqueeze(same_as_onnx: Callable[..., Graph]) -> None:
    nodes = [
        node("GlobalAveragePool", "x"),
        node("Squeeze", "globalaveragepool", "axes"),
        node("Unsqueeze", "squeeze", "axes", name="back"),
        node("Squeeze", "back", "last", name="once"),
        node("Squeeze", "once", "last", name="vector"),
    ]
    graph = same_as_onnx(nodes, IMAGE, axes=np.array([2, 3]), last=np.array([-1]))
    assert [n.op.kind for n in graph.nodes] == ["Mean", "Flatten"]


def test_fixed_batch_in_a_reshape(same_as_onnx: Callable[..., Graph]) -> None:
    graph = same_as_onnx([node("Reshape", "x", "sizes")], IMAGE, batch=3, sizes=np.array([3, -1]))
    assert graph.output_shape == (84,)


@pytest.mark.parametrize("opset", [10, 13, 21])
def test_padding_joins_the_convolution(same_as_onnx: Callable[..., Graph], opset: int) -> None:
    amounts = [0, 0, 1, 2, 0, 0, 0, 1]
    pad = node("Pad", "x", pads=amounts) if opset < 11 else node("Pad", "x", "amounts")
    given = {"amounts": np.array(amounts)} if opset >= 11 else {}
    graph = same_as_onnx([pad, node("Conv", "pad", "w")], IMAGE, opset=opset, w=weights(3, 2, 2, 2), **given)
    assert [n.op.kind for n in graph.nodes] == ["Conv2d"]


def test_constants_are_computed(same_as_onnx: Callable[..., Graph]) -> None:
    value = numpy_helper.from_array(weights(3, 5))
    nodes = [
        node("Constant", value=value, name="stored"),
        node("Transpose", "stored", perm=[1, 0], name="turned"),
        node("Mul", "turned", "two", name="scaled"),
        node("Identity", "scaled", name="same"),
        node("MatMul", "x", "same"),
    ]
    graph = same_as_onnx(nodes, (5,), two=np.float64(2))
    assert np.array_equal(graph.nodes[0].op.weight, 2 * numpy_helper.to_array(value))


def test_parameters_are_float64(tmp_path: Path) -> None:
    built = model([node("Gemm", "x", "w")], (5,), kind=TensorProto.FLOAT, w=weights(5, 3).astype(np.float32))
    assert from_onnx(saved(built, tmp_path)).nodes[0].op.weight.dtype == np.float64


PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1])
OTHERS: dict[str, tuple[onnx.NodeProto, tuple[int, ...], dict[str, Any]]] = {
    "convolution in one dimension": (node("Conv", "x", "w"), (2, 9), {"w": weights(2, 2, 3)}),
    "pooling in one dimension": (node("MaxPool", "x", kernel_shape=[2]), (2, 9), {}),
    "add of a constant": (node("Add", "x", "b"), IMAGE, {"b": np.ones(1)}),
    "reflected padding": (node("Pad", "x", "p", mode="reflect"), IMAGE, {"p": PADS}),
    "padding with ones": (node("Pad", "x", "p", "v"), IMAGE, {"p": PADS, "v": np.float64(1)}),
    "padding of channels": (node("Pad", "x", "p"), IMAGE, {"p": np.array([0, 1, 0, 0, 0, 0, 0, 0])}),
    "reshape to an image": (node("Reshape", "x", "s"), IMAGE, {"s": np.array([0, 7, 6, 2])}),
    "mean over channels": (node("ReduceMean", "x", "a"), IMAGE, {"a": np.array([1])}),
    "old opset": (node("Relu", "x"), IMAGE, {"opset": 7}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_spellings(same_as_onnx: Callable[..., Graph], name: str) -> None:
    one, shape, settings = OTHERS[name]
    same_as_onnx([one], shape, **settings)
