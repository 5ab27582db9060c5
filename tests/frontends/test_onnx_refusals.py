"""ONNX models that have no exact meaning are refused in one sentence."""

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hpq_hls.errors import DataError, ToolError, UnsupportedOperatorError
from hpq_hls.frontends import from_onnx

IMAGE = (2, 7, 6)


def node(kind: str, *inputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [kind.lower()], name=f"my{kind}", **attributes)


def saved(folder: Path, *nodes: onnx.NodeProto, shape: Any = IMAGE, opset: int = 21, **weights: Any) -> Path:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, ["N", None])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("vendor", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / "model.onnx")
    return folder / "model.onnx"


def ones(*shape: int) -> Any:
    return np.ones(shape, dtype=np.float32)


SINGLE = {
    "custom operator": (node("Relu", "x", domain="vendor"), {}),
    "computed weights": (node("Conv", "x", "x"), {}),
    "transposed input": (node("Gemm", "x", "w", transA=1), {"w": ones(5, 3), "shape": (5,)}),
    "bias per sample": (node("Gemm", "x", "w", "b"), {"w": ones(5, 3), "b": ones(4, 1), "shape": (5,)}),
    "matrix from the left": (node("MatMul", "w", "x"), {"w": ones(3, 5), "shape": (5,)}),
    "training": (node("Dropout", "x", "half", "yes"), {"half": np.float32(0.5), "yes": np.array(True)}),
    "average in ceil_mode": (
        node("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, count_include_pad=1),
        {},
    ),
    "window in the padding": (
        node("MaxPool", "x", kernel_shape=[2, 1], strides=[3, 1], pads=[1, 0, 1, 0], ceil_mode=1),
        {},
    ),
    "negative padding": (node("Conv", "x", "w", pads=[-1, 0, 0, 0]), {"w": ones(2, 2, 3, 3)}),
    "flatten of the batch": (node("Flatten", "x", axis=2), {}),
    "reshape across samples": (node("Reshape", "x", "s"), {"s": np.array([-1, 6])}),
    "reshape without batch": (node("Reshape", "x", "s"), {"s": np.array([3, 4, -1])}),
    "squeezed batch": (node("Squeeze", "x", "a"), {"a": np.array([0])}),
    "axis before the batch": (node("Unsqueeze", "x", "a"), {"a": np.array([0])}),
    "narrower type": (node("Cast", "x", to=TensorProto.FLOAT16), {}),
    "nothing": (node("Identity", "x"), {}),
}


def test_every_sentence(tmp_path: Path, same_as_written: Callable[[str, dict[str, str]], None]) -> None:
    found = {name: _answer(saved(tmp_path, one, **settings)) for name, (one, settings) in SINGLE.items()}
    assert not any("\n" in sentence for sentence in found.values())
    same_as_written("onnx", found)


def _answer(path: Path) -> str:
    try:
        from_onnx(path)
    except UnsupportedOperatorError as error:
        return str(error)
    return "accepted"


def test_sizes_of_the_batch_are_only_for_reshapes(tmp_path: Path) -> None:
    nodes = [node("Shape", "x"), node("ConstantOfShape", "shape"), node("Add", "x", "constantofshape")]
    with pytest.raises(UnsupportedOperatorError, match="operator ConstantOfShape"):
        from_onnx(saved(tmp_path, *nodes))


def test_batch_times_channels_is_no_batch(tmp_path: Path) -> None:
    nodes = [
        node("Shape", "x", end=1),
        node("Mul", "shape", "two"),
        node("Concat", "mul", "rest", axis=0),
        node("Reshape", "x", "concat"),
    ]
    path = saved(tmp_path, *nodes, two=np.array([2]), rest=np.array([42]))
    with pytest.raises(UnsupportedOperatorError, match="does not keep the batch axis first"):
        from_onnx(path)


def test_second_results(tmp_path: Path) -> None:
    pool = helper.make_node("MaxPool", ["x"], ["y", "indices"], name="pool", kernel_shape=[2, 2])
    with pytest.raises(UnsupportedOperatorError, match="it reads 'indices', a second result"):
        from_onnx(saved(tmp_path, pool, node("Cast", "indices", to=TensorProto.FLOAT)))


def test_inputs_and_outputs(tmp_path: Path) -> None:
    info = helper.make_tensor_value_info
    x, y, z = (info(name, TensorProto.FLOAT, ["N", 3]) for name in "xyz")
    wide = info("y", TensorProto.DOUBLE, ["N", 3])
    three, four = info("x", TensorProto.FLOAT, [3, 3]), info("y", TensorProto.FLOAT, [4, 3])
    add, relu = helper.make_node("Add", ["x", "y"], ["z"]), helper.make_node("Relu", ["x"], ["z"])
    constant = helper.make_node("Constant", [], ["y"], value_floats=[1.0])
    two_types = helper.make_graph([add], "two", [x, wide], [z])
    two_batches = helper.make_graph([add], "two", [three, four], [z])
    unused = helper.make_graph([relu], "two", [x, y], [z])
    no_input = helper.make_graph([constant], "none", [], [info("y", TensorProto.FLOAT, [1])])
    fixed = helper.make_graph([relu, constant], "two", [x], [z, info("y", TensorProto.FLOAT, [1])])
    opened = info("x", TensorProto.FLOAT, ["N", "C"])
    open_sizes = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "open", [opened], [y])
    path = tmp_path / "model.onnx"
    for graph, error, reason in (
        (two_types, DataError, "have different number types; export it with the same for all"),
        (two_batches, DataError, r"have batches of \[3, 4\] samples; export it with the same for all"),
        (unused, UnsupportedOperatorError, "no output of the network depends on its input 'y'; remove"),
        (no_input, UnsupportedOperatorError, "has no inputs"),
        (fixed, UnsupportedOperatorError, "the output 'y' of the ONNX model does not depend on its input"),
        (open_sizes, DataError, "export it with fixed sizes"),
    ):
        onnx.save(helper.make_model(graph, ir_version=10), path)
        with pytest.raises(error, match=reason):
            from_onnx(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.onnx cannot be read as an ONNX model"):
        from_onnx(tmp_path / "missing.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(DataError, match=r"text\.onnx cannot be read as an ONNX model"):
        from_onnx(str(tmp_path / "text.onnx"))


def test_onnx_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_onnx(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "onnx":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_onnx)
    with pytest.raises(ToolError, match="pip install 'hpq_hls\\[onnx\\]'"):
        from_onnx(tmp_path / "model.onnx")
