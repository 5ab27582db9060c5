"""ONNX files that ask for what nobody has, or mean nothing: one sentence, at once."""

# ruff: noqa: E501  # rows of the table of attacks read best on one line

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from hpq_hls.errors import DataError, UnsupportedOperatorError
from hpq_hls.frontends import from_onnx

BIG = 1 << 40
WEIGHTS = np.random.default_rng(0).normal(size=(2, 1, 3, 3)).astype(np.float32)


def model(
    nodes: list[Any],
    constants: dict[str, Any],
    shape: tuple[Any, ...] = ("N", 1, 4, 4),
    kind: int = TensorProto.FLOAT,
) -> ModelProto:
    made = [
        held if isinstance(held, TensorProto) else numpy_helper.from_array(np.asarray(held), name)
        for name, held in constants.items()
    ]
    ends = (
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    graph = helper.make_graph(nodes, "g", *ends, made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def convolution(weights: Any = WEIGHTS, **attributes: Any) -> ModelProto:
    return model([helper.make_node("Conv", ["x", "w"], ["y"], name="conv", **attributes)], {"w": weights})


def one(kind: str, **attributes: Any) -> ModelProto:
    return model([helper.make_node(kind, ["x"], ["y"], name="n", **attributes)], {})


def added(kind: str, **constants: Any) -> ModelProto:
    """A constant that is computed, and added to the input."""
    attributes = {"equation": "a,b->ab"} if kind == "Einsum" else {}
    made = helper.make_node(kind, list(constants), ["k"], name="n", **attributes)
    return model([made, helper.make_node("Add", ["x", "k"], ["y"])], constants)


def shaped(kind: str, wanted: Any, first: Any = None) -> ModelProto:
    """The input with another size."""
    constants = {"s": np.asarray(wanted)}
    inputs = ["x", "s"] if kind != "Resize" else ["x", "", "s"]
    return model([helper.make_node(kind, inputs, ["y"], name="n")], constants)


def dims(*sizes: int) -> TensorProto:
    """Weights that say more sizes than they have numbers."""
    held = TensorProto(name="w", data_type=TensorProto.FLOAT, raw_data=b"")
    held.dims.extend(sizes)
    return held


def branch(condition: Any) -> ModelProto:
    inner = helper.make_graph(
        [helper.make_node("Identity", ["k"], ["q"])],
        "b",
        [],
        [helper.make_tensor_value_info("q", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0, axes=[1, 2, 3]),
        helper.make_node("Cast", ["m"], ["c"], to=TensorProto.BOOL),
        helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner),
    ]
    return model(nodes, {"k": condition})


def loop() -> ModelProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["ci"], ["co"]), helper.make_node("Add", ["v", "v"], ["vo"])],
        "b",
        [helper.make_tensor_value_info(name, kind, None) for name, kind in (("i", 7), ("ci", 9), ("v", 1))],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in (("co", 9), ("vo", 1))],
    )
    nodes = [
        helper.make_node("Loop", ["n", "c", "o"], ["k"], body=body),
        helper.make_node("Mul", ["x", "k"], ["y"]),
    ]
    return model(nodes, {"n": np.array(2**62), "c": np.array(True), "o": np.float32(1)})


