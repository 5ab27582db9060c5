"""C synthesis by the vendor's tool, where it is installed.

Its resource figures are predictions made before logic synthesis, usually far above what
implementation needs (LUT 2.2 times in the median); they do not compare with those of Yosys.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ToolError
from hpq_hls.synth.hls_reports import HlsReports, read_report
from hpq_hls.synth.report import ResourceReport
from hpq_hls.synth.running import heartbeat
from hpq_hls.synth.staging import stage_tree, top_name
from hpq_hls.tools.process import SYNTHESIS_LIMIT_S
from hpq_hls.tools.toolchain import Tool, find_vitis, run_tool

LOG = "vitis.log"
REPORT = "syn/report/csynth.xml"
STAGE = "C synthesis (prediction before logic synthesis)"
STAGES = {
    "csynth": "csynth",
    "cosim": "csynth cosim",
    "export": "csynth export",
    "syn": "csynth syn",
    "impl": "csynth impl",
}
"""Steps of ``run_hls.tcl`` by what is wanted: co-simulation, an IP, synthesis or implementation of the RTL by
Vivado."""
_CLASSIC = "vivado_hls"


def run_vitis(
    path: Path,
    backend: str,
    manifest: Manifest,
    work: Path,
    say: Callable[[str], None],
    stage: str = "csynth",
) -> ResourceReport:
    """Run C synthesis on the C++ of a project, and what ``stage`` asks for besides; see ``synthesize``."""
    tool = _tool_for(backend)
    program = tool.require()
    if stage != "csynth" and program.name == "v++":
        raise ToolError(
            f"{program} runs C synthesis alone; for stage {stage} put vitis-run or vitis_hls on PATH"
        )
    top = top_name(manifest)
    scripts = ("run_hls.tcl", "hls_config.cfg") if backend == "vitis" else ("run_hls.tcl",)
    stage_tree(path, ("src", "tb"), scripts, work)
    say(f"{program.name}: {STAGES[stage].replace(' ', ' and ')}, this takes minutes")
    log = work / LOG
    with heartbeat(program.name, log, say):
        run_tool(
            [program, *_arguments(program.name, top)],
            cwd=work,
            env={**os.environ, "HPQ_STEPS": STAGES[stage]},
            limit=SYNTHESIS_LIMIT_S,
            log=log,
        )
    reports = sorted(work.rglob(REPORT))
    if not reports:
        raise ToolError(f"{program.name} wrote no {REPORT}; see {log}")
    return report_of(read_report(reports[0]), program.name, tool.version)


def _tool_for(backend: str) -> Tool:
    """The tool that reads the backend's dialect of pragmas: Vivado HLS before 2020.2, Vitis HLS after."""
    found = find_vitis()
    if backend != "vivado":
        if found.path is not None and found.path.name == _CLASSIC:
            raise ToolError(
                f"the tool found is {found.path}, which does not read the pragmas of backend vitis; generate "
                "backend vivado, or install AMD Vitis"
            )
        return found
    if found.path is None or found.path.name == _CLASSIC:
        return found
    classic = shutil.which(_CLASSIC)
    hint = "it is the tool for backend vivado; generate backend vitis for newer ones."
    return Tool(_CLASSIC, Path(classic) if classic else None, None, hint)


def _arguments(program: str, top: str) -> list[str]:
    if program == "vitis-run":
        return ["--mode", "hls", "--tcl", "run_hls.tcl"]
    if program == "v++":
        return ["-c", "--mode", "hls", "--config", "hls_config.cfg", "--work_dir", f"hls_{top}"]
    return ["-f", "run_hls.tcl"]


def read_csynth(report: Path, tool: str, version: str | None = None) -> ResourceReport:
    """Resources, clock and cycles from csynth.xml, and all that the tool left beside it.

    Raises:
        ToolError: the file is missing or says something else.
    """
    return report_of(read_report(report), tool, version)


def report_of(found: HlsReports, tool: str, version: str | None = None) -> ResourceReport:
    """What was found as a report on the design: the figures are those of C synthesis."""
    return ResourceReport(
        lut=found.top.lut,
        ff=found.top.ff,
        dsp=found.top.dsp,
        bram=found.top.bram,
        tool=tool,
        version=version or found.version or "unknown",
        stage=STAGE,
        fmax_mhz=round(1000 / found.estimated_ns, 2) if found.estimated_ns else None,
        cells=found.cells,
        latency_cycles=found.top.latency_cycles,
        interval_cycles=found.top.interval_cycles,
        uram=found.top.uram,
        slack_ns=found.top.slack_ns,
        modules=tuple(found.modules.values()),
        loops=(*found.top.loops, *(loop for module in found.modules.values() for loop in module.loops)),
        violations=(
            *found.top.violations,
            *(one for module in found.modules.values() for one in module.violations),
        ),
        cosim=found.cosim,
        implementations=found.implementations,
        exported=found.exported,
    )


def tool_of(version: str) -> str:
    """The tool that writes reports of a version: Vivado HLS to 2020.1, Vitis HLS to 2024.1, then Vitis."""
    try:
        year, number = (int(part) for part in version.split(".")[:2])
    except ValueError:
        return "HLS tool"
    if (year, number) < (2020, 2):
        return "Vivado HLS"
    return "Vitis HLS" if (year, number) < (2024, 2) else "Vitis"
