"""Synthesis of the RTL twin with Yosys for AMD's families.

The figures are cells of the netlist after technology mapping (``synth_xilinx -flatten``, ROMs kept whole),
out of context: no I/O buffers, no clock buffers. Placement has not been done, so no two small LUTs have
been packed into one physical LUT, and there is no clock frequency yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hpq_hls.billing.parts import Family, find_part
from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ToolError
from hpq_hls.synth.report import ResourceReport
from hpq_hls.synth.running import heartbeat
from hpq_hls.synth.staging import stage_rtl, top_name
from hpq_hls.tools.process import SYNTHESIS_LIMIT_S
from hpq_hls.tools.toolchain import find_yosys, run_tool, yosys_env, yosys_is_prepared

SCRIPT = "synth.ys"
STATISTICS = "stat.json"
LOG = "yosys.log"
ROMS = "*hpq_rom*"
"""Modules that are mapped on their own. Together with the logic around it, ABC takes a ROM's table
apart and builds it four times larger than the one LUT per 64 bits that it is."""

_LUT_LOGIC = re.compile(r"LUT[1-6]|INV")
# A LUT of a SLICEM holds 64 bits of RAM or 32 of shift register (UG474); each further port of a
# RAM is a copy.
_LUT_MEMORY = {
    "SRL16": 1,
    "SRL16E": 1,
    "SRLC16": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM512X1S": 8,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM256X1D": 8,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "RAM32X16DR8": 8,
    "RAM64X8SW": 8,
}
_NO_CELLS = ("$scopeinfo", "$paramod")  # names of scopes, instances of modules kept whole
_FLIP_FLOP = re.compile(r"(FD[RSCP]E|LD[CP]E)(_1)?")
_DSP = re.compile(r"DSP48E\d?")
_BRAM18 = re.compile(r"RAMB18E\d")
_BRAM36 = re.compile(r"RAMB36E\d")


def run_yosys(path: Path, manifest: Manifest, work: Path, say: Callable[[str], None]) -> ResourceReport:
    """Map the RTL of a project to the family of its part; see ``synthesize``."""
    family = find_part(manifest.part).family
    top = top_name(manifest)
    sources = stage_rtl(path, work)
    script = "\n".join(
        (
            f"read_verilog -sv -defer {' '.join(sources)}",
            f"hierarchy -top {top}",
            f"setattr -mod -set keep_hierarchy 1 {ROMS}",
            f"synth_xilinx -family {family.value} -top {top} -flatten -noiopad -noclkbuf",
            f"tee -q -o {STATISTICS} stat -json",
        )
    )
    version = run_script(script, work, f"yosys ({family.value})", say)
    cells = read_cells(work / STATISTICS)
    return count_cells(cells, version, family)


def run_script(script: str, work: Path, name: str, say: Callable[[str], None]) -> str:
    """Run a Yosys script in ``work``, log beside it; return the version of Yosys.

    Raises:
        ToolError: Yosys is missing or fails.
    """
    yosys = find_yosys()
    executable = yosys.require()
    (work / SCRIPT).write_text(script + "\n", encoding="utf-8")
    if not yosys_is_prepared():
        say("yosys: its first call compiles it, which takes a minute or two")
    say(f"{name}: synthesizing")
    log = work / LOG
    with heartbeat(name, log, say):
        run_tool([executable, "-s", SCRIPT], cwd=work, env=yosys_env(), limit=SYNTHESIS_LIMIT_S, log=log)
    return yosys.version or "unknown"


def read_cells(statistics: Path) -> dict[str, int]:
    """Number of cells by type from the output of ``stat -json``.

    Raises:
        ToolError: the file is missing or says something else.
    """
    try:
        data: dict[str, Any] = json.loads(statistics.read_text(encoding="utf-8"))
        cells = data["design"]["num_cells_by_type"]
        return {str(name): int(count) for name, count in sorted(cells.items())}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(
            f"the statistics of yosys in {statistics} cannot be read ({error!r}); see {LOG} beside it"
        ) from error


def count_cells(cells: Mapping[str, int], version: str, family: Family) -> ResourceReport:
    """Resources from numbers of cells.

    Raises:
        ToolError: something was left that no AMD device has.
    """
    unmapped = [name for name in cells if name.startswith("$") and not name.startswith(_NO_CELLS)]
    if unmapped:
        raise ToolError(f"yosys left cells of type {', '.join(unmapped)} unmapped; report this as a defect")

    def total(pattern: re.Pattern[str]) -> int:
        return sum(count for name, count in cells.items() if pattern.fullmatch(name))

    memory = sum(count * _LUT_MEMORY.get(name, 0) for name, count in cells.items())
    return ResourceReport(
        lut=total(_LUT_LOGIC) + memory,
        ff=total(_FLIP_FLOP),
        dsp=total(_DSP),
        bram=total(_BRAM18) + 2 * total(_BRAM36),
        tool="yosys",
        version=version,
        stage=f"RTL twin after Yosys synthesis, {family.value}",
        cells={name: count for name, count in cells.items() if not name.startswith("$")},
    )
