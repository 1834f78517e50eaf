"""NumPy and MATLAB files, which may hold several arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, savemat, whosmat
from scipy.sparse import csc_array

from kernel_ot._arrays import Array, require_memory
from kernel_ot.io._table import Table

DEFAULT_VARIABLE = "X"
_NUMERIC_CLASSES = {
    *("double", "single", "sparse", "logical"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}


def dense(value: object, what: str) -> Array:
    """Return `value` as an array, a sparse matrix if memory allows."""
    if not (hasattr(value, "toarray") and hasattr(value, "shape")):
        return np.asarray(value)
    require_memory(
        8.0 * np.prod(value.shape),
        purpose=f"{what} as a full array of shape {value.shape}",
        remedy="Keep fewer features, such as the first principal components.",
    )
    full: Array = value.toarray()
    return full


def choose_variable(shapes: Mapping[str, tuple[int, ...]], variable: str | None) -> str:
    """Return the variable to read: the one asked for, or the only matrix there is.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        What the file holds.
    variable : str or None
        What was asked for.

    Raises
    ------
    ValueError
        Not in the file, or nothing was asked for and the choice is not plain. The message lists
        what there is.

    Examples
    --------
    >>> choose_variable({"X": (5, 2), "labels": (5,)}, None)
    'X'
    >>> choose_variable({"X": (5, 2), "Y": (7, 2)}, None)
    Traceback (most recent call last):
    ...
    ValueError: it holds several matrices: X (5 x 2), Y (7 x 2); say which one, as in FILE:X
    """
    listing = ", ".join(f"{name} ({' x '.join(map(str, s))})" for name, s in shapes.items())
    if variable is not None:
        if variable not in shapes:
            raise ValueError(f"it holds no {variable!r}; there is: {listing or 'nothing numeric'}")
        return variable
    matrices = [name for name, shape in shapes.items() if len(shape) == 2 and min(shape) > 0]
    if not matrices:
        raise ValueError(f"it holds no matrix of points; there is: {listing or 'nothing numeric'}")
    if len(matrices) > 1:
        raise ValueError(
            f"it holds several matrices: {listing}; say which one, as in FILE:{matrices[0]}"
        )
    return matrices[0]


def read_npy(path: Path) -> Table:
    """Read the array of a .npy file."""
    with path.open("rb") as file:
        # np.load would take a file that is no .npy for a pickle and say so, which misleads.
        return Table(_matrix(np.lib.format.read_array(file, allow_pickle=False)))


def write_npy(path: Path, table: Table) -> None:
    """Write a .npy file."""
    np.save(path, table.values, allow_pickle=False)


def read_npz(path: Path, variable: str | None) -> Table:
    """Read one array of a .npz file."""
    if not zipfile.is_zipfile(path):
        raise ValueError("it is not a whole archive of arrays")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    shapes = {name: a.shape for name, a in arrays.items() if a.dtype.kind in "fiub"}
    return Table(_matrix(arrays[choose_variable(shapes, variable)]))


def write_npz(path: Path, table: Table, variable: str | None) -> None:
    """Write a .npz file with one array."""
    # NumPy's types take any name for `allow_pickle`.
    arrays: dict[str, Any] = {variable or DEFAULT_VARIABLE: table.values}
    np.savez_compressed(path, **arrays)


def read_mat(path: Path, variable: str | None) -> Table:
    """Read one variable of a MATLAB file (level 4, 5 or, with h5py, 7.3)."""
    try:
        shapes = {name: shape for name, shape, kind in whosmat(path) if kind in _NUMERIC_CLASSES}
    except NotImplementedError:  # level 7.3 is HDF5 under another name
        return _read_mat73(path, variable)
    name = choose_variable(shapes, variable)
    return Table(_matrix(dense(loadmat(path, variable_names=[name])[name], name)))


def _read_mat73(path: Path, variable: str | None) -> Table:
    try:
        import h5py
    except ImportError as error:
        raise ValueError(
            "it is a MATLAB 7.3 file, which h5py reads: pip install 'kernel-ot[matlab73]'; or "
            "in MATLAB, save it again with save(..., '-v7')"
        ) from error
    with h5py.File(path, "r") as file:
        # MATLAB writes columns first, and HDF5 shows them as rows.
        shapes = {
            name: entry.shape[::-1]
            for name, entry in file.items()
            if isinstance(entry, h5py.Dataset)
            and entry.attrs.get("MATLAB_class", b"double").decode() in _NUMERIC_CLASSES
            and entry.dtype.kind in "fiub"
        }
        sparse = {n: e for n, e in file.items() if "MATLAB_sparse" in e.attrs and "ir" in e}
        shapes |= {n: (int(e.attrs["MATLAB_sparse"]), len(e["jc"]) - 1) for n, e in sparse.items()}
        name = choose_variable(shapes, variable)
        if name in sparse:
            parts = tuple(np.asarray(sparse[name][part]) for part in ("data", "ir", "jc"))
            return Table(_matrix(dense(csc_array(parts, shape=shapes[name]), name)))
        return Table(_matrix(np.asarray(file[name]).T))


def write_mat(path: Path, table: Table, variable: str | None) -> None:
    """Write a MATLAB file (level 5) with one variable."""
    savemat(path, {variable or DEFAULT_VARIABLE: table.values}, do_compression=True)


def _matrix(value: Array) -> Array:
    if np.ndim(value) != 2:
        raise ValueError(
            f"its array has shape {np.shape(value)}; points are rows of a matrix, and points on a "
            "line a matrix of one column"
        )
    return value
