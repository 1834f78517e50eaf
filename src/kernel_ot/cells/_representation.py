"""Where the points of an AnnData object lie, and how a change of them is one of its genes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard

import numpy as np

from kernel_ot._arrays import Array, block_slices, check_points, require_memory

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_matrix

_FOLDERS = ("obsm", "layers")
# Loadings reproduce their representation; this much of its norm may differ, in the components that
# a library rounds or a later one flips, before they are said to be of something else.
_LOADINGS_TOLERANCE = 0.05


class Matrix(Protocol):
    """What AnnData holds: an array, a data frame, or sparse, in memory or still in the file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells and features."""

    def __getitem__(self, rows: Array | slice, /) -> Matrix:
        """Return those rows."""


class _Names(Protocol):
    """What is needed of `obs_names` and `var_names`."""

    @property
    def is_unique(self) -> bool: ...

    def get_indexer(self, target: list[str], /) -> Array: ...


class _Sparse(Protocol):
    data: Array

    def toarray(self) -> Array: ...


def _place(adata: AnnData, use_rep: str) -> tuple[str, str]:
    """Return ("", "X") or the folder and key of a representation; say what there is if none."""
    if use_rep == "X":
        return "", "X"
    folder, _, key = use_rep.rpartition("/")
    found = [(f, key) for f in _FOLDERS if folder in ("", f) and key in getattr(adata, f)]
    if len(found) != 1:
        there = ["X", *(f"{f}/{k}" for f in _FOLDERS for k in getattr(adata, f))]
        problem = "stands in obsm and in layers" if found else "is not in adata"
        raise ValueError(
            f"use_rep = {use_rep!r} {problem}; there is: {', '.join(there)}. "
            "scanpy.pp.pca(adata) makes 'X_pca'."
        )
    return found[0]


def matrix_of(adata: AnnData, use_rep: str) -> Matrix:
    """Return the representation as it lies in `adata`: array, data frame, sparse or backed."""
    folder, key = _place(adata, use_rep)
    matrix: Matrix = getattr(adata, folder)[key] if folder else adata.X
    return matrix


def points_of(adata: AnnData, use_rep: str, rows: Array | None = None) -> Array:
    """Return rows of a representation as a full float array of shape (len(rows), d).

    Raises
    ------
    ValueError
        No such representation, more memory than there is, or as `check_points`.
    """
    matrix = matrix_of(adata, use_rep)
    if matrix is None:
        raise ValueError(f"use_rep = {use_rep!r} is empty in adata; name one that holds numbers.")
    if hasattr(matrix, "to_numpy"):
        matrix = matrix.to_numpy()
    if rows is not None:
        matrix = matrix[rows]
    n, d = matrix.shape
    require_memory(
        8.0 * n * d,
        purpose=f"{use_rep} of {n} cells as a full array",
        remedy="Use principal components, use_rep='X_pca'.",
    )
    dense = matrix.toarray() if _is_sparse(matrix) else np.asarray(matrix[:])
    return check_points(dense, use_rep)


def _is_sparse(matrix: object) -> TypeGuard[_Sparse]:
    return hasattr(matrix, "toarray") and not isinstance(matrix, np.ndarray)


@dataclass(frozen=True, eq=False)
class Representation:
    """What a representation is made of.

    Attributes
    ----------
    key : str
        Where it lies: "X", a key of `obsm` or of `layers`, or "obsm/KEY", "layers/KEY".
    features : tuple of str
        Names of its columns.
    genes : tuple of str
        The genes that enter it by loadings; empty where it has none.
    loadings : ndarray of shape (len(genes), d)
        Their loadings: a change dz of the representation is `loadings @ dz` of the genes.

    Examples
    --------
    >>> import numpy as np
    >>> pca = Representation("X_pca", ("PC1",), ("CD4", "CD8"), np.array([[1.0], [0.5]]))
    >>> pca.gene_changes([[2.0]])
    array([[2., 1.]])
    """

    key: str
    features: tuple[str, ...]
    genes: tuple[str, ...]
    loadings: Array

    @property
    def has_genes(self) -> bool:
        """Whether a change of the representation says what the genes do."""
        return len(self.genes) > 0

    def gene_changes(self, changes: Array) -> Array:
        """Return changes of the genes, shape (n, len(genes)), for changes of the representation."""
        of_genes: Array = np.asarray(changes) @ self.loadings.T
        return of_genes


def describe_representation(adata: AnnData, use_rep: str, loadings: str | None) -> Representation:
    """Return what is known of a representation in `adata`.

    Raises
    ------
    ValueError
        No such representation; loadings that were named and are not there, or that belong to
        another representation.
    """
    matrix = matrix_of(adata, use_rep)
    folder, key = _place(adata, use_rep)
    d = matrix.shape[1]
    if folder != "obsm":
        return Representation(use_rep, tuple(map(str, adata.var_names)), (), np.empty((0, d)))
    features = tuple(map(str, getattr(matrix, "columns", [f"{key}{i + 1}" for i in range(d)])))
    none = Representation(use_rep, features, (), np.empty((0, d)))
    candidates = [loadings] if loadings else [key, *(["PCs"] if key == "X_pca" else [])]
    name = next((c for c in candidates if c in adata.varm), None)
    if name is None:
        if loadings:
            raise ValueError(
                f"loadings = {loadings!r} is not in adata.varm, which holds {list(adata.varm)}."
            )
        return none
    # scanpy marks genes that did not enter the PCA by zeros, or by NaN in older files.
    values = np.nan_to_num(np.asarray(adata.varm[name], dtype=np.float64))
    if values.shape[1] != d or not _reproduces(adata, matrix, values):
        if loadings:
            raise ValueError(
                f"adata.varm[{name!r}] does not give {use_rep} from the centred adata.X; name the "
                "loadings that do, or compute the PCA again."
            )
        return none
    used = np.flatnonzero(np.any(values != 0, axis=1))
    genes = tuple(str(gene) for gene in adata.var_names[used])
    return Representation(use_rep, features, genes, values[used])


def _reproduces(adata: AnnData, matrix: Matrix, loadings: Array) -> bool:
    """Return whether differences of cells are those of X times the loadings, on some cells."""
    if adata.X is None:
        return True  # nothing speaks against it
    rows = np.unique(np.linspace(0, adata.n_obs - 1, min(adata.n_obs, 200)).astype(int))
    x = points_of(adata, "X", rows)
    z = np.asarray(matrix.to_numpy() if hasattr(matrix, "to_numpy") else matrix)[rows]
    mapped = (x - x.mean(axis=0)) @ loadings
    z = z - z.mean(axis=0)
    error, size = float(np.linalg.norm(mapped - z)), float(np.linalg.norm(z))
    return error <= _LOADINGS_TOLERANCE * size


def changed_genes(
    adata: AnnData, layer: str | None, representation: Representation, changes: Array
) -> Array | csr_matrix:
    """Return `adata`'s genes with changes of the representation added, by blocks of cells.

    What a cell has beyond the representation is kept. A layer without negative numbers keeps none:
    counts and their logarithms are clipped at zero.

    Returns
    -------
    ndarray or csr_matrix of shape (n, n_vars), float32
        Sparse where the layer is.
    """
    matrix = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        raise ValueError("adata.X is empty, so genes cannot be predicted; pass genes=False.")
    columns = positions_of(adata.var_names, representation.genes, "var_names")
    n, d = matrix.shape
    sparse = _is_sparse(matrix) or type(matrix).__name__.startswith("_")  # backed sparse
    clipped = all(_smallest(block) >= 0 for _, block in _blocks(matrix, n, d))
    if not sparse:
        require_memory(
            4.0 * n * d,
            purpose=f"predicted genes of {n} cells",
            remedy="Predict fewer cells at a time, or pass genes=False.",
        )
    parts = []
    for rows, block in _blocks(matrix, n, d):
        values = np.array(block.toarray() if _is_sparse(block) else block, dtype=np.float32)
        values[:, columns] += representation.gene_changes(changes[rows]).astype(np.float32)
        if clipped:
            np.maximum(values, 0, out=values)
        parts.append(values)
        if sparse:
            from scipy.sparse import csr_matrix

            parts[-1] = csr_matrix(values)
    if not sparse:
        return np.concatenate(parts)
    from scipy.sparse import vstack

    return vstack(parts, format="csr")


def positions_of(index: _Names, names: tuple[str, ...], what: str) -> Array:
    """Return where names stand among `adata.obs_names` or `adata.var_names`.

    Raises
    ------
    ValueError
        One is not there, or the names are not unique.
    """
    if not index.is_unique:
        raise ValueError(f"adata.{what} are not unique; call adata.{what}_make_unique() first.")
    positions = np.asarray(index.get_indexer(list(names)))
    if (positions < 0).any():
        missing = names[int(np.flatnonzero(positions < 0)[0])]
        raise ValueError(
            f"adata.{what} has no {missing!r}; pass the cells and genes that were fitted, or, to "
            "predict, genes=False."
        )
    return positions


def _blocks(matrix: Matrix, n: int, d: int) -> Iterator[tuple[slice, Matrix]]:
    for rows in block_slices(n, d):
        yield rows, matrix[rows]


def _smallest(block: Matrix) -> float:
    values = np.asarray(block.data if _is_sparse(block) else block)
    return float(values.min()) if values.size else 0.0
