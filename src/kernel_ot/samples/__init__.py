"""Two samples with their masses: in memory, or read block by block from files and clusters."""

from kernel_ot.samples._clouds import (
    Ask as Ask,
    Blocks as Blocks,
    Cloud as Cloud,
    Images as Images,
    InBlock as InBlock,
    Masses as Masses,
    OutOfTime as OutOfTime,
    Points as Points,
    Sliceable as Sliceable,
    check_block as check_block,
    never_late as never_late,
    read_rows as read_rows,
)
from kernel_ot.samples._cluster import (
    computed as computed,
    connected_client as connected_client,
    naming_a_lost_cluster as naming_a_lost_cluster,
)
from kernel_ot.samples._open import (
    LAZY_SUFFIXES as LAZY_SUFFIXES,
    as_cloud as as_cloud,
    is_dask as is_dask,
    is_lazy as is_lazy,
    is_sliceable as is_sliceable,
    masses_in_memory as masses_in_memory,
    open_points,
    opened as opened,
)
from kernel_ot.samples._order import in_own_order as in_own_order
from kernel_ot.samples._outliers import outlying_rows as outlying_rows
from kernel_ot.samples._samples import Samples as Samples
from kernel_ot.samples._trimmed import TrimmedCloud as TrimmedCloud

__all__ = ["open_points"]
