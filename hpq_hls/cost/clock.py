"""How fast a design is clocked, by the model of delays."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hpq_hls.billing.delays import Pace
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Kernel

TOLERANCE = 1e-9
"""Of two clock periods that are meant to be the same."""


@dataclass(frozen=True)
class FastestClock:
    """period_ns: of the fastest clock. kernel: that with the longest stage, the first of several."""

    period_ns: float
    kernel: Kernel

    @property
    def mhz(self) -> float:
        """Its frequency, to a tenth."""
        return round(1000 / self.period_ns, 1)


def fastest_clock(flow: Dataflow) -> FastestClock:
    """The fastest clock at which every stage of every kernel has time for its logic."""
    kernel = max(flow.kernels, key=lambda kernel: kernel.critical(flow.streams))
    return FastestClock(kernel.pace.delays.period(kernel.critical(flow.streams)), kernel)


def clock_note(flow: Dataflow, part: str, clock_ns: float) -> str | None:
    """A sentence if the clock cannot be met, by the model, with as many registers as there can be."""
    found = fastest_clock(flow)
    if found.period_ns <= clock_ns + TOLERANCE:
        return None
    best = fastest_clock(replace(flow, kernels=tuple(_pressed(kernel) for kernel in flow.kernels)))
    return (
        f"clock_ns {clock_ns:g} cannot be met on {part}: the longest stage of {found.kernel.name} (layer "
        f"{found.kernel.layer}) takes {found.period_ns:.2f} ns by the model of delays; the fastest clock "
        f"that it thinks possible for this design is {best.period_ns:.2f} ns"
    )


def _pressed(kernel: Kernel) -> Kernel:
    """With a register wherever there can be one."""
    delays = kernel.pace.delays
    return kernel.at(Pace(delays, delays.left(0)))
