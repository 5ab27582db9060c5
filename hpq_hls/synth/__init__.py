"""Runs synthesis tools on a generated project and reads what they report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ConfigError
from hpq_hls.synth.hls_reports import read_hls_reports
from hpq_hls.synth.nextpnr import run_nextpnr
from hpq_hls.synth.report import ResourceReport
from hpq_hls.synth.staging import top_name
from hpq_hls.synth.vitis import STAGES, report_of, run_vitis, tool_of
from hpq_hls.synth.yosys import run_yosys

__all__ = ["STAGES", "TOOLS", "ResourceReport", "synthesize"]

_RTL_TOOLS = ("yosys", "nextpnr")
TOOLS = (*_RTL_TOOLS, "vitis")
"""What ``synthesize`` can run."""


def synthesize(
    path: Path,
    backend: str,
    manifest: Manifest,
    tool: str,
    *,
    build_dir: Path,
    stage: str = "csynth",
    reports: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> ResourceReport:
    """Synthesize the project in the folder ``path``.

    backend: what wrote it, "rtl", "vitis" or "vivado". tool: "yosys" maps RTL to the part's family, "nextpnr"
    places and routes RTL on an ECP5, "vitis" runs C synthesis. Everything the tool writes goes into
    ``build_dir/<tool>``, which is emptied first; the project itself is only read. stage: of vitis, what to
    run behind C synthesis: "cosim", "export" (an IP), "syn" or "impl" (Vivado's synthesis, or place and
    route, of the RTL); "csynth": nothing. reports: of vitis, a folder in which it was run; nothing is run
    then.

    Raises:
        ConfigError: an unknown tool or stage, or one that cannot read this backend's files.
        DataError: the project is incomplete.
        ToolError: the tool is missing, fails, or its report cannot be understood.
    """
    if tool not in TOOLS:
        raise ConfigError(f"there is no synthesis tool {tool!r}; choose one of {', '.join(TOOLS)}")
    if (tool in _RTL_TOOLS) != (backend == "rtl"):
        needed = "rtl" if tool in _RTL_TOOLS else "vitis"
        raise ConfigError(
            f"project {path} was written by backend {backend}, which {tool} cannot read; "
            f"generate backend {needed}"
        )
    if stage not in STAGES:
        raise ConfigError(f"there is no stage {stage!r}; choose one of {', '.join(STAGES)}")
    if tool in _RTL_TOOLS and (stage != "csynth" or reports is not None):
        raise ConfigError(f"stages and reports are those of vitis, not of {tool}; leave them out")
    if reports is not None:
        if stage != "csynth":
            raise ConfigError("stage says what to run, and reports are of what was run; give one of them")
        # What the tool built is the kernel with memory around the design, where there is one.
        found = read_hls_reports(reports, manifest.kernel.name if manifest.kernel else top_name(manifest))
        return report_of(found, tool_of(found.version))
    say = progress or _silent
    work = build_dir / tool
    if tool == "yosys":
        return run_yosys(path, manifest, work, say)
    if tool == "nextpnr":
        return run_nextpnr(path, manifest, work, say)
    return run_vitis(path, backend, manifest, work, say, stage)


def _silent(_: str) -> None:
    pass
