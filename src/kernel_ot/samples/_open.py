"""What a user calls a sample, however it is stored, as a cloud."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, refuse_collections, refuse_containers, shown
from kernel_ot.samples._blocks import BlockCloud, DaskCloud
from kernel_ot.samples._clouds import (
    ArrayCloud,
    Ask,
    Blocks,
    Cloud,
    Masses,
    Points,
    Sliceable,
    never_late,
    read_rows,
)

if TYPE_CHECKING:
    from anndata.abc import CSRDataset
    from dask.array import Array as DaskArray
    from zarr import Array as ZarrArray

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
    suffix = path.suffix.lower()
    if suffix not in LAZY_SUFFIXES:
        raise ValueError(
            f"{path} has the suffix {suffix!r}; use one of {', '.join(LAZY_SUFFIXES)}."
        )
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; check its name.")
    try:
        if suffix == ".npy":
            return _open_npy(path)
        if suffix == ".zarr":
            import zarr

            opened = zarr.open(path, mode="r")
            if not hasattr(opened, "shape"):
                return _entry(opened, name or "X")
            if name is not None:
                raise ValueError(f"it is an array, which has no entry {name!r}")
            _warn_of_missing_chunks(opened, path)
            return cast("Sliceable", opened)
        import h5py

        return _entry(h5py.File(path, "r"), name or "X")
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} cannot be opened as {suffix}: {error}") from error


def _split(text: str) -> tuple[Path, str | None]:
    """Split "FILE:NAME", where FILE has a suffix that knows names."""
    for suffix in (".zarr:", ".h5ad:"):
        position = text.lower().rfind(suffix)
        if position >= 0:
            end = position + len(suffix)
            return Path(text[: end - 1]), text[end:] or None
    return Path(text), None


def _open_npy(path: Path) -> Array:
    with path.open("rb") as file:
        np.lib.format.read_magic(file)  # else numpy takes it for an archive, or for a pickle
    try:
        mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "Python objects" not in str(error):
            raise
        raise ValueError(
            "it holds Python objects, which cannot be read by blocks; save array.astype(float)"
        ) from error
    return mapped


def _entry(group: _Group, name: str) -> Sliceable:
    """Return a matrix of an open file of cells, or an array of a group, by its name."""
    for key in (name, f"obsm/{name}", f"layers/{name}"):
        if key not in group:
            continue
        entry: object = group[key]
        if hasattr(entry, "shape"):
            return cast("Sliceable", entry)
        inside = cast("_Group", entry)
        if "data" in inside and "indptr" in inside:
            from anndata.io import sparse_dataset

            of_a_file: Any = inside  # anndata's type has h5py's and zarr's groups, not a protocol
            return _DenseRows(sparse_dataset(of_a_file))
        raise ValueError(f"its entry {key!r} is no matrix; it has {_names(inside)}")
    raise ValueError(f"it has no entry {name!r}; it has {_names(group)}")


def _names(group: _Group) -> str:
    found = [
        f"{key}/{below}" if key in ("obsm", "layers") else str(key)
        for key in group.keys()  # noqa: SIM118 - a group of zarr is no mapping
        for below in (cast("_Group", group[key]).keys() if key in ("obsm", "layers") else ("",))
    ]
    return ", ".join(found[:12]) or "nothing"


def _warn_of_missing_chunks(stored: ZarrArray, path: Path) -> None:
    """Say that a part of an array is not in its files: zarr then reads the fill value."""
    missing = stored.nchunks - stored.nchunks_initialized
    if missing:
        warnings.warn(
            f"{path} lacks {missing} of its {stored.nchunks} chunks, which are read as "
            f"{stored.fill_value}; if they were not all so, write it again.",
            stacklevel=4,
        )


class _Group(Protocol):
    """An open file, or a group in it, of h5py or zarr."""

    def __contains__(self, key: str) -> bool:
        """Return whether it has an entry."""

    def __getitem__(self, key: str) -> object:
        """Return an entry."""

    def keys(self) -> Iterable[str]:
        """Return the names of its entries."""


class _DenseRows:
    """Rows of a sparse matrix on disk, made dense when they are asked for."""

    def __init__(self, matrix: CSRDataset) -> None:
        self._matrix = matrix
        self.shape = tuple(matrix.shape)
        self.dtype = matrix.dtype

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
        return isinstance(value, _DenseRows) or _is_backed_sparse(value)
    if isinstance(value, list | tuple):
        return bool(value) and all(np.ndim(block) == 2 for block in value)
    return isinstance(value, Iterable)


def _is_backed_sparse(value: object) -> TypeGuard[CSRDataset]:
    """Return whether a value is a sparse matrix in a file that anndata has opened."""
    module = sys.modules.get("anndata.abc")
    return module is not None and isinstance(value, module.CSRDataset | module.CSCDataset)


def opened(points: Points, name: str) -> Points:
    """Return what a file's name stands for, rows of which are dense; all else as it is."""
    if isinstance(points, str | Path):
        return _file_of(
            points,
            name,
            "Pass an array, one point a row; kernel_ot.io.read_table(...).values reads tables of "
            "other formats.",
        )
    return _DenseRows(points) if _is_backed_sparse(points) else points


