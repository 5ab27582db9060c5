"""A torch module or exported program -> Graph, through torch.export."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
import keyword
import logging
import operator
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hpq_hls.errors import DataError, UnsupportedOperatorError
from hpq_hls.frontends.builder import GraphBuilder, Value
from hpq_hls.frontends.origin import Origin
from hpq_hls.frontends.torch_call import TorchCall
from hpq_hls.frontends.torch_examples import dynamic_shapes, examples, output_names
from hpq_hls.frontends.torch_origin import source_line, torch_origin
from hpq_hls.graph import Graph
from hpq_hls.graph.ranking import without_final_ranking
from hpq_hls.ops.spelling import SUPPORTED, TORCH

if TYPE_CHECKING:  # torch takes seconds to import
    import torch


def from_torch(
    module: torch.nn.Module, example_input: Any, *, name: str = "model", drop_final_ranking: bool = False
) -> Graph:
    """The float network of a torch module, in evaluation mode, as a Graph.

    Parameters
    ----------
    module : any module that takes tensors; it is left as it was, training flags included.
    example_input : a tensor or array (batch, ...) of the shape the network takes; values do not matter. For
        several inputs a tuple of them in order, or a dict by the name of the argument.
    name : of the graph.
    drop_final_ranking : leave out a softmax or sigmoid at the end: the largest output stays the largest.

    Raises
    ------
    DataError : the example does not fit the module.
    UnsupportedOperatorError : an operator or a mode of one has no exact meaning here, or torch.export
        cannot trace the module.
    """
    if not hasattr(module, "named_modules"):
        raise DataError(f"from_torch takes a torch.nn.Module, but got a {type(module).__name__}")
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    args, kwargs = examples(module, example_input)
    with _evaluating(module), _quiet():
        program = _export(module, args, kwargs)
    return from_exported(program, name=name, drop_final_ranking=drop_final_ranking)


def from_exported(
    program: torch.export.ExportedProgram, *, name: str = "model", drop_final_ranking: bool = False
) -> Graph:
    """The float network of an exported program (``torch.export.load("model.pt2")``) as a Graph.

    The first axis of every input is the batch. The program must have been exported in evaluation mode.

    Raises
    ------
    UnsupportedOperatorError : an operator or a mode of one has no exact meaning here.
    """
    with _quiet():
        speakable, original = _without_keywords(program)
        functional = speakable.run_decompositions({})  # in-place operators become plain ones
        graph = _Translation(functional, original).graph(name)
    return without_final_ranking(graph) if drop_final_ranking else graph


def _without_keywords(
    program: torch.export.ExportedProgram,
) -> tuple[torch.export.ExportedProgram, dict[str, str]]:
    """The program with no Python keyword in the path of a parameter, and the paths as they were.

    torch prints such paths as attributes when it runs decompositions, and cannot read them back.
    """
    renamed = {
        path: ".".join(f"{part}_" if keyword.iskeyword(part) else part for part in path.split("."))
        for path in (*program.state_dict, *program.constants)
    }
    taken = set(renamed) | {new for old, new in renamed.items() if new == old}
    for old, new in renamed.items():
        while new != old and new in taken:
            new += "_"
        renamed[old] = new
        taken.add(new)
    original = {new: old for old, new in renamed.items() if new != old}
    if not original:
        return program, {}
    signature = copy.copy(program.graph_signature)
    signature.input_specs = [
        dataclasses.replace(spec, target=renamed.get(spec.target, spec.target))
        if spec.target is not None
        else spec
        for spec in signature.input_specs
    ]
    speakable = type(program)(
        root=program.graph_module,
        graph=program.graph,
        graph_signature=signature,
        state_dict={renamed[path]: value for path, value in program.state_dict.items()},
        range_constraints=program.range_constraints,
        module_call_graph=[entry for entry in program.module_call_graph if entry.fqn == ""],
        example_inputs=program.example_inputs,
        constants={renamed[path]: value for path, value in program.constants.items()},
        verifiers=program.verifiers,
    )
    return speakable, original


class _BatchDependent:
    """Stands for numbers that are computed from the batch size."""


class _Translation:
    """One pass over the nodes of a functional exported program."""

    def __init__(self, program: torch.export.ExportedProgram, original: dict[str, str]) -> None:
        self._program = program
        self._original = original
        self._parameters, given = self._placeholders()
        calls = [node for node in program.graph.nodes if node.op == "call_function"]
        named = {key: self._original.get(target, target) for key, target in self._parameters.items()}
        self._origins = {node: torch_origin(node, named) for node in calls}
        reserved = {origin.scope for origin in self._origins.values() if origin.leaf and origin.scope}
        nodes = {node.name: node for node in program.graph.nodes if node.name in given}
        shapes = {str(nodes[name].target): _sample_shape(nodes[name]) for name in given}
        self._builder = GraphBuilder(shapes, SUPPORTED["torch"], reserved)
        self._values: dict[Any, Any] = {
            nodes[name]: self._builder.inputs[str(nodes[name].target)] for name in given
        }

    def graph(self, name: str) -> Graph:
        """Translate every node."""
        results = self._results()
        for node in self._program.graph.nodes:
            if node.op == "placeholder":
                self._values.setdefault(node, self._parameter(node.name))
            elif node.op == "call_function":
                self._values[node] = self._result(node)
            elif node.op == "get_attr":
                self._values[node] = _BatchDependent()
        single = len(results) == 1
        outputs = {key: self._output(None if single else key, node) for key, node in results.items()}
        return self._builder.finish(outputs, name)

    def _placeholders(self) -> tuple[dict[str, str], list[str]]:
        """Attribute behind each parameter, buffer or constant placeholder, and the inputs, in order."""
        signature = self._program.graph_signature
        attributes = {
            spec.arg.name: spec.target
            for spec in signature.input_specs
            if spec.kind.name in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR") and spec.target is not None
        }
        inputs = [
            spec.arg
            for spec in signature.input_specs
            if spec.kind.name == "USER_INPUT" and type(spec.arg).__name__ != "ConstantArgument"
        ]
        if not inputs or any(type(given).__name__ != "TensorArgument" for given in inputs):
            names = ", ".join(repr(given.name) for given in inputs)
            raise UnsupportedOperatorError(
                f"the network's inputs are {names or 'none'}, and they must all be tensors; "
                "wrap it in a module that takes tensors"
            )
        return attributes, [given.name for given in inputs]

    def _parameter(self, placeholder: str) -> Any:
        target = self._parameters.get(placeholder)
        if target is None:
            return _BatchDependent()
        held = self._program.state_dict.get(target)
        return self._program.constants.get(target) if held is None else held

    def _results(self) -> dict[str, str]:
        """Name of the node behind each output; what is None is left out."""
        specs = self._program.graph_signature.output_specs
        found = [spec.arg for spec in specs if spec.kind.name == "USER_OUTPUT"]
        names = output_names(self._program, len(found))
        results = {
            name: str(getattr(arg, "name", ""))
            for name, arg in zip(names, found, strict=True)
            if not (type(arg).__name__ == "ConstantArgument" and arg.value is None)
        }
        if not results:
            raise UnsupportedOperatorError(
                "the network has no output; return a tensor computed from the input"
            )
        return results

    def _output(self, name: str | None, wanted: str) -> Value:
        """name: of the output, None for the only one. wanted: the node."""
        for node, value in self._values.items():
            if node.name == wanted and isinstance(value, Value):
                return value
        which = "the network's output" if name is None else f"the network's output {name!r}"
        raise UnsupportedOperatorError(
            f"{which} does not depend on its input; return a tensor computed from the input"
        )

    def _result(self, node: Any) -> Any:
        args, kwargs = _map_nodes((node.args, node.kwargs), self._values)
        if node.target is operator.getitem:
            return self._item(node, *args)
        if not _makes_tensors(node.meta.get("val")):
            return _BatchDependent()  # sizes and assertions; shapes are read from the metadata instead
        read = [self._values[given] for given in node.all_input_nodes]
        if not any(isinstance(value, (Value, _BatchDependent)) for value in read) and _is_pure(node.target):
            return node.target(*args, **kwargs)  # computed from parameters only
        origin = self._origins[node]
        name = _operator_name(node.target)
        handler = TORCH.get(name)
        if handler is None:
            self._builder.refuse(origin)
        schema = node.target._schema.arguments
        arguments = {a.name: a.default_value for a in schema if a.has_default_value()}
        arguments |= dict(zip((a.name for a in schema), args, strict=False)) | kwargs
        return handler(self._call(node, origin, name, arguments))

    def _call(self, node: Any, origin: Origin, name: str, arguments: dict[str, Any]) -> TorchCall:
        result = node.meta["val"]
        first = result[0] if isinstance(result, (tuple, list)) else result
        read = [given.meta["val"] for given in node.all_input_nodes]
        widening = all(_widens(value.dtype, first.dtype) for value in read if hasattr(value, "dtype"))
        return TorchCall(self._builder, origin, name, arguments, tuple(first.shape[1:]), widening)

    def _item(self, node: Any, held: Any, index: int) -> Any:
        """One result of an operator that has several; of values only the first is supported."""
        if isinstance(held, (tuple, list)):
            return held[index]
        if isinstance(held, Value) and index == 0:
            return held
        if node.users:
            self._builder.refuse(self._origins[node.args[0]], "more than the first of its results is used")
        return _BatchDependent()


def _sample_shape(node: Any) -> tuple[int, ...]:
    """Shape of an input without the batch axis."""
    shape = tuple(node.meta["val"].shape)
    if len(shape) < 2 or not all(isinstance(length, int) for length in shape[1:]):
        raise DataError(
            f"the network's input {node.name!r} has shape {tuple(map(str, shape))}; export it with an "
            "example of shape (batch, ...) in which only the batch axis is dynamic"
        )
    return shape[1:]


def _map_nodes(arguments: Any, values: dict[Any, Any]) -> Any:
    """``arguments`` with every node replaced by its value."""
    import torch.fx

    if isinstance(arguments, (tuple, list)):
        return [_map_nodes(given, values) for given in arguments]
    if isinstance(arguments, dict):
        return {key: _map_nodes(given, values) for key, given in arguments.items()}
    return values[arguments] if isinstance(arguments, torch.fx.Node) else arguments


def _operator_name(target: Any) -> str:
    """Name without the overload: aten.add for ``torch.ops.aten.add.Tensor``."""
    text = str(target)
    return text.rpartition(".")[0] or text


def _makes_tensors(result: Any) -> bool:
    values = result if isinstance(result, (tuple, list)) else (result,)
    return any(hasattr(value, "dtype") and hasattr(value, "shape") for value in values)


def _is_pure(target: Any) -> bool:
    """Whether an operator gives the same result each time and changes nothing."""
    schema = getattr(target, "_schema", None)
    if schema is None or schema.is_mutable:
        return False
    return not any(tag.name == "nondeterministic_seeded" for tag in target.tags)


def _widens(source: torch.dtype, target: torch.dtype) -> bool:
    """Whether every value of one number type is a value of the other."""
    import torch

    if source == target:
        return True
    if not target.is_floating_point or source.is_complex:
        return False
    if source.is_floating_point:
        given, wanted = torch.finfo(source), torch.finfo(target)
        return given.eps >= wanted.eps and given.max <= wanted.max
    return source == torch.bool or torch.iinfo(source).max <= 2 / torch.finfo(target).eps


def _export(
    module: torch.nn.Module, args: tuple[torch.Tensor, ...], kwargs: dict[str, torch.Tensor]
) -> torch.export.ExportedProgram:
    import torch

    shapes = dynamic_shapes(module, args, kwargs)
    try:
        with torch.no_grad():
            return torch.export.export(module, args, kwargs or None, dynamic_shapes=shapes)
    except Exception as error:  # anything can come out of user code under tracing
        failure = error
    try:
        with torch.no_grad():
            # it may work in place
            module(*(item.clone() for item in args), **{key: item.clone() for key, item in kwargs.items()})
    except Exception as error:
        sizes = [", ".join(map(str, item.shape[1:])) for item in (*args, *kwargs.values())]
        shape = " and ".join(f"(batch, {size})" for size in sizes)
        raise DataError(
            f"the network does not run on {'an example input' if len(sizes) == 1 else 'example inputs'} of "
            f"shape {shape}: {_first_line(error)}; give an example of the shape it takes"
        ) from None
    place = source_line(str(failure))
    raise UnsupportedOperatorError(
        f"torch.export cannot trace the network{f' at {place}' if place else ''}: {_first_line(failure)}; "
        "a common cause is control flow that depends on the data"
    ) from failure


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    first = " ".join(lines[0].split()).rstrip(".") if lines else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


@contextlib.contextmanager
def _evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode for as long as it takes; every submodule gets its own flag back."""
    flags = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        yield
    finally:
        for part, training in flags:
            part.training = training


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Torch's warnings, log lines and traces kept from the user; errors still come out as exceptions."""
    level = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(level)
