"""Dataflows of one or a few kernels, with parameters at and beyond every corner."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hpq_hls.billing.packing import Sharing
from hpq_hls.billing.parts import DSP48E1, DSP48E2, DSP58, Family, Operands
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.hardware import Dataflow, HardwareConfig
from hpq_hls.kernels import (
    Cast,
    ChannelMac,
    Combination,
    Combine,
    Constant,
    Fork,
    Gather,
    IntArray,
    Kernel,
    Lookup,
    MatVec,
    Pool,
    PoolMode,
    Reduce,
    Reduction,
    Stream,
    UnrolledMatVec,
    Weighted,
    WidthConverter,
    Window,
)
from hpq_hls.kernels.adder_graph import solve
from hpq_hls.kernels.adder_pipeline import cheapest, offsets_of
from hpq_hls.kernels.geometry import WindowGeometry

OUT = "ap_fixed<7,3,AP_RND_CONV,AP_SAT>"


def chain(name: str, kernels: list[Kernel], streams: list[Stream]) -> Dataflow:
    """A Dataflow from the first stream to the last."""
    source, sink = streams[0], streams[-1]
    return Dataflow.single(
        name=name,
        kernels=tuple(kernels),
        streams={stream.name: stream for stream in streams},
        input=source.name,
        output=sink.name,
        input_shape=(source.elements,),
        output_shape=(sink.elements,),
        input_order=np.arange(source.elements),
        output_order=np.arange(sink.elements),
    )


def single(name: str, make: Callable[..., Kernel], x: Stream, y: Stream) -> Dataflow:
    return chain(name, [make(name="net_unit", layer="net.0", inputs=(x.name,), outputs=(y.name,))], [x, y])


def stream(name: str, text: str, lanes: int, beats: int, depth: int = 2) -> Stream:
    return Stream(name, FixedType.parse(text), lanes, beats, depth)


def integers(rng: np.random.Generator, kind: FixedType, *shape: int) -> IntArray:
    bounds = kind.code_interval
    return rng.integers(bounds.lo, bounds.hi, shape, endpoint=True)


def accumulator(
    x: FixedType, weights: IntArray, weight: FixedType, bias: IntArray | None, kind: FixedType | None
) -> FixedType:
    """The smallest type for every sum of the last axis of ``weights`` times any x, plus bias."""
    fraction = x.fraction + weight.fraction
    if kind is not None:
        fraction = max(fraction, kind.fraction)
    bounds = x.code_interval
    products = np.stack([weights.astype(object) * bounds.lo, weights.astype(object) * bounds.hi])
    scale = 1 << (fraction - x.fraction - weight.fraction)
    low, high = products.min(axis=0).sum(axis=-1) * scale, products.max(axis=0).sum(axis=-1) * scale
    if bias is not None and kind is not None:
        aligned = bias.astype(object) * (1 << (fraction - kind.fraction))
        low, high = low + aligned, high + aligned
    lo, hi = int(np.min(low)), int(np.max(high))
    width = max((~lo).bit_length() if lo < 0 else lo.bit_length(), hi.bit_length()) + 1
    return FixedType(width, width - fraction)


# ---------------------------------------------------------------------------------------------
# Window


@dataclass(frozen=True)
class Slide:
    channels: int
    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    lanes: int = 1
    pad_value: int = 0
    out: tuple[int, int] | None = None
    text: str = "ap_fixed<6,2>"
    pixels: int = 1  # of a beat, each of ``lanes`` channels
    by_channel: bool = False


SLIDES = (
    Slide(1, (4, 5), (3, 3)),
    Slide(2, (5, 4), (3, 2), pad=(1, 1, 1, 0), lanes=2, pad_value=-32),
    Slide(4, (4, 4), (2, 2), stride=(2, 2), lanes=2),
    Slide(3, (5, 6), (1, 1), stride=(2, 2)),
    Slide(3, (5, 6), (1, 1), lanes=3),
    Slide(2, (5, 7), (1, 4), stride=(1, 3), pad=(0, 2, 0, 1)),
    Slide(2, (6, 1), (3, 1), pad=(1, 0, 1, 0), lanes=2),
    Slide(1, (1, 6), (1, 2)),
    Slide(1, (1, 1), (3, 3), pad=(1, 1, 1, 1), pad_value=5),
    Slide(2, (7, 6), (3, 2), dilation=(2, 3), lanes=1, pad=(2, 0, 1, 3), pad_value=-1),
    Slide(6, (5, 9), (2, 3), stride=(3, 1), dilation=(3, 2), lanes=2, pad=(0, 1, 0, 0)),
    Slide(1, (5, 5), (2, 2), stride=(2, 2), pad=(0, 0, 1, 1), pad_value=-32),  # ceil_mode
    Slide(1, (6, 6), (2, 2), stride=(3, 3)),  # the scan is larger than what windows cover
    Slide(1, (6, 7), (2, 2), out=(2, 2)),  # so is it here, by more than a stride
    Slide(1, (2, 3), (1, 1), pad=(2, 1, 1, 2), pad_value=7),  # whole windows of padding come first
    Slide(1, (3, 3), (2, 1), stride=(1, 2), pad=(3, 3, 3, 3), pad_value=-7),
    Slide(1, (4, 4), (4, 4)),
    Slide(8, (3, 3), (3, 3), lanes=8),
    Slide(40, (3, 3), (2, 3), lanes=1, pad=(1, 1, 0, 1)),  # delay lines in RAM
    Slide(33, (2, 3), (1, 2), lanes=1),
    Slide(1, (3, 70), (3, 3), pad=(1, 1, 1, 1), text="ap_ufixed<1,1>"),
    Slide(64, (3, 9), (2, 2), lanes=1, text="ap_fixed<9,2>"),  # line buffer worth a block RAM
    Slide(6, (3, 4), (2, 2), lanes=3, by_channel=True),
    Slide(2, (5, 6), (3, 3), pad=(1, 1, 1, 1), lanes=2, pixels=2, pad_value=-32),
    Slide(1, (4, 8), (5, 5), pad=(2, 2, 2, 2), pixels=4, pad_value=-3, by_channel=True),
    Slide(3, (4, 6), (3, 3), pad=(1, 1, 1, 1), lanes=3, pixels=6, by_channel=True),  # rows at once
    Slide(2, (5, 8), (2, 2), stride=(2, 2), lanes=2, pixels=4),  # half as many windows as pixels
    Slide(1, (4, 12), (3, 3), stride=(1, 2), pad=(1, 1, 1, 0), pixels=2, text="ap_ufixed<1,1>"),
    Slide(2, (4, 12), (1, 2), stride=(1, 3), lanes=2, pixels=2),  # two windows in three beats
    Slide(1, (4, 12), (2, 1), stride=(2, 4), pixels=2),  # a window in two beats
    Slide(1, (6, 12), (2, 3), dilation=(2, 3), pad=(0, 3, 0, 3), pixels=4, pad_value=5),
    Slide(1, (3, 6), (1, 1), stride=(1, 2), pad=(0, 1, 0, 1), pixels=2, pad_value=7),  # ends in padding
    Slide(1, (2, 4), (1, 1), pad=(2, 5, 1, 3), pixels=4, pad_value=9),  # beats of padding come first
    Slide(2, (6, 6), (6, 6), lanes=2, pixels=3),  # one window
    Slide(1, (7, 28), (5, 5), pixels=7),  # six windows for seven pixels: the last leave with the next row
    Slide(2, (5, 12), (5, 5), lanes=2, pixels=3, by_channel=True),
    Slide(1, (3, 10), (2, 3), stride=(2, 1), pad=(2, 0, 2, 0), pixels=5, pad_value=-9),  # late in padding
    Slide(2, (3, 12), (2, 2), lanes=2, pixels=2),  # all windows of a row at once
    Slide(1, (3, 15), (1, 2), stride=(1, 2), pixels=3, pad_value=3),  # seven windows at once
    Slide(1, (4, 20), (2, 3), stride=(2, 1), pixels=4),  # six windows for four pixels, in uneven steps
    Slide(4, (3, 70), (3, 4), pad=(1, 1, 1, 2), lanes=4, pixels=2),  # delay lines in RAM
)


def random_slide(rng: np.random.Generator, uneven: bool = False) -> Slide:
    """A window over several pixels a beat, some of them of whole rows, with much padding or one window, some
    at changing places; uneven: all."""

    def draw(low: int, high: int) -> int:
        return int(rng.integers(low, high, endpoint=True))

    while True:
        channels, pixels = draw(1, 3), draw(2, 5)
        slide = Slide(
            channels,
            (draw(1, 6), pixels * draw(1, 4)),
            (draw(1, 4), draw(1, 5)),
            stride=(draw(1, 3), draw(1, 4)),
            dilation=(draw(1, 2), draw(1, 3)),
            pad=(draw(0, 2), draw(0, 4), draw(0, 2), draw(0, 4)),
            lanes=channels,
            pad_value=draw(-32, 31),
            pixels=pixels,
            by_channel=bool(draw(0, 1)),
        )
        geometry = geometry_of(slide)
        if min(geometry.out_height, geometry.out_width) > 0 and (geometry.phases > 1 or not uneven):
            return slide


def geometry_of(slide: Slide) -> WindowGeometry:
    (top, left, bottom, right), (height, width) = slide.pad, slide.size
    reach = [(k - 1) * d + 1 for k, d in zip(slide.kernel, slide.dilation, strict=True)]
    padded = (top + height + bottom, left + width + right)
    size = [(p - r) // s + 1 for p, r, s in zip(padded, reach, slide.stride, strict=True)]
    rows, columns = slide.out or size
    return WindowGeometry(
        slide.channels,
        height,
        width,
        slide.kernel,
        slide.stride,
        slide.dilation,
        top,
        left,
        rows,
        columns,
        slide.pad_value,
        slide.pixels,
    )


def window_flow(name: str, slide: Slide) -> Dataflow:
    geometry, (height, width) = geometry_of(slide), slide.size
    rows, columns = geometry.out_height, geometry.out_width
    chunks = slide.channels // slide.lanes
    windows = geometry.windows
    x = stream("x", slide.text, slide.pixels * slide.lanes, height * width * chunks // slide.pixels)
    y = stream("y", slide.text, windows * slide.lanes * geometry.taps, rows * columns * chunks // windows)
    y = replace(y, same_as=geometry.same_as(slide.lanes, slide.by_channel))
    return single(name, lambda **names: Window(geometry=geometry, by_channel=slide.by_channel, **names), x, y)


# ---------------------------------------------------------------------------------------------
# Multiply-accumulate


@dataclass(frozen=True)
class Mac:
    """groups, rows, cols of the weights (channels, 1, taps of a ChannelMac)."""

    groups: int
    rows: int
    cols: int
    pe: int = 1
    simd: int = 1
    vectors: int = 2
    x: str = "ap_fixed<5,2>"
    w: str = "ap_fixed<4,1>"
    b: str | None = "ap_fixed<6,3>"
    y: str = OUT
    relu: bool = False


MATVECS = (
    Mac(1, 6, 8, pe=2, simd=4),
    Mac(1, 6, 8, pe=6, simd=8, relu=True),
    Mac(1, 6, 8, pe=1, simd=1, b=None),
    Mac(1, 1, 1, vectors=3),
    Mac(1, 1, 5, simd=1),
    Mac(1, 5, 1, pe=1),
    Mac(1, 4, 4, pe=1, simd=4, b="ap_fixed<9,1>"),  # one beat per vector, several folds; bias finer
    Mac(1, 4, 4, pe=4, simd=1, y="ap_ufixed<5,4,AP_RND_INF,AP_SAT>", relu=True),
    Mac(3, 2, 4, pe=1, simd=2),
    Mac(4, 1, 3, pe=1, simd=3, vectors=4),
    Mac(2, 4, 6, pe=2, simd=6, x="ap_ufixed<7,0>", w="ap_fixed<1,1>", b=None),
    Mac(
        1,
        3,
        7,
        pe=3,
        simd=7,
        x="ap_ufixed<1,1>",
        w="ap_fixed<2,2>",
        b="ap_fixed<2,5>",
        y="ap_fixed<3,3,AP_TRN_ZERO,AP_WRAP>",
    ),
    Mac(1, 2, 40, pe=1, simd=1, vectors=2, w="ap_fixed<8,0>"),
    Mac(1, 16, 64, pe=1, simd=2, vectors=1, w="ap_fixed<9,3>", y="ap_fixed<16,6,AP_RND_MIN_INF,AP_SAT_SYM>"),
    Mac(
        1,
        4,
        6,
        pe=2,
        simd=3,
        x="ap_fixed<16,8>",
        w="ap_fixed<16,-2>",
        b="ap_fixed<20,10>",
        y="ap_fixed<16,7,AP_RND_ZERO,AP_SAT>",
    ),
    Mac(1, 4, 6, pe=2, simd=3, w="ap_fixed<4,20>", b="ap_fixed<6,22>", y="ap_fixed<8,22,AP_RND,AP_WRAP_SM>"),
    Mac(1, 4, 6, pe=2, simd=3, x="ap_fixed<4,-6>", b="ap_fixed<5,-7>", y="ap_fixed<8,-6,AP_RND,AP_SAT_ZERO>"),
    Mac(
        1,
        4,
        6,
        pe=2,
        simd=2,
        x="ap_ufixed<4,2>",
        w="ap_ufixed<3,2>",
        b="ap_ufixed<4,3>",
        y="ap_ufixed<6,5,AP_RND,AP_SAT>",
    ),
)

UNROLLED = (
    Mac(1, 5, 7),
    Mac(1, 1, 1, b=None, vectors=1),
    Mac(2, 3, 4, relu=True, pe=3),
    Mac(3, 1, 9, x="ap_ufixed<6,1>", b="ap_fixed<8,2>", y="ap_ufixed<4,3,AP_RND,AP_SAT>", vectors=3, pe=2),
    Mac(1, 2, 2, w="ap_fixed<1,1>", b="ap_fixed<1,-1>", vectors=4),
    Mac(
        1,
        4,
        6,
        x="ap_fixed<16,8>",
        w="ap_fixed<16,-2>",
        b="ap_fixed<20,10>",
        y="ap_fixed<16,7,AP_TRN,AP_WRAP>",
    ),
    Mac(1, 3, 5, w="ap_ufixed<3,2>", b="ap_ufixed<4,3>"),
)

CHANNELMACS = (
    Mac(6, 1, 9, pe=2),
    Mac(6, 1, 9, pe=6, relu=True),
    Mac(5, 1, 1, pe=1, vectors=4),
    Mac(1, 1, 4, pe=1, b=None),
    Mac(4, 1, 3, pe=4, b="ap_fixed<9,1>"),
    Mac(8, 1, 2, pe=1, x="ap_ufixed<8,8>", y="ap_ufixed<8,8,AP_RND,AP_SAT>"),
    Mac(3, 1, 25, pe=3, x="ap_fixed<1,1>", w="ap_fixed<12,1>", vectors=1),
    Mac(4, 1, 4, pe=2, x="ap_ufixed<4,2>", w="ap_ufixed<3,2>", b="ap_ufixed<4,3>"),
)


def _parameters(
    mac: Mac, seed: int
) -> tuple[IntArray, IntArray | None, FixedType, FixedType | None, FixedType]:
    rng = np.random.default_rng(seed)
    weight_type = FixedType.parse(mac.w)
    bias_type = None if mac.b is None else FixedType.parse(mac.b)
    weights = integers(rng, weight_type, mac.groups, mac.rows, mac.cols)
    weights.reshape(-1)[rng.random(weights.size) < 0.2] = 0
    bias = None if bias_type is None else integers(rng, bias_type, mac.groups, mac.rows)
    return (
        weights,
        bias,
        weight_type,
        bias_type,
        accumulator(FixedType.parse(mac.x), weights, weight_type, bias, bias_type),
    )


def matvec_flow(name: str, mac: Mac) -> Dataflow:
    weights, bias, weight_type, bias_type, total = _parameters(mac, len(name))
    x = stream("x", mac.x, mac.simd, mac.vectors * mac.groups * mac.cols // mac.simd)
    y = stream("y", mac.y, mac.pe, mac.vectors * mac.groups * mac.rows // mac.pe)
    return single(
        name,
        lambda **names: MatVec(
            vectors=mac.vectors, weight=weights, bias=bias, weight_type=weight_type, bias_type=bias_type,
            accumulator_type=total, epilogue=Epilogue.relu(mac.relu), pe=mac.pe, simd=mac.simd, **names,
        ),
        x,
        y,
    )  # fmt: skip


def unrolled_flow(name: str, mac: Mac) -> Dataflow:
    """pe is the number of positions in a beat, vectors the number of beats."""
    weights, bias, weight_type, bias_type, total = _parameters(mac, len(name))
    x = stream("x", mac.x, mac.pe * mac.groups * mac.cols, mac.vectors)
    y = stream("y", mac.y, mac.pe * mac.groups * mac.rows, mac.vectors)
    return single(
        name,
        lambda **names: UnrolledMatVec(
            positions=mac.pe, beats=mac.vectors, weight=weights, bias=bias, weight_type=weight_type,
            bias_type=bias_type, accumulator_type=total, epilogue=Epilogue.relu(mac.relu), **names,
        ),
        x,
        y,
    )  # fmt: skip


def blocks_flow(name: str, mac: Mac) -> Dataflow:
    """The same with all products but those by powers of two left to DSP blocks."""
    flow = unrolled_flow(name, mac)
    (kernel,) = flow.kernels
    assert isinstance(kernel, UnrolledMatVec)
    sharing = Sharing(Family.SERIES_7.operands, flow.streams[flow.input].type, always=True)
    return replace(flow, kernels=(replace(kernel, sharing=sharing),))


def adders_flow(name: str, mac: Mac, clock_ns: float = 5.0) -> Dataflow:
    """The same without multipliers, with registers for a clock."""
    flow = unrolled_flow(name, mac)
    (kernel,) = flow.kernels
    assert isinstance(kernel, UnrolledMatVec)
    return replace(flow, kernels=(with_adders(kernel, flow, clock_ns),))


def with_adders(kernel: UnrolledMatVec, flow: Dataflow, clock_ns: float = 5.0) -> UnrolledMatVec:
    """An unrolled kernel of a flow, without multipliers."""
    given, made = kernel.ends(flow.streams)
    adders = cheapest(
        [solve(weights, given.type.code_interval) for weights in kernel.weight],
        offsets_of(kernel.weight, kernel.bias, kernel.bias_type, kernel.accumulator_type),
        kernel.product_shift(given.type),
        kernel.accumulator_type,
        made.type,
        kernel.epilogue,
        HardwareConfig(clock_ns=clock_ns).pace,
    )
    return replace(kernel, adders=adders)


def channelmac_flow(name: str, mac: Mac) -> Dataflow:
    """pe is the number of lanes, vectors the number of positions."""
    weights, bias, weight_type, bias_type, total = _parameters(mac, len(name))
    chunks = mac.groups // mac.pe
    x = stream("x", mac.x, mac.cols * mac.pe, mac.vectors * chunks)
    y = stream("y", mac.y, mac.pe, mac.vectors * chunks)
    return single(
        name,
        lambda **names: ChannelMac(
            positions=mac.vectors, weight=weights[:, 0], bias=None if bias is None else bias[:, 0],
            weight_type=weight_type, bias_type=bias_type, accumulator_type=total,
            epilogue=Epilogue.relu(mac.relu), lanes=mac.pe,
            **names,
        ),
        x,
        y,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------
# The others


def pool_flow(
    name: str, text: str, positions: int, taps: int, lanes: int, average: str | None = None,
    reciprocal: int = 1, constant: str = "ap_ufixed<1,1>", relu: bool = False,
) -> Dataflow:  # fmt: skip
    """A maximum, or with ``average`` as output type an average."""
    x = stream("x", text, positions * taps * lanes, 5)
    y = stream("y", average or text, positions * lanes, 5)
    kind = FixedType.parse(constant)
    total = accumulator(x.type, np.full((1, taps), reciprocal), kind, None, None)
    return single(
        name,
        lambda **names: Pool(
            mode=PoolMode.AVERAGE if average else PoolMode.MAX, positions=positions, taps=taps, lanes=lanes,
            reciprocal=reciprocal, reciprocal_type=kind if average else None,
            accumulator_type=total if average else None, epilogue=Epilogue.relu(relu), **names,
        ),
        x,
        y,
    )  # fmt: skip


def add_flow(
    name: str, a: str, b: str, y: str, lanes: int = 2, relu: bool = False, depth: int = 2
) -> Dataflow:
    """x is forked, cast to two types, and added up."""
    x = stream("x", "ap_fixed<8,4>", lanes, 6)
    streams = [x, *(stream(n, "ap_fixed<8,4>", lanes, 6, depth) for n in ("p", "q"))]
    streams += [stream("a", a, lanes, 6), stream("b", b, lanes, 6), stream("y", y, lanes, 6)]
    kinds = [streams[3].type, streams[4].type]
    fraction = max(kind.fraction for kind in kinds)
    integer = max(kind.integer + (not kind.signed) for kind in kinds) + 1
    total = FixedType(integer + fraction, integer)
    return chain(
        name,
        [
            Fork("net_split", "net.0", ("x",), ("p", "q")),
            Cast("net_cast_a", "net.1", ("p",), ("a",), epilogue=Epilogue.relu(not kinds[0].signed)),
            Cast("net_cast_b", "net.2", ("q",), ("b",), epilogue=Epilogue()),
            Combine(
                "net_sum",
                "net.3",
                ("a", "b"),
                ("y",),
                Combination.ADD,
                total,
                Epilogue.relu(relu),
            ),
        ],
        streams,
    )


def sum_flow(name: str) -> Dataflow:
    """Two streams added up; the flow's input is the first of them."""
    x, b, y = (stream(n, f"ap_fixed<{w},2>", 2, 3) for n, w in (("x", 4), ("b", 5), ("y", 6)))
    kernel = Combine(
        "net_unit", "net.0", ("x", "b"), ("y",), Combination.ADD, FixedType(6, 3), Epilogue.relu()
    )
    return chain(name, [kernel], [x, b, y])


