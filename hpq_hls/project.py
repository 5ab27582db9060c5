"""A generated project on disk, and what can be done with it."""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.codegen.base import Design, Frames, by_port
from hpq_hls.codegen.block_design import board_refusal
from hpq_hls.codegen.boards import Board, find_board
from hpq_hls.codegen.manifest import Manifest, frames_at, manifest_of
from hpq_hls.codegen.registry import find_backend
from hpq_hls.codegen.writer import check_target, write_project
from hpq_hls.cost import (
    ResourceEstimate,
    build_design,
    estimate_dataflow,
    find_part,
    fold,
    misfit_of,
    size_fifos,
    time_dataflow,
    with_room_for_pipelines,
)
from hpq_hls.cost.folding import interval_of
from hpq_hls.errors import CapacityError, ConfigError, VerificationError
from hpq_hls.graph import plain
from hpq_hls.hardware import (
    DEFAULT_PART,
    DEFAULT_UTILISATION,
    MIN_DEPTH,
    Dataflow,
    HardwareConfig,
    Io,
    LayerFolding,
    Memory,
    Multipliers,
    Strategy,
    System,
    Tlast,
    check_utilisation,
    system_of,
    target_of,
    with_fifo_depths,
)
from hpq_hls.simulate import QuantizedGraph, simulate
from hpq_hls.synth import ResourceReport, synthesize
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
from hpq_hls.verify.stimuli import COVERAGE_FILE, Stimuli, choose_stimuli

DEFAULT_CLOCK_NS = 5.0

IntArray = npt.NDArray[np.int64]
Progress = Callable[[str], None]
LayerSettings = dict[str, dict[str, int | str]]
"""Folding by layer as in project.yaml: {"conv1": {"pe": 4, "simd": 9}}."""


_BENCHES: Mapping[str, Callable[..., Bench]] = {"vitis": CppBench, "vivado": CppBench, "rtl": RtlBench}
"""What runs the kernels of a backend's project alone."""


