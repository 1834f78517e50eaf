"""The two samples of a transport problem: points and their masses."""

from kernel_ot.samples._outliers import outlying_rows
from kernel_ot.samples._samples import Samples

__all__ = ["Samples", "outlying_rows"]
