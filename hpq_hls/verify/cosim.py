"""Co-simulation: the RTL on Verilator under the cocotb testbench, compared word by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpq_hls.codegen.manifest import Manifest, Port
from hpq_hls.errors import ConfigError, DataError, VerificationError
from hpq_hls.graph import plain
from hpq_hls.verify.cosim_build import BuildRequest, Progress, build_simulator, cocotb_harness
from hpq_hls.verify.cosim_run import IntArray, ScenarioResult, Stimulus, run_scenarios
from hpq_hls.verify.cosim_sources import find_sources
from hpq_hls.verify.differ.difference import Difference
from hpq_hls.verify.differ.wave import Wave
from hpq_hls.verify.frames import checked_frames

SCENARIOS = ("back_to_back", "random_gaps", "ignored_signals", "wrong_packets", "reset_mid_stream")
_OF_CHECKED = "wrong_packets"
"""Is left out where no input checks TLAST."""
DRIVERS = ("auto", "axi", "lean")
WATCHDOG = 1_000_000
"""Clock cycles without a handshake on any port that count as a deadlock."""
PROBE_DEFINE = "HPQ_FIFO_PROBE"
"""Verilog macro of every simulator: FIFOs count how full they get, and may be told to have room for all."""
ROOMY = "hpq_roomy_fifos"
"""Argument of a simulation in which they do."""

Frames = IntArray | Mapping[str, IntArray]


class CosimError(VerificationError):
    """Some packets never came out whole. scenarios: each in detail."""

    def __init__(self, scenarios: Sequence[ScenarioResult]) -> None:
        super().__init__(_sentence(scenarios))
        self.scenarios = tuple(scenarios)


@dataclass(frozen=True, eq=False)
class CosimResult:
    """What a co-simulation showed.

    raw: output elements, int64 (packets, beats, lanes), as the first scenario received them; a dict by name
    of the port where there are several. outputs: always by name.
    latency_cycles, interval_cycles: measured by back_to_back, else None; see ScenarioResult.
    words_compared, mismatches: summed over the scenarios.
    scenarios: each in detail.
    fifo_fill: largest fill of every FIFO with a probe, over all scenarios, by instance path.
    build_seconds: 0.0 when an earlier build served.
    wave: the wave file, if one was asked for; differences: then, by scenario that failed, what differs first.
    """

    raw: Any
    outputs: Mapping[str, IntArray]
    latency_cycles: int | None
    interval_cycles: int | None
    words_compared: int
    mismatches: int
    scenarios: tuple[ScenarioResult, ...]
    fifo_fill: Mapping[str, int]
    build_seconds: float
    wave: Wave | None = None
    differences: Mapping[str, Difference] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every scenario passed: words, TLAST, TKEEP, TSTRB, padding and handshakes."""
        return all(scenario.passed for scenario in self.scenarios)

    @property
    def failures(self) -> tuple[str, ...]:
        """Everything that was wrong, one sentence each."""
        return tuple(f"{item.name}: {text}" for item in self.scenarios for text in item.failures)

    def check(self) -> None:
        """Raise if anything was wrong.

        Raises
        ------
        VerificationError
            With the number of words that differ and the first failures.
        """
        if not self.passed:
            raise VerificationError(_sentence(self.scenarios))


def run_cosim(
    rtl_dir: Path,
    manifest: Manifest,
    frames: Frames,
    expected: Frames | None,
    *,
    scenarios: Sequence[str] = ("back_to_back",),
    seed: int = 0,
    build_dir: Path | None = None,
    progress: Progress | None = None,
    driver: str = "auto",
    watchdog: int = WATCHDOG,
    plusargs: Sequence[str] = (),
    pace: int = 0,
) -> CosimResult:
    """Simulate RTL with the ports of `manifest` and compare every output word.

    Parameters
    ----------
    rtl_dir
        A generated project, its ``rtl`` folder, or any folder of Verilog, such as a vendor's export.
        ``rtl/files.f`` names the sources, else every .v and .sv file counts. Memory files
        (.mem, .dat, ...) are found from the folder the simulation runs in.
    frames, expected
        Raw integers in transmission order, (packets, beats, lanes); a mapping from port name where
        there are several ports. Without `expected`, only the protocol is checked, and that every
        scenario gives the words of the first.
    scenarios
        Of `SCENARIOS`; ``wrong_packets`` is left out where no input checks TLAST.
    seed
        Of the gaps, the moments of reset, and the bits that registers without initial value start with.
    build_dir
        Everything is written here; ``build/cosim`` in `rtl_dir` by default. Simulators are kept and
        found again by the content of their sources.
    driver
        "axi": cocotbext-axi; "lean": a faster one of our own; "auto": the former for short runs.
    watchdog
        Clock cycles without a handshake on any port that count as a deadlock.
    plusargs
        Passed to the simulator, without the plus.
    pace
        Clock cycles from the start of one packet to the next in ``back_to_back``, its beats evenly spread; 0:
        no gaps.

    Raises
    ------
    ConfigError
        An unknown scenario or driver.
    DataError
        Frames of a wrong shape or range, or no Verilog in `rtl_dir`.
    ToolError
        A tool is missing, the RTL does not compile, or the simulator fails.
    CosimError
        Some packets never came out whole (a deadlock, say), so that there is no `raw`. Wrong words
        are no error: see `CosimResult.mismatches` and `CosimResult.check`.
    """
    stimulus = Stimulus(
        inputs=_by_port(frames, manifest.inputs, "input"),
        expected=None if expected is None else _by_port(expected, manifest.outputs, "expected"),
        scenarios=_chosen(scenarios, any(port.packet_error for port in manifest.inputs)),
        seed=seed,
        driver=driver,
        watchdog=watchdog,
        plusargs=tuple(plusargs),
        pace=pace,
    )
    packets = _check_counts(stimulus)
    if driver not in DRIVERS:
        raise ConfigError(f"driver is {driver!r}; choose one of {', '.join(DRIVERS)}")
    home = (rtl_dir / "build" / "cosim" if build_dir is None else build_dir).resolve()
    sources = find_sources(rtl_dir, ignore=home)
    request = BuildRequest(
        top=manifest.name,
        sources=sources,
        harness=cocotb_harness(manifest.name, [port.port for port in (*manifest.inputs, *manifest.outputs)]),
        defines=(PROBE_DEFINE,),
    )
    build = build_simulator(request, home, progress)
    results, outputs = run_scenarios(build.executable, sources, manifest, stimulus, home / "run", progress)
    if any(len(array) < packets for array in outputs[0].values()) or not outputs[0]:
        raise CosimError(results)
    timed = next((item for item in results if item.name == "back_to_back"), results[0])
    return CosimResult(
        raw=plain({port.port: outputs[0][port.port] for port in manifest.outputs}),
        outputs=outputs[0],
        latency_cycles=timed.latency_cycles,
        interval_cycles=timed.interval_cycles,
        words_compared=sum(item.words_compared for item in results),
        mismatches=sum(item.mismatches for item in results),
        scenarios=tuple(results),
        fifo_fill=_largest(results),
        build_seconds=build.seconds,
    )


