"""Two samples with their masses: in memory, or read block by block from files and clusters."""

from kernel_ot.samples._blocks import computed
from kernel_ot.samples._clouds import Cloud, check_block
from kernel_ot.samples._open import LAZY_SUFFIXES, as_cloud, is_dask, is_lazy, open_points
from kernel_ot.samples._outliers import outlying_rows
from kernel_ot.samples._samples import Samples

__all__ = [
    "LAZY_SUFFIXES",
    "Cloud",
    "Samples",
    "as_cloud",
    "check_block",
    "computed",
    "is_dask",
    "is_lazy",
    "open_points",
    "outlying_rows",
]
