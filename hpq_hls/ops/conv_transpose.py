"""Transposed convolution, and bilinear upsampling, without multiplications by inserted zeros.

What stride s spreads over s outputs are s convolutions of stride 1, one per output phase: phase r has those
taps k whose place k * dilation is r modulo s. They are the channels of one convolution, and a pixel shuffle
puts them side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.along import along_axes, between_corners
from hpq_hls.ops.base import FloatArray, Operator, Part, Shape, operator
from hpq_hls.ops.composite import Composite
from hpq_hls.ops.conv import Conv1d, Conv2d
from hpq_hls.ops.permute import PixelShuffle
from hpq_hls.ops.select import Border, Upsample
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch
from hpq_hls.ops.window import WindowSpec


@dataclass(frozen=True)
class _Phases:
    """One axis of a transposed convolution as convolutions of stride 1.

    taps: of each; before, after: zeros around the input; first, length: what is kept of the outputs.
    """

    taps: int
    before: int
    after: int
    first: int
    length: int

    @classmethod
    def of(cls, size: int, kernel: int, stride: int, padding: int, extra: int, dilation: int) -> _Phases:
        length = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
        taps = (kernel - 1) * dilation // stride + 1
        skipped = min(padding // stride, taps - 1)
        positions = -(-(padding + length) // stride)
        return cls(taps, taps - 1 - skipped, max(positions - size, 0), padding - skipped * stride, length)


@operator
@dataclass(frozen=True, eq=False)
class ConvTranspose(Composite):
    """Transposed convolution as torch defines it, over one or two axes.

    weights: (in_channels, out_channels / groups, *kernel); biases: (out_channels,) or None.
    stride, output_padding, dilation: for each axis. cut: what torch calls padding, how much of the full
    result is left out at either end of each axis.
    """

    kind: ClassVar[str] = "ConvTranspose"

    weights: FloatArray
    stride: tuple[int, ...]
    cut: tuple[int, ...]
    output_padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1
    biases: FloatArray | None = None

    def scaled_output(self, scale: FloatArray, offset: FloatArray) -> ConvTranspose | None:
        out = self.weights.shape[1]
        factors = scale.reshape(self.groups, 1, out, *(1,) * (self.weights.ndim - 2))
        weights = self.weights.reshape(self.groups, -1, *self.weights.shape[1:]) * factors
        biases = 0 if self.biases is None else self.biases
        return replace(self, weights=weights.reshape(self.weights.shape), biases=biases * scale + offset)

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        (shape,) = shapes
        axes = self.weights.ndim - 2
        if len(shape) != axes + 1 or shape[0] != self.weights.shape[0] or axes not in (1, 2):
            raise UnsupportedOperatorError(
                f"ConvTranspose{axes}d with {self.weights.shape[0]} input channels is applied to a tensor of "
                f"shape {shape}; only 1d and 2d are supported, with the same number of channels"
            )
        given = (
            shape[1:],
            self.weights.shape[2:],
            self.stride,
            self.cut,
            self.output_padding,
            self.dilation,
        )
        phases = [_Phases.of(*numbers) for numbers in zip(*given, strict=True)]
        if min(phase.length for phase in phases) < 1:
            raise UnsupportedOperatorError(
                f"ConvTranspose{axes}d leaves nothing of a tensor of shape {shape}"
            )
        spread = int(np.prod(self.stride))
        biases = None if self.biases is None else self.biases.repeat(spread)
        weights = self._weights([phase.taps for phase in phases])
        conv = _convolution(weights, biases, phases, shape, self.groups)
        parts = [Part("conv", conv, (0,))]
        made = conv.output_shape(shapes)
        if spread > 1:
            shuffle = PixelShuffle(self.stride)
            parts.append(Part("shuffle", shuffle, ("conv",)))
            made = shuffle.output_shape([made])
        before = (0, *(-phase.first for phase in phases))
        wanted = (made[0], *(phase.length for phase in phases))
        after = tuple(want - size - add for want, size, add in zip(wanted, made, before, strict=True))
        if any((*before, *after)):
            parts.append(Part("crop", Border(before, after), (parts[-1].name,)))
        return (*parts[:-1], Part("", parts[-1].op, parts[-1].inputs))

    def _weights(self, taps: Sequence[int]) -> FloatArray:
        """(out_channels * phases, in_channels / groups, *taps), the phases of an output channel side by
        side."""
        grouped = self.weights.reshape(self.groups, -1, *self.weights.shape[1:])
        kernels = np.moveaxis(grouped, 2, 1)  # (groups, out, in, *kernel)
        out, into = kernels.shape[1:3]
        phases = np.zeros((self.groups, out, *self.stride, into, *taps))
        for tap in np.ndindex(self.weights.shape[2:]):
            places = [k * d for k, d in zip(tap, self.dilation, strict=True)]
            phase = tuple(place % s for place, s in zip(places, self.stride, strict=True))
            back = tuple(t - 1 - place // s for t, place, s in zip(taps, places, self.stride, strict=True))
            phases[(slice(None), slice(None), *phase, slice(None), *back)] = kernels[(..., *tap)]
        return phases.reshape(-1, into, *taps)


def _convolution(
    weights: FloatArray, biases: FloatArray | None, phases: Sequence[_Phases], shape: Shape, groups: int
) -> Operator:
    kernel = tuple(phase.taps for phase in phases)
    around = [amount for phase in phases for amount in (phase.before, phase.after)]
    if len(phases) == 1:
        window = WindowSpec((1, kernel[0]), padding=(0, 0, around[0], around[1]))
        return Conv1d(weights, window, (1, shape[1]), groups, biases)
    window = WindowSpec((kernel[0], kernel[1]), padding=(around[0], around[1], around[2], around[3]))
    return Conv2d(weights, window, (shape[1], shape[2]), groups, biases)


@operator
@dataclass(frozen=True, eq=False)
class Bilinear(Composite):
    """Linear interpolation at ``factors`` times as many places along the axes behind the channels, the
    corners not aligned: a transposed convolution of the input with its border once more around it."""

    kind: ClassVar[str] = "Bilinear"

    factors: tuple[int, ...]

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        (shape,) = shapes
        if len(shape) != len(self.factors) + 1:
            raise UnsupportedOperatorError(
                f"Bilinear by {self.factors} is applied to a tensor of shape {shape}, which has other axes"
            )
        kernel = np.ones((1,) * len(self.factors))
        for axis, factor in enumerate(self.factors):
            lengths = np.ones(len(self.factors), dtype=int)
            lengths[axis] = 2 * factor - factor % 2
            places = np.arange(lengths[axis]) - (lengths[axis] - 1) / 2
            kernel = kernel * (1 - np.abs(places) / factor).reshape(lengths)
        weights = np.broadcast_to(kernel, (shape[0], 1, *kernel.shape)).copy()
        ones = (1,) * len(self.factors)
        padding = tuple(
            factor + (length - factor) // 2 for factor, length in zip(self.factors, kernel.shape, strict=True)
        )
        spread = ConvTranspose(weights, self.factors, padding, (0,) * len(ones), ones, shape[0])
        return (
            Part("border", Border((0, *ones), (0, *ones), "edge"), (0,)),
            Part("", spread, ("border",)),
        )


# ---------------------------------------------------------------------- spellings


def _each(given: Any, axes: int) -> tuple[int, ...]:
    """A number for each axis, of which torch may have written only one."""
    several = list(given) if isinstance(given, (list, tuple)) else [given]
    return tuple(int(number) for number in (several * axes if len(several) == 1 else several))


@spelled_in_torch("ConvTranspose1d and ConvTranspose2d", "conv_transpose1d", "conv_transpose2d")
def _conv_transpose(call: TorchCall) -> Value:
    weights, given = call.constant("weight"), call.arguments
    axes = weights.ndim - 2
    names = ("stride", "padding", "output_padding", "dilation")
    stride, padding, extra, dilation = (_each(given[name], axes) for name in names)
    op = ConvTranspose(weights, stride, padding, extra, dilation, int(given["groups"]), call.optional("bias"))
    return call.emit(op, call.value("input"))


@spelled_in_onnx("ConvTranspose")
def _onnx_conv_transpose(call: OnnxCall) -> Value:
    x, weights, given = call.value(), call.constant(1), call.attributes
    axes = weights.ndim - 2
    extra = _each(given.get("output_padding", (0,) * axes), axes)
    stride, dilation = (_each(given.get(name, (1,) * axes), axes) for name in ("strides", "dilations"))
    wanted = given.get("output_shape")
    mode = given.get("auto_pad", "NOTSET")
    if mode.startswith("SAME"):
        wanted = wanted or [size * step for size, step in zip(x.shape[1:], stride, strict=True)]
    if wanted:
        full = ConvTranspose(weights, stride, (0,) * axes, extra, dilation, int(given.get("group", 1)))
        before, after = _cuts(call, full.output_shape([x.shape])[1:], wanted, mode)
    else:
        pads = _each(given.get("pads", (0,) * 2 * axes), axes)
        before, after = pads[:axes], pads[axes:]
    # What is cut off less at the end than at the start is output padding.
    extra = tuple(more + b - a for more, b, a in zip(extra, before, after, strict=True))
    op = ConvTranspose(weights, stride, before, extra, dilation, int(given.get("group", 1)), call.optional(2))
    return call.emit(op, x)


def _cuts(
    call: OnnxCall, full: Sequence[int], wanted: Sequence[int], mode: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is cut off at either end of each axis, so that of ``full`` elements the ``wanted`` ones are left;
    an odd one at the end with SAME_UPPER, else at the start (the ONNX specification)."""
    totals = [have - int(want) for have, want in zip(full, wanted[-len(full) :], strict=True)]
    if min(totals) < 0:
        call.refuse(f"it has outputs of shape {tuple(full)} at most, and {tuple(wanted)} are wanted")
    less, more = (tuple((total + up) // 2 for total in totals) for up in (0, 1))
    return (less, more) if mode == "SAME_UPPER" else (more, less)


def _factors(call: TorchCall | OnnxCall, x: Value, made: Sequence[int]) -> tuple[int, ...]:
    """By how much each axis behind the channels grows, which must be whole."""
    if any(size % given for size, given in zip(made, x.shape[1:], strict=True)) or not made:
        call.refuse(f"it resizes {x.shape[1:]} to {tuple(made)}; only whole factors are supported")
    return tuple(size // given for size, given in zip(made, x.shape[1:], strict=True))


@spelled_in_torch(
    "Upsample by whole factors",
    *("upsample_nearest1d", "upsample_nearest2d", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d"),
)
def _upsample_nearest(call: TorchCall) -> Value:
    x = call.value("self" if "self" in call.arguments else "input")
    factors = _factors(call, x, call.static_shape()[1:])
    return x if set(factors) == {1} else call.emit(Upsample(factors), x)


@spelled_in_torch("Upsample by whole factors", "upsample_linear1d", "upsample_bilinear2d")
def _upsample_linear(call: TorchCall) -> Value:
    x = call.value("self" if "self" in call.arguments else "input")
    if call.arguments["align_corners"]:
        sizes = zip(x.shape[1:], call.static_shape()[1:], strict=True)
        return along_axes(call, x, [between_corners(given, wanted) for given, wanted in sizes])
    factors = _factors(call, x, call.static_shape()[1:])
    return x if set(factors) == {1} else call.emit(Bilinear(factors), x)


@spelled_in_onnx("Resize", "Upsample")
def _onnx_resize(call: OnnxCall) -> Value:
    x, given = call.value(), call.attributes
    last = len(call.inputs) - 1
    sizes = call.optional(3) if last >= 3 else None
    scales = call.optional(2) if last >= 2 else call.optional(1)
    if sizes is not None and sizes.size:
        made = [int(size) for size in sizes.tolist()][1:]
    elif scales is not None and scales.size:
        made = [int(size * scale) for size, scale in zip(x.shape, scales.tolist()[1:], strict=True)]
    else:
        call.refuse("neither its sizes nor its scales are constant")
    if made[0] != x.shape[0]:
        call.refuse("it resizes channels")
    if given.get("coordinate_transformation_mode") == "align_corners" and given.get("mode") == "linear":
        pairs = zip(x.shape[1:], made[1:], strict=True)
        return along_axes(call, x, [between_corners(size, wanted) for size, wanted in pairs])
    factors = _factors(call, x, made[1:])
    mode, where = given.get("mode", "nearest"), given.get("coordinate_transformation_mode", "half_pixel")
    if set(factors) == {1}:
        return x
    if mode == "nearest":
        floors = given.get("nearest_mode", "round_prefer_floor") == "floor" or where != "asymmetric"
        if where not in ("asymmetric", "half_pixel", "pytorch_half_pixel") or not floors:
            call.refuse(f"its coordinates {where!r} choose other neighbours than the nearest")
        return call.emit(Upsample(factors), x)
    if mode != "linear" or where not in ("half_pixel", "pytorch_half_pixel"):
        call.refuse(f"its mode {mode!r} with coordinates {where!r} is no interpolation with fixed weights")
    return call.emit(Bilinear(factors), x)
