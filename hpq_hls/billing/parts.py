"""The catalogue of parts: how much of everything a device has.

Figures are those of AMD's product tables: DS180 (7 series), DS190 (Zynq-7000), DS890 (UltraScale and
UltraScale+), DS891 (Zynq UltraScale+ MPSoC), DS889 (Zynq UltraScale+ RFSoC), DS987 (Kria K26) and the
data sheets of the Alveo cards. LUTs and flip-flops are physical ones, not "logic cells".
"""

from __future__ import annotations

import difflib
import enum
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hpq_hls.errors import ConfigError

Operands = tuple[int, int]
"""Bits of the signed operands of a DSP block, the wider first."""

DSP48E1: Operands = (25, 18)
"""7 series (UG479)."""
DSP48E2: Operands = (27, 18)
"""UltraScale and UltraScale+ (UG579)."""
DSP58: Operands = (27, 24)
"""Versal (AM004); no part of the catalogue has it yet."""


class Family(enum.Enum):
    """Generation of the fabric; the value is the name Yosys' synth_xilinx gives it."""

    SERIES_7 = "xc7"
    ULTRASCALE = "xcu"
    ULTRASCALE_PLUS = "xcup"

    @property
    def operands(self) -> Operands:
        """Of its DSP blocks."""
        return DSP48E1 if self is Family.SERIES_7 else DSP48E2

    @property
    def absorbs(self) -> bool:
        """Whether Yosys puts registers and adders around a multiplication into its DSP block: it knows those
        of the DSP48E1 alone."""
        return self is Family.SERIES_7


@dataclass(frozen=True)
class Part:
    """A device without package, speed grade and temperature range.

    name: lower case, e.g. "xc7z020"; line: product line; lut, ff, dsp: what it has;
    bram18: block RAMs of 18 kbit (a 36-kbit block counts as two); source: the data sheet.
    """

    name: str
    line: str
    family: Family
    lut: int
    ff: int
    dsp: int
    bram18: int
    source: str

    @property
    def resources(self) -> dict[str, int]:
        """What it has of "lut", "ff", "dsp" and "bram" (block RAMs of 18 kbit)."""
        return {"lut": self.lut, "ff": self.ff, "dsp": self.dsp, "bram": self.bram18}


# name, LUTs, DSPs, block RAMs of 36 kbit; every LUT has two flip-flops.
_ZYNQ_7000 = """
    xc7z007s 14400 66 50      xc7z012s 34400 120 72     xc7z014s 40600 170 107    xc7z010 17600 80 60
    xc7z015 46200 160 95      xc7z020 53200 220 140     xc7z030 78600 400 265     xc7z035 171900 900 500
    xc7z045 218600 900 545    xc7z100 277400 2020 755
"""
_SPARTAN_7 = """
    xc7s6 3750 10 5           xc7s15 8000 20 10         xc7s25 14600 80 45        xc7s50 32600 120 75
    xc7s75 48000 140 90       xc7s100 64000 160 120
"""
_ARTIX_7 = """
    xc7a12t 8000 40 20        xc7a15t 10400 45 25       xc7a25t 14600 80 45       xc7a35t 20800 90 50
    xc7a50t 32600 120 75      xc7a75t 47200 180 105     xc7a100t 63400 240 135    xc7a200t 134600 740 365
"""
_KINTEX_7 = """
    xc7k70t 41000 240 135     xc7k160t 101400 600 325   xc7k325t 203800 840 445   xc7k355t 222600 1440 715
    xc7k410t 254200 1540 795  xc7k420t 260600 1680 835  xc7k480t 298600 1920 955
"""
_VIRTEX_7 = """
    xc7v585t 364200 1260 795     xc7v2000t 1221600 2160 1292  xc7vx330t 204000 1120 750
    xc7vx415t 257600 2160 880    xc7vx485t 303600 2800 1030   xc7vx550t 346400 2880 1180
    xc7vx690t 433200 3600 1470   xc7vx980t 612000 3600 1500   xc7vx1140t 712000 3360 1880
"""
_KINTEX_ULTRASCALE = """
    xcku025 145440 1152 360   xcku035 203128 1700 540   xcku040 242400 1920 600   xcku060 331680 2760 1080
    xcku085 497520 4100 1620  xcku095 537600 768 1680   xcku115 663360 5520 2160
"""
_VIRTEX_ULTRASCALE = """
    xcvu065 358080 600 1260   xcvu080 445760 672 1421   xcvu095 537600 768 1728   xcvu125 716160 1200 2520
    xcvu160 926400 1560 3276  xcvu190 1074240 1800 3780 xcvu440 2532960 2880 2520
"""
_KINTEX_ULTRASCALE_PLUS = """
    xcku3p 162720 1368 360    xcku5p 216960 1824 480    xcku9p 274080 2520 912    xcku11p 298560 2928 600
    xcku13p 341280 3528 744   xcku15p 522720 1968 984
"""
_VIRTEX_ULTRASCALE_PLUS = """
    xcvu3p 394080 2280 720    xcvu5p 600577 3474 1024   xcvu7p 788160 4560 1440   xcvu9p 1182240 6840 2160
    xcvu11p 1296000 9216 2016 xcvu13p 1728000 12288 2688 xcvu31p 439680 2880 672  xcvu33p 439680 2880 672
    xcvu35p 871680 5952 1344  xcvu37p 1303680 9024 2016
"""
_ALVEO = """
    xcu50 871680 5952 1344    xcu55c 1303680 9024 2016  xcu200 1182240 6840 2160  xcu250 1728000 12288 2688
    xcu280 1303680 9024 2016
"""
_ZYNQ_ULTRASCALE_PLUS = """
    xczu1cg 37440 216 108     xczu1eg 37440 216 108     xczu2cg 47232 240 150     xczu2eg 47232 240 150
    xczu3cg 70560 360 216     xczu3eg 70560 360 216     xczu4cg 87840 728 128     xczu4eg 87840 728 128
    xczu4ev 87840 728 128     xczu5cg 117120 1248 144   xczu5eg 117120 1248 144   xczu5ev 117120 1248 144
    xczu6cg 214604 1973 714   xczu6eg 214604 1973 714   xczu7cg 230400 1728 312   xczu7eg 230400 1728 312
    xczu7ev 230400 1728 312   xczu9cg 274080 2520 912   xczu9eg 274080 2520 912   xczu11eg 298560 2928 600
    xczu15eg 341280 3528 744  xczu17eg 423403 1590 796  xczu19eg 522720 1968 984
"""
_RFSOC = """
    xczu28dr 425280 4272 1080 xczu48dr 425280 4272 1080 xczu49dr 425280 4272 1080
"""
_KRIA = "xck26 117120 1248 144"

