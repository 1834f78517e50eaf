"""What methods inside of the cone share: where to start, how far to step, the residual there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, namespace_of, while_loop
from kernel_ot._linalg import (
    eigh,
    eigvalsh,
    extreme_eigenvalues,
    solve_lower,
)
from kernel_ot.problem import Problem, complementarity, stationarity
from kernel_ot.solvers._method import StartingPoint
from kernel_ot.solvers._scaling import multiplier_size, rescaled

_TRIES = 30
# A start that is given keeps at least these shares of lambda_1 and of a cold multiplier as its
# smallest eigenvalues: closer to the boundary the first steps would be short.
_INSIDE = 0.1


def interior_start(problem: Problem, start: StartingPoint) -> tuple[Array, Array]:
    """Return a strictly feasible gamma and a positive definite X made of a start.

    gamma = 0 always is feasible; the start is drawn toward it as far as needed.
    """
    xp = namespace_of(problem.features)
    size = multiplier_size(problem)
    gamma, multiplier, _ = rescaled(problem, start)
    lowest = eigvalsh(problem.adjoint(gamma))[0]
    shrink = xp.minimum(1.0, (1 - _INSIDE) * problem.reg_sos / xp.maximum(-lowest, 1e-300))
    values, vectors = eigh(multiplier)
    return shrink * gamma, (vectors * xp.maximum(values, _INSIDE * size)) @ vectors.T


def interior_residual(problem: Problem, gamma: Array, values: Array, product: Scalar) -> Scalar:
    """Return the residual where X and M(gamma) are positive definite by construction.

    The larger of the relative stationarity error and the relative complementarity.

    Parameters
    ----------
    problem : Problem
    gamma : array of shape (l,)
    values : array of shape (l,)
        A(X).
    product : array of shape ()
        `<X, M(gamma)>`.
    """
    residual: Scalar = namespace_of(gamma).maximum(
        stationarity(problem, gamma, values).largest, complementarity(problem, gamma, product)
    )
    return residual


def longest_step(
    apply: Callable[[Array], Array],
    root: Array | None,
    like: Array,
    products: int,
    *,
    shift: float = 0.0,
) -> Scalar:
    """Return the largest t with `F F' + t D` positive semidefinite, slightly underestimated.

    Exact for small matrices. D is what `apply` multiplies with, plus `shift F F'`.

    Parameters
    ----------
    apply : callable
        A product with a symmetric matrix, of a vector or of a matrix of columns.
    root : array of shape (r, r) or None
        Lower F; None stands for the identity.
    like : array of shape (r, any)
        Tells the size and the array library.
    products : int
        How many products to spend on a large one.
    shift : float
    """
    xp = namespace_of(like)

    def relative(v: Array) -> Array:
        if root is None:
            return apply(v)
        return solve_lower(root, apply(solve_lower(root, v, transpose=True)))

    smallest, _ = extreme_eigenvalues(relative, like, products)
    longest: Scalar = 1 / xp.maximum(-(smallest + shift), 1e-12)
    return longest


def cholesky_along(
    at: Callable[[Scalar], Array], step: Scalar, factorise: Callable[[Array], Array]
) -> tuple[Scalar, Array]:
    """Return the first of step, .8 step, ... at which `factorise(at(step))` is finite, and that."""
    xp = namespace_of(step)

    def failed(tried: _Tried) -> Array:
        again: Array = ~xp.isfinite(tried.factor[-1, -1]) & (tried.tries < _TRIES)
        return again

    def shorten(tried: _Tried) -> _Tried:
        shorter = 0.8 * tried.step
        return _Tried(shorter, factorise(at(shorter)), tried.tries + 1)

    last = while_loop(failed, shorten, _Tried(step, factorise(at(step)), 1))
    return last.step, last.factor


class _Tried(NamedTuple):
    """A step, the factor at its end, and how many were tried."""

    step: Scalar
    factor: Array
    tries: int
