"""Matrix products and convolutions of bytes: 8-bit weights and inputs, 32-bit sums.

Processors multiply bytes several times faster than floats, and torch brings the kernels (oneDNN's). A
kernel here is the exact sum of a layer, scaled to units of the output, rounded to nearest and saturated
to a byte, or left in float32. It is exact because every step is: the sum is an integer below 2**23, so
that float32 holds it and half of it; the scale is a power of two; and half a unit of the sum, added to
the bias, decides every tie before rounding to nearest even can. Before an operator's first use the kernel
is tried on the largest products there are; where it is not exact or where torch lacks it, there is no
kernel, and the layer runs in float32. Nor is there any on a processor of which one kernel is not exact:
older ones saturate sums of two products to 16 bits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.fixed import Interval
from hpq_hls.ops import Conv2d, Linear, Operator, Product, WindowSpec
from hpq_hls.ops.layout import IMAGE, Array, Scratch, channels_last_axes
from hpq_hls.simulate.threads import torch_alone

if TYPE_CHECKING:
    import torch

BOUND = 2**23 - 2
"""Up to this magnitude float32 holds a sum and half a unit more."""
_SIGN = np.uint8(0x80)
_BATCH_LAST = {ndim: tuple(np.argsort(channels_last_axes(ndim)).tolist()) for ndim in (2, 4)}


def byte_dtype(values: Interval) -> np.dtype[Any] | None:
    """The byte type that holds an interval, if there is one."""
    for dtype in (np.dtype(np.uint8), np.dtype(np.int8)):
        if values in byte_interval(dtype):
            return dtype
    return None


def byte_interval(dtype: np.dtype[Any]) -> Interval:
    """The values of a byte type."""
    return Interval(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


@dataclass(frozen=True, eq=False)
class ByteKernel:
    """``op`` with its parameters in torch's form.

    input_dtype, output_dtype: uint8 or int8; the output may be float32, which is then not rounded.
    weight: packed. bias, scale: float32, one per output channel: the output is ``sum * scale + bias``.
    zeros: a zero point of 0 per output channel. kind: torch's name for the output_dtype.
    limits: what a byte of output is brought into besides the byte's own range; None: that is enough.
    """

    op: Operator
    input_dtype: np.dtype[Any]
    output_dtype: np.dtype[Any]
    weight: torch.Tensor
    bias: torch.Tensor
    scale: torch.Tensor
    zeros: torch.Tensor
    kind: torch.dtype
    limits: Interval | None = None

    @classmethod
    def prepare(
        cls,
        op: Operator,
        input_dtype: np.dtype[Any],
        output_dtype: np.dtype[Any],
        weight: Array,
        bias: Array,
        scale: Array,
        limits: Interval | None,
    ) -> ByteKernel | None:
        """The kernel; None where torch has none that is exact.

        weight: integers in torch layout, in int8's range. scale: (out_channels,), the power of two that
        brings a channel's sums to units of the output. bias: (out_channels,), in units of the output.
        """
        if op.product is None or _goes_astray(op.product):
            return None
        if isinstance(op, Conv2d) and op.weights.ndim != IMAGE:
            return None
        if not _is_exact(op, input_dtype, output_dtype):
            return None
        kernel = cls._packed(op, input_dtype, output_dtype, weight, bias, scale)
        return dataclasses.replace(kernel, limits=limits)

    @classmethod
    def _packed(
        cls,
        op: Operator,
        input_dtype: np.dtype[Any],
        output_dtype: np.dtype[Any],
        weight: Array,
        bias: Array,
        scale: Array,
    ) -> ByteKernel:
        import torch

        product = _product(op)
        integers = torch.from_numpy(np.ascontiguousarray(weight, dtype=np.int8))
        with _quietly():
            if product.window is None:
                packed = torch.ops.onednn.qlinear_prepack(integers, None)
            else:
                stride, padding, dilation = _steps(product)
                packed = torch.ops.onednn.qconv_prepack(
                    integers, torch.ones(len(weight)), 1.0, _zero(input_dtype), stride, padding, dilation,
                    product.groups, None,
                )  # fmt: skip
            scales = torch.from_numpy(np.ascontiguousarray(scale, dtype=np.float32))
            offsets = torch.from_numpy(np.ascontiguousarray(bias, dtype=np.float32))
            zeros = torch.zeros(len(weight), dtype=torch.int32)
        kind = getattr(torch, output_dtype.name)
        return cls(op, input_dtype, output_dtype, packed, offsets, scales, zeros, kind)

    def run(self, x: Array, scratch: Scratch) -> Array:
        """The output for raw inputs of any number type, batch last."""
        import torch

        product = _product(self.op)
        if product.window is not None and not _pads_itself(product):
            x = product.window.padded(x, 0, scratch)
        if product.window is None and x.ndim > 2:
            columns = self.run(np.moveaxis(x, -2, 0).reshape(x.shape[-2], -1), scratch)
            return np.moveaxis(columns.reshape(-1, *x.shape[:-2], x.shape[-1]), 0, -2)
        order = channels_last_axes(x.ndim)
        given = self._bytes(x, scratch).transpose(order)
        with _quietly():
            data = torch.from_numpy(np.ascontiguousarray(given))
            if product.window is None:
                result = torch.ops.onednn.qlinear_pointwise(
                    data, 1.0, _zero(self.input_dtype), self.weight, self.scale, self.zeros,
                    self.bias, 1.0, 0, self.kind, "none", [], "",
                )  # fmt: skip
            else:
                stride, padding, dilation = _steps(product)
                result = torch.ops.onednn.qconv2d_pointwise(
                    data.permute(0, 3, 1, 2), 1.0, _zero(self.input_dtype), self.weight, self.scale,
                    self.zeros, self.bias, stride, padding, dilation, product.groups, 1.0, 0, self.kind,
                    "none", [], "",
                ).permute(0, 2, 3, 1)  # fmt: skip
            if self.limits is not None:
                result.clamp_(self.limits.lo, self.limits.hi)
        array: Array = result.numpy()
        return array.transpose(_BATCH_LAST[x.ndim])

    def _bytes(self, x: Array, scratch: Scratch) -> Array:
        """X in uint8; signed bytes move up by 128, the zero point that the kernel is told."""
        if x.dtype != self.input_dtype:
            converted = scratch.array("bytes", x.shape, self.input_dtype)
            np.copyto(converted, x, casting="unsafe")
            x = converted
        if self.input_dtype == np.uint8:
            return x
        moved = scratch.array("moved bytes", x.shape, np.dtype(np.uint8))
        return np.bitwise_xor(x.view(np.uint8), _SIGN, out=moved)


def _zero(dtype: np.dtype[Any]) -> int:
    return 0 if dtype == np.uint8 else 128


def _product(op: Operator) -> Product:
    assert op.product is not None
    return op.product


def _pads_itself(product: Product) -> bool:
    """Whether the kernel pads; it takes symmetric padding and crashes on windows that miss the input, which
    lie beyond it or have it between two taps."""
    assert product.window is not None
    top, bottom, left, right = product.window.padding
    kernel, dilation = product.window.kernel, product.window.dilation
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    straddles = any(k > 1 and d > n for k, d, n in zip(kernel, dilation, product.input_size, strict=True))
    return top == bottom <= reach[0] and left == right <= reach[1] and not straddles


def _goes_astray(product: Product) -> bool:
    """Whether the kernel reads the wrong pixels: several outputs, one below the other, a stride across."""
    if product.window is None:
        return False
    height, width = product.window.output_size(*product.input_size)
    return height > 1 and width == 1 and product.window.stride[1] > 1


def _steps(product: Product) -> tuple[list[int], list[int], list[int]]:
    """Stride, padding and dilation for the kernel."""
    window = product.window
    assert window is not None
    padding = [window.padding[0], window.padding[2]] if _pads_itself(product) else [0, 0]
    dilation = [1 if k == 1 else d for k, d in zip(window.kernel, window.dilation, strict=True)]
    return list(window.stride), padding, dilation


_forked = threading.Event()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked.set)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """No gradients: nothing here is trained. After a fork one thread: OpenMP would wait for lost ones."""
    import torch

    threads = torch.get_num_threads()
    if _forked.is_set():
        torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        if _forked.is_set():
            torch.set_num_threads(threads)


_EXACT: WeakKeyDictionary[Operator, dict[object, bool]] = WeakKeyDictionary()


def _is_exact(op: Operator, input_dtype: np.dtype[Any], output_dtype: np.dtype[Any]) -> bool:
    """Whether the kernel of this operator exists and agrees with float64; asked once per operator."""
    known = _EXACT.setdefault(op, {})
    key = (input_dtype, output_dtype)
    if key not in known:
        try:
            with torch_alone():
                known[key] = _processor_is_exact() and _agrees(op, input_dtype, output_dtype)
        except (AttributeError, ImportError, NotImplementedError, RuntimeError, TypeError):
            known[key] = False  # this version of torch, or this processor, has no such kernel
    return known[key]


@functools.cache
def _processor_is_exact() -> bool:
    """Whether kernels do not saturate sums. Which kernel runs an operator depends on the batch too, so that
    one which is exact for a few samples says nothing about many."""
    window = WindowSpec((2, 3))
    operators: tuple[Operator, ...] = (
        Linear(np.ones((16, 64))),
        Conv2d(np.ones((16, 16, 2, 3)), window, (6, 8)),
        Conv2d(np.ones((4, 1, 2, 3)), window, (6, 8)),
    )
    return all(
        _agrees(op, np.dtype(given), np.dtype(np.float32), 64)
        for op in operators
        for given in (np.uint8, np.int8)
    )


def _agrees(op: Operator, input_dtype: np.dtype[Any], output_dtype: np.dtype[Any], samples: int = 4) -> bool:
    """Try the kernel on extremes and on random bytes."""
    rng = np.random.default_rng(0)
    info = np.iinfo(input_dtype)
    product, like = _product(op), op.weight
    assert like is not None
    size = () if product.window is None else product.input_size
    shape = (like.shape[1] * product.groups, *size)
    x = rng.integers(info.min, info.max + 1, (samples, *shape))
    x[0], x[1] = info.max, info.min
    taps = like[0].size
    used = (np.arange(taps) < BOUND // (128 * 255)).reshape(like.shape[1:])
    rounds = 2.0 ** -(10 * taps).bit_length()
    keeps = 2.0 ** -(255 * taps).bit_length()  # no byte of output saturates and hides a sum that did
    for weight, scale in (
        (rng.choice([-128, 127], like.shape), rounds),
        (np.full(like.shape, 127), keeps),
        (np.full(like.shape, -128), keeps),
        (rng.integers(-128, 128, like.shape), rounds),
    ):
        weight = weight * used  # with more taps than these, float32 would not hold the sums
        bias = rng.integers(-99, 100, len(weight)) + 0.5
        scales = scale * 2.0 ** -(np.arange(len(weight)) % 4)
        kernel = ByteKernel._packed(op, input_dtype, output_dtype, weight, bias * scales, scales)
        given = np.ascontiguousarray(np.moveaxis(x, 0, -1) if x.ndim == 2 else x.transpose(2, 1, 3, 0))
        found = kernel.run(given, Scratch())
        expected = op.compute(
            [given.astype(np.float64)], op.arrange(weight.astype(np.float64)), bias, Scratch()
        )
        expected *= scales.reshape((-1, 1, 1) if expected.ndim == IMAGE else (-1, 1))
        if output_dtype != np.float32:
            limits = np.iinfo(output_dtype)
            expected = np.clip(np.rint(expected), limits.min, limits.max)
        if not np.array_equal(found, expected):
            return False
    return True
