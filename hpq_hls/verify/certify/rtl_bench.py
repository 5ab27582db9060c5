"""The kernels of a generated RTL project alone, simulated by Verilator from the project's own files.

A kernel's section of the top module becomes a module of its own, word by word but for names. The module that
every cast goes through, ``hpq_cast``, gets another name, and stands in one that can also hand out what is
cast (``templates/verify/rtl_cast.sv``). Nothing else of the files changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from hpq_hls.errors import VerificationError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import IntArray, Kernel, Stream
from hpq_hls.tools.files import make_folder
from hpq_hls.verify.certify.bench import BoolArray, Progress
from hpq_hls.verify.certify.certificate import KernelCertificate
from hpq_hls.verify.certify.plan import Proof
from hpq_hls.verify.certify.rtl_run import Cast, Shape, Simulator
from hpq_hls.verify.certify.rtl_top import Top, outside
from hpq_hls.verify.certify.rtl_unit import (
    Library,
    Unit,
    axis_bits,
    fifo_unit,
    kernel_unit,
    port_unit,
    request,
)
from hpq_hls.verify.certify.unseen import unseen, written
from hpq_hls.verify.cosim_build import Build, RtlError, build_simulator, find_toolchain
from hpq_hls.verify.cosim_sources import find_sources

_FRAMES = 3
_SEEDS = range(10)
_KEPT = 256
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class _Part:
    """What connects kernels: how it is cut out of the top module, and examined. size: what the design wants
    beside the text: of a FIFO its depth, of a port the beats of a frame."""

    name: str
    kind: str
    size: int
    cut: Callable[[Top], Unit]
    examine: Callable[[Simulator], KernelCertificate]


class RtlBench:
    """``Bench`` of an "rtl" project.

    printed: the files as they were generated for this design, by path.
    """

    def __init__(
        self, project_dir: Path, flow: Dataflow, printed: Mapping[str, str | bytes], progress: Progress
    ) -> None:
        self._flow, self._progress = flow, progress
        self._path = f"rtl/{flow.name}.sv"
        self._printed = printed
        self._home = Path(project_dir).resolve() / "build" / "certify"
        self._sources = find_sources(Path(project_dir), ignore=self._home.parent)
        self._library = Library.of(self._sources, flow.name)
        self._project = Path(project_dir)
        self._tools = find_toolchain()
        self.tools: tuple[str, ...] = self._tools.versions
        self.pauses = True
        self._units: dict[str, Unit] = {}
        self._lock = threading.Lock()
        self._builds: dict[tuple[Unit, ...], Build] = {}
        self._building: dict[tuple[Unit, ...], threading.Lock] = {}

    def run(
        self, kernel: Kernel, inputs: Sequence[IntArray], *, window: int | None = None, stalls: int = 0
    ) -> list[IntArray]:
        given, made = (self._shapes(names) for names in (kernel.inputs, kernel.outputs))
        found, _ = self._of(kernel).run(inputs, given, made, window=window, stalls=stalls)
        return found

    def casts(
        self, kernel: Kernel, kinds: Sequence[FixedType], codes: Sequence[IntArray]
    ) -> list[tuple[int, BoolArray, IntArray]]:
        simulator = self._of(kernel)
        out = self._flow.streams[kernel.outputs[0]].type
        found: list[tuple[int, BoolArray, IntArray]] = []
        for cast in simulator.casts():
            if cast.out_width != out.width:
                raise VerificationError(f"something is cast to {cast.out_width} bits, not to {out.width}")
            for index in _given(cast, kinds, out):
                fits = _fitting(cast, codes[index])
                found.append((index, fits, simulator.cast(cast, codes[index][fits])))
        return found

    # ------------------------------------------------------------------ between the kernels

    def streams(self) -> list[KernelCertificate]:
        """What connects the kernels: its text, against what is generated; the FIFOs and ports."""
        hidden = unseen(self._project, self._printed, "rtl")
        return [self._wiring(), hidden, *self._connections()]

    def _wiring(self) -> KernelCertificate:
        right = outside(Top.read(str(self._printed[self._path])), self._flow)
        try:
            there = outside(self._top, self._flow)
        except VerificationError as error:
            return _certified(self._path, "text", "as generated", 0, 0, str(error))
        differ = sum(a != b for a, b in zip(right, there, strict=False)) + abs(len(right) - len(there))
        place = next((i for i, (a, b) in enumerate(zip(right, there, strict=False)) if a != b), len(right))
        around = " ".join(there[max(place - 6, 0) : place + 6])
        first = f"the top's streams, ports or wires differ from what was generated, at {around!r}"
        return _certified(self._path, "text", "as generated", len(right), differ, first if differ else "")

    def _connections(self) -> Iterator[KernelCertificate]:
        """Every FIFO and every port; those that are alike once, under the name of the first."""
        parts: dict[tuple[Unit, int], _Part] = {}
        for part in self._parts():
            unit = _tried(partial(part.cut, self._top))
            if isinstance(unit, str):
                yield _certified(part.name, part.kind, "", 0, 0, unit)
            else:
                parts.setdefault((unit, part.size), part)
        units = tuple(unit for unit, _ in parts)
        for number, part in enumerate(parts.values()):
            found = _tried(partial(self._examined, part, units, number))
            yield _certified(part.name, part.kind, "", 0, 0, found) if isinstance(found, str) else found

    def _examined(self, part: _Part, units: tuple[Unit, ...], number: int) -> KernelCertificate:
        executable = self._built(units).executable
        return part.examine(Simulator(executable, self._sources, units[number], number))

    def _parts(self) -> Iterator[_Part]:
        flow = self._flow
        for name, stream in flow.streams.items():
            places = flow.links[name].places
            if places:
                examine = partial(_fifo, stream, places)
                yield _Part(name, "fifo", places, partial(fifo_unit, name, flow), examine)
        for ends, goes_in in ((flow.inputs, True), (flow.outputs, False)):
            for end in ends:
                cut = partial(port_unit, end, goes_in, flow)
                stream = flow.streams[end.stream]
                examine = partial(_port, end.port, stream, goes_in)
                if end.checked:
                    examine = partial(_checked_port, end.port, stream)
                yield _Part(end.port, "port", stream.beats, cut, examine)

    # ------------------------------------------------------------------ building

    @cached_property
    def _top(self) -> Top:
        return Top.read(written(self._project, self._path))

    def _of(self, kernel: Kernel) -> Simulator:
        unit = self._units.get(kernel.name)
        if unit is None:
            unit = self._units[kernel.name] = kernel_unit(self._top, kernel, self._flow, self._library)
        return Simulator(self._built((unit,)).executable, self._sources, unit)

    def _built(self, units: tuple[Unit, ...]) -> Build:
        with self._lock:
            building = self._building.setdefault(units, threading.Lock())
        with building:
            if units not in self._builds:
                what = request(units, self._library, self._sources, max(_KEPT, 3 * len(self._flow.kernels)))
                self._progress(f"compiling the kernels of {self._flow.name} one by one")
                make_folder(self._home)
                try:
                    self._builds[units] = build_simulator(what, self._home, tools=self._tools)
                except RtlError as error:
                    raise VerificationError(f"it does not compile alone: {error}") from error
            return self._builds[units]

    def _shapes(self, names: Sequence[str]) -> list[Shape]:
        return [_shape(self._flow.streams[name]) for name in names]


def _shape(stream: Stream) -> Shape:
    return Shape(stream.name, stream.beats, stream.lanes, stream.type.width)


def _given(cast: Cast, kinds: Sequence[FixedType], out: FixedType) -> list[int]:
    """Which of some types a cast may be there for: those of its width, of those the ones of its shift. A cast
    may take less than its type holds, where the sums of a row do."""
    widths = [kind.width + (0 if kind.signed else 1) + cast.half for kind in kinds]
    least = min((width for width in widths if width >= cast.in_width), default=None)
    wide = [index for index, width in enumerate(widths) if width == least]
    if not wide:
        raise VerificationError(
            f"something is cast from {cast.in_width} bits with a sign, not from "
            + " or ".join(str(kind) for kind in kinds)
        )
    return [i for i in wide if kinds[i].fraction - out.fraction == cast.shift] or wide


def _fitting(cast: Cast, codes: IntArray) -> BoolArray:
    """Which numbers a cast can be given."""
    half, most = (1 << cast.shift - 1 if cast.half else 0), 1 << cast.in_width - 1
    return np.asarray((codes >= -most - half) & (codes <= most - 1 - half))


def _tried(work: Callable[[], _Result]) -> _Result | str:
    """What comes of it, or what is wrong."""
    try:
        return work()
    except VerificationError as error:
        return str(error)


# ---------------------------------------------------------------------------------------------
# FIFOs and ports


def _fifo(stream: Stream, places: int, simulator: Simulator) -> KernelCertificate:
    """Everything comes out as it went in, and it holds as many beats as it says."""
    rng = np.random.default_rng(stream.bits)
    beats = 3 * places + 40
    shape = Shape(stream.name, beats, stream.lanes, stream.type.width)
    checked = different = 0
    for command, seed in [("fill", 0), *(("run", seed) for seed in _SEEDS)]:
        given = _random(rng, shape, 1)
        (made,), told = simulator.run([given], [shape], [shape], stalls=seed, command=command)
        if command == "fill" and int(told) != places:
            raise VerificationError(
                f"the FIFO of stream {stream.name} holds {told.strip()} beats, not {places}"
            )
        checked, different = checked + made.size, different + int(np.count_nonzero(made != given))
    first = f"stream {stream.name}: beats come out changed" if different else ""
    why = f"random beats with pauses; it holds {places}"
    return _certified(stream.name, "fifo", why, checked, different, first)


def _port(port: str, stream: Stream, goes_in: bool, simulator: Simulator) -> KernelCertificate:
    """Beats keep their elements; TLAST, TKEEP and TSTRB are right where they are made, and do not matter
    where they are not."""
    rng = np.random.default_rng(stream.bits)
    bits = axis_bits(stream.bits)
    inner, outer = Shape(stream.name, stream.beats, stream.bits, 1), Shape(port, stream.beats, sum(bits), 1)
    elements = _random(rng, inner, _FRAMES)
    beats = (
        _random(rng, outer, _FRAMES) if goes_in else np.zeros((_FRAMES, stream.beats, sum(bits)), np.int64)
    )
    beats[:, :, : stream.bits] = elements
    beats[:, :, bits[0]] = np.arange(stream.beats) == stream.beats - 1
    if not goes_in:
        beats[:, :, bits[0] + 1 :] = 1
    given, wanted = (beats, elements) if goes_in else (elements, beats)
    shapes = (outer, inner) if goes_in else (inner, outer)
    checked = different = 0
    for seed in _SEEDS:
        command = "port" if goes_in else "run"
        (made,), _ = simulator.run([given], [shapes[0]], [shapes[1]], stalls=seed, command=command)
        checked, different = checked + made.size, different + int(np.count_nonzero(made != wanted))
    first = f"port {port}: beats come out changed" if different else ""
    return _certified(port, "port", "random beats with pauses", checked, different, first)


def _checked_port(port: str, stream: Stream, simulator: Simulator) -> KernelCertificate:
    """Packets of the right size pass; one that is too short is filled up with zeros, of one that is too long
    the rest is dropped; the flag rises with the first of these and stays."""
    rng = np.random.default_rng(stream.bits)
    bits, size = axis_bits(stream.bits), stream.beats
    counts = [size, size, max(size - 1, 1), size, size + 1, size, 1, size, 2 * size + 1, size, size]
    total = len(counts) * size
    given = _random(rng, Shape(port, sum(counts), sum(bits), 1), 1)
    wanted = np.zeros((1, total, stream.bits + 1), np.int64)
    given[0, :, bits[0]] = 0
    taken, wrong = 0, total  # beats that have gone in; those that leave before the flag is up
    for number, count in enumerate(counts):
        first, passed = number * size, min(count, size)
        wanted[0, first : first + passed, :-1] = given[0, taken : taken + passed, : stream.bits]
        taken += count
        given[0, taken - 1, bits[0]] = 1
        if count != size:
            wrong = min(wrong, first + passed)
    wanted[0, wrong:, -1] = 1
    outer, inner = Shape(port, sum(counts), sum(bits), 1), Shape(stream.name, total, stream.bits + 1, 1)
    checked = different = 0
    for seed in _SEEDS:
        (made,), _ = simulator.run([given], [outer], [inner], stalls=seed, command="port")
        checked, different = checked + made.size, different + int(np.count_nonzero(made != wanted))
    told = f"port {port}: beats, or the flag of wrong packets, come out changed" if different else ""
    why = "random beats with pauses; packets too short and too long among the others"
    return _certified(port, "port", why, checked, different, told)


def _random(rng: np.random.Generator, shape: Shape, frames: int) -> IntArray:
    return rng.integers(0, (1 << shape.width) - 1, (frames, shape.beats, shape.lanes), endpoint=True)


def _certified(name: str, kind: str, why: str, checked: int, different: int, first: str) -> KernelCertificate:
    proof = Proof.ALL_INPUTS if kind == "text" and not first else Proof.SAMPLED
    return KernelCertificate(name, "", kind, proof.value, why, checked, different, first)