def _masses_of_file(source: str | Path, name: str) -> Sliceable:
    return _file_of(source, name, "Pass one mass a point, or None for equal ones.")


def _file_of(source: str | Path, name: str, remedy: str) -> Sliceable:
    """Open a file that an argument names; where that fails say that it was taken for a name."""
    try:
        return open_points(source)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(
            f"{name} = {str(source)!r} is taken for the name of a file: "
            f"{str(error).rstrip('.')}. {remedy}"
        ) from error


def masses_in_memory(weights: Masses | None, name: str) -> ArrayLike | None:
    """Return the masses of points that are not blocks: of a file, a cluster, or put together."""
    if isinstance(weights, str | Path):
        weights = _masses_of_file(weights, name)
    if weights is None:
        return None
    refuse_containers(weights, name)
    if is_sliceable(weights):
        return np.asarray(read_rows(weights, slice(None), name))
    given = weights() if callable(weights) else weights
    if not isinstance(given, Iterable):
        raise ValueError(f"{name} = {shown(given)} is no array; pass one mass a point.")
    parts = [np.asarray(part) for part in given]
    if any(part.ndim for part in parts) or callable(weights):
        return np.concatenate([np.atleast_1d(part) for part in parts]) if parts else np.zeros(0)
    return np.asarray(parts)


def as_cloud(
    points: Points,
    weights: Masses | None,
    name: str,
    *,
    keep: int,
    rng: np.random.Generator,
    ask: Ask = never_late,
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
    ask : callable, optional
        See `Ask`.

    Raises
    ------
    ValueError
        What cannot be read more than once, has no points or unknown sizes; names the remedy.
    """
    refuse_collections(points, name)
    points = opened(points, name)
    if is_dask(points):
        of_dask = weights if is_dask(weights) else masses_in_memory(weights, f"weights_{name}")
        return DaskCloud(points, cast("DaskArray | None", of_dask), name, ask)
    if is_sliceable(points):
        if isinstance(weights, str | Path):
            weights = _masses_of_file(weights, f"weights_{name}")
        elif not isinstance(weights, np.memmap):
            weights = masses_in_memory(weights, f"weights_{name}")
        return ArrayCloud(points, cast("Sliceable | None", weights), name, ask)
    if isinstance(weights, str | Path) or is_sliceable(weights):
        raise ValueError(
            f"weights_{name} is one array, but {name} comes in blocks; give its blocks' weights in "
            "the same blocks."
        )
    blocks, masses = cast("Blocks", points), cast("Blocks | None", weights)
    return BlockCloud(blocks, masses, name, keep=keep, rng=rng, ask=ask)


def is_sliceable(value: object) -> TypeGuard[Sliceable]:
    """Return whether rows of a value can be asked for; all other points come in blocks."""
    return hasattr(value, "shape")
