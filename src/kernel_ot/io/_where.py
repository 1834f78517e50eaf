"""Choose rows by a condition on columns, as pandas' `query` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.io._table import Table

if TYPE_CHECKING:
    from pandas import DataFrame


def rows_where(frame: DataFrame, condition: str, what: str) -> Array:
    """Return the positions of the rows of a data frame that meet a condition.

    Parameters
    ----------
    frame : pandas.DataFrame
    condition : str
        As in ``"cell_type == 'T' and n_genes > 500"``; names with spaces stand in backticks.
    what : str
        What the frame is, for messages.

    Raises
    ------
    ValueError
        A condition that cannot be read, names no column, or is met by no row.

    Examples
    --------
    >>> import pandas
    >>> rows_where(pandas.DataFrame({"a": [1, 2, 3]}), "a > 1", "table")
    array([1, 2])
    """
    columns = ", ".join(map(str, list(frame.columns)[:12]))
    if "@" in condition:
        raise ValueError(f"The condition {condition!r} uses @, which means nothing here.")
    try:
        met = frame.reset_index(drop=True).eval(condition, engine="python")
    except Exception as error:  # its parser raises whatever it met
        raise ValueError(
            f"The condition {condition!r} cannot be read ({error}); {what} has the columns "
            f"{columns}, as in \"column == 'text'\"."
        ) from error
    met = np.asarray(met)
    if met.dtype != bool or met.shape != (len(frame),):
        raise ValueError(f"The condition {condition!r} is not true or false for every row.")
    rows = np.flatnonzero(met)
    if not len(rows):
        raise ValueError(f"No row of {what} meets {condition!r}; the columns are {columns}.")
    return rows


def table_where(table: Table, condition: str, what: str) -> Table:
    """Return the rows of a table whose features meet a condition."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("Conditions need pandas: pip install 'kernel-ot[tables]'") from error
    names = table.feature_names or tuple(f"x{i + 1}" for i in range(table.shape[1]))
    frame = pandas.DataFrame(np.asarray(table.values), columns=list(names))
    return table.at(rows_where(frame, condition, what))
