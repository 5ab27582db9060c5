"""Max and average pooling, adaptive average pooling to one pixel included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.ops.along import along_axes, averages
from hpq_hls.ops.base import Constant, IntArray, Lowering, Operator, Order, Padding, Shape, Travel, operator
from hpq_hls.ops.broadcast import with_constants
from hpq_hls.ops.channels import Channelwise
from hpq_hls.ops.layout import Array, Scratch, channels_last
from hpq_hls.ops.reciprocal import reciprocal
from hpq_hls.ops.reduce import Max, Mean
from hpq_hls.ops.rows import Rows, length_of, single
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch
from hpq_hls.ops.window import WindowSpec, onnx_window

if TYPE_CHECKING:
    import torch


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
class MaxPool2d(Channelwise, Operator):
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
class AvgPool2d(Channelwise, Operator):
    """The sum of each window times ``1 / divisor``; padding counts as zeros.

    input_size: (height, width) of the input, for the value range at the border.
    """

    kind: ClassVar[str] = "AvgPool2d"
    casts: ClassVar[bool] = True
    leaks_sums: ClassVar[bool] = True
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
        """See ``hpq_hls.ops.reciprocal``."""
        return reciprocal(self.divisor)

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
        fewest = int(self.window.visible(*self.input_size)[-1].sum())
        # All taps, also where no window sees so many: as of Conv2d.
        most, least = (seen.scale(int(weight) * taps) for taps in (self.window.taps, fewest))
        interval = most.hull(least)
        return interval, max(abs(interval.lo), abs(interval.hi))

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((channels_last(shapes[0]),), channels_last(self.output_shape(shapes)))

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.pool(self.window, average=True)


@operator
@dataclass(frozen=True, eq=False)
class MaxPool1d(Rows, MaxPool2d):
    """The largest value of each window along one axis."""

    kind: ClassVar[str] = "MaxPool1d"


@operator
@dataclass(frozen=True, eq=False)
class AvgPool1d(Rows, AvgPool2d):
    """The sum of each window along one axis times ``1 / divisor``; padding counts as zeros."""

    kind: ClassVar[str] = "AvgPool1d"


def reciprocal_error(pool: AvgPool2d) -> float:
    """Relative error of the reciprocal constant: 0 for a power of two, else below 2**-18."""
    constant = pool.constant
    assert constant is not None
    return abs(math.ldexp(constant.raw, -constant.type.fraction) * pool.divisor - 1.0)


# ---------------------------------------------------------------------- spellings


def _torch_window(call: TorchCall, dilation: tuple[int, int] = (1, 1)) -> WindowSpec:
    call.image(call.value("self"))  # torch takes (N, H, W) for one image of N channels
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


@spelled_in_torch("AdaptiveAvgPool2d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def _torch_adaptive_avg_pool(call: TorchCall) -> Value:
    x = call.value("self")
    call.image(x)
    return _adaptive_avg_pool(call, x, call.pair("output_size"))


def _row_window(call: TorchCall, dilation: int = 1) -> WindowSpec:
    given = call.arguments
    kernel, padding = single(given["kernel_size"]), single(given["padding"], 0)
    stride = single(given["stride"], kernel)
    return WindowSpec(
        (1, kernel), (1, stride), (0, 0, padding, padding), (1, dilation), bool(given["ceil_mode"])
    )


@spelled_in_torch("MaxPool1d", "max_pool1d", "max_pool1d_with_indices")
def _max_pool1d(call: TorchCall) -> Value:
    x = call.value("self")
    length_of(call, x)
    return _max_pool(call, x, _row_window(call, single(call.arguments["dilation"])))


@spelled_in_torch("AvgPool1d", "avg_pool1d")
def _avg_pool1d(call: TorchCall) -> Value:
    x = call.value("self")
    length_of(call, x)
    return _avg_pool(call, x, _row_window(call), bool(call.arguments["count_include_pad"]), None)


@spelled_in_torch("AdaptiveAvgPool1d", "adaptive_avg_pool1d")
def _adaptive_avg_pool1d(call: TorchCall) -> Value:
    x = call.value("self")
    length_of(call, x)
    return _adaptive_avg_pool(call, x, (1, single(call.arguments["output_size"])))


@spelled_in_torch("AdaptiveMaxPool1d", "adaptive_max_pool1d")
def _adaptive_max_pool1d(call: TorchCall) -> Value:
    x = call.value("self")
    window = _adaptive(call, (1, length_of(call, x)), (1, single(call.arguments["output_size"])))
    return x if window is None else _max_pool(call, x, window)


@spelled_in_torch("AdaptiveMaxPool2d", "adaptive_max_pool2d")
def _adaptive_max_pool2d(call: TorchCall) -> Value:
    x, given = call.value("self"), call.arguments["output_size"]
    both = [given, given] if isinstance(given, int) else list(given)
    window = _adaptive(call, call.image(x), (int(both[0]), int(both[-1])))
    return x if window is None else _max_pool(call, x, window)


def _adaptive(call: TorchCall, size: tuple[int, int], wanted: tuple[int, int]) -> WindowSpec | None:
    """The window that makes an output of a size that divides the input; None where nothing is pooled."""
    if min(wanted) < 1 or size[0] % wanted[0] or size[1] % wanted[1]:
        call.refuse(f"its output size {wanted} does not divide its input size {size}")
    kernel = (size[0] // wanted[0], size[1] // wanted[1])
    return None if math.prod(kernel) == 1 else WindowSpec(kernel, kernel)


@spelled_in_onnx("MaxPool")
def _onnx_max_pool(call: OnnxCall) -> Value:
    return _max_pool(call, call.value(), _onnx_pool_window(call))


@spelled_in_onnx("AveragePool")
def _onnx_average_pool(call: OnnxCall) -> Value:
    x, window = call.value(), _onnx_pool_window(call)
    count = bool(call.attributes.get("count_include_pad", 0))
    if count and any(window.overhang(*_size(call, x))):
        call.refuse("ceil_mode with count_include_pad is computed differently by different runtimes")
    return _avg_pool(call, x, window, count, None)


def _onnx_pool_window(call: OnnxCall) -> WindowSpec:
    x = call.value()
    kernel = tuple(int(size) for size in call.attributes.get("kernel_shape", (1, 1)))
    if len(kernel) not in (1, 2) or len(x.shape) != len(kernel) + 1:
        call.refuse("only pooling over one or two axes is supported")
    window = onnx_window(call, x, kernel, pools=True)
    if min(window.padding) < 0:
        call.refuse(f"its padding {window.padding} is negative")
    if window.ceil_mode:
        _check_ceil(call, window, _size(call, x))
        size, lower = _size(call, x), replace(window, ceil_mode=False)
        if call.attributes.get("auto_pad") == "VALID" and lower.output_size(*size) != window.output_size(
            *size
        ):
            call.refuse("auto_pad VALID with ceil_mode differs between runtimes; use pads")
    return window


def _check_ceil(call: OnnxCall, window: WindowSpec, given: tuple[int, int]) -> None:
    """Refuse what opsets and runtimes disagree on: a last window that lies in the padding entirely."""
    top, bottom, left, right = window.padding
    outputs = window.output_size(*given)
    for axis, (size, padding) in enumerate(zip(given, (top + bottom, left + right), strict=True)):
        span = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        if outputs[axis] != -(-(size + padding - span) // window.stride[axis]) + 1:
            call.refuse("with ceil_mode its last window would start in the padding")


def _size(call: TorchCall | OnnxCall, x: Value) -> tuple[int, int]:
    """Height and width of an image, or of (C, L) as one."""
    return (1, x.shape[1]) if len(x.shape) == 2 else call.image(x)


def _max_pool(call: TorchCall | OnnxCall, x: Value, window: WindowSpec) -> Value:
    height, width = _size(call, x)
    rows, columns = _element_counts(window, height, width, count_padding=False)
    if 0 in rows or 0 in columns:
        call.refuse("one of its windows sees padding only")
    if _is_global(window, (height, width)):
        return call.emit(Max(_axes(x), True), x)
    return call.emit((MaxPool1d if len(x.shape) == 2 else MaxPool2d)(window), x)


def _avg_pool(
    call: TorchCall | OnnxCall, x: Value, window: WindowSpec, count_padding: bool, divisor: int | None
) -> Value:
    height, width = _size(call, x)
    if divisor is None:
        divisor = _divisor(window, height, width, count_padding)
    if divisor is None:
        return _averages_of_parts(call, x, window, count_padding)
    if divisor < 1:
        call.refuse(f"its divisor {divisor} is not positive")
    if divisor == height * width and _is_global(window, (height, width)):
        return call.emit(Mean(_axes(x), True, divisor), x)
    kind = AvgPool1d if len(x.shape) == 2 else AvgPool2d
    return call.emit(kind(window, divisor, (height, width)), x)


def _averages_of_parts(
    call: TorchCall | OnnxCall, x: Value, window: WindowSpec, count_padding: bool
) -> Value:
    """Windows at the border average over fewer elements than the others: the average over all taps, and then,
    for each window, how many times as few there are."""
    rows, columns = _element_counts(window, *_size(call, x), count_padding=count_padding)
    kind = AvgPool1d if len(x.shape) == 2 else AvgPool2d
    pooled: Value = call.emit(kind(window, window.taps, _size(call, x)), x, suffix="taps")
    counts = np.outer(rows, columns).astype(np.float64)
    if (counts == 0).any():
        call.refuse("one of its windows sees padding only")
    return with_constants(call, pooled, window.taps / counts.reshape((1, 1, *pooled.shape[1:])))


def _adaptive_avg_pool(call: TorchCall | OnnxCall, x: Value, size: tuple[int, int]) -> Value:
    height, width = _size(call, x)
    if min(size) < 1:
        call.refuse(f"its output size {size} is not positive")
    if height % size[0] or width % size[1]:
        matrices = [averages(height, size[0]), averages(width, size[1])]
        return along_axes(call, x, matrices[3 - len(x.shape) :])
    kernel = (height // size[0], width // size[1])
    return x if kernel == (1, 1) else _avg_pool(call, x, WindowSpec(kernel, kernel), True, None)


def _axes(x: Value) -> tuple[int, ...]:
    """All but the channels."""
    return tuple(range(1, len(x.shape)))


def _is_global(window: WindowSpec, size: tuple[int, int]) -> bool:
    """Whether there is one window, which is the whole image: that takes no memory of rows."""
    return window.kernel == size and not any(window.padding) and window.output_size(*size) == (1, 1)


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
