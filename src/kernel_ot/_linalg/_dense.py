"""Dense factorisations that report failure as NaN, the same on every array library."""

from __future__ import annotations

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from kernel_ot._arrays import Array, Scalar, namespace_of, while_loop
from kernel_ot._linalg import _inplace as inplace
from kernel_ot._linalg._eigen import eigh
from kernel_ot._linalg._products import BLOCK, add_diagonal, gram

# Relative to the largest diagonal entry: more would not be rounding.
_LARGEST_RIDGE = 1e-6


def cholesky(matrix: Array, *, overwrite: bool = False) -> Array:
    """Return lower L with `L L' = matrix`; all NaN where `matrix` is not positive definite.

    Parameters
    ----------
    matrix : array of shape (r, r)
        Symmetric; only one of its triangles is read, which one depends on the array library.
    overwrite : bool
        Whether NumPy may put the factor in the place of `matrix`.

    Examples
    --------
    >>> import numpy as np
    >>> cholesky(np.array([[4.0, 0.0], [0.0, -1.0]]))
    array([[nan, nan],
           [nan, nan]])
    """
    xp = namespace_of(matrix)
    if xp is not np:
        from kernel_ot._linalg._jax_triangular import jax_cholesky

        factor: Array = jax_cholesky(matrix)
        return factor
    potrf = get_lapack_funcs("potrf", (matrix,))
    # A symmetric matrix's transpose is itself, and Fortran-ordered: LAPACK copies nothing twice.
    factor, info = potrf(matrix.T, lower=1, clean=1, overwrite_a=overwrite)
    if info != 0 or not np.isfinite(factor[-1, -1]):
        return np.full_like(matrix, np.nan)
    return factor


def cholesky_with_ridge(matrix: Array, *, overwrite: bool = False) -> Array:
    """Return the Cholesky factor of `matrix + ridge I` with the smallest ridge that has one.

    For matrices that are positive semidefinite but for rounding: the ridge starts at none, then
    grows from rounding level, `eps` times the largest diagonal entry, by factors of 10. All NaN
    if even 1e-6 of the largest diagonal entry does not suffice.

    Parameters
    ----------
    matrix : array of shape (l, l)
        Symmetric.
    overwrite : bool
        Whether NumPy may put the factor in the place of `matrix`.

    Examples
    --------
    >>> import numpy as np
    >>> factor = cholesky_with_ridge(np.ones((3, 3)))
    >>> bool(np.allclose(factor @ factor.T, 1))
    True
    """
    xp = namespace_of(matrix)
    if xp is np:
        return _ridged_in_place(matrix if overwrite else matrix.copy())
    largest = xp.max(xp.abs(xp.diagonal(matrix)))

    def failed(tried: tuple[Array, Scalar]) -> Array:
        factor, relative = tried
        is_lost = ~xp.isfinite(factor[-1, -1]) & xp.isfinite(largest)
        again: Array = is_lost & (relative < _LARGEST_RIDGE)
        return again

    def raise_ridge(tried: tuple[Array, Scalar]) -> tuple[Array, Scalar]:
        _, relative = tried
        return cholesky(add_diagonal(matrix, relative * largest)), 10 * relative

    first = (cholesky(matrix), xp.asarray(xp.finfo(matrix.dtype).eps, dtype=matrix.dtype))
    factor, _ = while_loop(failed, raise_ridge, first)
    return factor


def _ridged_in_place(matrix: Array) -> Array:
    """Do as `cholesky_with_ridge`, the factor in the place of `matrix`."""
    diagonal = matrix.diagonal().copy()
    largest = np.abs(diagonal).max()
    relative = np.finfo(matrix.dtype).eps
    while not factorised_in_place(matrix):
        if not np.isfinite(largest) or relative >= _LARGEST_RIDGE:
            matrix[...] = np.nan
            return matrix.T
        np.fill_diagonal(inplace.mirror_lower(matrix), diagonal + relative * largest)
        relative *= 10
    return _without_lower(matrix).T


def factorised_in_place(matrix: Array) -> bool:
    """Write the lower Cholesky factor into the transpose of `matrix`; return whether there is one.

    In any case the strict lower triangle of `matrix` still holds what it held.
    """
    potrf = get_lapack_funcs("potrf", (matrix,))
    factor, info = potrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if info != 0 or not np.isfinite(factor[-1, -1]):
        return False
    if not np.shares_memory(factor, matrix):
        matrix[...] = factor.T
    return True


def _without_lower(matrix: Array) -> Array:
    """Return `matrix`, its strict lower triangle overwritten by zeros."""
    for begin in range(0, matrix.shape[0], BLOCK):
        rows = slice(begin, begin + BLOCK)
        matrix[rows, :begin] = 0
        matrix[rows, rows] = np.triu(matrix[rows, rows])
    return matrix


def solve_lower(factor: Array, rhs: Array, *, transpose: bool = False) -> Array:
    """Return `L^-1 rhs`, or `L^-T rhs` with `transpose`, for lower triangular L.

    Only the lower triangle of `factor` is read. NumPy hands it to BLAS as it lies in memory.

    Parameters
    ----------
    factor : array of shape (r, r)
    rhs : array of shape (r,) or (r, k)
    """
    if namespace_of(factor) is not np:
        from kernel_ot._linalg._jax_triangular import jax_solve_lower

        return jax_solve_lower(factor, rhs, transpose=transpose)
    a, lower, trans = _for_blas(factor, transpose)
    if rhs.ndim == 1:
        trsv = get_blas_funcs("trsv", (factor, rhs))
        return np.asarray(trsv(a, rhs, lower=lower, trans=trans))
    trsm = get_blas_funcs("trsm", (factor, rhs))
    if rhs.flags.f_contiguous:
        return np.asarray(trsm(1.0, a, rhs, side=0, lower=lower, trans_a=trans))
    return np.asarray(trsm(1.0, a, rhs.T, side=1, lower=lower, trans_a=1 - trans).T)


def _for_blas(factor: Array, transpose: bool) -> tuple[Array, int, int]:
    """Return lower L as BLAS takes it without a copy: in Fortran order, its triangle, its form."""
    if factor.flags.f_contiguous:
        return factor, 1, int(transpose)
    return factor.T, 0, int(not transpose)


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
    a, lower, trans = _for_blas(factor, transpose)
    # Whichever way `other` lies in memory, it is multiplied without being transposed.
    if other.flags.f_contiguous:
        return np.asarray(trmm(1.0, a, other, side=0, lower=lower, trans_a=trans))
    return np.asarray(trmm(1.0, a, other.T, side=1, lower=lower, trans_a=1 - trans).T)


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
    return inplace.mirror_lower(inverse).T  # symmetric, and in C order again


def triangular_condition(upper: Array) -> Scalar:
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
        exact: Scalar = xp.linalg.norm(upper, 1) * xp.linalg.norm(inverse, 1)
        return exact
    trcon = get_lapack_funcs("trcon", (upper,))
    reciprocal, _ = trcon(upper, norm="1", uplo="U", diag="N")
    condition: Scalar = 1 / max(reciprocal, np.finfo(upper.dtype).tiny)
    return condition


def project_psd(matrix: Array) -> Array:
    """Return the positive semidefinite matrix nearest to a symmetric one."""
    xp = namespace_of(matrix)
    values, basis = eigh(matrix)
    projected: Array = (basis * xp.maximum(values, 0)) @ basis.T
    return projected
