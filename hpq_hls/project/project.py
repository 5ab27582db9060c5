"""A generated project on disk, and what can be done with it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.codegen.base import Design, Frames, by_port
from hpq_hls.codegen.manifest import Manifest, frames_at, manifest_of
from hpq_hls.codegen.registry import find_backend
from hpq_hls.cost import (
    size_fifos,
    time_dataflow,
)
from hpq_hls.cost.folding import interval_of
from hpq_hls.errors import ConfigError, VerificationError
from hpq_hls.graph import plain
from hpq_hls.hardware import (
    MIN_DEPTH,
    Dataflow,
    with_fifo_depths,
)
from hpq_hls.shown import Shown
from hpq_hls.simulate import QuantizedGraph, simulate
from hpq_hls.synth import ResourceReport, synthesize
from hpq_hls.tools.console import Wish, told
from hpq_hls.verify.certify.bench import Bench
from hpq_hls.verify.certify.certificate import Certificate, certify
from hpq_hls.verify.certify.cpp_bench import CppBench
from hpq_hls.verify.certify.intervals import stream_intervals
from hpq_hls.verify.certify.kept import files_digest, keep
from hpq_hls.verify.certify.rtl_bench import RtlBench
from hpq_hls.verify.clocked.design import write_clocked
from hpq_hls.verify.cosim import WATCHDOG, CosimError, CosimResult, measure_fifo_depths, run_cosim
from hpq_hls.verify.cosim_run import ScenarioResult, Stimulus
from hpq_hls.verify.csim import SelfCheck, run_csim, run_selfcheck
from hpq_hls.verify.differ.difference import Difference
from hpq_hls.verify.differ.looking import Looked, look_at_cpp, look_at_rtl
from hpq_hls.verify.differ.wave import wave_file
from hpq_hls.verify.schedule import Course, Schedule, record
from hpq_hls.verify.stimuli import Stimuli, choose_stimuli

IntArray = npt.NDArray[np.int64]


_BENCHES: Mapping[str, Callable[..., Bench]] = {"vitis": CppBench, "vivado": CppBench, "rtl": RtlBench}
"""What runs the kernels of a backend's project alone."""


