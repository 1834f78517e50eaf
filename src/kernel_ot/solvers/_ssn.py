"""Semismooth Newton on the smoothed optimality conditions, made fast by their structure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kernel_ot.arrays import Array, branch, namespace_of
from kernel_ot.linalg import (
    add_diagonal,
    add_scaled,
    add_to_diagonal,
    cholesky_solve,
    cholesky_with_ridge,
    eigh,
    quadratic_forms,
    schur_complement,
    symmetrise,
    weighted_gram,
    weighted_squares,
    zero_matrix,
)
from kernel_ot.problem import Problem, check_optimality
from kernel_ot.solvers._method import StartingPoint
from kernel_ot.solvers._scaling import central_weight, rescaled, start_distance, uniform_plan
from kernel_ot.solvers._ssn_path import boldest_line
from kernel_ot.solvers._ssn_state import SemismoothNewtonState, state_on_path
from kernel_ot.solvers._status import factorization_code

# A warm start enters the path where the relative complementarity is this share of the root of the
# start's distance, at most the second number. Lower, it would return to the path by damped steps.
_WARM_SHARE = 0.5
_LARGEST_WARM_GAP = 3e-2
# A start further away, in its own scale, or with a larger residual than a cold one, is no help.
_USELESS_DISTANCE = 30.0
_USELESS_RESIDUAL = 1.0


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
    to eps^2 in the metric of the path, after up to three corrections of higher order by the same
    factor while these allow a smaller one; eps may rise, and where no eps serves the step is
    damped. It can start anywhere.

    An iteration costs one eigen-decomposition, about seven products of r x r by r x l, and three
    more for each correction.
    """

    name: str = "ssn"
    max_iter: int = 300
    patience: int = 40

    def init(self, problem: Problem, start: StartingPoint | None) -> SemismoothNewtonState:
        """Start on the smoothed path above the uniform plan, or project `start` on it."""
        if start is None:
            return _cold_state(problem)
        gamma, multiplier = rescaled(problem, start)
        distance = start_distance(problem, gamma, multiplier)
        residual = check_optimality(problem, gamma, multiplier).residual
        return branch(
            (distance <= _USELESS_DISTANCE) & (residual <= _USELESS_RESIDUAL),
            lambda: _warm_state(problem, gamma, multiplier, distance),
            lambda: _cold_state(problem),
        )

    def step(
        self, problem: Problem, state: SemismoothNewtonState, tol: float
    ) -> SemismoothNewtonState:
        """Take one step along the smoothed path, as bold as its neighbourhood allows."""
        xp = namespace_of(state.gamma)
        newton = _newton_matrix(problem, state)
        factor = cholesky_with_ridge(newton, overwrite=True)
        del newton
        return branch(
            xp.isfinite(factor[-1, -1]),
            lambda: self._stepped(problem, state, tol, factor),
            lambda: replace(state, failure=factorization_code(False, state.gamma)),
        )

    def _stepped(
        self,
        problem: Problem,
        state: SemismoothNewtonState,
        tol: float,
        factor: Array,
    ) -> SemismoothNewtonState:
        """Return the state after the step, given the Newton matrix's factor."""
        gamma, multiplier, difference, cut, last = _newton_point(problem, state, tol, factor)
        del factor
        values, rotation = eigh(difference)
        del difference
        return state_on_path(
            problem,
            gamma,
            state.basis @ rotation,
            rotation.T @ state.features,
            values,
            state.tau,
            cut * state.smoothing,
            last,
            branch(last, lambda: rotation.T @ multiplier @ rotation, lambda: multiplier),
        )

    def done(self, state: SemismoothNewtonState, tol: float) -> Any:
        """Return whether the state's residual is within tol."""
        return state.residual <= tol

    def multiplier(self, problem: Problem, state: SemismoothNewtonState) -> Array:
        """Return X in the features' basis."""
        X = add_diagonal(state.deviation, state.positive)
        X = state.basis @ X
        X = X @ state.basis.T
        X *= state.tau
        return symmetrise(X)

    def kept(self, state: SemismoothNewtonState) -> SemismoothNewtonState:
        """Return the state without the features in its basis."""
        return replace(state, features=zero_matrix(state.features))


def _cold_state(problem: Problem) -> SemismoothNewtonState:
    """Return the state `X = mu M(gamma)^-1` at the uniform plan."""
    xp = namespace_of(problem.features)
    gamma = uniform_plan(problem)
    constraint, basis = eigh(problem.constraint_matrix(gamma))
    features = basis.T @ problem.features
    mu = central_weight(problem, gamma, weighted_squares(1 / constraint, features))
    tau = xp.sqrt(xp.linalg.norm(mu / constraint) / xp.linalg.norm(constraint))
    values = mu / (tau * constraint) - tau * constraint
    return state_on_path(problem, gamma, basis, features, values, tau, mu)


