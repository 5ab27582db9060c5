"""A QuantizedGraph in a file: one zip file with a JSON description and npz arrays, no pickle."""

from __future__ import annotations

import contextlib
import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpq_hls.errors import DataError, HpqError, OutputError
from hpq_hls.fixed import FixedType, Rounding
from hpq_hls.graph import Graph, Node
from hpq_hls.importing import brief
from hpq_hls.npyfile import BROKEN, opened_member, read_member
from hpq_hls.ops import Operator, WindowSpec
from hpq_hls.ops.base import OPERATORS, Inner, IntArray
from hpq_hls.reading import regular
from hpq_hls.simulate.layer import LayerSpec, QuantizedLayer

if TYPE_CHECKING:  # that class calls ``save``
    from hpq_hls.simulate.quantized_graph import QuantizedGraph

FORMATS = (1, 2, 3)
"""What can be read. Format 2 has scales of single output channels, ``weight_shift``, and weights that are
signs, ``weight_signs``; format 3 tables, or several inputs or outputs. Each is written only where there are
some, so that who knows an earlier format alone reads all other files and does not misread these."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SPEC_ARRAYS = ("weight_raw", "bias_raw")
_SPEC_TYPES = ("weight_type", "bias_type", "output_type")
MAX_ELEMENTS = 1 << 26
"""Of an input or an output of a layer, per sample: files may say anything."""
_WRONG = (*BROKEN, AssertionError, AttributeError, HpqError)


def save(q: QuantizedGraph, path: Path, *, compressed: bool = True) -> None:
    """Write ``q`` to ``path``; the same network always gives the same bytes."""
    single = len(q.examples) == 1
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "example_inputs" if single else f"example_inputs.{index}": raw
        for index, raw in enumerate(q.examples.values())
    }
    nodes = [_node_to_json(node, q, index, arrays) for index, node in enumerate(q.graph.nodes)]
    description = {
        "format": _format(q.graph, max((_format_of(layer) for layer in q.layers.values()), default=1)),
        "name": q.graph.name,
        **_ends(q.graph, q.input_types),
        "nodes": nodes,
    }
    _write(path, description, arrays, zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED)


def save_graph(graph: Graph, path: Path) -> None:
    """Write a float network to ``path``, for ``load_graph``."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    description = {
        "format": _format(graph, 1),
        "name": graph.name,
        **_ends(graph),
        "nodes": [_float_to_json(node, index, arrays) for index, node in enumerate(graph.nodes)],
    }
    _write(path, description, arrays, zipfile.ZIP_STORED)


def _is_single(graph: Graph) -> bool:
    return len(graph.inputs) == 1 == len(graph.outputs)


def _format(graph: Graph, otherwise: int) -> int:
    return otherwise if _is_single(graph) else 3


def _ends(graph: Graph, types: Mapping[str, FixedType] | None = None) -> dict[str, Any]:
    """Inputs and outputs; types: of the inputs."""
    inputs = [
        {"name": name, "shape": list(shape)} | ({} if types is None else {"type": str(types[name])})
        for name, shape in graph.inputs.items()
    ]
    if _is_single(graph):
        return {"input": inputs[0], "output": graph.output}
    return {"inputs": inputs, "outputs": [list(item) for item in graph.outputs.items()]}


def load_graph(path: Path) -> Graph:
    """Read a float network that ``save_graph`` wrote.

    Raises:
        DataError: the file is missing or is not such a file.
    """
    with _opened(path) as (description, arrays):
        nodes = [_float_from_json(item, arrays) for item in description["nodes"]]
        return _graph(description, nodes)


