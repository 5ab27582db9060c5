"""Generated projects that an HLS tool was run on: which of its modules is which kernel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from hpq_hls.billing.calibration import STREAMS
from hpq_hls.calibrate.billed import FILE_NAME, Billed, read_billed
from hpq_hls.calibrate.samples import Reports, Sample, joined
from hpq_hls.errors import DataError
from hpq_hls.synth.hls_reports import HlsReports, Implementation, Module, read_hls_reports
from hpq_hls.synth.vitis import tool_of

STAGES = {"csynth": "C synthesis", "syn": "Vivado's synthesis", "impl": "place and route by Vivado"}
"""What a calibration can be made for, by the name of the stage."""
Figures = Mapping[str, float]
Found = TypeVar("Found")


def modules_of(names: Iterable[str], modules: Mapping[str, Found]) -> dict[str, Found]:
    """The module of each kernel that has one. Tools put namespaces in front of a function's name, and numbers
    or ``_s`` behind it; parts of a function have names that go on otherwise, such as ``_Pipeline_``."""
    found = {}
    for name in names:
        pattern = re.compile(rf"(?:\w+_)?{re.escape(name)}(?:_s|_\d+|_U0|_proc\d*)?")
        fitting = [module for module in modules if pattern.fullmatch(module)]
        if fitting:
            found[name] = modules[min(fitting, key=len)]
    return found


def read_projects(folder: Path, stage: str = "csynth") -> Reports:
    """Samples of all generated projects below a folder, each with the reports that are in it. stage: one of
    ``STAGES``.

    Raises:
        DataError: there is no project with reports, or one is not as it should be.
        ToolError: a report cannot be understood.
    """
    folders = sorted(path.parent for path in folder.rglob(FILE_NAME))
    parts = []
    for one in folders:
        if not any(one.rglob("*csynth.xml")):
            continue
        top, backend, billed = read_billed(one)
        parts.append(samples_of(one, backend, billed, read_hls_reports(one, top), stage))
    if not parts:
        there = f"{len(folders)} projects without reports" if folders else "no CSV file and no project"
        raise DataError(
            f"{folder} holds {there}; name a folder of generated projects in which the HLS tool ran C "
            "synthesis, or a CSV file"
        )
    return joined(parts, str(folder))


def samples_of(
    folder: Path, backend: str, billed: Iterable[Billed], reports: HlsReports, stage: str = "csynth"
) -> Reports:
    """The samples of one project. What the top function has besides the kernels is its FIFOs and ports, where
    every kernel has a module."""
    listed = list(billed)
    kernels = [one for one in listed if one.kind != STREAMS]
    top, there = _figures_of(folder, reports, stage)
    modules = modules_of([one.name for one in kernels], there)
    name = str(folder)
    samples = [
        Sample(name, one.kind, one.bill, one.taken, one.made, modules[one.name])
        for one in kernels
        if one.name in modules
    ]
    if not samples:
        raise DataError(
            f"the reports in {folder} have none of its kernels as a module; run C synthesis on it again"
        )
    absent = [one.name for one in kernels if one.name not in modules]
    rest = next((one for one in listed if one.kind == STREAMS), None)
    if rest is not None and not absent:
        left = {
            key: max(value - sum(sample.reported[key] for sample in samples), 0.0)
            for key, value in top.items()
        }
        samples.append(Sample(name, STREAMS, rest.bill, rest.taken, rest.made, left))
    notes = (f"{folder}: no module is {', '.join(absent)}; left out",) if absent else ()
    return Reports(
        name,
        tuple(samples),
        (tool_of(reports.version),),
        (reports.version,),
        (STAGES[stage],),
        (backend,),
        notes,
    )


def _figures_of(folder: Path, reports: HlsReports, stage: str) -> tuple[Figures, dict[str, Figures]]:
    """Figures of the top, and of each module."""
    if stage == "csynth":
        return _figures(reports.top), {name: _figures(module) for name, module in reports.modules.items()}
    made = next((one for one in reports.implementations if one.run == stage), None)
    if made is None:
        raise DataError(
            f"{folder} has no report of {STAGES[stage]}; run `hpq synth --tool vitis --stage {stage}` on it, "
            "or leave it out"
        )
    modules: dict[str, Figures] = {
        name: {key: float(cells.get(key.upper(), 0)) for key in ("lut", "ff", "dsp")}
        for name, cells in made.modules.items()
    }
    return _figures(made), modules


def _figures(found: Module | Implementation) -> Figures:
    return {"lut": float(found.lut), "ff": float(found.ff), "dsp": float(found.dsp)}
