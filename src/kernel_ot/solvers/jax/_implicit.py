"""The solution as a differentiable function of the problem, without unrolling the solver."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernel_ot._arrays import Array, one_by_one_on_cpu
from kernel_ot._linalg import add_diagonal, cholesky, cholesky_solve, eigh, symmetric
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers.jax._loop import Outcome, run_traced

# Squared smoothing of the projection, relative to |X| |M(gamma)|. Measured on small problems: first
# derivatives are off by 3e-5 relative here and by 3e-4 at 1e-8, second ones by 1e-3; at 1e-10
# rounding takes two digits of the second ones.
_LEAST_SMOOTHING = 1e-9


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def optimum(
    method: Method,
    longest: int,
    problem: Problem,
    start: StartingPoint | None,
    tol: Any,
    max_iter: Any,
) -> Outcome:
    r"""Return the outcome of a solve; gamma and the multiplier are differentiable in the problem.

    The derivative is that of the optimality conditions (Lin, Cuturi and Jordan 2024, eq. 3.1) with
    the projection smoothed as in `SemismoothNewton`, by the implicit function theorem. With
    :math:`X M = \mu I` on the smoothed path, :math:`dX = -X \, dM \, X / \mu`, and so

    .. math::

        \Big(\frac{Q}{2 \lambda_2} + \frac1\mu (\Phi^\top X \Phi)^{\circ 2}\Big) d\gamma
        = -\partial\Big(\frac{Q \gamma - z}{2 \lambda_2} - A(X)\Big)
        - \frac1\mu A(X \, \partial M \, X),

    with :math:`\partial` the explicit change at fixed gamma and X: one eigen-decomposition and one
    Cholesky factor for any number of tangents. Where the projection is differentiable (no
    eigenvalue of X - M(gamma) is zero: strict complementarity) this is the derivative of the
    solution up to terms of the size of :math:`\mu` over the smallest eigenvalue; elsewhere,
    where the solution has none, it is that of the smoothed path. It is only as good as the
    solve: where that did not converge, neither has its derivative.
    """

    def run(problem: Problem, start: StartingPoint | None, tol: Any, max_iter: Any) -> Outcome:
        return run_traced(problem, method, tol=tol, max_iter=max_iter, longest=longest, start=start)

    return one_by_one_on_cpu(run)(problem, start, tol, max_iter)


@optimum.defjvp
def _optimum_jvp(
    method: Method, longest: int, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Outcome, Outcome]:
    problem = primals[0]
    outcome = optimum(method, longest, *primals)
    gamma, multiplier = outcome.gamma, outcome.multiplier

    def conditions(problem: Problem) -> tuple[Array, Array]:
        stationarity = problem.gradient(gamma) - problem.operator(multiplier)
        return stationarity, problem.constraint_matrix(gamma)

    (_, constraint), (d_stationarity, d_constraint) = jax.jvp(
        conditions, (problem,), (tangents[0],)
    )
    X, mu = _on_smoothed_path(multiplier, constraint)
    half = X @ problem.features
    newton = problem.quadratic / (2 * problem.reg_potential)
    newton = newton + (problem.features.T @ half) ** 2 / mu
    explicit = jnp.sum(half * (d_constraint @ half), axis=0) / mu
    d_gamma = _solve_scaled(newton, -d_stationarity - explicit)
    d_constraint = d_constraint + (problem.features * d_gamma) @ problem.features.T
    d_multiplier = -symmetric(X @ d_constraint @ X) / mu
    unchanged = jax.tree.map(_zero_tangent, outcome)
    return outcome, replace(unchanged, gamma=d_gamma, multiplier=d_multiplier)


@jax.custom_jvp
def optimal_value(problem: Problem, gamma: Array, multiplier: Array) -> Any:
    """Return the objective at a solution, with the derivative of the envelope theorem.

    That is the Lagrangian's in the problem at fixed gamma and X: no linear system is solved, and
    a second derivative is right too.
    """
    return problem.objective(gamma)


@optimal_value.defjvp
def _optimal_value_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    problem, gamma, multiplier = primals

    def lagrangian(problem: Problem) -> Any:
        product = jnp.sum(multiplier * problem.constraint_matrix(gamma))
        return problem.objective(gamma) - product

    _, tangent = jax.jvp(lagrangian, (problem,), (tangents[0],))
    return problem.objective(gamma), tangent


@jax.custom_jvp
def _projected(multiplier: Array, constraint: Array, mu: Any) -> Array:
    """Return the smoothed projection of X - M(gamma) in the scale in which both are as large."""
    tau = jnp.sqrt(jnp.linalg.norm(multiplier) / jnp.linalg.norm(constraint))
    values, basis = eigh(symmetric(multiplier / tau - tau * constraint))
    root = jnp.sqrt(values**2 + 4 * mu)
    positive = jnp.where(values > 0, (values + root) / 2, 2 * mu / (root - values))
    projected: Array = tau * (basis * positive) @ basis.T
    return projected


@_projected.defjvp
def _projected_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    # At a solution the projection is X, and stays so along the solutions of nearby problems.
    return _projected(*primals), tangents[0]


def _on_smoothed_path(multiplier: Array, constraint: Array) -> tuple[Array, Any]:
    """Return X of the smoothed path nearby, and the squared smoothing there."""
    product = jnp.sum(multiplier * constraint) / multiplier.shape[0]
    least = _LEAST_SMOOTHING * jnp.linalg.norm(multiplier) * jnp.linalg.norm(constraint)
    mu = jax.lax.stop_gradient(jnp.maximum(product, least))
    return _projected(multiplier, constraint, mu), mu


def _solve_scaled(matrix: Array, rhs: Array) -> Array:
    """Return the solution of a positive definite system, its diagonal scaled to one."""
    scale = jax.lax.stop_gradient(1 / jnp.sqrt(jnp.diagonal(matrix)))
    eps = jnp.finfo(matrix.dtype).eps
    scaled = add_diagonal(scale[:, None] * matrix * scale, 10 * eps)
    solution: Array = scale * cholesky_solve(cholesky(scaled), scale * rhs)
    return solution


def _zero_tangent(value: Any) -> Any:
    if jnp.issubdtype(value.dtype, jnp.floating):
        return jnp.zeros_like(value)
    return np.zeros(value.shape, jax.dtypes.float0)
