"""Semismooth Newton on the smoothed optimality conditions, made fast by their structure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kernel_ot.arrays import Array, branch, namespace_of
from kernel_ot.linalg import (
    add_diagonal,
    add_scaled,
    cholesky_solve,
    cholesky_with_ridge,
    eigh,
    schur_complement,
    symmetric,
    weighted_gram,
)
from kernel_ot.problem import Problem, check_optimality
from kernel_ot.solvers._method import StartingPoint
from kernel_ot.solvers._scaling import multiplier_size, rescaled
from kernel_ot.solvers._ssn_path import Line, bent, boldest_cut
from kernel_ot.solvers._ssn_state import SemismoothNewtonState, gap_on_path, state_on_path
from kernel_ot.solvers._status import factorization_code

# A warm start enters the path at this multiple of its own residual, in units of the cold start's
# squared smoothing: lower, it would be off the path and return to it by many damped steps.
_CAUTION = 100.0
_WARM_CUT = 1e-2
_LEAST_WARM_CUT = 1e-10
# A start with a larger residual than a cold one usually has is no help: begin cold.
_USELESS = 1.0


@dataclass(frozen=True)
class SemismoothNewton:
    """Semismooth Newton with a smoothed projection.

    The optimality conditions of Lin, Cuturi and Jordan (2024), eq. (3.1), with the projection
    ``max(s, 0)`` of each eigenvalue replaced by ``(s + sqrt(s^2 + 4 eps^2)) / 2`` and eps driven
    to zero (smoothing Newton: Chan and Sun 2008; Sun, Sun and Qi 2004). Its derivative in the
    eigenbasis is ``x_i x_j / (x_i x_j + eps^2)``, so that after elimination of the multiplier
    the matrix L of the paper is of rank one, ``x x' / eps^2``, and the whole Newton matrix
    one Hadamard square::

        Q / (2 lambda_2) + (tau / eps)^2 (V' diag(x) V) o (V' diag(x) V),      V = P' Phi

    which is formed and factorised: no conjugate gradients.

    Globalisation: non-interior path following (Burke and Xu 2000). Each step goes to the smallest
    eps at which the product of changes that the linear equations leave out stays small relative
    to eps^2 in the metric of the path, after a second-order correction by the same factor where
    that allows a smaller one; eps may rise, and where no eps serves the step is damped. It can
    start anywhere.

    An iteration costs one eigen-decomposition and about seven products of r x r by r x l.
    """

    name: str = "ssn"
    max_iter: int = 300
    patience: int = 40

    def init(self, problem: Problem, start: StartingPoint | None) -> SemismoothNewtonState:
        """Start on the smoothed path at gamma = 0, or project `start` on it."""
        xp = namespace_of(problem.features)
        size = multiplier_size(problem)
        smoothing = size * problem.reg_sos
        gamma = xp.zeros_like(problem.linear)
        multiplier = size * xp.eye(problem.rank, dtype=problem.features.dtype)
        if start is not None:
            warm_gamma, warm_multiplier = rescaled(problem, start)
            distance = check_optimality(problem, warm_gamma, warm_multiplier).residual
            useful = distance <= _USELESS
            gamma = xp.where(useful, warm_gamma, gamma)
            multiplier = xp.where(useful, warm_multiplier, multiplier)
            cut = xp.clip(_CAUTION * distance, _LEAST_WARM_CUT, _WARM_CUT)
            smoothing = xp.where(useful, cut, 1.0) * smoothing
        constraint = problem.constraint_matrix(gamma)
        tau = xp.sqrt(xp.linalg.norm(multiplier) / xp.linalg.norm(constraint))
        values, basis = eigh(multiplier / tau - tau * constraint)
        features = basis.T @ problem.features
        refined = xp.asarray(False)
        return state_on_path(
            problem, gamma, basis, features, multiplier, refined, values, tau, smoothing
        )

    def step(
        self, problem: Problem, state: SemismoothNewtonState, tol: float
    ) -> SemismoothNewtonState:
        """Take one step along the smoothed path, as bold as its neighbourhood allows."""
        xp = namespace_of(state.gamma)
        newton = _newton_matrix(problem, state)
        pulled = newton @ state.gamma
        factor = cholesky_with_ridge(newton, overwrite=True)
        del newton
        return branch(
            xp.isfinite(factor[-1, -1]),
            lambda: self._stepped(problem, state, tol, pulled, factor),
            lambda: replace(state, failure=factorization_code(False, state.gamma)),
        )

    def _stepped(
        self,
        problem: Problem,
        state: SemismoothNewtonState,
        tol: float,
        pulled: Array,
        factor: Array,
    ) -> SemismoothNewtonState:
        """Return the state after the step, given the Newton matrix's factor and times gamma."""
        point = _newton_point(problem, state, tol, pulled, factor)
        gamma, multiplier, difference, cut, last = point
        del point
        values, rotation = eigh(difference)
        del difference
        return state_on_path(
            problem,
            gamma,
            state.basis @ rotation,
            rotation.T @ state.features,
            branch(last, lambda: rotation.T @ multiplier @ rotation, lambda: multiplier),
            last,
            values,
            state.tau,
            cut * state.smoothing,
        )

    def done(self, state: SemismoothNewtonState, tol: float) -> Any:
        """Return whether the state's residual is within tol."""
        return state.residual <= tol

    def multiplier(self, problem: Problem, state: SemismoothNewtonState) -> Array:
        """Return X in the features' basis."""
        return symmetric(state.tau * (state.basis @ state.multiplier @ state.basis.T))


