"""Every kernel of the HLS library, compiled by g++, gives the words of the model in Python."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.registry import find_backend
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.codegen.vivado import VivadoBackend
from hpq_hls.cost import with_room_for_pipelines
from hpq_hls.fixed import Epilogue, FixedType, Overflow, Rounding
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import (
    Cast,
    ChannelMac,
    Combination,
    Combine,
    Fork,
    Gather,
    Kernel,
    MatVec,
    Pool,
    PoolMode,
    Stream,
    UnrolledMatVec,
    WidthConverter,
    Window,
)
from hpq_hls.kernels.geometry import WindowGeometry
from hpq_hls.verify.csim import run_selfcheck
from tests.codegen.flows import (
    accumulator,
    blank_design,
    dataflow,
    design,
    parse,
    random_raw,
    small_design,
    stream,
    table_rows,
    write,
)
from tests.codegen.golden_kernels import FLOWS
from tests.rtl.cases import fabric_flows, random_slide, scaled_flows, window_flow

BACKENDS = [VitisBackend(), VivadoBackend()]


def proves(flow: Dataflow, folder: Path, frames: int = 4, io: str = "stream") -> None:
    """The emitted testbench finds every word of the model in what the C++ computes."""
    made = design(flow, frames, io=io)
    assert len(np.unique(made.golden_frames)) > 1, "these test vectors prove nothing"
    check = run_selfcheck(write(VitisBackend(), made, folder))
    assert check.message.startswith("PASS"), check.message
    assert check.words == made.golden_frames.size


# ---------------------------------------------------------------------------------------------
# Casting


def all_modes(signed: bool) -> list[tuple[Rounding, Overflow]]:
    return [(q, o) for q in Rounding for o in Overflow if signed or o is not Overflow.WRAP_SM]


def cast_tree(source: FixedType, targets: list[FixedType], relu: bool) -> Dataflow:
    """x -> fork -> one cast per target -> sum of all: one wrong cast changes the sum."""
    streams = [stream("x", source, 4, 8)]
    copies = [Stream(f"copy_{i}", source, 4, 8) for i in range(len(targets))]
    results = [Stream(f"cast_{i}", target, 4, 8) for i, target in enumerate(targets)]
    streams += [*copies, *results]
    kernels: list[Kernel] = [Fork("fork", "tree", ("x",), tuple(copy.name for copy in copies))]
    for copy, result in zip(copies, results, strict=True):
        kernels.append(Cast(f"to_{result.name}", "tree", (copy.name,), (result.name,), Epilogue.relu(relu)))
    finest = max(target.fraction for target in targets)
    total = results[0]
    for i, result in enumerate(results[1:], start=1):
        following = Stream(f"sum_{i}", FixedType(62, 62 - finest), 4, 8)
        streams.append(following)
        kernels.append(
            Combine(
                f"add_{i}",
                "tree",
                (total.name, result.name),
                (following.name,),
                Combination.ADD,
                accumulator(total.type.fraction, result.type.fraction, width=63),
                epilogue=Epilogue(),
            )
        )
        total = following
    return dataflow(kernels, streams)


@pytest.mark.parametrize(
    ("source", "signed", "shape", "relu"),
    [
        ("s12.5", True, (6, 3), False),  # rounds four bits away and overflows
        ("s12.5", False, (5, 4), False),
        ("s9.4", True, (5, 5), True),  # fraction 0
        ("u11.3", True, (6, 2), False),
    ],
)
def test_every_mode(source: str, signed: bool, shape: tuple[int, int], relu: bool, tmp_path: Path) -> None:
    targets = [FixedType(*shape, signed, q, o) for q, o in all_modes(signed)]
    proves(cast_tree(parse(source), targets, relu), tmp_path, frames=12)


def test_every_width(tmp_path: Path) -> None:
    """Widths 1 to 32, negative fractions, no integer bits, more bits rounded away than there are."""
    rng = np.random.default_rng(5)
    targets = []
    for width in range(1, 33):
        signed = bool(rng.integers(2))
        modes = all_modes(signed)
        targets.append(FixedType(width, int(rng.integers(-3, 30)), signed, *modes[rng.integers(len(modes))]))
    proves(cast_tree(parse("s32.11"), targets, relu=False), tmp_path, frames=20)


def test_a_cast_into_the_same_symmetric_type_replaces_the_lowest_code(tmp_path: Path) -> None:
    kind = "s5.2,AP_RND,AP_SAT_SYM"
    flow = dataflow(
        [Cast("same", "same", ("x",), ("y",), epilogue=Epilogue())],
        [stream("x", kind, 2, 3), stream("y", kind, 2, 3)],
    )
    made = design(flow, frames=20)
    assert made.input_frames.min() == -16
    assert made.golden_frames.min() == -15
    assert run_selfcheck(write(VitisBackend(), made, tmp_path)).passed


# ---------------------------------------------------------------------------------------------
# Windows and pooling


GEOMETRIES = {
    "3x3 same": (WindowGeometry(4, 6, 5, (3, 3), (1, 1), (1, 1), 1, 1, 6, 5), 2),
    "pointwise, stride": (WindowGeometry(3, 5, 6, (1, 1), (2, 3), (1, 1), 0, 0, 3, 2), 1),
    "dilated": (WindowGeometry(2, 9, 8, (2, 3), (1, 2), (3, 2), 2, 1, 10, 3), 2),
    "2x2 pool of an odd image": (WindowGeometry(6, 5, 7, (2, 2), (2, 2), (1, 1), 0, 0, 2, 3), 3),
    "ceil mode with padding": (WindowGeometry(1, 5, 4, (3, 2), (2, 2), (1, 1), 1, 0, 3, 2, -77), 1),
    "stride beyond the window": (WindowGeometry(2, 7, 9, (2, 1), (3, 4), (1, 1), 0, 0, 2, 3), 1),
    "row": (WindowGeometry(5, 1, 12, (1, 4), (1, 1), (1, 1), 0, 3, 1, 12), 5),
    "column": (WindowGeometry(2, 11, 1, (5, 1), (2, 1), (1, 1), 0, 0, 4, 1), 2),
    "whole image": (WindowGeometry(3, 4, 4, (4, 4), (1, 1), (1, 1), 0, 0, 1, 1), 1),
    "many chunks": (WindowGeometry(20, 4, 5, (2, 2), (1, 1), (1, 1), 1, 0, 4, 4), 1),
    "wide": (WindowGeometry(2, 3, 20, (3, 3), (1, 2), (1, 1), 1, 1, 3, 10), 2),
    "pad more than the window": (WindowGeometry(1, 2, 2, (2, 2), (1, 1), (1, 1), 3, 2, 7, 5, 9), 1),
    "two pixels": (WindowGeometry(2, 5, 6, (3, 3), (1, 1), (1, 1), 1, 1, 5, 6, -7, 2), 4),
    "four pixels, two windows": (WindowGeometry(3, 4, 8, (2, 2), (2, 2), (1, 1), 0, 0, 2, 4, 0, 4), 12),
    "two windows in three beats": (WindowGeometry(1, 3, 12, (2, 4), (1, 3), (2, 2), 1, 4, 3, 4, 5, 2), 2),
    "six windows for seven pixels": (WindowGeometry(1, 6, 28, (5, 5), (1, 1), (1, 1), 0, 0, 2, 24, 0, 7), 7),
    "six windows for four pixels": (WindowGeometry(2, 4, 20, (2, 3), (2, 1), (1, 1), 0, 0, 2, 18, 0, 4), 8),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_window(name: str, tmp_path: Path) -> None:
    g, lanes = GEOMETRIES[name]
    proves(slide(g, lanes), tmp_path, frames=3)


def slide(g: WindowGeometry, lanes: int, by_channel: bool = False) -> Dataflow:
    """A window alone; lanes: elements of a beat."""
    elements, made = g.channels * g.height * g.width, g.windows * g.taps * lanes // g.pixels
    streams = [
        stream("x", "s8.3", lanes, elements // lanes),
        stream("y", "s8.3", made, g.positions * g.taps * g.channels // made),
    ]
    return dataflow([Window("window", "conv", ("x",), ("y",), g, by_channel)], streams)


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_random_windows_of_several_pixels(seed: int, uneven: bool, tmp_path: Path) -> None:
    drawn = random_slide(np.random.default_rng(100 + seed), uneven)
    proves(window_flow("net", drawn), tmp_path, frames=3)


@pytest.mark.parametrize(
    ("source", "target", "positions", "taps", "lanes", "beats"),
    [
        ("s6.2", "s6.2", 1, 4, 3, 5),
        ("u6.2", "u6.2,AP_RND,AP_SAT", 1, 9, 1, 4),
        ("s6.2", "s6.2,AP_RND,AP_SAT_SYM", 3, 2, 2, 1),  # copies -32, which a cast would not
        ("s1.1", "s1.1", 1, 3, 5, 4),
    ],
)
def test_max_pool(
    source: str, target: str, positions: int, taps: int, lanes: int, beats: int, tmp_path: Path
) -> None:
    kernel = Pool(
        "pool", "pool", ("x",), ("y",), PoolMode.MAX, positions, taps, lanes, 0, None, None, Epilogue()
    )
    streams = [
        stream("x", source, positions * taps * lanes, beats),
        stream("y", target, positions * lanes, beats),
    ]
    proves(dataflow([kernel], streams), tmp_path, frames=10)


@pytest.mark.parametrize(
    ("source", "target", "positions", "taps", "reciprocal", "kind", "relu"),
    [
        ("s8.3", "s8.3,AP_RND_CONV,AP_SAT", 1, 4, 1, "u1.-1", False),  # a shift by two
        ("u8.3", "u8.3,AP_RND,AP_SAT", 1, 9, 455, "u9.-3", False),  # about 1/9
        ("s8.3", "u6.2,AP_TRN_ZERO,AP_SAT", 2, 6, 683, "u10.-2", True),
        ("s16.1", "s16.1,AP_RND_INF,AP_WRAP", 1, 49, 41, "u6.-5", False),
    ],
)
def test_average_pool(
    source: str,
    target: str,
    positions: int,
    taps: int,
    reciprocal: int,
    kind: str,
    relu: bool,
    tmp_path: Path,
) -> None:
    fraction = parse(source).fraction + parse(kind).fraction
    kernel = Pool(
        "pool", "pool", ("x",), ("y",), PoolMode.AVERAGE, positions, taps, 3, reciprocal, parse(kind),
        accumulator(fraction), Epilogue.relu(relu),
    )  # fmt: skip
    streams = [stream("x", source, positions * taps * 3, 4), stream("y", target, positions * 3, 4)]
    proves(dataflow([kernel], streams), tmp_path, frames=8)


# ---------------------------------------------------------------------------------------------
# Multiply-accumulate


def weights_and_bias(
    shape: tuple[int, ...], weight: str, bias: str | None, seed: int = 3
) -> dict[str, object]:
    """The parameters that the multiplying kernels have in common."""
    rng = np.random.default_rng(seed)
    return {
        "weight": random_raw(parse(weight), shape, rng),
        "bias": None if bias is None else random_raw(parse(bias), shape[:-1], rng),
        "weight_type": parse(weight),
        "bias_type": None if bias is None else parse(bias),
    }


def product_accumulator(source: str, weight: str, bias: str | None) -> FixedType:
    product = parse(source).fraction + parse(weight).fraction
    return accumulator(product, product if bias is None else parse(bias).fraction)


@pytest.mark.parametrize(
    ("source", "weight", "bias", "target", "shape", "vectors", "pe", "simd", "relu"),
    [
        ("s8.3", "s4.1", "s8.3", "u6.4,AP_RND,AP_SAT", (1, 6, 8), 2, 2, 4, True),
        ("u4.4", "s2.0", None, "s9.8,AP_TRN,AP_WRAP", (1, 4, 10), 3, 4, 1, False),
        ("s5.2", "s1.1", "s6.6", "s5.6,AP_RND_CONV,AP_SAT", (2, 3, 5), 2, 1, 5, False),  # 1-bit weights
        ("u1.0", "u3.3", "s4.-3", "u7.6,AP_RND_ZERO,AP_SAT", (3, 4, 6), 1, 2, 2, False),  # finer bias
        ("s16.2", "s16.-4", "s16.1", "s16.3,AP_RND_INF,AP_SAT_SYM", (1, 5, 7), 2, 5, 7, True),
        ("s8.12", "s6.9", "s8.4", "s12.24,AP_RND_MIN_INF,AP_SAT_ZERO", (1, 3, 4), 2, 1, 1, False),
        ("s20.8", "s21.9", "s30.9", "s24.21,AP_RND,AP_WRAP_SM", (1, 2, 40), 2, 1, 2, False),  # deep buffer
        ("s7.3", "s5.2", "s7.3", "s7.6,AP_RND,AP_SAT", (1, 150, 18), 1, 2, 1, True),  # deep ROM
    ],
)
def test_matvec(
    source: str, weight: str, bias: str | None, target: str, shape: tuple[int, int, int], vectors: int,
    pe: int, simd: int, relu: bool, tmp_path: Path,
) -> None:  # fmt: skip
    groups, rows, cols = shape
    kernel = MatVec(
        "fc", "fc", ("x",), ("y",), vectors=vectors, pe=pe, simd=simd, epilogue=Epilogue.relu(relu),
        accumulator_type=product_accumulator(source, weight, bias), **weights_and_bias(shape, weight, bias),
    )  # fmt: skip
    streams = [
        stream("x", source, simd, vectors * groups * cols // simd),
        stream("y", target, pe, vectors * groups * rows // pe),
    ]
    proves(dataflow([kernel], streams), tmp_path, frames=6)


@pytest.mark.parametrize(
    ("source", "weight", "bias", "target", "shape", "positions", "lanes", "relu"),
    [
        ("s8.3", "s5.1", "s8.3", "u6.3,AP_RND,AP_SAT", (6, 9), 5, 2, True),
        ("u8.0", "s8.2", None, "s8.4,AP_TRN,AP_SAT", (4, 4), 3, 4, False),
        ("s4.2", "s12.4", "s16.6", "s10.7,AP_RND_CONV,AP_SAT", (20, 1), 4, 1, False),  # batch norm
    ],
)
def test_channel_mac(
    source: str, weight: str, bias: str | None, target: str, shape: tuple[int, int], positions: int,
    lanes: int, relu: bool, tmp_path: Path,
) -> None:  # fmt: skip
    channels, taps = shape
    kernel = ChannelMac(
        "mac", "mac", ("x",), ("y",), positions=positions, lanes=lanes, epilogue=Epilogue.relu(relu),
        accumulator_type=product_accumulator(source, weight, bias), **weights_and_bias(shape, weight, bias),
    )  # fmt: skip
    beats = positions * channels // lanes
    streams = [stream("x", source, taps * lanes, beats), stream("y", target, lanes, beats)]
    proves(dataflow([kernel], streams), tmp_path, frames=6)


@pytest.mark.parametrize(
    ("source", "weight", "bias", "target", "shape", "positions", "beats", "relu"),
    [
        ("s8.3", "s5.1", "s8.3", "u6.4,AP_RND,AP_SAT", (1, 5, 7), 1, 1, True),
        ("u3.1", "s3.2", None, "s8.5,AP_RND,AP_SAT", (2, 3, 4), 3, 2, False),
        ("s11.2", "s9.0", "s12.2", "s11.4,AP_RND_CONV,AP_SAT", (4, 1, 9), 2, 1, False),
    ],
)
def test_unrolled(
    source: str, weight: str, bias: str | None, target: str, shape: tuple[int, int, int], positions: int,
    beats: int, relu: bool, tmp_path: Path,
) -> None:  # fmt: skip
    groups, rows, cols = shape
    parameters = weights_and_bias(shape, weight, bias)
    kernel = UnrolledMatVec(
        "fc", "fc", ("x",), ("y",), positions=positions, beats=beats, epilogue=Epilogue.relu(relu),
        accumulator_type=product_accumulator(source, weight, bias), **parameters,
    )  # fmt: skip
    streams = [
        stream("x", source, positions * groups * cols, beats),
        stream("y", target, positions * groups * rows, beats),
    ]
    proves(dataflow([kernel], streams), tmp_path, frames=8, io="parallel")


@pytest.mark.parametrize("kind", ["matvec", "channelmac", "unrolled", "average"])
def test_products_in_luts(kind: str, tmp_path: Path) -> None:
    flow = next(flow for flow in fabric_flows() if kind in flow.name)
    proves(flow, tmp_path, frames=8)
    sources = {backend.name: texts(design(flow, 1), backend)[f"src/{flow.name}.cpp"] for backend in BACKENDS}
    bound = {
        "vitis": "#pragma HLS bind_op variable=product op=mul impl=fabric",
        "vivado": "#pragma HLS RESOURCE variable=product core=Mul_LUT",
    }
    left_alone = replace(flow, kernels=(replace(flow.kernels[0], in_luts=False),))
    for backend in BACKENDS:
        assert bound[backend.name] in sources[backend.name]
        assert bound[backend.name] not in texts(design(left_alone, 1), backend)[f"src/{flow.name}.cpp"]


@pytest.mark.parametrize("index", [0, 16, 9, 22, 26, 31])
def test_rows_with_scales_of_their_own(index: int, tmp_path: Path) -> None:
    """Shifts in a ROM and in wires, of every kernel that has weights."""
    proves(scaled_flows()[index], tmp_path, frames=6)


# ---------------------------------------------------------------------------------------------
# Everything else


@pytest.mark.parametrize(
    ("a", "b", "target", "relu"),
    [
        ("s8.3", "s8.3", "u8.4,AP_RND,AP_SAT", True),
        ("u4.2", "s9.1", "s6.2,AP_RND_CONV,AP_SAT", False),
        ("s8.12", "u8.4", "s8.6,AP_TRN,AP_WRAP", False),  # fractions -4 and 4
    ],
)
def test_add(a: str, b: str, target: str, relu: bool, tmp_path: Path) -> None:
    """The input, and a cast of it that has another type."""
    streams = [
        stream("x", a, 3, 4),
        stream("left", a, 3, 4, depth=8),
        stream("copy", a, 3, 4),
        stream("right", b, 3, 4),
        stream("y", target, 3, 4),
    ]
    kernels: list[Kernel] = [
        Fork("fork", "add", ("x",), ("left", "copy")),
        Cast("cast", "add", ("copy",), ("right",), epilogue=Epilogue()),
        Combine(
            "add",
            "add",
            ("left", "right"),
            ("y",),
            Combination.ADD,
            accumulator(parse(a).fraction, parse(b).fraction),
            Epilogue.relu(relu),
        ),
    ]
    proves(dataflow(kernels, streams), tmp_path, frames=8)


def test_width_converters(tmp_path: Path) -> None:
    lanes = [2, 6, 1, 12, 3, 3, 12, 5, 2]
    beats = [12, 4, 24, 2, 8, 8, 2, 6, 18]  # the last ones with zeros that fill up the last beat of each
    streams = [stream(f"s{i}", "s5.2", *sides) for i, sides in enumerate(zip(lanes, beats, strict=True))]
    kernels = [
        WidthConverter(f"convert_{i}", "convert", (a.name,), (b.name,))
        for i, (a, b) in enumerate(itertools.pairwise(streams))
    ]
    proves(dataflow(kernels, streams), tmp_path)


@pytest.mark.parametrize("pad", [0, -13])
def test_gather(pad: int, tmp_path: Path) -> None:
    index = np.array([3, -1, 0, 0, 6, 2, -1, 5, 1])
    kernel = Gather("gather", "conv", ("x",), ("y",), index, pad)
    streams = [stream("x", "s5.2", 7, 1), stream("y", "s5.2", 9, 1)]
    proves(dataflow([kernel], streams), tmp_path, io="parallel")


def test_a_port_of_thousands_of_bits(tmp_path: Path) -> None:
    """Wider than the vendor's headers take unless told so, and wider than synthesis takes: with oversize."""
    kernel = Cast("cast", "cast", ("x",), ("y",), epilogue=Epilogue.relu())
    flow = dataflow([kernel], [stream("x", "s9.3", 500, 1), stream("y", "u7.2,AP_RND,AP_SAT", 500, 1)])
    proves(flow, tmp_path, io="parallel")
    assert "accepts at most 4096" in (tmp_path / "README.md").read_text()


