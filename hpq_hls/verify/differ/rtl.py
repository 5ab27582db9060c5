"""RTL once more, with an eye on every stream, and a wave file if one is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.hardware import Dataflow
from hpq_hls.templating import render
from hpq_hls.verify.cosim_build import (
    BuildRequest,
    Harness,
    Progress,
    RtlError,
    build_simulator,
    cocotb_harness,
)
from hpq_hls.verify.cosim_run import ScenarioResult, Stimulus, run_scenarios
from hpq_hls.verify.cosim_sources import find_sources
from hpq_hls.verify.differ.seen import LOG, Run, Tap, port_taps, read_log, stream_taps

WAVE = "wave.fst"
QUIET = 20_000
"""Cycles without a beat that are a deadlock, in a design that is done with a frame at once."""


@dataclass(frozen=True, eq=False)
class Watched:
    """A scenario that was played again.

    inside: whether streams could be seen, not only ports. folder: where it ran, with
    ``WAVE`` if one was wanted.
    """

    result: ScenarioResult
    runs: list[Run]
    inside: bool
    folder: Path


def quiet_cycles(flow: Dataflow) -> int:
    """Cycles without a beat after which none can come, however the design is filled."""
    return QUIET + 4 * sum(kernel.cycles(flow.streams) for kernel in flow.kernels)


def watch(
    rtl_dir: Path,
    manifest: Manifest,
    flow: Dataflow | None,
    stimulus: Stimulus,
    build_dir: Path,
    *,
    wave: bool = False,
    traced: bool = False,
    progress: Progress | None = None,
) -> Watched:
    """Play the one scenario of ``stimulus`` again and note every beat.

    flow: of RTL that was generated; None: of somebody's, of which only the ports can be seen. wave: write an
    FST. traced: take the simulator that can write one, so that there is no other to build.

    Raises:
        ToolError: a tool fails.
    """
    home = build_dir.resolve()
    sources = find_sources(rtl_dir, ignore=home)
    attempts = [None] if flow is None else [flow, None]
    for seen in attempts:
        taps = [*port_taps(manifest), *(stream_taps(seen) if seen is not None else [])]
        request = BuildRequest(manifest.name, sources, _harness(manifest, taps, wave or traced), kept=6)
        try:
            build = build_simulator(request, home, progress)
        except RtlError:
            if seen is None:
                raise
            continue  # its streams have other names than those of the design
        break
    folder = home / "watched"
    told = replace(stimulus, wave=folder / WAVE if wave else None)
    results, _ = run_scenarios(build.executable, sources, manifest, told, folder, progress)
    return Watched(results[0], read_log(folder / LOG, taps), seen is not None, folder)


def _harness(manifest: Manifest, taps: Sequence[Tap], waves: bool) -> Harness:
    ports = [port.port for port in (*manifest.inputs, *manifest.outputs)]
    plain = cocotb_harness(manifest.name, ports)
    text = render("verify/watch.sv.j2", {"top": manifest.name, "taps": taps})
    # One unit of time for all modules, of which a vendor's may have another.
    options = (*plain.options, "--timescale-override", "1ps/1ps")
    return replace(plain, options=options, verilog={"watch.sv": text}, waves=waves)
