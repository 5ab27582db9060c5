"""Writes a project, with what it is verified with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hpq_hls.calibrate.billed import FILE_NAME as BILL_FILE
from hpq_hls.calibrate.billed import bill_json
from hpq_hls.codegen.base import Design
from hpq_hls.codegen.block_design import board_refusal
from hpq_hls.codegen.boards import find_board
from hpq_hls.codegen.manifest import manifest_of
from hpq_hls.codegen.registry import find_backend
from hpq_hls.codegen.writer import check_target, write_project
from hpq_hls.cost import (
    fold,
    misfit_of,
)
from hpq_hls.cost.clock import clock_note
from hpq_hls.cost.folding import interval_of
from hpq_hls.errors import CapacityError, ConfigError
from hpq_hls.hardware import (
    CORE,
    DEFAULT_CLOCK_NS,
    DEFAULT_UTILISATION,
    Memory,
    System,
    Tlast,
    system_of,
    without_dead,
)
from hpq_hls.project.hardware import (
    LayerSettings,
    check_part,
    dataflow_for,
    hardware_config,
    part_of,
)
from hpq_hls.project.project import Project, with_vectors
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.verify.stimuli import COVERAGE_FILE, Stimuli, choose_stimuli

IntArray = npt.NDArray[np.int64]


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
    multiplier: str = "auto",
    multipliers: str | None = None,
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
    layers: ``{"conv1": {"pe": 4, "simd": 9}}``, ``reuse_factor``, ``pixels``, ``strategy`` or ``multiplier``.
    strategy: of the layers that ``layers`` does not mention, "folded", "unrolled" (every multiplication in
    hardware) or "da" (adders instead of multiplications). multiplier: of those layers too, "auto" (in DSP
    blocks where the widths are worth one, and the part has them), "dsp" (in DSP blocks wherever a tool builds
    products there, however few the part has) or "lut" (in LUTs at any width). multipliers: the same under its
    older name, where "fabric" is "lut".
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
    check_part(backend, part)
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
        multiplier=multiplier,
        multipliers=multipliers,
        layers=layers,
        tlast=Tlast.IGNORED.value if system.memory is Memory.M_AXI else tlast,
    )
    left = without_dead(q, config)
    folded = fold(left, config)
    flow = dataflow_for(backend, left, folded.config, name, fifo_depths or {})
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
    design = with_vectors(
        Design(flow, io, part, float(clock_ns), {}, {}, system=built, board=chosen_board), q, chosen.raw
    )
    beside = {COVERAGE_FILE: chosen.to_json()}
    if printer.stages:
        alone = (built.control, built.memory) == (CORE.control, CORE.memory)
        kernel = manifest_of(design).kernel
        top = flow.name if kernel is None else kernel.name
        beside[BILL_FILE] = bill_json(flow, backend, part, top, alone=alone)
    write_project({**printer.files(design), **beside}, folder, force)
    notes = (
        _name_note(name, flow.name),
        folded.note,
        clock_note(flow, part, clock_ns),
        _core_note(backend, system, built),
        _memory_note(design),
    )
    return Project(folder, backend, q, design, notes=tuple(filter(None, notes)), chosen=chosen)


def _name_note(wished: str | None, name: str) -> str | None:
    """That a project has another name than it was given; None where it has that."""
    if wished in (None, name):
        return None
    return (
        f"name is {wished!r}, which C++ and SystemVerilog do not take as an identifier; the design is called "
        f"{name}"
    )


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
