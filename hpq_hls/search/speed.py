"""The folding that all combinations of a search are compared at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hpq_hls.cost import Ledger
from hpq_hls.cost.folding import UNLIMITED, fastest, reached
from hpq_hls.errors import HpqError
from hpq_hls.hardware import HardwareConfig, Io
from hpq_hls.search.limits import TIMES, Bound, Figure, Limits, check_bounds
from hpq_hls.search.objective import Objective, Pricer, figures_of
from hpq_hls.simulate import QuantizedGraph

TYPICAL_WIDTH = 8
"""Width of the network that capacity is looked at with, before anything is known of accuracy."""


def pricer_of(
    objective: Objective,
    limits: Limits,
    part: str,
    clock_ns: float,
    hardware: HardwareConfig | None,
    typical: QuantizedGraph,
) -> Pricer:
    """How networks are priced, all at one folding.

    typical: the network at about 8 bits. Its types hardly matter for cycles, and not at all for how far
    layers can be folded. hardware: None for streams on ``part``.

    With io "stream" and no target interval of the user's own,
    1. a latency or throughput limit is met with the slowest folding that does, which needs the least
       hardware; if none does, the fastest there is shows by how much;
    2. otherwise, or if the objective is a time, the folding is the fastest that the typical network fits the
       part with, and the limits on resources, without moving products from DSP blocks into LUTs: there
       prices would jump.

    Raises:
        ConfigError: an unknown part, or folding that does not suit the network.
    """
    config = replace(hardware or HardwareConfig(), part=part)
    bounds = limits.bounds(part, clock_ns)
    if config.io is Io.STREAM and config.target_interval is None:
        needed = objective.figures | {bound.figure for bound in bounds}
        chooser = _Chooser(typical, config, part, bounds)
        try:
            config = replace(config, target_interval=chooser.choose(bool(objective.figures & TIMES)))
        except HpqError:  # a network without hardware can still be searched for few bits
            if any(figure.estimated for figure in needed):
                raise
    return Pricer(objective, bounds, part, clock_ns, config)


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
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
