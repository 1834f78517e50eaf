"""Dense factorisations that report failure as NaN, the same on every array library."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs
from scipy.linalg import solve_triangular as _scipy_solve_triangular

from kernel_ot.arrays import Array, namespace_of, while_loop

# Relative to the largest diagonal entry: more would not be rounding.
_LARGEST_RIDGE = 1e-6
# Rows that are handled at once: thin beside a matrix, thick enough for BLAS.
_BLOCK = 128


def cholesky(matrix: Array) -> Array:
    """Return lower L with `L L' = matrix`; all NaN where `matrix` is not positive definite.

    Parameters
    ----------
    matrix : array of shape (r, r)
        Symmetric; only one of its triangles is read, which one depends on the array library.

    Examples
    --------
    >>> import numpy as np
    >>> cholesky(np.array([[4.0, 0.0], [0.0, -1.0]]))
    array([[nan, nan],
           [nan, nan]])
    """
    xp = namespace_of(matrix)
    if xp is not np:
        factor: Array = xp.linalg.cholesky(matrix)
        return factor
    potrf = get_lapack_funcs("potrf", (matrix,))
    # A symmetric matrix's transpose is itself, and Fortran-ordered: LAPACK copies nothing twice.
    factor, info = potrf(matrix.T, lower=1, clean=1)
    if info != 0 or not np.isfinite(factor[-1, -1]):
        return np.full_like(matrix, np.nan)
    return factor


def cholesky_with_ridge(matrix: Array) -> Array:
    """Return the Cholesky factor of `matrix + ridge I` with the smallest ridge that has one.

    For matrices that are positive semidefinite but for rounding: the ridge starts at none, then
    grows from rounding level, `eps` times the largest diagonal entry, by factors of 10. All NaN
    if even 1e-6 of the largest diagonal entry does not suffice.

    Parameters
    ----------
    matrix : array of shape (l, l)
        Symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> factor = cholesky_with_ridge(np.ones((3, 3)))
    >>> bool(np.allclose(factor @ factor.T, 1))
    True
    """
    xp = namespace_of(matrix)
    largest = xp.max(xp.abs(xp.diagonal(matrix)))

    def failed(tried: tuple[Array, Any]) -> Any:
        factor, relative = tried
        return ~xp.isfinite(factor[-1, -1]) & xp.isfinite(largest) & (relative < _LARGEST_RIDGE)

    def raise_ridge(tried: tuple[Array, Any]) -> tuple[Array, Any]:
        _, relative = tried
        ridge = relative * largest * xp.eye(matrix.shape[0], dtype=matrix.dtype)
        return cholesky(matrix + ridge), 10 * relative

    first = (cholesky(matrix), xp.asarray(xp.finfo(matrix.dtype).eps, dtype=matrix.dtype))
    factor, _ = while_loop(failed, raise_ridge, first)
    return factor


def solve_lower(factor: Array, rhs: Array, *, transpose: bool = False) -> Array:
    """Return `L^-1 rhs`, or `L^-T rhs` with `transpose`, for lower triangular L.

    Parameters
    ----------
    factor : array of shape (r, r)
    rhs : array of shape (r,) or (r, k)
    """
    xp = namespace_of(factor)
    trans = 1 if transpose else 0
    if xp is np:
        return np.asarray(
            _scipy_solve_triangular(factor, rhs, trans=trans, lower=True, check_finite=False)
        )
    from jax.scipy.linalg import solve_triangular

    solution: Array = solve_triangular(factor, rhs, trans=trans, lower=True)
    return solution


def multiply_lower(factor: Array, other: Array, *, transpose: bool = False) -> Array:
    """Return `L other`, or `L' other` with `transpose`, for lower triangular L.

    NumPy hands it to BLAS `trmm`, half the work of a product.

    Parameters
    ----------
    factor : array of shape (r, r)
    other : array of shape (r, k)

    Examples
    --------
    >>> import numpy as np
    >>> multiply_lower(np.array([[1.0, 0.0], [2.0, 3.0]]), np.eye(2), transpose=True)
    array([[1., 2.],
           [0., 3.]])
    """
    xp = namespace_of(factor)
    if xp is not np:
        product: Array = (factor.T if transpose else factor) @ other
        return product
    trmm = get_blas_funcs("trmm", (factor, other))
    in_fortran_order = factor.flags.f_contiguous
    a, lower = (factor, 1) if in_fortran_order else (factor.T, 0)
    trans = transpose if in_fortran_order else not transpose
    # Whichever way `other` lies in memory, it is multiplied without being transposed.
    if other.flags.f_contiguous:
        return np.asarray(trmm(1.0, a, other, side=0, lower=lower, trans_a=int(trans)))
    return np.asarray(trmm(1.0, a, other.T, side=1, lower=lower, trans_a=int(not trans)).T)


def cholesky_solve(factor: Array, rhs: Array) -> Array:
    """Return the solution of `L L' x = rhs`."""
    return solve_lower(factor, solve_lower(factor, rhs), transpose=True)


def inverse_from_cholesky(factor: Array) -> Array:
    """Return `(L L')^-1`, symmetric.

    Parameters
    ----------
    factor : array of shape (r, r)
        Lower triangular L.

    Examples
    --------
    >>> import numpy as np
    >>> inverse_from_cholesky(np.diag([2.0, 0.5]))
    array([[0.25, 0.  ],
           [0.  , 4.  ]])
    """
    xp = namespace_of(factor)
    if xp is not np:
        return gram(solve_lower(factor, xp.eye(factor.shape[0], dtype=factor.dtype)))
    potri = get_lapack_funcs("potri", (factor,))
    inverse, info = potri(factor, lower=1)
    if info != 0:
        return np.full_like(factor, np.nan)
    mirrored: Array = np.tril(inverse) + np.tril(inverse, -1).T
    return mirrored


def gram(matrix: Array) -> Array:
    """Return `matrix' matrix`; NumPy hands this form to BLAS `syrk`, half the work of a product."""
    product: Array = matrix.T @ matrix
    return product


def schur_complement(first: Array, second: Array, quadratic: Array, scale: Any) -> Array:
    """Return `(first' first) o (second' second) + scale quadratic`, exactly symmetric.

    NumPy forms it by blocks of rows of one triangle: half the work, and no second l x l array.

    Parameters
    ----------
    first, second : array of shape (r, l)
    quadratic : array of shape (l, l)
        Symmetric.
    scale : float

    Returns
    -------
    array of shape (l, l)

    Examples
    --------
    >>> import numpy as np
    >>> schur_complement(np.ones((1, 2)), np.array([[1.0, 2.0]]), np.eye(2), 10.0)
    array([[11.,  2.],
           [ 2., 14.]])
    """
    xp = namespace_of(first)
    if xp is not np:
        matrix: Array = gram(first) * gram(second) + scale * quadratic
        return matrix
    size = first.shape[1]
    total = np.empty((size, size), dtype=first.dtype)
    for begin in range(0, size, _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        block = total[rows, begin:]
        np.matmul(first[:, rows].T, first[:, begin:], out=block)
        block *= block if second is first else second[:, rows].T @ second[:, begin:]
        block += scale * quadratic[rows, begin:]
        total[begin:, rows] = block.T
    return total


def weighted_gram(features: Array, weights: Array) -> Array:
    """Return `features diag(weights) features'` for weights of either sign, exactly symmetric.

    NumPy computes one triangle by blocks of rows, half the work of a product.

    Parameters
    ----------
    features : array of shape (r, l)
    weights : array of shape (l,)

    Returns
    -------
    array of shape (r, r)

    Examples
    --------
    >>> import numpy as np
    >>> weighted_gram(np.eye(2), np.array([1.0, -4.0]))
    array([[ 1.,  0.],
           [ 0., -4.]])
    """
    xp = namespace_of(features)
    if xp is not np:
        product: Array = (features * weights) @ features.T
        return product
    size = features.shape[0]
    total = np.empty((size, size), dtype=features.dtype)
    for begin in range(0, size, _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        np.matmul(features[rows] * weights, features[begin:].T, out=total[rows, begin:])
        total[rows, rows] = symmetric(total[rows, rows])
        total[begin:, rows] = total[rows, begin:].T
    return total


def symmetric(matrix: Array) -> Array:
    """Return the symmetric part, `(matrix + matrix') / 2`."""
    return (matrix + matrix.T) / 2


def triangular_condition(upper: Array) -> Any:
    """Return an estimate of the condition number, in the 1-norm, of an upper triangular matrix.

    Examples
    --------
    >>> import numpy as np
    >>> float(triangular_condition(np.diag([2.0, 0.5])))
    4.0
    """
    xp = namespace_of(upper)
    if xp is not np:
        identity = xp.eye(upper.shape[0], dtype=upper.dtype)
        inverse = solve_lower(upper.T, identity, transpose=True)
        return xp.linalg.norm(upper, 1) * xp.linalg.norm(inverse, 1)
    trcon = get_lapack_funcs("trcon", (upper,))
    reciprocal, _ = trcon(upper, norm="1", uplo="U", diag="N")
    return 1 / max(reciprocal, np.finfo(upper.dtype).tiny)


def project_psd(matrix: Array) -> Array:
    """Return the positive semidefinite matrix nearest to a symmetric one."""
    xp = namespace_of(matrix)
    values, basis = xp.linalg.eigh(matrix)
    projected: Array = (basis * xp.maximum(values, 0)) @ basis.T
    return projected
