"""Runs a built simulator under the cocotb testbench and reads what it wrote."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import re
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cocotb_tools.config as cocotb
import numpy as np
import numpy.typing as npt
from find_libpython import find_libpython

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import OutputError, ToolError, VerificationError
from hpq_hls.resources import hw_sim_dir
from hpq_hls.tools.toolchain import run_tool
from hpq_hls.verify.cosim_sources import Sources

IntArray = npt.NDArray[np.int64]
Progress = Callable[[str], None]

_POLL_S = 0.5
_FOREIGN = ("COCOTB_", "GPI_", "PYGPI_")
_TAIL_LINES = 15
WRONG_PACKETS = "wrong_packets"
"""The scenario in which packets have other sizes than they should."""
PARTIAL = {WRONG_PACKETS: 6, "reset_mid_stream": 8}
"""Scenarios that do not play all packets, and how many whole ones they play at least."""
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile)
_LOCK = ".lock"
_FATAL = re.compile(r"%Fatal: \S+ Assertion failed in (\S+?)(?:\.unnamedblk\d+)*: (.+)")


@dataclass(frozen=True)
class ScenarioResult:
    """What the testbench saw in one scenario.

    name, driver: the scenario, and who drove the streams ("axi": cocotbext-axi, "lean": our own).
    passed: nothing was wrong. failures: one sentence each.
    packets: packets that came out whole.
    words_compared: output elements that were expected; mismatches: how many of them differ or never
    came, plus those in excess.
    latency_cycles: from the clock edge that hands over the first input beat of the first packet to the
    edge that hands over its last output beat; interval_cycles: from packet to packet in steady
    state. Measured by back_to_back only, else None; the interval needs two packets.
    cycles: simulated. seconds: wall-clock time.
    fifo_fill: largest fill in beats of every FIFO with a probe, by instance path.
    """

    name: str
    driver: str
    passed: bool
    failures: tuple[str, ...]
    packets: int
    words_compared: int
    mismatches: int
    latency_cycles: int | None
    interval_cycles: int | None
    cycles: int
    seconds: float
    fifo_fill: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Stimulus:
    """What a simulation is given.

    inputs, expected: raw frames by port, (packets, beats, lanes); expected may be None.
    scenarios: names. seed: of all random choices. driver: "auto", "axi" or "lean".
    watchdog: cycles without a handshake that count as a deadlock. plusargs: for the simulator. pace: cycles
    from packet to packet in back_to_back, 0 for no gaps. wave: where the simulator writes an FST.
    """

    inputs: Mapping[str, IntArray]
    expected: Mapping[str, IntArray] | None
    scenarios: tuple[str, ...]
    seed: int
    driver: str
    watchdog: int
    plusargs: tuple[str, ...]
    pace: int = 0
    wave: Path | None = None


def run_scenarios(
    executable: Path,
    sources: Sources,
    manifest: Manifest,
    stimulus: Stimulus,
    run_dir: Path,
    progress: Progress | None = None,
) -> tuple[list[ScenarioResult], list[dict[str, IntArray]]]:
    """Simulate in `run_dir`, which is emptied first; return each scenario's result and output frames.

    Raises
    ------
    OutputError
        `run_dir` exists and is not from an earlier run.
    VerificationError
        The design says of itself that something is wrong.
    ToolError
        The simulator stopped before its end, or could not read a memory file.
    """
    with _exclusive(run_dir):
        _prepare(run_dir, sources, manifest, stimulus)
        log = run_dir / "simulation.log"
        command: list[str | Path] = [executable, *_plusargs(stimulus)]
        if stimulus.wave is not None:
            command += ["--trace", "--trace-file", stimulus.wave]
        with _watched(run_dir / "results" / "progress", progress):
            done = run_tool(
                command, cwd=run_dir, env=_environment(run_dir, manifest, stimulus), log=log, check=False
            )
        results: list[ScenarioResult] = []
        frames: list[dict[str, IntArray]] = []
        _check_memories(done.stdout, run_dir)
        for name in stimulus.scenarios:
            path = run_dir / "results" / f"{name}.json"
            if not path.is_file():
                stops = _FATAL.search(done.stdout)
                if stops is not None:
                    raise VerificationError(
                        f"the design stops itself in {name}: {stops[1]}: {stops[2]} (log: {log})"
                    )
                last = "\n  ".join(done.stdout.rstrip().splitlines()[-_TAIL_LINES:])
                raise ToolError(f"the simulation ended without a result for {name} (log: {log}):\n  {last}")
            try:
                result = _read_result(name, json.loads(path.read_text(encoding="utf-8")))
                with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
                    seen = {port: archive[port] for port in archive.files}
            except _UNREADABLE as error:
                raise ToolError(
                    f"the simulation left no result of {name} that can be read ({error})"
                ) from error
            results.append(_judged(result, seen, stimulus))
            frames.append(seen)
        if done.returncode != 0 and all(result.passed for result in results):
            raise ToolError(
                f"the simulator ended with exit status {done.returncode}, though all passed ({log})"
            )
        return results, frames


def _prepare(run_dir: Path, sources: Sources, manifest: Manifest, stimulus: Stimulus) -> None:
    for entry in run_dir.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            entry.unlink()
    for place, path in sources.links().items():
        (run_dir / place).parent.mkdir(parents=True, exist_ok=True)
        (run_dir / place).symlink_to(path)
    (run_dir / "results").mkdir()
    (run_dir / "design.json").write_text(manifest.to_json(), encoding="utf-8")
    _save(run_dir / "input.npz", stimulus.inputs)
    if stimulus.expected is not None:
        _save(run_dir / "expected.npz", stimulus.expected)


def _save(path: Path, arrays: Mapping[str, IntArray]) -> None:
    with path.open("wb") as stream:
        np.savez(stream, **dict(arrays))  # type: ignore[arg-type]  # its stub takes keywords for flags


def _plusargs(stimulus: Stimulus) -> list[str]:
    # Registers and memories that nothing initializes start with random bits.
    seed = stimulus.seed % 0x7FFFFFFE + 1
    return ["+verilator+rand+reset+2", f"+verilator+seed+{seed}", *(f"+{word}" for word in stimulus.plusargs)]


def _environment(run_dir: Path, manifest: Manifest, stimulus: Stimulus) -> dict[str, str]:
    library = find_libpython()
    if library is None:
        raise ToolError(
            f"cocotb needs a Python with a shared library, and {sys.executable} has none; install one, "
            "e.g. with `apt-get install libpython3-dev`, or build Python with --enable-shared"
        )
    env = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    path = [str(hw_sim_dir().parent), env.get("PYTHONPATH", "")]
    names = "|".join(stimulus.scenarios)
    env |= {
        "PYTHONPATH": os.pathsep.join(entry for entry in path if entry),
        "PYGPI_PYTHON_BIN": sys.executable,
        "GPI_USERS": f"{library};{cocotb.pygpi_entry_point()}",
        "COCOTB_TOPLEVEL": manifest.name,
        "TOPLEVEL_LANG": "verilog",
        "COCOTB_TEST_MODULES": "hw_sim.scenarios",
        "COCOTB_TEST_FILTER": rf"\.({names})$",
        "COCOTB_RANDOM_SEED": str(stimulus.seed),
        "COCOTB_RESULTS_FILE": str(run_dir / "results.xml"),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_REWRITE_ASSERTION_FILES": "",
        "COCOTB_ANSI_OUTPUT": "0",
        "HPQ_DESIGN": str(run_dir / "design.json"),
        "HPQ_INPUT": str(run_dir / "input.npz"),
        "HPQ_EXPECTED": str(run_dir / "expected.npz") if stimulus.expected is not None else "",
        "HPQ_RESULTS": str(run_dir / "results"),
        "HPQ_SEED": str(stimulus.seed),
        "HPQ_DRIVER": stimulus.driver,
        "HPQ_WATCHDOG": str(stimulus.watchdog),
        "HPQ_PACE": str(stimulus.pace),
    }
    return env


def _check_memories(output: str, run_dir: Path) -> None:
    """Verilator only warns of a memory file that it cannot find, and goes on with an empty memory."""
    for line in output.splitlines():
        if "readmem" in line and line.startswith("%"):
            raise ToolError(f"the design cannot read a memory file in {run_dir}: {line.lstrip('%')}")


def _read_result(name: str, data: dict[str, Any]) -> ScenarioResult:
    said, failures = data.pop("scenario"), data.pop("failures")
    if said != name:
        raise ValueError(f"it is of {said!r:.40}")
    return ScenarioResult(name=name, failures=tuple(failures), **data)


def _judged(result: ScenarioResult, seen: Mapping[str, IntArray], stimulus: Stimulus) -> ScenarioResult:
    """A scenario that passed, held against what it should have compared: a testbench that compared less has
    not shown anything."""
    if stimulus.expected is None or not result.passed:
        return result
    whole = result.name not in PARTIAL
    rounds = len(next(iter(stimulus.expected.values()))) if whole else PARTIAL[result.name]
    wanted = rounds * sum(math.prod(frames.shape[1:]) for frames in stimulus.expected.values())
    missed = []
    if result.words_compared < wanted or result.mismatches or result.failures:
        missed.append(f"it compared {result.words_compared} words, and there are {wanted} to compare")
    for port, frames in stimulus.expected.items():
        if port not in seen:
            missed.append(f"nothing is known of port {port}")
        elif whole and not np.array_equal(seen[port], frames):
            missed.append(f"words of port {port} differ, and it did not say so")
        elif not whole and len(seen[port]) < rounds:
            missed.append(f"{len(seen[port])} packets of port {port} came, and there are {rounds}")
    return replace(result, passed=not missed, failures=(*result.failures, *missed))


@contextlib.contextmanager
def _exclusive(run_dir: Path) -> Iterator[None]:
    """Let one simulation at a time use a folder; others wait for it to end."""
    run_dir.mkdir(parents=True, exist_ok=True)
    if not (run_dir / _LOCK).is_file() and any(run_dir.iterdir()):
        raise OutputError(f"{run_dir} holds files that are not ours; choose another build folder")
    with (run_dir / _LOCK).open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _watched(path: Path, progress: Progress | None) -> Iterator[None]:
    """Pass on what the testbench writes into its progress file."""
    if progress is None:
        yield
        return
    progress("simulating")
    ended = threading.Event()

    def watch() -> None:
        told = ""
        while not ended.wait(_POLL_S):
            with contextlib.suppress(OSError):
                text = path.read_text(encoding="utf-8").strip()
                if text and text != told:
                    told = text
                    progress(f"simulating {text}")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