def measure_fifo_depths(
    rtl_dir: Path,
    manifest: Manifest,
    frames: Frames,
    *,
    pace: int = 0,
    build_dir: Path | None = None,
    progress: Progress | None = None,
    watchdog: int = WATCHDOG,
) -> dict[str, int]:
    """Return how full, in beats, every FIFO becomes when packets start `pace` cycles apart (0: without a gap)
    and are taken at once.

    FIFOs of RTL that hpq generated have room for everything then, whatever their depths: they count beats,
    and the words that come out mean nothing. So it is the simulator of co-simulation that runs. Other FIFOs
    with a probe must be deep enough not to be the limit. Keys are instance paths below the top module.

    Raises
    ------
    DataError, ToolError, VerificationError
        As `run_cosim`; DataError also when the design has no FIFO with a probe.
    """
    result = run_cosim(
        rtl_dir,
        manifest,
        frames,
        None,
        build_dir=build_dir,
        progress=progress,
        driver="lean",
        watchdog=watchdog,
        plusargs=(ROOMY,),
        pace=pace,
    )
    result.check()
    if not result.fifo_fill:
        raise DataError(
            f"{rtl_dir} has no FIFO with a fill probe; only RTL that hpq generated can be measured"
        )
    return dict(result.fifo_fill)


def _chosen(scenarios: Sequence[str], checked: bool) -> tuple[str, ...]:
    names = (scenarios,) if isinstance(scenarios, str) else tuple(dict.fromkeys(scenarios))
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown or not names:
        what = f"unknown scenario {unknown[0]!r}" if unknown else "no scenario given"
        raise ConfigError(f"{what}; choose from {', '.join(SCENARIOS)}")
    # The testbench plays them in this order.
    played = tuple(name for name in SCENARIOS if name in names and (checked or name != _OF_CHECKED))
    if not played:
        raise ConfigError(f"no input of the design checks TLAST, so that there is no {_OF_CHECKED} to play")
    return played


def _by_port(frames: Frames, ports: Sequence[Port], what: str) -> dict[str, IntArray]:
    if isinstance(frames, Mapping):
        given = dict(frames)
    elif len(ports) == 1:
        given = {ports[0].port: frames}
    else:
        names = ", ".join(port.port for port in ports)
        raise DataError(
            f"the design has several ports ({names}); give the {what} frames as a mapping from these"
        )
    arrays = {}
    for port in ports:
        if port.port not in given:
            raise DataError(
                f"no {what} frames for port {port.port}; the frames given are for {sorted(given)}"
            )
        arrays[port.port] = checked_frames(given[port.port], port, what)
    return arrays


def _check_counts(stimulus: Stimulus) -> int:
    arrays = [*stimulus.inputs.values(), *(stimulus.expected or {}).values()]
    counts = {len(array) for array in arrays}
    if len(counts) != 1:
        raise DataError(f"input and expected frames hold {sorted(counts)} packets; give equally many")
    return counts.pop()


def _largest(results: Sequence[ScenarioResult]) -> dict[str, int]:
    fills: dict[str, int] = {}
    for item in results:
        for name, fill in item.fifo_fill.items():
            fills[name] = max(fill, fills.get(name, 0))
    return fills


def _sentence(results: Sequence[ScenarioResult]) -> str:
    wrong = sum(item.mismatches for item in results)
    total = sum(item.words_compared for item in results)
    failed = [item for item in results if not item.passed]
    head = f"{wrong} of {total} words differ; failed scenarios: {', '.join(item.name for item in failed)}"
    details = [f"{item.name}: {text}" for item in failed for text in item.failures]
    return "\n  ".join([head, *details[:10]])
