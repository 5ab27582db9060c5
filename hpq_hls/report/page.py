"""The HTML page: one file, everything inside, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.report import text
from hpq_hls.report.chart import pareto_chart
from hpq_hls.report.search_tables import certificate, tuned_rows
from hpq_hls.report.tables import certificate_rows, trace_rows
from hpq_hls.simulate.coverage import HEADER, coverage_rows
from hpq_hls.templating import render
from hpq_hls.tools.files import write_file
from hpq_hls.workflow.progress import Quiet, Reporter
from hpq_hls.workflow.results import plain
from hpq_hls.workflow.summary import Summary, summarize
from hpq_hls.workflow.workspace import Workspace

FILE_NAME = "report.html"
_FILTERS: dict[str, Callable[..., Any]] = {
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
    "coverage_rows": coverage_rows,
    "trace_rows": trace_rows,
    "tuned_rows": tuned_rows,
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
        OutputError: it cannot be written. ToolError: plotly is not installed, and a search is to be drawn.
    """
    show = reporter or Quiet()
    summary = summarize(work, show)
    path = out or work.project.output / FILE_NAME
    with show.step("Writing the page") as step:
        write_page(path, plain(summary))
        step.conclude(str(path))
    return ReportResult(path, summary)


def write_page(path: Path, summary: dict[str, Any]) -> None:
    """Write the page of a summary in its plain form."""
    write_file(path, render_page(summary))


def render_page(summary: dict[str, Any]) -> str:
    """The page of a summary in its plain form, as text."""
    chart = None if summary["search"] is None else pareto_chart(summary["search"])
    given = {"s": summary, "chart": chart, "coverage_header": HEADER}
    return render("report/page.html.j2", given, _FILTERS)
