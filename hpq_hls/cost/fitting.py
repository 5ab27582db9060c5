"""Does a design fit its part, and if not: what is the nearest that does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from hpq_hls.cost.bill import Bill
from hpq_hls.cost.estimate import bill_dataflow, luts_of
from hpq_hls.cost.fifos import build_design
from hpq_hls.cost.parts import PARTS, Family, Part, find_part
from hpq_hls.hardware import HardwareConfig, Io, build_dataflow
from hpq_hls.hardware.kernels import Dataflow
from hpq_hls.simulate import QuantizedGraph

UTILISATION = 0.8
"""Share of each resource that a proposal takes at most: placers get into trouble beyond."""
UNLIMITED = 1 << 40
"""A target interval that every folding meets."""
_NAMES = {"lut": "LUTs", "ff": "flip-flops", "dsp": "DSPs", "bram": "block RAMs of 18 kbit"}


@dataclass(frozen=True)
class Shortage:
    """A resource that a part has too little of. resource: "lut", "ff", "dsp" or "bram"."""

    resource: str
    used: int
    available: int

    def __str__(self) -> str:
        """Such as "376 block RAMs of 18 kbit of 280 (134 %)"."""
        percent = max(round(100 * self.used / self.available), 101)
        return f"{self.used:,} {_NAMES[self.resource]} of {self.available:,} ({percent:,} %)"


@dataclass(frozen=True)
class Proposal:
    """Something that fits with at most ``UTILISATION`` of each resource.

    part: the asked-for one, or the nearest larger one of the catalogue. io: the asked-for one, or "stream"
    instead of "parallel". target_interval: cycles per inference that layers are to be folded for; None: no
    folding is to be chosen. interval: of the slowest kernel then.
    """

    part: str
    io: str
    target_interval: int | None
    interval: int


@dataclass(frozen=True)
class Misfit:
    """A design that does not fit.

    shortages: the scarcest first. proposal: None where no part of the catalogue is large enough.
    """

    derived: ClassVar[tuple[str, ...]] = ("sentence",)

    part: str
    io: str
    shortages: tuple[Shortage, ...]
    proposal: Proposal | None

    @property
    def sentence(self) -> str:
        """What is short, by how much, and what would fit."""
        return f"the design needs {' and '.join(map(str, self.shortages))} of {self.part}; {self.remedy}"

    @property
    def remedy(self) -> str:
        """What would fit, as a setting."""
        found = self.proposal
        if found is None:
            return "no folding of it fits any part of the catalogue; use narrower widths or a smaller network"
        settings = []
        if found.part != find_part(self.part).name:
            settings.append(f"part {found.part}")
        if found.io != self.io:
            settings.append(f"io {found.io}")
        if found.target_interval is not None:
            settings.append(f"target_interval {found.target_interval}")
        reached = f"one inference every {found.interval:,} cycles"
        return f"the nearest that fits is {' and '.join(settings)} ({reached})"


def misfit(q: QuantizedGraph, config: HardwareConfig, part: str) -> Misfit | None:
    """What a network folded by ``config`` lacks on a part, with the nearest that fits; None where it fits.

    Raises:
        ConfigError: an unknown part, or folding that does not suit the network.
    """
    return misfit_of(build_design(q, config), q, config, part)


def misfit_of(flow: Dataflow, q: QuantizedGraph, config: HardwareConfig, part: str) -> Misfit | None:
    """The same for the Dataflow that ``config`` gives."""
    device = find_part(part)
    short = shortages(bill_dataflow(flow, device.family), device)
    if not short:
        return None
    return Misfit(part, config.io.value, short, _nearest(flow, q, config, device))


def shortages(bill: Bill, device: Part, share: float = 1.0) -> tuple[Shortage, ...]:
    """The resources of which a bill takes more than a share of what a part has, the scarcest first."""
    used = {"lut": luts_of(bill), "ff": bill.ff, "dsp": bill.dsp, "bram": bill.bram}
    has = {"lut": device.lut, "ff": device.ff, "dsp": device.dsp, "bram": device.bram18}
    short = [Shortage(name, used[name], has[name]) for name in used if used[name] > share * has[name]]
    return tuple(sorted(short, key=lambda item: item.available / item.used))


def _nearest(flow: Dataflow, q: QuantizedGraph, config: HardwareConfig, device: Part) -> Proposal | None:
    """A slower folding on the same part; else the smallest larger part, at the folding that was asked for if
    a part has room for that."""
    stream = replace(config, io=Io.STREAM)
    slowest = replace(stream, target_interval=_reached(q, replace(stream, target_interval=UNLIMITED)))
    slower = _slower(q, slowest, device)
    if slower is not None:
        return slower
    asked = config if config.io is Io.PARALLEL else replace(config, target_interval=_interval(flow))
    for wish in (asked, slowest):
        made = build_design(q, wish)
        bills = {family: bill_dataflow(made, family) for family in Family}
        rooms = [part for part in PARTS if not shortages(bills[part.family], part, UTILISATION)]
        if rooms:
            best = min(rooms, key=lambda part: (part.lut, part.dsp, part.bram18, part.name))
            target = None if wish.io is Io.PARALLEL else wish.target_interval
            return Proposal(best.name, wish.io.value, target, _interval(made))
    return None


def _slower(q: QuantizedGraph, slowest: HardwareConfig, device: Part) -> Proposal | None:
    """The fastest folding that fits; None where not even the slowest does."""

    def fits(target: int) -> bool:
        made = build_design(q, replace(slowest, target_interval=target))
        return not shortages(bill_dataflow(made, device.family), device, UTILISATION)

    fast, slow = 1, slowest.target_interval or UNLIMITED
    if not fits(slow):
        return None
    while fast < slow:  # ``slow`` fits
        middle = (fast + slow) // 2
        if fits(middle):
            slow = middle
        else:
            fast = middle + 1
    interval = _reached(q, replace(slowest, target_interval=slow))
    if fits(interval) and _reached(q, replace(slowest, target_interval=interval)) == interval:
        slow = interval  # a floor that faster targets do not lower is the better word for them all
    return Proposal(device.name, slowest.io.value, slow, interval)


def _reached(q: QuantizedGraph, config: HardwareConfig) -> int:
    return _interval(build_dataflow(q, config))


def _interval(flow: Dataflow) -> int:
    return max(kernel.cycles(flow.streams) for kernel in flow.kernels)
