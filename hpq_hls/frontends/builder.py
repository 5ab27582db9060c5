"""Builds a Graph operator by operator; what both front ends translate into.

Everything here is exact or refused. Parameters arrive as float64 arrays, shapes without the batch axis.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.frontends.origin import Origin, refusal
from hpq_hls.frontends.windows import NO_PADDING, Padding, Pair, average_divisor, sees_only_padding
from hpq_hls.graph import Graph, Node
from hpq_hls.ops import Add, AvgPool2d, BatchNorm, Conv2d, Flatten, Linear, MaxPool2d, Relu, WindowSpec
from hpq_hls.ops.base import FloatArray, Operator, Shape
from hpq_hls.ops.reshape import reshaped


@dataclass(frozen=True)
class Value:
    """A value of the foreign graph.

    name: the node (or input) of our graph that holds its elements.
    shape: its shape as the foreign graph sees it, which a reshape may have changed.
    padding: zeros around (top, bottom, left, right) that the reader has to add.
    """

    name: str
    shape: Shape
    padding: Padding = NO_PADDING


class GraphBuilder:
    """Collects nodes with unique names and known shapes.

    Parameters
    ----------
    input_name, input_shape : the network's input, without the batch axis.
    supported : the operators the front end knows, for error messages.
    reserved : module paths that only the modules themselves may be named after.
    """

    def __init__(
        self, input_name: str, input_shape: Shape, supported: Sequence[str], reserved: Collection[str] = ()
    ) -> None:
        self._supported = supported
        self._reserved = frozenset(reserved)
        self._names: set[str] = set()
        self._nodes: dict[str, Node] = {}
        self._biased: dict[str, str] = {}
        self.input = Value(self._unique(input_name, owner=False), input_shape)
        self._shapes: dict[str, Shape] = {self.input.name: input_shape}

    def refuse(self, origin: Origin, reason: str | None = None) -> NoReturn:
        """Raise UnsupportedOperatorError for an operator of the foreign graph."""
        raise refusal(origin, self._supported, reason)

    def emit(self, op: Operator, inputs: Sequence[Value], origin: Origin, suffix: str = "") -> Value:
        """The value of an operator. suffix: of its name, for all but the last of several operators that one
        of the foreign graph becomes."""
        if suffix:
            scope = f"{origin.layer_name(op.kind)}.{suffix}"
            origin = replace(origin, scope=scope, leaf=True)
        return self._emit(op, inputs, origin)

    # ------------------------------------------------------------------ weighted operators

    def linear(self, x: Value, weights: FloatArray, biases: FloatArray | None, origin: Origin) -> Value:
        """``W x + b``; weights (out, in), biases (out,) or None."""
        if weights.ndim != 2:
            self.refuse(origin, f"its weights have shape {weights.shape}, not (outputs, inputs)")
        return self._emit(Linear(weights=weights, biases=biases), [x], origin)

    def conv2d(
        self,
        x: Value,
        weights: FloatArray,
        biases: FloatArray | None,
        stride: Pair,
        padding: Padding,
        dilation: Pair,
        groups: int,
        origin: Origin,
    ) -> Value:
        """Convolution with zero padding (top, bottom, left, right); weights (out, in / groups, kh, kw)."""
        self._check_image(x, origin)
        if weights.shape[0] % groups:
            self.refuse(origin, f"its {weights.shape[0]} output channels do not divide into {groups} groups")
        x, padding = self._padded(x, padding, origin)
        kernel = (int(weights.shape[2]), int(weights.shape[3]))
        window = WindowSpec(kernel, stride, padding, dilation)
        size = (x.shape[1], x.shape[2])
        return self._emit(Conv2d(weights, window, size, groups, biases), [x], origin)

    def batch_norm(
        self,
        x: Value,
        gamma: FloatArray | None,
        beta: FloatArray | None,
        mean: FloatArray,
        variance: FloatArray,
        epsilon: float,
        origin: Origin,
    ) -> Value:
        """Batch normalisation with running statistics; gamma and beta None for the identity."""
        gamma = np.ones_like(mean) if gamma is None else gamma
        beta = np.zeros_like(mean) if beta is None else beta
        return self._emit(BatchNorm(gamma, beta, mean, variance, epsilon), [x], origin)

    # ------------------------------------------------------------------ pooling

    def max_pool(self, x: Value, window: WindowSpec, origin: Origin) -> Value:
        """The largest element of each window."""
        self._check_image(x, origin)
        if sees_only_padding(window, x.shape[1], x.shape[2]):
            self.refuse(origin, "one of its windows sees padding only")
        return self._emit(MaxPool2d(window), [x], origin)

    def avg_pool(
        self, x: Value, window: WindowSpec, count_padding: bool, divisor: int | None, origin: Origin
    ) -> Value:
        """The mean of each window, or its sum over ``divisor``."""
        self._check_image(x, origin)
        if divisor is None:
            divisor = average_divisor(window, x.shape[1], x.shape[2], count_padding)
        if divisor is None:
            self.refuse(
                origin,
                "its windows at the border average over fewer elements than the others, and hardware has "
                "one divisor for all; use no padding, count_include_pad=True or divisor_override",
            )
        if divisor < 1:
            self.refuse(origin, f"its divisor {divisor} is not positive")
        if x.padding != NO_PADDING and window.ceil_mode:
            self.refuse(
                origin, "ceil_mode behind a separate padding is ambiguous; give the padding to the pool"
            )
        x, padding = self._padded(x, window.padding, origin)
        size = (x.shape[1], x.shape[2])
        return self._emit(AvgPool2d(replace(window, padding=padding), divisor, size), [x], origin)

    def adaptive_avg_pool(self, x: Value, size: Pair, origin: Origin) -> Value:
        """Average pooling to an output of ``size``, which must divide the input."""
        self._check_image(x, origin)
        _, height, width = x.shape
        if min(size) < 1 or height % size[0] or width % size[1]:
            self.refuse(origin, f"its output size {size} does not divide its input size {(height, width)}")
        kernel = (height // size[0], width // size[1])
        if kernel == (1, 1):
            return x
        return self.avg_pool(x, WindowSpec(kernel, kernel), True, None, origin)

    def mean(self, x: Value, axes: Sequence[int], keep: bool, origin: Origin) -> Value:
        """Mean over axes of an image, counted without the batch axis (1: height, 2: width)."""
        if len(x.shape) != 3 or not set(axes) <= {1, 2}:
            self.refuse(origin, "only the mean over height and width of (N, C, H, W) is supported")
        size = tuple(1 if axis in axes else x.shape[axis] for axis in (1, 2))
        pooled = self.adaptive_avg_pool(x, (size[0], size[1]), origin)
        if keep:
            return pooled
        kept = tuple(length for axis, length in enumerate(pooled.shape) if axis not in axes)
        return self.reshape(pooled, kept, replace(origin, leaf=False))

    # ------------------------------------------------------------------ element by element

    def relu(self, x: Value, origin: Origin) -> Value:
        """``max(x, 0)``."""
        return self._emit(Relu(), [x], origin)

    def add(self, first: Value, second: Value, origin: Origin) -> Value:
        """Sum of two values of one shape."""
        return self._emit(Add(), [first, second], origin)

    def add_constant(self, x: Value, constant: FloatArray, origin: Origin) -> Value:
        """Sum with a constant: nothing for zeros, else the bias of a linear or convolution layer.

        constant: any shape that broadcasts to (1, *x.shape).
        """
        shape = (1, *x.shape)
        if constant.ndim > len(shape) or np.broadcast_shapes(constant.shape, shape) != shape:
            self.refuse(origin, f"broadcasting to the constant's shape {constant.shape} is not supported")
        if not constant.any():
            return x
        rows = np.broadcast_to(constant, shape).reshape(x.shape[0] if x.shape else 1, -1)
        layer = self._nodes.get(x.name)
        if layer is None or not isinstance(layer.op, (Linear, Conv2d)) or (rows != rows[:, :1]).any():
            self.refuse(
                origin,
                "a constant can only be added as the bias of a linear or convolution layer right before it",
            )
        biases = rows[:, 0] if layer.op.biases is None else layer.op.biases + rows[:, 0]
        op = replace(layer.op, biases=np.array(biases, dtype=np.float64))
        if x.shape != self._shapes[layer.name]:
            self.refuse(origin, "the value before it has been reshaped")
        result = self._emit(op, [Value(layer.inputs[0], self._shapes[layer.inputs[0]])], origin)
        self._biased[result.name] = layer.name
        return result

    # ------------------------------------------------------------------ shapes

    def reshape(self, x: Value, shape: Shape, origin: Origin) -> Value:
        """The same elements in another shape; only flattening leaves a node behind.

        A shape that is neither the old one nor a vector is remembered, in case a later reshape makes
        it one, and refused by whoever else reads it.
        """
        if math.prod(shape) != math.prod(x.shape):
            self.refuse(
                origin,
                f"it turns {x.shape} per sample into {shape}, which moves elements between samples; "
                "keep the batch axis first, for instance with x.flatten(1)",
            )
        if shape == x.shape:
            return x
        if x.padding != NO_PADDING:
            self.refuse(origin, "padding is supported only in front of a convolution or average pooling")
        held = self._nodes.get(x.name)
        if held is not None and isinstance(held.op, Flatten) and self._shapes[held.inputs[0]] == shape:
            return Value(held.inputs[0], shape)
        if len(shape) == 1 and shape != self._shapes[x.name]:
            return self._emit(Flatten(), [Value(x.name, self._shapes[x.name])], origin)
        return Value(x.name, shape)

    def pad(self, x: Value, padding: Padding, origin: Origin) -> Value:
        """Zeros around an image (top, bottom, left, right), added by the operator that reads it."""
        self._check_image(x, origin)
        if min(padding) < 0:
            self.refuse(origin, f"its padding {padding} is negative")
        top, bottom, left, right = padding
        shape = (x.shape[0], x.shape[1] + top + bottom, x.shape[2] + left + right)
        held = x.padding
        total = (held[0] + top, held[1] + bottom, held[2] + left, held[3] + right)
        return Value(x.name, shape, total)

    # ------------------------------------------------------------------ the result

    def finish(self, output: Value, origin: Origin, name: str) -> Graph:
        """The graph that computes ``output``, without the nodes it does not need."""
        output = self._settled(output, origin)
        needed: set[str] = {output.name}
        for node in reversed(self._nodes.values()):
            if node.name in needed:
                needed.update(node.inputs)
        if output.name == self.input.name or self.input.name not in needed:
            self.refuse(origin, "the network has no operator between its input and its output")
        renamed = {new: old for new, old in self._biased.items() if old not in needed}
        nodes = [
            replace(
                node,
                name=_final(node.name, renamed),
                inputs=tuple(_final(given, renamed) for given in node.inputs),
            )
            for node in self._nodes.values()
            if node.name in needed
        ]
        result = _final(output.name, renamed)
        return Graph(self.input.name, self.input.shape, tuple(nodes), result, name)

    # ------------------------------------------------------------------ inside

    def _emit(self, op: Operator, inputs: Sequence[Value], origin: Origin) -> Value:
        settled = [self._settled(value, origin) for value in inputs]
        try:
            shape = op.output_shape([value.shape for value in settled])
        except UnsupportedOperatorError as error:
            self.refuse(origin, str(error))
        if not _is_finite(op):
            self.refuse(origin, "its parameters hold NaN or infinity, or give it")
        name = self._unique(origin.layer_name(op.kind), owner=origin.leaf)
        self._nodes[name] = Node(name, op, tuple(value.name for value in settled), source=origin.source)
        self._shapes[name] = shape
        return Value(name, shape)

    def _settled(self, x: Value, origin: Origin) -> Value:
        """``x`` if it is exactly what its node computes."""
        if x.padding != NO_PADDING:
            self.refuse(origin, "padding is supported only in front of a convolution or average pooling")
        if x.shape != self._shapes[x.name]:
            held = Value(x.name, self._shapes[x.name])
            return self._emit(reshaped(x.shape), [held], replace(origin, leaf=False))
        return x

    def _check_image(self, x: Value, origin: Origin) -> None:
        if len(x.shape) != 3:
            self.refuse(origin, f"its input has shape (N, {', '.join(map(str, x.shape))}), not (N, C, H, W)")

    def _padded(self, x: Value, padding: Padding, origin: Origin) -> tuple[Value, Padding]:
        """``x`` without its pending padding, and ``padding`` with it."""
        held = x.padding
        total = (held[0] + padding[0], held[1] + padding[1], held[2] + padding[2], held[3] + padding[3])
        if min(total) < 0:
            self.refuse(origin, f"its padding {padding} is negative")
        if held == NO_PADDING:
            return x, total
        return Value(x.name, self._shapes[x.name]), total

    def _unique(self, wish: str, owner: bool) -> str:
        name, count = wish, 1
        while name in self._names or (name in self._reserved and not (owner and name == wish)):
            name = f"{wish}_{count}"
            count += 1
        self._names.add(name)
        return name


def _is_finite(op: Operator) -> bool:
    """Whether every parameter is a finite number."""
    with np.errstate(all="ignore"):  # dividing by a variance of zero is what is looked for
        held = op.affine() if isinstance(op, BatchNorm) else op
    return all(array is None or bool(np.isfinite(array).all()) for array in (held.weight, held.bias))


def _final(name: str, renamed: dict[str, str]) -> str:
    while name in renamed:
        name = renamed[name]
    return name