ROW, COLUMN = np.ones((1, 1 << 16), np.float32), np.ones((1 << 16, 1), np.float32)
SMALL = np.ones((1, 1, 4, 4), np.float32)
ATTACKS: dict[str, tuple[ModelProto, str]] = {
    "2^40 kernels": (convolution(dims(BIG, 1, 3, 3)), "no valid ONNX model"),
    "a negative number of kernels": (convolution(dims(-2, 1, 3, 3)), "ONNX model"),
    "stride 0": (convolution(strides=[0, 0]), "its strides [0, 0] must be 2 numbers from 1 to 65536"),
    "a negative stride": (convolution(strides=[-1, 1]), "its strides [-1, 1] must be"),
    "many strides": (convolution(strides=[1] * 9), "must be 2 numbers from 1"),
    "dilation 0": (convolution(dilations=[0, 0]), "its dilations [0, 0] must be 2 numbers from 1"),
    "group 0": (convolution(group=0), "do not divide into 0 groups"),
    "a negative group": (convolution(group=-1), "do not divide into -1 groups"),
    "kernel_shape unlike the weights": (convolution(kernel_shape=[5, 5]), "its kernel_shape is [5, 5], but its weights are of a kernel of [3, 3]"),
    "kernel_shape 0": (convolution(kernel_shape=[0, 0]), "its kernel_shape is [0, 0]"),
    "pads 2^40": (convolution(pads=[BIG] * 4), "pixels, which is too large"),
    "pads 2^20": (convolution(pads=[1 << 20] * 4), "pixels, which is too large"),
    "string weights": (convolution(helper.make_tensor("w", TensorProto.STRING, [2, 1, 3, 3], [b"a"] * 18)), "holds no real numbers"),
    "complex weights": (convolution(WEIGHTS.astype(np.complex64)), "is of type complex64, and holds no real numbers"),
    "weights that are NaN": (convolution(WEIGHTS * np.nan), "its parameters hold NaN or infinity"),
    "a window of 0": (one("MaxPool", kernel_shape=[0, 0]), "has sizes out of 1 to 65536"),
    "a window of 2^40": (one("MaxPool", kernel_shape=[BIG, BIG], pads=[BIG - 1] * 4), "has sizes out of 1 to 65536"),
    "pads of a window": (one("MaxPool", kernel_shape=[2, 2], pads=[1 << 20] * 4), "pixels, which is too large"),
    "If of data": (branch(SMALL), "is not supported"),
    "Loop": (loop(), "operator Loop"),
    "ConstantOfShape": (added("ConstantOfShape", s=np.array([BIG])), "operator ConstantOfShape"),
    "Expand": (added("Expand", l=SMALL, s=np.array([1 << 25, 1, 4, 4])), "too large"),
    "Tile": (added("Tile", l=SMALL, s=np.array([1 << 25, 1, 1, 1])), "it makes a constant of 536,870,912 elements"),
    "Range": (added("Range", a=np.float32(0), b=np.float32(1e9), c=np.float32(1)), "it makes a constant of 1,000,000,000 elements"),
    "Range without end": (added("Range", a=np.float32(0), b=np.float32(1e9), c=np.float32(0)), "it makes a constant of"),
    "an outer sum": (added("Add", a=ROW, b=COLUMN), "it makes a constant of 4,294,967,296 elements"),
    "an outer product": (added("MatMul", a=COLUMN, b=ROW), "it makes a constant of 4,294,967,296 elements"),
    "Einsum": (added("Einsum", a=ROW[0], b=ROW[0]), "it makes a constant of 4,294,967,296 elements"),
    "Gather": (added("Gather", a=ROW, b=np.zeros(1 << 12, np.int64)), "it makes a constant of 268,435,456 elements"),
    "Pad": (added("Pad", a=ROW[0], b=np.array([0, 1 << 30])), "it makes a constant of"),
    "OneHot": (added("OneHot", a=np.array([1]), b=np.array(1 << 30), c=np.array([0, 1], np.float32)), "it makes a constant of"),
    "Expand of data": (shaped("Expand", [1, 1 << 30, 4, 4]), "too large"),
    "Tile of data": (shaped("Tile", [1, 1 << 30, 1, 1]), "too large"),
    "Pad of data": (shaped("Pad", [0, 0, 1 << 20, 1 << 20] * 2), "too large"),
    "Resize of data": (shaped("Resize", np.array([1, 1, 1e5, 1e5], np.float32)), "is not supported"),
    "a large input": (model([helper.make_node("Relu", ["x"], ["y"])], {}, ("N", 1, 1 << 20, 1 << 20)), "1,099,511,627,776 elements per sample, which is too large"),
    "an input of text": (model([helper.make_node("Relu", ["x"], ["y"])], {}, kind=TensorProto.STRING), "text or complex numbers"),
    "a clamp to NaN": (model([helper.make_node("Clip", ["x", "a"], ["y"])], {"a": np.float32("nan")}), "is not supported because"),
    "a slope of NaN": (one("LeakyRelu", alpha=float("nan")), "its slopes are not all finite numbers"),
    "a slope of infinity": (one("LeakyRelu", alpha=float("inf")), "its slopes are not all finite numbers"),
    "an axis that is not there": (one("Softmax", axis=99), "its axis 99 is none of the 4 that its input has"),
    "axes that are not there": (one("ReduceMax", axes=[-99]), "its axis -99 is none of the 4"),
    "division by 0": (model([helper.make_node("Div", ["x", "a"], ["y"])], {"a": np.zeros(1, np.float32)}), "infinity"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_refused_at_once(name: str, tmp_path: Path) -> None:
    made, expected = ATTACKS[name]
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    begin = time.monotonic()
    with pytest.raises((DataError, UnsupportedOperatorError)) as refusal:
        from_onnx(path)
    assert expected in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert time.monotonic() - begin < 5


def test_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net.onnx")
    with pytest.raises(DataError, match=r"cannot be read as an ONNX model: .*it is a pipe or a device"):
        from_onnx(tmp_path / "net.onnx")


def test_a_branch_that_is_known(tmp_path: Path) -> None:
    """If with a constant condition is that branch."""
    inner = [
        helper.make_graph(
            [helper.make_node("Mul", ["k", number], ["q"])],
            number,
            [],
            [helper.make_tensor_value_info("q", 1, None)],
        )
        for number in ("two", "three")
    ]
    nodes = [
        helper.make_node("If", ["c"], ["f"], then_branch=inner[0], else_branch=inner[1]),
        helper.make_node("Mul", ["x", "f"], ["y"]),
    ]
    made = model(
        nodes, {"c": np.array(False), "k": np.float32(1), "two": np.float32(2), "three": np.float32(3)}
    )
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    x = np.ones((1, 1, 4, 4))
    assert np.array_equal(from_onnx(tmp_path / "net.onnx").predict(x), 3 * x)
