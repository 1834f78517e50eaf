"""The interior point method in the coordinates of the filling points, for K of full rank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kernel_ot.arrays import Array, branch, namespace_of, pytree
from kernel_ot.linalg import (
    cholesky,
    cholesky_solve,
    cholesky_with_ridge,
    gram,
    solve_lower,
    symmetric,
    triangular_condition,
)
from kernel_ot.problem import Problem
from kernel_ot.solvers._interior_steps import (
    PREDICTOR_PRODUCTS,
    STEP_PRODUCTS,
    cholesky_along,
    interior_start,
    longest_step,
)
from kernel_ot.solvers._method import StartingPoint
from kernel_ot.solvers._scaling import relative_complementarity, relative_stationarity
from kernel_ot.solvers._status import factorization_code

# Beyond this condition number of Phi rounding in U = Phi' X Phi costs more steps than it saves.
_WORST_CONDITION = 5e3


@pytree()
@dataclass(frozen=True, eq=False)
class FullRankInteriorPointState:
    """An iterate, its multiplier seen only between filling points.

    Attributes
    ----------
    gamma : array of shape (l,)
    features : array of shape (l, l)
        `W = L^-1 Phi`, where `M(gamma) = L L'`.
    values : array of shape (l, l)
        `U = Phi' X Phi`.
    values_root : array of shape (l, l)
        Lower Cholesky factor of U.
    product : array of shape ()
        `<X, M(gamma)>`.
    residual : array of shape ()
    failure : array of shape ()
    """

    gamma: Array
    features: Array
    values: Array
    values_root: Array
    product: Any
    residual: Any
    failure: Any = 0


@dataclass(frozen=True)
class FullRankInteriorPoint:
    """`InteriorPoint`, iterate for iterate, at half its work where Phi is invertible.

    With `U = Phi' X Phi` and `G = Phi' S^-1 Phi` all of the HKM direction happens between
    filling points, where the change of the constraint is diagonal: `Phi' (X dS S^-1) Phi =
    U diag(d gamma) G`. X itself is only formed for the caller. U is as ill-conditioned as X and K
    together, so this is for K far from singular.

    An iteration costs about four products of l x l matrices.
    """

    name: str = "interior_point"
    max_iter: int = 100
    patience: int = 30

    def init(self, problem: Problem, start: StartingPoint | None) -> FullRankInteriorPointState:
        """Start at gamma = 0, always strictly feasible, or at a point drawn inside from `start`."""
        gamma, multiplier = interior_start(problem, start)
        constraint = problem.constraint_matrix(gamma)
        features = solve_lower(cholesky(constraint), problem.features)
        values = symmetric(problem.features.T @ (multiplier @ problem.features))
        return _state(problem, gamma, features, values, cholesky(values))

    def step(
        self, problem: Problem, state: FullRankInteriorPointState, tol: float
    ) -> FullRankInteriorPointState:
        """Take one predictor-corrector step."""
        xp = namespace_of(state.gamma)
        G = gram(state.features)
        newton = state.values * G
        newton += problem.quadratic / (2 * problem.reg_potential)
        newton_factor = cholesky_with_ridge(newton)
        return branch(
            xp.isfinite(newton_factor[-1, -1]),
            lambda: self._stepped(problem, state, G, newton_factor),
            lambda: replace(state, failure=factorization_code(False, state.gamma)),
        )

    def _stepped(
        self, problem: Problem, state: FullRankInteriorPointState, G: Array, newton_factor: Array
    ) -> FullRankInteriorPointState:
        """Return the state after the step, given G and the factor of the Newton matrix."""
        xp = namespace_of(state.gamma)
        W, U, root, product = state.features, state.values, state.values_root, state.product
        descent = -problem.gradient(state.gamma)
        mu = product / problem.rank

        # Predictor: the affine direction, mu -> 0.
        affine = cholesky_solve(newton_factor, descent)
        d_values = -U - symmetric((U * affine) @ G)
        step = xp.minimum(1.0, _longest_constraint_step(W, affine, PREDICTOR_PRODUCTS))
        step_x = xp.minimum(1.0, longest_step(d_values.__matmul__, root, W, PREDICTOR_PRODUCTS))
        cross = affine @ xp.diagonal(d_values)
        along = affine @ xp.diagonal(U)
        # <X + step_x dX, S + step dS>, where the predictor makes <dX, S> = -<X, S> - <X, dS>.
        predicted = (1 - step_x) * product + (step - step_x) * along + step * step_x * cross
        sigma = xp.clip((predicted / product) ** 3, 1e-6, 1.0)

        # Corrector: centring and the second-order term, with the same factor.
        second_order = d_values * affine
        d_gamma = cholesky_solve(
            newton_factor,
            descent + sigma * mu * xp.diagonal(G) - xp.sum(second_order * G, axis=1),
        )
        second_order = second_order + U * d_gamma
        d_values = sigma * mu * G - U - symmetric(second_order @ G)

        step = _longest_constraint_step(W, d_gamma, STEP_PRODUCTS)
        step_x = longest_step(d_values.__matmul__, root, W, STEP_PRODUCTS)
        share = 0.9 + 0.09 * xp.minimum(1.0, xp.minimum(step, step_x))
        step, factor = cholesky_along(
            problem.constraint_matrix(state.gamma),
            problem.adjoint(d_gamma),
            xp.minimum(1.0, share * step),
        )
        step_x, root = cholesky_along(U, d_values, xp.minimum(1.0, share * step_x))
        gamma = state.gamma + step * d_gamma
        features = solve_lower(factor, problem.features)
        return _state(problem, gamma, features, U + step_x * d_values, root)

    def done(self, state: FullRankInteriorPointState, tol: float) -> Any:
        """Return whether the state's residual is within tol."""
        return state.residual <= tol

    def multiplier(self, problem: Problem, state: FullRankInteriorPointState) -> Array:
        """Return `X = Phi^-T U Phi^-1`."""
        xp = namespace_of(state.gamma)
        half = xp.linalg.solve(problem.features.T, state.values)
        return symmetric(xp.linalg.solve(problem.features.T, half.T))


def is_well_conditioned(problem: Problem) -> bool:
    """Return whether Phi is the triangular factor of a K far enough from singular.

    The condition of K is the square of that of Phi, its triangular factor.
    """
    xp = namespace_of(problem.features)
    if problem.rank != problem.n_fill or bool(xp.any(xp.tril(problem.features, -1) != 0)):
        return False
    return bool(triangular_condition(problem.features) <= _WORST_CONDITION)


def _state(
    problem: Problem, gamma: Array, features: Array, values: Array, root: Array
) -> FullRankInteriorPointState:
    xp = namespace_of(gamma)
    # <X, M(gamma)> = lambda_1 tr X + gamma' diag(U), and tr X = |Phi^-T F|^2 for U = F F'.
    trace = xp.sum(solve_lower(problem.features.T, root) ** 2)
    product = problem.reg_sos * trace + gamma @ xp.diagonal(values)
    residual = xp.maximum(
        relative_stationarity(problem, gamma, xp.diagonal(values)),
        relative_complementarity(problem, gamma, product),
    )
    failure = factorization_code(xp.isfinite(features[-1, -1] + root[-1, -1] + residual), gamma)
    return FullRankInteriorPointState(gamma, features, values, root, product, residual, failure)


def _longest_constraint_step(W: Array, d_gamma: Array, products: int) -> Any:
    """Return the largest t with `M(gamma + t d_gamma)` positive semidefinite."""
    return longest_step(lambda v: W @ (d_gamma * (W.T @ v)), None, W, products)