@dataclass(frozen=True, eq=False)
class Project:
    """A folder that ``generate`` wrote.

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

    @property
    def stimuli(self) -> Stimuli:
        """The frames that the design is verified with: the emitted testbench's, see docs/verification.md."""
        return choose_stimuli(self.q) if self.chosen is None else self.chosen

    @property
    def dataflow(self) -> Dataflow:
        """Kernels and streams."""
        return self.design.dataflow

    @property
    def manifest(self) -> Manifest:
        """Ports, types and orders, the content of design.json."""
        return manifest_of(self.design)

    def csim(self, x: Any, *, progress: Progress | None = None) -> Any:
        """Raw outputs, int64 (batch, *output_shape), of the C++ compiled by g++.

        x: float inputs as for ``predict``; several outputs come as from ``predict_raw``.

        Raises:
            ConfigError: the project holds no C++.
            ToolError: the compiler is missing or fails.
            VerificationError: a stream is read while it is empty or keeps beats, or a port breaks a rule.
        """
        self._require_cpp()
        made = run_csim(self.path, self._frames(x), progress=progress)
        return self._outputs(by_port(made, [terminal.port for terminal in self.dataflow.outputs]))

    def _frames(self, x: Any) -> Frames:
        """Inputs as frames of the input ports."""
        return frames_at(self.dataflow, self.dataflow.inputs, self.q.quantize_input(x))

    def _outputs(self, frames: Mapping[str, IntArray]) -> Any:
        """Raw outputs from the frames of the output ports."""
        outs = zip(self.dataflow.outputs, self.manifest.outputs, strict=True)
        return plain({terminal.name: port.from_frames(frames[port.port]) for terminal, port in outs})

    def first_difference(self, x: Any = None, *, progress: Progress | None = None) -> Difference | None:
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
        try:
            made = by_port(run_csim(self.path, given, progress=progress), [one.port for one in flow.outputs])
        except VerificationError:
            made = None
        return look_at_cpp(self.q, self.manifest, flow, self.path, given, golden, made, progress)

    def selfcheck(self, *, progress: Progress | None = None) -> SelfCheck:
        """Run the emitted testbench on the emitted test vectors."""
        self._require_cpp()
        return run_selfcheck(self.path, len(self.stimuli), progress=progress)

    def certify(self, *, progress: Progress | None = None) -> Certificate:
        """Examine every kernel alone, for all inputs that can reach it, as the project's files have it: C++
        with g++, RTL with Verilator. The certificate is kept beside the files, in ``certificate.json``.

        Raises:
            ToolError: a tool is missing or fails.
            OutputError: the certificate cannot be written.
        """
        say = progress or (lambda _: None)
        printed = find_backend(self.backend).files(_with_vectors(self.design, self.q, self.q.examples))
        bench = _BENCHES[self.backend](self.path, self.dataflow, printed, say)
        found = certify(
            bench,
            self.dataflow,
            stream_intervals(self.dataflow, self.q),
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
        progress: Progress | None = None,
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

    def course(self, *, progress: Progress | None = None) -> Course:
        """What each process of the C++ reads and writes in which iteration, for schedules of many kinds.

        Raises:
            ConfigError: the project holds no C++.
            VerificationError, ToolError: as for ``schedule``.
        """
        self._require_cpp()
        return record(self.path, progress=progress)

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
        progress: Progress | None = None,
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
        try:
            result = run_cosim(
                self.path if rtl_dir is None else Path(rtl_dir),
                self.manifest,
                stimulus.inputs,
                stimulus.expected,
                scenarios=scenarios,
                seed=seed,
                build_dir=self.path / "build" / "cosim",
                progress=progress,
            )
        except CosimError as error:
            if wave is not None:
                self.look(x, error.scenarios, rtl_dir=rtl_dir, seed=seed, wave=wave, progress=progress)
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
        progress: Progress | None = None,
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
        return look_at_rtl(
            self.q,
            self.manifest,
            self.dataflow if rtl_dir is None else None,
            self.path if rtl_dir is None else Path(rtl_dir),
            self._stimulus(x, seed),
            scenarios,
            self.path / "build" / "cosim",
            wave=None if wave is None else wave_file(wave),
            progress=progress,
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
        progress: Progress | None = None,
    ) -> CosimResult:
        """Run the emitted C++ as clocked hardware under the cocotb testbench: its processes, compiled by
        clang, as state machines between FIFOs of the emitted depths (see `hpq_hls.verify.clocked`).

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
        with tempfile.TemporaryDirectory(prefix="hpq_clocked_") as folder:
            write_clocked(self.path, Path(folder) / "clocked", progress=progress)
            result = run_cosim(
                Path(folder) / "clocked",
                self.manifest,
                stimulus.inputs,
                stimulus.expected,
                scenarios=scenarios,
                seed=seed,
                build_dir=self.path / "build" / "clocked",
                progress=progress,
            )
        return replace(result, raw=self._outputs(result.outputs))

    def measure_fifos(self, x: Any, *, progress: Progress | None = None) -> dict[str, int]:
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
            name: max(MIN_DEPTH, min(fills[name], stream.depth)) for name, stream in sized.streams.items()
        }
        measured, least = (time_dataflow(flow).interval for flow in (with_fifo_depths(sized, depths), sized))
        if measured > least:  # what waits less at one place can be late at another
            return {name: stream.depth for name, stream in sized.streams.items()}
        return depths

    def fifo_fills(self, x: Any, *, progress: Progress | None = None) -> dict[str, int]:
        """How full, in beats, each stream's FIFO gets on RTL in which all have room for a frame.

        The packets of ``x`` start as far apart as the slowest kernel takes for one, their beats evenly
        spread. Give at least three, so that the design is full.

        Raises:
            ConfigError: the project holds no RTL.
            ToolError: Verilator is missing or fails.
        """
        if self.backend != "rtl":
            raise ConfigError(f"project {self.path} holds C++; FIFOs are measured on backend rtl")
        room = {name: max(stream.depth, stream.beats) for name, stream in self.dataflow.streams.items()}
        roomy = replace(self.design, dataflow=with_fifo_depths(self.dataflow, room))
        with tempfile.TemporaryDirectory(prefix="hpq_fifos_") as folder:
            write_project(find_backend("rtl").files(roomy), Path(folder) / "rtl", False)
            fills = measure_fifo_depths(
                Path(folder) / "rtl",
                self.manifest,
                self._frames(x),
                pace=interval_of(self.dataflow),
                build_dir=self.path / "build" / "fifos",
                progress=progress,
            )
        return {path.rsplit(".", 1)[-1].removeprefix("fifo_"): fill for path, fill in fills.items()}

    def synth(self, tool: str = "yosys", *, progress: Progress | None = None) -> ResourceReport:
        """Resources measured by a synthesis tool: "yosys", "nextpnr" (RTL) or "vitis" (C++)."""
        return synthesize(
            self.path, self.backend, self.manifest, tool, build_dir=self.path / "build", progress=progress
        )


def hardware_config(
    *,
    part: str = DEFAULT_PART,
    clock_ns: float = DEFAULT_CLOCK_NS,
    io: str = "stream",
    target_interval: int | None = None,
    target_fps: float | None = None,
    utilisation: float = DEFAULT_UTILISATION,
    reuse_factor: int | None = None,
    strategy: str = "folded",
    multipliers: str = "auto",
    layers: LayerSettings | None = None,
    tlast: str = "checked",
) -> HardwareConfig:
    """Check the hardware settings that ``generate`` and ``estimate`` take.

    Raises:
        ConfigError: an unknown part, io, key, strategy, kind of multipliers or use of TLAST, a number below
            1, or an impossible target.
    """
    if io not in {item.value for item in Io}:
        raise ConfigError(f"io is {io!r}; choose stream or parallel")
    _check_choice("strategy", strategy, Strategy)
    _check_choice("multipliers", multipliers, Multipliers)
    _check_choice("tlast", tlast, Tlast)
    _check_positive("reuse_factor", reuse_factor)
    find_part(part)
    return HardwareConfig(
        io=Io(io),
        target_interval=target_of(target_interval, target_fps, clock_ns),
        reuse_factor=reuse_factor,
        strategy=Strategy(strategy),
        multipliers=Multipliers(multipliers),
        layers={name: _folding(name, given) for name, given in (layers or {}).items()},
        part=part,
        utilisation=check_utilisation(utilisation),
        tlast=Tlast(tlast),
    )


def _folding(layer: str, given: dict[str, int | str]) -> LayerFolding:
    known = ("pe", "simd", "reuse_factor", *_CHOICES)
    settings: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise ConfigError(
                f"layer {layer!r} has the unknown hardware key {key!r}; known are {', '.join(known)}"
            )
        what = f"{key} of layer {layer!r}"
        if key in _CHOICES:
            _check_choice(what, value, _CHOICES[key])
            settings[key] = _CHOICES[key](value)
        else:
            _check_positive(what, value)
            settings[key] = value
    return LayerFolding(**settings)


_CHOICES: Mapping[str, type[enum.Enum]] = {"strategy": Strategy, "multipliers": Multipliers}
"""Settings of a layer that are one of some words."""


def _check_choice(what: str, value: object, kind: type[enum.Enum]) -> None:
    *most, last = (item.value for item in kind)
    if value not in (*most, last):
        raise ConfigError(f"{what} is {value!r}; choose {', '.join(most)} or {last}")


def _check_positive(what: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigError(f"{what} is {value!r}; give a whole number of at least 1")


def generate(
    q: QuantizedGraph,
    out: str | Path,
    backend: str = "vitis",
    *,
    name: str | None = None,
    part: str | None = None,
    board: str | None = None,
    boards: str | Path | None = None,
    clock_ns: float = DEFAULT_CLOCK_NS,
    io: str = "stream",
    target_interval: int | None = None,
    target_fps: float | None = None,
    utilisation: float = DEFAULT_UTILISATION,
    reuse_factor: int | None = None,
    strategy: str = "folded",
    multipliers: str = "auto",
    layers: LayerSettings | None = None,
    tlast: str = "checked",
    control: str = "none",
    memory: str = "axis",
    clock_uncertainty: float | str | None = None,
    export: str = "none",
    ip: Mapping[str, str] | None = None,
    fifo_depths: Mapping[str, int] | None = None,
    force: bool = False,
    oversize: bool = False,
    stimuli: Stimuli | None = None,
) -> Project:
    """Write a network as a project of one backend.

    q: from ``quantize`` or ``search``. out: the folder; it must not exist or be empty, unless
    ``force`` allows an earlier project to be replaced. backend: "vitis", "vivado" or "rtl".
    name: of the top-level function and module; made a legal identifier. io: "stream" or "parallel".
    part: None for the board's, or without one for an xc7z020clg400-1. board: adds a folder ``board/`` with
    the scripts of a system on it and a driver (docs/boards.md). boards: a YAML file with boards of your own.
    target_interval: cycles per inference that every layer is to meet at least cost, or target_fps: inferences
    per second; without both the design is the fastest that takes no more than ``utilisation`` of each of the
    part's resources. A target that cannot be met is said in ``notes``.
    layers: ``{"conv1": {"pe": 4, "simd": 9}}``, ``reuse_factor``, ``strategy`` or ``multipliers``.
    strategy: of the layers that ``layers`` does not mention, "folded", "unrolled" (every multiplication in
    hardware) or "da" (adders instead of multiplications). multipliers: of those layers too, "auto" (in DSP
    blocks where the widths are worth one, and the part has them) or "fabric" (in LUTs at any width).
    tlast: of the inputs, "checked" (a packet that is too short or too long raises ``<port>_packet_error``,
    and the next is right again) or "ignored" (for masters that do not drive it).
    control, memory: who starts the design, "none" or "s_axilite", and where frames are, "axis" or
    "m_axi", a kernel that ``v++`` links, whose ports are its own, so that TLAST is ignored.
    clock_uncertainty: what the HLS tool keeps of each period, in ns, or "15%"; None: its own share.
    export: out-of-context synthesis with packaging, "none", "syn" or "impl". ip: ``{"vendor":
    "example.com", "library": "hls", "version": "1.0", "display_name": "..."}``, all of them optional.
    See docs/vitis.md; RTL has the core, and of these only ``ip``.
    fifo_depths: beats by stream, instead of the least that lose no rate (see ``hpq_hls.cost.fifos``).
    oversize: write it even if the part has too little of a resource, by the estimate, or if the HLS tool is
    known to refuse it, which C simulation does not. stimuli: frames for the emitted testbench; None: those
    that are chosen for the network (docs/verification.md). The folder is written whole or not at all, and the
    same network always gives the same bytes.

    Raises:
        ConfigError: a setting is wrong.
        CapacityError: the design does not fit the part, or the HLS tool takes no such words or functions;
            says what is short, and the nearest that fits.
        OutputError: the folder cannot be written or is not empty.
    """
    folder = Path(out)
    printer = find_backend(backend)
    check_target(folder, force)
    chosen_board = None if board is None else find_board(board, boards)
    part = part_of(part, chosen_board)
    system = system_of(
        control=control,
        memory=memory,
        clock_uncertainty=clock_uncertainty,
        export=export,
        ip=ip,
        clock_ns=clock_ns,
    )
    built = printer.built(system)
    config = hardware_config(
        part=part,
        clock_ns=clock_ns,
        io=io,
        target_interval=target_interval,
        target_fps=target_fps,
        utilisation=utilisation,
        reuse_factor=reuse_factor,
        strategy=strategy,
        multipliers=multipliers,
        layers=layers,
        tlast=Tlast.IGNORED.value if system.memory is Memory.M_AXI else tlast,
    )
    folded = fold(q, config)
    flow = dataflow_for(backend, q, folded.config, name, fifo_depths or {})
    if chosen_board is not None:
        impossible = board_refusal(flow, chosen_board, built)
        if impossible is not None:
            raise ConfigError(f"board {chosen_board.name!r} cannot be served: {impossible}")
    if not oversize:
        short = misfit_of(flow, q, config, part)
        if short is not None:
            raise CapacityError(f"{short.sentence}; or generate it all the same with oversize")
        refused = printer.refusal(flow, io)
        if refused is not None:
            raise CapacityError(f"{refused}; or generate it for C simulation only, with oversize")
    chosen = choose_stimuli(q) if stimuli is None else stimuli
    design = _with_vectors(
        Design(flow, io, part, float(clock_ns), {}, {}, system=built, board=chosen_board), q, chosen.raw
    )
    write_project({**printer.files(design), COVERAGE_FILE: chosen.to_json()}, folder, force)
    notes = (folded.note, _core_note(backend, system, built), _memory_note(design))
    return Project(folder, backend, q, design, notes=tuple(filter(None, notes)), chosen=chosen)


def _core_note(backend: str, wished: System, built: System) -> str | None:
    """That a project has only the core of what was asked for; None where it has all."""
    if (wished.control, wished.memory) == (built.control, built.memory):
        return None
    return (
        f"memory {wished.memory.value} and control {wished.control.value} are those of the HLS project; "
        f"backend {backend} has the core, with AXI4-Stream ports and no control"
    )


def _memory_note(design: Design) -> str | None:
    """That a kernel waits for its memory; None where it does not."""
    kernel, interval = manifest_of(design).kernel, interval_of(design.dataflow)
    if kernel is None:
        return None
    slowest = max(kernel.arguments, key=lambda one: one.steps)
    if slowest.steps <= interval:
        return None
    return (
        f"{slowest.name} takes {slowest.steps} cycles a frame, and the design could take one every "
        f"{interval} cycles"
    )


def part_of(part: str | None, board: Board | None) -> str:
    """The part that a design is for.

    Raises:
        ConfigError: it is another than the board's.
    """
    if board is None:
        return DEFAULT_PART if part is None else part
    if part is not None:
        board.check_part(part)
    return board.part


def dataflow_for(
    backend: str,
    q: QuantizedGraph,
    config: HardwareConfig,
    name: str | None,
    fifo_depths: Mapping[str, int],
) -> Dataflow:
    """What a project of a backend is printed from. Where a tool builds the pipelines, FIFOs have room for
    what they may hold besides ``fifo_depths``.

    Raises:
        ConfigError: folding or depths that do not suit the network.
    """
    flow = with_fifo_depths(build_design(q, config, name), fifo_depths)
    return with_room_for_pipelines(flow, find_backend(backend).stages)


def _with_vectors(design: Design, q: QuantizedGraph, raw: Mapping[str, IntArray]) -> Design:
    """With test vectors, from raw inputs by name."""
    flow = design.dataflow
    given = frames_at(flow, flow.inputs, plain(raw))
    golden = frames_at(flow, flow.outputs, simulate(q, plain(raw)))
    return replace(design, input_frames=given, golden_frames=golden)


def estimate(
    q: QuantizedGraph,
    part: str = DEFAULT_PART,
    clock_ns: float = DEFAULT_CLOCK_NS,
    *,
    io: str = "stream",
    target_interval: int | None = None,
    target_fps: float | None = None,
    utilisation: float = DEFAULT_UTILISATION,
    reuse_factor: int | None = None,
    strategy: str = "folded",
    multipliers: str = "auto",
    layers: LayerSettings | None = None,
    tlast: str = "checked",
    fifo_depths: Mapping[str, int] | None = None,
) -> ResourceEstimate:
    """Resources and cycles of a network on a part, without any tool; see ``generate`` for the settings.

    Raises:
        ConfigError: a setting is wrong.
    """
    config = hardware_config(
        part=part,
        clock_ns=clock_ns,
        io=io,
        target_interval=target_interval,
        target_fps=target_fps,
        utilisation=utilisation,
        reuse_factor=reuse_factor,
        strategy=strategy,
        multipliers=multipliers,
        layers=layers,
        tlast=tlast,
    )
    folded = fold(q, config)
    flow = with_fifo_depths(build_design(q, folded.config), fifo_depths or {})
    found = estimate_dataflow(flow, part, clock_ns, weight_bits=q.weight_bits)
    return replace(found, notes=tuple(filter(None, [folded.note])))
