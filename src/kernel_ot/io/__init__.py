"""Read and write tables of points: text, .npy, .npz, .parquet, .feather, .mat, .h5ad files."""

from kernel_ot.io._table import Table
from kernel_ot.io._tables import (
    SUFFIXES as SUFFIXES,
    check_table_destination as check_table_destination,
    read_table,
    split_variable as split_variable,
    write_table,
)
from kernel_ot.io._where import rows_where as rows_where

__all__ = ["Table", "read_table", "write_table"]
