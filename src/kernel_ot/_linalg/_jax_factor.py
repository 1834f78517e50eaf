"""Features Phi with Phi'Phi = K on JAX, their number fixed before a value is known."""

from __future__ import annotations

from typing import Any

from kernel_ot._arrays import Array, is_traced, namespace_of, while_loop
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


def pivoted_features(gram: Array, rank: int, rank_tol: Any) -> tuple[Array, Any]:
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


def _pivots(gram: Array, rank: int, rank_tol: Any) -> tuple[Array, Any]:
    """Return the indices of the pivots in order, and how many of them are above the tolerance."""
    xp = namespace_of(gram)
    size = gram.shape[0]
    diagonal = xp.diagonal(gram)
    least = rank_tol * xp.max(diagonal)

    def take_largest(carried: tuple[Any, ...]) -> tuple[Any, ...]:
        step, features, remaining, pivots, n_above = carried
        pivot = xp.argmax(remaining)
        largest = xp.maximum(remaining[pivot], xp.finfo(gram.dtype).tiny)
        row = (gram[pivot] - features[:, pivot] @ features) / xp.sqrt(largest)
        above = remaining[pivot] > least
        row = xp.where(above, row, 0.0)
        remaining = (remaining - row**2).at[pivot].set(-xp.inf)
        return (
            step + 1,
            features.at[step].set(row),
            remaining,
            pivots.at[step].set(pivot),
            n_above + above,
        )

    start = (
        xp.asarray(0),
        xp.zeros((rank, size), dtype=gram.dtype),
        diagonal,
        xp.zeros(rank, dtype=int),
        xp.asarray(0),
    )
    _, _, _, pivots, n_above = while_loop(lambda carried: carried[0] < rank, take_largest, start)
    return pivots, n_above
