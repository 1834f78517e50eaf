"""Factors in the machine's extended precision, which LAPACK has not: for small matrices."""

from __future__ import annotations

import numpy as np

from kernel_ot._arrays import Array

HAS_EXTENDED_PRECISION = bool(np.finfo(np.longdouble).eps < np.finfo(np.float64).eps)
"""Whether NumPy's long double has more digits than float64 on this machine."""


def extended_cholesky(matrix: Array) -> Array | None:
    """Return the lower Cholesky factor in the matrix' own precision, None if there is none.

    Parameters
    ----------
    matrix : ndarray of shape (r, r)
        Symmetric.

    Examples
    --------
    >>> extended_cholesky(np.diag([4, -1]).astype(np.longdouble)) is None
    True
    """
    factor = matrix.copy()
    for column in range(len(factor)):
        pivot = factor[column, column]
        if not pivot > 0:  # NaN too
            return None
        factor[column:, column] /= np.sqrt(pivot)
        below = factor[column + 1 :, column]
        factor[column + 1 :, column + 1 :] -= below[:, None] * below
    return np.tril(factor)


def extended_inverse(factor: Array) -> Array:
    """Return the inverse of a lower triangular matrix, in its own precision."""
    inverse = np.zeros_like(factor)
    for row in range(len(factor)):
        inverse[row] = -(factor[row, :row] @ inverse[:row])
        inverse[row, row] += 1
        inverse[row] /= factor[row, row]
    return inverse
