"""Runs synthesis tools on a generated project and reads what they report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ConfigError
from hpq_hls.synth.nextpnr import run_nextpnr
from hpq_hls.synth.report import ResourceReport
from hpq_hls.synth.vitis import run_vitis
from hpq_hls.synth.yosys import run_yosys

__all__ = ["TOOLS", "ResourceReport", "synthesize"]

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
    progress: Callable[[str], None] | None = None,
) -> ResourceReport:
    """Synthesize the project in the folder ``path``.

    backend: what wrote it, "rtl", "vitis" or "vivado". tool: "yosys" maps RTL to the part's family,
    "nextpnr" places and routes RTL on an ECP5, "vitis" runs C synthesis. Everything the tool writes
    goes into ``build_dir/<tool>``, which is emptied first; the project itself is only read.

    Raises:
        ConfigError: an unknown tool, or one that cannot read this backend's files.
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
    say = progress or _silent
    work = build_dir / tool
    if tool == "yosys":
        return run_yosys(path, manifest, work, say)
    if tool == "nextpnr":
        return run_nextpnr(path, manifest, work, say)
    return run_vitis(path, backend, manifest, work, say)


def _silent(_: str) -> None:
    pass
