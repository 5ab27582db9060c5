"""What an HLS tool leaves in a solution's folder: C synthesis, co-simulation, and logic synthesis of its RTL.

    syn/report/csynth.xml               C synthesis: the top, and since Vitis HLS every module
    syn/report/<module>_csynth.xml      the same of one module; all that Vivado HLS has of modules
    sim/report/<top>_cosim.rpt          co-simulation: passed or not, cycles
    impl/report/<hdl>/export_syn.xml    Vivado's synthesis of the exported RTL ("syn")
    impl/report/<hdl>/export_impl.xml   place and route as well ("impl")
    impl/report/<hdl>/<top>_export.xml  either of them, by Vivado HLS

Formats are those of Vivado HLS 2018.3 to 2020.1 and of Vitis HLS and Vitis to 2025.2.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hpq_hls.errors import ToolError
from hpq_hls.reading import read_text

MAX_BYTES = 1 << 27
MOST_LEVELS = 64
"""Of loops in loops."""
CSYNTH = "csynth.xml"
_ONE = "_csynth.xml"
_NOTHING = ("-", "", "none", "NA")
_OF_LOOP = ("TripCount", "Latency", "PipelineII", "IterationLatency")
_RUNS = {"synth": "syn", "impl": "impl"}


@dataclass(frozen=True)
class Loop:
    """A loop as C synthesis has scheduled it; None is what it does not know. depth: stages of its pipeline.

    What the report calls its slack is what a path may take, the same for all loops, and is not read.
    """

    module: str
    name: str
    ii: int | None
    depth: int | None
    trip_count: int | None


@dataclass(frozen=True)
class Violation:
    """What the tool marks as missed. issue: such as "II" or "Timing"; why: as the tool puts it, or ""."""

    module: str
    place: str
    issue: str
    why: str

    def __str__(self) -> str:
        where = self.module if self.place in ("", self.module) else f"{self.module}, {self.place}"
        return f"{where}: {self.issue}" + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True)
class Module:
    """A function of the C++ as C synthesis predicts it, what it calls included. bram: of 18 kbit."""

    name: str
    lut: int
    ff: int
    dsp: int
    bram: int
    uram: int
    latency_cycles: int | None
    interval_cycles: int | None
    slack_ns: float | None
    loops: tuple[Loop, ...] = ()
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True)
class Cosim:
    """Co-simulation by the tool: cycles are least, mean and most, None where it could not tell."""

    passed: bool
    rtl: str
    latency_cycles: tuple[int | None, int | None, int | None]
    interval_cycles: tuple[int | None, int | None, int | None]


@dataclass(frozen=True)
class Implementation:
    """What Vivado made of the RTL. run: "syn" (synthesis) or "impl" (place and route). modules: resources
    ("LUT", "FF", ...) by function."""

    run: str
    version: str
    lut: int
    ff: int
    dsp: int
    bram: int
    uram: int
    slack_ns: float | None
    clock_ns: float | None
    met: bool | None
    modules: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class HlsReports:
    """Everything that was found. top: of the design; modules: by name, without it. exported: the IP's
    archive."""

    version: str
    part: str
    target_ns: float | None
    estimated_ns: float | None
    cells: Mapping[str, int]
    top: Module
    modules: Mapping[str, Module]
    cosim: Cosim | None
    implementations: tuple[Implementation, ...]
    exported: str | None


def find_reports(folder: Path, top: str = "") -> Path:
    """The folder ``syn/report`` below ``folder``, or itself; where there are several, that of ``top``.

    Raises:
        ToolError: there is none, or more than one.
    """
    found = sorted({path.parent for path in _searched(folder, CSYNTH)})
    if not found:
        found = sorted({path.parent for path in _searched(folder, f"*{_ONE}")})
    if len(found) > 1 and top:
        found = [place for place in found if _top_of(place) == top] or found
    if not found:
        raise ToolError(f"{folder} holds no {CSYNTH}; name the folder in which the HLS tool ran C synthesis")
    if len(found) > 1:
        names = " and ".join(str(place) for place in found[:2])
        raise ToolError(f"{folder} holds reports of several solutions, such as {names}; name one of them")
    return found[0]


def _searched(folder: Path, pattern: str) -> Iterator[Path]:
    # .autopilot holds copies under the same names.
    for path in folder.rglob(pattern):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def read_hls_reports(folder: Path, top: str = "") -> HlsReports:
    """All reports of a solution. top: its top function, if known.

    Raises:
        ToolError: there are none, one cannot be understood, or they are of another top function.
    """
    place = find_reports(folder, top)
    name = top or _top_of(place) or ""
    path = place / CSYNTH
    if not path.is_file() and name:
        path = place / f"{name}{_ONE}"
    return read_report(path, name)


def read_report(path: Path, top: str = "") -> HlsReports:
    """As ``read_hls_reports``, from the report of the top function."""
    place, name = path.parent, top
    root = _parsed(path)
    found = _text(root, "UserAssignments/TopModelName")
    if top and found and found != top:
        raise ToolError(f"{path} is a report of {found}, not of {top}; name the folder of the right solution")
    name = name or found
    limit = _limit(root)
    modules = {}
    for one in sorted(place.glob(f"*{_ONE}")):
        module = _module(one.name.removesuffix(_ONE), _parsed(one), one, limit)
        modules[module.name] = module
    for element in root.iter("Module"):
        title = _text(element, "Name")
        if title and element.find("AreaEstimates") is not None:
            modules[title] = _module(title, element, path, limit)
    here = _module(name, root, path, limit)
    modules.pop(name, None)
    solution = place.parent.parent
    return HlsReports(
        version=_text(root, "ReportVersion/Version"),
        part=_text(root, "UserAssignments/Part"),
        target_ns=_real(_text(root, "UserAssignments/TargetClockPeriod")),
        estimated_ns=_real(_text(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod")),
        cells=_cells(root, path),
        top=here,
        modules=modules,
        cosim=_cosim(solution, name),
        implementations=_implementations(solution, name),
        exported=_exported(solution),
    )


# ---------------------------------------------------------------------------------------------
# C synthesis


def _parsed(path: Path) -> ET.Element:
    try:
        text = read_text(path, MAX_BYTES)
        if "<!DOCTYPE" in text:
            raise ToolError(
                f"{path} declares a document type, which no report does; name the tool's own file"
            )
        return ET.fromstring(text)
    except (OSError, UnicodeDecodeError, ET.ParseError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ToolError(f"{path} cannot be read ({reason}); run the HLS tool again") from error


def _top_of(place: Path) -> str:
    path = place / CSYNTH
    if path.is_file():
        return _text(_parsed(path), "UserAssignments/TopModelName")
    names = [one.name.removesuffix(_ONE) for one in sorted(place.glob(f"*{_ONE}"))]
    return names[0] if len(names) == 1 else ""


def _limit(root: ET.Element) -> float | None:
    """What a path may take: the clock less its uncertainty."""
    target = _real(_text(root, "UserAssignments/TargetClockPeriod"))
    doubt = _real(_text(root, "UserAssignments/ClockUncertainty"))
    return None if target is None else target - (doubt or 0.0)


def _cells(root: ET.Element, path: Path) -> dict[str, int]:
    used = root.find("AreaEstimates/Resources")
    if used is None:
        raise ToolError(f"{path} holds no AreaEstimates/Resources; it is no report of C synthesis")
    cells = {item.tag: whole(item.text) or 0 for item in used if not item.tag.startswith(("AVAIL_", "UTIL_"))}
    missing = [name for name in ("LUT", "FF") if name not in cells]
    if missing:
        raise ToolError(f"{path} says nothing about {' and '.join(missing)}")
    return cells


def _module(name: str, root: ET.Element, path: Path, limit: float | None) -> Module:
    cells = _cells(root, path)
    overall = "PerformanceEstimates/SummaryOfOverallLatency/"
    estimated = _real(_text(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"))
    slack = None if limit is None or estimated is None else round(limit - estimated, 3)
    loops = tuple(_loops(name, root.find("PerformanceEstimates/SummaryOfLoopLatency")))
    marked = list(_violations(name, root.find("PerformanceEstimates/SummaryOfViolations")))
    known = {violation.place for violation in marked if violation.issue.startswith("II")}
    marked += [
        Violation(name, loop.name, "II", f"{loop.ii} cycles instead of 1")
        for loop in loops
        if loop.ii is not None and loop.ii > 1 and loop.name not in known
    ]
    if slack is not None and slack < 0 and not any(one.issue.startswith("Timing") for one in marked):
        marked.append(Violation(name, "", "Timing", f"slack {slack:.3f} ns"))
    return Module(
        name=name,
        lut=cells["LUT"],
        ff=cells["FF"],
        dsp=cells.get("DSP", cells.get("DSP48E", 0)),  # the name changed with Vitis HLS 2020.2
        bram=cells.get("BRAM_18K", 0),
        uram=cells.get("URAM", 0),
        latency_cycles=whole(root.findtext(overall + "Worst-caseLatency")),
        interval_cycles=interval(root, overall),
        slack_ns=slack,
        loops=loops,
        violations=tuple(marked),
    )


def interval(root: ET.Element, overall: str) -> int | None:
    """Cycles from frame to frame: of a dataflow the throughput, which is a range where frames differ."""
    places = (
        "DataflowPipelineThroughput/range/max",
        "DataflowPipelineThroughput",
        "Interval-max",
        "PipelineInitiationInterval/range/max",
        "PipelineInitiationInterval",
    )
    found = (whole(root.findtext(overall + place)) for place in places)
    return next((value for value in found if value is not None), None)


def _loops(module: str, parent: ET.Element | None, level: int = 0) -> Iterator[Loop]:
    for element in () if parent is None or level == MOST_LEVELS else parent:
        if not any(element.find(tag) is not None for tag in _OF_LOOP):
            continue
        yield Loop(
            module,
            _text(element, "Name") or element.tag.lstrip("_"),
            whole(element.findtext("PipelineII")),
            whole(element.findtext("PipelineDepth")),
            whole(element.findtext("TripCount/range/max") or element.findtext("TripCount")),
        )
        yield from _loops(module, element, level + 1)


def _violations(module: str, parent: ET.Element | None) -> Iterator[Violation]:
    for element in () if parent is None else parent.iter():
        issue = _text(element, "IssueType")
        if issue in _NOTHING:
            continue
        why = _text(element, "ViolationType")
        yield Violation(module, _text(element, "Name"), issue, "" if why in _NOTHING else why)


# ---------------------------------------------------------------------------------------------
# What comes after it


def _cosim(solution: Path, top: str) -> Cosim | None:
    paths = sorted((solution / "sim" / "report").glob("*_cosim.rpt"))
    path = next((one for one in paths if one.name == f"{top}_cosim.rpt"), paths[0] if paths else None)
    if path is None:
        return None
    try:
        lines = read_text(path, MAX_BYTES).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path} cannot be read ({error}); run co-simulation again") from error
    for line in lines:
        cells = [cell.strip() for cell in line.strip("| \t").split("|")]
        if len(cells) >= 8 and cells[0] in ("Verilog", "VHDL", "SystemC") and cells[1] not in _NOTHING:
            numbers = [whole(cell) for cell in cells[2:8]]
            latency, beat = (numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5])
            return Cosim(cells[1].lower() == "pass", cells[0], latency, beat)
    if any("Status" in line for line in lines):
        return None  # no language was simulated
    raise ToolError(f"{path} is no report of co-simulation; run it again")


def _implementations(solution: Path, top: str) -> tuple[Implementation, ...]:
    folders = [solution / "impl" / "report" / language for language in ("verilog", "vhdl")]
    names = ("export_syn.xml", "export_impl.xml", f"{top}_export.xml")
    found: dict[str, Implementation] = {}
    for folder in folders:
        for name in names:
            path = folder / name
            if path.is_file():
                made = _implementation(path, "impl" if name == names[1] else "syn")
                found.setdefault(made.run, made)
    return tuple(found[run] for run in _RUNS.values() if run in found)


def _implementation(path: Path, run: str) -> Implementation:
    root = _parsed(path)
    used = root.find("AreaReport/Resources")
    if used is None:
        raise ToolError(f"{path} holds no AreaReport/Resources; it is no report of implementation")
    cells = {item.tag: whole(item.text) for item in used}
    lut, ff = cells.get("LUT"), cells.get("FF")
    if lut is None or ff is None:
        raise ToolError(f"{path} says nothing about LUT and FF")
    timing = root.find("TimingReport")
    target, achieved = (
        _real(_text(root, f"TimingReport/{name}")) for name in ("TargetClockPeriod", "AchievedClockPeriod")
    )
    slack = None if timing is None else _real(_text(timing, "SLACK_FINAL") or _text(timing, "WNS_FINAL"))
    if slack is None and target is not None and achieved is not None:
        slack = round(target - achieved, 3)
    met = _text(root, "TimingReport/TIMING_MET")
    return Implementation(
        run=_RUNS.get(_text(root, "RunData/RUN_TYPE"), run),
        version=_text(root, "RunData/VIVADO_VERSION").removeprefix("v."),
        lut=lut,
        ff=ff,
        dsp=cells.get("DSP") or 0,
        bram=cells.get("BRAM") or 0,
        uram=cells.get("URAM") or 0,
        slack_ns=slack,
        clock_ns=achieved,
        met=met == "TRUE" if met in ("TRUE", "FALSE") else (None if slack is None else slack >= 0),
        modules=_implemented(root),
    )


def _implemented(root: ET.Element) -> dict[str, dict[str, int]]:
    found = {}
    for element in root.iter("RtlModule"):
        name, used = element.get("MODULENAME"), element.find("Resources")
        if name and element.get("TYPE") == "function" and used is not None:
            found[name] = {key: whole(value) or 0 for key, value in used.attrib.items()}
    return found


def _exported(solution: Path) -> str | None:
    places = (*(solution / "impl").glob("export.zip"), *(solution / "impl" / "ip").glob("*.zip"))
    return str(min(places)) if places else None


# ---------------------------------------------------------------------------------------------
# Numbers


def whole(text: str | None) -> int | None:
    """A count; "undef", "NA", "~0" and the like are None."""
    return int(text) if text is not None and re.fullmatch(r"\s*\d+\s*", text) else None


def _real(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text(element: ET.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
