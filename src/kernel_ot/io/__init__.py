"""Read and write tables of points: .npy, .npz, .csv, .tsv, .mat and .h5ad files."""

from kernel_ot.io._table import Table
from kernel_ot.io._tables import (
    SUFFIXES,
    check_table_destination,
    read_table,
    split_variable,
    write_table,
)

__all__ = [
    "SUFFIXES",
    "Table",
    "check_table_destination",
    "read_table",
    "split_variable",
    "write_table",
]
