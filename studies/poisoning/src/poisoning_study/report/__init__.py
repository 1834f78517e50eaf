"""The report: tables, picture sheets, curves, one HTML page."""

from poisoning_study.report._page import write_report

__all__ = ["write_report"]
