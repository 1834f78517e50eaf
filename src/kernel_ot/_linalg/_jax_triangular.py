"""Triangular factors and solves on JAX whose batches and derivatives run on every CPU.

XLA turns a batch of triangular solves on a CPU into loops of products; two of those at once wait
for each other for ever where it has two worker threads (jax 0.10.2). Here a batch on a CPU is one
LAPACK call after the other, and derivatives are made of the same calls.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from kernel_ot._arrays import Array, one_by_one_on_cpu
from kernel_ot._linalg._products import symmetric


def jax_solve_lower(factor: Array, rhs: Array, *, transpose: bool) -> Array:
    """Return `L^-1 rhs`, or `L^-T rhs` with `transpose`; of L the lower triangle counts.

    Parameters
    ----------
    factor : jax.Array of shape (r, r)
    rhs : jax.Array of shape (r,) or (r, k)
    """

    def product(solution: Array) -> Array:
        lower = jnp.tril(factor)
        image: Array = (lower.T if transpose else lower) @ solution
        return image

    solution: Array = jax.lax.custom_linear_solve(
        product,
        rhs,
        solve=lambda _, rhs: _solvers[transpose](factor, rhs),
        transpose_solve=lambda _, rhs: _solvers[not transpose](factor, rhs),
    )
    return solution


@jax.custom_jvp
def jax_cholesky(matrix: Array) -> Array:
    """Return the lower Cholesky factor of a symmetric matrix, NaN where there is none."""
    factor: Array = jnp.linalg.cholesky(matrix)
    return factor


@jax_cholesky.defjvp
def _cholesky_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # L^-1 dA L^-T = S + S', with S lower triangular and dL = L S.
    factor = jax_cholesky(*primals)
    (change,) = tangents
    left = jax_solve_lower(factor, symmetric(change), transpose=False)
    both = jax_solve_lower(factor, left.T, transpose=False)
    half = jnp.tril(both) - jnp.diag(jnp.diagonal(both)) / 2
    return factor, factor @ half


_solvers = {
    transpose: one_by_one_on_cpu(partial(solve_triangular, trans=int(transpose), lower=True))
    for transpose in (False, True)
}
