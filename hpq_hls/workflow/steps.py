"""The steps from settings to artifacts: quantize, generate, estimate, synthesize."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hpq_hls.billing.inference import Tool
from hpq_hls.codegen.base import Design
from hpq_hls.codegen.manifest import manifest_of, read_manifest
from hpq_hls.codegen.registry import find_backend
from hpq_hls.codegen.writer import check_target
from hpq_hls.cost import Misfit, ResourceEstimate, find_part, misfit
from hpq_hls.errors import CapacityError, ConfigError
from hpq_hls.project import Project, dataflow_for, estimate, generate, hardware_config
from hpq_hls.settings.board import board_of
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.tools.files import make_folder
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.workflow import results as r
from hpq_hls.workflow.estimates import keep_estimate, kept_estimate
from hpq_hls.workflow.kernels import compared
from hpq_hls.workflow.options import keep_options
from hpq_hls.workflow.records import network_fingerprint, save_record
from hpq_hls.workflow.workspace import Workspace

NETWORK_FILE = "network.hpq"
FIFO_SAMPLES = 6
"""Enough for the design to fill up."""


# ---------------------------------------------------------------------------------------------
# Quantize, generate


def run_quantize(work: Workspace, reporter: Reporter | None = None) -> r.QuantizeResult:
    """Quantize at the settings' precision, score, and save the network."""
    with (reporter or Quiet()).step("Quantizing") as step:
        q = work.quantized()
        step("scoring")
        scores, saturation = work.scores(q), work.saturation(q)
        file = save_network(work, q)
        step.conclude(f"{q.weight_bits:,} bits of weights")
    return r.QuantizeResult(work.network(q), scores, file, saturation, work.statement)


def save_network(work: Workspace, q: QuantizedGraph) -> Path:
    """Write ``network.hpq`` into the output folder."""
    path = work.project.output / NETWORK_FILE
    make_folder(path.parent)
    q.save(path)
    return path


def run_generate(
    work: Workspace,
    *,
    force: bool = False,
    oversize: bool = False,
    measure_fifos: bool = False,
    reporter: Reporter | None = None,
) -> r.GenerateResult:
    """Write a project for each backend of the settings.

    measure_fifos: simulate the RTL first, and give every FIFO just the depth that it needs. oversize: write
    them even if the part is too small.

    Raises:
        CapacityError: the design does not fit the part.
        OutputError: a folder is not empty and ``force`` is not given, or cannot be written.
    """
    show, output = reporter or Quiet(), work.project.output
    backends = work.project.settings.hardware.backends
    for backend in backends:
        check_target(output / backend, force)
    q = work.quantized()
    short = misfit_of_work(work, q)
    if short is not None and not oversize:
        raise CapacityError(f"{short.sentence}; or generate it all the same with --oversize")
    if not oversize:
        _refuse(work, q, backends)
    written = []
    with tempfile.TemporaryDirectory(prefix="hpq_fifos_") as folder:
        measured = Path(folder) / "rtl"
        depths = _measured(work, q, measured, show) if measure_fifos else None
        for backend in backends:
            with show.step(f"Generating the {backend} project") as step:
                project = _generated(work, q, output / backend, backend, depths, force, oversize)
                count = sum(path.is_file() for path in project.path.rglob("*"))
                step.conclude(f"{count} files in {project.path}")
            written.append(r.GeneratedProject(backend, project.path, project.manifest.name, count))
            if measure_fifos and backend == "rtl":
                # Where the depths are what they were before, the simulator serves `hpq verify` too.
                shutil.move(measured / "build", project.path / "build")
    keep_options(work.project)
    return r.GenerateResult(
        work.network(q), tuple(written), save_network(work, q), work.statement, short, project.notes
    )


