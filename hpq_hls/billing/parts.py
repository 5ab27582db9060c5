"""The catalogue of parts: how much of everything a device has."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hpq_hls.billing.catalogue import BOARDS, LINES
from hpq_hls.billing.families import DSP48E1, DSP48E2, DSP58, Family, Operands
from hpq_hls.errors import ConfigError

__all__ = ["BOARDS", "DSP48E1", "DSP48E2", "DSP58", "PARTS", "Family", "Operands", "Part", "find_part"]


@dataclass(frozen=True)
class Part:
    """A device without package, speed grade and temperature range.

    name: lower case, e.g. "xc7z020"; line: product line; lut, ff, dsp: what it has; bram: block RAMs of
    ``Fabric.bram_kbit`` kbit, 18 of all families but iCE40 (a 36-kbit block counts as two); source: the data
    sheet.
    """

    name: str
    line: str
    family: Family
    lut: int
    ff: int
    dsp: int
    bram: int
    source: str

    @property
    def resources(self) -> dict[str, int]:
        """What it has of "lut", "ff", "dsp" and "bram"."""
        return {"lut": self.lut, "ff": self.ff, "dsp": self.dsp, "bram": self.bram}


def _catalogue() -> Iterator[Part]:
    for line, family, source, table in LINES:
        words = table.split()
        # Of AMD's a LUT has two flip-flops, and a block RAM is two of 18 kbit.
        double = 2 if family.fabric.vendor == "AMD" else 1
        for name, lut, dsp, bram in zip(*(words[i::4] for i in range(4)), strict=True):
            yield Part(name, line, family, int(lut), double * int(lut), int(dsp), double * int(bram), source)


PARTS: tuple[Part, ...] = tuple(_catalogue())
"""All known parts."""

_BY_NAME = {part.name: part for part in PARTS}


@functools.lru_cache(maxsize=256)
def find_part(name: str) -> Part:
    """The catalogue entry of a part.

    name: as the vendor tool takes it, e.g. "xc7z020clg400-1": package, speed grade and temperature
    range may follow. Automotive (xa) and defence (xq) grades count as their commercial sibling.

    Raises:
        ConfigError: the part is not in the catalogue; the message names the nearest ones.
    """
    wanted = name.strip().lower() if isinstance(name, str) else ""
    base = re.sub(r"^x[aq]r?(?=7|zu|ku|vu|au|v[cem]\d)", "xc", wanted)
    if re.fullmatch(r"[a-z0-9-]+", base):
        for length in range(len(base), 3, -1):
            part = _BY_NAME.get(base[:length])
            # "xcu50" is not the beginning of an "xcu500".
            if part is not None and not base[length : length + 1].isdigit():
                return part
    raise ConfigError(f"part {name!r} is not in the catalogue; {_hint(wanted)}")


def _hint(wanted: str) -> str:
    board = difflib.get_close_matches(wanted.replace("_", "-"), BOARDS, n=1, cutoff=0.8)
    if board:
        return f"for the board {board[0]} give {BOARDS[board[0]]}"
    stem = wanted.split("-")[0][:9]
    longer = [name for name in _BY_NAME if len(stem) > 3 and name.startswith(stem)]
    near = longer[:3] or difflib.get_close_matches(stem, _BY_NAME, n=3, cutoff=0.5)
    near = near or ["xc7z020", "xczu3eg", "xcku115"]
    return f"the nearest it knows: {', '.join(near)}"
