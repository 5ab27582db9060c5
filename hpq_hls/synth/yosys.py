"""Synthesis of the RTL twin with Yosys for AMD's families, ECP5 and iCE40.

The figures are cells of the netlist after technology mapping (``Fabric.yosys``, ROMs mapped whole),
out of context: no I/O buffers, no clock buffers. Placement has not been done, so no two small LUTs have
been packed into one physical LUT, and there is no clock frequency yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpq_hls.billing.parts import Family, find_part
from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ConfigError, ToolError
from hpq_hls.synth.cells import count_cells
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
MERGE_ROMS = ("setattr -mod -unset keep_hierarchy *", "flatten", "opt_clean")
"""Then they become part of the design, without those that nobody reads and what only these read."""


def run_yosys(path: Path, manifest: Manifest, work: Path, say: Callable[[str], None]) -> ResourceReport:
    """Map the RTL of a project to the family of its part; see ``synthesize``."""
    family = find_part(manifest.part).family
    command = mapping(family, manifest.part)
    top = top_name(manifest)
    sources = stage_rtl(path, work)
    script = "\n".join(
        (
            f"read_verilog -sv -defer {' '.join(sources)}",
            f"hierarchy -top {top}",
            f"setattr -mod -set keep_hierarchy 1 {ROMS}",
            f"{command} -top {top}",
            *MERGE_ROMS,
            f"tee -q -o {STATISTICS} stat -json",
        )
    )
    version = run_script(script, work, f"yosys ({family.value})", say)
    cells = read_cells(work / STATISTICS)
    return count_cells(cells, version, family)


def mapping(family: Family, part: str) -> str:
    """The command of Yosys that maps to a family's cells.

    Raises:
        ConfigError: Yosys has no library of them.
    """
    command = family.fabric.yosys
    if not command:
        raise ConfigError(
            f"yosys has no library of the cells of {family.fabric.title}, which {part} is of; measure with a "
            "part of another family, or with the vendor's tool"
        )
    if family is not Family.ICE40:
        return command
    line = part.lower().removeprefix("ice40")[:2]
    return f"{command} -device u -dsp" if line == "up" else f"{command} -device {line}"


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
