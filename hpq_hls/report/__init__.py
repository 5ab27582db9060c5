"""The tables and the page."""

from typing import TYPE_CHECKING

from hpq_hls.lazy import imported_when_asked

if TYPE_CHECKING:
    from hpq_hls.report.age import Age, check_page, page_age
    from hpq_hls.report.comparison import write_comparison
    from hpq_hls.report.page import ReportResult, page_path, render_page, write_page, write_report

__all__ = [
    "Age",
    "ReportResult",
    "check_page",
    "page_age",
    "page_path",
    "render_page",
    "write_comparison",
    "write_page",
    "write_report",
]

__getattr__ = imported_when_asked(
    __name__,
    {
        "age": (
            "Age",
            "check_page",
            "page_age",
        ),
        "comparison": ("write_comparison",),
        "page": (
            "ReportResult",
            "page_path",
            "render_page",
            "write_page",
            "write_report",
        ),
    },
)
