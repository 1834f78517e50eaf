"""Primal-dual predictor-corrector interior point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernel_ot.arrays import Array, namespace_of
from kernel_ot.linalg import (
    cholesky,
    cholesky_solve,
    generic_vector,
    gram,
    smallest_eigenvalue,
    solve_lower,
)
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import StartingPoint
from kernel_ot.solvers._status import Status

# Products spent on a step length: the predictor's only steers the centring.
_PREDICTOR_PRODUCTS = 8
_STEP_PRODUCTS = 14
_BACKTRACKS = 30


@dataclass(frozen=True, eq=False)
class InteriorPointState:
    """An iterate in the coordinates in which the constraint matrix is the identity.

    Attributes
    ----------
    gamma : array of shape (l,)
    factor : array of shape (r, r)
        Lower L with `M(gamma) = L L'`.
    features : array of shape (r, l)
        `W = L^-1 Phi`.
    scaled_multiplier : array of shape (r, r)
        `L' X L`; a multiple of the identity on the central path.
    root_features : array of shape (r, l)
        B with `B'B = Phi' X Phi`.
    residual : array of shape ()
        The larger of the relative stationarity error and the relative complementarity.
    failure : Status or None
    """

    gamma: Array
    factor: Array
    features: Array
    scaled_multiplier: Array
    root_features: Array
    residual: Any
    failure: Status | None = None


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
    patience: int = 8

    def init(self, problem: Problem, start: StartingPoint | None) -> InteriorPointState:
        """Start at gamma = 0, always strictly feasible, or at a point drawn inside from `start`."""
        xp = namespace_of(problem.features)
        identity = xp.eye(problem.rank, dtype=problem.features.dtype)
        size = _multiplier_size(problem)
        gamma, multiplier = xp.zeros_like(problem.linear), size * identity
        if start is not None:
            gamma, multiplier = _interior(problem, start, size)
        factor = cholesky(problem.constraint_matrix(gamma))
        root = cholesky(multiplier)
        features = solve_lower(factor, problem.features)
        scaled_root = factor.T @ root
        return _state(
            problem, gamma, factor, features, gram(scaled_root.T), root.T @ problem.features
        )

    def step(self, problem: Problem, state: InteriorPointState, tol: float) -> InteriorPointState:
        """Take one predictor-corrector step."""
        xp = namespace_of(state.gamma)
        W, X = state.features, state.scaled_multiplier
        inverse_values = gram(W)  # Phi' S^-1 Phi
        newton = gram(state.root_features) * inverse_values
        newton += problem.quadratic / (2 * problem.reg_potential)
        newton_factor = cholesky(newton)
        descent = -problem.gradient(state.gamma)
        identity = xp.eye(problem.rank, dtype=W.dtype)
        mu = xp.trace(X) / problem.rank
        root = cholesky(X)

        # Predictor: the affine direction, mu -> 0.
        d_gamma = cholesky_solve(newton_factor, descent)
        d_constraint = (W * d_gamma) @ W.T
        d_multiplier = -X - _symmetric(X @ d_constraint)
        step = xp.minimum(1.0, _longest_step(d_constraint, None, _PREDICTOR_PRODUCTS))
        step_x = xp.minimum(1.0, _longest_step(d_multiplier, root, _PREDICTOR_PRODUCTS))
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
        d_constraint = (W * d_gamma) @ W.T
        d_multiplier = sigma * mu * identity - X - _symmetric(X @ d_constraint + second_order)

        step = _longest_step(d_constraint, None, _STEP_PRODUCTS)
        step_x = _longest_step(d_multiplier, root, _STEP_PRODUCTS)
        share = 0.9 + 0.09 * xp.minimum(1.0, xp.minimum(step, step_x))
        step, change = _cholesky_along(identity, d_constraint, xp.minimum(1.0, share * step))
        _, root = _cholesky_along(X, d_multiplier, xp.minimum(1.0, share * step_x))
        scaled_root = change.T @ root
        return _state(
            problem,
            state.gamma + step * d_gamma,
            state.factor @ change,
            solve_lower(change, W),
            gram(scaled_root.T),
            root.T @ W,
        )

    def done(self, state: InteriorPointState, tol: float) -> bool:
        """Return whether the state's residual is within tol."""
        return bool(state.residual <= tol)

    def multiplier(self, problem: Problem, state: InteriorPointState) -> Array:
        """Return `X = L^-T (L'XL) L^-1`."""
        half = solve_lower(state.factor, state.scaled_multiplier, transpose=True)
        return _symmetric(solve_lower(state.factor, half.T, transpose=True))


def _state(
    problem: Problem, gamma: Array, factor: Array, W: Array, scaled_multiplier: Array, B: Array
) -> InteriorPointState:
    xp = namespace_of(gamma)
    scale = 1 + xp.linalg.norm(problem.linear) / (2 * problem.reg_potential)
    stationarity = xp.linalg.norm(problem.gradient(gamma) - xp.sum(B * B, axis=0)) / scale
    gap = xp.trace(scaled_multiplier) / (1 + xp.abs(problem.objective(gamma)))
    residual = xp.maximum(stationarity, gap)
    # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
    failure = None if bool(xp.isfinite(residual)) else Status.FACTORIZATION_FAILED
    return InteriorPointState(gamma, factor, W, scaled_multiplier, B, residual, failure)


def _multiplier_size(problem: Problem) -> Any:
    """Return xi for the start X = xi I: A(X) then is as large as the gradient at gamma = 0."""
    xp = namespace_of(problem.features)
    diagonal = xp.sum(problem.features**2, axis=0)
    gradient = xp.linalg.norm(problem.linear) / (2 * problem.reg_potential)
    return xp.maximum(gradient, 1e-3) / xp.linalg.norm(diagonal)


def _interior(problem: Problem, start: StartingPoint, size: Any) -> tuple[Array, Array]:
    """Draw a point into the interior: toward (0, size I), until the constraint is well inside."""
    xp = namespace_of(problem.features)
    identity = xp.eye(problem.rank, dtype=problem.features.dtype)
    constraint = problem.adjoint(start.gamma)
    violation = xp.maximum(0.0, -xp.linalg.eigvalsh(constraint)[0] / problem.reg_sos - 0.99)
    gamma = start.gamma / (1 + violation / 0.99 + 0.01)
    if start.multiplier is None:
        return gamma, size * identity
    values, vectors = xp.linalg.eigh(start.multiplier)
    return gamma, (vectors * xp.maximum(values, 1e-2 * size)) @ vectors.T


def _longest_step(direction: Array, root: Array | None, products: int) -> Any:
    """Return the largest t with `F F' + t direction` positive semidefinite; F = I for None."""
    xp = namespace_of(direction)

    def apply(v: Array) -> Array:
        if root is None:
            image: Array = direction @ v
            return image
        return solve_lower(root, direction @ solve_lower(root, v, transpose=True))

    smallest = smallest_eigenvalue(apply, generic_vector(direction.shape[0], direction), products)
    return 1 / xp.maximum(-smallest, 1e-12)


def _cholesky_along(matrix: Array, direction: Array, step: Any) -> tuple[Any, Array]:
    """Return the first of step, .8 step, ... at which `matrix + step direction` has a factor."""
    xp = namespace_of(matrix)
    for _ in range(_BACKTRACKS):
        factor = cholesky(matrix + step * direction)
        if bool(xp.isfinite(factor[-1, -1])):
            break
        step = 0.8 * step
    return step, factor


def _symmetric(matrix: Array) -> Array:
    return (matrix + matrix.T) / 2