def reduce_flow(
    name: str,
    mode: Reduction,
    x: str,
    shape: tuple[int, int, int, int, int],
    y: str = OUT,
    *,
    outer: int = 2,
    constant: tuple[int, str] | None = None,
    relu: bool = False,
    in_luts: bool = False,
) -> Dataflow:
    """shape: positions, taps, lanes, steps, chunks."""
    positions, taps, lanes, steps, chunks = shape
    given = stream("x", x, positions * taps * lanes, outer * steps * chunks)
    kind, length = given.type, steps * taps
    raw, scale = (1, None) if constant is None else (constant[0], FixedType.parse(constant[1]))
    accumulator = None
    if mode is Reduction.SUM:
        width = kind.width + 2 + (length * raw).bit_length()
        fraction = kind.fraction + (0 if scale is None else scale.fraction)
        accumulator = FixedType(width, width - fraction)
    elif mode in (Reduction.MAX, Reduction.MIN):
        y = x
    else:
        width = max((length - 1).bit_length(), 1)
        y = f"ap_ufixed<{width},{width}>"
    return single(
        name,
        lambda **names: Reduce(
            mode=mode,
            positions=positions,
            taps=taps,
            lanes=lanes,
            steps=steps,
            chunks=chunks,
            epilogue=Epilogue.relu(relu),
            reciprocal=raw,
            reciprocal_type=scale,
            accumulator_type=accumulator,
            in_luts=in_luts,
            **names,
        ),
        given,
        stream("y", y, positions * lanes, outer * chunks),
    )


