"""Does a design fit its part, and if not: what is the nearest that does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from hpq_hls.billing.parts import PARTS, Family, Part, find_part
from hpq_hls.cost.capacity import Shortage, shortages
from hpq_hls.cost.design import build_design
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.cost.folding import UNLIMITED, fastest, folded_for, interval_of, reached
from hpq_hls.hardware import Dataflow, HardwareConfig, Io, without_dead
from hpq_hls.simulate import QuantizedGraph


@dataclass(frozen=True)
class Proposal:
    """Something that fits with at most the settings' share of each resource.

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


def _nearest(flow: Dataflow, q: QuantizedGraph, config: HardwareConfig, device: Part) -> Proposal | None:
    """A slower folding on the same part; else the smallest larger part, at the folding that was asked for if
    a part has room for that."""
    stream = replace(config, io=Io.STREAM, part=device.name, target_interval=None)
    left = without_dead(q, stream)
    target = fastest(left, stream)
    if target is not None:
        return Proposal(device.name, stream.io.value, target, folded_for(left, stream, target).interval)
    slowest = replace(stream, target_interval=reached(left, stream, UNLIMITED))
    asked = config if config.io is Io.PARALLEL else replace(config, target_interval=interval_of(flow))
    for wish in (asked, slowest):
        made = build_design(q, wish)
        bills = {family: bill_dataflow(made, family) for family in Family if _alike(family, device)}
        rooms = [
            part
            for part in PARTS
            if part.family in bills and not shortages(bills[part.family], part, config.utilisation)
        ]
        if rooms:
            best = min(rooms, key=lambda part: (part.lut, part.dsp, part.bram, part.name))
            target = None if wish.io is Io.PARALLEL else wish.target_interval
            return Proposal(best.name, wish.io.value, target, interval_of(made))
    return None


def _alike(family: Family, device: Part) -> bool:
    """Whether a part of a family could stand in for another: it has LUTs of as many inputs."""
    return family.fabric.lut_inputs == device.family.fabric.lut_inputs
