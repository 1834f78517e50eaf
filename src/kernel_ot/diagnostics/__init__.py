"""What a fitted model says about itself: numbers, a table, one page of HTML."""

from kernel_ot.diagnostics._diagnose import Diagnostics, diagnose
from kernel_ot.diagnostics._report import write_report
from kernel_ot.diagnostics._two_sample import energy_distance, mmd_test

__all__ = ["Diagnostics", "diagnose", "energy_distance", "mmd_test", "write_report"]
