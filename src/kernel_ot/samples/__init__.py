"""Two samples with their masses: in memory, or read block by block from files and clusters."""

from kernel_ot.samples._blocks import (
    cluster_is_there as cluster_is_there,
    computed as computed,
)
from kernel_ot.samples._clouds import (
    Blocks as Blocks,
    Cloud as Cloud,
    Masses as Masses,
    Points as Points,
    Sliceable as Sliceable,
    check_block as check_block,
)
from kernel_ot.samples._open import (
    LAZY_SUFFIXES as LAZY_SUFFIXES,
    as_cloud as as_cloud,
    is_dask as is_dask,
    is_lazy as is_lazy,
    open_points,
)
from kernel_ot.samples._outliers import outlying_rows as outlying_rows
from kernel_ot.samples._samples import Samples as Samples
from kernel_ot.samples._trimmed import TrimmedCloud as TrimmedCloud

__all__ = ["open_points"]