def _warm_state(
    problem: Problem, gamma: Array, multiplier: Array, distance: Any
) -> SemismoothNewtonState:
    """Return the state on the path nearest to a start, as far along as its distance allows."""
    xp = namespace_of(gamma)
    gap = xp.minimum(_WARM_SHARE * xp.sqrt(distance), _LARGEST_WARM_GAP)
    smoothing = gap * (1 + xp.abs(problem.objective(gamma))) / problem.rank
    constraint = problem.constraint_matrix(gamma)
    tau = xp.sqrt(xp.linalg.norm(multiplier) / xp.linalg.norm(constraint))
    values, basis = eigh(multiplier / tau - tau * constraint)
    features = basis.T @ problem.features
    return state_on_path(problem, gamma, basis, features, values, tau, smoothing)


def _newton_point(
    problem: Problem, state: SemismoothNewtonState, tol: float, factor: Array
) -> tuple[Array, Array, Array, Any, Any]:
    """Return the point that the step leads to, in the basis of the state.

    gamma, the multiplier, the multiplier less the constraint, the cut, and whether it is within
    tol.
    """
    x, z, tau, V = state.positive, state.negative, state.tau, state.features
    # The Newton point is affine in the cut: gamma = start + cut * slope, and so is D, the
    # change of the constraint relative to where the path has it; that of X is cut - 1 - D.
    # The right-hand side is that of the change of gamma, the path's own terms cancelled by hand:
    # they are larger by 1 / eps^2 than what is left.
    off_path = tau * weighted_gram(V, state.gamma)
    off_path = add_to_diagonal(off_path, tau * problem.reg_sos - z)
    pull = quadratic_forms(_conjugated(off_path, x), V, x)
    del off_path
    descent = -problem.gradient(state.gamma) - tau / state.smoothing * pull
    gamma_start = state.gamma + cholesky_solve(factor, descent)
    gamma_slope = cholesky_solve(factor, tau * weighted_squares(x, V))

    def relative_constraint(gamma: Array) -> Array:  # minus 1, plus one of gamma = 0
        change = _conjugated(weighted_gram(V, gamma), tau / z)
        return add_to_diagonal(change, tau * problem.reg_sos / z - 1)

    def respond(bend: Array | None) -> tuple[Array, Array]:
        gamma = gamma_start
        if bend is not None:
            gamma = gamma - cholesky_solve(factor, tau * quadratic_forms(bend, V, x))
        return gamma, relative_constraint(gamma)

    slope = _conjugated(weighted_gram(V, gamma_slope), tau / z)
    line, cut, damping = boldest_line(slope, 0.3 * tol / state.gap, respond)

    gamma = line.gamma + cut * gamma_slope
    gamma = (1 - damping) * state.gamma + damping * gamma
    multiplier = add_scaled(1 * line.multiplier, cut, slope)
    multiplier *= -damping
    multiplier = _conjugated(add_to_diagonal(multiplier, 1 + damping * (cut - 1)), x)
    constraint = add_scaled(1 * line.constraint, cut, slope)
    del line
    constraint *= damping
    constraint = _conjugated(add_to_diagonal(constraint, 1.0), z)
    last = cut * state.gap <= tol
    gamma, multiplier = branch(
        last,
        lambda: _refined(problem, state, factor, gamma, multiplier),
        lambda: (gamma, multiplier),
    )
    constraint *= -1
    difference = add_scaled(constraint, 1.0, multiplier)
    # Only the last X is not put on the path.
    multiplier = branch(last, lambda: multiplier, lambda: zero_matrix(multiplier))
    return gamma, multiplier, difference, cut, last


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
    V, x, tau = state.features, state.positive, state.tau
    values = tau * quadratic_forms(multiplier, V)
    d_gamma = cholesky_solve(factor, values - problem.gradient(gamma))
    change = tau * weighted_gram(V, d_gamma)
    return gamma + d_gamma, multiplier - x[:, None] * change * x / state.smoothing


def _conjugated(matrix: Array, values: Array) -> Array:
    """Return `root matrix root` for `root = diag(values)^(1/2)`, where NumPy holds `matrix`."""
    root = namespace_of(values).sqrt(values)
    matrix *= root[:, None]
    matrix *= root
    return matrix
