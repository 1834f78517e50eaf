"""Read and write tables of points: text, .npy, .npz, .parquet, .feather, .mat, .h5ad files."""

from kernel_ot.io._table import Table
from kernel_ot.io._tables import (
    STREAM,
    SUFFIXES,
    check_table_destination,
    read_table,
    split_variable,
    write_table,
)
from kernel_ot.io._where import rows_where

__all__ = [
    "STREAM",
    "SUFFIXES",
    "Table",
    "check_table_destination",
    "read_table",
    "rows_where",
    "split_variable",
    "write_table",
]
