"""What samples reach inside of a network, layer by layer, and what they never reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hpq_hls.ops.base import IntArray
from hpq_hls.simulate import engine
from hpq_hls.simulate.layer import QuantizedLayer, WideArray
from hpq_hls.simulate.probe import BoolArray, Goal, Hits, Probe
from hpq_hls.simulate.threads import one_thread

if TYPE_CHECKING:  # that class calls these functions
    from hpq_hls.simulate.quantized_graph import QuantizedGraph

BLOCK_ELEMENTS = 1 << 22
"""Of all values of a network for the samples that are looked at together."""
MAX_BLOCK = 64
"""Samples that are looked at together."""

NEVER = {
    Goal.BELOW: "sums below the bound of its activation",
    Goal.THROUGH: "sums within the bounds of its activation",
    Goal.ABOVE: "sums above the bound of its activation",
    Goal.LOW: "low saturation",
    Goal.HIGH: "high saturation",
    Goal.UP: "rounding up",
    Goal.DOWN: "rounding down",
}


@dataclass(frozen=True)
class Reach:
    """reached: of how many places that can be, total."""

    reached: int
    total: int

    def __str__(self) -> str:
        return f"{self.reached:,} of {self.total:,}"


@dataclass(frozen=True)
class LayerCoverage:
    """What samples reached in one layer.

    goals: by the name of the goal (``hpq_hls.simulate.probe.Goal``), in how many channels it was reached, or
    how many weights or words of the table; of those in which the intervals of values allow it. A goal that
    they allow nowhere is not there.
    lowest, highest: the least and the largest exact sum; least, most: those that the intervals allow; None
    where there are no sums. share: how much of each channel's interval lies between the two that it reached,
    the mean of the channels.
    """

    name: str
    kind: str
    goals: Mapping[str, Reach]
    least: int | None
    lowest: int | None
    highest: int | None
    most: int | None
    share: float | None

    @property
    def unreached(self) -> tuple[str, ...]:
        """What was never reached, a sentence each."""
        said = []
        for name, found in self.goals.items():
            goal, missing = Goal(name), found.total - found.reached
            if not missing:
                continue
            if goal is Goal.ENTRY:
                said.append(f"{self.name}: {missing:,} of {found.total:,} table entries never read")
            elif goal is Goal.WEIGHT:
                said.append(f"{self.name}: {missing:,} of {found.total:,} weights never counted")
            elif found.reached:
                where = f"in {missing:,} of {found.total:,} channels"
                said.append(f"{self.name}: {NEVER[goal]} never reached {where}")
            else:
                said.append(f"{self.name}: {NEVER[goal]} never reached")
        return tuple(said)


@dataclass(frozen=True)
class Coverage:
    """What samples reached. layers: those that have sums, activations or tables, in order."""

    derived: ClassVar[tuple[str, ...]] = ("unreached",)

    samples: int
    layers: tuple[LayerCoverage, ...]

    def __getitem__(self, name: str) -> LayerCoverage:
        return next(layer for layer in self.layers if layer.name == name)

    @property
    def unreached(self) -> tuple[str, ...]:
        """What was never reached, a sentence each."""
        return tuple(sentence for layer in self.layers for sentence in layer.unreached)

    @property
    def total(self) -> Reach:
        """Over all goals and layers."""
        found = [reach for layer in self.layers for reach in layer.goals.values()]
        return Reach(sum(item.reached for item in found), sum(item.total for item in found))

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "unreached": list(self.unreached)}

    def __str__(self) -> str:
        """A table, one line for each layer, and what was never reached."""
        rows = [HEADER, *coverage_rows(self.to_dict()["layers"])]
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
        return "\n".join([line.rstrip() for line in lines] + [f"never: {item}" for item in self.unreached])


COLUMNS = (
    ("below", Goal.BELOW),
    ("within", Goal.THROUGH),
    ("above", Goal.ABOVE),
    ("sat. low", Goal.LOW),
    ("sat. high", Goal.HIGH),
    ("down", Goal.DOWN),
    ("up", Goal.UP),
    ("weights", Goal.WEIGHT),
    ("table", Goal.ENTRY),
)
HEADER = ("layer", *(label for label, _ in COLUMNS), "sums")


def coverage_rows(layers: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Of layers as JSON has them, by ``HEADER``: the name; in which share of the channels that can do it
    sums were below, within and above the bounds of the activation, values saturated, rounding went down and
    up; the shares of weights and of words of tables that were used; of the interval of sums. Rounded down."""
    rows = []
    for layer in layers:
        goals, share = layer["goals"], layer["share"]
        found = [_percent(goals[goal.value]) if goal.value in goals else "-" for _, goal in COLUMNS]
        rows.append((layer["name"], *found, "-" if share is None else f"{int(100 * share)} %"))
    return rows


