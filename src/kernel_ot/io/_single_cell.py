"""Annotated single-cell data (.h5ad)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kernel_ot.io._binary import dense
from kernel_ot.io._table import Table


def _anndata() -> Any:
    try:
        import anndata
    except ImportError as error:
        raise ImportError(
            ".h5ad files need anndata: pip install 'kernel-ot[single-cell]'"
        ) from error
    return anndata


def read_h5ad(path: Path, variable: str | None) -> Table:
    """Read `X`, or an entry of `layers` or `obsm`, of a .h5ad file.

    `variable` is "X" (the default), a key of `layers` or `obsm`, or "layers/KEY" or "obsm/KEY"
    where both have that key.
    """
    data = _anndata().read_h5ad(path)
    folders = {"layers": data.layers, "obsm": data.obsm}
    entries = {f"{folder}/{key}": folder for folder, group in folders.items() for key in group}
    wanted = variable or "X"
    found = [e for e in entries if wanted == e or wanted == e.partition("/")[2]]
    row_names = tuple(map(str, data.obs_names))
    if wanted == "X" and data.X is not None:
        return Table(dense(data.X, "X"), tuple(map(str, data.var_names)), row_names)
    if len(found) != 1:
        there = ", ".join((["X"] if data.X is not None else []) + list(entries))
        problem = f"several entries called {wanted!r}" if found else f"no {wanted!r}"
        raise ValueError(f"it holds {problem}; there is: {there or 'nothing'}")
    folder, _, key = found[0].partition("/")
    value = folders[folder][key]
    names = tuple(map(str, data.var_names)) if folder == "layers" else None
    if hasattr(value, "columns"):
        names = tuple(map(str, value.columns))
        value = value.to_numpy()
    return Table(np.asarray(dense(value, found[0])), names, row_names)


def write_h5ad(path: Path, table: Table) -> None:
    """Write a .h5ad file whose `X` is the table."""
    data = _anndata().AnnData(X=np.array(table.values))  # a copy: AnnData may write to what it gets
    if table.feature_names is not None:
        data.var_names = list(table.feature_names)
    if table.row_names is not None:
        data.obs_names = list(table.row_names)
    data.write_h5ad(path)