def wide(pe: int, simd: int, rows: int = 256, cols: int = 784) -> Dataflow:
    kernel = MatVec(
        "fc", "classifier", ("x",), ("y",), vectors=1, pe=pe, simd=simd, epilogue=Epilogue(),
        accumulator_type=product_accumulator("s8.3", "s8.1", None),
        **weights_and_bias((1, rows, cols), "s8.1", None),
    )  # fmt: skip
    return dataflow([kernel], [stream("x", "s8.3", simd, cols // simd), stream("y", "s8.3", pe, rows // pe)])


def test_what_the_tool_refuses_is_refused_with_what_works() -> None:
    backend = VitisBackend()
    assert backend.refusal(wide(16, 112), "stream") is None
    assert backend.refusal(wide(4, 784), "stream") == (
        "port s_axis of layer 'classifier' carries 784 elements of 8 bits at once, and the HLS tool takes "
        "words of at most 4,096 bits; choose simd of at most 392 for layer 'classifier'"
    )
    assert backend.refusal(wide(4, 392), "stream") is None
    assert backend.refusal(wide(256, 49), "stream") == (
        "layer 'classifier' has 12,544 products in one function, and the HLS tool unrolls about 4,096; "
        "choose pe and simd whose product is at most 4,096 (they are 256 and 49)"
    )
    cast = Cast("cast", "first", ("x",), ("y",), epilogue=Epilogue())
    flow = dataflow([cast], [stream("x", "s8.3", 784, 1), stream("y", "s8.3", 784, 1)])
    assert str(backend.refusal(flow, "parallel")).endswith(
        "choose io stream, with at most 512 elements a beat"
    )
    assert find_backend("rtl").refusal(flow, "parallel") is None


def test_unrolled_layers_are_refused_where_the_tool_stops_unrolling() -> None:
    parameters = weights_and_bias((1, 96, 48), "s5.1", None)
    parameters["weight"] = np.full((1, 96, 48), 3)
    kernel = UnrolledMatVec(
        "fc", "fc", ("x",), ("y",), positions=1, beats=1, epilogue=Epilogue(),
        accumulator_type=product_accumulator("s4.3", "s5.1", None), **parameters,
    )  # fmt: skip
    flow = dataflow([kernel], [stream("x", "s4.3", 48, 1), stream("y", "s8.3", 96, 1)])
    told = str(VivadoBackend().refusal(flow, "parallel"))
    assert told.startswith("layer 'fc' has 4,608 products in one function")
    assert told.endswith("choose io stream and strategy folded with a reuse_factor of at least 2")


def test_a_rom_word_wider_than_the_tool_takes_lies_in_few_memories() -> None:
    source = texts(blank_design(wide(16, 112)), VitisBackend())["src/net.cpp"]
    assert "unsigned long long fc_weight[4][112][56]" in source  # 14,336 bits a word
    assert "#pragma HLS array_partition variable=fc_weight type=complete dim=1" in source
    assert "#pragma HLS array_reshape variable=fc_weight type=complete dim=3" in source


def test_fifos_have_room_for_the_pipelines_of_the_other_branch() -> None:
    """x -> fork -> two casts on one side, none on the other: 2 * 25 beats, and 6 as in the RTL."""
    streams = [stream(name, "s8.3", 2, 64) for name in ("x", "short", "long", "a", "b", "y")]
    kernels: list[Kernel] = [
        Fork("fork", "add", ("x",), ("short", "long")),
        Cast("one", "add", ("long",), ("a",), epilogue=Epilogue()),
        Cast("two", "add", ("a",), ("b",), epilogue=Epilogue()),
        Combine("add", "add", ("short", "b"), ("y",), Combination.ADD, accumulator(5), Epilogue()),
    ]
    flow = dataflow(kernels, streams)
    deeper = with_room_for_pipelines(flow, VitisBackend.stages)
    depths = {name: one.depth for name, one in deeper.streams.items()}
    assert depths == {"x": 2, "short": 56, "long": 2, "a": 2, "b": 2, "y": 2}
    source = texts(blank_design(deeper), VitisBackend())["src/net.cpp"]
    assert "stream variable=short_fifo type=fifo depth=56" in source
    assert "bind_storage variable=short_fifo type=fifo impl=lutram" in source
    assert "bind_storage variable=long_fifo type=fifo impl=srl" in source


# ---------------------------------------------------------------------------------------------
# The text


def cnn_design(layer: str = "features.0") -> Design:
    """A convolution, a pooling and a linear layer, deep enough to need memories."""
    rng = np.random.default_rng(1)
    g = WindowGeometry(2, 20, 20, (3, 3), (1, 1), (1, 1), 1, 1, 20, 20)
    pool = WindowGeometry(4, 20, 20, (4, 4), (4, 4), (1, 1), 0, 0, 5, 5)
    streams = [
        stream("x", "s8.2", 2, 400),
        stream("x_w", "s8.2", 18, 400),
        stream("c", "u6.2,AP_RND,AP_SAT", 4, 400),
        stream("c_w", "u6.2,AP_RND,AP_SAT", 64, 25, depth=5),
        stream("p", "u6.2,AP_RND,AP_SAT", 4, 25),
        stream("y", "s10.5,AP_RND_CONV,AP_SAT", 2, 15),
    ]
    kernels: list[Kernel] = [
        Window("conv_window", layer, ("x",), ("x_w",), g),
        MatVec(
            "conv", layer, ("x_w",), ("c",), vectors=400, weight=rng.integers(-8, 8, (1, 4, 18)),
            bias=rng.integers(-9, 9, (1, 4)),
            accumulator_type=accumulator(10, width=20), epilogue=Epilogue.relu(), pe=4, simd=18,
            weight_type=parse("s4.0"), bias_type=parse("s8.2"),
        ),
        Window("pool_window", "pool", ("c",), ("c_w",), pool),
        Pool("pool", "pool", ("c_w",), ("p",), PoolMode.MAX, 1, 16, 4, 0, None, None, Epilogue()),
        MatVec(
            "fc", "classifier", ("p",), ("y",), vectors=1, weight=rng.integers(-8, 8, (1, 30, 100)),
            bias=None,
            accumulator_type=accumulator(8, width=22), epilogue=Epilogue(), pe=2, simd=4,
            weight_type=parse("s4.0"), bias_type=None,
        ),
    ]  # fmt: skip
    return design(dataflow(kernels, streams), frames=2)


def texts(made: Design, backend: VitisBackend) -> dict[str, str]:
    return {k: v if isinstance(v, str) else v.decode() for k, v in backend.files(made).items()}


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
def test_equal_designs_give_equal_bytes(backend: VitisBackend) -> None:
    assert list(backend.files(cnn_design()).items()) == list(type(backend)().files(cnn_design()).items())


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
def test_no_absolute_path_and_no_date(backend: VitisBackend) -> None:
    absolute = re.compile(r"""(?:^|[\s"'=(,:])(/[A-Za-z][\w.+-]*/|~/|[A-Z]:\\)""", re.MULTILINE)
    date = re.compile(r"\b20\d\d-\d\d|\b\d\d:\d\d:\d\d\b")
    for name, text in texts(cnn_design(), backend).items():
        assert not absolute.search(text), (name, absolute.search(text))
        assert not date.search(text), (name, date.search(text))
        assert not name.startswith("/")
        assert text.endswith("\n")


def test_pragmas_of_vitis() -> None:
    source = texts(cnn_design(), VitisBackend())["src/net.cpp"]
    for pragma in (
        "interface mode=axis register_mode=both port=s_axis",
        "interface mode=axis register_mode=both port=m_axis",
        "interface mode=ap_ctrl_none port=return",
        "dataflow",
        "stream variable=c_w_fifo type=fifo depth=5",
        "bind_storage variable=c_w_fifo type=fifo impl=srl",
        "array_reshape variable=lines type=complete dim=3",
        "bind_storage variable=fc_weight type=rom_1p impl=",
        "bind_storage variable=lines type=ram_s2p impl=",
        "dependence variable=lines type=inter direction=RAW distance=22 dependent=true",
    ):
        assert f"#pragma HLS {pragma}" in source, pragma
    assert "RESOURCE" not in source


def test_pragmas_of_vivado() -> None:
    files = texts(cnn_design(), VivadoBackend())
    source = files["src/net.cpp"]
    for pragma in (
        "INTERFACE axis register both port=s_axis",
        "INTERFACE ap_ctrl_none port=return",
        "DATA_PACK variable=c_w_fifo",
        "STREAM variable=c_w_fifo depth=5 dim=1",
        "RESOURCE variable=c_w_fifo core=FIFO_SRL",
        "ARRAY_RESHAPE variable=lines complete dim=3",
        "RESOURCE variable=fc_weight core=ROM_1P_",
        "RESOURCE variable=lines core=RAM_S2P_",
        "DEPENDENCE variable=lines inter RAW distance=22 true",
    ):
        assert f"#pragma HLS {pragma}" in source, pragma
    assert "bind_storage" not in source
    assert "mode=" not in source
    assert "hls_config.cfg" not in files
    assert "-flow_target" not in files["run_hls.tcl"]
    assert "ap_axiu<" not in files["src/net.h"]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
def test_every_pipeline_flushes_and_loops_rewind(backend: VitisBackend) -> None:
    """A loop rewinds where it is all of a process, nothing stands before it, and it holds its state. A
    pipelined function has no loop to rewind; memories between two processes change hands at its end."""
    flush = {"vitis": "style=flp", "vivado": "enable_flush"}[backend.name]
    for flow in (cnn_design().dataflow, *FLOWS.values()):
        for name, text in texts(blank_design(flow), backend).items():
            if not name.startswith("src/"):
                continue
            lines = text.splitlines()
            for above, line in itertools.pairwise(lines):
                if "pipeline" in line.lower() and line.startswith("#pragma"):
                    ends = (
                        not name.endswith("reorder.h") and "ended" not in above
                    )  # where it is not known before
                    rewinds = above.lstrip().startswith("for (") and ends
                    wanted = f"pipeline II=1 {flush}{' rewind' * rewinds}"
                    assert line.removeprefix("#pragma HLS ").replace("PIPELINE", "pipeline") == wanted, name


def test_loops_of_the_library_are_pipelined() -> None:
    """Each function of the library has one loop that is not unrolled, in which all state begins anew."""
    files = texts(cnn_design(), VitisBackend())
    library = {name: text for name, text in files.items() if name.startswith("src/hpq/")}
    for name, text in library.items():
        for body in re.split(r"^}$", text, flags=re.MULTILINE):
            counts = r"(?:#pragma HLS loop_tripcount.*\n)?"  # where a call says how many
            loops = re.findall(rf"^ *for \(.*\n{counts}(#pragma HLS (\w+).*)?", body, re.MULTILINE)
            kinds = [kind for _, kind in loops]
            assert kinds.count("pipeline") <= 1, (name, kinds)
            assert set(kinds) <= {"pipeline", "unroll"}, (name, kinds)
            assert kinds.count("pipeline") == 0 or kinds[0] == "pipeline", (name, kinds)
    whole = "".join(library.values())
    assert not re.search(r"\bstatic (?!const|T |To )[^(;=]*[;=]", whole), (
        "state would survive from frame to frame"
    )


def test_a_frame_of_one_beat_makes_a_pipelined_function() -> None:
    flow = dataflow(
        [Cast("cast", "cast", ("x",), ("y",), epilogue=Epilogue.relu())],
        [stream("x", "s9.3", 5, 1), stream("y", "u7.2", 5, 1)],
    )
    source = texts(design(flow, io="parallel"), VitisBackend())["src/net.cpp"]
    assert source.count("#pragma HLS pipeline II=1 style=flp\n") == 3  # the kernel and both ports
    assert "hpq::cast_beat<" in source


def test_tables_hold_the_integers_in_rom_order() -> None:
    made = cnn_design()
    files = texts(made, VitisBackend())
    for kernel in made.dataflow.kernels:
        if not isinstance(kernel, MatVec):
            continue
        rows = table_rows(files[f"src/tables/{kernel.name}_weight.inc"], kernel.weight_type.width)
        words = kernel.weight_words().reshape(len(rows), -1)
        np.testing.assert_array_equal(rows, words & 15)
    decimal = re.compile(r"[-+ {(,=]\d+\.\d")
    for name, text in files.items():
        if name.startswith("src/"):
            code = re.sub(r"//.*", "", text)
            assert not decimal.search(code), (name, decimal.search(code))
            assert "double" not in code
            assert "float" not in code


def test_a_layer_name_cannot_leave_its_comment(tmp_path: Path) -> None:
    """A backslash at the end of a line would swallow the next one; so would a line break."""
    made = small_design()
    kernel = replace(made.dataflow.kernels[0], layer='odd\nname */ "|\\')
    flow = replace(made.dataflow, kernels=(kernel,))
    assert run_selfcheck(write(VitisBackend(), replace(made, dataflow=flow), tmp_path)).passed
    assert "\\" not in (tmp_path / "src/net.cpp").read_text()


def test_the_scripts_name_every_file() -> None:
    files = texts(cnn_design(), VitisBackend())
    for name in ("src/net.cpp", "tb/net_tb.cpp", "tb/input.dat", "tb/golden.dat"):
        assert name in files
        assert f"file={name}" in files["hls_config.cfg"]
        assert re.search(rf"^add_files (-tb )?{re.escape(name)}$", files["run_hls.tcl"], re.MULTILINE)
    assert "set_part {xc7z020clg400-1}" in files["run_hls.tcl"]
    assert "create_clock -period 5 " in files["run_hls.tcl"]
    assert "part=xc7z020clg400-1" in files["hls_config.cfg"]
    assert "clock=5ns" in files["hls_config.cfg"]
    for name in files:
        folder = (
            name.rsplit("/", 1)[0] + "/" if name.startswith(("src/hpq", "src/tables", "tb/include")) else name
        )
        assert f"`{folder}`" in files["README.md"] or name == "README.md", name
