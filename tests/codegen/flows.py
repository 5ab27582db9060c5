"""Small hand-made dataflows, and projects on disk made from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hpq_hls.codegen.base import Backend, Design, Frames
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.hardware import Dataflow
from hpq_hls.hardware.dataflow import Terminal
from hpq_hls.kernels import Kernel, MatVec, Stream
from tests.hardware.dataflow_model import run_dataflow

IntArray = npt.NDArray[np.int64]


def parse(text: str) -> FixedType:
    """`u6.2` is unsigned, 6 bits, 2 of them integer; `s6.-1` signed; modes follow after commas."""
    number, *modes = text.split(",")
    width, integer = number[1:].split(".")
    name = "ap_fixed" if number[0] == "s" else "ap_ufixed"
    return FixedType.parse(f"{name}<{','.join([width, integer, *modes])}>")


def stream(name: str, fixed_type: str | FixedType, lanes: int, beats: int, depth: int = 2) -> Stream:
    """A stream; its type as `parse` reads it."""
    return Stream(name, parse(fixed_type) if isinstance(fixed_type, str) else fixed_type, lanes, beats, depth)


def dataflow(
    kernels: Sequence[Kernel], streams: Iterable[Stream], name: str = "net", output: str | None = None
) -> Dataflow:
    """A dataflow from the first kernel's input to the last kernel's output, its ports flat tensors."""
    named = {one.name: one for one in streams}
    first, last = named[kernels[0].inputs[0]], named[output or kernels[-1].outputs[0]]
    return Dataflow.single(
        name=name,
        kernels=tuple(kernels),
        streams=named,
        input=first.name,
        output=last.name,
        input_shape=(first.elements,),
        output_shape=(last.elements,),
        input_order=np.arange(first.elements),
        output_order=np.arange(last.elements),
    )


def random_raw(fixed_type: FixedType, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    """Any code of the type, the two extreme ones often."""
    codes = fixed_type.code_interval
    raw = rng.integers(codes.lo, codes.hi, shape, endpoint=True)
    extreme = rng.random(shape)
    raw[extreme < 0.06] = codes.lo
    raw[extreme > 0.94] = codes.hi
    return raw


def accumulator(*fractions: int, width: int = 60) -> FixedType:
    """A signed type wide enough for everything here, with the finest of the fractions."""
    return FixedType(width, width - max(fractions))


def design(flow: Dataflow, frames: int = 4, seed: int = 0, io: str = "stream") -> Design:
    """The flow with random test vectors and what the model in Python makes of them."""
    port = flow.streams[flow.input]
    rng = np.random.default_rng(seed)
    given = random_raw(port.type, (frames, port.beats, port.lanes), rng)
    golden = np.stack([run_dataflow(flow, frame) for frame in given])
    return Design(flow, io, "xc7z020clg400-1", 5.0, given, golden)


def blank_design(flow: Dataflow) -> Design:
    """The flow without test vectors."""

    def empty(ends: tuple[Terminal, ...]) -> Frames:
        frames = {
            end.port: np.zeros((0, flow.streams[end.stream].beats, flow.streams[end.stream].lanes), np.int64)
            for end in ends
        }
        return frames if len(frames) > 1 else next(iter(frames.values()))

    return Design(flow, "stream", "xc7z020clg400-1", 5.0, empty(flow.inputs), empty(flow.outputs))


def write(backend: Backend, made: Design, folder: Path) -> Path:
    """Print a project into a folder."""
    for name, content in backend.files(made).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def small_design(name: str = "net") -> Design:
    """One folded layer of which some outputs round, some saturate and some are cut off by the ReLU."""
    rng = np.random.default_rng(7)
    x, y = stream("x", "s5.2", 3, 4), stream("y", "u7.1,AP_RND,AP_SAT", 2, 3)
    kernel = MatVec(
        "fc",
        "classifier.fc",
        ("x",),
        ("y",),
        vectors=1,
        weight=rng.integers(-8, 8, (1, 6, 12)),
        bias=rng.integers(0, 90, (1, 6)),
        weight_type=parse("s4.0"),
        bias_type=parse("s8.3"),
        accumulator_type=accumulator(7, 5, width=18),
        epilogue=Epilogue.relu(),
        pe=2,
        simd=3,
    )
    return design(dataflow([kernel], [x, y], name), frames=5)


def table_rows(text: str, width: int) -> list[list[int]]:
    """The elements of a table's words, of ``width`` bits and unsigned, from the file that C++ reads.
    Independent of what writes it."""
    told = re.match(r"// .*, (\d+) words of (\d+), .* \((\d+) bits a word\)\n", text)
    assert told is not None, text[:200]
    depth, columns, bits = map(int, told.groups())
    assert bits == columns * width
    rows = [re.findall(r"0x([0-9a-f]+)", line) for line in text.splitlines()[1:] if "0x" in line]
    memories, words = len(rows) // depth, [0] * depth
    size = next(size for size in (8, 16, 32, 64) if memories * len(rows[0]) * size >= bits)
    for place, row in enumerate(rows):
        value = sum(int(part, 16) << size * i for i, part in enumerate(row))
        words[place % depth] |= value << size * len(row) * (place // depth)
    return [[word >> width * e & (1 << width) - 1 for e in range(columns)] for word in words]
