"""An ONNX file -> Graph."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpq_hls.errors import DataError, ToolError, UnsupportedOperatorError
from hpq_hls.frontends.builder import MAX_ELEMENTS, GraphBuilder, Value
from hpq_hls.frontends.onnx_call import BATCH, OnnxCall
from hpq_hls.frontends.onnx_origin import onnx_origins
from hpq_hls.frontends.onnx_sizes import folded_size
from hpq_hls.frontends.origin import Origin
from hpq_hls.graph import Graph
from hpq_hls.graph.ranking import without_final_ranking
from hpq_hls.ops.layout import Array
from hpq_hls.ops.spelling import ONNX, SUPPORTED
from hpq_hls.reading import regular

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

OLDEST_OPSET = 7
"""The first with today's broadcasting and batch-norm; older files are converted."""
CONVERTED_OPSET = 15
"""What older files are converted to."""
_SHAPE_OPERATORS = frozenset(
    [
        "Add",
        "And",
        "Cast",
        "Concat",
        "Div",
        "Equal",
        "Gather",
        "Greater",
        "GreaterOrEqual",
        "Identity",
        "Less",
        "LessOrEqual",
        "Max",
        "Min",
        "Mul",
        "Neg",
        "Not",
        "Or",
        "ReduceProd",
        "Reshape",
        "Shape",
        "Size",
        "Slice",
        "Squeeze",
        "Sub",
        "Unsqueeze",
        "Where",
    ]
)
"""What may be computed from sizes; others would build tensors of the stand-in batch size."""
_NO_NUMBERS = (8, 14, 15)
"""Types of tensors in ONNX: STRING, COMPLEX64, COMPLEX128."""
Shapes = Mapping[str, Sequence[int]]


def from_onnx(
    path: str | os.PathLike[str],
    *,
    name: str = "model",
    drop_final_ranking: bool = False,
    input_shape: Sequence[int] | Shapes | None = None,
) -> Graph:
    """The float network of an ONNX file as a Graph; the first axis of its inputs is the batch.

    Parameters
    ----------
    input_shape : of a sample, without the batch axis, where the file leaves sizes open; by name of the input
        where there are several.
    drop_final_ranking : leave out a softmax or sigmoid at the end: the largest output stays the largest.

    Raises
    ------
    ToolError : the onnx package is not installed.
    DataError : the file cannot be read, is no valid ONNX model, or leaves sizes open.
    UnsupportedOperatorError : an operator or a mode of one has no exact meaning here.
    """
    graph = _Import(_load(Path(path)), input_shape).graph(name)
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
        model = onnx.load(regular(path))
    except Exception as error:  # protobuf and file errors share no base class
        raise DataError(f"{path} cannot be read as an ONNX model: {_line(error)}") from None
    _check_domains(model)
    try:
        for given in (
            *model.graph.output,
            *model.graph.input,
        ):  # some tools leave out types that nobody needs
            given.type.tensor_type.shape.SetInParent()
            given.type.tensor_type.elem_type = given.type.tensor_type.elem_type or onnx.TensorProto.FLOAT
        onnx.checker.check_model(model if _is_small(model) else str(path))
        model = onnx.inliner.inline_local_functions(model)
    except Exception as error:  # the checker's errors neither
        raise DataError(f"{path} is no valid ONNX model: {_line(error)}") from None
    return model if _opset(model) >= OLDEST_OPSET else _converted(model)


def _opset(model: ModelProto) -> int:
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)


def _converted(model: ModelProto) -> ModelProto:
    """A file of an old opset in the words of a newer one."""
    import onnx.version_converter

    try:
        return onnx.version_converter.convert_version(model, CONVERTED_OPSET)
    except Exception as error:  # the converter raises anything
        raise UnsupportedOperatorError(
            f"the ONNX model uses opset {_opset(model)}, and converting it to opset {CONVERTED_OPSET} fails "
            f"({_line(error)}); export it again with opset {OLDEST_OPSET} or later"
        ) from None


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".: ")


def _is_small(model: ModelProto) -> bool:
    """Whether the checker takes it from memory."""
    return bool(model.ByteSize() < 1 << 30)


def _check_domains(model: ModelProto) -> None:
    """Raise UnsupportedOperatorError for operators of a domain that nobody brings handlers for."""
    own = {function.domain for function in model.functions}
    for node in model.graph.node:
        known = node.domain in ("", "ai.onnx", *own) or f"{node.domain}::{node.op_type}" in ONNX
        if not known:
            raise UnsupportedOperatorError(
                f"operators of the domain {node.domain!r} are not supported, such as {node.op_type}"
                + (f" (node {node.name!r})" if node.name else "")
            )


