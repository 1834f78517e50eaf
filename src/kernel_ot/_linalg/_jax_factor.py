"""Features Phi with Phi'Phi = K on JAX, their number fixed before a value is known."""

from __future__ import annotations

from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, is_traced, namespace_of, while_loop, with_entry
from kernel_ot._linalg._dense import cholesky, solve_lower
from kernel_ot._linalg._products import add_diagonal

# Relative to the largest diagonal entry: what full rank needs where K cannot be looked at.
_TRACED_JITTER = 1e-10


def jax_features(
    gram: Array, *, pivoted: bool, rank: int | None, rank_tol: float | None, jitter: float
) -> tuple[Array, Array, bool]:
    """Return a Gram matrix with its jitter, its features, and whether these are pivoted.

    Values decide only where they can be looked at. In traced code the number of features is
    `rank`; without one it is l, and a jitter of 1e-10 of the largest diagonal entry is added
    unless another one is given.

    Parameters
    ----------
    gram : jax.Array of shape (l, l)
    pivoted : bool
        Whether to skip the plain Cholesky factor.
    rank : int or None
    rank_tol : float or None
    jitter : float
    """
    xp = namespace_of(gram)
    size = gram.shape[0]
    traced = is_traced(gram, jitter)
    machine_tol = size * float(xp.finfo(gram.dtype).eps)
    if traced and rank is None and not is_traced(jitter) and jitter == 0:
        jitter = _TRACED_JITTER * xp.max(xp.diagonal(gram))
    gram = add_diagonal(gram, jitter)
    if not pivoted and rank is None and rank_tol is None:
        triangle = cholesky(gram).T
        entries = xp.diagonal(triangle)
        if traced or bool((xp.min(entries) / xp.max(entries)) ** 2 >= machine_tol):
            return gram, triangle, False
    tol = machine_tol if rank_tol is None else rank_tol
    features, n_above = pivoted_features(gram, size if rank is None else min(rank, size), tol)
    return gram, features if traced else features[: int(n_above)], True


def pivoted_features(gram: Array, rank: int, rank_tol: Scalar) -> tuple[Array, Array]:
    """Return features of `rank` rows by pivoted Cholesky, and how many are above `rank_tol`.

    The pivots are chosen greedily by the largest remaining diagonal entry; given the pivots p the
    features are ``L^-1 K[p, :]`` with ``L L' = K[p, p]``, and so differentiable in K.

    Parameters
    ----------
    gram : jax.Array of shape (l, l)
    rank : int
        At most l. Rows beyond the numerical rank are of the size of rounding.
    rank_tol : float
        Relative to the largest diagonal entry.

    Returns
    -------
    features : jax.Array of shape (rank, l)
    n_above : jax.Array of shape ()
        Number of pivots above `rank_tol`.
    """
    import jax

    xp = namespace_of(gram)
    pivots, n_above = _pivots(jax.lax.stop_gradient(gram), rank, rank_tol)
    rows = gram[pivots]
    # Rows of pivots at rounding level would make the factor NaN.
    eps = float(xp.finfo(gram.dtype).eps)
    ridge = len(gram) * eps * xp.max(xp.diagonal(jax.lax.stop_gradient(gram)))
    factor = cholesky(add_diagonal(rows[:, pivots], ridge))
    return solve_lower(factor, rows), n_above


def _pivots(gram: Array, rank: int, rank_tol: Scalar) -> tuple[Array, Array]:
    """Return the indices of the pivots in order, and how many of them are above the tolerance."""
    xp = namespace_of(gram)
    size = gram.shape[0]
    diagonal = xp.diagonal(gram)
    least = rank_tol * xp.max(diagonal)

    def take_largest(at: _Pivoted) -> _Pivoted:
        pivot = xp.argmax(at.remaining)
        largest = xp.maximum(at.remaining[pivot], xp.finfo(gram.dtype).tiny)
        row = (gram[pivot] - at.features[:, pivot] @ at.features) / xp.sqrt(largest)
        above = at.remaining[pivot] > least
        row = xp.where(above, row, 0.0)
        return _Pivoted(
            at.step + 1,
            with_entry(at.features, at.step, row),
            with_entry(at.remaining - row**2, pivot, -xp.inf),
            with_entry(at.pivots, at.step, pivot),
            at.n_above + above,
        )

    begun = _Pivoted(
        step=xp.asarray(0),
        features=xp.zeros((rank, size), dtype=gram.dtype),
        remaining=diagonal,
        pivots=xp.zeros(rank, dtype=int),
        n_above=xp.asarray(0),
    )
    end = while_loop(lambda at: at.step < rank, take_largest, begun)
    return end.pivots, end.n_above


class _Pivoted(NamedTuple):
    """The pivots so far, the features that they give, and the diagonal that is left."""

    step: Array
    features: Array
    remaining: Array
    pivots: Array
    n_above: Array
