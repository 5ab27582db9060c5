"""The longest path between registers of a netlist of 7-series cells, by the figures of billing/delays.py.

Nets have no lengths yet: each counts the same. So it compares circuits that one tool has mapped by the logic
that they have between registers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hpq_hls.billing.delays import AMD

REGISTERS = ("FD", "SRL", "RAM")
Bit = int | str
"""A net, or the text of a constant."""


def longest_path(netlist: Path, top: str) -> int:
    """Picoseconds from the clock to the data of a register or to an output; inputs come out of registers.

    netlist: what Yosys' ``write_json`` has written of the flat module ``top``.
    """
    module = json.loads(netlist.read_text())["modules"][top]
    ends = [bit for port in module["ports"].values() if port["direction"] == "output" for bit in port["bits"]]
    for cell in module["cells"].values():
        if cell["type"].startswith(REGISTERS):
            read = (name for name, way in cell["port_directions"].items() if way == "input")
            ends += [bit for name in read if name != "C" for bit in cell["connections"][name]]
    paths = _Paths(module["cells"].values())
    return max(map(paths.arrival, ends), default=0)


class _Paths:
    """When each net is there, after a rising edge of the clock."""

    def __init__(self, cells: Sequence[Mapping[str, Any]]) -> None:
        self._made = {
            bit: (cell, port, place)
            for cell in cells
            for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "output"
            for place, bit in enumerate(bits)
        }
        self._known: dict[Bit, int] = {}

    def arrival(self, end: Bit) -> int:
        """Picoseconds; a constant is always there."""
        waiting = [end]
        while waiting:
            bit = waiting[-1]
            missing = [one for one in self._before(bit) if one not in self._known]
            if missing and bit not in self._known:
                waiting += missing
                continue
            self._known.setdefault(bit, self._time(bit))
            waiting.pop()
        return self._known[end]

    def _before(self, bit: Bit) -> list[Bit]:
        """The nets that a net depends on within a cycle."""
        if bit not in self._made:
            return []
        cell, _, place = self._made[bit]
        if cell["type"].startswith(REGISTERS):
            return []
        names = [name for name, way in cell["port_directions"].items() if way == "input"]
        if cell["type"] != "CARRY4":
            return [one for name in names for one in cell["connections"][name]]
        ends = cell["connections"]
        return [*ends["S"][: place + 1], *ends["DI"][: place + 1], *ends["CI"], *ends["CYINIT"]]

    def _time(self, bit: Bit) -> int:
        if isinstance(bit, str):
            return 0
        if bit not in self._made or self._made[bit][0]["type"].startswith(REGISTERS):
            return AMD.clock_to_q
        cell, port, place = self._made[bit]
        ends = cell["connections"]
        if cell["type"] != "CARRY4":
            own = 0 if cell["type"].startswith("MUXF") else AMD.lut + AMD.net
            return max((self._known[one] for one in self._before(bit)), default=0) + own
        into = [self._into_carry(one) for one in ends["S"][: place + 1]]
        into += [self._known[one] + AMD.net for one in ends["DI"][: place + 1] if not isinstance(one, str)]
        past = [self._known[one] for one in (*ends["CI"], *ends["CYINIT"])]
        return max(
            max(into, default=0) + AMD.into_carry,
            max(past) + (AMD.carry if port == "CO" else AMD.out_of_carry),
        )

    def _into_carry(self, bit: Bit) -> int:
        """Through the LUT in front of a carry chain, which no net is between."""
        if isinstance(bit, str):
            return 0
        if bit in self._made and self._made[bit][0]["type"].startswith("LUT"):
            return self._known[bit] - AMD.lut + AMD.sum_lut
        return self._known[bit] + AMD.net
