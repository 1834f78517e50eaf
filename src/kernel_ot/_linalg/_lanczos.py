"""The ends of the spectrum of a symmetric operator from a few products with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kernel_ot._arrays import Array, Scalar, namespace_of, while_loop, with_entry
from kernel_ot._linalg._eigen import eigvalsh
from kernel_ot._linalg._products import symmetric

# What is left of a new direction after orthogonalisation, relative to the operator, is rounding.
_BREAKDOWN = 1e-12
# Up to this size all eigenvalues take less time than the calls of a Lanczos iteration: 3 times less
# at 50, equal at 130.
_DENSE = 100


def extreme_eigenvalues(
    apply: Callable[[Array], Array], like: Array, products: int
) -> tuple[Scalar, Scalar]:
    """Return cautious estimates of the smallest and the largest eigenvalue, exact for small ones.

    Parameters
    ----------
    apply : callable
        A product with a symmetric matrix, of a vector or of a matrix of columns.
    like : array of shape (n, any)
        Tells the size and the array library.
    products : int
        How many products to spend on a large one.

    Examples
    --------
    >>> import numpy as np
    >>> matrix = np.diag([3.0, -2.0, 1.0])
    >>> [float(value) for value in extreme_eigenvalues(matrix.__matmul__, matrix, 8)]
    [-2.0, 3.0]
    """
    size = like.shape[0]
    if size > _DENSE:
        return _ritz_ends(apply, generic_vector(size, like), products)
    xp = namespace_of(like)
    values = eigvalsh(symmetric(apply(xp.eye(size, dtype=like.dtype))))
    return values[0], values[-1]


def smallest_eigenvalue(apply: Callable[[Array], Array], start: Array, steps: int) -> Scalar:
    """Return a cautious estimate of the smallest eigenvalue of a symmetric operator.

    Lanczos with full reorthogonalisation. The smallest Ritz value lies above the smallest
    eigenvalue; its residual norm is subtracted, which in practice brings it below. That is what a
    step length needs (Toh 2002, "A note on the calculation of step-lengths in interior-point
    methods for semidefinite programming").

    Parameters
    ----------
    apply : callable
        Maps a vector of shape (n,) to the operator's product with it.
    start : array of shape (n,)
        Any vector that is not orthogonal to the eigenvector.
    steps : int
        Products to spend; more than n are not needed.

    Returns
    -------
    array of shape ()

    Examples
    --------
    >>> import numpy as np
    >>> matrix = np.diag([3.0, -2.0, 1.0])
    >>> float(round(smallest_eigenvalue(lambda v: matrix @ v, np.ones(3), steps=3), 10))
    -2.0
    """
    return _ritz_ends(apply, start, steps)[0]


class _Lanczos(NamedTuple):
    """An iteration: the vectors so far and the tridiagonal matrix between them.

    `vector` is the next one, `size` the norm of the operator as far as it is seen, `found_all`
    whether the vectors span all that the start leads to.
    """

    step: int
    known: Array
    vector: Array
    diagonal: Array
    offdiagonal: Array
    size: Scalar
    found_all: Array


def _ritz_ends(apply: Callable[[Array], Array], start: Array, steps: int) -> tuple[Scalar, Scalar]:
    """Return the outer Ritz values of a Lanczos iteration, moved outward by their residuals."""
    xp = namespace_of(start)
    steps = min(steps, start.shape[0])
    unit = start / xp.linalg.norm(start)
    empty = xp.zeros(steps, dtype=start.dtype)

    def extend(at: _Lanczos) -> _Lanczos:
        known = with_entry(at.known, at.step, at.vector)
        image = apply(at.vector)
        # Past an invariant subspace there is nothing new: repeat an entry that changes nothing.
        entry = xp.where(at.found_all, at.diagonal[0], at.vector @ image)
        size = xp.maximum(at.size, xp.linalg.norm(image))
        # Twice is enough: one pass leaves components of the size of the cancellation.
        for _ in range(2):
            image = image - known.T @ (known @ image)
        norm = xp.linalg.norm(image)
        found_all = at.found_all | (norm <= _BREAKDOWN * size)
        return _Lanczos(
            at.step + 1,
            known,
            xp.where(found_all, 0.0, image / xp.where(found_all, 1.0, norm)),
            with_entry(at.diagonal, at.step, entry),
            with_entry(at.offdiagonal, at.step, xp.where(found_all, 0.0, norm)),
            size,
            found_all,
        )

    begun = _Lanczos(
        step=0,
        known=xp.zeros((steps, start.shape[0]), dtype=start.dtype),
        vector=unit,
        diagonal=empty,
        offdiagonal=xp.zeros_like(empty),
        size=xp.asarray(0.0, dtype=start.dtype),
        found_all=xp.asarray(False),
    )
    end = while_loop(lambda at: at.step < steps, extend, begun)
    diagonal, off = end.diagonal, end.offdiagonal
    tridiagonal = xp.diag(diagonal) + xp.diag(off[:-1], 1) + xp.diag(off[:-1], -1)
    values, vectors = xp.linalg.eigh(tridiagonal)
    residuals = xp.abs(off[-1] * vectors[-1])
    return values[0] - residuals[0], values[-1] + residuals[-1]


def generic_vector(size: int, like: Array) -> Array:
    """Return a fixed vector without structure, of the array library and precision of `like`."""
    xp = namespace_of(like)
    vector = np.random.default_rng(0).standard_normal(size)
    typed: Array = xp.asarray(vector, dtype=like.dtype)
    return typed
