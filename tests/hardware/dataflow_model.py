"""A Dataflow executed in Python, kernel by kernel, from nothing but the text of kernels.py.

Integers only, one frame at a time, loops where the hardware has loops: slow, and independent of the
simulator and of both backends.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType
from hpq_hls.kernels import (
    Cast,
    ChannelMac,
    Combine,
    Dataflow,
    Fork,
    Gather,
    IntArray,
    Kernel,
    MatVec,
    Pool,
    PoolMode,
    Reduce,
    UnrolledMatVec,
    WidthConverter,
    Window,
)
from hpq_hls.kernels.geometry import WindowGeometry

Frame = npt.NDArray[np.int64]
"""(beats, lanes) raw values."""


def run_dataflow(flow: Dataflow, frame: Frame) -> Frame:
    """One frame through the design, (beats, lanes) in and out."""
    frames = {flow.input: frame}
    for kernel in flow.kernels:
        inputs = [frames[name] for name in kernel.inputs]
        for name, stream in ((n, flow.streams[n]) for n in kernel.inputs):
            assert frames[name].shape == (stream.beats, stream.lanes), name
        outputs = _run(kernel, flow, inputs)
        frames.update(zip(kernel.outputs, outputs, strict=True))
        for name in kernel.outputs:
            same_as = list(flow.streams[name].same_as)
            np.testing.assert_array_equal(frames[name][:, same_as], frames[name][:, : len(same_as)], name)
    result = frames[flow.output]
    stream = flow.streams[flow.output]
    assert result.shape == (stream.beats, stream.lanes)
    return result


def _finish(
    kernel: Kernel, flow: Dataflow, total: npt.NDArray[np.object_], fraction: int, relu: bool
) -> IntArray:
    if relu:
        total = np.maximum(total, 0)
    accumulator: FixedType | None = getattr(kernel, "accumulator_type", None)
    if accumulator is not None and total.size:
        assert accumulator.fraction == fraction
        assert accumulator.min_raw <= min(total.reshape(-1))
        assert max(total.reshape(-1)) <= accumulator.max_raw
    return flow.streams[kernel.outputs[0]].type.from_raw(total, fraction)


def _dot(kernel: MatVec | ChannelMac | UnrolledMatVec, flow: Dataflow, terms, bias, shift) -> IntArray:  # type: ignore[no-untyped-def]
    """Cast of products summed over the last axis, shifted, plus bias; ``terms`` are objects."""
    given = flow.streams[kernel.inputs[0]].type
    product = given.fraction + kernel.weight_type.fraction
    fraction = product if kernel.bias_type is None else max(product, kernel.bias_type.fraction)
    total = terms.sum(axis=-1) * (1 << (fraction - product))
    if shift is not None:
        assert shift.min() >= 0
        total = total * 2 ** shift.astype(object)
    if bias is not None:
        assert kernel.bias_type is not None
        total = total + bias.astype(object) * (1 << (fraction - kernel.bias_type.fraction))
    return _finish(kernel, flow, np.asarray(total, dtype=object), fraction, kernel.relu)


def _rom(kernel: MatVec | ChannelMac) -> np.ndarray:
    """The weights, as they are read from the ROM: of a sign there is one bit, 1 for -1."""
    words = kernel.weight_words().astype(object)
    return 1 - 2 * words if kernel.signs else words


def _run(kernel: Kernel, flow: Dataflow, inputs: list[Frame]) -> list[Frame]:  # noqa: PLR0911
    x = inputs[0]
    out = flow.streams[kernel.outputs[0]]
    if isinstance(kernel, (Combine, Reduce)):
        return kernel.run(inputs, flow.streams)
    if isinstance(kernel, Fork):
        return [x.copy() for _ in kernel.outputs]
    if isinstance(kernel, WidthConverter):
        assert max(x.shape[1], out.lanes) % min(x.shape[1], out.lanes) == 0
        return [x.reshape(out.beats, out.lanes)]
    if isinstance(kernel, Cast):
        return [
            _finish(kernel, flow, x.astype(object), flow.streams[kernel.inputs[0]].type.fraction, kernel.relu)
        ]
    if isinstance(kernel, Gather):
        padded = np.append(x[0], kernel.pad_value)
        return [padded[kernel.index][None]]
    if isinstance(kernel, Window):
        return [_window(kernel, x)]
    if isinstance(kernel, Pool):
        return [_pool(kernel, flow, x)]
    if isinstance(kernel, ChannelMac):
        beats = x.astype(object).reshape(kernel.positions, kernel.chunks, kernel.taps, kernel.lanes)
        weight = _rom(kernel)
        terms = (beats * weight).transpose(0, 1, 3, 2)
        result = _dot(kernel, flow, terms, kernel.bias_words(), kernel.shift_words())
        return [result.reshape(out.beats, out.lanes)]
    if isinstance(kernel, MatVec):
        return [_matvec(kernel, flow, x).reshape(out.beats, out.lanes)]
    if isinstance(kernel, UnrolledMatVec):
        return [_unrolled(kernel, flow, x).reshape(out.beats, out.lanes)]
    return kernel.run(inputs, flow.streams)


def _matvec(kernel: MatVec, flow: Dataflow, x: Frame) -> Frame:
    """Folded exactly as the ROM is laid out."""
    words = _rom(kernel)
    biases, shifts = kernel.bias_words(), kernel.shift_words()
    vectors = x.reshape(kernel.vectors, kernel.groups, kernel.synapse_folds, kernel.simd).astype(object)
    result = []
    for vector in vectors:
        for g in range(kernel.groups):
            for nf in range(kernel.neuron_folds):
                step = (g * kernel.neuron_folds + nf) * kernel.synapse_folds
                word = words[step : step + kernel.synapse_folds]
                terms = (word * vector[g][:, None, :]).transpose(1, 0, 2).reshape(kernel.pe, -1)
                fold = g * kernel.neuron_folds + nf
                bias = None if biases is None else biases[fold]
                shift = None if shifts is None else shifts[fold % len(shifts)]
                result.append(_dot(kernel, flow, terms, bias, shift))
    return np.asarray(result, dtype=np.int64)


def _unrolled(kernel: UnrolledMatVec, flow: Dataflow, x: Frame) -> Frame:
    """With multiplications, or every sum made by the graph of adders: then nothing looks at the weights."""
    vectors = x.astype(object).reshape(kernel.beats * kernel.positions, kernel.groups, 1, kernel.cols)
    if kernel.adders is None:
        return _dot(kernel, flow, vectors * kernel.weight.astype(object), kernel.bias, kernel.shift)
    sums = [
        [graph.evaluate(part[0].tolist()) for graph, part in zip(kernel.adders, vector, strict=True)]
        for vector in vectors
    ]
    assert kernel.shift is None
    return _dot(kernel, flow, np.asarray(sums, dtype=object)[..., None], kernel.bias, None)


def _window(kernel: Window, x: Frame) -> Frame:
    geometry = kernel.geometry
    lanes = x.shape[1] // geometry.pixels
    image = x.reshape(geometry.height, geometry.width, geometry.channels // lanes, lanes)
    assert geometry.pixels == 1 or image.shape[2] == 1
    frame = []
    for oy in range(geometry.out_height):
        for ox in range(0, geometry.out_width, geometry.windows):
            for chunk in range(geometry.channels // lanes):
                beat: list[int] = []
                for w in range(geometry.windows):
                    taps = _taps(geometry, image[:, :, chunk], oy, ox + w)
                    beat.extend((taps.T if kernel.by_channel else taps).reshape(-1).tolist())
                frame.append(beat)
    return np.asarray(frame, dtype=np.int64)


def _taps(geometry: WindowGeometry, image: Frame, oy: int, ox: int) -> Frame:
    """(taps, lanes) of one window."""
    taps = []
    for ky in range(geometry.kernel[0]):
        for kx in range(geometry.kernel[1]):
            y = oy * geometry.stride[0] - geometry.pad_top + ky * geometry.dilation[0]
            x = ox * geometry.stride[1] - geometry.pad_left + kx * geometry.dilation[1]
            inside = 0 <= y < geometry.height and 0 <= x < geometry.width
            taps.append(image[y, x] if inside else np.full(image.shape[2], geometry.pad_value))
    return np.asarray(taps, dtype=np.int64)


def _pool(kernel: Pool, flow: Dataflow, x: Frame) -> Frame:
    split = x.reshape(len(x), kernel.positions, kernel.taps, kernel.lanes)
    if kernel.mode is PoolMode.MAX:
        result = split.max(axis=2)
    else:
        assert kernel.reciprocal_type is not None
        total = split.astype(object).sum(axis=2) * kernel.reciprocal
        fraction = flow.streams[kernel.inputs[0]].type.fraction + kernel.reciprocal_type.fraction
        result = _finish(kernel, flow, total, fraction, kernel.relu)
    return result.reshape(len(x), -1)
