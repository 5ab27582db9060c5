"""A torch module or exported program -> Graph, through torch.export."""

from __future__ import annotations

import copy
import dataclasses
import keyword
import operator
import re
from typing import TYPE_CHECKING, Any

from hpq_hls.errors import DataError, UnsupportedOperatorError
from hpq_hls.frontends.builder import MAX_ELEMENTS, GraphBuilder, Value
from hpq_hls.frontends.origin import Origin
from hpq_hls.frontends.quiet import quiet
from hpq_hls.frontends.torch_call import BatchConstant, TorchCall
from hpq_hls.frontends.torch_entry import checked, evaluating, learn, scripted_part, unscripted
from hpq_hls.frontends.torch_examples import dynamic_shapes, examples, output_names
from hpq_hls.frontends.torch_origin import source_line, torch_origin
from hpq_hls.graph import Graph
from hpq_hls.graph.ranking import without_final_ranking
from hpq_hls.importing import foreign_code
from hpq_hls.ops.spelling import SUPPORTED, TORCH

if TYPE_CHECKING:  # torch takes seconds to import
    import torch


def from_torch(
    module: Any, example_input: Any, *, name: str = "model", drop_final_ranking: bool = False
) -> Graph:
    """The float network of a torch module, in evaluation mode, as a Graph.

    Parameters
    ----------
    module : any module that takes tensors; it is left as it was, training flags included. Also what
        torch.compile, torch.jit.trace, torch.jit.script or ``ExportedProgram.module()`` made of one, or an
        exported program.
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
    if hasattr(module, "run_decompositions"):
        return from_exported(module, name=name, drop_final_ranking=drop_final_ranking)
    module = checked(module)
    args, kwargs = examples(module, example_input)
    with evaluating(module), quiet():
        program = _export(unscripted(module, args, kwargs), args, kwargs)
    return from_exported(program, name=name, drop_final_ranking=drop_final_ranking)


def from_exported(
    program: torch.export.ExportedProgram, *, name: str = "model", drop_final_ranking: bool = False
) -> Graph:
    """The float network of an exported program (``load_exported("model.pt2")``) as a Graph.

    The first axis of every input is the batch. The program must have been exported in evaluation mode.

    Raises
    ------
    UnsupportedOperatorError : an operator or a mode of one has no exact meaning here.
    """
    if not hasattr(program, "run_decompositions"):
        raise DataError(f"from_exported takes an exported program, but got a {type(program).__name__}")
    with quiet():
        speakable, original = _without_keywords(program)
        try:
            functional = speakable.run_decompositions({})  # in-place operators become plain ones
        except Exception as error:  # it runs the operators on stand-ins, and they raise anything
            raise UnsupportedOperatorError(
                f"torch cannot bring the exported program into a functional form: {_first_line(error)}"
            ) from error
        graph = _Translation(functional, original).graph(name)
    return without_final_ranking(graph) if drop_final_ranking else graph


def _without_keywords(
    program: torch.export.ExportedProgram,
) -> tuple[torch.export.ExportedProgram, dict[str, str]]:
    """The program with no Python keyword in the path of a parameter, nor a name that torch's own modules have
    for something else ("meta"), nor marks, and the paths as they were.

    torch prints such paths as attributes when it runs decompositions, without quoting them, and runs what it
    printed: some it could not read back, and a name with quotes in it would be run.
    """
    own = {*dir(program.graph_module), *vars(program.graph_module)}

    def speakable(part: str) -> str:
        part = re.sub(r"\W", "_", part)
        return f"{part}_" if keyword.iskeyword(part) or part in own else part

    renamed = {
        path: ".".join(map(speakable, path.split("."))) for path in (*program.state_dict, *program.constants)
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
    spoken = type(program)(
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
    return spoken, original


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
        self._check_state(results)  # after the operators, whose handlers may say it better
        single = len(results) == 1
        outputs = {key: self._output(None if single else key, node) for key, node in results.items()}
        return self._builder.finish(outputs, name)

    def _check_state(self, results: dict[str, str]) -> None:
        """Refuse what is not the same function at each call."""
        signature = self._program.graph_signature
        changed = set(signature.buffers_to_mutate.values())
        read = {node.name: node for node in self._program.graph.nodes}
        waiting, seen = [read[name] for name in results.values() if name in read], set()
        while waiting:
            node = waiting.pop()
            if node.name in seen:
                continue
            seen.add(node.name)
            buffer = self._parameters.get(node.name)
            if buffer in changed:
                raise UnsupportedOperatorError(
                    f"the network changes its buffer {buffer!r} with each call and computes with it; only "
                    "networks without a state are supported"
                )
            waiting += node.all_input_nodes

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
        if not any(isinstance(value, (Value, _BatchDependent, BatchConstant)) for value in read) and _is_pure(
            node.target
        ):
            self._check_size(node)
            return node.target(*args, **kwargs)  # computed from parameters only
        origin, name = self._origins[node], _operator_name(node.target)
        if origin.refused:
            self._builder.refuse(origin, origin.refused)
        if name in _FILLED:
            return self._filled(node, _FILLED[name], args, kwargs)
        handler = TORCH.get(name)
        if handler is None:
            self._builder.refuse(origin)
        schema = node.target._schema.arguments
        arguments = {a.name: a.default_value for a in schema if a.has_default_value()}
        arguments |= dict(zip((a.name for a in schema), args, strict=False)) | kwargs
        call = self._call(node, origin, name, arguments)
        result = call.handled(handler)
        if isinstance(result, Value) and result.shape != call.static_shape():
            self._builder.refuse(
                origin,
                f"its result has shape {call.static_shape()} per sample, but {result.shape} was understood",
            )
        return result

    def _check_size(self, node: Any) -> None:
        """Refuse a constant that is far larger than what it is computed from."""
        made = node.meta.get("val")
        several = made if isinstance(made, (tuple, list)) else (made,)
        largest = max((int(item.numel()) for item in several if _is_fixed(item)), default=0)
        if largest > MAX_ELEMENTS:
            self._builder.refuse(
                self._origins[node], f"it makes a constant of {largest:,} elements, which is too large"
            )

    def _filled(self, node: Any, value: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """A tensor of one value, the same for every sample."""
        import torch

        if value is None:  # it is an argument
            value = kwargs["fill_value"] if "fill_value" in kwargs else args[-1]
        first, *rest = node.meta["val"].shape or (1,)
        whole = all(isinstance(size, int) for size in rest)
        self._check_size(node)
        if isinstance(value, _BatchDependent) or not whole:
            self._builder.refuse(self._origins[node], "its size or its value depends on the batch")
        filled = torch.full(
            (first if isinstance(first, int) else 1, *rest), value, dtype=node.meta["val"].dtype
        )
        if isinstance(first, int):
            return filled if node.meta["val"].shape else filled[0]
        return BatchConstant(filled)

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


_FILLED = {
    f"aten.{prefix}{name}{suffix}": value
    for name, value in (("zeros", 0), ("ones", 1), ("full", None))
    for prefix, suffix in (("", ""), ("new_", ""), ("", "_like"))
}
"""Operators that make a tensor of one value; None: which is an argument."""


def _sample_shape(node: Any) -> tuple[int, ...]:
    """Shape of an input without the batch axis."""
    shape = tuple(node.meta["val"].shape)
    if len(shape) < 2 or not all(isinstance(length, int) for length in shape[1:]):
        raise DataError(
            f"the network's input {node.name!r} has shape {tuple(map(str, shape))}; export it with an "
            "example of shape (batch, ...) in which only the batch axis is dynamic"
        )
    return shape[1:]


def _is_fixed(value: Any) -> bool:
    """Whether it is a tensor whose size does not depend on the batch."""
    return hasattr(value, "numel") and all(isinstance(size, int) for size in value.shape)


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
        with torch.no_grad(), foreign_code():
            return torch.export.export(module, args, kwargs or None, dynamic_shapes=shapes)
    except Exception as error:  # anything can come out of user code under tracing
        failure = error
    try:
        with torch.no_grad(), foreign_code():
            # it may work in place
            result = module(
                *(item.clone() for item in args), **{key: item.clone() for key, item in kwargs.items()}
            )
    except Exception as error:
        sizes = [", ".join(map(str, item.shape[1:])) for item in (*args, *kwargs.values())]
        shape = " and ".join(f"(batch, {size})" for size in sizes)
        shaped = type(error) in (RuntimeError, ValueError, IndexError, TypeError)
        raise DataError(
            f"the network does not run on {'an example input' if len(sizes) == 1 else 'example inputs'} of "
            f"shape {shape}: {_first_line(error)}"
            + ("; give an example of the shape it takes" if shaped else "")
        ) from None
    if learn(result):
        return _export(module, args, kwargs)
    place = source_line(str(failure))
    raise UnsupportedOperatorError(
        f"torch.export cannot trace the network{f' at {place}' if place else ''}: {_why(module, failure)}"
    ) from failure


def _why(module: torch.nn.Module, failure: BaseException) -> str:
    """What torch.export says, and what to do where that is known."""
    said, script = _first_line(failure), scripted_part(module)
    if script is not None:
        return f"its module {script!r} is a TorchScript module; put the module there that it was made from"
    if "not a known type" in said:
        return f"{said.partition('. ')[0]}; return tensors, tuples or dicts of them"
    if "DataDependent" in said or "data-dependent" in said:
        return f"{said}; a common cause is control flow that depends on the data"
    return said


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    first = " ".join(lines[0].split()).rstrip(".") if lines else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
