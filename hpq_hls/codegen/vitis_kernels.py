"""What the HLS templates must know of a kernel beyond its own fields: streams, tables, a summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hpq_hls.codegen.words import Packing
from hpq_hls.fixed import FixedType
from hpq_hls.kernels import IntArray, Kernel, Stream, Streams, Table


@dataclass(frozen=True, eq=False)
class TableView:
    """A table as the templates see it: the table itself and these.

    variable: its name in C++.
    include: path of the file with its initialiser, relative to ``src/``.
    title: what its first line says.
    """

    table: Table
    variable: str
    include: str
    title: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    @property
    def values(self) -> IntArray:
        """(depth, columns)."""
        return self.table.values

    @property
    def constant(self) -> bool:
        """Whether every place that is read is known when the circuit is built."""
        return not self.table.in_memory or self.table.depth == 1

    @cached_property
    def packing(self) -> Packing | None:
        """How its words lie in memories; None where it is a list of numbers of wires."""
        return None if self.table.type is None else Packing.of(self.table.bits)

    @property
    def declaration(self) -> str:
        """Type, name and size of the array in C++."""
        if self.packing is not None:
            size = f"[{self.packing.memories}][{self.table.depth}][{self.packing.parts}]"
            return f"{self.packing.type} {self.variable}{size}"
        small = int(np.abs(self.values).max()) < 1 << 15
        return f"{'short' if small else 'int'} {self.variable}[{self.values.size}]"

    @property
    def integers(self) -> int:
        """Elements of the array in C++."""
        if self.packing is None:
            return self.values.size
        return self.packing.memories * self.table.depth * self.packing.parts

    def rows(self) -> Iterable[str]:
        """Lines of its initialiser."""
        if self.packing is None:
            yield from (f"{value}," for value in self.values.reshape(-1).tolist())
            return
        for memory in self.packing.words(self.values, self.table.width).tolist():
            yield "{"
            for word in memory:
                yield "{" + ", ".join(map(self.packing.digits, word)) + "},"
            yield "},"


@dataclass(frozen=True, eq=False)
class KernelView:
    """A kernel as the templates see it: the fields of the kernel itself and these.

    x, y: the first input and the first output stream. given: all input streams.
    tables: its constant arrays by name.
    suffix: ``"_beat"`` if the kernel's function processes one beat, which is its whole frame.
    one_cycle: whether a frame takes one cycle.
    summary: one line for people.
    """

    kernel: Kernel
    x: Stream
    y: Stream
    given: Sequence[Stream]
    tables: Mapping[str, TableView]
    suffix: str
    one_cycle: bool
    summary: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kernel, name)


def view_of(kernel: Kernel, streams: Streams) -> KernelView:
    """Look at a kernel the way the templates do."""
    x, y = kernel.ends(streams)
    around = [streams[name] for name in (*kernel.inputs, *kernel.outputs)]
    single = kernel.per_beat and all(stream.beats == 1 for stream in around)
    return KernelView(
        kernel=kernel,
        x=x,
        y=y,
        given=[streams[name] for name in kernel.inputs],
        tables={name: _view(kernel, name, table) for name, table in kernel.tables().items()},
        suffix="_beat" if single else "",
        one_cycle=kernel.cycles(streams) == 1,
        summary=kernel.summary(streams),
    )


def plain(fixed_type: FixedType) -> str:
    """The type without rounding and overflow, for values that are exact."""
    return str(FixedType(fixed_type.width, fixed_type.integer, fixed_type.signed))


def comment(text: object) -> str:
    """Text that is safe in a one-line C++ comment: one line, no continuation, no control characters."""
    return "".join(c if c.isprintable() and c != "\\" else " " for c in str(text))


def _view(kernel: Kernel, name: str, table: Table) -> TableView:
    title = table.content
    if table.type is not None:  # numbers of a layer
        size = f"{table.depth} words of {table.columns}"
        title = f"{kernel.layer}: {name}, {size}, {table.content} ({table.bits} bits a word)"
    return TableView(table, f"{kernel.name}_{name}", f"tables/{kernel.name}_{name}.inc", title)
