"""Primal-dual predictor-corrector interior point."""

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
    weighted_gram,
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


@pytree()
@dataclass(frozen=True, eq=False)
class InteriorPointState:
    """An iterate in the coordinates in which the constraint matrix is the identity.

    Attributes
    ----------
    gamma : array of shape (l,)
    factor : array of shape (r, r)
        Lower L with `M(gamma) = L L'`, followed from step to step: X is given relative to it, and
        a fresh factor differs where M(gamma) is singular to working precision.
    features : array of shape (r, l)
        `W = L^-1 Phi`.
    scaled_multiplier : array of shape (r, r)
        `L' X L`; a multiple of the identity on the central path.
    root_features : array of shape (r, l)
        B with `B'B = Phi' X Phi`.
    residual : array of shape ()
        The larger of the relative stationarity error and the relative complementarity.
    failure : array of shape ()
        Code of the `Status` that ends the solve here, 0 while there is none.
    """

    gamma: Array
    factor: Array
    features: Array
    scaled_multiplier: Array
    root_features: Array
    residual: Any
    failure: Any = 0


@dataclass(frozen=True)
class InteriorPoint:
    """Mehrotra's predictor-corrector method with the HKM direction.

    Each iteration solves, with `S = M(gamma)`, the Newton equations of ``X S = sigma mu I`` and
    of stationarity (Helmberg, Rendl, Vanderbei, Wolkowicz 1996; Mehrotra 1992), whose Schur
    complement in gamma is ``Q/(2 lambda_2) + (Phi'X Phi) o (Phi' S^-1 Phi)``. The constraint is
    held exactly, stationarity is reached on the way. Step lengths come from a few Lanczos
    products instead of eigenvalues, and the step is confirmed by the Cholesky factors that the
    next iteration needs anyway.

    An iteration costs about ten products of r x r by r x l matrices and one Cholesky factor of
    l x l.
    """

    name: str = "interior_point"
    max_iter: int = 100
    patience: int = 30

    def init(self, problem: Problem, start: StartingPoint | None) -> InteriorPointState:
        """Start at gamma = 0, always strictly feasible, or at a point drawn inside from `start`."""
        gamma, multiplier = interior_start(problem, start)
        factor = cholesky(problem.constraint_matrix(gamma))
        root = cholesky(multiplier)
        features = solve_lower(factor, problem.features)
        scaled_root = factor.T @ root
        scaled = gram(scaled_root.T)
        return _state(problem, gamma, factor, features, scaled, root.T @ problem.features)

    def step(self, problem: Problem, state: InteriorPointState, tol: float) -> InteriorPointState:
        """Take one predictor-corrector step."""
        xp = namespace_of(state.gamma)
        inverse_values = gram(state.features)  # Phi' S^-1 Phi
        newton = gram(state.root_features) * inverse_values
        newton += problem.quadratic / (2 * problem.reg_potential)
        newton_factor = cholesky_with_ridge(newton)
        return branch(
            xp.isfinite(newton_factor[-1, -1]),
            lambda: self._stepped(problem, state, inverse_values, newton_factor),
            lambda: replace(state, failure=factorization_code(False, state.gamma)),
        )

    def _stepped(
        self,
        problem: Problem,
        state: InteriorPointState,
        inverse_values: Array,
        newton_factor: Array,
    ) -> InteriorPointState:
        """Return the state after the step, given the factor of the Newton matrix."""
        xp = namespace_of(state.gamma)
        W, X = state.features, state.scaled_multiplier
        descent = -problem.gradient(state.gamma)
        identity = xp.eye(problem.rank, dtype=W.dtype)
        mu = xp.trace(X) / problem.rank
        root = cholesky(X)

        # Predictor: the affine direction, mu -> 0.
        d_gamma = cholesky_solve(newton_factor, descent)
        d_constraint = weighted_gram(W, d_gamma)
        d_multiplier = -X - symmetric(X @ d_constraint)
        step = xp.minimum(1.0, longest_step(d_constraint.__matmul__, None, W, PREDICTOR_PRODUCTS))
        step_x = xp.minimum(1.0, longest_step(d_multiplier.__matmul__, root, W, PREDICTOR_PRODUCTS))
        predicted = X + step_x * d_multiplier
        mu_predicted = (
            xp.trace(predicted) + step * xp.sum(predicted * d_constraint)
        ) / problem.rank
        sigma = xp.clip((mu_predicted / mu) ** 3, 1e-6, 1.0)

        # Corrector: centring and the second-order term, with the same factor.
        second_order = d_multiplier @ d_constraint
        correction = xp.sum(W * (second_order @ W), axis=0)
        d_gamma = cholesky_solve(
            newton_factor, descent + sigma * mu * xp.diagonal(inverse_values) - correction
        )
        d_constraint = weighted_gram(W, d_gamma)
        d_multiplier = sigma * mu * identity - X - symmetric(X @ d_constraint + second_order)

        step = longest_step(d_constraint.__matmul__, None, W, STEP_PRODUCTS)
        step_x = longest_step(d_multiplier.__matmul__, root, W, STEP_PRODUCTS)
        share = 0.9 + 0.09 * xp.minimum(1.0, xp.minimum(step, step_x))
        step, change = cholesky_along(identity, d_constraint, xp.minimum(1.0, share * step))
        _, root = cholesky_along(X, d_multiplier, xp.minimum(1.0, share * step_x))
        scaled_root = change.T @ root
        return _state(
            problem,
            state.gamma + step * d_gamma,
            state.factor @ change,
            solve_lower(change, W),
            gram(scaled_root.T),
            root.T @ W,
        )

    def done(self, state: InteriorPointState, tol: float) -> Any:
        """Return whether the state's residual is within tol."""
        return state.residual <= tol

    def multiplier(self, problem: Problem, state: InteriorPointState) -> Array:
        """Return `X = L^-T (L'XL) L^-1`."""
        half = solve_lower(state.factor, state.scaled_multiplier, transpose=True)
        return symmetric(solve_lower(state.factor, half.T, transpose=True))


def _state(
    problem: Problem, gamma: Array, factor: Array, W: Array, scaled_multiplier: Array, B: Array
) -> InteriorPointState:
    xp = namespace_of(gamma)
    stationarity = relative_stationarity(problem, gamma, xp.sum(B * B, axis=0))
    gap = relative_complementarity(problem, gamma, xp.trace(scaled_multiplier))
    residual = xp.maximum(stationarity, gap)
    # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
    failure = factorization_code(xp.isfinite(residual), gamma)
    return InteriorPointState(gamma, factor, W, scaled_multiplier, B, residual, failure)
