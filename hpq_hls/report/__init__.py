"""The tables and the page."""

from hpq_hls.report.console import TerminalReporter, make_console
from hpq_hls.report.page import ReportResult, render_page, write_page, write_report

__all__ = ["ReportResult", "TerminalReporter", "make_console", "render_page", "write_page", "write_report"]