def cast_flow(name: str, x: str, y: str, relu: bool, lanes: int = 3) -> Dataflow:
    return single(
        name,
        lambda **n: Cast(epilogue=Epilogue.relu(relu), **n),
        stream("x", x, lanes, 8),
        stream("y", y, lanes, 8),
    )


def table_flow(name: str, x: str, y: str, index: int, lanes: int = 2, seed: int = 0) -> Dataflow:
    """A table of ``2**index`` random words."""
    kind = FixedType.parse(y)
    values = integers(np.random.default_rng(seed), kind, 1 << index)
    make = functools.partial(Lookup, values=values, type=kind, content="any function")
    return single(name, make, stream("x", x, lanes, 8), stream("y", y, lanes, 8))


def converter_flow(name: str, given: int, made: int, depth: int = 2) -> Dataflow:
    """Where the lanes of the output are fewer and do not divide, the last beat of each is filled up."""
    beats = 2 * given if given <= made else 2 * made * math.ceil(given / made)
    x = stream("x", "ap_fixed<5,2>", given, 2 * made, depth)
    return single(name, WidthConverter, x, stream("y", "ap_fixed<5,2>", made, beats, depth))


def gather_flow(
    name: str, given: int, index: list[int], pad_value: int, text: str = "ap_fixed<5,2>"
) -> Dataflow:
    x, y = stream("x", text, given, 1), stream("y", text, len(index), 1)
    return single(name, lambda **n: Gather(index=np.array(index), pad_value=pad_value, **n), x, y)


