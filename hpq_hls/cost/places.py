"""The bills of the layers that stand at one place of a network: what they share is drawn up once."""

from __future__ import annotations

import functools
import itertools
import operator
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from hpq_hls.billing.bill import DSP, Bill, Row
from hpq_hls.billing.inference import Figures
from hpq_hls.billing.parts import Family
from hpq_hls.cost.kernels import bill_kernel, bill_stream
from hpq_hls.cost.relief import Exchange, exchange
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import Dataflow, Link
from hpq_hls.hardware.recipes import Block, Recipe
from hpq_hls.hardware.unread import inside
from hpq_hls.identity import ByIdentity
from hpq_hls.kernels import Kernel, Stream
from hpq_hls.simulate import QuantizedLayer

REMEMBERED_CONSTANTS = 32
"""Different constants of a kernel whose memory is remembered."""
REMEMBERED_KERNELS = 2048
"""Kernels of a place that differ in more than biases whose bills are remembered."""

Types = Sequence[FixedType]
"""Of a layer's inputs, then of its output."""
Result = TypeVar("Result")


def types_of(layer: QuantizedLayer) -> Types:
    """Those around a layer."""
    return [*(edge.type for edge in layer.input_edges), layer.output_type]


@dataclass(eq=False, slots=True)
class Own:
    """A kernel of which a layer decides more than types, in the books.

    whole: its biases are in the row. stream: the row of the stream that it writes, of which so many bits are
    ``settled`` (``Bill.settled``), and, below 0, of what is in front of it for elements that it does not
    read. unread: these, by stream. exchanged: what it is if its products leave DSP blocks, and what that
    amounts to, once somebody asked.
    """

    row: Row
    latency: int
    whole: bool
    stream: Row
    settled: int
    unread: Mapping[str, tuple[int, ...]]
    exchanged: tuple[Own, Exchange] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Entry:
    """A layer in the books. latencies: of its kernels. own: those of which it decides more than types."""

    row: Row
    latencies: tuple[int, ...]
    own: tuple[Own, ...]


@dataclass(frozen=True, eq=False)
class Relief:
    """What is added to the row of a layer if its products leave DSP blocks, and what that amounts to; the
    latencies then, and the kernels of which it decides more than types."""

    row: Row
    offer: Exchange
    latencies: tuple[int, ...]
    own: tuple[Own, ...]


@dataclass(frozen=True, eq=False)
class _Shared:
    """The part of a place that follows from the types of some streams. numbers: whose, as in ``Block``."""

    numbers: tuple[int, ...]
    kernels: list[tuple[Recipe, Kernel]]
    streams: list[str]
    known: dict[tuple[FixedType, ...], tuple[Row, tuple[int, ...]]]


_NUMBERS, _NEXT = ByIdentity[int](), itertools.count()


def _comparable(decided: object) -> object:
    """The thing itself; of an array a number that it has as long as it is there, and no other ever has."""
    return _NUMBERS.of(decided, lambda: next(_NEXT)) if isinstance(decided, np.ndarray) else decided


