"""The solution as a differentiable function of the problem, without unrolling the solver."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from kernel_ot._arrays import Array, Scalar, one_by_one_on_cpu
from kernel_ot._linalg import (
    add_diagonal,
    cholesky,
    cholesky_solve,
    eigh,
    inverse_from_cholesky,
    solve_lower,
    symmetric,
)
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import AnyMethod, StartingPoint
from kernel_ot.solvers._scaling import balance
from kernel_ot.solvers.jax._loop import Outcome, run_traced

# Of the scale that X would have if it balanced the gradient: far below it X is taken for zero.
_SMALL_MULTIPLIER = 1e-2


# Problem, start, tol and max_iter, or their tangents.
_Arguments: TypeAlias = tuple[Problem, StartingPoint | None, Array, Array]


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def optimum(
    method: AnyMethod,
    longest: int,
    problem: Problem,
    start: StartingPoint | None,
    tol: Array,
    max_iter: Array,
) -> Outcome:
    r"""Return the outcome of a solve; gamma and the multiplier are differentiable in the problem.

    The derivative is that of the optimality conditions (Lin, Cuturi and Jordan 2024, eq. 3.1), by
    the implicit function theorem. Let P span the eigenvectors of X - M(gamma) with positive
    eigenvalues and M^- be the inverse of M(gamma) on the others. Differentiating
    :math:`X M = 0` gives :math:`dX = P Y P^\top - X \, dM \, M^- - M^- \, dM \, X` and
    :math:`P^\top dM \, P = 0`, Y symmetric, and with :math:`\partial` for the explicit change at
    fixed gamma and X

    .. math::

        \Big(\frac{Q}{2 \lambda_2} + 2 (\Phi^\top X \Phi) \circ (\Phi^\top M^- \Phi)\Big) d\gamma
        - A(P Y P^\top) &= -\partial\Big(\frac{Q \gamma - z}{2 \lambda_2} - A(X)\Big)
        - 2 A(X \, \partial M \, M^-), \\
        P^\top \Phi \, \mathrm{diag}(d\gamma) \, \Phi^\top P &= -P^\top \partial M \, P :

    one eigen-decomposition and two Cholesky factors for any number of tangents. It is the
    derivative where the projection is differentiable (no eigenvalue of X - M(gamma) is zero:
    strict complementarity) and the constraints of P are independent; elsewhere, where the solution
    has none, it is that of one of the pieces that meet there. It is only as good as the solve:
    where that did not converge, neither has its derivative.
    """

    def run(problem: Problem, start: StartingPoint | None, tol: Array, max_iter: Array) -> Outcome:
        return run_traced(problem, method, tol=tol, max_iter=max_iter, longest=longest, start=start)

    return one_by_one_on_cpu(run)(problem, start, tol, max_iter)


@optimum.defjvp
def _optimum_jvp(
    method: AnyMethod, longest: int, primals: _Arguments, tangents: _Arguments
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
    active = _active_set(problem, gamma, multiplier, constraint)
    d_gamma, inner = active.solved(problem, -d_stationarity, d_constraint)
    d_constraint = d_constraint + (problem.features * d_gamma) @ problem.features.T
    mixed = active.multiplier @ d_constraint @ active.inverse
    d_multiplier = active.basis @ inner @ active.basis.T - mixed - mixed.T
    unchanged = jax.tree.map(_zero_tangent, outcome)
    return outcome, replace(unchanged, gamma=d_gamma, multiplier=d_multiplier)


@jax.custom_jvp
def optimal_value(problem: Problem, gamma: Array, multiplier: Array) -> Scalar:
    """Return the objective at a solution, with the derivative of the envelope theorem.

    That is the Lagrangian's in the problem at fixed gamma and X: no linear system is solved, and
    a second derivative is right too.
    """
    return problem.objective(gamma)


@optimal_value.defjvp
def _optimal_value_jvp(
    primals: tuple[Problem, Array, Array], tangents: tuple[Problem, Array, Array]
) -> tuple[Scalar, Scalar]:
    problem, gamma, multiplier = primals

    def lagrangian(problem: Problem) -> Scalar:
        product = jnp.sum(multiplier * problem.constraint_matrix(gamma))
        value: Scalar = problem.objective(gamma) - product
        return value

    _, tangent = jax.jvp(lagrangian, (problem,), (tangents[0],))
    return problem.objective(gamma), tangent


class _ActiveSet(NamedTuple):
    """Where X and M(gamma) live, and the system that is left of the optimality conditions.

    `basis` P of shape (r, k), zero in columns without a positive eigenvalue; `multiplier` X;
    `inverse` M^- of shape (r, r); `features` P' Phi; `factor` and `scale` of the matrix in gamma;
    `rows` and `inner_factor` of the constraints and of their Schur complement.
    """

    basis: Array
    multiplier: Array
    inverse: Array
    features: Array
    factor: Array
    scale: Array
    rows: Array
    inner_factor: Array

    def solved(self, problem: Problem, rhs: Array, d_constraint: Array) -> tuple[Array, Array]:
        """Return d gamma and Y for the explicit changes of stationarity, negated, and of M."""
        X, inverse, P = self.multiplier, self.inverse, self.basis
        half = X @ (d_constraint @ (inverse @ problem.features))
        rhs = rhs - 2 * jnp.sum(problem.features * half, axis=0)
        free = self._solve(rhs)
        wanted = -_packed(P.T @ d_constraint @ P) - self.rows @ free
        forces = cholesky_solve(self.inner_factor, wanted)
        d_gamma = free + self._solve(self.rows.T @ forces)
        return d_gamma, _unpacked(forces, P.shape[1])

    def _solve(self, rhs: Array) -> Array:
        solution: Array = self.scale * cholesky_solve(self.factor, self.scale * rhs)
        return solution


def _active_set(problem: Problem, gamma: Array, multiplier: Array, constraint: Array) -> _ActiveSet:
    tau = jax.lax.stop_gradient(_balance(problem, gamma, multiplier, constraint))
    # Independent constraints are no more than there are multipliers: k (k + 1) / 2 <= l.
    most = min(problem.rank, (math.isqrt(8 * problem.n_fill + 1) - 1) // 2)
    P = _positive_basis(symmetric(multiplier / tau - tau * constraint), most)
    eye = jnp.eye(problem.rank, dtype=P.dtype)
    inside = P @ P.T
    others = eye - inside
    # M on the others, and the identity on P.
    inverse = inverse_from_cholesky(cholesky(others @ constraint @ others + inside)) - inside
    newton = problem.quadratic / (2 * problem.reg_potential)
    X_features, inverse_features = multiplier @ problem.features, inverse @ problem.features
    mixed = (problem.features.T @ X_features) * (problem.features.T @ inverse_features)
    newton = newton + 2 * symmetric(mixed)
    factor, scale = _scaled_factor(newton)
    features = P.T @ problem.features
    rows = _packed_squares(features)
    solved = solve_lower(factor, scale[:, None] * rows.T)
    schur = solved.T @ solved
    idle = jnp.where(jnp.diagonal(schur) > 0, 0.0, 1.0)
    eps = jnp.finfo(P.dtype).eps
    inner = add_diagonal(schur, idle + 10 * eps * jnp.max(jnp.diagonal(schur)))
    return _ActiveSet(P, multiplier, inverse, features, factor, scale, rows, cholesky(inner))


def _balance(problem: Problem, gamma: Array, multiplier: Array, constraint: Array) -> Scalar:
    """Return tau such that the eigenvalues of X / tau and of tau M(gamma) are as large."""
    values = jnp.linalg.norm(jnp.sum(problem.features**2, axis=0))
    full = jnp.linalg.norm(problem.linear) / (2 * problem.reg_potential) / values
    size = jnp.maximum(jnp.linalg.norm(multiplier), _SMALL_MULTIPLIER * full)
    return balance(size, constraint)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _positive_basis(matrix: Array, most: int) -> Array:
    """Return eigenvectors of the largest eigenvalues, zero for those that are not positive."""
    values, basis = eigh(matrix)
    chosen: Array = jnp.where(values > 0, basis, 0.0)[:, ::-1][:, :most]
    return chosen


@_positive_basis.defjvp
def _positive_basis_jvp(
    most: int, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    # Rotations among eigenvectors of one sign change nothing that is made of them: left out, they
    # leave no quotients by differences of eigenvalues that may be equal.
    (matrix,), (change,) = primals, tangents
    values, basis = eigh(matrix)
    positive = values > 0
    apart = positive[:, None] != positive
    gaps = jnp.where(apart, values - values[:, None], 1.0)
    turned = basis @ jnp.where(apart, (basis.T @ change @ basis) / gaps, 0.0)
    tangent: Array = jnp.where(positive, turned, 0.0)[:, ::-1][:, :most]
    return _positive_basis(matrix, most), tangent


def _scaled_factor(matrix: Array) -> tuple[Array, Array]:
    """Return the Cholesky factor of a positive definite matrix of unit diagonal, and its scale."""
    scale = jax.lax.stop_gradient(1 / jnp.sqrt(jnp.diagonal(matrix)))
    eps = jnp.finfo(matrix.dtype).eps
    return cholesky(add_diagonal(scale[:, None] * matrix * scale, 10 * eps)), scale


def _packed(matrix: Array) -> Array:
    """Return the upper triangle of a symmetric matrix as a vector of the same norm."""
    i, j = np.triu_indices(matrix.shape[0])
    packed: Array = np.where(i == j, 1.0, np.sqrt(2.0)) * matrix[i, j]
    return packed


def _packed_squares(features: Array) -> Array:
    """Return the packed `f f'` of every column f, one a column."""
    i, j = np.triu_indices(features.shape[0])
    weights = np.where(i == j, 1.0, np.sqrt(2.0))
    squares: Array = weights[:, None] * features[i] * features[j]
    return squares


def _unpacked(vector: Array, size: int) -> Array:
    """Return the symmetric matrix of which `_packed` is given."""
    i, j = np.triu_indices(size)
    position = np.zeros((size, size), dtype=int)
    position[i, j] = position[j, i] = np.arange(len(i))
    whole: Array = vector[position] * np.where(np.eye(size) == 1, 1.0, np.sqrt(0.5))
    return whole


def _zero_tangent(value: Array) -> Array:
    if jnp.issubdtype(value.dtype, jnp.floating):
        zeros: Array = jnp.zeros_like(value)
        return zeros
    return np.zeros(value.shape, jax.dtypes.float0)
