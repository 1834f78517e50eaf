"""Parquet and feather files, through pandas and pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import is_numeric
from kernel_ot.io._row_names import NO_INDEX, check_no_id
from kernel_ot.io._table import Table

if TYPE_CHECKING:
    from types import ModuleType

    from pandas import DataFrame, Series


def _pandas() -> ModuleType:
    try:
        import pandas
        import pyarrow  # noqa: F401  # pandas says less clearly that it is missing
    except ImportError as error:
        raise ImportError(
            ".parquet and .feather files need pandas and pyarrow: pip install 'kernel-ot[tables]'"
        ) from error
    return pandas


def read_frame(path: Path, suffix: str, *, index: str | None) -> Table:
    """Read a .parquet or .feather file; missing values are NaN. See `read_table`."""
    pandas = _pandas()
    read = pandas.read_parquet if suffix == ".parquet" else pandas.read_feather
    return from_frame(read(path), index=index)


def from_frame(frame: DataFrame, *, index: str | None) -> Table:
    """Return the numbers of a data frame and the names of its columns and rows.

    Raises
    ------
    ValueError
        Columns without numbers, named; a first column that looks like row names.
    """
    frame = frame.rename(columns=str)
    row_names: tuple[str, ...] | None = None
    if index is not None and index != NO_INDEX:
        if index in frame.columns:
            frame = frame.set_index(index)
        elif index.isdigit() and 1 <= int(index) <= frame.shape[1]:
            frame = frame.set_index(frame.columns[int(index) - 1])
        else:
            there = ", ".join(frame.columns[:8])
            raise ValueError(f"it has no column {index!r} for the index; there is: {there}")
    elif index is None and frame.shape[1] > 1 and _is_text(frame.iloc[:, 0]):
        frame = frame.set_index(frame.columns[0])
    named = type(frame.index).__name__ != "RangeIndex"
    if named:
        row_names = tuple(map(str, frame.index))
    wrong = [f"{name} ({dtype})" for name, dtype in frame.dtypes.items() if not is_numeric(dtype)]
    if wrong:
        raise ValueError(
            f"its columns {', '.join(wrong[:5])} hold no numbers; leave them out, or say "
            "index=NAME (--index NAME) where one names the rows"
        )
    values = frame.to_numpy(dtype=_common_type(frame), na_value=np.nan)
    if index is None and not named and values.size:
        check_no_id(values[:, 0], str(frame.columns[0]), values.shape[1])
    return Table(np.ascontiguousarray(values), tuple(frame.columns), row_names)


def _is_text(column: Series) -> bool:
    return not is_numeric(column.dtype)


def _common_type(frame: DataFrame) -> type[np.floating]:
    single = all(str(dtype).lower() in ("float32", "float16") for dtype in frame.dtypes)
    return np.float32 if single else np.float64


def write_frame(path: Path, table: Table, suffix: str) -> None:
    """Write a .parquet or .feather file; row names are its first column, `index`."""
    pandas = _pandas()
    names = table.feature_names or tuple(f"x{i}" for i in range(table.shape[1]))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the feature name {twice!r} stands twice, which {suffix} cannot hold")
    frame = pandas.DataFrame(np.asarray(table.values), columns=list(names))
    if table.row_names is not None:
        label = "index" if "index" not in names else "_index"
        frame.insert(0, label, list(table.row_names))
    if suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_feather(path)
