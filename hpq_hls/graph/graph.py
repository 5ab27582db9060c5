"""The network as the front ends deliver it: named operators, float parameters, known shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from hpq_hls.graph.samples import Samples, check_inputs, named, only, plain
from hpq_hls.ops.base import FloatArray, Inner, Operator, Shape
from hpq_hls.ops.layout import Array, Scratch, batch_first, batch_last
from hpq_hls.shown import Shown


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
class Graph(Shown):
    """A network.

    inputs: shape of each input by name, without the batch axis, in torch layout, in order.
    nodes: in topological order.
    outputs: of each output by name, in order, the node (or the input) whose value it is.
    """

    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]
    name: str = "model"
    _shapes: dict[str, Shape] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.inputs or not self.outputs:
            raise ValueError("a network has an input and an output at least")
        self._shapes.update(self.inputs)
        for node in self.nodes:
            if node.name in self._shapes:
                raise ValueError(f"two nodes are called {node.name!r}")
            shape = node.op.output_shape([self._shapes[name] for name in node.inputs])
            self._shapes[node.name] = shape
        for value in self.outputs.values():
            if value not in self._shapes:
                raise ValueError(f"the output {value!r} is no node of the graph")

    @classmethod
    def single(
        cls, input_name: str, input_shape: Shape, nodes: tuple[Node, ...], output: str, name: str = "model"
    ) -> Graph:
        """A network with one input and one output, the value of the node called ``output``."""
        return cls({input_name: input_shape}, nodes, {output: output}, name)

    def facts(self) -> Mapping[str, str]:
        return {
            "name": self.name,
            "inputs": str(plain(self.inputs)),
            "outputs": str(plain(self.output_shapes)),
            "nodes": str(len(self.nodes)),
        }

    @property
    def input_name(self) -> str:
        """Name of the only input. This and the next three raise DataError where there are several."""
        return only({name: name for name in self.inputs}, "input")

    @property
    def input_shape(self) -> Shape:
        """Shape of the only input, without the batch axis."""
        return only(self.inputs, "input")

    @property
    def output(self) -> str:
        """The node (or the input) whose value is the only output."""
        return only(self.outputs, "output")

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Shape of every value, without the batch axis, by name."""
        return MappingProxyType(self._shapes)

    @property
    def output_shape(self) -> Shape:
        """Shape of the only output, without the batch axis."""
        return only(self.output_shapes, "output")

    @property
    def output_shapes(self) -> Mapping[str, Shape]:
        """Shape of every output by name, without the batch axis."""
        return {name: self._shapes[value] for name, value in self.outputs.items()}

    @cached_property
    def results(self) -> frozenset[str]:
        """The values that leave the network."""
        return frozenset(self.outputs.values())

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by name."""
        return MappingProxyType({node.name: node for node in self.nodes})

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read a value."""
        return tuple(node for node in self.nodes if name in node.inputs)

    def values(self, x: Any, batch_size: int = 256) -> dict[str, FloatArray]:
        """Every value of the float network by name, computed in float64, (batch, *shape).

        x: (batch, *input_shape), for several inputs by name or in order. Raises DataError where it does not
        fit.
        """
        parts: dict[str, list[FloatArray]] = {name: [] for name in self.shapes}
        for _, name, part in self.each_value(x, batch_size):
            parts[name].append(part.copy())
        return {name: np.concatenate(blocks) for name, blocks in parts.items()}

    def predict(self, x: Any, batch_size: int = 256) -> Any:
        """The float network's output, (batch, *output_shape) in float64; several outputs by name."""
        parts: dict[str, list[FloatArray]] = {value: [] for value in self.results}
        for _, name, part in self.each_value(x, batch_size):
            if name in parts:
                parts[name].append(part.copy())
        return plain({name: np.concatenate(parts[value]) for name, value in self.outputs.items()})

    def each_value(self, x: Any, batch_size: int = 256) -> Iterator[tuple[slice, str, FloatArray]]:
        """The values of ``values``, some samples and one name at a time: rows of the batch, name, and
        (rows, *shape) in float64, which is valid until the next one."""
        data = check_inputs(x, self.inputs)
        for start in range(0, len(data), batch_size):
            rows = slice(start, min(start + batch_size, len(data)))
            for name, part in self._run(data[rows]):
                yield rows, name, batch_first(part)

    def _run(self, x: Array | Samples) -> Iterator[tuple[str, FloatArray]]:
        """Names and values, batch last, in topological order; those still to be read are kept."""
        values: dict[str, FloatArray] = {}
        for name, given in named(x, self.inputs).items():
            values[name] = np.ascontiguousarray(batch_last(given), dtype=np.float64)
            yield name, values[name]
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