def _percent(reach: Mapping[str, int]) -> str:
    return f"{100 * reach['reached'] // reach['total']} %"


def probes(q: QuantizedGraph) -> Mapping[str, Probe]:
    """Of every layer that has something to look at."""
    shapes, found = q.graph.shapes, {}
    for name, layer in q.layers.items():
        probe = Probe.of(layer, [shapes[given] for given in layer.inputs], shapes[name])
        if probe is not None:
            found[name] = probe
    return MappingProxyType(found)


def blocks(q: QuantizedGraph, raw: Mapping[str, IntArray]) -> Iterator[tuple[slice, dict[str, IntArray]]]:
    """Raw values of every edge by name, a block of samples at a time. raw: the inputs by name."""
    samples = len(next(iter(raw.values())))
    elements = sum(int(np.prod(shape)) for shape in q.graph.shapes.values())
    step = max(min(BLOCK_ELEMENTS // max(elements, 1), MAX_BLOCK), 1)
    for start in range(0, samples, step):
        rows = slice(start, min(start + step, samples))
        yield rows, engine.simulate_all(q, {name: part[rows] for name, part in raw.items()})


def inputs_of(layer: QuantizedLayer, values: Mapping[str, IntArray]) -> list[IntArray]:
    """What a layer reads, in order."""
    return [values[name] for name in layer.inputs]


@dataclass
class _Reached:
    """By one layer, over the samples so far."""

    goals: dict[Goal, BoolArray]
    lowest: WideArray | None = None
    highest: WideArray | None = None

    def take(self, hits: Hits) -> None:
        for goal, found in hits.goals.items():
            self.goals[goal] |= found.any(axis=0)
        if hits.lowest is not None and hits.highest is not None:
            lowest, highest = hits.lowest.min(axis=0), hits.highest.max(axis=0)
            self.lowest = lowest if self.lowest is None else np.minimum(self.lowest, lowest)
            self.highest = highest if self.highest is None else np.maximum(self.highest, highest)


def measure(q: QuantizedGraph, raw: Mapping[str, IntArray]) -> Coverage:
    """See ``QuantizedGraph.coverage``. raw: the inputs by name, (samples, *shape)."""
    with one_thread():
        return _measured(q, raw)


def _measured(q: QuantizedGraph, raw: Mapping[str, IntArray]) -> Coverage:
    looking = probes(q)
    reached = {
        name: _Reached({goal: np.zeros(held.shape, np.bool_) for goal, held in probe.possible.items()})
        for name, probe in looking.items()
    }
    for _, values in blocks(q, raw):
        for name, probe in looking.items():
            reached[name].take(probe.look(inputs_of(probe.layer, values)))
    samples = len(next(iter(raw.values())))
    return Coverage(samples, tuple(_record(looking[name], held) for name, held in reached.items()))


def _record(probe: Probe, held: _Reached) -> LayerCoverage:
    goals = {
        goal.value: Reach(int((held.goals[goal] & possible).sum()), int(possible.sum()))
        for goal, possible in probe.possible.items()
    }
    ends, lowest, highest = probe.ends, held.lowest, held.highest
    name, kind = probe.layer.name, probe.layer.kind
    if ends is None or lowest is None or highest is None:
        return LayerCoverage(name, kind, goals, None, None, None, None, None)
    spans = zip((highest - lowest).tolist(), (ends[1] - ends[0]).tolist(), strict=True)
    shares = [reached / whole if whole else 1.0 for reached, whole in spans]
    return LayerCoverage(
        name,
        kind,
        goals,
        least=int(ends[0].min()),
        lowest=int(lowest.min()),
        highest=int(highest.max()),
        most=int(ends[1].max()),
        share=float(np.mean(shares)),
    )
