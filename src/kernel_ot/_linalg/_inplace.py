"""What overwrites its first argument on NumPy, to take no memory, and returns it.

Only for matrices that nobody else needs. JAX's arrays cannot be written to: there each of these
returns a new one, so the returned matrix is the one to go on with.
"""

from __future__ import annotations

import numpy as np

from kernel_ot._arrays import Array, Scalar, namespace_of
from kernel_ot._linalg._products import BLOCK, add_diagonal, symmetric


def symmetrise(matrix: Array) -> Array:
    """Return the symmetric part; unlike `symmetric` it takes the place of the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> symmetrise(np.array([[1.0, 4.0], [2.0, 3.0]]))
    array([[1., 3.],
           [3., 3.]])
    """
    if namespace_of(matrix) is not np:
        return symmetric(matrix)
    for begin in range(0, matrix.shape[0], BLOCK):
        rows = slice(begin, begin + BLOCK)
        matrix[rows, begin:] = (matrix[rows, begin:] + matrix[begin:, rows].T) / 2
        matrix[begin:, rows] = matrix[rows, begin:].T
    return matrix


def add_scaled(matrix: Array, scale: Scalar, other: Array) -> Array:
    """Return `matrix + scale other`, in the place of `matrix`.

    Examples
    --------
    >>> import numpy as np
    >>> add_scaled(np.ones((1, 2)), 2.0, np.array([[1.0, 3.0]]))
    array([[3., 7.]])
    """
    if namespace_of(matrix, other) is not np:
        total: Array = matrix + scale * other
        return total
    for begin in range(0, matrix.shape[0], BLOCK):
        matrix[begin : begin + BLOCK] += scale * other[begin : begin + BLOCK]
    return matrix


def multiply(matrix: Array, other: Array) -> Array:
    """Return `matrix @ other` for a square `other`, in the place of `matrix`.

    Examples
    --------
    >>> import numpy as np
    >>> multiply(np.array([[1.0, 2.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    array([[2., 1.]])
    """
    if namespace_of(matrix, other) is not np:
        product: Array = matrix @ other
        return product
    for begin in range(0, matrix.shape[0], BLOCK):
        matrix[begin : begin + BLOCK] = matrix[begin : begin + BLOCK] @ other
    return matrix


def add_to_diagonal(matrix: Array, entries: Scalar) -> Array:
    """Return `matrix + diag(entries)`, in the place of `matrix`; `add_diagonal` makes a new one.

    Examples
    --------
    >>> import numpy as np
    >>> add_to_diagonal(np.zeros((2, 2)), 1.0)
    array([[1., 0.],
           [0., 1.]])
    """
    if namespace_of(matrix) is not np:
        return add_diagonal(matrix, entries)
    matrix.flat[:: matrix.shape[0] + 1] += entries
    return matrix


def scale_both_sides(matrix: Array, scale: Array) -> Array:
    """Return `diag(scale) matrix diag(scale)`, in the place of `matrix`.

    Examples
    --------
    >>> import numpy as np
    >>> scale_both_sides(np.ones((2, 2)), np.array([1.0, 3.0]))
    array([[1., 3.],
           [3., 9.]])
    """
    matrix *= scale[:, None]
    matrix *= scale
    return matrix


def mirror_lower(matrix: Array) -> Array:
    """Return the symmetric matrix whose lower triangle is given, its upper one overwritten.

    Examples
    --------
    >>> import numpy as np
    >>> mirror_lower(np.array([[1.0, 9.0], [2.0, 3.0]]))
    array([[1., 2.],
           [2., 3.]])
    """
    if namespace_of(matrix) is not np:
        xp = namespace_of(matrix)
        mirrored: Array = xp.tril(matrix) + xp.tril(matrix, -1).T
        return mirrored
    for begin in range(0, matrix.shape[0], BLOCK):
        rows = slice(begin, begin + BLOCK)
        square = np.tril(matrix[rows, rows])
        matrix[rows, rows] = square + np.tril(square, -1).T
        matrix[rows, begin + BLOCK :] = matrix[begin + BLOCK :, rows].T
    return matrix


def drop_negligible(matrix: Array) -> Array:
    """Return `matrix` with entries below 1e-154 times the largest set to zero.

    That is the root of the smallest normal number. Products of such entries are subnormal numbers,
    with which processors are ten times slower; they change no result. JAX's compiler flushes those
    itself. With a larger bound products of many small entries take the place of the zeros.

    Examples
    --------
    >>> import numpy as np
    >>> drop_negligible(np.array([1.0, 1e-20, 1e-200]))
    array([1.e+00, 1.e-20, 0.e+00])
    """
    if namespace_of(matrix) is np:
        blocks = [matrix[begin : begin + BLOCK] for begin in range(0, matrix.shape[0], BLOCK)]
        largest = max(np.abs(block).max() for block in blocks)
        negligible = np.sqrt(np.finfo(matrix.dtype).tiny) * largest
        for block in blocks:
            block[np.abs(block) < negligible] = 0
    return matrix
