"""What a user calls a sample, however it is stored, as a cloud."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array
from kernel_ot.samples._blocks import BlockCloud, DaskCloud
from kernel_ot.samples._clouds import ArrayCloud, Blocks, Cloud, Masses, Points, Sliceable

if TYPE_CHECKING:
    from anndata.abc import CSRDataset
    from dask.array import Array as DaskArray

LAZY_SUFFIXES = (".npy", ".zarr", ".h5ad")


def open_points(source: str | Path) -> Sliceable:
    """Open the points of a file without reading them.

    Parameters
    ----------
    source : str or Path
        A .npy file, a .zarr array, or a .h5ad file. "FILE.zarr:NAME" is an array of a group,
        "FILE.h5ad:NAME" is X or a key of obsm or layers; X by default.

    Returns
    -------
    array-like of shape (n, d)
        A memory map, or an open data set; slices of it are read when they are asked for.

    Raises
    ------
    FileNotFoundError
    ValueError
        Another suffix, a file that is cut short, no such entry; names the file.
    ImportError
        zarr or h5py is missing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "points.npy"
    ...     np.save(file, np.zeros((4, 2)))
    ...     open_points(file).shape
    (4, 2)
    """
    path, name = _split(str(source))
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; check its name.")
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapped
        if suffix == ".zarr":
            import zarr

            opened = zarr.open(path, mode="r")
            is_array = name is None and hasattr(opened, "shape")
            stored: Sliceable = opened if is_array else opened[name or "X"]
            return stored
        if suffix == ".h5ad":
            return _open_h5ad(path, name or "X")
    except (ValueError, KeyError, EOFError, OSError) as error:
        raise ValueError(f"{path} cannot be opened as {suffix}: {error}") from error
    raise ValueError(f"{path} has the suffix {suffix!r}; use one of {', '.join(LAZY_SUFFIXES)}.")


def _split(text: str) -> tuple[Path, str | None]:
    """Split "FILE:NAME", where FILE has a suffix that knows names."""
    for suffix in (".zarr:", ".h5ad:"):
        position = text.lower().rfind(suffix)
        if position >= 0:
            end = position + len(suffix)
            return Path(text[: end - 1]), text[end:] or None
    return Path(text), None


def _open_h5ad(path: Path, name: str) -> Sliceable:
    import h5py

    file = h5py.File(path, "r")
    for key in (name, f"obsm/{name}", f"layers/{name}"):
        if key not in file:
            continue
        entry = file[key]
        if hasattr(entry, "shape"):
            dense: Sliceable = entry
            return dense
        if "data" in entry and "indptr" in entry:
            from anndata.io import sparse_dataset

            return _DenseRows(sparse_dataset(entry))
        raise ValueError(f"its entry {key!r} is no matrix")
    raise KeyError(f"it has no entry {name!r}")


class _DenseRows:
    """Rows of a sparse matrix on disk, made dense when they are asked for."""

    def __init__(self, matrix: CSRDataset) -> None:
        self._matrix = matrix
        self.shape = tuple(matrix.shape)

    def __getitem__(self, rows: Array | slice) -> Array:
        return np.asarray(self._matrix[rows].toarray())


def is_dask(value: object) -> TypeGuard[DaskArray]:
    """Return whether a value is a Dask array; Dask is not imported for it."""
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(value, module.Array)


def is_lazy(value: object) -> bool:
    """Return whether a value has to be read by blocks: no array in memory, nor a table or list.

    A memory map counts as an array: its size decides.
    """
    if isinstance(value, str | Path) or callable(value) or is_dask(value):
        return True
    if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
        return type(value).__module__.split(".")[0] in ("h5py", "zarr")
    if hasattr(value, "shape"):
        return isinstance(value, _DenseRows)
    if isinstance(value, list | tuple):
        return bool(value) and all(np.ndim(block) == 2 for block in value)
    return isinstance(value, Iterable)


def as_cloud(
    points: Points, weights: Masses | None, name: str, *, keep: int, rng: np.random.Generator
) -> Cloud:
    """Return a cloud of what a user passed as a sample.

    Parameters
    ----------
    points : array, memory map, path, Dask array, iterable of blocks, or function that returns one
    weights : the same, one-dimensional, or None
        Of an iterable the blocks are those of the points.
    name : str
        Of the argument, for messages.
    keep : int
        How many random points an iterable keeps while its points are counted.
    rng : numpy.random.Generator
        Chooses those.

    Raises
    ------
    ValueError
        What cannot be read more than once, has no points or unknown sizes; names the remedy.
    """
    if isinstance(points, str | Path):
        points = open_points(points)
    if isinstance(weights, str | Path):
        weights = open_points(weights)
    if is_dask(points):
        return DaskCloud(points, weights, name)
    if is_dask(weights):
        weights = np.asarray(weights)
    if _is_sliceable(points):
        if weights is not None and not _is_sliceable(weights):
            parts = cast("Iterable[ArrayLike]", weights)
            weights = np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])
        return ArrayCloud(points, weights, name)
    if _is_sliceable(weights):
        raise ValueError(
            f"weights_{name} is one array, but {name} comes in blocks; give its blocks' weights in "
            "the same blocks."
        )
    blocks, masses = cast("Blocks", points), cast("Blocks | None", weights)
    return BlockCloud(blocks, masses, name, keep=keep, rng=rng)


def _is_sliceable(value: object) -> TypeGuard[Sliceable]:
    return hasattr(value, "shape")
