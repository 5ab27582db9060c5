"""What a precision combination costs; smaller is better."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hpq_hls.billing.products import LUTS_PER_DSP
from hpq_hls.cost import Ledger
from hpq_hls.hardware import HardwareConfig
from hpq_hls.search.errors import SettingError
from hpq_hls.search.limits import RESOURCES, TIMES, Bound, Checked, Figure, check_bounds
from hpq_hls.search.measurement import Price
from hpq_hls.simulate import QuantizedGraph

Pricing = Callable[[QuantizedGraph], Price]

TITLES = {
    Figure.LUT: "LUT",
    Figure.FF: "FF",
    Figure.DSP: "DSP",
    Figure.BRAM: "BRAM",
    Figure.LATENCY: "latency in cycles",
    Figure.INTERVAL: "cycles per inference",
    Figure.WEIGHT_BITS: "bits of weight memory",
    Figure.BOPS: "bit operations",
}
THROUGHPUT = "throughput"
"""Objective: as many inferences per second as possible, that is, the least interval."""
OBJECTIVES = (*(figure.value for figure in Figure), THROUGHPUT)


@dataclass(frozen=True)
class Objective:
    """A weighted sum of figures; one alone has weight 1.

    In the figure "lut" a DSP counts as ``LUTS_PER_DSP``, unless the sum has a weight of its own for "dsp":
    priced at nothing, a search for few LUTs would widen layers until their multipliers move into DSPs.
    """

    terms: tuple[tuple[Figure, float], ...]

    @property
    def hurried(self) -> bool:
        """Whether time is all that counts."""
        return len(self.terms) == 1 and self.terms[0][0] in TIMES

    @property
    def name(self) -> str:
        """For people and files: "lut", or "lut + 200 bram"."""
        return " + ".join(
            figure.value if weight == 1 else f"{weight:g} {figure.value}" for figure, weight in self.terms
        )

    @property
    def title(self) -> str:
        """What the cost is the sum of, for people: "LUT + 55 DSP"."""
        return " + ".join(
            TITLES[figure] if weight == 1 else f"{weight:g} {TITLES[figure]}"
            for figure, weight in self._weights.items()
        )

    @property
    def _weights(self) -> dict[Figure, float]:
        """Of each figure, the price of DSPs that comes with LUTs included."""
        weights = dict(self.terms)
        if Figure.LUT in weights and Figure.DSP not in weights:
            weights[Figure.DSP] = LUTS_PER_DSP * weights[Figure.LUT]
        return weights

    @property
    def figures(self) -> frozenset[Figure]:
        """What must be known of a network."""
        own = frozenset(figure for figure, _ in self.terms)
        return own | {Figure.DSP} if Figure.LUT in own else own

    def cost(self, figures: Mapping[Figure, float]) -> float:
        """The sum."""
        return float(sum(weight * figures[figure] for figure, weight in self._weights.items()))


def find_objective(given: str | Mapping[str, float] | Objective) -> Objective:
    """The objective that is meant: a name, or a weight for each of several names.

    Raises:
        SettingError: there is none of a name, or a weight is no number above 0.
    """
    if isinstance(given, Objective):
        return given
    if isinstance(given, str):
        given = {given: 1.0}
        place: tuple[str, ...] = ("objective",)
    elif isinstance(given, Mapping):
        place = ()
    else:
        raise SettingError(("objective",), f"is {given!r}; give a name, or a mapping of names to weights")
    if not given:
        raise SettingError(
            ("objective",), "is empty; give a weight to one or more of " + ", ".join(OBJECTIVES)
        )
    for name, weight in given.items():
        if name not in OBJECTIVES:
            close = difflib.get_close_matches(str(name), OBJECTIVES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(OBJECTIVES)}"
            keys = place or ("objective", str(name))
            raise SettingError(keys, f"is {name!r}; {hint}" if place else f"is no objective; {hint}")
        number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
        if not number or not 0 < weight < math.inf:
            raise SettingError(("objective", str(name)), f"is {weight!r}; a weight is a number above 0")
    return Objective(tuple((_FIGURES[name], float(weight)) for name, weight in given.items()))


_FIGURES = {figure.value: figure for figure in Figure} | {THROUGHPUT: Figure.INTERVAL}


@dataclass(frozen=True)
class Pricer:
    """What a network costs by an objective, and whether it is within bounds: one estimate for both.

    config: with a target interval, where io is stream, so that all networks are compared at one speed (see
    ``pricer_of``). Networks that share layers, as those of one ``Quantizer`` do, are cheap to price together.
    """

    objective: Objective
    bounds: tuple[Bound, ...]
    part: str
    clock_ns: float
    config: HardwareConfig
    _ledger: Ledger = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ledger", Ledger(self.config, self.part))

    def __call__(self, q: QuantizedGraph) -> Price:
        """Cost, and how far each bound is away."""
        figures = self.figures(q, self.objective.figures | {bound.figure for bound in self.bounds})
        slacks = tuple(check.slack for check in check_bounds(self.bounds, figures))
        return Price(self.objective.cost(figures), q.weight_bits, slacks)

    def check(self, q: QuantizedGraph) -> tuple[Checked, ...]:
        """What a network takes beside what it may take."""
        return check_bounds(self.bounds, self.figures(q, {bound.figure for bound in self.bounds}))

    def figures(self, q: QuantizedGraph, wanted: Iterable[Figure]) -> dict[Figure, float]:
        """Some figures of a network; nothing is estimated where counting will do."""
        return figures_of(q, wanted, self._ledger)

    def settled(self, q: QuantizedGraph) -> Pricer:
        """What prices this network once it is chosen: at the folding that it is then built with."""
        return self


def figures_of(q: QuantizedGraph, wanted: Iterable[Figure], ledger: Ledger) -> dict[Figure, float]:
    """Figures of a network, estimated by a ledger."""
    names = set(wanted)
    found: dict[Figure, float] = {}
    if Figure.WEIGHT_BITS in names:
        found[Figure.WEIGHT_BITS] = q.weight_bits
    if Figure.BOPS in names:
        found[Figure.BOPS] = bit_operations(q)
    if not names.isdisjoint(RESOURCES):
        made = ledger.resources(q)
        found |= {Figure.LUT: made.lut, Figure.FF: made.ff, Figure.DSP: made.dsp, Figure.BRAM: made.bram}
    if not names.isdisjoint(TIMES):
        timing = ledger.timing(q)
        found |= {Figure.LATENCY: timing.latency, Figure.INTERVAL: timing.interval}
    return found


def bit_operations(q: QuantizedGraph) -> int:
    """Sum over all multiplications of weight width times input width (BOPs).

    A weight is as wide as it is stored: without the shift of its channel, which is done to the finished sum.
    """
    total = 0
    for name, layer in q.layers.items():
        if layer.weight_raw is None or layer.weight_width is None:
            continue
        positions = math.prod(q.graph.shapes[name][1:])
        input_width = q.edges[layer.inputs[0]].type.width
        total += layer.weight_raw.size * positions * layer.weight_width * input_width
    return total
