"""C synthesis by the vendor's tool, where it is installed.

Its resource figures are predictions made before logic synthesis, usually far above what
implementation needs (LUT 2.2 times in the median); they do not compare with those of Yosys.
"""

from __future__ import annotations

import os
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ToolError
from hpq_hls.synth.report import ResourceReport
from hpq_hls.synth.running import heartbeat
from hpq_hls.synth.staging import stage_tree, top_name
from hpq_hls.tools.process import SYNTHESIS_LIMIT_S
from hpq_hls.tools.toolchain import Tool, find_vitis, run_tool

LOG = "vitis.log"
REPORT = "syn/report/csynth.xml"
_CLASSIC = "vivado_hls"


def run_vitis(
    path: Path, backend: str, manifest: Manifest, work: Path, say: Callable[[str], None]
) -> ResourceReport:
    """Run C synthesis on the C++ of a project; see ``synthesize``."""
    tool = _tool_for(backend)
    program = tool.require()
    top = top_name(manifest)
    scripts = ("run_hls.tcl", "hls_config.cfg") if backend == "vitis" else ("run_hls.tcl",)
    stage_tree(path, ("src", "tb"), scripts, work)
    say(f"{program.name}: C synthesis, this takes minutes")
    log = work / LOG
    with heartbeat(program.name, log, say):
        run_tool(
            [program, *_arguments(program.name, top)],
            cwd=work,
            env={**os.environ, "HPQ_STEPS": "csynth"},
            limit=SYNTHESIS_LIMIT_S,
            log=log,
        )
    reports = sorted(work.rglob(REPORT))
    if not reports:
        raise ToolError(f"{program.name} wrote no {REPORT}; see {log}")
    return read_csynth(reports[0], program.name, tool.version)


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
    """Resources, clock and cycles from csynth.xml.

    Raises:
        ToolError: the file is missing or says something else.
    """
    try:
        root = ET.parse(report).getroot()
    except (OSError, ET.ParseError) as error:
        raise ToolError(f"{report} cannot be read ({error}); see the log of {tool}") from error
    used = root.find("AreaEstimates/Resources")
    if used is None:
        raise ToolError(f"{report} holds no AreaEstimates/Resources; it is no report of C synthesis")
    cells = {item.tag: _whole(item.text) or 0 for item in used}
    missing = [name for name in ("LUT", "FF") if name not in cells]
    if missing:
        raise ToolError(f"{report} says nothing about {' and '.join(missing)}")
    period = root.findtext("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod")
    latency = "PerformanceEstimates/SummaryOfOverallLatency/"
    return ResourceReport(
        lut=cells["LUT"],
        ff=cells["FF"],
        dsp=cells.get("DSP", cells.get("DSP48E", 0)),  # the name changed with Vitis HLS 2020.2
        bram=cells.get("BRAM_18K", 0),
        tool=tool,
        version=version or root.findtext("ReportVersion/Version") or "unknown",
        stage="C synthesis (prediction before logic synthesis)",
        fmax_mhz=_frequency(period),
        cells=cells,
        latency_cycles=_whole(root.findtext(latency + "Worst-caseLatency")),
        interval_cycles=_interval(root, latency),
        uram=cells.get("URAM", 0),
    )


def _interval(root: ET.Element, overall: str) -> int | None:
    """Cycles from frame to frame: of a dataflow the throughput, which is a range where frames differ."""
    places = ("DataflowPipelineThroughput/range/max", "DataflowPipelineThroughput", "Interval-max")
    found = (_whole(root.findtext(overall + place)) for place in places)
    return next((value for value in found if value is not None), None)


def _whole(text: str | None) -> int | None:
    """A count; "undef" and the like, which the tool writes for unbounded loops, are None."""
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def _frequency(period: str | None) -> float | None:
    try:
        nanoseconds = float(period) if period else 0.0
    except ValueError:
        return None
    return round(1000 / nanoseconds, 2) if nanoseconds > 0 else None
