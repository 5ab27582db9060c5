"""Resources and timing of many networks of one graph, folded alike: what they share is billed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.billing.bill import DSP, Bill, Row
from hpq_hls.billing.parts import Family, find_part
from hpq_hls.cost.design import build_design
from hpq_hls.cost.estimate import bill_dataflow, counted
from hpq_hls.cost.fifos import size_fifos, with_room_for_pipelines
from hpq_hls.cost.folding import fold
from hpq_hls.cost.kernels import bill_ports
from hpq_hls.cost.places import Entry, Place, Relief, Types, types_of
from hpq_hls.cost.relief import allowance, cheapest
from hpq_hls.cost.timing import Timing, time_dataflow
from hpq_hls.fixed import FixedType
from hpq_hls.graph import Graph
from hpq_hls.hardware import HardwareConfig, Io, Link, Multiplier, without_dead
from hpq_hls.hardware.skeleton import Skeleton
from hpq_hls.kernels import Kernel
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer

REMEMBERED_TIMINGS = 4096
REMEMBERED_DESIGNS = 64


@dataclass(frozen=True)
class Resources:
    """Cells; bram: block RAMs of 18 kbit."""

    lut: int
    ff: int
    dsp: int
    bram: int


class Ledger:
    """Estimates networks.

    The figures are those of ``estimate_dataflow``, which sums the same bills. Here a layer is billed when it
    is first met, and everything in it that follows from the types around it once for these types. What it
    remembers of a layer goes with the layer.

    Parameters
    ----------
    config : how networks are folded; without a target interval, as suits the first one.
    part : as the vendor tool names it.

    Raises ConfigError for an unknown part.
    """

    def __init__(self, config: HardwareConfig, part: str) -> None:
        self._config, self._part = replace(config, part=part), part
        self._family = find_part(part).family
        self._designs: list[_Design] = []
        self._graph: Graph | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Empty: whoever receives it has layers of its own."""
        return Ledger, (self._config, self._part)

    def resources(self, q: QuantizedGraph) -> Resources:
        """What a network takes.

        Raises:
            ConfigError: it has no hardware in this form, as ``build_dataflow``.
        """
        left = without_dead(q, self._config)
        bill = self._design(q, left).bill(left)
        lut, ff, dsp = counted(bill, self._config.calibration)
        return Resources(lut, ff, dsp, bill.bram)

    def timing(self, q: QuantizedGraph) -> Timing:
        """Its latency and interval.

        Raises:
            ConfigError: as ``resources``.
        """
        left = without_dead(q, self._config)
        return self._design(q, left).timing(left)

    def _design(self, q: QuantizedGraph, left: QuantizedGraph) -> _Design:
        """The books of what is ``left`` of a network."""
        found = next((design for design in self._designs if design.suits(left)), None)
        if found is None:
            if self._graph is not q.graph:
                self._graph = q.graph
                self._designs.clear()
            found = _Design(left, self._config, self._family)
            self._designs = [*self._designs[1 - REMEMBERED_DESIGNS :], found]
        return found


@dataclass(frozen=True, eq=False)
class _Sized:
    """What streams are, by name, and the timing that they allow."""

    links: Mapping[str, Link]
    timing: Timing


_Latencies = tuple[tuple[int, ...], ...]
"""Of the kernels of each layer."""


