"""The ``hpq`` command: parse, call the API, print. No logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpq_hls.cli.root import Root
from hpq_hls.cli.session import (
    DEFAULT_PROJECT,
    DataOption,
    ForceOption,
    ModelArgument,
    PrecisionOption,
    ProjectArgument,
    Session,
    command,
    with_optional_file,
)
from hpq_hls.settings.named import VARIED
from hpq_hls.version import __version__

# What a command needs is imported in it: `hpq --help` needs none of it.

app = typer.Typer(
    name="hpq",
    cls=Root,
    help="From a trained torch network to per-layer fixed-point precisions and proved hardware.",
    epilog="Start with `hpq demo`, or with `hpq run model.pt2 --data data.npz` beside your own model.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

Samples = Annotated[int | None, typer.Option(min=1, help="Test inputs to run through C++ and RTL.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hpq_hls {__version__}")
        raise typer.Exit


@app.callback()
def _hpq(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From a trained torch network to per-layer fixed-point precisions and proved hardware."""


@command(app, "Example: hpq init --source net.onnx")
def init(
    run: Session,
    path: Annotated[
        Path, typer.Argument(help="The file to write, or a folder for a project.yaml.")
    ] = DEFAULT_PROJECT,
    source: Annotated[str, typer.Option(help="The model: a .pt2 or .onnx file.")] = "model.pt2",
    factory: Annotated[str | None, typer.Option(help="Instead: package.module:function.")] = None,
    weights: Annotated[str | None, typer.Option(help="The factory's state dict.")] = None,
    calibration: Annotated[str, typer.Option(help="Calibration data, .npz or .npy.")] = "calibration.npz",
    validation: Annotated[str, typer.Option(help="Validation data.")] = "validation.npz",
    test: Annotated[str, typer.Option(help="Test data.")] = "test.npz",
    force: ForceOption = False,
) -> None:
    """Write a commented project.yaml to start from."""
    from hpq_hls.report import tables
    from hpq_hls.workflow.skeleton import Skeleton, write_skeleton

    content = Skeleton(
        source=source,
        factory=factory,
        weights=weights,
        calibration=calibration,
        validation=validation,
        test=test,
    )
    run.show({"file": write_skeleton(path, content, force=force)}, tables.init_note)


@command(app, "Example: hpq demo --out demo")
def demo(
    run: Session,
    out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path("demo"),
    samples: Samples = None,
    force: ForceOption = False,
) -> None:
    """Take a real network from training to verified hardware (a few minutes)."""
    from hpq_hls.demo import run_demo
    from hpq_hls.report import tables

    result = run_demo(out, force=force, samples=samples, reporter=run.reporter)
    run.show(result, tables.demo_table)
    result.check()


@command(app, "Example: hpq run model.pt2 --data data.npz --part pynq-z2")
def run(
    run: Session,
    project: ModelArgument = DEFAULT_PROJECT,
    data: DataOption = None,
    force: ForceOption = False,
    precision: PrecisionOption = None,
) -> None:
    """Do everything from the model to the certificate: search, generate, verify, report.

    A step is left out if nothing that it reads has changed since it ran. After Ctrl-C the next run goes on.
    """
    from hpq_hls.report import tables
    from hpq_hls.report.page import write_report
    from hpq_hls.tools.toolchain import find_yosys
    from hpq_hls.workflow import run_all

    with run.termination():
        work = run.open(project, precision, data=data)
        result = run_all(
            work, lambda now: write_report(now, None, run.reporter).file, force=force, reporter=run.reporter
        )
        run.show(result, tables.run_table, "synth", find_yosys())


@command(app, "Example: hpq search model.pt2 --data data.npz, then hpq generate, or hpq search --pick 3")
def search(
    run: Session,
    project: ModelArgument = DEFAULT_PROJECT,
    data: DataOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the evaluations that an earlier search made.")
    ] = False,
    pick: Annotated[
        str | None,
        typer.Option(
            metavar="ROW",
            help="Search nothing; let all commands use this row of the last search's Pareto front (best: its "
            "own choice).",
        ),
    ] = None,
) -> None:
    """Find the cheapest per-layer precisions that keep the accuracy on the validation data.

    The other commands use what it found. Ctrl-C ends the search and keeps the best so far.
    """
    from hpq_hls.errors import ConfigError
    from hpq_hls.report import search_tables
    from hpq_hls.workflow import run_pick, run_search

    with run.termination():
        if pick is not None and resume:
            raise ConfigError("--pick and --resume contradict each other: one of them searches; keep one")
        work = run.open(project, data=data)
        if pick is not None:
            run.show(run_pick(work, pick), search_tables.pick_tables, "generate")
            return
        result = run_search(work, run.reporter, resume=resume)
        run.show(result, search_tables.search_tables, "search --resume" if result.interrupted else "generate")
        if result.interrupted:
            run.interrupted("The search was interrupted; `hpq search --resume` goes on from here.")


