"""The HTML page: one file, everything inside, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.report import page_tables as rows
from hpq_hls.report import text
from hpq_hls.report.age import page_age
from hpq_hls.report.dataflow import dataflow_chart
from hpq_hls.report.heat import confusion_matrix, heat_map
from hpq_hls.report.histograms import histograms
from hpq_hls.report.layers import layer_rows
from hpq_hls.report.pareto import pareto_chart
from hpq_hls.report.search_tables import certificate, tuned_rows
from hpq_hls.report.tables import certificate_rows, failure_lines, schedule_sentence
from hpq_hls.simulate.coverage import HEADER, coverage_rows
from hpq_hls.templating import render
from hpq_hls.tools.files import write_file
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.workflow.results import plain
from hpq_hls.workflow.summary import Summary, summarize
from hpq_hls.workflow.workspace import Workspace

FILE_NAME = "report.html"
FILTERS: dict[str, Callable[..., Any]] = {
    "score": text.score,
    "metric_name": text.metric_name,
    "count": text.count,
    "bits": text.bits,
    "ratio": text.ratio,
    "share": text.share,
    "duration": text.duration,
    "saturated": text.saturated,
    "width": text.width,
    "bounds": text.bounds,
    "drop": text.drop,
    "drop_bounds": text.drop_bounds,
    "probability": text.probability,
    "unseen": text.unseen,
    "verdict": text.verdict,
    "weight_type": text.weight_type,
    "certificate": certificate,
    "certificate_rows": certificate_rows,
    "failure_lines": failure_lines,
    "schedule_sentence": schedule_sentence,
    "coverage_rows": coverage_rows,
    "tuned_rows": tuned_rows,
    "json": rows.as_json,
    "front_rows": rows.front_rows,
    "kernel_rows": rows.kernel_rows,
    "kernel_table": rows.kernel_table,
    "stream_table": rows.stream_table,
    "synthesis_table": rows.synthesis_table,
    "compared_table": rows.compared_table,
    "digest_table": rows.digest_table,
}


@dataclass(frozen=True)
class ReportResult:
    """Outcome of ``hpq report``."""

    file: Path
    summary: Summary


def write_report(work: Workspace, out: Path | None = None, reporter: Reporter | None = None) -> ReportResult:
    """Collect everything known of a project and write the page.

    out: the file; ``report.html`` in the project's output folder by default.

    Raises:
        OutputError: it cannot be written.
    """
    show = reporter or Quiet()
    summary = summarize(work, show)
    path = page_path(work, out)
    before = page_age(work, path)
    with show.step("Writing the page") as step:
        write_page(path, plain(summary))
        old = (
            f"; the one before was too old for {', '.join(before.changed)}"
            if before and before.changed
            else ""
        )
        step.conclude(f"{path}{old}")
    return ReportResult(path, summary)


def page_path(work: Workspace, out: Path | None) -> Path:
    """The file that ``write_report`` writes."""
    return out or work.project.output / FILE_NAME


def write_page(path: Path, summary: dict[str, Any]) -> None:
    """Write the page of a summary in its plain form."""
    write_file(path, render_page(summary))


def render_page(summary: dict[str, Any]) -> str:
    """The page of a summary in its plain form, as text."""
    search, confusion = summary["search"], summary["confusion"]
    given = {
        "s": summary,
        "version": summary["version"],
        "chart": None if search is None else pareto_chart(search),
        "heat": None if search is None else heat_map(search),
        "matrix": None if confusion is None else confusion_matrix(confusion),
        "values": histograms(summary["trace"], summary["network"]),
        "rows": layer_rows(summary),
        "flow": dataflow_chart(summary["flow"]),
        "coverage_header": HEADER,
    }
    return render("report/page.html.j2", given, FILTERS)
