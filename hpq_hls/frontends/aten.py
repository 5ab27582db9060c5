"""The table of aten operators: what each becomes, and which modes of it are refused.

Keys are operator names without the overload ("aten.add"), so module, functional and in-place spellings
meet in one handler; torch.export has made the graph functional before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from hpq_hls.frontends.builder import GraphBuilder, Value
from hpq_hls.frontends.origin import Origin
from hpq_hls.frontends.windows import Padding, Pair
from hpq_hls.ops import WindowSpec
from hpq_hls.ops.base import FloatArray, Operator, Shape


@dataclass(frozen=True)
class Call:
    """One call of an aten operator.

    arguments: by name; inside are Value (computed from the network's input), torch.Tensor (constant),
        or plain numbers, strings and lists.
    shape: of the result, without the batch axis.
    widening: whether the result's number type holds every value of the input's.
    """

    builder: GraphBuilder
    origin: Origin
    arguments: Mapping[str, Any]
    shape: tuple[Any, ...]
    widening: bool

    def value(self, name: str) -> Value:
        """An argument that is computed from the network's input."""
        given = self.arguments[name]
        if not isinstance(given, Value):
            self.refuse(f"its {name} does not depend on the network's input")
        return given

    def constant(self, name: str) -> FloatArray:
        """An argument that is a parameter, buffer or constant."""
        return self.array(self.arguments[name], name)

    def is_value(self, name: str) -> bool:
        """Whether an argument is computed from the network's input."""
        return isinstance(self.arguments.get(name), Value)

    def emit(self, op: Operator, *inputs: Value, suffix: str = "") -> Value:
        """See ``hpq_hls.ops.spelling.Call``."""
        return self.builder.emit(op, inputs, self.origin, suffix)

    def optional(self, name: str) -> FloatArray | None:
        """The same, or None."""
        return None if self.arguments.get(name) is None else self.constant(name)

    def array(self, given: Any, name: str) -> FloatArray:
        """A number or constant tensor in float64."""
        if isinstance(given, (int, float)):
            return np.array(given, dtype=np.float64)
        if isinstance(given, Value) or not hasattr(given, "detach"):
            self.refuse(f"its {name} is computed from the network's input or batch size")
        return np.array(given.detach().cpu().double().numpy(), dtype=np.float64, order="C")

    def pair(self, name: str) -> Pair:
        """An argument of two integers, of which torch may have written only one."""
        given = self.arguments[name]
        both = [given] if isinstance(given, int) else list(given)
        return int(both[0]), int(both[-1])

    def static_shape(self) -> Shape:
        """Shape of the result, which must not depend on the batch."""
        if not all(isinstance(length, int) for length in self.shape):
            self.refuse(
                f"its result has shape {tuple(map(str, self.shape))} per sample, which depends on the batch "
                "size; keep the batch axis first, for instance with x.flatten(1)"
            )
        return tuple(self.shape)

    def refuse(self, reason: str | None = None) -> NoReturn:
        """Raise UnsupportedOperatorError for this call."""
        self.builder.refuse(self.origin, reason)


Handler = Callable[[Call], Value]
"""Translates one call; for an operator with several results, to the first."""

HANDLERS: dict[str, Handler] = {}
SUPPORTED: list[str] = []
"""What the handlers support, in the words of torch.nn."""


def handles(supports: str, *names: str) -> Callable[[Handler], Handler]:
    """Register a handler for aten operators."""

    def register(handler: Handler) -> Handler:
        if supports not in SUPPORTED:
            SUPPORTED.append(supports)
        HANDLERS.update((f"aten.{name}", handler) for name in names)
        return handler

    return register


# ---------------------------------------------------------------------- weighted operators


@handles("Linear", "linear")
def _linear(call: Call) -> Value:
    return call.builder.linear(
        call.value("input"), call.constant("weight"), call.optional("bias"), call.origin
    )


@handles("Linear", "mm", "matmul")
def _matmul(call: Call) -> Value:
    first, second = call.arguments.values()
    if not isinstance(first, Value) or isinstance(second, Value):
        call.refuse("only a value times a constant matrix is supported")
    weights = call.array(second, "matrix")
    if weights.ndim != 2:
        call.refuse(f"its matrix has shape {weights.shape}, not (inputs, outputs)")
    return call.builder.linear(first, np.ascontiguousarray(weights.T), None, call.origin)


@handles("Linear", "addmm")
def _addmm(call: Call) -> Value:
    if call.arguments["alpha"] != 1 or call.arguments["beta"] != 1:
        call.refuse("its alpha and beta are not 1")
    weights, bias = call.constant("mat2"), call.constant("self")
    biases = np.broadcast_to(bias, (1, weights.shape[1]))[0]
    return call.builder.linear(
        call.value("mat1"), np.ascontiguousarray(weights.T), np.array(biases), call.origin
    )


@handles("Conv2d", "conv2d", "convolution")
def _conv2d(call: Call) -> Value:
    weights = call.constant("weight")
    if call.arguments.get("transposed") or weights.ndim != 4:
        call.refuse("only two-dimensional convolution is supported, and not its transpose")
    stride, dilation = call.pair("stride"), call.pair("dilation")
    return call.builder.conv2d(
        call.value("input"),
        weights,
        call.optional("bias"),
        stride,
        _conv_padding(call, (int(weights.shape[2]), int(weights.shape[3])), dilation),
        dilation,
        int(call.arguments["groups"]),
        call.origin,
    )


def _conv_padding(call: Call, kernel: Pair, dilation: Pair) -> Padding:
    mode = call.arguments["padding"]
    if mode == "valid":
        return (0, 0, 0, 0)
    if mode == "same":  # stride is 1 then; an odd total puts the extra zero at the end
        rows, columns = ((size - 1) * step for size, step in zip(kernel, dilation, strict=True))
        return (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
    vertical, horizontal = call.pair("padding")
    return (vertical, vertical, horizontal, horizontal)


@handles(
    "BatchNorm1d and BatchNorm2d with running statistics",
    "batch_norm",
    "_native_batch_norm_legit_no_training",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_functional",
    "native_batch_norm",
)
def _batch_norm(call: Call) -> Value:
    given = call.arguments
    if given.get("training") or given.get("running_mean") is None or given.get("running_var") is None:
        call.refuse(
            "it normalises with the statistics of the batch; use track_running_stats=True and call "
            "model.eval() before exporting"
        )
    return call.builder.batch_norm(
        call.value("input"),
        call.optional("weight"),
        call.optional("bias"),
        call.constant("running_mean"),
        call.constant("running_var"),
        float(given["eps"]),
        call.origin,
    )


# ---------------------------------------------------------------------- activations


@handles("ReLU", "relu")
def _relu(call: Call) -> Value:
    return call.builder.relu(call.value("self"), call.origin)


# ---------------------------------------------------------------------- pooling


def _window(call: Call, dilation: Pair = (1, 1)) -> WindowSpec:
    kernel = call.pair("kernel_size")
    vertical, horizontal = call.pair("padding")
    return WindowSpec(
        kernel,
        call.pair("stride") if call.arguments["stride"] else kernel,
        (vertical, vertical, horizontal, horizontal),
        dilation,
        bool(call.arguments["ceil_mode"]),
    )


@handles("MaxPool2d", "max_pool2d", "max_pool2d_with_indices")
def _max_pool(call: Call) -> Value:
    return call.builder.max_pool(call.value("self"), _window(call, call.pair("dilation")), call.origin)


@handles("AvgPool2d", "avg_pool2d")
def _avg_pool(call: Call) -> Value:
    given = call.arguments
    divisor = None if given["divisor_override"] is None else int(given["divisor_override"])
    return call.builder.avg_pool(
        call.value("self"), _window(call), bool(given["count_include_pad"]), divisor, call.origin
    )


@handles("AdaptiveAvgPool2d or mean over (H, W)", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def _adaptive_avg_pool(call: Call) -> Value:
    return call.builder.adaptive_avg_pool(call.value("self"), call.pair("output_size"), call.origin)


@handles("AdaptiveAvgPool2d or mean over (H, W)", "mean")
def _mean(call: Call) -> Value:
    x, given = call.value("self"), call.arguments
    if not call.widening:
        call.refuse("its dtype rounds the result")
    rank = len(x.shape) + 1
    axes = [axis % rank - 1 for axis in (given.get("dim") or range(rank))]
    return call.builder.mean(x, axes, bool(given.get("keepdim", False)), call.origin)


# ---------------------------------------------------------------------- shapes


@handles(
    "Flatten",
    "flatten",
    "view",
    "_unsafe_view",
    "reshape",
    "squeeze",
    "unsqueeze",
)
def _reshape(call: Call) -> Value:
    return call.builder.reshape(call.value("self"), call.static_shape(), call.origin)


# ---------------------------------------------------------------------- branches


@handles("Add of two tensors of one shape", "add")
def _add(call: Call) -> Value:
    first, second = call.arguments["self"], call.arguments["other"]
    alpha = call.arguments["alpha"]
    if isinstance(first, Value) and isinstance(second, Value):
        if alpha != 1:
            call.refuse(f"its alpha is {alpha}")
        return call.builder.add(first, second, call.origin)
    if isinstance(first, Value):
        return call.builder.add_constant(first, call.array(second, "other") * alpha, call.origin)
    if alpha != 1:
        call.refuse(f"its alpha is {alpha}")
    return call.builder.add_constant(second, call.array(first, "self"), call.origin)


# ---------------------------------------------------------------------- nothing at all


@handles("Dropout in eval mode", "dropout", "feature_dropout", "native_dropout")
def _dropout(call: Call) -> Value:
    if call.arguments["train"] and call.arguments["p"] != 0:
        call.refuse(
            "it drops elements at random also in eval mode; pass training=self.training to it, or call "
            "model.eval() before exporting"
        )
    return call.value("input")


@handles("Identity", "clone", "alias", "detach", "contiguous", "lift_fresh_copy", "to", "_to_copy")
def _identity(call: Call) -> Value:
    if not call.widening:
        call.refuse("it converts to a narrower number type, which rounds")
    return call.value("self" if "self" in call.arguments else "input")


@handles("zero padding in front of Conv2d or AvgPool2d", "pad", "constant_pad_nd")
def _pad(call: Call) -> Value:
    mode, value = call.arguments.get("mode", "constant"), call.arguments["value"]
    if mode != "constant" or value not in (None, 0):
        fill = f"mode {mode!r}" if mode != "constant" else f"value {value}"
        call.refuse(f"its {fill} is not zero padding")
    pads = [int(amount) for amount in call.arguments["pad"]]
    if any(pads[4:]):
        call.refuse("it pads channels or samples")
    left, right, top, bottom = (pads + [0] * 4)[:4]
    return call.builder.pad(call.value("self"), (top, bottom, left, right), call.origin)
