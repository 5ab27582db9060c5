"""Place and route of the RTL twin on a Lattice ECP5, the largest family with an open flow.

It gives a clock frequency that includes wires. An ECP5 is a 40-nm device with 4-input LUTs: its
figures tell that a design routes and where its critical path is, not what an AMD part needs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ToolError
from hpq_hls.synth.report import ResourceReport
from hpq_hls.synth.running import heartbeat
from hpq_hls.synth.staging import stage_rtl, top_name
from hpq_hls.synth.yosys import run_script
from hpq_hls.tools.process import SYNTHESIS_LIMIT_S
from hpq_hls.tools.toolchain import find_nextpnr_ecp5, run_tool, yosys_env

DEVICE = ("--85k", "--package", "CABGA756", "--speed", "8")
DEVICE_NAME = "LFE5U-85F-8"
MAX_PINS = 350
"""Ports with more bits than the package has pins are left unconnected to pads (out of context)."""

NETLIST = "netlist.json"
REPORT = "nextpnr.json"
LOG = "nextpnr.log"


def run_nextpnr(path: Path, manifest: Manifest, work: Path, say: Callable[[str], None]) -> ResourceReport:
    """Synthesize, place and route the RTL of a project on an ECP5; see ``synthesize``."""
    nextpnr = find_nextpnr_ecp5()
    executable = nextpnr.require()
    top = top_name(manifest)
    sources = stage_rtl(path, work)
    script = f"read_verilog -sv -defer {' '.join(sources)}\nsynth_ecp5 -top {top} -json {NETLIST}"
    run_script(script, work, "yosys (ecp5)", say)
    command: list[str | Path] = [
        executable,
        *DEVICE,
        *("--json", NETLIST, "--report", REPORT, "--seed", "1"),
        *("--freq", f"{1000 / manifest.clock_ns:.3f}", "--timing-allow-fail", "--lpf-allow-unconstrained"),
    ]
    if _pins(manifest) > MAX_PINS:
        command.append("--out-of-context")
    say("nextpnr (ecp5): placing and routing")
    log = work / LOG
    with heartbeat("nextpnr (ecp5)", log, say):
        run_tool(command, cwd=work, env=yosys_env(), limit=SYNTHESIS_LIMIT_S, log=log)
    return read_report(work / REPORT, nextpnr.version or "unknown")


def _pins(manifest: Manifest) -> int:
    """Pins of the top level: clock, reset; per port the handshake, TLAST and ten bits per byte; its flag."""
    ports = (*manifest.inputs, *manifest.outputs)
    return 2 + sum(3 + 10 * port.tdata_bytes + bool(port.packet_error) for port in ports)


def read_report(report: Path, version: str) -> ResourceReport:
    """Resources and clock frequency from the output of ``nextpnr-ecp5 --report``.

    Raises:
        ToolError: the file is missing or says something else.
    """
    try:
        data: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        used = {str(name): int(item["used"]) for name, item in data["utilization"].items()}
        clocks = [float(clock["achieved"]) for clock in data["fmax"].values()]
        lut, ff = used["TRELLIS_COMB"], used["TRELLIS_FF"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(f"the report of nextpnr in {report} cannot be read ({error!r}); see {LOG}") from error
    return ResourceReport(
        lut=lut,
        ff=ff,
        dsp=used.get("MULT18X18D", 0),
        bram=used.get("DP16KD", 0),
        tool="nextpnr-ecp5",
        version=version,
        stage=f"RTL twin placed and routed, {DEVICE_NAME} (4-input LUTs)",
        fmax_mhz=round(min(clocks), 2) if clocks else None,
        cells={name: count for name, count in used.items() if count},
    )