def constant_flow(name: str, given: int, values: list[list[int]], text: str = "ap_fixed<5,2>") -> Dataflow:
    """A frame of constants for each of ``given`` beats."""
    x, y = stream("x", "ap_fixed<3,1>", 2, given), stream("y", text, len(values[0]), len(values))
    return single(name, lambda **n: Constant(values=np.array(values), type=y.type, given=(given,), **n), x, y)


def fork_flow(name: str, outputs: int) -> Dataflow:
    """Copies, converted to different widths and added up pairwise, so that they run at different pace."""
    kind = "ap_fixed<6,3>"
    names = [f"c{i}" for i in range(outputs)]
    streams = [stream("x", kind, 2, 8), *(stream(n, kind, 2, 8, 2 + i) for i, n in enumerate(names))]
    kernels: list[Kernel] = [Fork("net_split", "net", ("x",), tuple(names))]
    last = names[0]
    for i, other in enumerate(names[1:]):
        streams.append(stream(f"s{i}", "ap_fixed<12,9>", 2, 8))
        kernels.append(
            Combine(
                f"net_add{i}",
                "net",
                (last, other),
                (f"s{i}",),
                Combination.ADD,
                FixedType(13, 10),
                Epilogue(),
            )
        )
        last = f"s{i}"
    return chain(name, kernels, streams)


