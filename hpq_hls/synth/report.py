"""What a synthesis tool measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any

from hpq_hls.synth.hls_reports import Cosim, Implementation, Loop, Module, Violation


@dataclass(frozen=True)
class ResourceReport:
    """Resources of a design as a tool reports them.

    lut: look-up tables, those used as memory or shift register included. ff: flip-flops. dsp: DSP blocks.
    bram: block RAMs of 18 kbit (a 36-kbit one counts as two). tool, version: who says so. stage: which step
    of the flow the figures come from; figures of different stages do not compare. fmax_mhz: highest clock
    frequency, None where the stage does not know it. cells: every kind of cell and how many there are, as the
    tool names them. latency_cycles, interval_cycles: cycles per frame where the tool reports them. uram:
    UltraRAM blocks. slack_ns: what is left of the clock, less its uncertainty, by C synthesis. modules,
    loops, violations: of the functions of the C++, as C synthesis has them. cosim: co-simulation by the tool,
    implementations: Vivado's synthesis ("syn") and place and route ("impl") of the RTL, exported: the IP;
    where they were run.
    """

    lut: int
    ff: int
    dsp: int
    bram: int
    tool: str
    version: str
    stage: str
    fmax_mhz: float | None = None
    cells: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    latency_cycles: int | None = None
    interval_cycles: int | None = None
    uram: int = 0
    slack_ns: float | None = None
    modules: tuple[Module, ...] = ()
    loops: tuple[Loop, ...] = ()
    violations: tuple[Violation, ...] = ()
    cosim: Cosim | None = None
    implementations: tuple[Implementation, ...] = ()
    exported: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        several = ("modules", "loops", "violations", "implementations")
        nested = {name: [asdict(one) for one in values[name]] for name in several}
        cosim = None if self.cosim is None else asdict(self.cosim)
        return {**values, **nested, "cells": dict(self.cells), "cosim": cosim}
