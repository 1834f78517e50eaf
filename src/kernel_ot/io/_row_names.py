"""Tell numbers, missing values, names and identifiers apart."""

from __future__ import annotations

from typing import Literal

import numpy as np

from kernel_ot._arrays import Array

NO_INDEX = "none"
"""What `index` is where no column names the rows."""

_MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "missing", "?", ".", "-"}
_ID_NAMES = {
    *[
        "id",
        "ids",
        "index",
        "idx",
        "row",
        "rows",
        "row_id",
        "rowid",
        "row_number",
        "cell",
        "cells",
        "cell_id",
        "cellid",
        "barcode",
    ],
    *[
        "barcodes",
        "sample",
        "sample_id",
        "obs",
        "name",
        "names",
        "number",
        "nr",
        "no",
        "key",
        "uid",
        "patient",
        "patient_id",
    ],
    *("", "subject", "unnamed: 0"),
}
# So many whole numbers in a row, one after the other, are no measurement.
_FEWEST_COUNTED = 4


class TableQuestionError(ValueError):
    """A whole table that could mean two things; the message says which and how to tell."""


def is_number(cell: str) -> bool:
    """Return whether a cell is a number as tables write them; `1_000` is Python's alone."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell and cell.strip().lower() != "nan"


def is_missing(cell: str) -> bool:
    """Return whether a cell says that there is no value."""
    return cell.strip().lower() in _MISSING


def kind_of(cell: str) -> Literal["number", "missing", "text"]:
    """Return what a cell holds."""
    if is_number(cell):
        return "number"
    return "missing" if is_missing(cell) else "text"


def check_no_id(column: Array, name: str | None, n_columns: int) -> None:
    """Raise ValueError if the first column of numbers looks like identifiers of the rows.

    Those are whole numbers that are all different, under a name such as `id` or `barcode`, or that
    count the rows.
    """
    if n_columns < 2 or not np.isfinite(column).all() or (column != np.floor(column)).any():
        return
    counted = len(column) >= _FEWEST_COUNTED and (np.diff(column) == 1).all()
    counted = bool(counted and column[0] in (0, 1))
    called = name is not None and name.strip().lower() in _ID_NAMES
    if not counted and not (called and len(np.unique(column)) == len(column)):
        return
    label = "1" if name is None else name
    raise TableQuestionError(
        f"its first column{'' if name is None else f' ({name})'} is "
        f"{', '.join(f'{value:g}' for value in column[:3])}, ..., which looks like names of the "
        f"rows; say index={label!r} (--index {label}) if it is, index='none' (--index none) if "
        "it is a feature"
    )
