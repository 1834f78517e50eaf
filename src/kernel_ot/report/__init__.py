"""One page of HTML about a fitted model."""

from kernel_ot.report._page import write_report

__all__ = ["write_report"]
