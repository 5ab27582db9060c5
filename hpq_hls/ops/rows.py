"""Convolution and pooling over one axis: (C, L) is an image of height 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import IntArray, Operator, Shape, operator
from hpq_hls.ops.conv import Conv2d
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.pool import AvgPool2d, MaxPool2d
from hpq_hls.ops.spelling import TorchCall, Value, spelled_in_torch
from hpq_hls.ops.window import WindowSpec

if TYPE_CHECKING:
    import torch


class _Rows(Operator):
    """What operators over one axis have in common: all is as over an image of height 1."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if len(shapes[0]) != 2:
            raise UnsupportedOperatorError(
                f"{self.kind} is applied to a tensor of shape {shapes[0]}; only (C, L) is supported"
            )
        channels, _, length = super().output_shape([(shapes[0][0], 1, shapes[0][1])])  # type: ignore[safe-super]
        return channels, length

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        made = super().compute([inputs[0][None]], weight, bias, scratch)  # type: ignore[safe-super]
        row: Array = made[0]
        return row

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        image, kernels = inputs[0].unsqueeze(2), weight
        if self.weight is not None and weight is not None:
            kernels = weight.unsqueeze(2)
        return super().differentiable([image], kernels, bias).squeeze(2)  # type: ignore[safe-super]

    def work_elements(self, shapes: Sequence[Shape]) -> int:
        return 2 * super().work_elements(shapes)


@operator
@dataclass(frozen=True, eq=False)
class Conv1d(_Rows, Conv2d):
    """Cross-correlation along one axis. weights: (out_channels, in_channels / groups, k); window, input_size:
    of height 1."""

    kind: ClassVar[str] = "Conv1d"

    def arrange(self, weight: Array) -> Array:
        return Conv2d.arrange(self, weight[:, :, None])

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        assert weight is not None
        return Conv2d.range(self, inputs, weight[:, :, None], bias)

    def work_elements(self, shapes: Sequence[Shape]) -> int:
        made = self.output_shape(shapes)
        return max(
            shapes[0][0] * (shapes[0][1] + sum(self.window.padding)),
            shapes[0][0] * self.window.kernel[1] * made[1],
            made[0] * made[1],
        )


@operator
@dataclass(frozen=True, eq=False)
class MaxPool1d(_Rows, MaxPool2d):
    """The largest value of each window along one axis."""

    kind: ClassVar[str] = "MaxPool1d"


@operator
@dataclass(frozen=True, eq=False)
class AvgPool1d(_Rows, AvgPool2d):
    """The sum of each window along one axis times ``1 / divisor``; padding counts as zeros."""

    kind: ClassVar[str] = "AvgPool1d"


# ---------------------------------------------------------------------- spellings


def single(given: object, default: int = 1) -> int:
    """A number that torch may have written as a list of one; empty for the default."""
    if isinstance(given, (list, tuple)):
        return int(given[0]) if given else default
    return default if given is None else int(given)  # type: ignore[call-overload]


def _length(call: TorchCall, x: Value) -> int:
    if len(x.shape) != 2:
        call.refuse(f"its input has shape (N, {', '.join(map(str, x.shape))}), not (N, C, L)")
    return x.shape[1]


@spelled_in_torch("Conv1d", "conv1d")
def _conv1d(call: TorchCall) -> Value:
    x, weights, given = call.value("input"), call.constant("weight"), call.arguments
    length, kernel = _length(call, x), int(weights.shape[2])
    stride, dilation = single(given["stride"]), single(given["dilation"])
    mode, reach = given["padding"], (kernel - 1) * dilation
    if mode == "valid":
        padding = (0, 0)
    elif mode == "same":  # stride is 1 then; an odd total puts the extra zero at the end
        padding = (reach // 2, reach - reach // 2)
    else:
        padding = (single(mode), single(mode))
    window = WindowSpec((1, kernel), (1, stride), (0, 0, *padding), (1, dilation))
    groups = int(given["groups"])
    return call.emit(Conv1d(weights, window, (1, length), groups, call.optional("bias")), x)


def _pool_window(call: TorchCall, dilation: int = 1) -> WindowSpec:
    given = call.arguments
    kernel, padding = single(given["kernel_size"]), single(given["padding"], 0)
    stride = single(given["stride"], kernel)
    return WindowSpec(
        (1, kernel), (1, stride), (0, 0, padding, padding), (1, dilation), bool(given["ceil_mode"])
    )


@spelled_in_torch("MaxPool1d", "max_pool1d", "max_pool1d_with_indices")
def _max_pool1d(call: TorchCall) -> Value:
    x = call.value("self")
    _length(call, x)
    return call.emit(MaxPool1d(_pool_window(call, single(call.arguments["dilation"]))), x)


@spelled_in_torch("AvgPool1d", "avg_pool1d")
def _avg_pool1d(call: TorchCall) -> Value:
    x, window = call.value("self"), _pool_window(call)
    length = _length(call, x)
    spread = window.padding[2:] if call.arguments["count_include_pad"] else (0, 0)
    reach = range(window.kernel[1])
    starts = [at * window.stride[1] - window.padding[2] for at in range(window.output_size(1, length)[1])]
    counts = {sum(-spread[0] <= start + tap < length + spread[1] for tap in reach) for start in starts}
    if len(counts) > 1:
        call.refuse(
            "its windows at the border average over fewer elements than the others; use no padding, "
            "count_include_pad=True or no ceil_mode"
        )
    return call.emit(AvgPool1d(window, max(counts, default=window.taps), (1, length)), x)


@spelled_in_torch("AdaptiveAvgPool1d", "adaptive_avg_pool1d")
def _adaptive_avg_pool1d(call: TorchCall) -> Value:
    x = call.value("self")
    window = _adaptive(call, (1, _length(call, x)), (1, single(call.arguments["output_size"])))
    return x if window is None else call.emit(AvgPool1d(window, window.taps, (1, x.shape[1])), x)


@spelled_in_torch("AdaptiveMaxPool1d", "adaptive_max_pool1d")
def _adaptive_max_pool1d(call: TorchCall) -> Value:
    x = call.value("self")
    window = _adaptive(call, (1, _length(call, x)), (1, single(call.arguments["output_size"])))
    return x if window is None else call.emit(MaxPool1d(window), x)


@spelled_in_torch("AdaptiveMaxPool2d", "adaptive_max_pool2d")
def _adaptive_max_pool2d(call: TorchCall) -> Value:
    x, given = call.value("self"), call.arguments["output_size"]
    if len(x.shape) != 3:
        call.refuse(f"its input has shape (N, {', '.join(map(str, x.shape))}), not (N, C, H, W)")
    both = [given, given] if isinstance(given, int) else list(given)
    window = _adaptive(call, (x.shape[1], x.shape[2]), (int(both[0]), int(both[-1])))
    return x if window is None else call.emit(MaxPool2d(window), x)


def _adaptive(call: TorchCall, size: tuple[int, int], wanted: tuple[int, int]) -> WindowSpec | None:
    """The window that makes an output of a size that divides the input; None where nothing is pooled."""
    if min(wanted) < 1 or size[0] % wanted[0] or size[1] % wanted[1]:
        call.refuse(f"its output size {wanted} does not divide its input size {size}")
    kernel = (size[0] // wanted[0], size[1] // wanted[1])
    return None if math.prod(kernel) == 1 else WindowSpec(kernel, kernel)
