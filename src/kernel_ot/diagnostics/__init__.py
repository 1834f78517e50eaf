"""What a fitted model says about itself: numbers and a table."""

from kernel_ot.diagnostics._diagnose import Diagnostics, diagnose
from kernel_ot.diagnostics._transport import Bound, ComparedSettings, FittedTransport

__all__ = ["Bound", "ComparedSettings", "Diagnostics", "FittedTransport", "diagnose"]