def _newton_point(
    problem: Problem, state: SemismoothNewtonState, tol: float, pulled: Array, factor: Array
) -> tuple[Array, Array, Array, Any, Any]:
    """Return the point that the step leads to, in the basis of the state.

    gamma, the multiplier, the multiplier less the constraint, the cut, and whether it is within
    tol.
    """
    xp = namespace_of(state.gamma)
    x, z, tau, V = state.positive, state.negative, state.tau, state.features
    # The Newton point is affine in the cut: gamma = start + cut * slope, and so is D, the
    # change of the constraint relative to where the path has it; that of X is cut - 1 - D.
    squares = V**2
    pull = x - tau * problem.reg_sos * x**2 / state.smoothing
    rhs = problem.linear / (2 * problem.reg_potential) + tau * (pull @ squares)
    # A change of gamma, not gamma itself: a ridge in the factor then only shortens the step.
    gamma_start = state.gamma + cholesky_solve(factor, rhs - pulled)
    gamma_slope = cholesky_solve(factor, tau * (x @ squares))
    relative = V / xp.sqrt(z)[:, None]
    start = tau * weighted_gram(relative, gamma_start)
    start = add_diagonal(start, tau * problem.reg_sos / z - 1)
    slope = tau * weighted_gram(relative, gamma_slope)
    gap = gap_on_path(problem, state.gamma, tau, x, V)
    least = 0.3 * tol / gap

    def respond(bend: Array) -> tuple[Array, Array]:
        root = xp.sqrt(x)[:, None] * V
        d_gamma = -cholesky_solve(factor, tau * xp.sum(root * (bend @ root), axis=0))
        return d_gamma, tau * weighted_gram(relative, d_gamma)

    straight = Line(gamma_start, start, xp.zeros_like(start))
    cut, found = boldest_cut(straight, slope, least)
    # Where no cut stays near the path, the step to the path itself is damped.
    length = xp.sqrt(xp.max(xp.sum((start + slope) ** 2, axis=0)))
    damping = xp.where(found, 1.0, xp.minimum(1.0, 0.8 / length))
    line, cut = branch(
        found,
        lambda: bent(straight, slope, cut, least, respond),
        lambda: (straight, cut),
    )

    gamma = line.gamma + cut * gamma_slope
    gamma = (1 - damping) * state.gamma + damping * gamma
    change = add_scaled(line.change, cut, slope)
    multiplier = add_scaled(line.bend, 1.0, change)
    multiplier *= -damping
    multiplier = _conjugated(multiplier, 1 + damping * (cut - 1), x)
    change *= damping
    constraint = _conjugated(change, 1.0, z)
    last = cut * gap <= tol
    gamma, multiplier = branch(
        last,
        lambda: _refined(problem, state, factor, gamma, multiplier),
        lambda: (gamma, multiplier),
    )
    return gamma, multiplier, multiplier - constraint, cut, last


def _newton_matrix(problem: Problem, state: SemismoothNewtonState) -> Array:
    """Return `Q / (2 lambda_2) + (tau / eps)^2 (V' diag(x) V) o (V' diag(x) V)`."""
    xp = namespace_of(state.gamma)
    root = xp.sqrt(state.positive * state.tau / xp.sqrt(state.smoothing))[:, None] * state.features
    return schur_complement(root, root, problem.quadratic, 1 / (2 * problem.reg_potential))


def _refined(
    problem: Problem, state: SemismoothNewtonState, factor: Array, gamma: Array, multiplier: Array
) -> tuple[Array, Array]:
    """Return the point with its stationarity restored by one more solve with the same factor.

    The Newton matrix is large where the smoothing is small, and so is its solution's rounding
    error.
    """
    xp = namespace_of(gamma)
    V, x, tau = state.features, state.positive, state.tau
    values = tau * xp.sum(V * (multiplier @ V), axis=0)
    d_gamma = cholesky_solve(factor, values - problem.gradient(gamma))
    change = tau * weighted_gram(V, d_gamma)
    return gamma + d_gamma, multiplier - x[:, None] * change * x / state.smoothing


def _conjugated(matrix: Array, shift: Any, values: Array) -> Array:
    """Return `root (shift + matrix) root` for the diagonal `root`, where NumPy holds `matrix`."""
    xp = namespace_of(values)
    root = xp.sqrt(values)
    matrix += shift * xp.eye(values.shape[0], dtype=values.dtype)
    matrix *= root[:, None]
    matrix *= root
    return matrix
