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


def extended_triangle(matrix: Array) -> Array | None:
    """Return an upper triangular R with `R'R = A'A` by reflections, in the precision of A.

    Parameters
    ----------
    matrix : ndarray of shape (k, l)
        A, with k >= l.

    Returns
    -------
    ndarray of shape (l, l)
        None where the columns of A are not independent.

    Examples
    --------
    >>> triangle = extended_triangle(np.array([[3.0], [4.0]], dtype=np.longdouble))
    >>> abs(float(triangle[0, 0]))
    5.0
    """
    rest, size = matrix.copy(), matrix.shape[1]
    for column in range(size):
        mirror = rest[column:, column].copy()
        length = np.sqrt(mirror @ mirror)
        if not length > 0:
            return None
        mirror[0] += np.copysign(length, mirror[0])
        mirror /= np.sqrt(mirror @ mirror)
        rest[column:, column:] -= 2 * mirror[:, None] * (mirror @ rest[column:, column:])
    return np.triu(rest[:size])
