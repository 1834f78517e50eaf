"""Read and write tables of points: .npy, .npz, .csv, .tsv, .mat and .h5ad files."""

from kernel_ot.io._atomic import atomic_path, check_destination
from kernel_ot.io._table import Table
from kernel_ot.io._tables import SUFFIXES, read_table, write_table

__all__ = [
    "SUFFIXES",
    "Table",
    "atomic_path",
    "check_destination",
    "read_table",
    "write_table",
]
