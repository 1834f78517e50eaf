"""Symmetric matrices in half of their memory: beside a factor of the same off-diagonal, or alone.

Beside a Cholesky factor, which is the lower triangle, it is above the diagonal: LAPACK leaves it
there where it factorises in place. Its diagonal is kept apart.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import get_lapack_funcs

from kernel_ot._arrays import Array, Scalar, namespace_of
from kernel_ot._linalg import _inplace as inplace
from kernel_ot._linalg._dense import cholesky, factorised_in_place
from kernel_ot._linalg._products import BLOCK


def packed_cholesky_in_place(matrix: Array) -> Array:
    """Return lower L with `L L' = matrix`, and above its diagonal what `matrix` has there.

    All NaN where `matrix` is not positive definite. NumPy writes it in the place of `matrix`.

    Parameters
    ----------
    matrix : array of shape (l, l)
        Symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> packed_cholesky_in_place(np.array([[4.0, 2.0], [2.0, 2.0]]))
    array([[2., 2.],
           [1., 1.]])
    """
    xp = namespace_of(matrix)
    if xp is not np:
        packed: Array = xp.tril(cholesky(matrix)) + xp.triu(matrix, 1)
        return packed
    if not factorised_in_place(matrix):
        matrix[...] = np.nan
    return matrix.T


def unpacked(packed: Array, diagonal: Array) -> Array:
    """Return the symmetric matrix of which `packed` holds what is above the diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> unpacked(np.array([[2.0, 5.0], [1.0, 1.0]]), np.array([4.0, 2.0]))
    array([[4., 5.],
           [5., 2.]])
    """
    xp = namespace_of(packed)
    if xp is not np:
        upper = xp.triu(packed, 1)
        symmetric: Array = upper + upper.T + xp.diag(diagonal)
        return symmetric
    whole = inplace.mirror_lower(packed.T.copy(order="C"))
    np.fill_diagonal(whole, diagonal)
    return whole


def add_unpacked_in_place(matrix: Array, packed: Array, diagonal: Array, weights: Scalar) -> Array:
    """Return `matrix + unpacked(packed, diagonal) * weights`; NumPy adds in its place.

    Parameters
    ----------
    matrix : array of shape (l, l)
    packed : array of shape (l, l)
    diagonal : array of shape (l,)
    weights : float or array of shape (l,)
        Of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> packed, diagonal = np.array([[2.0, 5.0], [1.0, 1.0]]), np.array([4.0, 2.0])
    >>> add_unpacked_in_place(np.zeros((2, 2)), packed, diagonal, np.array([1.0, 10.0]))
    array([[ 4., 50.],
           [ 5., 20.]])
    """
    if namespace_of(matrix) is not np:
        total: Array = matrix + unpacked(packed, diagonal) * weights
        return total
    held = packed.T  # LAPACK's factors are in Fortran order: its rows are contiguous
    of_column = np.broadcast_to(weights, len(matrix))
    for begin in range(0, len(matrix), BLOCK):
        rows, before = slice(begin, begin + BLOCK), slice(0, begin)
        lower = np.tril(held[rows, rows], -1)
        matrix[rows, rows] += (lower + lower.T + np.diag(diagonal[rows])) * of_column[rows]
        matrix[rows, before] += held[rows, before] * of_column[before]
        matrix[before, rows] += held[rows, before].T * of_column[rows]
    return matrix


def upper_product(first: Array, second: Array) -> Scalar:
    """Return the inner product of what two matrices have above their diagonals.

    Examples
    --------
    >>> import numpy as np
    >>> float(upper_product(np.array([[1.0, 2.0], [3.0, 4.0]]), np.full((2, 2), 10.0)))
    20.0
    """
    xp = namespace_of(first, second)
    if xp is not np:
        product: Scalar = xp.sum(xp.triu(first, 1) * second)
        return product
    first, second = first.T, second.T  # as in `add_unpacked_in_place`
    total = 0.0
    for begin in range(0, len(first), BLOCK):
        rows = slice(begin, begin + BLOCK)
        total += np.vdot(np.tril(first[rows, rows], -1), second[rows, rows])
        total += np.einsum("ij,ij->", first[rows, :begin], second[rows, :begin])
    rounded: Scalar = first.dtype.type(total)
    return rounded


def lower_triangle(matrix: Array) -> Array:
    """Return the lower triangle of a symmetric NumPy matrix, of r (r + 1) / 2 entries.

    Examples
    --------
    >>> import numpy as np
    >>> lower_triangle(np.array([[1.0, 2.0], [2.0, 3.0]]))
    array([1., 2., 3.])
    """
    trttp = get_lapack_funcs("trttp", (matrix,))
    # A symmetric matrix's transpose is itself, and Fortran-ordered.
    triangle, _ = trttp(matrix.T, uplo="L")
    return np.asarray(triangle)


def from_lower_triangle(triangle: Array, size: int) -> Array:
    """Return the symmetric NumPy matrix of which `lower_triangle` is given.

    Examples
    --------
    >>> import numpy as np
    >>> from_lower_triangle(np.array([1.0, 2.0, 3.0]), 2)
    array([[1., 2.],
           [2., 3.]])
    """
    tpttr = get_lapack_funcs("tpttr", (triangle,))
    matrix, _ = tpttr(size, triangle, uplo="L")
    return inplace.mirror_lower(matrix)
