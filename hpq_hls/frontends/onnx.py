"""An ONNX file -> Graph."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpq_hls.errors import DataError, ToolError, UnsupportedOperatorError
from hpq_hls.frontends.builder import GraphBuilder, Value
from hpq_hls.frontends.onnx_call import BATCH, OnnxCall
from hpq_hls.frontends.onnx_origin import onnx_origins
from hpq_hls.frontends.origin import Origin
from hpq_hls.graph import Graph
from hpq_hls.graph.ranking import without_final_ranking
from hpq_hls.ops.layout import Array
from hpq_hls.ops.spelling import ONNX, SUPPORTED

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

OLDEST_OPSET = 7
"""The first with today's broadcasting and batch-norm."""
_SHAPE_OPERATORS = frozenset(
    {
        "Add",
        "Cast",
        "Concat",
        "Div",
        "Gather",
        "Identity",
        "Mul",
        "Reshape",
        "Slice",
        "Squeeze",
        "Sub",
        "Unsqueeze",
    }
)
"""What may be computed from sizes; others would build tensors of the stand-in batch size."""


def from_onnx(
    path: str | os.PathLike[str], *, name: str = "model", drop_final_ranking: bool = False
) -> Graph:
    """The float network of an ONNX file as a Graph; the first axis of its inputs is the batch.

    drop_final_ranking: leave out a softmax or sigmoid at the end: the largest output stays the largest.

    Raises
    ------
    ToolError : the onnx package is not installed.
    DataError : the file cannot be read, is no valid ONNX model, or leaves sizes open.
    UnsupportedOperatorError : an operator or a mode of one has no exact meaning here.
    """
    graph = _Import(_load(Path(path))).graph(name)
    return without_final_ranking(graph) if drop_final_ranking else graph


def _load(path: Path) -> ModelProto:
    try:
        import onnx
        import onnx.inliner
    except ImportError:
        raise ToolError(
            "reading ONNX files needs the onnx package, which is not installed; "
            "run pip install 'hpq_hls[onnx]'"
        ) from None
    try:
        model = onnx.load(path)
        onnx.checker.check_model(str(path))
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # protobuf, checker and file errors share no base class
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{path} cannot be read as an ONNX model: {lines[0]}; export it again") from None


class _Import:
    """One pass over the nodes of a model."""

    def __init__(self, model: ModelProto) -> None:
        import onnx

        self._graph = model.graph
        self._opset = next(
            (entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0
        )
        if self._opset < OLDEST_OPSET:
            raise UnsupportedOperatorError(
                f"the ONNX model uses opset {self._opset}, but {OLDEST_OPSET} or later is supported; "
                "export it again or use onnx.version_converter"
            )
        self._values: dict[str, Value | Array] = {
            tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in self._graph.initializer
        }
        if self._graph.sparse_initializer:
            raise UnsupportedOperatorError("the ONNX model has sparse weights; store them densely")
        self._origins = onnx_origins(self._graph.node)
        self._builder, self._batch = self._open()

    def _open(self) -> tuple[GraphBuilder, int | None]:
        """The builder, with the network's inputs in it, and the batch size if the file fixes it."""
        inputs = [given for given in self._graph.input if given.name not in self._values]
        if not inputs:
            raise UnsupportedOperatorError("the ONNX model has no inputs; there is nothing to compute")
        sizes = {given.name: _sizes(given) for given in inputs}
        batches = {size[0] for size in sizes.values() if size[0]}
        types = {given.type.tensor_type.elem_type for given in inputs}
        if len(batches) > 1 or len(types) > 1:
            what = f"batches of {sorted(batches)} samples" if len(batches) > 1 else "different number types"
            raise DataError(f"the inputs of the ONNX model have {what}; export it with the same for all")
        (self._input_type,) = types
        reserved = {origin.scope for origin in self._origins if origin.leaf}
        shapes = {name: size[1:] for name, size in sizes.items()}
        builder = GraphBuilder(shapes, SUPPORTED["onnx"], reserved)
        self._values |= builder.inputs
        return builder, next(iter(batches), None)

    def graph(self, name: str) -> Graph:
        """Translate every node."""
        for node, origin in zip(self._graph.node, self._origins, strict=True):
            result = self._result(node, origin)
            several = result if isinstance(result, list) else [result]
            self._values.update(zip(node.output, several, strict=False))
        outputs: dict[str, Value] = {}
        for item in self._graph.output:
            result = self._values.get(item.name)
            if not isinstance(result, Value):
                which = "the output" if len(self._graph.output) == 1 else f"the output {item.name!r}"
                raise UnsupportedOperatorError(f"{which} of the ONNX model does not depend on its input")
            outputs[item.name] = result
        return self._builder.finish(outputs, name)

    def _result(self, node: NodeProto, origin: Origin) -> Any:
        import onnx

        missing = [read for read in node.input if read and read not in self._values]
        if missing:
            self._builder.refuse(
                origin, f"it reads {missing[0]!r}, a second result, and only first ones exist"
            )
        inputs = [self._values.get(read) for read in node.input]
        attributes: dict[str, Any] = {
            entry.name: _plain(onnx.helper.get_attribute_value(entry)) for entry in node.attribute
        }
        standard = node.domain in ("", "ai.onnx")
        if standard and node.op_type == "Shape" and isinstance(inputs[0], Value):
            sizes = np.array([self._batch or BATCH, *inputs[0].shape], dtype=np.int64)
            return sizes[attributes.get("start", 0) : attributes.get("end")]
        constants = [given for given in inputs if not isinstance(given, Value)]
        if standard and len(constants) == len(inputs) and _foldable(node, constants):
            return self._folded(node, origin)
        spelled = node.op_type if standard else f"{node.domain}::{node.op_type}"
        handler = ONNX.get(spelled)
        if handler is None:
            self._builder.refuse(origin)
        result: Value = handler(
            OnnxCall(
                self._builder,
                origin,
                node.op_type,
                self._opset,
                len(node.output),
                inputs,
                attributes,
                self._batch,
                self._input_type,
            )
        )
        return result

    def _folded(self, node: NodeProto, origin: Origin) -> Array:
        """The value of a node that reads constants only."""
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        read = {name: self._values[name] for name in node.input if name}
        graph = helper.make_graph(
            [node],
            "constants",
            [helper.make_empty_tensor_value_info(name) for name in read],
            [helper.make_empty_tensor_value_info(node.output[0])],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self._opset)])
        try:
            results: Any = ReferenceEvaluator(model).run(None, read)
        except Exception as error:  # whatever the evaluator does not know
            self._builder.refuse(origin, f"its constants cannot be computed ({type(error).__name__})")
        return np.asarray(results[0])


def _sizes(given: ValueInfoProto) -> tuple[int, ...]:
    """Batch (0: not known) and shape of an input."""
    sizes = [dim.dim_value for dim in given.type.tensor_type.shape.dim]
    if len(sizes) < 2 or min(sizes[1:]) < 1:
        raise DataError(
            f"the input {given.name!r} of the ONNX model has sizes {sizes} (0: not known); "
            "export it with fixed sizes behind the batch axis"
        )
    return tuple(sizes)


def _plain(attribute: Any) -> Any:
    return attribute.decode() if isinstance(attribute, bytes) else attribute


def _foldable(node: NodeProto, constants: list[Any]) -> bool:
    if node.op_type.startswith("Random") or node.op_type in ("Bernoulli", "Multinomial"):
        return False
    sizes = any(
        given is not None and given.dtype.kind == "i" and np.any(np.abs(given) >= BATCH)
        for given in constants
    )
    return not sizes or node.op_type in _SHAPE_OPERATORS
