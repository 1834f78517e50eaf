"""What a fitted model says about itself: numbers, a table, one page of HTML."""

from kernel_ot.diagnostics._diagnose import Diagnostics, diagnose
from kernel_ot.diagnostics._report import write_report

__all__ = ["Diagnostics", "diagnose", "write_report"]
