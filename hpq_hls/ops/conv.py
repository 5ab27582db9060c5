"""Two-dimensional convolution: any stride, padding, dilation and number of groups."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.lib.stride_tricks import as_strided

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Interval
from hpq_hls.ops.base import (
    FloatArray,
    IntArray,
    Lowering,
    Operator,
    Order,
    Padding,
    Product,
    Shape,
    Travel,
    dot_range,
    operator,
)
from hpq_hls.ops.channels import narrowed_weights, taken
from hpq_hls.ops.layout import Array, Scratch, channels_last
from hpq_hls.ops.rows import Rows, length_of, single
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch
from hpq_hls.ops.window import WindowSpec, check_kernel_shape, onnx_window

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class Conv2d(Operator):
    """Cross-correlation with zero padding, as torch defines it.

    weights: (out_channels, in_channels / groups, kh, kw); biases: (out_channels,) or None.
    input_size: (height, width) of the input, for the value range at the border.
    """

    kind: ClassVar[str] = "Conv2d"
    casts: ClassVar[bool] = True
    leaks_sums: ClassVar[bool] = True

    weights: FloatArray
    window: WindowSpec
    input_size: tuple[int, int]
    groups: int = 1
    biases: FloatArray | None = None

    @property
    def weight(self) -> FloatArray | None:
        return self.weights

    @property
    def bias(self) -> FloatArray | None:
        return self.biases

    def with_parameters(self, weight: FloatArray, bias: FloatArray | None) -> Conv2d:
        return replace(self, weights=weight, biases=bias)

    @property
    def product(self) -> Product | None:
        return Product(self.groups, self.window, self.input_size)

    def scaled_output(self, scale: FloatArray, offset: FloatArray) -> Conv2d | None:
        biases = 0 if self.biases is None else self.biases
        return replace(
            self,
            weights=self.weights * scale.reshape((-1,) + (1,) * (self.weights.ndim - 1)),
            biases=biases * scale + offset,
        )

    def scaled_input(self, scale: FloatArray, offset: FloatArray) -> Conv2d | None:
        if offset.any() and any(self.window.padding):
            return None  # what is around the image would get the offset too
        out = len(self.weights) // self.groups
        factor, added = (
            np.repeat(array.reshape(self.groups, -1, *(1,) * (self.weights.ndim - 2)), out, axis=0)
            for array in (scale, offset)
        )
        biases = np.zeros(len(self.weights)) if self.biases is None else self.biases
        biases = biases + (self.weights * added).reshape(len(self.weights), -1).sum(axis=1)
        kept = self.biases is None and not offset.any()
        return replace(self, weights=self.weights * factor, biases=None if kept else biases)

    def padded_input(self, padding: Padding) -> Conv2d | None:
        if padding.value != 0 or padding.around is None:
            return None
        window, size = self.window.grown(padding.around, self.input_size)
        return replace(self, window=window, input_size=size)

    def ties(self, shapes: Sequence[Shape]) -> IntArray | None:
        if not self._depthwise:
            return None
        return np.arange(self.groups, dtype=np.int64).repeat(len(self.weights) // self.groups)

    def narrowed(self, inputs: Sequence[IntArray], output: IntArray) -> Conv2d:
        biases = taken(self.biases, output)
        if self._depthwise:
            groups = len(inputs[0])
            return replace(self, weights=taken(self.weights, output), biases=biases, groups=groups)
        weights = narrowed_weights(self.weights, self.groups, inputs[0], output)
        return replace(self, weights=weights, biases=biases, groups=len(inputs[0]) // weights.shape[1])

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        channels = int(self.weights.shape[1]) * self.groups
        if len(shape) != 3 or shape[0] != channels:
            raise UnsupportedOperatorError(
                f"Conv2d with {channels} input channels is applied to a tensor of shape {shape}; "
                "only (C, H, W) with the same number of channels is supported"
            )
        size = self.window.output_size(shape[1], shape[2])
        if min(size) < 1:
            raise UnsupportedOperatorError(
                f"Conv2d with kernel {self.window.kernel} does not fit into its input of shape {shape}; "
                "add padding or use a smaller kernel"
            )
        return (int(self.weights.shape[0]), *size)

    def arrange(self, weight: Array) -> Array:
        """(groups, out_channels / groups, kh * in_channels / groups * kw); depthwise (taps, channels,
        multiplier)."""
        kh, kw = self.window.kernel
        if self._depthwise:
            return np.ascontiguousarray(weight.reshape(self.groups, -1, kh * kw).transpose(2, 0, 1))
        grouped = weight.reshape(self.groups, -1, weight.shape[1], kh, kw).transpose(0, 1, 3, 2, 4)
        return np.ascontiguousarray(grouped).reshape(self.groups, -1, kh * weight.shape[1] * kw)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        assert weight is not None
        (x,) = inputs
        total = (self._depthwise_sum if self._depthwise else self._matrix_product)(x, weight, scratch)
        return total if bias is None else np.add(total, bias.reshape(-1, 1, 1), out=total)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        from torch.nn import functional

        assert weight is not None
        padded = self.window.padded_tensor(inputs[0], 0.0)
        stride, dilation = self.window.stride, self.window.dilation
        return functional.conv2d(padded, weight, bias, stride, 0, dilation, self.groups)

    def work_elements(self, shapes: Sequence[Shape]) -> int:
        (_, height, _), (_, _, out_width) = shapes[0], self.output_shape(shapes)
        rows = height + self.window.padding[0] + self.window.padding[1]
        spread = 1 if self._depthwise else self.window.kernel[1]
        return max(super().work_elements(shapes), rows * shapes[0][0] * spread * out_width)

    @property
    def _depthwise(self) -> bool:
        return self.groups > 1 and self.weights.shape[1] == 1

    def _matrix_product(self, x: Array, weight: Array, scratch: Scratch) -> Array:
        """For every output row, the weights times the columns of its windows."""
        columns = self.window.columns(x, scratch)
        height, kh, channels, kw, width, batch = columns.shape
        out_channels, taps = self.weights.shape[0], weight.shape[2]
        result = scratch.result((height, out_channels, width * batch), x.dtype)
        shape = (height, out_channels, width, batch)
        if self.groups == 1 and (self.window.dilation[0] == 1 or kh == 1):
            matrices = as_strided(  # (kh, C, kw) is one axis, because its rows lie one after another
                columns,
                (height, taps, width * batch),
                (columns.strides[0], columns.strides[2] // kw, columns.strides[5]),
                writeable=False,
            )
            return np.matmul(weight[0], matrices, out=result).reshape(shape)
        split = columns.reshape(height, kh, self.groups, channels // self.groups, kw, width, batch)
        copied = scratch.array("matrices", (height, self.groups, taps, width * batch), x.dtype)
        np.copyto(
            copied.reshape(height, self.groups, kh, channels // self.groups, kw, width, batch),
            split.transpose(0, 2, 1, 3, 4, 5, 6),
        )
        np.matmul(weight, copied, out=result.reshape(height, self.groups, -1, width * batch))
        return result.reshape(shape)

    def _depthwise_sum(self, x: Array, weight: Array, scratch: Scratch) -> Array:
        """One channel per group: a product per tap, summed tap by tap."""
        multiplier = weight.shape[2]
        total: Array | None = None
        for tap, factors in zip(self.window.taps_of(x, scratch), weight, strict=True):
            height, channels, width, batch = tap.shape
            shape = (height, channels, multiplier, width, batch)
            into = scratch.array("product", shape, x.dtype)
            if total is None:
                into = scratch.result((height, channels * multiplier, width, batch), x.dtype).reshape(shape)
            np.multiply(tap[:, :, None], factors[:, :, None, None], out=into)
            total = into if total is None else np.add(total, into, out=total)
        assert total is not None
        return total.reshape(total.shape[0], -1, *total.shape[3:])

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        assert weight is not None
        (seen,) = inputs
        # Kernels behind a window know nothing of the image: they are right for any values of all taps, also
        # where the image is so small that no window sees all of it at once.
        taken: list[IntArray] = [weight]
        if 0 not in seen:  # else a tap outside reads a value that it could read inside too
            taken += [weight * mask for mask in self.window.visible(*self.input_size)]
        found = [dot_range(one.reshape(weight.shape[0], -1), bias, seen) for one in taken]
        return functools.reduce(Interval.hull, (one for one, _ in found)), max(bound for _, bound in found)

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        return Travel((channels_last(shapes[0]),), channels_last(self.output_shape(shapes)))

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.weighted(groups=self.groups, window=self.window)


@operator
@dataclass(frozen=True, eq=False)
class Conv1d(Rows, Conv2d):
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


@spelled_in_torch("Conv2d", "conv2d", "convolution", "_convolution")
def _conv2d(call: TorchCall) -> Value:
    weights = call.constant("weight")
    if call.arguments.get("transposed") or weights.ndim != 4:
        call.refuse("only two-dimensional convolution is supported, and not its transpose")
    kernel, dilation = (int(weights.shape[2]), int(weights.shape[3])), call.pair("dilation")
    padding = _torch_padding(call, kernel, dilation)
    window = WindowSpec(kernel, call.pair("stride"), padding, dilation)
    return _convolution(
        call, call.value("input"), weights, call.optional("bias"), window, int(call.arguments["groups"])
    )


def _torch_padding(
    call: TorchCall, kernel: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int, int, int]:
    mode = call.arguments["padding"]
    if mode == "valid":
        return (0, 0, 0, 0)
    if mode == "same":  # stride is 1 then; an odd total puts the extra zero at the end
        rows, columns = ((size - 1) * step for size, step in zip(kernel, dilation, strict=True))
        return (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
    vertical, horizontal = call.pair("padding")
    return (vertical, vertical, horizontal, horizontal)


@spelled_in_torch("Conv1d", "conv1d")
def _conv1d(call: TorchCall) -> Value:
    x, weights, given = call.value("input"), call.constant("weight"), call.arguments
    kernel = int(weights.shape[2])
    stride, dilation = single(given["stride"]), single(given["dilation"])
    mode, reach = given["padding"], (kernel - 1) * dilation
    if mode == "valid":
        padding = (0, 0)
    elif mode == "same":  # stride is 1 then; an odd total puts the extra zero at the end
        padding = (reach // 2, reach - reach // 2)
    else:
        padding = (single(mode), single(mode))
    window = WindowSpec((1, kernel), (1, stride), (0, 0, *padding), (1, dilation))
    return _convolution(call, x, weights, call.optional("bias"), window, int(given["groups"]))


@spelled_in_onnx("Conv")
def _onnx_conv(call: OnnxCall) -> Value:
    x, weights = call.value(), call.constant(1)
    if weights.ndim not in (3, 4) or len(x.shape) != weights.ndim - 1:
        call.refuse("only convolution over one or two axes is supported")
    check_kernel_shape(call, weights.shape[2:])
    window = onnx_window(call, x, tuple(int(size) for size in weights.shape[2:]))
    return _convolution(call, x, weights, call.optional(2), window, int(call.attributes.get("group", 1)))


def _convolution(
    call: TorchCall | OnnxCall,
    x: Value,
    weights: FloatArray,
    biases: FloatArray | None,
    window: WindowSpec,
    groups: int,
) -> Value:
    if min(window.padding) < 0:
        call.refuse(f"its padding {window.padding} is negative")
    if groups < 1 or weights.shape[0] % groups:
        call.refuse(f"its {weights.shape[0]} output channels do not divide into {groups} groups")
    if weights.ndim == 3:
        return call.emit(Conv1d(weights, window, (1, length_of(call, x)), groups, biases), x)
    return call.emit(Conv2d(weights, window, call.image(x), groups, biases), x)
