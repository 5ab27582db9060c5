"""What every kernel states about itself.

A kernel is a frozen dataclass of integers, fixed-point types and constant arrays, so that every backend
prints the same hardware from it. Its module says everything there is to say of it: what each beat carries,
how long a frame takes, what it is built from, how it moves beats in the timing model, its tables, what it
computes, in integers. Its templates, ``kernels/<kind>.sv.j2`` and ``kernels/<kind>.cpp.j2``, are found by
its kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill
from hpq_hls.billing.delays import USUAL_PACE, Pace
from hpq_hls.billing.parts import Family
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels.contract import Contract, pipeline, wiring
from hpq_hls.kernels.nature import Nature, Sums

IntArray = npt.NDArray[np.int64]
Frame = npt.NDArray[np.int64]
"""(beats, lanes) raw values."""

MIN_DEPTH = 2
"""A FIFO of two beats passes one beat per cycle without a combinational path through it."""


@dataclass(frozen=True)
class Stream:
    """A handshaken channel between two kernels.

    name: a legal, unique identifier.
    type: type of one element.
    lanes: elements per beat.
    beats: beats per frame.
    depth: FIFO depth in beats (at least MIN_DEPTH).
    same_as: for each element of a beat, the first that it always equals, as windows that leave at once share
        pixels, or -1 for one that is always the same number, as padding; empty where nothing is known.
    unread: elements of a beat that no kernel behind it looks at, so that synthesis drops them, and all that
        is there for them alone.
    """

    name: str
    type: FixedType
    lanes: int
    beats: int
    depth: int = MIN_DEPTH
    same_as: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()

    @property
    def bits(self) -> int:
        """Width of one beat in bits."""
        return self.lanes * self.type.width

    @property
    def different_bits(self) -> int:
        """Width of the elements of one beat that are read, no constants, and do not equal another."""
        same = self.same_as or range(self.lanes)
        different = {same[lane] for lane in self.read} if self.unread else set(same)
        return len(different - {-1}) * self.type.width

    @property
    def read(self) -> Sequence[int]:
        """The elements of a beat that are read."""
        dropped = set(self.unread)
        return [lane for lane in range(self.lanes) if lane not in dropped] if dropped else range(self.lanes)

    @property
    def elements(self) -> int:
        """Elements per frame."""
        return self.lanes * self.beats


Streams = Mapping[str, Stream]


@dataclass(frozen=True, eq=False)
class Table:
    """A constant array of a kernel: one row is read per cycle.

    values: (depth, columns) integers. type: of an element, as it is stored; None for what no number of the
    network is, such as the number of a wire. content: what it holds, for people. in_memory: whether RTL has a
    memory for it; else it is constants of the circuit.
    """

    values: IntArray
    type: FixedType | None
    content: str
    in_memory: bool = True

    @property
    def depth(self) -> int:
        """Rows."""
        return int(self.values.shape[0])

    @property
    def columns(self) -> int:
        """Elements per row."""
        return int(self.values.shape[1])

    @property
    def width(self) -> int:
        """Bits of an element; 32 where it has no type."""
        return 32 if self.type is None else self.type.width

    @property
    def bits(self) -> int:
        """Bits of a row."""
        return self.columns * self.width


@dataclass(frozen=True)
class Module:
    """A module of RTL that is generated for one kernel alone, called ``<top>_<kernel>``.

    template: relative to ``templates/rtl``; it is told what the kernel's own template is. content: what it
    is, for people.
    """

    template: str
    content: str


FABRIC_REMARK = "Products in LUTs: `multiplier` of this layer is lut, so that DSP blocks are left to others."


@dataclass(frozen=True, eq=False)
class Kernel(ABC):
    """Base of all kernels.

    name: a legal, unique identifier, also the instance name in RTL.
    layer: the layer of the network this kernel belongs to, as the user knows it ("features.0").
    inputs, outputs: names of streams.
    pace: what its registers are placed for.
    """

    kind: ClassVar[str]
    header: ClassVar[str] = ""
    """The header of the C++ library that has it: ``hpq/<header>.h``."""
    templates: ClassVar[Path | None] = None
    """A folder with ``rtl/kernels``, ``rtl/lib``, ``vitis/kernels`` and ``vitis/hpq``, for kernels from
    outside this package."""
    by_types: ClassVar[bool] = True
    """Whether all that a layer decides of it are the types of its streams."""
    biases_apart: ClassVar[bool] = False
    """Whether the integers of its biases have a part in ``bill_biases`` alone, not in its bill or latency."""
    per_beat: ClassVar[bool] = False
    """Whether it turns one beat into one beat; where that is the whole frame, it takes one every cycle."""

    name: str
    layer: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    pace: Pace = field(default=USUAL_PACE, kw_only=True)

    def ends(self, streams: Streams) -> tuple[Stream, Stream]:
        """Its first input and its first output."""
        return streams[self.inputs[0]], streams[self.outputs[0]]

    # ------------------------------------------------------------------ cycles

    def cycles(self, streams: Streams) -> int:
        """Clock cycles that one frame keeps this kernel busy when it never has to wait."""
        return max(streams[name].beats for name in (*self.inputs, *self.outputs))

    @property
    def registers(self) -> int:
        """Registers between input and output, where no stream has a part in that; 0 for mere wires."""
        return 0

    def latency(self, streams: Streams) -> int:
        """Registers between input and output at the types of its streams."""
        return self.registers

    def critical(self, streams: Streams) -> int:
        """Picoseconds of logic in its longest stage, by the model of delays; at least those of counters and
        handshakes."""
        return self.pace.delays.control

    @property
    def in_step(self) -> bool:
        """Whether what leaves is what was there ``latency`` cycles earlier, and nothing in it looks at a
        handshake: then mere wires can lead to it from a kernel in front (``Dataflow.links``)."""
        return False

    def contract(self, streams: Streams) -> Contract:
        """How it moves beats: the actor that stands for it in the timing model."""
        registers = self.latency(streams)
        return pipeline(registers) if registers else wiring()

    # ------------------------------------------------------------------ resources

    @property
    def multipliers(self) -> int:
        """Multipliers by constants (weights, reciprocals) working in parallel. Products of two streams are
        none of them; what they take is in ``bill``."""
        return 0

    @property
    def folding(self) -> tuple[int, int]:
        """Rows and columns that it works on at once (PE, SIMD); (1, 1) where that is no choice."""
        return 1, 1

    def unread(self, streams: Streams, *, constants: bool) -> Sequence[Collection[int]]:
        """Elements of a beat of each input that it does not look at, given what is unread of its outputs.

        constants: whether its constants count, which other networks of the same graph have others of. A
        kernel that cannot tell looks at all.
        """
        return [()] * len(self.inputs)

    @abstractmethod
    def bill(self, bill: Bill, streams: Streams) -> None:
        """Add what it is built from, but for ``bill_constants``, ``bill_biases`` and the FIFOs around it."""

    def bill_constants(self, bill: Bill) -> None:  # noqa: B027 (most kernels have none)
        """Add the memory of its constants but its biases, which no type around it has a part in."""

    def bill_biases(self, bill: Bill) -> None:  # noqa: B027 (most kernels have none)
        """Add the memory of its biases."""

    @property
    def constants(self) -> object:
        """What ``bill_constants`` depends on: as long as a layer keeps this very object, the bill stays. None
        where it is made afresh."""
        return None

    @property
    def constant_bits(self) -> int:
        """Bits of the weights, biases and tables that it holds."""
        return 0

    @property
    def signs_in_rom(self) -> bool:
        """Whether its weights are signs, of which a ROM holds a bit each."""
        return False

    @property
    def layout(self) -> object:
        """How its constants lie in memory, as far as the types around it have a part in that."""
        return None

    def in_fabric(self) -> Kernel:
        """The same kernel with its products in LUTs."""
        return self

    def on(self, family: Family) -> Kernel:
        """The same kernel for the DSP blocks of a family."""
        return self

    def at(self, pace: Pace) -> Kernel:
        """The same kernel with registers for another clock."""
        return replace(self, pace=pace)

    def nominal(self, accumulator: FixedType) -> Kernel:
        """The same kernel with an accumulator of a type that no layer had a part in."""
        return self

    # ------------------------------------------------------------------ backends

    def tables(self) -> Mapping[str, Table]:
        """Its constant arrays by name."""
        return {}

    def summary(self, streams: Streams) -> str:
        """One line for people: what it does, beside its kind."""
        return self.kind

    def remarks(self, streams: Streams) -> Sequence[str]:
        """Sentences for the comment above its instance in RTL."""
        return ()

    def module(self) -> Module | None:
        """The module that RTL needs for this kernel alone, beside those of the library."""
        return None

    # ------------------------------------------------------------------ meaning

    @abstractmethod
    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        """What it makes of one frame of each input, literally: slow, and independent of simulator and
        backends. Tests compare both with it."""

    # ------------------------------------------------------------------ what is shown of it

    @property
    def nature(self) -> Nature:
        """How what comes out depends on what goes in."""
        return Nature.ANY

    def exact_sums(self, streams: Streams) -> Sums:
        """The exact sums that it casts, where that is its nature."""
        raise TypeError(f"kernel {self.kind} does not sum")

    @property
    def finishes(self) -> tuple[FixedType, Epilogue]:
        """The type of its sums or products, and what becomes of them before they are cast."""
        raise TypeError(f"kernel {self.kind} has no sums or products")