_LINES = (
    ("Zynq-7000", Family.SERIES_7, "DS190", _ZYNQ_7000),
    ("Spartan-7", Family.SERIES_7, "DS180", _SPARTAN_7),
    ("Artix-7", Family.SERIES_7, "DS180", _ARTIX_7),
    ("Kintex-7", Family.SERIES_7, "DS180", _KINTEX_7),
    ("Virtex-7", Family.SERIES_7, "DS180", _VIRTEX_7),
    ("Kintex UltraScale", Family.ULTRASCALE, "DS890", _KINTEX_ULTRASCALE),
    ("Virtex UltraScale", Family.ULTRASCALE, "DS890", _VIRTEX_ULTRASCALE),
    ("Kintex UltraScale+", Family.ULTRASCALE_PLUS, "DS890", _KINTEX_ULTRASCALE_PLUS),
    ("Virtex UltraScale+", Family.ULTRASCALE_PLUS, "DS890", _VIRTEX_ULTRASCALE_PLUS),
    ("Zynq UltraScale+ MPSoC", Family.ULTRASCALE_PLUS, "DS891", _ZYNQ_ULTRASCALE_PLUS),
    ("Zynq UltraScale+ RFSoC", Family.ULTRASCALE_PLUS, "DS889", _RFSOC),
    ("Kria K26", Family.ULTRASCALE_PLUS, "DS987", _KRIA),
    ("Alveo", Family.ULTRASCALE_PLUS, "DS962, DS963, DS965, DS978", _ALVEO),
)

BOARDS = {
    "pynq-z1": "xc7z020clg400-1",
    "pynq-z2": "xc7z020clg400-1",
    "zedboard": "xc7z020clg484-1",
    "zybo-z7-10": "xc7z010clg400-1",
    "zybo-z7-20": "xc7z020clg400-1",
    "arty-a7-35": "xc7a35ticsg324-1l",
    "arty-a7-100": "xc7a100tcsg324-1",
    "arty-s7-50": "xc7s50csga324-1",
    "zc702": "xc7z020clg484-1",
    "zc706": "xc7z045ffg900-2",
    "kc705": "xc7k325tffg900-2",
    "vc707": "xc7vx485tffg1761-2",
    "ultra96": "xczu3eg-sbva484-1-i",
    "kv260": "xck26-sfvc784-2lv-c",
    "zcu102": "xczu9eg-ffvb1156-2-e",
    "zcu104": "xczu7ev-ffvc1156-2-e",
    "zcu111": "xczu28dr-ffvg1517-2-e",
    "alveo-u50": "xcu50-fsvh2104-2-e",
    "alveo-u200": "xcu200-fsgd2104-2-e",
    "alveo-u250": "xcu250-figd2104-2l-e",
}
"""Boards people name instead of a part, only to tell them the part's name."""


def _catalogue() -> Iterator[Part]:
    for line, family, source, table in _LINES:
        words = table.split()
        for name, lut, dsp, bram36 in zip(*(words[i::4] for i in range(4)), strict=True):
            yield Part(name, line, family, int(lut), 2 * int(lut), int(dsp), 2 * int(bram36), source)


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
    base = re.sub(r"^x[aq](?=7|zu|ku|vu)", "xc", wanted)
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