def _refuse(work: Workspace, q: QuantizedGraph, backends: Sequence[str]) -> None:
    """Raise if the tool of a backend takes no such design, before a project of another is written."""
    for backend in backends:
        flow = expected_design(work, q, backend).dataflow
        refused = find_backend(backend).refusal(flow, work.project.settings.hardware.io)
        if refused is not None:
            raise CapacityError(f"{refused}; or generate it for C simulation only, with --oversize")


def _generated(
    work: Workspace,
    q: QuantizedGraph,
    folder: Path,
    backend: str,
    fifo_depths: Mapping[str, int] | None,
    force: bool,
    oversize: bool,
) -> Project:
    built = {key: value for key, value in work.hardware().items() if key != "tool"}
    with work.fifo_depths() as chosen:
        return generate(
            q,
            folder,
            backend,
            name=work.project.settings.name,
            **built,
            **work.board(),
            **work.project.settings.hardware.system_arguments(),
            fifo_depths={**(fifo_depths or {}), **chosen},
            force=force,
            oversize=oversize,
            stimuli=work.stimuli(q),
        )


def _measured(work: Workspace, q: QuantizedGraph, folder: Path, show: Reporter) -> dict[str, int]:
    """FIFO depths by stream, measured on RTL in a folder."""
    with show.step("Measuring FIFO depths on the RTL") as step:
        project = _generated(work, q, folder, "rtl", None, False, True)
        depths = project.measure_fifos(work.samples.x[:FIFO_SAMPLES], progress=step)
        saved = sum(project.dataflow.streams[name].depth - depth for name, depth in depths.items())
        step.conclude(f"{len(depths)} FIFOs, {saved:,} beats saved")
        return depths


def open_project(work: Workspace, q: QuantizedGraph, backend: str) -> Project:
    """A project that ``run_generate`` wrote earlier.

    Raises:
        ConfigError: it is not there, or was generated from a network or settings with other ports.
    """
    folder = work.project.output / backend
    if not folder.is_dir():
        raise ConfigError(f"there is no {backend} project in {folder} yet; run `hpq generate` first")
    project = Project(folder, backend, q, expected_design(work, q, backend), chosen=work.stimuli(q))
    if read_manifest(folder) != manifest_of(project.design):
        raise ConfigError(
            f"{folder} was generated from another network or other settings than those of "
            f"{work.project.source.path} now; run `hpq generate --force`"
        )
    return project


def expected_design(work: Workspace, q: QuantizedGraph, backend: str) -> Design:
    """What a generated project should compute, without test vectors."""
    chip, config = work.project.settings.hardware, hardware_config(**work.hardware())
    with work.fifo_depths() as chosen:
        flow = dataflow_for(backend, q, config, work.project.settings.name, chosen)
    built = find_backend(backend).built(chip.system)
    board = board_of(work.project)
    return Design(flow, chip.io, chip.part, chip.clock_ns, {}, {}, system=built, board=board)


# ---------------------------------------------------------------------------------------------
# Resources


def run_estimate(
    work: Workspace, reporter: Reporter | None = None, *, backend: str | None = None
) -> r.EstimateResult:
    """Estimate resources and cycles at the settings' precision. backend: as of ``hpq_hls.estimate``."""
    with (reporter or Quiet()).step("Estimating resources") as step:
        kept = kept_estimate(work) if backend is None else None
        if kept is None:
            found = estimate_result(work, work.quantized(), backend)
            if backend is None:
                keep_estimate(work, found)
        else:
            found = r.EstimateResult(kept[0], capacity(work), work.statement, kept[1], kept[2])
        step.conclude(f"{found.estimate.lut:,} LUT")
    return found


def estimate_result(work: Workspace, q: QuantizedGraph, backend: str | None = None) -> r.EstimateResult:
    """The estimate of a network, what the part has, and what would fit where that is not enough."""
    found = estimated(work, q, backend)
    # What is built is decided by the RTL twin's figures, calibrated or not.
    twins = not found.calibrated and found.tool == Tool.YOSYS.value
    short = None if found.fits and twins else misfit_of_work(work, q)
    cpp = next((name for name in work.project.settings.hardware.backends if find_backend(name).stages), None)
    modelled = None
    if backend is None and found.interval_range is None and cpp is not None:
        there = estimated(work, q, cpp)
        modelled = r.Modelled(cpp, there.latency_range, there.interval_range, there.cycles_of)
    return r.EstimateResult(found, capacity(work), work.statement, short, modelled)


