"""The network as the front ends deliver it: named operators, float parameters, known shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import DataError
from hpq_hls.ops.base import FloatArray, Inner, Operator, Shape
from hpq_hls.ops.layout import Array, Scratch, batch_first, batch_last


@dataclass(frozen=True, eq=False)
class Node:
    """One operator in a graph.

    name: the module path the user knows ("features.0"), unique in the graph.
    inputs: names of the nodes (or of the graph input) it reads.
    activation: an operator fused behind this one, applied before the output is cast.
    source: where the user's code says so ("model.py:12"), or None.
    inner: the type of its output, where that follows from another layer's width and cannot be chosen.
    """

    name: str
    op: Operator
    inputs: tuple[str, ...]
    activation: Operator | None = None
    source: str | None = None
    inner: Inner | None = None

    @property
    def chooses(self) -> bool:
        """Whether the type of its output can be chosen."""
        return self.op.casts and self.inner is None


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A network with one input and one output.

    input_name, input_shape: the input, without the batch axis, in torch layout.
    nodes: in topological order.
    output: name of the node (or the input) whose value is the result.
    """

    input_name: str
    input_shape: Shape
    nodes: tuple[Node, ...]
    output: str
    name: str = "model"
    _shapes: dict[str, Shape] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._shapes[self.input_name] = self.input_shape
        for node in self.nodes:
            if node.name in self._shapes:
                raise ValueError(f"two nodes are called {node.name!r}")
            shape = node.op.output_shape([self._shapes[name] for name in node.inputs])
            self._shapes[node.name] = shape
        if self.output not in self._shapes:
            raise ValueError(f"the output {self.output!r} is no node of the graph")

    def __repr__(self) -> str:
        return f"Graph({self.name!r}, {self.input_shape} -> {self.output_shape}, {len(self.nodes)} nodes)"

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Shape of every value, without the batch axis, by name."""
        return MappingProxyType(self._shapes)

    @property
    def output_shape(self) -> Shape:
        """Shape of the result, without the batch axis."""
        return self._shapes[self.output]

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by name."""
        return MappingProxyType({node.name: node for node in self.nodes})

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read a value."""
        return tuple(node for node in self.nodes if name in node.inputs)

    def values(self, x: npt.ArrayLike, batch_size: int = 256) -> dict[str, FloatArray]:
        """Every value of the float network by name, computed in float64, (batch, *shape).

        x: (batch, *input_shape). Raises DataError where x does not fit.
        """
        parts: dict[str, list[FloatArray]] = {name: [] for name in self.shapes}
        for _, name, part in self.each_value(x, batch_size):
            parts[name].append(part.copy())
        return {name: np.concatenate(blocks) for name, blocks in parts.items()}

    def predict(self, x: npt.ArrayLike, batch_size: int = 256) -> FloatArray:
        """The float network's output, (batch, *output_shape) in float64."""
        parts = [part.copy() for _, name, part in self.each_value(x, batch_size) if name == self.output]
        return np.concatenate(parts)

    def each_value(self, x: npt.ArrayLike, batch_size: int = 256) -> Iterator[tuple[slice, str, FloatArray]]:
        """The values of ``values``, some samples and one name at a time: rows of the batch, name, and
        (rows, *shape) in float64, which is valid until the next one."""
        data = check_input(x, self.input_shape, self.input_name)
        for start in range(0, len(data), batch_size):
            rows = slice(start, min(start + batch_size, len(data)))
            for name, part in self._run(data[rows]):
                yield rows, name, batch_first(part)

    def _run(self, x: Array) -> Iterator[tuple[str, FloatArray]]:
        """Names and values, batch last, in topological order; those still to be read are kept."""
        values = {self.input_name: np.ascontiguousarray(batch_last(x), dtype=np.float64)}
        yield self.input_name, values[self.input_name]
        last_use = {name: node for node in self.nodes for name in node.inputs}
        for node in self.nodes:
            op, activation = node.op, node.activation
            weight = None if op.weight is None else op.arrange(op.weight)
            result = op.compute([values[name] for name in node.inputs], weight, op.bias, Scratch())
            if activation is not None:
                result = activation.compute([result], None, None, Scratch())
            values[node.name] = result
            yield node.name, result
            for name in node.inputs:
                if last_use[name] is node:
                    values.pop(name, None)


def finite(values: FloatArray) -> FloatArray:
    """The values with 0 for each that is no finite number: a function may have poles on calibration data."""
    fine = np.isfinite(values)
    return values if fine.all() else np.where(fine, values, 0.0)


def check_input(x: npt.ArrayLike, shape: Shape, name: str) -> Array:
    """``x`` as float32 or float64, (batch, *shape); anything but float32 becomes float64.

    Raises:
        DataError: not numeric, empty, of another shape, or not finite.
    """
    if hasattr(x, "detach"):
        x = x.detach().cpu().numpy()
    data = np.asarray(x)
    if data.dtype.kind not in "fiub":
        raise DataError(
            f"input {name!r} has data of type {data.dtype}; convert it to a numeric array such as float32"
        )
    if data.shape[1:] != tuple(shape) or data.ndim != len(shape) + 1:
        raise DataError(
            f"input {name!r} has shape {data.shape}, but the network takes (batch, "
            f"{', '.join(map(str, shape))}); reshape the data"
        )
    if len(data) == 0:
        raise DataError(f"input {name!r} is empty (batch of 0); give at least one sample")
    if data.dtype != np.float32:
        data = data.astype(np.float64, copy=False)
    finite = np.isfinite(data)
    if not finite.all():
        sample = int(np.argwhere(~finite)[0][0])
        raise DataError(
            f"input {name!r} has NaN or infinity (first in sample {sample}); clean the data first"
        )
    return data
