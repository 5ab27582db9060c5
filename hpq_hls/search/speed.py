"""The folding that all combinations of a search are compared at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hpq_hls.cost import Ledger, find_part
from hpq_hls.cost.folding import UNLIMITED, fastest, first, reached
from hpq_hls.errors import HpqError
from hpq_hls.hardware import HardwareConfig, Io, Multiplier, without_dead
from hpq_hls.search.limits import RESOURCES, TIMES, Bound, Figure, Limits, check_bounds
from hpq_hls.search.measurement import Price
from hpq_hls.search.objective import Objective, Pricer, figures_of
from hpq_hls.simulate import QuantizedGraph

TYPICAL_WIDTH = 8
"""Width of the network that capacity is looked at with, before anything is known of accuracy."""
NARROW_WIDTH = 4
"""The same where the network is to be as fast as the part allows."""


@dataclass(frozen=True)
class HurriedPricer(Pricer):
    """Prices networks by how fast they could be, each folded as it allows.

    Of a design of twice the speed everything is about twice as large. So what a network takes at one folding,
    all its products in LUTs, as a share of what it may take, times the interval of that folding, is about
    the interval at which it would fill the part. It is that which is searched for; ``settled`` then folds
    what was chosen, and gives the figures of the design itself.
    """

    asked: HardwareConfig
    target: int

    def __call__(self, q: QuantizedGraph) -> Price:
        """The cost is in cycles; of the bounds only those count that need no estimate."""
        figures = self.figures(q, {*RESOURCES, *(bound.figure for bound in self._counted)})
        room = rooms(self.bounds, self.part, self.asked.utilisation)
        share = max(figures[figure] / most for figure, most in room.items() if figure is not Figure.DSP)
        slacks = tuple(
            check.slack if check.bound in self._counted else -1.0
            for check in check_bounds(self.bounds, dict.fromkeys(Figure, 0.0) | figures)
        )
        return Price(self.target * share, q.weight_bits, slacks)

    @property
    def _counted(self) -> list[Bound]:
        return [bound for bound in self.bounds if not bound.figure.estimated]

    def settled(self, q: QuantizedGraph) -> Pricer:
        """Prices at the fastest folding of this network; at the slowest where none fits."""
        room = {figure.value: int(most) for figure, most in rooms(self.bounds, self.part, 1.0).items()}
        left = without_dead(q, self.asked)
        target = fastest(left, self.asked, room=room, asked=True)
        if target is None:
            target = reached(left, self.asked, UNLIMITED)
        config = replace(self.asked, target_interval=target)
        return Pricer(self.objective, self.bounds, self.part, self.clock_ns, config)


def rooms(bounds: tuple[Bound, ...], part: str, utilisation: float) -> dict[Figure, float]:
    """The most that a design may take of each resource: the bounds, or else the share of the part."""
    has = {Figure(name): most for name, most in find_part(part).resources.items()}
    own = {figure: [bound.most for bound in bounds if bound.figure is figure] for figure in has}
    return {figure: max(min([utilisation * most, *own[figure]]), 1.0) for figure, most in has.items()}


def pricer_of(
    objective: Objective,
    limits: Limits,
    part: str,
    clock_ns: float,
    hardware: HardwareConfig | None,
    typical: QuantizedGraph,
    narrow: QuantizedGraph | None = None,
) -> Pricer:
    """How networks are priced, all at one folding.

    typical: the network at about 8 bits. Its types hardly matter for cycles, and not at all for how far
    layers can be folded. narrow: at about 4 bits, None for ``typical``. hardware: None for streams on
    ``part``.

    With io "stream" and no target interval of the user's own,
    0. an objective that is nothing but time is searched for with the folding open (see ``HurriedPricer``);
    1. a latency or throughput limit is met with the slowest folding that does, which needs the least
       hardware; if none does, the fastest there is shows by how much;
    2. otherwise, or if the objective is a time, the folding is the fastest that the typical network fits the
       part with, and the limits on resources, without moving products from DSP blocks into LUTs: there
       prices would jump.

    Raises:
        ConfigError: an unknown part, or folding that does not suit the network.
    """
    config = replace(hardware or HardwareConfig(), part=part, clock_ns=clock_ns)
    bounds = limits.bounds(part, clock_ns)
    if config.io is Io.STREAM and config.target_interval is None:
        if objective.hurried:
            return _hurried(objective, bounds, clock_ns, config, narrow or typical)
        needed = objective.figures | {bound.figure for bound in bounds}
        chooser = _Chooser(without_dead(typical, config), config, part, bounds)
        try:
            config = replace(config, target_interval=chooser.choose(bool(objective.figures & TIMES)))
        except HpqError:  # a network without hardware can still be searched for few bits
            if any(figure.estimated for figure in needed):
                raise
    return Pricer(objective, bounds, part, clock_ns, config)


def _hurried(
    objective: Objective,
    bounds: tuple[Bound, ...],
    clock_ns: float,
    config: HardwareConfig,
    q: QuantizedGraph,
) -> Pricer:
    left = without_dead(q, config)
    target = fastest(left, config) or reached(left, config, UNLIMITED)
    layers = {name: replace(own, multiplier=Multiplier.LUT) for name, own in config.layers.items()}
    compared = replace(config, target_interval=target, multiplier=Multiplier.LUT, layers=layers)
    return HurriedPricer(objective, bounds, config.part, clock_ns, compared, config, target)


@dataclass(frozen=True, eq=False)
class _Chooser:
    """Chooses a target interval for a network."""

    q: QuantizedGraph
    config: HardwareConfig
    part: str
    bounds: tuple[Bound, ...]

    def choose(self, hurry: bool) -> int:
        """The target; hurry: whether time is what is to be saved."""
        longest = reached(self.q, self.config, UNLIMITED)
        times = [bound for bound in self.bounds if bound.figure in TIMES]
        if times:
            slowest = _last(1, longest, lambda target: self._excess(times, target) == 0)
            if slowest is None:
                return reached(self.q, self.config, 1)
            if not hurry:
                return slowest
            longest = slowest
        quickest = min(fastest(self.q, self.config, in_luts=False) or longest, longest)
        room = [bound for bound in self.bounds if bound.figure not in TIMES and bound.figure.estimated]
        if not room or self._excess(room, quickest) == 0:
            return quickest
        tight = _last(quickest, longest, lambda target: self._excess(room, target) > 0)
        return longest if tight is None else min(tight + 1, longest)

    def _excess(self, bounds: list[Bound], target: int) -> float:
        figures = self._figures(target)
        return max(check.excess for check in check_bounds(bounds, figures))

    def _figures(self, target: int) -> dict[Figure, float]:
        config = replace(self.config, target_interval=target)
        return figures_of(self.q, [bound.figure for bound in self.bounds], Ledger(config, self.part))


def _last(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """The last number of ``low..high`` for which ``holds``, if it holds up to some number and then no more;
    None if it does not hold for the first."""
    if not holds(low):
        return None
    failing = first(low, high, lambda number: not holds(number))
    return high if failing is None else failing - 1
