"""Looks again at what failed from end to end, and says where it begins."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import OutputError
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import IntArray
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.tools.files import make_folder
from hpq_hls.verify.cosim_build import Progress
from hpq_hls.verify.cosim_run import WRONG_PACKETS, ScenarioResult, Stimulus
from hpq_hls.verify.differ.cpp import probe
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.verify.differ.rtl import WAVE, quiet_cycles, watch
from hpq_hls.verify.differ.scene import Scene
from hpq_hls.verify.differ.seen import PORT, Run, port_taps, stream_taps
from hpq_hls.verify.differ.wave import Wave, write_views

_FRAME = re.compile(r"frame (\d+)")
_AT_PORT = re.compile(r"(\w+): (?:packet (\d+), beat (\d+) of (\d+))?(?:.* at (\d+) ns)?")
"""How a testbench begins to say what is wrong at a port: packet, beat, beats, or nanoseconds."""


@dataclass(frozen=True)
class Looked:
    """What was found.

    differences: of each scenario that was looked at, by name. wave: None where none was asked for.
    """

    differences: Mapping[str, Difference]
    wave: Wave | None = None


def look_at_rtl(
    q: QuantizedGraph,
    manifest: Manifest,
    flow: Dataflow | None,
    rtl_dir: Path,
    stimulus: Stimulus,
    scenarios: Sequence[ScenarioResult],
    build_dir: Path,
    *,
    wave: Path | None = None,
    progress: Progress | None = None,
) -> Looked:
    """Play the scenarios that failed again, one by one, and find where each goes wrong first.

    flow: of RTL that was generated; None: of somebody's. scenarios: as they were; wave: an FST of the first
    that failed, or of the first if none did, is written there.

    Raises:
        ToolError: a tool fails. OutputError: the wave file cannot be written.
    """
    failed = [item for item in scenarios if not item.passed]
    chosen = failed or (scenarios[:1] if wave is not None else [])
    quiet = min(stimulus.watchdog, quiet_cycles(flow)) if flow is not None else stimulus.watchdog
    found: dict[str, Difference] = {}
    written: Wave | None = None
    scene: Scene | None = None
    for number, item in enumerate(chosen):
        target = wave if number == 0 else None
        told = replace(
            stimulus, scenarios=(item.name,), driver=item.driver or stimulus.driver, watchdog=quiet
        )
        seen = watch(
            rtl_dir,
            manifest,
            flow,
            told,
            build_dir,
            wave=target is not None,
            traced=wave is not None,
            progress=progress,
        )
        flow = flow if seen.inside else None
        if scene is None:
            assert told.expected is not None
            scene = Scene(q, manifest, flow, told.inputs, told.expected, quiet)
        first = (
            None
            if item.passed
            else _named(
                scene.first(seen.runs, sized=item.name != WRONG_PACKETS), item, seen.result, seen.runs
            )
        )
        if first is not None:
            found[item.name] = first
        if target is not None:
            _move(seen.folder / WAVE, target)
            taps = [*port_taps(manifest), *(stream_taps(flow) if flow is not None else [])]
            end = seen.runs[-1].time if seen.runs else 0
            written = write_views(target, manifest, flow, taps, first, item.name, end)
    return Looked(found, written)


def _named(
    found: Difference | None, before: ScenarioResult, again: ScenarioResult, runs: Sequence[Run]
) -> Difference:
    """What was found in a scenario; where no word is wrong, what the testbench says."""
    if found is None and again.passed:
        found = Difference(Fault.UNSEEN)
    elif found is None:
        found = _at_port((again.failures or before.failures or ("",))[0], runs)
    return replace(found, scenario=before.name)


def _at_port(said: str, runs: Sequence[Run]) -> Difference:
    """What a testbench says of a port, where every word is right."""
    found = Difference(Fault.CONTROL, note=said)
    match = _AT_PORT.match(said)
    if match is None or not runs or (match[1], PORT) not in runs[-1].ends:
        return found
    time = int(match[5]) * 1000 if match[5] else None
    if match[2]:
        place = int(match[2]) * int(match[4]) + int(match[3])
        ends = [run[match[1], PORT] for run in runs]
        time = next((time for time in (end.time(place) for end in ends) if time is not None), None)
    return replace(found, kernel=f"port_{match[1]}", kind="port", stream=match[1], time=time)


def _move(source: Path, target: Path) -> None:
    try:
        make_folder(target.resolve().parent)
        shutil.move(source, target)
    except OSError as error:
        raise OutputError(f"{target} cannot be written ({error.strerror}); name another file") from error


def look_at_cpp(
    q: QuantizedGraph,
    manifest: Manifest,
    flow: Dataflow,
    project_dir: Path,
    inputs: Mapping[str, IntArray],
    expected: Mapping[str, IntArray],
    made: Mapping[str, IntArray] | None,
    progress: Progress | None = None,
) -> Difference | None:
    """Find where C++ goes wrong first; None where all that it makes is right.

    inputs, expected: raw frames by port. made: what came out; None where the program broke off.

    Raises:
        ToolError: a tool fails.
    """
    scene = Scene(q, manifest, flow, inputs, expected, 0)
    if made is not None:
        frame = first_frame(expected, made)
        if frame is None:
            return None
        run, said = probe(project_dir, manifest, flow, inputs, frame, progress)
        found = scene.of_program(run, frame) or scene.of_outputs(made, frame)
    else:
        frame = len(next(iter(inputs.values()))) - 1
        run, said = probe(project_dir, manifest, flow, inputs, frame, progress)
        broken = _FRAME.search(said)
        if broken and int(broken[1]) != frame:
            frame = int(broken[1])
            run, said = probe(project_dir, manifest, flow, inputs, frame, progress)
        found = scene.of_program(run, frame) or Difference(Fault.UNSEEN)
    return replace(found, note="; ".join(filter(None, [found.note, said])))


def first_frame(expected: Mapping[str, IntArray], made: Mapping[str, IntArray]) -> int | None:
    """The first frame in which something differs."""
    wrong = [(made[port] != frames).reshape(len(frames), -1).any(axis=1) for port, frames in expected.items()]
    found = np.flatnonzero(np.any(wrong, axis=0))
    return int(found[0]) if len(found) else None
