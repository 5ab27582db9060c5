"""What the HLS templates must know of a kernel beyond its own fields: streams, tables, a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpq_hls import kernels
from hpq_hls.codegen.adders import AdderView, adder_view
from hpq_hls.fixed import FixedType
from hpq_hls.kernels import (
    Add,
    Cast,
    ChannelMac,
    Fork,
    Gather,
    IntArray,
    Kernel,
    MatVec,
    Pool,
    PoolMode,
    Stream,
    UnrolledMatVec,
    Weighted,
    WidthConverter,
    Window,
)

HEADERS: Mapping[str, str] = {
    Window.kind: "window",
    MatVec.kind: "matvec",
    ChannelMac.kind: "channel_mac",
    UnrolledMatVec.kind: "unrolled",
    Pool.kind: "pool",
    Add.kind: "elementwise",
    Cast.kind: "elementwise",
    Fork.kind: "routing",
    WidthConverter.kind: "routing",
    Gather.kind: "routing",
}
"""Kind of kernel -> header of the library that has it."""

_PER_BEAT = (UnrolledMatVec, Pool, Add, Cast, Fork, Gather)
"""Kernels that turn one beat into one beat; where that is the whole frame they take one every cycle."""


@dataclass(frozen=True, eq=False)
class Table:
    """A constant array: `values` is (depth, columns); one row is read per cycle.

    include: path of the file with its initialiser, relative to ``src/``.
    title: what its first line says.
    bits: width of a row in hardware.
    nested: whether the initialiser is two-dimensional.
    """

    values: IntArray
    include: str
    title: str
    bits: int
    nested: bool = True

    @property
    def depth(self) -> int:
        """Rows."""
        return int(self.values.shape[0])

    @property
    def columns(self) -> int:
        """Elements per row."""
        return int(self.values.shape[1])


@dataclass(frozen=True, eq=False)
class KernelView:
    """A kernel as the templates see it: the fields of the kernel itself and these.

    x, y: the first input and the first output stream. given: all input streams.
    tables: its constant arrays by name.
    suffix: ``"_beat"`` if the kernel's function processes one beat, which is its whole frame.
    summary: one line for people.
    sum_type: of the taps of an average pooling, exact.
    graph: the adders of an unrolled layer without multiplications.
    """

    kernel: Kernel
    x: Stream
    y: Stream
    given: Sequence[Stream]
    tables: Mapping[str, Table]
    suffix: str
    summary: str
    sum_type: FixedType | None
    graph: AdderView | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kernel, name)


def view_of(kernel: Kernel, streams: Mapping[str, Stream]) -> KernelView:
    """Look at a kernel the way the templates do."""
    x, y = streams[kernel.inputs[0]], streams[kernel.outputs[0]]
    all_streams = [streams[name] for name in (*kernel.inputs, *kernel.outputs)]
    per_beat = kernel.per_beat or isinstance(kernel, _PER_BEAT)
    single = per_beat and all(stream.beats == 1 for stream in all_streams)
    return KernelView(
        kernel=kernel,
        x=x,
        y=y,
        given=[streams[name] for name in kernel.inputs],
        tables=_tables(kernel),
        suffix="_beat" if single else "",
        summary=_summary(kernel, x, y) if kernel.kind in HEADERS else kernel.summary(streams),
        sum_type=_sum_type(kernel, x.type),
        graph=adder_view(kernel) if isinstance(kernel, UnrolledMatVec) else None,
    )


def plain(fixed_type: FixedType) -> str:
    """The type without rounding and overflow, for values that are exact."""
    return str(FixedType(fixed_type.width, fixed_type.integer, fixed_type.signed))


def comment(text: object) -> str:
    """Text that is safe in a one-line C++ comment: one line, no continuation, no control characters."""
    return "".join(c if c.isprintable() and c != "\\" else " " for c in str(text))


def _sum_type(kernel: Kernel, x: FixedType) -> FixedType | None:
    if not isinstance(kernel, Pool) or kernel.mode is not PoolMode.AVERAGE:
        return None
    growth = (kernel.taps - 1).bit_length()
    return FixedType(x.width + growth, x.integer + growth, x.signed)


def _tables(kernel: Kernel) -> dict[str, Table]:
    if isinstance(kernel, Gather):
        index = np.asarray(kernel.index).reshape(1, -1)
        title = "input element of each output element, -1: padding"
        return {"index": Table(index, f"tables/{kernel.name}_index.inc", title, 32, nested=False)}
    if isinstance(kernel, UnrolledMatVec):
        weight, bias = kernel.in_rom(kernel.weight.reshape(-1, kernel.cols)), kernel.bias
    elif isinstance(kernel, (MatVec, ChannelMac)):
        words = kernel.weight_words()
        weight, bias = words.reshape(len(words), -1), kernel.bias_words()
    else:
        return {name: _given(kernel, name, table) for name, table in kernel.tables().items()}
    tables = {}
    if getattr(kernel, "adders", None) is None:
        tables["weight"] = _rom(kernel, "weight", weight, kernel.rom_type)
    if bias is not None and kernel.bias_type is not None:
        tables["bias"] = _rom(kernel, "bias", bias, kernel.bias_type)
    shift = kernel.shift_words()
    if shift is not None and kernel.shift_type is not None:
        tables["shift"] = _rom(kernel, "shift", shift, kernel.shift_type)
    return tables


def _given(kernel: Kernel, name: str, table: kernels.Table) -> Table:
    title = f"{kernel.layer}: {name}, {table.depth} words of {table.columns}, {table.content}"
    path = f"tables/{kernel.name}_{name}.inc"
    return Table(table.values, path, title, table.bits, table.nested)


def header_of(kernel: Kernel) -> str:
    """The header of the library that has a kernel."""
    return HEADERS.get(kernel.kind, kernel.header)


def _rom(kernel: Weighted, name: str, values: IntArray, fixed_type: FixedType) -> Table:
    depth, columns = values.shape
    content = f"raw integers of {plain(fixed_type)}"
    if name == "weight" and kernel.signs:
        content = f"signs (0: +1, 1: -1) times 2^{-kernel.weight_type.fraction}"
    title = (
        f"{kernel.layer}: {name}, {depth} words of {columns}, {content} "
        f"({columns * fixed_type.width} bits a word)"
    )
    return Table(values, f"tables/{kernel.name}_{name}.inc", title, columns * fixed_type.width)


def _summary(kernel: Kernel, x: Stream, y: Stream) -> str:
    text = kernel.kind
    match kernel:
        case Window(geometry=g):
            text = (
                f"sliding window {g.kernel[0]}x{g.kernel[1]}, stride {g.stride[0]}x{g.stride[1]}, over "
                f"{g.channels}x{g.height}x{g.width}"
            )
            if g.pixels > 1:
                text += f", {g.pixels} pixels at a time"
        case MatVec():
            text = (
                f"{kernel.groups} x {kernel.rows}x{kernel.cols} matrix, vectors: {kernel.vectors}, "
                f"PE {kernel.pe}, SIMD {kernel.simd}"
            )
        case ChannelMac():
            text = f"{kernel.taps} taps for each of {kernel.channels} channels, {kernel.lanes} at a time"
        case UnrolledMatVec():
            text = (
                f"{kernel.groups} x {kernel.rows}x{kernel.cols} matrix, unrolled, {kernel.positions} at once"
            )
            if kernel.adders is not None:
                text += f", {sum(len(graph.adders) for graph in kernel.adders)} adders each"
        case Pool():
            text = f"{kernel.mode.value} of {kernel.taps} taps, {y.lanes} elements at a time"
        case Add():
            text = f"sum of two streams, {y.lanes} elements at a time"
        case Cast():
            text = f"cast to {y.type}"
        case Fork():
            text = f"copies every beat to {len(kernel.outputs)} streams"
        case WidthConverter():
            text = f"from {x.lanes} to {y.lanes} elements per beat"
        case Gather():
            text = f"wires from {x.lanes} to {y.lanes} elements"
    if getattr(kernel, "signs", False):
        text += ", weights are signs"
    shift = getattr(kernel, "shift", None)
    if shift is not None:
        text += f", sums of rows shifted by up to {shift.max()} bits"
    return text + (", ReLU" if getattr(kernel, "relu", False) else "")