def _write(
    path: Path,
    description: dict[str, Any],
    arrays: dict[str, np.ndarray[Any, Any]],
    compression: int,
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        _add(archive, "graph.json", json.dumps(description, indent=1).encode(), compression)
        for key, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            _add(archive, f"arrays/{key}.npy", content.getvalue(), compression)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        temporary.write_bytes(packed.getvalue())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place") from error


def _add(archive: zipfile.ZipFile, name: str, content: bytes, compression: int) -> None:
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.compress_type = compression
    archive.writestr(info, content)


class _Held(Mapping[str, Any]):
    """The arrays of a file by name, read when they are asked for; others are never looked at."""

    def __init__(self, archive: zipfile.ZipFile, total: int) -> None:
        self._archive, self._total = archive, total

    def __getitem__(self, name: str) -> Any:
        if not isinstance(name, str):
            raise TypeError(f"an array is called {name!r:.60}")
        return read_member(self._archive, f"arrays/{name}.npy", self._total)

    def __iter__(self) -> Iterator[str]:
        names = (name for name in self._archive.namelist() if name.startswith("arrays/"))
        return (name.removeprefix("arrays/").removesuffix(".npy") for name in names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    """The description in a file, and its arrays.

    Raises:
        DataError: whatever goes wrong with what the file holds, in one sentence.
    """
    try:
        total = regular(path).stat().st_size
        with zipfile.ZipFile(path) as archive:
            with opened_member(archive, "graph.json", total) as (stream, _):
                description = json.loads(stream.read())
            if description["format"] not in FORMATS:
                raise ValueError(f"format {description['format']}, expected {' or '.join(map(str, FORMATS))}")
            yield description, _Held(archive, total)
    except DataError as error:
        raise DataError(f"{path} cannot be loaded: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the path") from error
    except _WRONG as error:
        raise DataError(f"{path} is no saved quantized network ({brief(error)}); save it again") from error


@dataclass(frozen=True, eq=False)
class Saved:
    """What a file holds of a network: all that ``assemble`` needs."""

    graph: Graph
    types: Mapping[str, FixedType]
    specs: Mapping[str, LayerSpec]
    examples: Mapping[str, IntArray]


def read_saved(path: Path) -> Saved:
    """What ``save`` wrote.

    Raises:
        DataError: the file is missing or is not such a file.
    """
    with _opened(path) as (description, arrays):
        nodes = [_node_from_json(item, arrays) for item in description["nodes"]]
        types = {given["name"]: FixedType.parse(given["type"]) for given in _inputs(description)}
        single = len(types) == 1
        examples = {
            name: _integers(arrays["example_inputs" if single else f"example_inputs.{index}"], types[name])
            for index, name in enumerate(types)
        }
        graph = _graph(description, [node for node, _ in nodes])
        for name, shape in graph.inputs.items():
            if examples[name].shape[1:] != shape:
                raise ValueError(
                    f"the examples of {name!r} have shape {examples[name].shape}, not (n, *{shape})"
                )
        return Saved(graph, types, {node.name: spec for node, spec in nodes}, examples)


@contextlib.contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Anything that goes wrong with the content of a file in one sentence."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path} cannot be loaded: {error}") from error
    except _WRONG as error:
        raise DataError(f"{path} is no saved quantized network ({brief(error)}); save it again") from error


def _inputs(description: dict[str, Any]) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = description["inputs"] if "inputs" in description else [description["input"]]
    return given


def _graph(description: dict[str, Any], nodes: Sequence[Node]) -> Graph:
    single = "output" in description
    for given in _inputs(description):
        shape = given["shape"]
        if not all(isinstance(size, int) and size > 0 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
            raise ValueError(f"the input {given['name']!r:.40} has shape {shape!s:.60}")
    graph = Graph(
        inputs={given["name"]: tuple(given["shape"]) for given in _inputs(description)},
        nodes=tuple(nodes),
        outputs={description["output"]: description["output"]} if single else dict(description["outputs"]),
        name=description["name"],
    )
    largest = max(graph.shapes.values(), key=math.prod)
    if math.prod(largest) > MAX_ELEMENTS:
        raise ValueError(f"a layer has outputs of shape {largest}")
    return graph


def _format_of(layer: QuantizedLayer) -> int:
    if layer.tables:
        return 3
    return 1 if layer.weight_shift is None and not layer.weight_signs else 2


def _node_to_json(
    node: Node, q: QuantizedGraph, index: int, arrays: dict[str, np.ndarray[Any, Any]]
) -> dict[str, Any]:
    layer = q.layers[node.name]
    item = _float_to_json(node, index, arrays)
    for key in _SPEC_TYPES:
        value = getattr(layer, key)
        item[key] = None if value is None or (key == "output_type" and not node.op.casts) else str(value)
    for key in _SPEC_ARRAYS:
        value = getattr(layer, key)
        if value is not None:
            arrays[f"{index}.{key}"] = value
        item[key] = None if value is None else f"{index}.{key}"
    if layer.weight_shift is not None:
        item["weight_shift"] = f"{index}.weight_shift"
        arrays[item["weight_shift"]] = layer.weight_shift
    if layer.weight_signs:
        item["weight_signs"] = True
    if layer.tables:
        item["tables"] = {name: f"{index}.table.{name}" for name in layer.tables}
        arrays.update({item["tables"][name]: table for name, table in layer.tables.items()})
    return item


def _float_to_json(node: Node, index: int, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    item: dict[str, Any] = {"name": node.name, "inputs": list(node.inputs), "source": node.source}
    item["op"] = _op_to_json(node.op, f"{index}.op", arrays)
    item["activation"] = (
        None if node.activation is None else _op_to_json(node.activation, f"{index}.act", arrays)
    )
    if node.inner is not None:
        item["inner"] = asdict(node.inner) | {"rounding": str(node.inner.rounding)}
    return item


def _op_to_json(op: Operator, prefix: str, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    item: dict[str, Any] = {"class": type(op).__name__}
    for field in fields(op):
        value = getattr(op, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = value
            value = {"array": f"{prefix}.{field.name}"}
        elif isinstance(value, WindowSpec):
            value = {"window": {part.name: getattr(value, part.name) for part in fields(value)}}
        item[field.name] = value
    return item


def _node_from_json(item: dict[str, Any], arrays: Mapping[str, Any]) -> tuple[Node, LayerSpec]:
    node = _float_from_json(item, arrays)
    values: dict[str, Any] = {
        key: None if item[key] is None else FixedType.parse(item[key]) for key in _SPEC_TYPES
    }
    for key, kind in zip(_SPEC_ARRAYS, _SPEC_TYPES, strict=False):
        raw = None if item[key] is None else _integers(arrays[item[key]], values[kind])
        own = node.op.weight if key == "weight_raw" else node.op.bias
        if raw is not None and own is not None and raw.shape != own.shape:
            raise ValueError(f"{key} of layer {node.name!r:.40} has shape {raw.shape}, not {own.shape}")
        values[key] = raw
    if "weight_shift" in item:
        values["weight_shift"] = _integers(arrays[item["weight_shift"]], _SHIFTS)
    if "tables" in item:
        if not node.op.looks_up:
            raise ValueError(f"layer {node.name!r:.40} has tables, and looks nothing up")
        values["tables"] = {name: _integers(arrays[place]) for name, place in item["tables"].items()}
    return node, LayerSpec(**values, weight_signs=bool(item.get("weight_signs", False)))


_SHIFTS = FixedType(6, 6, signed=False)


def _integers(raw: Any, kind: FixedType | None = None) -> IntArray:
    """An array of integers, all of them values of a type."""
    if raw.dtype.kind not in "iu":
        raise ValueError(f"integers are stored as {raw.dtype}")
    if kind is not None and raw.size:
        codes, low, high = kind.code_interval, int(raw.min()), int(raw.max())
        if low < codes.lo or high > codes.hi:
            raise ValueError(f"integers from {low} to {high} are no values of {kind}")
    return np.asarray(raw, dtype=np.int64)


def _float_from_json(item: dict[str, Any], arrays: Mapping[str, Any]) -> Node:
    activation = None if item["activation"] is None else _op_from_json(item["activation"], arrays)
    op = _op_from_json(item["op"], arrays)
    if activation is not None and activation.clips is None and activation.leaks is None:
        raise ValueError(f"{activation.kind} joins no layer")
    given = item.get("inner")
    inner = None if given is None else Inner(**given | {"rounding": Rounding(given["rounding"])})
    return Node(item["name"], op, tuple(item["inputs"]), activation, item["source"], inner)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _op_from_json(item: dict[str, Any], arrays: Mapping[str, Any]) -> Operator:
    values: dict[str, Any] = {}
    for key, value in item.items():
        if key == "class":
            continue
        if isinstance(value, dict) and "array" in value:
            value = arrays[value["array"]]
        elif isinstance(value, dict) and "window" in value:
            parts: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in value["window"].items()
            }
            value = WindowSpec(**parts)
        values[key] = _tuples(value)
    kind = OPERATORS.get(item["class"])
    if kind is None:
        raise DataError(
            f"it has an operator {item['class']}, which no imported package brings: import the one "
            "that has it first, or list it under extensions in project.yaml"
        )
    return kind(**values)