@command(
    app,
    "Example: hpq explore --objective lut,dsp --part pynq-z2,xcku5p-ffvb676-2-e --clock 4,5",
    several=VARIED,
)
def explore(
    run: Session,
    project: ModelArgument = DEFAULT_PROJECT,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option(help="The page; explore.html in the output folder by default.")
    ] = None,
) -> None:
    """Search for several objectives, parts, clocks or drops, and put what is found into one table and page.

    What is measured for one is not measured again for another, nor by the next run.
    """
    from hpq_hls.errors import ConfigError
    from hpq_hls.report import exploring
    from hpq_hls.workflow import run_explore
    from hpq_hls.workflow.plain import plain

    with run.termination():
        work = run.open(project, data=data)
        result = plain(run_explore(work, run.variants, run.reporter))
        result["page"] = str(exploring.write_exploration(result, out or work.project.output, run.reporter))
        taken = next((row for row in result["rows"] if row["file"] and row["figures"]["fits"]), None)
        if taken is not None:
            run.take(taken["file"], taken["settings"])
        run.show(result, exploring.explore_tables, None if taken is None else "generate")
        if result["interrupted"]:
            run.interrupted("The exploration was interrupted; the same command goes on from here.")
        if not any(row["file"] for row in result["rows"]):
            raise ConfigError(
                "no combination of the widths keeps the accuracy and all limits of any row; allow wider "
                "--weight-bits and --activation-bits, or a larger --max-drop"
            )


@command(app, "Example: hpq quantize project.yaml")
def quantize(
    run: Session,
    project: ProjectArgument = DEFAULT_PROJECT,
    precision: PrecisionOption = None,
) -> None:
    """Quantize at the project's precision and measure accuracy and memory."""
    from hpq_hls.report import tables
    from hpq_hls.workflow import run_quantize

    work = run.open(project, precision)
    run.show(run_quantize(work, run.reporter), tables.quantize_tables, "generate")


@command(app, "Example: hpq trace --samples 64")
def trace(
    run: Session,
    project: ProjectArgument = DEFAULT_PROJECT,
    samples: Annotated[int | None, typer.Option(min=1, help="Inputs to compare; 256 by default.")] = None,
    precision: PrecisionOption = None,
) -> None:
    """Compare every layer with the float network: errors, signal to noise, saturation."""
    from hpq_hls.report import tables
    from hpq_hls.workflow import run_trace

    work = run.open(project, precision)
    run.show(run_trace(work, samples=samples, reporter=run.reporter), tables.trace_table)


@command(app, "Example: hpq generate --force")
def generate(
    run: Session,
    project: ProjectArgument = DEFAULT_PROJECT,
    measure_fifos: Annotated[
        bool,
        typer.Option("--measure-fifos", help="Simulate the RTL first; make each FIFO as deep as it needs."),
    ] = False,
    oversize: Annotated[
        bool, typer.Option("--oversize", help="Write it even if the part is too small for it.")
    ] = False,
    force: ForceOption = False,
    precision: PrecisionOption = None,
) -> None:
    """Write the HLS project, the RTL, or both."""
    from hpq_hls.report import tables
    from hpq_hls.workflow import run_generate

    work = run.open(project, precision)
    result = run_generate(
        work, force=force, oversize=oversize, measure_fifos=measure_fifos, reporter=run.reporter
    )
    run.show(result, tables.generate_table, "verify")


@command(
    app,
    "Example: hpq verify --rtl-dir build/vitis/hls_digits/solution/syn/verilog",
    with_optional_file("--wave", ".fst"),
)
def verify(
    run: Session,
    project: ProjectArgument = DEFAULT_PROJECT,
    rtl_dir: Annotated[
        Path | None,
        typer.Option(help="Check this folder of Verilog instead, such as a vendor tool's export."),
    ] = None,
    samples: Samples = None,
    certify: Annotated[
        bool, typer.Option(help="Run every kernel alone too, for all inputs that can reach it.")
    ] = True,
    hls: Annotated[
        bool,
        typer.Option("--hls", help="Run the C++ as clocked hardware too: compiled by clang, on Verilator."),
    ] = False,
    wave: Annotated[
        str | None,
        typer.Option(
            metavar="[FILE.fst]",
            help="Write an FST of the co-simulation, with save files of GTKWave and Surfer that open it at "
            "the first difference; wave.fst in the output folder, if no file is named.",
        ),
    ] = None,
    precision: PrecisionOption = None,
) -> None:
    """Prove the generated projects equal to the simulator: C++ with g++, RTL with Verilator."""
    from hpq_hls.report import tables
    from hpq_hls.workflow import run_verify

    work = run.open(project, precision, generated=True)
    file = work.project.output / "wave.fst" if wave == "" else wave
    result = run_verify(
        work,
        rtl_dir=rtl_dir,
        samples=samples,
        certify=certify,
        hls=hls,
        wave=file,
        reporter=run.reporter,
    )
    run.show(result, tables.verify_table, "report" if result.passed and rtl_dir is None else None)
    result.check()