def conv_flow(name: str, depths: tuple[int, int] = (2, 2)) -> Dataflow:
    """A convolution with a residual branch: fork, window, width converter, matrix-vector unit, add."""
    mac = Mac(1, 4, 36, pe=2, simd=6)
    weights, bias, weight_type, bias_type, total = _parameters(mac, 3)
    kind, shape = "ap_fixed<5,2>", (4, 5, 6)
    geometry = WindowGeometry(4, 5, 6, (3, 3), (1, 1), (1, 1), 1, 1, 5, 6)
    pixels = shape[1] * shape[2]
    streams = [
        stream("x", kind, 2, pixels * 2),
        stream("body", kind, 2, pixels * 2),
        stream("skip", kind, 2, pixels * 2, depths[1]),
        stream("windows", kind, 18, pixels * 2, depths[0]),
        stream("folds", kind, 6, pixels * 6),
        stream("rows", OUT, 2, pixels * 2),
        stream("y", "ap_ufixed<7,4,AP_RND,AP_SAT>", 2, pixels * 2),
    ]
    kernels: list[Kernel] = [
        Fork("net_split", "block", ("x",), ("body", "skip")),
        Window("net_slide", "block.conv", ("body",), ("windows",), geometry),
        WidthConverter("net_narrow", "block.conv", ("windows",), ("folds",)),
        MatVec(
            "net_mac",
            "block.conv",
            ("folds",),
            ("rows",),
            vectors=pixels,
            weight=weights,
            bias=bias,
            weight_type=weight_type,
            bias_type=bias_type,
            accumulator_type=total,
            epilogue=Epilogue.relu(),
            pe=2,
            simd=6,
        ),
        Combine(
            "net_sum", "block", ("rows", "skip"), ("y",), Combination.ADD, FixedType(9, 5), Epilogue.relu()
        ),
    ]
    return chain(name, kernels, streams)


