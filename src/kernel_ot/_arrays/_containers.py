"""What holds arrays, or names them, and is none."""

from __future__ import annotations

from os import PathLike

import numpy as np

from kernel_ot._arrays._words import counted


def refuse_collections(value: object, name: str) -> None:
    """Raise ValueError for what holds several arrays, or one of unknown length, or bytes."""
    if isinstance(value, bytes):
        raise ValueError(f"{name} holds bytes; pass numbers, np.frombuffer(...) for instance.")
    if hasattr(value, "to_dask_array"):
        raise ValueError(f"{name} is a Dask data frame; pass {name}.to_dask_array(lengths=True).")
    if hasattr(value, "keys") and not hasattr(value, "shape"):
        names = ", ".join(str(key) for key in list(value.keys())[:12])
        raise ValueError(f"{name} is no array but has several ({names}); pass one of them.")


def _refuse_categories(table: object, name: str) -> None:
    """Raise ValueError for columns of codes, which numbers in them would make distances of."""
    if not (hasattr(table, "dtypes") and hasattr(table, "columns")):
        return
    codes = [
        str(column)
        for column, dtype in zip(table.columns, table.dtypes, strict=True)
        if str(dtype).partition("(")[0].lower() in ("category", "categorical", "enum")
    ]
    if codes:
        raise ValueError(
            f"{name} has categories in {', '.join(codes[:5])}, which have no distance; use "
            "kernel_ot.pipeline.MixedColumns, leave them out, or make numbers of them first "
            "(.astype(float))."
        )


def refuse_containers(value: object, name: str) -> None:
    """Raise ValueError for what holds an array but would not be read as the user means it."""
    if isinstance(value, str | PathLike):
        raise ValueError(
            f"{name} = {value!r} is no array; pass numbers (read a file first, by np.load or "
            "kernel_ot.io.read_table)."
        )
    if value is None:
        raise ValueError(f"{name} is None; pass numbers.")
    refuse_collections(value, name)
    _refuse_categories(value, name)
    if hasattr(value, "obsm") and hasattr(value, "X"):
        raise ValueError(
            f"{name} is an AnnData object; pass one of its arrays, such as "
            f"{name}.obsm['X_pca'] or {name}.X."
        )
    # An array view of AnnData's has `toarray` too, and is no sparse matrix.
    if hasattr(value, "toarray") and not isinstance(value, np.ndarray):
        raise ValueError(f"{name} is a sparse matrix; pass {name}.toarray() instead.")
    for number, row in enumerate(value if isinstance(value, list | tuple) else ()):
        if np.ma.isMaskedArray(row) and np.ma.getmaskarray(row).any():
            raise ValueError(f"{name}[{number}] is masked; drop that row or fill it.")
    if np.ma.isMaskedArray(value) and np.ma.getmaskarray(value).any():
        masked = np.argwhere(np.ma.getmaskarray(value))
        raise ValueError(
            f"{name} is a masked array with {counted(len(masked), 'masked entry')} (first at index "
            f"{tuple(int(i) for i in masked[0])}); drop those rows or fill them."
        )