@command(app, "Example: hpq estimate project.yaml")
def estimate(
    run: Session,
    project: ProjectArgument = DEFAULT_PROJECT,
    backend: Annotated[
        str | None,
        typer.Option(help="Whose project: rtl (default), vitis or vivado, with their FIFOs and cycles."),
    ] = None,
    precision: PrecisionOption = None,
) -> None:
    """Estimate LUT, FF, DSP, BRAM, latency and interval without any tool."""
    from hpq_hls.report import tables
    from hpq_hls.workflow import run_estimate

    work = run.open(project, precision)
    run.show(run_estimate(work, run.reporter, backend=backend), tables.estimate_tables, "generate")


@command(app, "Example: hpq synth --tool yosys")
def synth(
    run: Session,
    project: ProjectArgument = DEFAULT_PROJECT,
    tool: Annotated[str, typer.Option(help="yosys or nextpnr (RTL), or vitis (C++).")] = "yosys",
    stage: Annotated[
        str,
        typer.Option(
            help="Of vitis, what to run: csynth; with it cosim (co-simulation), export (an IP), syn or impl "
            "(Vivado's synthesis, or place and route, of the RTL)."
        ),
    ] = "csynth",
    reports: Annotated[
        Path | None,
        typer.Option(help="Run nothing; read what vitis left in this folder, whatever stages it ran."),
    ] = None,
    precision: PrecisionOption = None,
) -> None:
    """Measure resources with a synthesis tool; of vitis, kernel by kernel beside the estimate."""
    from hpq_hls.report import tool_tables
    from hpq_hls.workflow import run_synth

    work = run.open(project, precision, generated=True)
    result = run_synth(work, tool, run.reporter, stage=stage, reports=reports)
    run.show(result, tool_tables.synth_tables, "report")


@command(app, "Example: hpq calibrate --reports runs, then hardware: {calibration: calibration.json}")
def calibrate(
    run: Session,
    reports: Annotated[
        Path,
        typer.Option(
            help="Generated projects that the HLS tool was run in, in one folder; or a CSV file of kernels "
            "(columns rows, cols, pe, simd, input, weight, lut, ff, dsp and more: docs/estimates.md)."
        ),
    ],
    stage: Annotated[
        str,
        typer.Option(help="Of projects, what to estimate: csynth, or syn or impl (by Vivado, of the RTL)."),
    ] = "csynth",
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("calibration.json"),
    force: ForceOption = False,
) -> None:
    """Fit the estimates to what your own HLS tool reports."""
    from hpq_hls.report import tool_tables
    from hpq_hls.workflow import run_calibrate

    result = run_calibrate(reports, out, stage=stage, force=force, reporter=run.reporter)
    run.show(result, tool_tables.calibrate_table)


@command(app, "Example: hpq compare project.yaml 8bit.yaml build/pareto.csv:1,4-6")
def compare(
    run: Session,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Project files; files with a precision, or a Pareto front (pareto.csv, pareto.json, or rows "
            "of it: pareto.csv:1,4-6), which are applied to the first project."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write an HTML page too, with layers and dataflows side by side.")
    ] = None,
) -> None:
    """Put precision combinations side by side: accuracy, memory, resources, cycles."""
    from hpq_hls.report import search_tables, write_comparison
    from hpq_hls.workflow import run_compare

    result = run_compare(files, run.reporter, thorough=out is not None)
    if out is not None:
        write_comparison(result, out, run.reporter)
    run.show(result, search_tables.compare_table)


@command(app, "Example: hpq report --out report.html")
def report(
    run: Session,
    project: ProjectArgument = DEFAULT_PROJECT,
    out: Annotated[
        Path | None, typer.Option(help="The page; report.html in the output folder by default.")
    ] = None,
    precision: PrecisionOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the page is too old for the project.")
    ] = False,
) -> None:
    """Write one self-contained HTML page with everything known of the project."""
    from hpq_hls.report import check_page, page_path, tables, write_report

    work = run.open(project, precision, generated=True)
    if check:
        run.show(check_page(work, page_path(work, out)), tables.age_note)
    else:
        run.show(write_report(work, out, run.reporter), tables.report_table)


@command(app, "Example: hpq doctor --quick")
def doctor(
    run: Session,
    quick: Annotated[bool, typer.Option("--quick", help="Look only; build and run nothing.")] = False,
) -> None:
    """Check every external tool: is it there, which version, can it build and run a small design?"""
    from hpq_hls.errors import ToolError
    from hpq_hls.report import tables
    from hpq_hls.tools import doctor as tools

    with run.reporter.step("Checking tools") as step:
        checks = tools.run_checks(quick, progress=step)
    run.show({"checks": checks}, tables.doctor_table)
    broken = [check.name for check in checks if not check.ok]
    if broken:
        raise ToolError(f"{', '.join(broken)} cannot be used; the table above says what to do")