@dataclass(frozen=True, eq=False, repr=False)
class Project(Shown):
    """A folder that ``generate`` wrote. What takes long shows its progress where somebody watches: see
    ``progress`` of ``hpq_hls.tools.console.Wish``.

    path: the folder; backend: "vitis", "vivado" or "rtl"; q: the network it computes; design: what
    was printed. notes: a sentence on each target that is missed. chosen: the frames that it is verified with;
    None: those that ``stimuli`` chooses.
    """

    path: Path
    backend: str
    q: QuantizedGraph
    design: Design
    notes: tuple[str, ...] = ()
    chosen: Stimuli | None = None

    def facts(self) -> Mapping[str, str]:
        return {
            "path": str(self.path),
            "backend": self.backend,
            "top": self.manifest.name,
            "part": self.design.part,
            "clock": f"{self.design.clock_ns:g} ns",
            "kernels": str(len(self.dataflow.kernels)),
        }

    @property
    def stimuli(self) -> Stimuli:
        """The frames that the design is verified with: the emitted testbench's, see docs/verification.md."""
        return choose_stimuli(self.q) if self.chosen is None else self.chosen

    @property
    def dataflow(self) -> Dataflow:
        """Kernels and streams."""
        return self.design.dataflow

    @property
    def built(self) -> QuantizedGraph:
        """The network whose layers were built: ``q`` without what nobody reads."""
        return self.dataflow.network or self.q

    @property
    def manifest(self) -> Manifest:
        """Ports, types and orders, the content of design.json."""
        return manifest_of(self.design)

    def csim(self, x: Any, *, progress: Wish = None) -> Any:
        """Raw outputs, int64 (batch, *output_shape), of the C++ compiled by g++.

        x: float inputs as for ``predict``; several outputs come as from ``predict_raw``.

        Raises:
            ConfigError: the project holds no C++.
            ToolError: the compiler is missing or fails.
            VerificationError: a stream is read while it is empty or keeps beats, or a port breaks a rule.
        """
        self._require_cpp()
        with told("C simulation", progress) as say:
            made = run_csim(self.path, self._frames(x), progress=say)
        return self._outputs(by_port(made, [terminal.port for terminal in self.dataflow.outputs]))

    def _frames(self, x: Any) -> Frames:
        """Inputs as frames of the input ports."""
        return frames_at(self.dataflow, self.dataflow.inputs, self.q.quantize_input(x))

    def _outputs(self, frames: Mapping[str, IntArray]) -> Any:
        """Raw outputs from the frames of the output ports."""
        outs = zip(self.dataflow.outputs, self.manifest.outputs, strict=True)
        return plain({terminal.name: port.from_frames(frames[port.port]) for terminal, port in outs})

    def first_difference(self, x: Any = None, *, progress: Wish = None) -> Difference | None:
        """Where the C++ goes wrong first: the kernel, as data flows, and the word. None where it does not.

        x: float inputs; None: those of the project's own test vectors.

        Raises:
            ConfigError: the project holds no C++. ToolError: the compiler is missing or fails.
        """
        self._require_cpp()
        flow = self.dataflow
        raw = plain(self.stimuli.raw) if x is None else self.q.quantize_input(x)
        given = frames_at(flow, flow.inputs, raw)
        golden = frames_at(flow, flow.outputs, simulate(self.q, raw))
        with told("Looking for the first difference", progress) as say:
            try:
                made = by_port(run_csim(self.path, given, progress=say), [one.port for one in flow.outputs])
            except VerificationError:
                made = None
            return look_at_cpp(self.built, self.manifest, flow, self.path, given, golden, made, say)

    def selfcheck(self, *, progress: Wish = None) -> SelfCheck:
        """Run the emitted testbench on the emitted test vectors."""
        self._require_cpp()
        with told("C++ self-check", progress) as say:
            return run_selfcheck(self.path, len(self.stimuli), progress=say)

    def certify(self, *, progress: Wish = None) -> Certificate:
        """Examine every kernel alone, for all inputs that can reach it, as the project's files have it: C++
        with g++, RTL with Verilator. The certificate is kept beside the files, in ``certificate.json``.

        Raises:
            ToolError: a tool is missing or fails.
            OutputError: the certificate cannot be written.
        """
        with told("Certifying every kernel alone", progress) as say:
            printed = find_backend(self.backend).files(with_vectors(self.design, self.q, self.q.examples))
            bench = _BENCHES[self.backend](self.path, self.dataflow, printed, say)
            found = certify(
                bench,
                self.dataflow,
                stream_intervals(self.dataflow, self.built),
                backend=self.backend,
                digest=files_digest(self.path),
                progress=say,
            )
        keep(self.path, found)
        return found

    def schedule(
        self,
        depth: int = 8,
        style: str | None = None,
        rewind: bool | None = None,
        frames: int = 6,
        *,
        progress: Wish = None,
    ) -> Schedule:
        """How ``frames`` frames, one right after the other, go through the C++ in a model of its schedule:
        nothing is measured. See `hpq_hls.verify.schedule`.

        depth: stages of each pipeline, read to write, which only the HLS tool knows. style: "stp", "flp" or
        "frp" for all pipelines; rewind: for all loops; None: as emitted.

        Raises:
            ConfigError: the project holds no C++, or an argument is not possible.
            VerificationError: the C++ cannot be pipelined as its pragmas say.
            ToolError: the compiler is missing or fails.
        """
        return self.course(progress=progress).schedules([depth], style, rewind, frames=frames)[0]

    def course(self, *, progress: Wish = None) -> Course:
        """What each process of the C++ reads and writes in which iteration, for schedules of many kinds.

        Raises:
            ConfigError: the project holds no C++.
            VerificationError, ToolError: as for ``schedule``.
        """
        self._require_cpp()
        with told("Recording the C++'s schedule", progress) as say:
            return record(self.path, progress=say)

    def _require_cpp(self) -> None:
        if self.backend == "rtl":
            raise ConfigError(
                f"project {self.path} is RTL and has no C++ to simulate; use cosim, or generate backend vitis"
            )

    def cosim(
        self,
        x: Any,
        *,
        rtl_dir: str | Path | None = None,
        scenarios: Sequence[str] = ("back_to_back",),
        seed: int = 0,
        wave: str | Path | None = None,
        progress: Wish = None,
    ) -> CosimResult:
        """Run the RTL on Verilator under the cocotb testbench.

        x: float inputs as for ``predict``. rtl_dir: any folder of Verilog with the same ports, such
        as a vendor tool's export; without it the project's own RTL. wave: write an FST of the first scenario
        that fails there, or of the first (see ``look``). The result's ``raw`` is
        int64 (batch, *output_shape), of several outputs a dict by name.

        Raises:
            ConfigError: the project holds no RTL and no rtl_dir is given.
            ToolError: Verilator is missing or fails.
            VerificationError: some packets never came out.
        """
        self._require_rtl(rtl_dir)
        if wave is not None:
            wave_file(wave)
        stimulus = self._stimulus(x, seed)
        with told("RTL co-simulation", progress) as say:
            try:
                result = run_cosim(
                    self.path if rtl_dir is None else Path(rtl_dir),
                    self.manifest,
                    stimulus.inputs,
                    stimulus.expected,
                    scenarios=scenarios,
                    seed=seed,
                    build_dir=self.path / "build" / "cosim",
                    progress=say,
                )
            except CosimError as error:
                if wave is not None:
                    self.look(x, error.scenarios, rtl_dir=rtl_dir, seed=seed, wave=wave, progress=say)
                raise
        result = replace(result, raw=self._outputs(result.outputs))
        if wave is None:
            return result
        looked = self.look(x, result.scenarios, rtl_dir=rtl_dir, seed=seed, wave=wave, progress=progress)
        return replace(result, wave=looked.wave, differences=looked.differences)

    def look(
        self,
        x: Any,
        scenarios: Sequence[ScenarioResult],
        *,
        rtl_dir: str | Path | None = None,
        seed: int = 0,
        wave: str | Path | None = None,
        progress: Wish = None,
    ) -> Looked:
        """Play the scenarios of a co-simulation that failed again, every stream watched, and find where each
        goes wrong first: the kernel, as data flows, and the word.

        x, rtl_dir, seed: as ``cosim`` was given. Of an ``rtl_dir`` only the ports can be seen. wave: there an
        FST is written of the first that failed, or of the first if none did, and beside it a save file of
        GTKWave (.gtkw) and a command file of Surfer (.sucl), which open it at the first difference.

        Raises:
            ConfigError: as ``cosim``; or wave does not end in .fst. ToolError: Verilator is missing or fails.
            OutputError: the wave file cannot be written.
        """
        self._require_rtl(rtl_dir)
        with told("Looking for the first difference", progress) as say:
            return look_at_rtl(
                self.built,
                self.manifest,
                self.dataflow if rtl_dir is None else None,
                self.path if rtl_dir is None else Path(rtl_dir),
                self._stimulus(x, seed),
                scenarios,
                self.path / "build" / "cosim",
                wave=None if wave is None else wave_file(wave),
                progress=say,
            )

    def _stimulus(self, x: Any, seed: int) -> Stimulus:
        raw, flow = self.q.quantize_input(x), self.dataflow
        given = frames_at(flow, flow.inputs, raw)
        golden = frames_at(flow, flow.outputs, simulate(self.q, raw))
        return Stimulus(given, golden, (), seed, "auto", WATCHDOG, ())

    def _require_rtl(self, rtl_dir: str | Path | None) -> None:
        if rtl_dir is None and self.backend != "rtl":
            raise ConfigError(
                f"project {self.path} holds C++; give rtl_dir, the folder with the RTL exported from it, or "
                "generate backend rtl"
            )

    def cosim_cpp(
        self,
        x: Any,
        *,
        scenarios: Sequence[str] = ("back_to_back",),
        seed: int = 0,
        progress: Wish = None,
    ) -> CosimResult:
        """Run the emitted C++ as clocked hardware under the cocotb testbench: its processes, compiled by
        clang, as state machines between FIFOs of the emitted depths (see `hpq_hls.verify.clocked`); a kernel
        with memory stands between memories.

        x: float inputs as for ``predict``. Words, packets, reset and FIFOs are those of the C++; cycles are
        not those of an HLS tool, so that latency and interval say nothing.

        Raises:
            ConfigError: the project holds no C++.
            VerificationError: the C++ cannot be made into hardware as it stands, or some packets never came
                out.
            ToolError: clang or Verilator is missing or fails.
        """
        self._require_cpp()
        stimulus = self._stimulus(x, seed)
        with (
            told("C++ as hardware", progress) as say,
            tempfile.TemporaryDirectory(prefix="hpq_clocked_") as folder,
        ):
            write_clocked(self.path, Path(folder) / "clocked", progress=say)
            result = run_cosim(
                Path(folder) / "clocked",
                self.manifest,
                stimulus.inputs,
                stimulus.expected,
                scenarios=scenarios,
                seed=seed,
                build_dir=self.path / "build" / "clocked",
                progress=say,
            )
        return replace(result, raw=self._outputs(result.outputs))

    def measure_fifos(self, x: Any, *, progress: Wish = None) -> dict[str, int]:
        """Depth, in beats, that each stream's FIFO needs so that it never holds up the design.

        They are what ``fifo_fills`` measures, or what the timing says where that is less: a FIFO in front of
        which nothing ever waits may get fuller than it has to. Give the result to ``generate`` as
        ``fifo_depths``, for either backend.

        Raises:
            ConfigError: the project holds no RTL.
            ToolError: Verilator is missing or fails.
        """
        fills, sized = self.fifo_fills(x, progress=progress), size_fifos(self.dataflow)
        depths = {
            name: max(MIN_DEPTH, min(fills.get(name, 0), stream.depth))
            for name, stream in sized.streams.items()
        }
        measured, least = (time_dataflow(flow).interval for flow in (with_fifo_depths(sized, depths), sized))
        if measured > least:  # what waits less at one place can be late at another
            return {name: stream.depth for name, stream in sized.streams.items()}
        return depths

    def fifo_fills(self, x: Any, *, progress: Wish = None) -> dict[str, int]:
        """How full, in beats, each stream's FIFO gets where all have room for everything.

        Streams between kernels in step have none. The simulator is that of ``cosim``: neither compiles again
        what the other has.

        The packets of ``x`` start as far apart as the slowest kernel takes for one, their beats evenly
        spread. Give at least three, so that the design is full.

        Raises:
            ConfigError: the project holds no RTL.
            ToolError: Verilator is missing or fails.
        """
        if self.backend != "rtl":
            raise ConfigError(f"project {self.path} holds C++; FIFOs are measured on backend rtl")
        with told("Measuring FIFO depths on the RTL", progress) as say:
            fills = measure_fifo_depths(
                self.path,
                self.manifest,
                self._frames(x),
                pace=interval_of(self.dataflow),
                build_dir=self.path / "build" / "cosim",
                progress=say,
            )
        return {path.rsplit(".", 1)[-1].removeprefix("fifo_"): fill for path, fill in fills.items()}

    def synth(
        self,
        tool: str = "yosys",
        *,
        stage: str = "csynth",
        reports: str | Path | None = None,
        progress: Wish = None,
    ) -> ResourceReport:
        """Resources measured by a synthesis tool: "yosys", "nextpnr" (RTL) or "vitis" (C++).

        stage: of vitis, what to run behind C synthesis, "cosim", "export", "syn" or "impl". reports: of
        vitis, a folder in which it was run already; nothing is run then. See ``hpq_hls.synth.synthesize``.
        """
        with told("Synthesizing", progress) as say:
            return synthesize(
                self.path,
                self.backend,
                self.manifest,
                tool,
                build_dir=self.path / "build",
                stage=stage,
                reports=None if reports is None else Path(reports),
                progress=say,
            )


def with_vectors(design: Design, q: QuantizedGraph, raw: Mapping[str, IntArray]) -> Design:
    """With test vectors, from raw inputs by name."""
    flow = design.dataflow
    given = frames_at(flow, flow.inputs, plain(raw))
    golden = frames_at(flow, flow.outputs, simulate(q, plain(raw)))
    return replace(design, input_frames=given, golden_frames=golden)
