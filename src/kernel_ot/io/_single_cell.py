"""Annotated single-cell data (.h5ad)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.io._binary import dense
from kernel_ot.io._table import Table
from kernel_ot.io._where import rows_where

if TYPE_CHECKING:
    from types import ModuleType

    from anndata import AnnData
    from pandas import DataFrame

_FOLDERS = ("layers", "obsm")


def _anndata() -> ModuleType:
    try:
        import anndata
    except ImportError as error:
        raise ImportError(
            ".h5ad files need anndata: pip install 'kernel-ot[single-cell]'"
        ) from error
    module: ModuleType = anndata
    return module


def read_h5ad(path: Path, variable: str | None, where: str | None = None) -> Table:
    """Read `X`, or an entry of `layers` or `obsm`, of a .h5ad file.

    `variable` is "X" (the default), a key of `layers` or `obsm`, or "layers/KEY" or "obsm/KEY"
    where both have that key; `where` is a condition on `obs`.
    """
    data = _anndata().read_h5ad(path)
    table = _table_of(data, variable)
    return table if where is None else table.at(rows_where(data.obs, where, f"obs of {path}"))


def _table_of(data: AnnData, variable: str | None) -> Table:
    row_names = tuple(map(str, data.obs_names))
    folder, key = _entry(data, variable or "X")
    if not folder:
        return Table(dense(data.X, "X"), tuple(map(str, data.var_names)), row_names)
    value = getattr(data, folder)[key]
    names = tuple(map(str, data.var_names)) if folder == "layers" else None
    if hasattr(value, "columns"):
        names = tuple(map(str, value.columns))
        value = value.to_numpy()
    return Table(np.asarray(dense(value, f"{folder}/{key}")), names, row_names)


def _entry(data: AnnData, wanted: str) -> tuple[str, str]:
    """Return the folder ("layers", "obsm", or "" for X) and the key that `wanted` means."""
    if wanted == "X" and data.X is not None:
        return "", "X"
    entries = [(folder, key) for folder in _FOLDERS for key in getattr(data, folder)]
    found = [(folder, key) for folder, key in entries if wanted in (key, f"{folder}/{key}")]
    if len(found) != 1:
        listed = [f"{folder}/{key}" for folder, key in entries]
        there = ", ".join((["X"] if data.X is not None else []) + listed)
        problem = f"several entries called {wanted!r}" if found else f"no {wanted!r}"
        raise ValueError(f"it holds {problem}; there is: {there or 'nothing'}")
    return found[0]


def write_h5ad(path: Path, table: Table) -> None:
    """Write a .h5ad file whose `X` is the table."""
    data = _anndata().AnnData(X=np.array(table.values))  # a copy: AnnData may write to what it gets
    if table.feature_names is not None:
        data.var_names = list(table.feature_names)
    if table.row_names is not None:
        data.obs_names = list(table.row_names)
    data.write_h5ad(path)


def write_h5ad_like(
    path: Path, table: Table, source: Path, variable: str | None, to: str | None
) -> None:
    """Write a copy of the .h5ad file `source` with the table in place of what was read from it.

    `variable` is what was read. `to` puts the table elsewhere: "X", "layers/KEY", "obsm/KEY", or
    KEY, which means obsm unless `layers` has that key.
    """
    data = _anndata().read_h5ad(source)
    values: Array | DataFrame = np.array(table.values)
    if table.rows is not None and to is None:
        data = data[table.rows].copy()
    elif table.rows is not None:  # the others have no image
        values = np.full((data.n_obs, values.shape[1]), np.nan, dtype=values.dtype)
        values[table.rows] = table.values
    if to is None:
        folder, key = _entry(data, variable or "X")
        old = data.X if not folder else getattr(data, folder)[key]
        if hasattr(old, "columns"):
            values = type(old)(values, index=old.index, columns=old.columns)
    else:
        folder, _, key = to.rpartition("/")
        folder = folder or ("" if to == "X" else "layers" if to in data.layers else "obsm")
    if not folder:
        data.X = values
    elif folder in _FOLDERS:
        getattr(data, folder)[key] = values
    else:
        raise ValueError(f"{to!r} is no place in a .h5ad file; use X, layers/KEY or obsm/KEY.")
    data.write_h5ad(path)
