"""The table of ONNX operators: what each becomes, and which modes of it are refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from hpq_hls.frontends.builder import GraphBuilder, Value
from hpq_hls.frontends.origin import Origin
from hpq_hls.frontends.windows import Padding, Pair, same_padding
from hpq_hls.ops import WindowSpec
from hpq_hls.ops.base import FloatArray, Operator, Shape
from hpq_hls.ops.layout import Array

BATCH = 2**31 - 1
"""Stands for the batch size in shapes that the model computes; a prime, so that no product of other
sizes is taken for it."""
_FLOAT, _DOUBLE = 1, 11  # onnx.TensorProto.FLOAT and DOUBLE


@dataclass(frozen=True)
class OnnxCall:
    """One node of an ONNX graph.

    inputs: Value where computed from the network's input, array where constant, None where left out.
    batch: the batch size if the file fixes it.
    input_type: element type of the network's input.
    """

    builder: GraphBuilder
    origin: Origin
    inputs: Sequence[Value | Array | None]
    attributes: Mapping[str, Any]
    batch: int | None
    input_type: int

    def value(self, index: int = 0) -> Value:
        """An input that is computed from the network's input."""
        given = self._input(index)
        if not isinstance(given, Value):
            self.refuse(f"its input {index} does not depend on the network's input")
        return given

    def is_value(self, index: int) -> bool:
        """Whether an input is computed from the network's input."""
        return isinstance(self._input(index), Value)

    def emit(self, op: Operator, *inputs: Value, suffix: str = "") -> Value:
        """See ``hpq_hls.ops.spelling.Call``."""
        return self.builder.emit(op, inputs, self.origin, suffix)

    def optional(self, index: int) -> FloatArray | None:
        """A constant input in float64, or None where it is left out."""
        given = self._input(index)
        if isinstance(given, Value):
            self.refuse(f"its input {index} is computed from the network's input")
        return None if given is None else np.array(given, dtype=np.float64, order="C")

    def constant(self, index: int) -> FloatArray:
        """A constant input in float64."""
        given = self.optional(index)
        if given is None:
            self.refuse(f"its input {index} is missing")
        return given

    def setting(self, name: str, index: int, default: Any = None) -> Any:
        """A setting that older opsets keep in an attribute and newer ones in a constant input, as
        numbers or lists of numbers."""
        given = self.optional(index)
        return self.attributes.get(name, default) if given is None else given.tolist()

    def pair(self, name: str, default: Pair) -> Pair:
        """An attribute of two integers."""
        given = self.attributes.get(name, default)
        if len(given) != 2:
            self.refuse(f"its {name} {list(given)} are not for two dimensions")
        return int(given[0]), int(given[1])

    def refuse(self, reason: str | None = None) -> NoReturn:
        """Raise UnsupportedOperatorError for this node."""
        self.builder.refuse(self.origin, reason)

    def _input(self, index: int) -> Value | Array | None:
        return self.inputs[index] if index < len(self.inputs) else None


