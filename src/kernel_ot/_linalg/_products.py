"""Symmetric products and sums of matrices, with half the work and little memory on NumPy."""

from __future__ import annotations

import numpy as np

from kernel_ot._arrays import Array, Scalar, namespace_of

# Rows that are handled at once: thin beside a matrix, thick enough for BLAS.
BLOCK = 80


def gram(matrix: Array) -> Array:
    """Return `matrix' matrix`; NumPy hands this form to BLAS `syrk`, half the work of a product."""
    product: Array = matrix.T @ matrix
    return product


def schur_complement(first: Array, second: Array, quadratic: Array, scale: Scalar) -> Array:
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
    for begin in range(0, size, BLOCK):
        rows = slice(begin, begin + BLOCK)
        block = total[rows, begin:]
        np.matmul(first[:, rows].T, first[:, begin:], out=block)
        block *= block if second is first else second[:, rows].T @ second[:, begin:]
        block += scale * quadratic[rows, begin:]
        total[begin:, rows] = block.T
    return total


def add_diagonal(matrix: Array, entries: Scalar) -> Array:
    """Return `matrix + diag(entries)`; one new matrix, not two.

    Parameters
    ----------
    matrix : array of shape (l, l)
    entries : float or array of shape (l,)

    Examples
    --------
    >>> import numpy as np
    >>> add_diagonal(np.ones((2, 2)), np.array([1.0, 2.0]))
    array([[2., 1.],
           [1., 3.]])
    """
    xp = namespace_of(matrix)
    if xp is not np:
        added: Array = matrix + entries * xp.eye(matrix.shape[0], dtype=matrix.dtype)
        return added
    total = matrix.copy()
    total.flat[:: matrix.shape[0] + 1] += entries
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
    for begin in range(0, size, BLOCK):
        rows = slice(begin, begin + BLOCK)
        np.matmul(features[rows] * weights, features[begin:].T, out=total[rows, begin:])
        total[rows, rows] = symmetric(total[rows, rows])
        total[begin:, rows] = total[rows, begin:].T
    return total


def symmetric(matrix: Array) -> Array:
    """Return the symmetric part, `(matrix + matrix') / 2`: a symmetric NumPy matrix itself."""
    if namespace_of(matrix) is np and _is_symmetric(matrix):
        return matrix
    part: Array = (matrix + matrix.T) / 2
    return part


def _is_symmetric(matrix: Array) -> bool:
    return all(
        np.array_equal(matrix[begin : begin + BLOCK], matrix[:, begin : begin + BLOCK].T)
        for begin in range(0, matrix.shape[0], BLOCK)
    )


def quadratic_forms(matrix: Array, features: Array, weights: Array | None = None) -> Array:
    """Return `f' matrix f` for each column f of `features`.

    NumPy takes some columns at a time, so that no second array of their shape is made.

    Parameters
    ----------
    matrix : array of shape (r, r)
    features : array of shape (r, l)
    weights : array of shape (r,), optional
        Non-negative; the features are multiplied by their roots first.

    Returns
    -------
    array of shape (l,)

    Examples
    --------
    >>> import numpy as np
    >>> quadratic_forms(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 1.0], [1.0, 2.0]]))
    array([2., 4.])
    """
    xp = namespace_of(matrix, features)
    root = None if weights is None else xp.sqrt(weights)[:, None]

    def forms(columns: Array) -> Array:
        scaled = columns if root is None else root * columns
        product = matrix @ scaled
        product *= scaled
        values: Array = xp.sum(product, axis=0)
        return values

    if xp is not np:
        return forms(features)
    size = features.shape[1]
    width = 2 * BLOCK
    parts = [forms(features[:, begin : begin + width]) for begin in range(0, size, width)]
    return np.concatenate(parts)


def squared_lengths(matrix: Array) -> Array:
    """Return the squared length of each column; no second array of the shape of `matrix` is made.

    Examples
    --------
    >>> import numpy as np
    >>> squared_lengths(np.array([[3.0, 1.0], [4.0, 0.0]]))
    array([25.,  1.])
    """
    return weighted_squares(namespace_of(matrix).ones_like(matrix[:, 0]), matrix)


def weighted_squares(weights: Array, features: Array) -> Array:
    """Return `weights @ features**2`; NumPy makes no second array of the features' shape.

    Examples
    --------
    >>> import numpy as np
    >>> weighted_squares(np.array([1.0, 10.0]), np.array([[1.0, 2.0], [1.0, 0.0]]))
    array([11.,  4.])
    """
    xp = namespace_of(features)
    if xp is not np:
        squares: Array = weights @ features**2
        return squares
    total = np.zeros(features.shape[1], dtype=features.dtype)
    for begin in range(0, features.shape[0], BLOCK):
        rows = slice(begin, begin + BLOCK)
        total += weights[rows] @ features[rows] ** 2
    return total


def zero_matrix(like: Array) -> Array:
    """Return zeros of the shape of `like`; NumPy's take no memory and cannot be written to."""
    xp = namespace_of(like)
    zeros: Array = xp.broadcast_to(xp.zeros((), dtype=like.dtype), like.shape)
    return zeros
