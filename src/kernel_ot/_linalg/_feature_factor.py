"""Features Phi with Phi'Phi = K: Cholesky, or pivoted Cholesky truncated at a stated tolerance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.lapack import get_lapack_funcs

from kernel_ot._arrays import Array, as_float, check_non_negative, namespace_of
from kernel_ot._linalg import _inplace as inplace
from kernel_ot._linalg._jax_factor import jax_features
from kernel_ot._linalg._products import squared_lengths

FactorMethod = Literal["auto", "cholesky", "pivoted"]


@dataclass(frozen=True, eq=False)
class FeatureFactor:
    """A factor of a Gram matrix and what was lost by it; made by `feature_factor`.

    Attributes
    ----------
    features : array of shape (r, l)
        Phi with `Phi'Phi` equal to the matrix up to `truncation_error`. Column i belongs to row i
        of the matrix, also after pivoting; r <= l.
    truncation_error : float
        Largest diagonal entry of `gram + jitter I - Phi'Phi`, relative to the largest of
        `gram + jitter I`; measured on the returned features. For a positive semidefinite
        remainder this bounds every entry.
    trace_error : float
        Trace of the same remainder, relative to the trace of `gram + jitter I`.
    method : {"cholesky", "pivoted"}
        The factorisation that was used.
    jitter : float
        What was added to the diagonal.
    """

    features: Array
    truncation_error: float
    trace_error: float
    method: Literal["cholesky", "pivoted"]
    jitter: float

    @property
    def rank(self) -> int:
        """Number r of features."""
        return int(self.features.shape[0])


def feature_factor(
    gram: Array,
    *,
    method: FactorMethod = "auto",
    rank: int | None = None,
    rank_tol: float | None = None,
    jitter: float = 0.0,
) -> FeatureFactor:
    """Return features Phi (r, l) with `Phi'Phi` equal to a Gram matrix up to a stated error.

    Parameters
    ----------
    gram : array of shape (l, l)
        Symmetric positive semidefinite, float64 or float32, not modified. Repeated rows, rank 1
        and l = 1 are all fine. A JAX array gives features on its device; see `rank`.
    method : {"auto", "cholesky", "pivoted"}, default "auto"
        "cholesky" is LAPACK's `potrf` and has r = l. "pivoted" is LAPACK's `pstrf`, which takes
        the row with the largest remaining diagonal entry next and stops when none is above
        `rank_tol`. "auto" is "cholesky" where all features are kept, that succeeds and the
        reciprocal condition number estimated from the factor (`pocon`, O(l^2)) is at least l eps,
        else "pivoted".
    rank : int, optional
        Most features to keep. Under `jax.jit`, where shapes must not depend on values, it is their
        exact number (those beyond the numerical rank are of the size of rounding); without it
        there are l, and a jitter of 1e-10 of the largest diagonal entry is added if none is given.
    rank_tol : float, optional
        Where "pivoted" stops, relative to the largest diagonal entry. The default, l eps, loses
        nothing that a factor in this precision could have kept. Larger values shrink r but change
        the answer: 1e-6 has moved optimal values by 1 %.
    jitter : float, default 0.0
        Added to the diagonal first, in the units of `gram`.

    Returns
    -------
    FeatureFactor

    Raises
    ------
    ValueError
        `gram` not square, not finite, not symmetric, without a positive diagonal entry, or not
        positive semidefinite; `rank` not positive; `rank_tol` outside [0, 1), or given with
        "cholesky", as `rank` may not be; an unknown
        method; "cholesky" where the matrix is numerically singular.

    References
    ----------
    Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002, section 10.3.

    Examples
    --------
    >>> import numpy as np
    >>> factor = feature_factor(np.ones((3, 3)))
    >>> factor.rank, factor.method, factor.features
    (1, 'pivoted', array([[1., 1., 1.]]))
    """
    if method not in ("auto", "cholesky", "pivoted"):
        raise ValueError(f"method = {method!r} must be 'auto', 'cholesky' or 'pivoted'.")
    if rank_tol is not None:
        rank_tol = check_non_negative(rank_tol, "rank_tol")
        if rank_tol >= 1.0:
            raise ValueError(f"rank_tol = {rank_tol} must be below 1, or no feature is left.")
    if rank is not None and not (np.issubdtype(type(rank), np.integer) and rank >= 1):
        raise ValueError(f"rank = {rank!r} must be a positive integer: a number of features.")
    if method == "cholesky" and (rank, rank_tol) != (None, None):
        raise ValueError("rank and rank_tol have no effect with method='cholesky'; use 'pivoted'.")
    jitter = check_non_negative(jitter, "jitter")
    if namespace_of(gram) is not np:
        jittered, features, pivoted = jax_features(
            gram, pivoted=method == "pivoted", rank=rank, rank_tol=rank_tol, jitter=jitter
        )
        return _measured(jittered, features, "pivoted" if pivoted else "cholesky", jitter, 0.0)
    matrix = _checked(gram, jitter)
    size = matrix.shape[0]
    machine_tol = size * float(np.finfo(matrix.dtype).eps)

    if method != "pivoted" and rank is None and rank_tol is None:
        triangle = _cholesky(matrix, smallest_rcond=0.0 if method == "cholesky" else machine_tol)
        if triangle is not None:
            return _measured(matrix, triangle, "cholesky", jitter, machine_tol)
        if method == "cholesky":
            raise ValueError(
                "gram is not numerically positive definite, so it has no Cholesky factor; use "
                "method='auto' or 'pivoted', or add a jitter."
            )
    tol = machine_tol if rank_tol is None else rank_tol
    features = _pivoted_cholesky(matrix, tol)[:rank]
    if method == "auto" and len(features) == size:
        # Nothing was left out: the triangular factor is as good, and solvers make use of its form.
        triangle = _cholesky(matrix, smallest_rcond=machine_tol)
        if triangle is not None:
            return _measured(matrix, triangle, "cholesky", jitter, machine_tol)
    return _measured(matrix, features, "pivoted", jitter, machine_tol)


def _checked(gram: ArrayLike, jitter: float) -> Array:
    """Return a copy of `gram` with the jitter added, or say what is wrong with it."""
    matrix: Array = np.array(gram, dtype=np.float32 if _is_single(gram) else np.float64, order="F")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ValueError(f"gram has shape {matrix.shape}; it must be square and not empty.")
    if not np.isfinite(matrix).all():
        raise ValueError(
            "gram has entries that are not finite; check the points and the kernel's bandwidth."
        )
    largest = float(matrix.diagonal().max())
    asymmetry = float(np.abs(matrix - matrix.T).max())
    if asymmetry > 1e3 * np.finfo(matrix.dtype).eps * float(np.abs(matrix).max()):
        raise ValueError(
            f"gram is not symmetric (largest difference {asymmetry:.3g}); pass (gram + gram.T) / 2 "
            "if that is meant."
        )
    if largest + jitter <= 0.0:
        raise ValueError(
            f"gram has no positive diagonal entry (largest {largest}): the kernel vanishes at "
            "every point, so there are no features; choose another kernel or other points."
        )
    matrix[np.diag_indices_from(matrix)] += jitter
    return matrix


def _is_single(gram: object) -> bool:
    return bool(getattr(gram, "dtype", None) == np.float32)


def _cholesky(matrix: Array, smallest_rcond: float) -> Array | None:
    """Return the upper Cholesky factor, None if there is none or it is conditioned too badly."""
    triangle, info = get_lapack_funcs("potrf", (matrix,))(matrix, lower=False, clean=True)
    if info != 0:
        return None
    if smallest_rcond > 0.0:
        norm = np.abs(matrix).sum(axis=0).max()
        rcond, _ = get_lapack_funcs("pocon", (matrix,))(triangle, norm)
        if not rcond >= smallest_rcond:
            return None
    return np.asarray(triangle)


def _pivoted_cholesky(matrix: Array, rank_tol: float) -> Array:
    """Return the first r rows of the pivoted factor, columns back in the original order."""
    tol = rank_tol * float(matrix.diagonal().max())
    triangle, pivots, rank, _ = get_lapack_funcs("pstrf", (matrix,))(matrix, tol=tol, lower=False)
    order = np.asarray(pivots) - 1
    features = np.empty((int(rank), matrix.shape[0]), dtype=matrix.dtype)
    # pstrf leaves the other triangle as it was.
    features[:, order] = np.triu(triangle[: int(rank)])
    return features


def _measured(
    matrix: Array,
    features: Array,
    method: Literal["cholesky", "pivoted"],
    jitter: float,
    machine_tol: float,
) -> FeatureFactor:
    """Return the factor with its errors measured on the features themselves."""
    xp = namespace_of(matrix)
    features = inplace.drop_negligible(features)
    diagonal = xp.diagonal(matrix)
    remainder = diagonal - squared_lengths(features)
    largest = xp.max(diagonal)
    if xp is np and float(remainder.min()) < -1e3 * machine_tol * largest:
        raise ValueError(
            f"gram is not positive semidefinite (a remainder of {float(remainder.min()):.3g} on "
            "its diagonal); check the kernel, or add a jitter."
        )
    return FeatureFactor(
        features=features,
        truncation_error=as_float(xp.max(xp.abs(remainder)) / largest),
        trace_error=as_float(xp.abs(xp.sum(remainder)) / xp.sum(diagonal)),
        method=method,
        jitter=jitter,
    )
