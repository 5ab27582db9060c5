"""The tables and the page."""

from hpq_hls.report.age import Age, check_page, page_age
from hpq_hls.report.comparison import write_comparison
from hpq_hls.report.console import TerminalReporter, make_console
from hpq_hls.report.page import ReportResult, page_path, render_page, write_page, write_report

__all__ = [
    "Age",
    "ReportResult",
    "TerminalReporter",
    "check_page",
    "make_console",
    "page_age",
    "page_path",
    "render_page",
    "write_comparison",
    "write_page",
    "write_report",
]
