"""Max and average pooling, adaptive average pooling to one pixel included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.ops.base import Constant, IntArray, Lowering, Operator, Order, Padding, Shape, Travel, operator
from hpq_hls.ops.layout import Array, Scratch, channels_last
from hpq_hls.ops.reshape import reshaped
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch
from hpq_hls.ops.window import WindowSpec, onnx_window

if TYPE_CHECKING:
    import torch

RECIPROCAL_BITS = 18
"""Significant bits of the reciprocal of a window that is no power of two: a DSP48's multiplier
input, unsigned (UG479), and a relative error below 2**-18."""


def _pooled_shape(kind: str, window: WindowSpec, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise UnsupportedOperatorError(
            f"{kind} is applied to a tensor of shape {shape}; only (C, H, W) is supported"
        )
    size = window.output_size(shape[1], shape[2])
    if min(size) < 1:
        raise UnsupportedOperatorError(
            f"{kind} with kernel {window.kernel} does not fit into its input of shape {shape}; "
            "add padding or use a smaller kernel"
        )
    return (shape[0], *size)


@operator
@dataclass(frozen=True, eq=False)
class MaxPool2d(Operator):
    """The largest value of each window; padding never wins. Exact: the type passes through."""

    kind: ClassVar[str] = "MaxPool2d"
    homogeneous: ClassVar[bool] = True

    window: WindowSpec

    def padded_input(self, padding: Padding) -> MaxPool2d | None:
        if padding.value != -math.inf or padding.around is None or self.window.ceil_mode:
            return None
        return MaxPool2d(self.window.grown(padding.around, (0, 0))[0])

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return _pooled_shape(self.kind, self.window, shapes[0])

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        lowest = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else -math.inf
        return self.window.reduce(np.maximum, x, lowest, scratch)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        from torch.nn import functional

        window = self.window
        height, width = window.output_size(*inputs[0].shape[2:])
        padded = window.padded_tensor(inputs[0], -math.inf)
        largest = functional.max_pool2d(padded, window.kernel, window.stride, 0, window.dilation)
        return largest[:, :, :height, :width]

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        return types[0]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        (seen,) = inputs
        return seen, max(abs(seen.lo), abs(seen.hi))

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((channels_last(shapes[0]),), channels_last(self.output_shape(shapes)))

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.pool(self.window, average=False)


@operator
@dataclass(frozen=True, eq=False)
class AvgPool2d(Operator):
    """The sum of each window times ``1 / divisor``; padding counts as zeros.

    input_size: (height, width) of the input, for the value range at the border.
    """

    kind: ClassVar[str] = "AvgPool2d"
    casts: ClassVar[bool] = True
    homogeneous: ClassVar[bool] = True

    window: WindowSpec
    divisor: int
    input_size: tuple[int, int]

    def padded_input(self, padding: Padding) -> AvgPool2d | None:
        if padding.value != 0 or padding.around is None or self.window.ceil_mode:
            return None
        window, size = self.window.grown(padding.around, self.input_size)
        return replace(self, window=window, input_size=size)

    @property
    def constant(self) -> Constant | None:
        """1 with a shifted fraction for a power of two, else 18 significant bits of the reciprocal,
        rounded to nearest."""
        exponent = self.divisor.bit_length() - 1
        if self.divisor == 1 << exponent:
            return Constant(1, FixedType(1, 1 - exponent, False))
        fraction = RECIPROCAL_BITS + exponent
        raw = ((1 << (fraction + 1)) + self.divisor) // (2 * self.divisor)
        shift = max(raw.bit_length() - RECIPROCAL_BITS, 0)  # rounding up may carry into a new bit
        return Constant(raw >> shift, FixedType(RECIPROCAL_BITS, RECIPROCAL_BITS - fraction + shift, False))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return _pooled_shape(self.kind, self.window, shapes[0])

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        total = self.window.reduce(np.add, inputs[0], 0, scratch)
        result = scratch.result(total.shape, total.dtype)
        if weight is None:
            return np.divide(total, self.divisor, out=result)
        return np.multiply(total, weight, out=result)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        total = self.window.sum_tensor(inputs[0])
        return total / self.divisor if weight is None else total * weight

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        assert weight is not None
        (seen,) = inputs
        masks = self.window.visible(*self.input_size)
        most, least = (seen.scale(int(weight) * int(mask.sum())) for mask in (masks[0], masks[-1]))
        interval = most.hull(least)
        return interval, max(abs(interval.lo), abs(interval.hi))

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((channels_last(shapes[0]),), channels_last(self.output_shape(shapes)))

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.pool(self.window, average=True)


def reciprocal_error(pool: AvgPool2d) -> float:
    """Relative error of the reciprocal constant: 0 for a power of two, else below 2**-18."""
    constant = pool.constant
    assert constant is not None
    return abs(math.ldexp(constant.raw, -constant.type.fraction) * pool.divisor - 1.0)


# ---------------------------------------------------------------------- spellings


def _torch_window(call: TorchCall, dilation: tuple[int, int] = (1, 1)) -> WindowSpec:
    kernel = call.pair("kernel_size")
    vertical, horizontal = call.pair("padding")
    return WindowSpec(
        kernel,
        call.pair("stride") if call.arguments["stride"] else kernel,
        (vertical, vertical, horizontal, horizontal),
        dilation,
        bool(call.arguments["ceil_mode"]),
    )


@spelled_in_torch("MaxPool2d", "max_pool2d", "max_pool2d_with_indices")
def _torch_max_pool(call: TorchCall) -> Value:
    return _max_pool(call, call.value("self"), _torch_window(call, call.pair("dilation")))


@spelled_in_torch("AvgPool2d", "avg_pool2d")
def _torch_avg_pool(call: TorchCall) -> Value:
    given = call.arguments
    divisor = None if given["divisor_override"] is None else int(given["divisor_override"])
    return _avg_pool(call, call.value("self"), _torch_window(call), bool(given["count_include_pad"]), divisor)


@spelled_in_torch("AdaptiveAvgPool2d or mean over (H, W)", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def _torch_adaptive_avg_pool(call: TorchCall) -> Value:
    return _adaptive_avg_pool(call, call.value("self"), call.pair("output_size"))


@spelled_in_torch("AdaptiveAvgPool2d or mean over (H, W)", "mean")
def _torch_mean(call: TorchCall) -> Value:
    x, given = call.value("self"), call.arguments
    if not call.widening:
        call.refuse("its dtype rounds the result")
    return _mean(call, x, given.get("dim") or range(len(x.shape) + 1), bool(given.get("keepdim", False)))


@spelled_in_onnx("MaxPool")
def _onnx_max_pool(call: OnnxCall) -> Value:
    return _max_pool(call, call.value(), _onnx_pool_window(call))


@spelled_in_onnx("AveragePool")
def _onnx_average_pool(call: OnnxCall) -> Value:
    x, window = call.value(), _onnx_pool_window(call)
    count = bool(call.attributes.get("count_include_pad", 0))
    if count and any(window.overhang(*call.image(x))):
        call.refuse("ceil_mode with count_include_pad is computed differently by different runtimes")
    return _avg_pool(call, x, window, count, None)


@spelled_in_onnx("GlobalAveragePool")
def _onnx_global_average_pool(call: OnnxCall) -> Value:
    return _adaptive_avg_pool(call, call.value(), (1, 1))


@spelled_in_onnx("ReduceMean")
def _onnx_reduce_mean(call: OnnxCall) -> Value:
    x = call.value()
    axes = call.setting("axes", 1)
    if axes is None:
        axes = [] if call.attributes.get("noop_with_empty_axes") else range(len(x.shape) + 1)
    return _mean(call, x, axes, bool(call.attributes.get("keepdims", 1))) if len(axes) else x


def _onnx_pool_window(call: OnnxCall) -> WindowSpec:
    x = call.value()
    if len(x.shape) != 3:
        call.refuse("only two-dimensional pooling is supported")
    window = onnx_window(call, x, call.pair("kernel_shape", (1, 1)), pools=True)
    if min(window.padding) < 0:
        call.refuse(f"its padding {window.padding} is negative")
    if window.ceil_mode:
        _check_ceil(call, window, x.shape)
        lower = replace(window, ceil_mode=False).output_size(x.shape[1], x.shape[2])
        if call.attributes.get("auto_pad") == "VALID" and lower != window.output_size(x.shape[1], x.shape[2]):
            call.refuse("auto_pad VALID with ceil_mode differs between runtimes; use pads")
    return window


def _check_ceil(call: OnnxCall, window: WindowSpec, shape: Shape) -> None:
    """Refuse what opsets and runtimes disagree on: a last window that lies in the padding entirely."""
    top, bottom, left, right = window.padding
    outputs = window.output_size(shape[1], shape[2])
    for axis, (size, padding) in enumerate(((shape[1], top + bottom), (shape[2], left + right))):
        span = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        if outputs[axis] != -(-(size + padding - span) // window.stride[axis]) + 1:
            call.refuse("with ceil_mode its last window would start in the padding")


def _max_pool(call: TorchCall | OnnxCall, x: Value, window: WindowSpec) -> Value:
    height, width = call.image(x)
    rows, columns = _element_counts(window, height, width, count_padding=False)
    if 0 in rows or 0 in columns:
        call.refuse("one of its windows sees padding only")
    return call.emit(MaxPool2d(window), x)


def _avg_pool(
    call: TorchCall | OnnxCall, x: Value, window: WindowSpec, count_padding: bool, divisor: int | None
) -> Value:
    height, width = call.image(x)
    if divisor is None:
        divisor = _divisor(window, height, width, count_padding)
    if divisor is None:
        call.refuse(
            "its windows at the border average over fewer elements than the others, and hardware has "
            "one divisor for all; use no padding, count_include_pad=True or divisor_override"
        )
    if divisor < 1:
        call.refuse(f"its divisor {divisor} is not positive")
    return call.emit(AvgPool2d(window, divisor, (height, width)), x)


def _adaptive_avg_pool(call: TorchCall | OnnxCall, x: Value, size: tuple[int, int]) -> Value:
    height, width = call.image(x)
    if min(size) < 1 or height % size[0] or width % size[1]:
        call.refuse(f"its output size {size} does not divide its input size {(height, width)}")
    kernel = (height // size[0], width // size[1])
    return x if kernel == (1, 1) else _avg_pool(call, x, WindowSpec(kernel, kernel), True, None)


def _mean(call: TorchCall | OnnxCall, x: Value, axes: Sequence[int], keep: bool) -> Value:
    """axes: of the tensor, the batch included."""
    counted = {int(axis) % (len(x.shape) + 1) for axis in axes}
    if len(x.shape) != 3 or not counted <= {2, 3}:
        call.refuse("only the mean over height and width of (N, C, H, W) is supported")
    height, width = (1 if axis in counted else x.shape[axis - 1] for axis in (2, 3))
    pooled = _adaptive_avg_pool(call, x, (height, width))
    if keep:
        return pooled
    shape = tuple(length for axis, length in enumerate(pooled.shape, 1) if axis not in counted)
    return call.emit(reshaped(shape), pooled)


def _divisor(window: WindowSpec, height: int, width: int, count_padding: bool) -> int | None:
    """Number of elements every window averages over, or None where windows differ.

    count_padding: padding counts as elements; what ceil_mode adds beyond it never does (torch's rule).
    """
    rows, columns = _element_counts(window, height, width, count_padding=count_padding)
    if not rows or not columns:
        return window.taps  # no window fits, which the operator itself reports
    return rows[0] * columns[0] if len(set(rows)) == len(set(columns)) == 1 else None


def _element_counts(
    window: WindowSpec, height: int, width: int, *, count_padding: bool
) -> tuple[list[int], list[int]]:
    """Elements each window covers vertically and horizontally."""
    top, bottom, left, right = window.padding
    outputs = window.output_size(height, width)
    axes = []
    for axis, (size, before, after) in enumerate(((height, top, bottom), (width, left, right))):
        low, high = (-before, size + after) if count_padding else (0, size)
        taps = [tap * window.dilation[axis] for tap in range(window.kernel[axis])]
        starts = (index * window.stride[axis] - before for index in range(outputs[axis]))
        axes.append([sum(low <= start + tap < high for tap in taps) for start in starts])
    return axes[0], axes[1]