class _Design:
    """The books of one skeleton."""

    def __init__(self, q: QuantizedGraph, config: HardwareConfig, family: Family) -> None:
        config = fold(q, config, relieved=False).config
        skeleton = Skeleton(q, config)
        self._dsp = allowance(find_part(config.part), config.utilisation)
        self.suits = skeleton.suits
        flow = with_room_for_pipelines(size_fifos(skeleton.flow), config.stages)
        self._config, self._family = config, family
        self._calibration = config.calibration
        made: dict[str, list[Kernel]] = defaultdict(list)
        for kernel in flow.kernels:
            made[kernel.layer].append(kernel)
        self._places = {
            name: Place(
                block,
                made[name],
                flow,
                family,
                config.calibration,
                may_leave=name not in q.layers or config.of(name).multiplier is not Multiplier.DSP,
            )
            for name, block in skeleton.blocks.items()
        }
        self._flow = flow
        self._ports: dict[tuple[FixedType, ...], Row] = {}
        self._layers: WeakKeyDictionary[QuantizedLayer, Entry] = WeakKeyDictionary()
        self._reliefs: WeakKeyDictionary[QuantizedLayer, Relief | None] = WeakKeyDictionary()
        self._makers = {name: layer for layer, block in skeleton.blocks.items() for name in block.streams}
        self._known: dict[_Latencies, _Sized] = {}
        # Networks whose kernels are as long keep the links.
        self._booked = tuple(entry.latencies for entry in self._entries(q))

    def bill(self, q: QuantizedGraph) -> Bill:
        """Of the whole network. In io parallel what a layer costs follows from the weights behind it too,
        which say what of it is read."""
        if self._config.io is Io.PARALLEL:
            flow = with_room_for_pipelines(build_design(q, self._config), self._config.stages)
            return bill_dataflow(flow, self._family, self._calibration)
        return Bill.of(self._family, self.row(q))

    def row(self, q: QuantizedGraph) -> Row:
        """Of the whole network."""
        sources = [self._places[name].shared([kind]) for name, kind in q.input_types.items()]
        entries = self._entries(q)
        total = np.asarray(np.add.reduce(np.array([self._of_ports(q), *sources, *(e.row for e in entries)])))
        moved = self._relieved(q, entries, int(total[DSP]))
        changes = [relief.row for relief in moved.values()]
        return np.asarray(sum((*changes, *self._deeper(q, entries, moved)), start=total))

    def _of_ports(self, q: QuantizedGraph) -> Row:
        """Of the ports, which follows from the types of the inputs."""
        kinds = tuple(q.input_types.values())
        if kinds not in self._ports:
            streams = dict(self._flow.streams)
            for terminal in self._flow.inputs:
                kind = q.input_types[terminal.name]
                streams[terminal.stream] = replace(streams[terminal.stream], type=kind)
            flow = replace(self._flow, streams=streams)
            self._ports[kinds] = bill_ports(flow, self._family, self._calibration).row
        return self._ports[kinds]

    def _relieved(self, q: QuantizedGraph, entries: Sequence[Entry], blocks: int) -> Mapping[str, Relief]:
        """The layers whose products leave DSP blocks where there are so many, as ``relieve`` decides."""
        if blocks <= self._dsp:
            return {}
        reliefs: dict[str, Relief] = {}
        for (name, layer), entry in zip(q.layers.items(), entries, strict=True):
            relief = self._relief(name, layer, entry)
            if relief is not None:
                reliefs[name] = relief
        offers = {name: relief.offer for name, relief in reliefs.items()}
        return {name: reliefs[name] for name in cheapest(offers, blocks - self._dsp)}

    def _relief(self, name: str, layer: QuantizedLayer, entry: Entry) -> Relief | None:
        if layer not in self._reliefs:
            self._reliefs[layer] = self._places[name].relief(layer, entry)
        return self._reliefs[layer]

    def timing(self, q: QuantizedGraph) -> Timing:
        entries = self._entries(q)
        moved = self._relieved(q, entries, sum(int(entry.row[DSP]) for entry in entries))
        return self._sized(q, self._latencies(q, entries, moved)).timing

    def _latencies(
        self, q: QuantizedGraph, entries: Sequence[Entry], moved: Mapping[str, Relief]
    ) -> _Latencies:
        found = zip(q.layers, entries, strict=True)
        return tuple(moved.get(name, entry).latencies for name, entry in found)

    def _sized(self, q: QuantizedGraph, key: _Latencies) -> _Sized:
        """What follows from how long pipelines are."""
        if key not in self._known:
            if len(self._known) == REMEMBERED_TIMINGS:
                self._known.clear()
            flow = with_room_for_pipelines(build_design(q, self._config), self._config.stages)
            self._known[key] = _Sized(flow.links, time_dataflow(flow))
        return self._known[key]

    def _deeper(
        self, q: QuantizedGraph, entries: Sequence[Entry], moved: Mapping[str, Relief]
    ) -> Iterable[Row]:
        """What streams cost that are not what they are in the books."""
        latencies = self._latencies(q, entries, moved)
        if latencies == self._booked:
            return
        of_layer = dict(zip(q.layers, entries, strict=True))
        for name, link in self._sized(q, latencies).links.items():
            booked, maker = self._flow.links[name], self._makers[name]
            if link != booked:
                place, types = self._places[maker], self._types(q, maker)
                known = moved.get(maker) or of_layer.get(maker)
                own = known.own if known else ()
                yield place.bill_stream(name, link, types, own).row
                yield -place.bill_stream(name, booked, types, own).row

    def _types(self, q: QuantizedGraph, name: str) -> Types:
        kind = q.input_types.get(name)
        return types_of(q.layers[name]) if kind is None else [kind]

    def _entries(self, q: QuantizedGraph) -> list[Entry]:
        known, places, found = self._layers, self._places, list[Entry]()
        for name, layer in q.layers.items():
            entry = known.get(layer)
            if entry is None:
                entry = known[layer] = places[name].entry(layer)
            found.append(entry)
        return found
