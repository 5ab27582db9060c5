"""Of which resources a design takes more than a part has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpq_hls.billing.bill import Bill
from hpq_hls.billing.parts import Part
from hpq_hls.cost.estimate import luts_of

_NAMES = {"lut": "LUTs", "ff": "flip-flops", "dsp": "DSPs", "bram": "block RAMs"}


@dataclass(frozen=True)
class Shortage:
    """A resource that a part has too little of. resource: "lut", "ff", "dsp" or "bram"; bram_kbit: of a block
    RAM."""

    resource: str
    used: int
    available: int
    bram_kbit: int = 18

    def __str__(self) -> str:
        """Such as "376 block RAMs of 18 kbit of 280 (134 %)"."""
        name = _NAMES[self.resource] + (f" of {self.bram_kbit} kbit" if self.resource == "bram" else "")
        if not self.available:
            return f"{self.used:,} {name}, of which it has none"
        percent = max(round(100 * self.used / self.available), 101)
        return f"{self.used:,} {name} of {self.available:,} ({percent:,} %)"


def shortages(
    bill: Bill, device: Part, share: float = 1.0, room: Mapping[str, int] | None = None
) -> tuple[Shortage, ...]:
    """The resources of which a bill takes more than a share of what a part has, the scarcest first.

    room: the most of some of them, whatever the part has.
    """
    used = {"lut": luts_of(bill), "ff": bill.ff, "dsp": bill.dsp, "bram": bill.bram}
    has = device.resources
    most = {name: min(share * has[name], (room or has)[name]) for name in has}
    kbit = device.family.fabric.bram_kbit
    short = [Shortage(name, used[name], has[name], kbit) for name in used if used[name] > most[name]]
    return tuple(sorted(short, key=lambda item: item.available / item.used))