def window_flows() -> list[Dataflow]:
    return [window_flow(f"window_{i}", slide) for i, slide in enumerate(SLIDES)]


def mac_flows() -> list[Dataflow]:
    flows = [matvec_flow(f"matvec_{i}", mac) for i, mac in enumerate(MATVECS)]
    flows += [unrolled_flow(f"unrolled_{i}", mac) for i, mac in enumerate(UNROLLED)]
    clocks = itertools.cycle((5.0, 1.5, 20.0))
    flows += [adders_flow(f"adders_{i}", mac, next(clocks)) for i, mac in enumerate(UNROLLED)]
    flows += [channelmac_flow(f"channelmac_{i}", mac) for i, mac in enumerate(CHANNELMACS)]
    flows += [blocks_flow(f"blocks_{i}", UNROLLED[i]) for i in (0, 2, 5)]
    return flows


def scaled(flow: Dataflow, seed: int) -> Dataflow:
    """The same with rows that have scales of their own: random ones, one of 0."""
    (kernel,) = flow.kernels
    assert isinstance(kernel, (MatVec, UnrolledMatVec, ChannelMac))
    rng = np.random.default_rng(seed)
    shift = rng.integers(0, 1 + int(rng.choice([1, 2, 3, 5, 7])), kernel.weight.shape[:-1])
    shift[np.unravel_index(rng.integers(shift.size), shift.shape)] = 0
    if isinstance(kernel, MatVec) and seed % 4 == 3:
        shift[:] = shift.reshape(-1, kernel.pe)[:1].repeat(shift.size // kernel.pe, 0).reshape(shift.shape)
    aligned = kernel.weight << shift[..., None]
    total = accumulator(
        flow.streams[flow.input].type, aligned, kernel.weight_type, kernel.bias, kernel.bias_type
    )
    kernel = replace(kernel, shift=shift, accumulator_type=total)
    return replace(flow, name=f"scaled_{flow.name}", kernels=(kernel,))


def scaled_flows() -> list[Dataflow]:
    flows = [flow for flow in mac_flows() if getattr(flow.kernels[0], "adders", None) is None]
    return [scaled(flow, seed) for seed, flow in enumerate(flows)]


def signed_flows() -> list[Dataflow]:
    """Folded kernels whose weights are signs, and the same with rows that have scales of their own."""
    flows = [flow for flow in mac_flows() if isinstance(flow.kernels[0], (MatVec, ChannelMac))]
    found = []
    for seed, flow in enumerate(flows):
        (kernel,) = flow.kernels
        assert isinstance(kernel, (MatVec, ChannelMac))
        weight = np.random.default_rng(seed).choice(np.array([-1, 1]), kernel.weight.shape)
        kind = FixedType(2, kernel.weight_type.integer)
        x = flow.streams[flow.input].type
        total = accumulator(x, weight, kind, kernel.bias, kernel.bias_type)
        kernel = replace(kernel, weight=weight, weight_type=kind, accumulator_type=total, signs=True)
        flow = replace(flow, name=f"signs_{flow.name}", kernels=(kernel,))
        found.append(scaled(flow, seed) if seed % 2 else flow)
    return found


def packed_flow(flow: Dataflow, operands: Operands) -> Dataflow:
    """The same matrix-vector unit with products in DSP blocks of such operands, which rows share."""
    (kernel,) = flow.kernels
    sharing = Sharing(operands, flow.streams[flow.input].type, always=True)
    return replace(flow, kernels=(replace(kernel, sharing=sharing),))


def packed_flows() -> list[Dataflow]:
    """Folded matrices whose rows share DSP blocks, those of all families, also with scales for rows; pairs
    and quadruples of 8 and of 4 bits; and long sums, also in LUTs, of units whose rows may share blocks."""
    sizes = [Mac(1, 8, 12, pe=8, simd=6, x=f"ap_{x}fixed<{n},{n}>", w=f"ap_{w}fixed<{n},1>", relu=n == 8,
                 y="ap_fixed<20,14,AP_RND,AP_SAT>")
             for n in (4, 8) for x in ("", "u") for w in ("", "u")]  # fmt: skip
    sizes += [Mac(1, 9, 48, pe=3, simd=simd, x="ap_fixed<8,8>", w="ap_fixed<8,1>",
                  y="ap_fixed<20,14,AP_RND,AP_SAT>") for simd in (6, 12, 24, 48)]  # fmt: skip
    flows = [matvec_flow(f"shared_{index}", mac) for index, mac in enumerate(sizes)]
    flows += [flow for flow in (*mac_flows(), *scaled_flows()) if isinstance(flow.kernels[0], MatVec)]
    found = []
    for number, flow in enumerate(flows):
        made = packed_flow(flow, (DSP48E1, DSP48E2, DSP58)[number % 3])
        (kernel,) = made.kernels
        assert isinstance(kernel, MatVec)
        if kernel.packing is not None:
            found.append(replace(made, name=f"packed_{flow.name}"))
            if kernel.simd >= 12:
                soft = replace(kernel, in_luts=True)
                found.append(replace(made, name=f"apart_{flow.name}", kernels=(soft,)))
    assert len(found) > len(sizes)
    return found


def fabric_flows() -> list[Dataflow]:
    """Everything that multiplies and takes DSP blocks, without these; and averages."""
    found = []
    for flow in (*mac_flows(), *scaled_flows()[::4], *other_flows()):
        kernels = [kernel for kernel in flow.kernels if kernel.multipliers]
        if len(flow.kernels) == 1 and kernels:
            (kernel,) = kernels
            if flow.name.startswith("blocks"):
                continue
            if not (isinstance(kernel, Pool) or bill_dataflow(flow, Family.SERIES_7).dsp):
                continue
            assert isinstance(kernel, (Weighted, Pool))
            found.append(replace(flow, name=f"fabric_{flow.name}", kernels=(replace(kernel, in_luts=True),)))
    return found


def other_flows() -> list[Dataflow]:
    average, sixth = "ap_fixed<6,4,AP_RND_CONV,AP_SAT>", "ap_ufixed<9,-2>"
    return [
        pool_flow("max_0", "ap_fixed<6,3>", 1, 4, 2),
        pool_flow("max_1", "ap_ufixed<5,3>", 3, 9, 1),
        pool_flow("max_2", "ap_fixed<1,1>", 1, 1, 3),
        pool_flow("max_3", "ap_fixed<4,9>", 2, 3, 2),
        pool_flow("average_0", "ap_fixed<6,4>", 1, 4, 2, average, 1, "ap_ufixed<1,-1>"),
        pool_flow("average_1", "ap_fixed<6,4>", 2, 6, 3, average, 341, sixth, relu=True),
        pool_flow(
            "average_2", "ap_ufixed<7,4>", 1, 9, 1, "ap_ufixed<7,4,AP_RND,AP_SAT>", 455, "ap_ufixed<9,-3>"
        ),
        pool_flow("average_3", "ap_fixed<2,2>", 1, 1, 1, "ap_fixed<2,2>", 1, "ap_ufixed<1,1>"),
        add_flow("add_0", "ap_fixed<8,4>", "ap_fixed<6,5>", "ap_fixed<7,5,AP_RND,AP_SAT>"),
        add_flow(
            "add_1",
            "ap_ufixed<7,3,AP_RND,AP_SAT>",
            "ap_fixed<9,4>",
            "ap_ufixed<6,4,AP_RND_CONV,AP_SAT>",
            1,
            True,
        ),
        add_flow("add_2", "ap_fixed<3,9>", "ap_fixed<4,1>", "ap_fixed<9,9>", 3, depth=40),
        cast_flow("cast_0", "ap_fixed<8,3>", "ap_ufixed<8,3,AP_RND,AP_SAT>", True),
        cast_flow("cast_1", "ap_ufixed<8,8>", "ap_fixed<5,2,AP_TRN_ZERO,AP_WRAP>", False),
        cast_flow("cast_2", "ap_fixed<4,8>", "ap_fixed<12,9,AP_TRN,AP_SAT_SYM>", False, lanes=1),
        converter_flow("converter_0", 1, 6),
        converter_flow("converter_1", 6, 1),
        converter_flow("converter_2", 2, 4, depth=3),
        converter_flow("converter_3", 9, 3, depth=33),
        converter_flow("converter_4", 5, 5, depth=300),
        converter_flow("converter_5", 5, 2),
        converter_flow("converter_6", 17, 6, depth=3),
        gather_flow("gather_0", 5, [4, 0, -1, 2, 2, -1, 3], -9),
        gather_flow("gather_1", 1, [0], 0),
        gather_flow("gather_2", 3, [-1, 2], 1, "ap_ufixed<1,1>"),
        constant_flow("constant_0", 3, [[1], [-2], [3], [0], [-16]]),
        constant_flow("constant_1", 9, [[1, 2], [3, -4], [15, 6]]),
        constant_flow("constant_2", 1, [[1, -3, 7]]),
        constant_flow("constant_3", 4, [[1, 4], [2, 5]] * 4, "ap_ufixed<3,3>"),
        constant_flow("constant_4", 5, [[9, 8]], "ap_ufixed<4,3>"),
        constant_flow("constant_5", 1, [[1, 2]] * 6),
        fork_flow("fork_2", 2),
        fork_flow("fork_3", 3),
        conv_flow("conv_0", (2, 40)),
        chain("plain", [], [stream("x", "ap_fixed<7,2>", 3, 4)]),
    ]
