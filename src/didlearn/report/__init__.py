"""Pages that show results, and nothing that is not in them."""

from didlearn.report.comparison.page import render_comparison, write_comparison
from didlearn.report.history import write_history
from didlearn.report.page import PAGE_NAME, render, write_report
from didlearn.report.study import write_study_report

__all__ = [
    "PAGE_NAME",
    "render",
    "render_comparison",
    "write_comparison",
    "write_history",
    "write_report",
    "write_study_report",
]
