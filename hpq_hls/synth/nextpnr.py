"""Place and route of the RTL twin on a Lattice ECP5, the largest family with an open flow: on the part of the
design if it is one, else on the largest and fastest.

It gives a clock frequency that includes wires. An ECP5 is a 40-nm device with 4-input LUTs: its
figures tell that a design routes and where its critical path is, not what an AMD part needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.billing.parts import Family, find_part
from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ConfigError, ToolError
from hpq_hls.synth.report import ResourceReport
from hpq_hls.synth.running import heartbeat
from hpq_hls.synth.staging import stage_rtl, top_name
from hpq_hls.synth.yosys import run_script
from hpq_hls.tools.process import SYNTHESIS_LIMIT_S
from hpq_hls.tools.toolchain import find_nextpnr_ecp5, run_tool, yosys_env

LARGEST = "LFE5U-85F-8BG756"
MAX_PINS = 350
"""Ports with more bits than the largest package has pins are left unconnected to pads (out of context)."""

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
    is_own = find_part(manifest.part).family is Family.ECP5
    device = device_of(manifest.part if is_own else LARGEST)
    command: list[str | Path] = [
        executable,
        *device.options,
        *("--json", NETLIST, "--report", REPORT, "--seed", "1"),
        *("--freq", f"{1000 / manifest.clock_ns:.3f}", "--timing-allow-fail", "--lpf-allow-unconstrained"),
    ]
    if is_own or _pins(manifest) > MAX_PINS:  # boards say which pins there are, a part does not
        command.append("--out-of-context")
    say("nextpnr (ecp5): placing and routing")
    log = work / LOG
    with heartbeat("nextpnr (ecp5)", log, say):
        run_tool(command, cwd=work, env=yosys_env(), limit=SYNTHESIS_LIMIT_S, log=log)
    return read_report(work / REPORT, nextpnr.version or "unknown", device.name)


@dataclass(frozen=True)
class Device:
    """What nextpnr is told of a part. name: part and speed grade."""

    name: str
    options: tuple[str, ...]


_DEVICE = re.compile(r"(lfe5u(?:m5g|m)?)-(12|25|45|85)f(?:-([678]))?.*")


def device_of(part: str) -> Device:
    """The device of an ECP5 part such as "LFE5U-25F-6BG256C"; without a speed grade the slowest.

    Raises:
        ConfigError: it is none that nextpnr knows.
    """
    found = _DEVICE.fullmatch(part.strip().lower())
    if found is None:
        raise ConfigError(f"nextpnr-ecp5 does not know the part {part}; give it as LFE5U-25F-6BG256C")
    line, size, grade = found.group(1), found.group(2), found.group(3) or "6"
    kind = "" if line == "lfe5u" else f"{line.removeprefix('lfe5')}-"
    # Out of context a package only limits what is placed; the largest that every size comes in is the same.
    speed = ("--speed", grade) if line != "lfe5um5g" else ()  # it has one
    return Device(
        f"{line.upper()}-{size}F-{grade}", (f"--{kind}{size}k", "--package", _PACKAGES[size], *speed)
    )


_PACKAGES = {"12": "CABGA381", "25": "CABGA381", "45": "CABGA554", "85": "CABGA756"}


def _pins(manifest: Manifest) -> int:
    """Pins of the top level: clock, reset; per port the handshake, TLAST and ten bits per byte; its flag."""
    ports = (*manifest.inputs, *manifest.outputs)
    return 2 + sum(3 + 10 * port.tdata_bytes + bool(port.packet_error) for port in ports)


def read_report(report: Path, version: str, device: str) -> ResourceReport:
    """Resources and clock frequency from the output of ``nextpnr-ecp5 --report``. device: placed on.

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
        stage=f"RTL twin placed and routed, {device} (4-input LUTs)",
        fmax_mhz=round(min(clocks), 2) if clocks else None,
        cells={name: count for name, count in used.items() if count},
    )