def misfit_of_work(work: Workspace, q: QuantizedGraph, target_interval: int | None = None) -> Misfit | None:
    """What a network lacks on the settings' part; None where it fits. target_interval: of its folding; None:
    that of the project."""
    config = hardware_config(**work.hardware(target_interval))
    return misfit(q, config, work.project.settings.hardware.part)


def estimated(work: Workspace, q: QuantizedGraph, backend: str | None = None) -> ResourceEstimate:
    """Resources and cycles of a network under the hardware settings. backend: as of ``hpq_hls.estimate``."""
    # Whoever asks for the RTL asks for nothing that an HLS tool reports.
    calibrated = backend is None or find_backend(backend).stages > 0
    factors = work.factors if calibrated else None
    settings = work.hardware() | ({} if calibrated else {"tool": Tool.YOSYS.value})
    with work.fifo_depths() as chosen:
        return estimate(q, **settings, fifo_depths=chosen, backend=backend, calibration=factors)


def capacity(work: Workspace) -> r.Capacity:
    """What the settings' part has."""
    part = find_part(work.project.settings.hardware.part)
    return r.Capacity(part.name, part.lut, part.ff, part.dsp, part.bram)


_SYNTHESIZED_FROM = {"yosys": ("rtl",), "nextpnr": ("rtl",), "vitis": ("vitis", "vivado")}


def run_synth(
    work: Workspace,
    tool: str,
    reporter: Reporter | None = None,
    *,
    stage: str = "csynth",
    reports: Path | None = None,
) -> r.SynthResult:
    """Synthesize a generated project with a tool: "yosys", "nextpnr" or "vitis". stage, reports: as of
    ``hpq_hls.project.Project.synth``.

    Raises:
        ConfigError: an unknown tool, or no project that it can read. ToolError: the tool is missing or fails.
    """
    if tool not in _SYNTHESIZED_FROM:
        raise ConfigError(
            f"there is no synthesis tool {tool!r}; choose one of {', '.join(_SYNTHESIZED_FROM)}"
        )
    chosen = work.project.settings.hardware.backends
    backend = next((name for name in _SYNTHESIZED_FROM[tool] if name in chosen), None)
    if backend is None:
        raise ConfigError(
            f"{work.project.where('hardware', 'backends')} has no {_SYNTHESIZED_FROM[tool][0]}, which {tool} "
            "needs; add it and run `hpq generate`"
        )
    q = work.quantized()
    project = open_project(work, q, backend)
    begin = time.monotonic()
    doing = f"Synthesizing with {tool}" if reports is None else f"Reading reports in {reports}"
    with (reporter or Quiet()).step(doing) as step:
        report = project.synth(tool, stage=stage, reports=reports, progress=step)
        step.conclude(f"{report.lut:,} LUT")
    found = estimated(work, q, backend)
    result = r.SynthResult(
        backend,
        report,
        capacity(work),
        round(time.monotonic() - begin, 1),
        work.statement,
        compared(project.dataflow, work.project.settings.hardware.part, report, work.factors),
        found.stage,
        found.latency_range,
        found.interval_range,
    )
    save_record(work.project.output, f"synth-{tool}", design_fingerprint(work, q), result)
    return result


def design_fingerprint(work: Workspace, q: QuantizedGraph) -> str:
    """Identifies what is generated: the network and the hardware settings."""
    chip = work.project.settings.hardware.model_dump_json(
        exclude={"backends", "target_interval", "target_fps", "calibration"}
    )
    return network_fingerprint(q, f"{chip} {work.target_interval}")