class Place:
    """Where a layer stands in the network, and the bills of those that stood there.

    Where it is known what of its layer has a part in a kernel (``Recipe.decided``), the kernel is billed once
    for that and its types, with its biases or, where these are ``biases_apart``, beside them; every other
    kernel once for each layer.
    """

    def __init__(
        self,
        block: Block,
        kernels: Sequence[Kernel],
        flow: Dataflow,
        family: Family,
        calibration: Figures | None,
        *,
        may_leave: bool,
    ) -> None:
        """may_leave: whether products may leave DSP blocks if these run short."""
        self._family, self._calibration, self._may_leave = family, calibration, may_leave
        self._numbers = block.streams | {name: number for number, name in enumerate(block.inputs)}
        self._streams = {name: flow.streams[name] for name in self._numbers}
        self._links = {name: flow.links[name] for name in self._numbers}
        self._typed: dict[tuple[str, FixedType], Stream] = {}
        self._own: list[tuple[Recipe, Kernel]] = []
        self._kernels: dict[Hashable, Own] = {}
        self._constants: dict[Hashable, tuple[object, Bill]] = {}
        self._biases: defaultdict[Hashable, ByIdentity[Row]] = defaultdict(ByIdentity)
        shared: dict[tuple[int, ...], _Shared] = {}

        def part(names: Iterable[str]) -> _Shared:
            numbers = tuple(sorted({self._numbers[name] for name in names}))
            return shared.setdefault(numbers, _Shared(numbers, [], [], {}))

        for recipe, kernel in zip(block.kernels, kernels, strict=True):
            own = None if kernel.by_types else self._own
            (part((*kernel.inputs, *kernel.outputs)).kernels if own is None else own).append((recipe, kernel))
        self._recipes = {kernel: recipe for recipe, kernel in zip(block.kernels, kernels, strict=True)}
        self._inside = [inside(kernel, kernels) for _, kernel in self._own]
        for (_, kernel), fed in zip(self._own, self._inside, strict=True):
            for name, unread in zip(
                kernel.inputs, kernel.unread(self._streams, constants=False), strict=True
            ):
                if name in fed:  # what this layer's constants had a part in
                    self._streams[name] = replace(self._streams[name], unread=tuple(sorted(unread)))
        written = {name for _, kernel in self._own for name in kernel.outputs}
        for name in block.streams:
            if name not in written:
                part([name]).streams.append(name)
        self._shared = list(shared.values())

    def entry(self, layer: QuantizedLayer) -> Entry:
        """The bill of a layer that stands here."""
        types = types_of(layer)
        row, latencies = self._shared_parts(types, layer)
        found = [self._own_part(number, layer, types) for number in range(len(self._own))]
        for number, own in enumerate(found):
            row = row + own.row + own.stream
            if not own.whole:
                row += self._bias_memory(number, layer)
        return Entry(row, (*latencies, *(own.latency for own in found)), tuple(found))

    def relief(self, layer: QuantizedLayer, entry: Entry) -> Relief | None:
        """What changes of a layer's entry if its products leave DSP blocks; None where none may."""
        if not self._may_leave or not any(own.row[DSP] for own in entry.own):
            return None
        rows, offers, there = list[Row](), list[Exchange](), list(entry.own)
        for number, own in enumerate(entry.own):
            if own.row[DSP]:
                there[number], offer = self._exchanged(number, own, layer)
                rows.append(there[number].row - own.row + there[number].stream - own.stream)
                offers.append(offer)
        offer = functools.reduce(operator.add, offers)
        latencies = (*entry.latencies[: -len(there)], *(own.latency for own in there))
        return Relief(np.asarray(sum(rows)), offer, latencies, tuple(there))

    def shared(self, types: Types) -> Row:
        """The bill of everything that follows from types, at the input."""
        return self._shared_parts(types)[0]

    def bill_stream(self, name: str, link: Link, types: Types, own: Sequence[Own]) -> Bill:
        """A stream around here as a ``link``. own: the kernels of the layer of which it decides more than
        types; empty at the input."""
        stream, settled = self.stream(name, types), 0
        for (_, kernel), made in zip(self._own, own, strict=True):
            if name in kernel.outputs:
                settled = made.settled
            if name in made.unread:
                stream = replace(stream, unread=made.unread[name])
        return bill_stream(stream, link, self._family, self._calibration, settled)

    def stream(self, name: str, types: Types) -> Stream:
        """A stream around here, at the types that its layer has."""
        kind = types[self._numbers[name]]
        known = self._typed.get((name, kind))
        if known is None:
            known = self._typed[name, kind] = replace(self._streams[name], type=kind)
        return known

    def _shared_parts(self, types: Types, layer: QuantizedLayer | None = None) -> tuple[Row, tuple[int, ...]]:
        """The bill and the latencies of everything that follows from types. layer: with these types; None at
        the input."""
        total: Row | None = None
        latencies: tuple[int, ...] = ()
        for part in self._shared:
            key = tuple([types[number] for number in part.numbers])
            found = part.known.get(key)
            if found is None:
                found = part.known[key] = self._bill(part, types, layer)
            total = found[0] if total is None else total + found[0]
            latencies += found[1]
        return Bill(self._family).row if total is None else total, latencies

    def _bill(self, part: _Shared, types: Types, layer: QuantizedLayer | None) -> tuple[Row, tuple[int, ...]]:
        bill, latencies = Bill(self._family), []
        for recipe, place in part.kernels:
            kernel = place if layer is None else recipe.make(layer)
            around = self._around(place, types)
            bill.take(bill_kernel(kernel, around, self._family, calibration=self._calibration))
            latencies.append(kernel.latency(around))
        for name in part.streams:
            stream = self.stream(name, types)
            bill.take(bill_stream(stream, self._links[name], self._family, self._calibration))
        return bill.row, tuple(latencies)

    def _own_part(self, number: int, layer: QuantizedLayer, types: Types) -> Own:
        """The bill of the kernel of a layer with this number, but for its biases where it can be without."""
        recipe, place = self._own[number]
        if recipe.decided is None:
            return self._bill_own(number, layer, types)
        biases = layer.bias_raw is None if self._apart(place) else layer.bias_raw
        key = number, *types, *map(_comparable, (biases, *recipe.decided(layer)))
        return _remembered(
            self._kernels, key, REMEMBERED_KERNELS, lambda: self._bill_own(number, layer, types)
        )

    def _apart(self, kernel: Kernel) -> bool:
        """Whether biases are billed apart; what a tool would report, by a calibration, is not the sum of its
        parts."""
        return kernel.biases_apart and self._calibration is None

    def _bill_own(self, number: int, layer: QuantizedLayer, types: Types) -> Own:
        recipe, place = self._own[number]
        kernel, around = recipe.make(layer), self._around(place, types)
        memory = self._memory(number, kernel, layer)
        bill = bill_kernel(kernel, around, self._family, memory, self._calibration)
        whole = layer.bias_raw is None or not self._apart(kernel)
        if not whole:  # as long as there is the kernel
            self._bias_memory(number, layer, kernel)
        return self._booked(number, kernel, bill, layer, whole=whole)

    def _booked(self, number: int, kernel: Kernel, bill: Bill, layer: QuantizedLayer, *, whole: bool) -> Own:
        types = types_of(layer)
        around, streams = self._around(kernel, types), Bill(self._family)
        for name in kernel.outputs:
            link = self._links[name]
            streams.take(bill_stream(around[name], link, self._family, self._calibration, bill.settled))
        row, unread = streams.row, dict[str, tuple[int, ...]]()
        for name, dropped in zip(kernel.inputs, kernel.unread(around, constants=True), strict=True):
            maker, known = self._inside[number].get(name), around[name]
            own = tuple(sorted(dropped))
            if maker is not None and own != known.unread:
                unread[name], less = own, replace(known, unread=own)
                row = row + self._in_front(maker, less, layer) - self._in_front(maker, known, layer)
        return Own(bill.row, kernel.latency(around), whole, row, bill.settled, unread)

    def _in_front(self, place: Kernel, stream: Stream, layer: QuantizedLayer) -> Row:
        """A stream inside a layer, and the kernel that writes it."""
        around = self._around(place, types_of(layer)) | {stream.name: stream}
        kernel = self._recipes[place].make(layer)
        bill = bill_kernel(kernel, around, self._family, calibration=self._calibration)
        bill.take(bill_stream(stream, self._links[stream.name], self._family, self._calibration))
        return bill.row

    def _exchanged(self, number: int, own: Own, layer: QuantizedLayer) -> tuple[Own, Exchange]:
        if own.exchanged is None:
            recipe, place = self._own[number]
            fabric, around = recipe.make(layer).in_fabric(), self._around(place, types_of(layer))
            memory = self._memory(number, fabric, layer)
            bill = bill_kernel(fabric, around, self._family, memory, self._calibration)
            booked = self._booked(number, fabric, bill, layer, whole=own.whole)
            own.exchanged = booked, exchange(bill, own.row)
        return own.exchanged

    def _memory(self, number: int, kernel: Kernel, layer: QuantizedLayer) -> Bill:
        """The memory of a kernel's constants, with that of its biases where they are not billed apart."""
        constants = self._constant_memory(number, kernel)
        if layer.bias_raw is None or self._apart(kernel):
            return constants
        both = Bill.of(self._family, self._bias_memory(number, layer, kernel))
        both.take(constants)
        return both

    def _constant_memory(self, number: int, kernel: Kernel) -> Bill:
        """By the object that constants are in."""

        def billed() -> tuple[object, Bill]:
            bill = Bill(self._family)
            kernel.on(self._family).bill_constants(bill)
            return kernel.constants, bill

        constants = kernel.constants
        if constants is None:
            return billed()[1]
        key = number, id(constants), kernel.layout
        return _remembered(self._constants, key, REMEMBERED_CONSTANTS, billed)[1]

    def _bias_memory(self, number: int, layer: QuantizedLayer, kernel: Kernel | None = None) -> Row:
        """By the layer's biases, which a kernel has in an order of its own.

        kernel: the layer's, if it is made.
        """

        def billed() -> Row:
            bill, made = Bill(self._family), kernel or self._own[number][0].make(layer)
            made.on(self._family).bill_biases(bill)
            return bill.row

        return self._biases[number, layer.bias_type].of(layer.bias_raw, billed)

    def _around(self, kernel: Kernel, types: Types) -> dict[str, Stream]:
        return {name: self.stream(name, types) for name in (*kernel.inputs, *kernel.outputs)}


def _remembered(
    known: dict[Hashable, Result], key: Hashable, most: int, make: Callable[[], Result]
) -> Result:
    """What is known by a key, made where it is not; the oldest goes where there are so many. What has no hash
    is made each time."""
    try:
        found = known.get(key)
    except TypeError:
        return make()
    if found is None:
        if len(known) == most:
            del known[next(iter(known))]
        found = known[key] = make()
    return found