Handler = Callable[[OnnxCall], Value]
HANDLERS: dict[str, Handler] = {}
SUPPORTED: list[str] = []
"""Names of the supported ONNX operators."""


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler for ONNX operators."""

    def register(handler: Handler) -> Handler:
        SUPPORTED.extend(names)
        HANDLERS.update((name, handler) for name in names)
        return handler

    return register


# ---------------------------------------------------------------------- weighted operators


@handles("Conv")
def _conv(call: OnnxCall) -> Value:
    x, weights = call.value(), call.constant(1)
    if weights.ndim != 4 or len(x.shape) != 3:
        call.refuse("only two-dimensional convolution is supported")
    kernel = (int(weights.shape[2]), int(weights.shape[3]))
    window = _window(call, x, kernel)
    return call.builder.conv2d(
        x,
        weights,
        call.optional(2),
        window.stride,
        window.padding,
        window.dilation,
        int(call.attributes.get("group", 1)),
        call.origin,
    )


@handles("Gemm")
def _gemm(call: OnnxCall) -> Value:
    given = call.attributes
    if given.get("transA"):
        call.refuse("it transposes its input")
    weights = call.constant(1) * given.get("alpha", 1.0)
    weights = np.ascontiguousarray(weights if given.get("transB") else weights.T)
    biases = call.optional(2)
    if biases is not None:
        if biases.ndim > 1 and biases.shape[0] != 1:
            call.refuse(f"its bias has shape {biases.shape}, which depends on the sample")
        biases = np.array(np.broadcast_to(biases * given.get("beta", 1.0), (1, len(weights)))[0])
    return call.builder.linear(call.value(), weights, biases, call.origin)


@handles("MatMul")
def _matmul(call: OnnxCall) -> Value:
    weights = call.constant(1)
    if weights.ndim != 2:
        call.refuse(f"its matrix has shape {weights.shape}, not (inputs, outputs)")
    return call.builder.linear(call.value(), np.ascontiguousarray(weights.T), None, call.origin)


@handles("BatchNormalization")
def _batch_norm(call: OnnxCall) -> Value:
    if call.attributes.get("training_mode") or not call.attributes.get("spatial", 1):
        call.refuse("only normalisation per channel with stored statistics is supported")
    gamma, beta, mean, variance = (call.constant(index) for index in range(1, 5))
    epsilon = float(call.attributes.get("epsilon", 1e-5))
    return call.builder.batch_norm(call.value(), gamma, beta, mean, variance, epsilon, call.origin)


# ---------------------------------------------------------------------- element by element


@handles("Relu")
def _relu(call: OnnxCall) -> Value:
    return call.builder.relu(call.value(), call.origin)


@handles("Add")
def _add(call: OnnxCall) -> Value:
    first, second = call.inputs[:2]
    if isinstance(first, Value) and isinstance(second, Value):
        return call.builder.add(first, second, call.origin)
    if isinstance(first, Value):
        return call.builder.add_constant(first, call.constant(1), call.origin)
    return call.builder.add_constant(call.value(1), call.constant(0), call.origin)


@handles("Dropout")
def _dropout(call: OnnxCall) -> Value:
    training = call.optional(2)
    if training is not None and training.any() and call.setting("ratio", 1, 0.5) != 0:
        call.refuse("it is in training mode; export the model in evaluation mode")
    return call.value()


@handles("Identity")
def _identity(call: OnnxCall) -> Value:
    return call.value()


@handles("Cast")
def _cast(call: OnnxCall) -> Value:
    wanted = int(call.attributes["to"])
    if wanted != _DOUBLE and (wanted != _FLOAT or call.input_type == _DOUBLE):
        call.refuse("it converts to a narrower number type, which rounds")
    return call.value()


# ---------------------------------------------------------------------- pooling


def _window(call: OnnxCall, x: Value, kernel: Pair) -> WindowSpec:
    """The window of a convolution or pooling over an image."""
    stride, dilation = call.pair("strides", (1, 1)), call.pair("dilations", (1, 1))
    mode = call.attributes.get("auto_pad", "NOTSET")
    ceil_mode = bool(call.attributes.get("ceil_mode", 0)) and mode == "NOTSET"
    padding: Padding = (0, 0, 0, 0)
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        totals = [
            same_padding(x.shape[axis + 1], kernel[axis], stride[axis], dilation[axis]) for axis in range(2)
        ]
        small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
        before, after = (small, large) if mode == "SAME_UPPER" else (large, small)
        padding = (before[0], after[0], before[1], after[1])
    elif mode == "NOTSET":
        pads = [int(amount) for amount in call.attributes.get("pads", (0, 0, 0, 0))]
        if len(pads) != 4:
            call.refuse(f"its pads {pads} are not for two dimensions")
        padding = (pads[0], pads[2], pads[1], pads[3])
    elif mode != "VALID":
        call.refuse(f"its auto_pad {mode!r} is unknown")
    return WindowSpec(kernel, stride, padding, dilation, ceil_mode)


def _pool_window(call: OnnxCall) -> WindowSpec:
    x = call.value()
    if len(x.shape) != 3:
        call.refuse("only two-dimensional pooling is supported")
    window = _window(call, x, call.pair("kernel_shape", (1, 1)))
    if min(window.padding) < 0:
        call.refuse(f"its padding {window.padding} is negative")
    if window.ceil_mode:
        _check_ceil(call, window, x.shape)
    return window


def _check_ceil(call: OnnxCall, window: WindowSpec, shape: Shape) -> None:
    """Refuse what opsets and runtimes disagree on: a last window that lies in the padding entirely."""
    top, bottom, left, right = window.padding
    outputs = window.output_size(shape[1], shape[2])
    for axis, (size, padding) in enumerate(((shape[1], top + bottom), (shape[2], left + right))):
        span = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        if outputs[axis] != -(-(size + padding - span) // window.stride[axis]) + 1:
            call.refuse("with ceil_mode its last window would start in the padding")


@handles("MaxPool")
def _max_pool(call: OnnxCall) -> Value:
    return call.builder.max_pool(call.value(), _pool_window(call), call.origin)


@handles("AveragePool")
def _average_pool(call: OnnxCall) -> Value:
    window = _pool_window(call)
    count = bool(call.attributes.get("count_include_pad", 0))
    _, height, width = call.value().shape
    if count and any(window.overhang(height, width)):
        call.refuse("ceil_mode with count_include_pad is computed differently by different runtimes")
    return call.builder.avg_pool(call.value(), window, count, None, call.origin)


@handles("GlobalAveragePool")
def _global_average_pool(call: OnnxCall) -> Value:
    return call.builder.adaptive_avg_pool(call.value(), (1, 1), call.origin)


@handles("ReduceMean")
def _reduce_mean(call: OnnxCall) -> Value:
    x = call.value()
    rank = len(x.shape) + 1
    axes = call.setting("axes", 1)
    if axes is None:
        axes = [] if call.attributes.get("noop_with_empty_axes") else range(rank)
    if not len(axes):
        return x
    counted = [int(axis) % rank - 1 for axis in axes]
    return call.builder.mean(x, counted, bool(call.attributes.get("keepdims", 1)), call.origin)


# ---------------------------------------------------------------------- shapes


@handles("Flatten")
def _flatten(call: OnnxCall) -> Value:
    x = call.value()
    if int(call.attributes.get("axis", 1)) not in (1, -len(x.shape)):
        call.refuse("only axis=1, which keeps the batch, is supported")
    return call.builder.reshape(x, (math.prod(x.shape),), call.origin)


@handles("Reshape")
def _reshape(call: OnnxCall) -> Value:
    x = call.value()
    wanted = [int(size) for size in call.setting("shape", 1)]
    if not call.attributes.get("allowzero"):
        known = [BATCH, *x.shape]
        if any(size == 0 and axis >= len(known) for axis, size in enumerate(wanted)):
            call.refuse(f"its shape {wanted} copies an axis that does not exist")
        wanted = [known[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    first, rest = wanted[0] if wanted else 0, wanted[1:]
    if -1 in rest:
        others = math.prod(size for size in rest if size != -1)
        if first not in (BATCH, call.batch) or others < 1 or math.prod(x.shape) % others:
            call.refuse(f"its shape {wanted} does not keep the batch axis first")
        rest[rest.index(-1)] = math.prod(x.shape) // others
    elif first not in (BATCH, call.batch, -1):
        call.refuse(f"its shape {wanted} does not keep the batch axis first")
    return call.builder.reshape(x, tuple(rest), call.origin)


@handles("Squeeze")
def _squeeze(call: OnnxCall) -> Value:
    x = call.value()
    rank = len(x.shape) + 1
    given = call.setting("axes", 1)
    if given is None:
        dropped = {axis for axis, size in enumerate([call.batch or BATCH, *x.shape]) if size == 1}
    else:
        dropped = {int(axis) % rank for axis in given}
    if 0 in dropped:
        call.refuse("it drops the batch axis")
    shape = tuple(size for axis, size in enumerate(x.shape, start=1) if axis not in dropped)
    return call.builder.reshape(x, shape, call.origin)


@handles("Unsqueeze")
def _unsqueeze(call: OnnxCall) -> Value:
    x = call.value()
    given = call.setting("axes", 1) or []
    rank = len(x.shape) + 1 + len(given)
    added = {int(axis) % rank for axis in given}
    if 0 in added:
        call.refuse("it puts an axis in front of the batch axis")
    old = iter(x.shape)
    shape = tuple(1 if axis in added else next(old) for axis in range(1, rank))
    return call.builder.reshape(x, shape, call.origin)


@handles("Pad")
def _pad(call: OnnxCall) -> Value:
    x = call.value()
    value = call.setting("value", 2, 0.0)
    if call.attributes.get("mode", "constant") != "constant" or value:
        call.refuse("only padding with zeros is supported")
    rank = len(x.shape) + 1
    amounts = [int(amount) for amount in call.setting("pads", 1)]
    axes = call.setting("axes", 3)
    axes = range(rank) if axes is None else [int(axis) % rank for axis in axes]
    before, after = [0] * rank, [0] * rank
    for index, axis in enumerate(axes):
        before[axis], after[axis] = amounts[index], amounts[index + len(amounts) // 2]
    if rank != 4 or any(before[:2] + after[:2]):
        call.refuse("only padding of height and width of (N, C, H, W) is supported")
    return call.builder.pad(x, (before[2], after[2], before[3], after[3]), call.origin)