class _Import:
    """One pass over the nodes of a model."""

    def __init__(self, model: ModelProto, shape: Sequence[int] | Shapes | None) -> None:
        import onnx

        self._given_shape = shape
        self._graph = model.graph
        self._opset = _opset(model)
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
        sizes = {given.name: _sizes(given, self._given_shape) for given in inputs}
        batches = {size[0] for size in sizes.values() if size[0]}
        types = {given.type.tensor_type.elem_type for given in inputs}
        if len(batches) > 1 or len(types) > 1:
            what = f"batches of {sorted(batches)} samples" if len(batches) > 1 else "different number types"
            raise DataError(f"the inputs of the ONNX model have {what}; export it with the same for all")
        (self._input_type,) = types
        if self._input_type in _NO_NUMBERS:
            raise DataError("the inputs of the ONNX model are text or complex numbers; export it for floats")
        reserved = {origin.scope for origin in self._origins if origin.leaf}
        shapes = {name: size[1:] for name, size in sizes.items()}
        builder = GraphBuilder(shapes, SUPPORTED["onnx"], reserved)
        self._values |= builder.inputs
        return builder, next(iter(batches), None)

    def graph(self, name: str) -> Graph:
        """Translate every node."""
        for node, origin in zip(self._graph.node, self._origins, strict=True):
            self._run(node, origin)
        outputs: dict[str, Value] = {}
        for item in self._graph.output:
            result = self._values.get(item.name)
            which = "the output" if len(self._graph.output) == 1 else f"the output {item.name!r}"
            if not isinstance(result, Value):
                raise UnsupportedOperatorError(f"{which} of the ONNX model does not depend on its input")
            if result.turned:
                raise UnsupportedOperatorError(
                    f"the batch axis of {which} of the ONNX model is the last one; keep it first"
                )
            outputs[item.name] = result
        return self._builder.finish(outputs, name)

    def _run(self, node: NodeProto, origin: Origin) -> None:
        """Find out what a node's outputs are."""
        result = self._result(node, origin)
        results = result if isinstance(result, (tuple, list)) else (result,)
        for name, held in zip(node.output, results, strict=False):
            self._values[name] = held

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
        if standard and node.op_type in ("Shape", "Size") and isinstance(inputs[0], Value):
            sizes = np.array([self._batch or BATCH, *inputs[0].shape], dtype=np.int64)
            sizes = sizes[::-1] if inputs[0].turned else sizes
            return (
                sizes[attributes.get("start", 0) : attributes.get("end")]
                if node.op_type == "Shape"
                else sizes.prod()
            )
        constants = [given for given in inputs if not isinstance(given, Value)]
        if standard and len(constants) == len(inputs):
            if node.op_type == "If":
                return self._branch(
                    attributes["then_branch" if np.any(np.asarray(inputs[0])) else "else_branch"], origin
                )
            if _foldable(node, constants):
                return self._folded(node, origin)
        handler = ONNX.get(node.op_type if standard else f"{node.domain}::{node.op_type}")
        if handler is None:
            self._builder.refuse(origin)
        self._check_axes(node, inputs, attributes, origin)
        call = OnnxCall(
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
        return call.handled(handler)

    def _check_axes(
        self, node: NodeProto, inputs: list[Any], attributes: Mapping[str, Any], origin: Origin
    ) -> None:
        """Refuse an axis that the values do not have; of Unsqueeze it is the result's."""
        ranks = [len(given.shape) + 1 for given in inputs if isinstance(given, Value)]
        axes = attributes.get("axes", attributes.get("axis", []))
        if node.domain not in ("", "ai.onnx") or node.op_type == "Unsqueeze" or not ranks:
            return
        for axis in axes if isinstance(axes, (list, tuple)) else [axes]:
            if not -ranks[0] <= int(axis) < ranks[0] + (node.op_type == "Flatten"):
                self._builder.refuse(origin, f"its axis {axis} is none of the {ranks[0]} that its input has")

    def _branch(self, graph: Any, origin: Origin) -> list[Any]:
        """The outputs of a graph inside of a node."""
        import onnx

        for tensor in graph.initializer:
            self._values[tensor.name] = onnx.numpy_helper.to_array(tensor)
        for node in graph.node:
            self._run(node, replace(origin, operator=f"operator {node.op_type}"))
        return [self._values[item.name] for item in graph.output]

    def _folded(self, node: NodeProto, origin: Origin) -> list[Array]:
        """The values of a node that reads constants only."""
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        read = {name: self._values[name] for name in node.input if name}
        wanted = folded_size(node.op_type, [self._values.get(name) for name in node.input])
        if wanted > MAX_ELEMENTS:
            self._builder.refuse(origin, f"it makes a constant of {wanted:,} elements, which is too large")
        graph = helper.make_graph(
            [node],
            "constants",
            [helper.make_empty_tensor_value_info(name) for name in read],
            [helper.make_empty_tensor_value_info(name) for name in node.output if name],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self._opset)])
        try:
            held = iter(ReferenceEvaluator(model).run(None, read))
            return [np.asarray(next(held)) if name else np.empty(0) for name in node.output]
        except Exception as error:  # it raises anything, and so may what it lacks
            self._builder.refuse(origin, f"it cannot be computed from its constants ({_line(error)})", error)


def _sizes(given: ValueInfoProto, wanted: Sequence[int] | Shapes | None) -> tuple[int, ...]:
    """Batch (0: not known) and shape of an input; ``wanted``: its shape where the file leaves it open."""
    sizes = [dim.dim_value for dim in given.type.tensor_type.shape.dim]
    shape = wanted.get(given.name) if isinstance(wanted, Mapping) else wanted
    if shape is not None and (len(sizes) < 2 or min(sizes[1:]) < 1):
        told = [sizes[0] if sizes else 0, *map(int, shape)]
        fits = not sizes or len(sizes) == len(told)
        if not fits or any(size not in (0, one) for size, one in zip(sizes, told, strict=False)):
            raise DataError(
                f"the input {given.name!r} of the ONNX model has sizes {sizes} (0: not known), which "
                f"samples of shape {tuple(shape)} do not fit"
            )
        sizes = told
    if len(sizes) < 2 or min(sizes[1:]) < 1:
        raise DataError(
            f"the input {given.name!r} of the ONNX model has sizes {sizes} (0: not known); "
            "export it with fixed sizes behind the batch axis, or give from_onnx the input_shape of a sample"
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
