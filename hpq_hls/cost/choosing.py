"""PE and SIMD of every layer: the cheapest hardware, by the cost model, that meets a target interval.

Each layer has a few foldings that meet the target. What one costs depends on the lanes that the layers in
front left their streams with, as converters lie between. Layers are decided in the order of the network; of
all decisions that leave the same lanes in the streams still to be read only the cheapest goes on, which finds
the optimum of a chain, and of any network whose open streams have few combinations of lanes.

It is all done at nominal types (see ``hpq_hls.hardware.probe``), so that a target means the same folding for
all networks of a graph: combinations of precisions can be compared, and a target alone says what is built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias
from weakref import WeakKeyDictionary

from hpq_hls.billing.bill import Bill
from hpq_hls.billing.coefficients import luts
from hpq_hls.billing.products import LUTS_PER_DSP
from hpq_hls.cost.kernels import bill_kernel, bill_stream
from hpq_hls.graph import Graph
from hpq_hls.hardware import HardwareConfig, LayerFolding, Link
from hpq_hls.hardware.dataflow import SHORTEST
from hpq_hls.hardware.probe import FAMILY, Piece, Probe
from hpq_hls.simulate import QuantizedGraph

LUTS_PER_FF = 0.5
"""Every LUT of the catalogue's parts has two flip-flops."""
LUTS_PER_BRAM = 190
"""LUTs per block RAM of 18 kbit of a Zynq-7020 (DS190)."""
WIDTH = 64
"""Sets of decisions that go on from layer to layer."""

Lanes: TypeAlias = tuple[int | None, ...]
Choices: TypeAlias = tuple[tuple[str, LayerFolding], ...]


def price_of(bill: Bill) -> float:
    """Everything that a bill takes, as a number of LUTs."""
    return luts(bill) + LUTS_PER_FF * bill.ff + LUTS_PER_DSP * bill.dsp + LUTS_PER_BRAM * bill.bram


def choose_layers(q: QuantizedGraph, config: HardwareConfig, target: int) -> HardwareConfig:
    """The same settings with PE and SIMD of every layer that these leave open.

    Raises:
        ConfigError: folding by hand that does not suit the network.
    """
    known = _KNOWN.setdefault(q.graph, {})
    key = (
        target,
        *q.input_types.items(),
        config.reuse_factor,
        config.multiplier,
        config.strategy,
        config.pace,
        *sorted(config.layers.items(), key=str),
    )
    if key not in known:
        known[key] = _Chooser(q, config, target).choose()
    return replace(config, target_interval=target, layers={**config.layers, **known[key]})


_KNOWN: WeakKeyDictionary[Graph, dict[object, dict[str, LayerFolding]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class _State:
    """Decisions made. lanes: of the streams that are still to be read, by value; None: of an input that takes
    what its reader wants."""

    price: float
    lanes: dict[str, int | None]
    choices: Choices


@dataclass(frozen=True)
class _Way:
    """One way to build a layer. lanes: of its output; choice: None where there is nothing to choose."""

    price: float
    lanes: int
    choice: LayerFolding | None


class _Chooser:
    def __init__(self, q: QuantizedGraph, config: HardwareConfig, target: int) -> None:
        self._q, self._probe = q, Probe(q, config, target)
        self._ways: dict[tuple[str, Lanes], list[_Way]] = {}
        self._prices: dict[tuple[object, ...], float] = {}

    def choose(self) -> dict[str, LayerFolding]:
        left = Counter(name for layer in self._q.layers.values() for name in layer.inputs)
        states = [_State(0.0, {name: self._source(name, left) for name in self._q.graph.inputs}, ())]
        for name, layer in self._q.layers.items():
            left.subtract(layer.inputs)
            closed = {value for value in layer.inputs if not left[value]}
            states = _best(self._behind(states, name, layer.inputs, closed))
        return dict(min(states, key=lambda state: state.price).choices)

    def _source(self, name: str, left: Counter[str]) -> int | None:
        """Lanes at an input port; None where its only reader decides."""
        graph = self._q.graph
        if len(graph.inputs[name]) == 1 and left[name] == 1 and name not in graph.results:
            return None
        return self._probe.input_lanes(name, self._q.input_types[name])

    def _behind(
        self, states: Iterable[_State], name: str, inputs: tuple[str, ...], closed: set[str]
    ) -> Iterator[_State]:
        for state in states:
            kept = {value: lanes for value, lanes in state.lanes.items() if value not in closed}
            for way in self._ways_of(name, tuple(state.lanes[value] for value in inputs)):
                own = () if way.choice is None else ((name, way.choice),)
                yield _State(state.price + way.price, {**kept, name: way.lanes}, (*state.choices, *own))

    def _ways_of(self, name: str, lanes: Lanes) -> list[_Way]:
        key = name, lanes
        if key not in self._ways:
            options = self._probe.options(name, lanes) or (None,)
            self._ways[key] = [self._way(name, lanes, choice) for choice in options]
        return self._ways[key]

    def _way(self, name: str, lanes: Lanes, choice: LayerFolding | None) -> _Way:
        piece = self._probe.piece(name, lanes, choice)
        return _Way(self._price(name, piece, choice), piece.streams[piece.outputs[0]].lanes, choice)

    def _price(self, name: str, piece: Piece, choice: LayerFolding | None) -> float:
        """Of the kernels and of the streams in front of them; what lies behind is the next layer's."""
        total = 0.0
        for kernel in piece.kernels:
            around = [piece.streams[stream] for stream in (*kernel.inputs, *kernel.outputs)]
            key = name, kernel.kind, choice, *((stream.lanes, stream.beats) for stream in around)
            if key not in self._prices:
                self._prices[key] = price_of(bill_kernel(kernel, piece.streams, FAMILY))
            total += self._prices[key]
        for stream in piece.streams.values():
            if stream.name not in piece.outputs:
                total += price_of(bill_stream(stream, FIFO, FAMILY))
        return total


FIFO = Link(0, False, SHORTEST)
"""What a stream is taken to be before there is a design."""


def _best(states: Iterable[_State]) -> list[_State]:
    """The cheapest of those that leave the same lanes, and of these the WIDTH cheapest."""
    best: dict[tuple[tuple[str, int | None], ...], _State] = {}
    for state in states:
        key = tuple(state.lanes.items())
        if key not in best or state.price < best[key].price:
            best[key] = state
    return sorted(best.values(), key=lambda state: state.price)[:WIDTH]
