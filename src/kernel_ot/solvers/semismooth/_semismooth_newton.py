"""Semismooth Newton on the smoothed optimality conditions, made fast by their structure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from kernel_ot._arrays import Array, branch, namespace_of
from kernel_ot._linalg import (
    add_diagonal,
    cholesky_solve,
    eigh,
    inplace,
    inverse_from_cholesky,
    quadratic_forms,
    weighted_gram,
    weighted_squares,
    zero_matrix,
)
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._scaling import balance, rescaled, start_distance, start_error
from kernel_ot.solvers._status import factorization_code
from kernel_ot.solvers.semismooth._central_path import central_start, central_step
from kernel_ot.solvers.semismooth._line import Change, boldest_line
from kernel_ot.solvers.semismooth._state import (
    SemismoothNewtonState,
    least_cut,
    newton_factor,
    state_on_path,
)

# A warm start enters the path where the relative complementarity is this share of the root of the
# start's distance, at most the second number. Lower, it would return to the path by damped steps.
_WARM_SHARE = 0.5
_LARGEST_WARM_GAP = 3e-2
# A start further away, in its own scale or the problem's, is no help: the path from a
# cold one takes more steps, but cheaper ones and less time in all.
_USELESS_DISTANCE = 30.0
USEFUL_ERROR = 1e-2
# No step aims at a relative complementarity below this many rounding errors, whatever the
# tolerance: X would be lost in them.
_LEAST_GAP = 1e3


@dataclass(frozen=True)
class SemismoothNewton(Method):
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

    From nothing it starts where all that is cheaper: on the path with M(gamma) exact, X is
    ``eps^2 M(gamma)^-1``, the Newton equations are those of the barrier function in gamma alone,
    and need a Cholesky factor instead of eigenvectors. These steps lead to a relative
    complementarity of 1e-5; the last ones, where X and M(gamma) become singular, are semismooth.

    Such a step costs about three products of r x r by r x l and two Cholesky factors; a semismooth
    one an eigen-decomposition, about seven such products, and three more for each correction.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> from kernel_ot.solvers import SemismoothNewton
    >>> solve(problem, SemismoothNewton()).status.name
    'CONVERGED'
    """

    name: str = "ssn"
    max_iter: int = 300
    patience: int = 60
    successor: Method | None = None
    warm: bool = True

    def init(self, problem: Problem, start: StartingPoint | None) -> SemismoothNewtonState:
        """Start on the smoothed path above the uniform plan, or project `start` on it."""
        if start is None:
            return central_start(problem)
        gamma, multiplier = rescaled(problem, start)
        distance = start_distance(problem, gamma, multiplier)
        error = start_error(problem, gamma, multiplier)
        return branch(
            (distance <= _USELESS_DISTANCE) & (error <= USEFUL_ERROR),
            lambda: _warm_state(problem, gamma, multiplier, distance),
            lambda: central_start(problem),
        )

    def step(
        self, problem: Problem, state: SemismoothNewtonState, tol: float
    ) -> SemismoothNewtonState:
        """Take one step along the smoothed path, as bold as its neighbourhood allows."""
        xp = namespace_of(state.gamma)
        aim = xp.maximum(tol, _LEAST_GAP * xp.finfo(state.gamma.dtype).eps)
        return branch(
            state.is_central,
            lambda: central_step(problem, state, aim),
            lambda: _semismooth_step(problem, state, aim),
        )

    def multiplier(self, problem: Problem, state: SemismoothNewtonState) -> Array:
        """Return X in the features' basis."""

        def in_eigenbasis() -> Array:
            X = add_diagonal(state.deviation, state.positive)
            X = inplace.multiply(X, state.basis.T)
            X = inplace.multiply(X.T, state.basis.T)  # both in place; X was symmetric
            X *= state.tau
            return inplace.symmetrise(X)

        return branch(
            state.is_central,
            lambda: state.squared_smoothing * inverse_from_cholesky(state.basis),
            in_eigenbasis,
        )

    def kept(self, state: SemismoothNewtonState) -> SemismoothNewtonState:
        """Return the state without the features in its basis."""
        return replace(state, features=zero_matrix(state.features))


def _warm_state(
    problem: Problem, gamma: Array, multiplier: Array, distance: Any
) -> SemismoothNewtonState:
    """Return the state on the path nearest to a start, as far along as its distance allows."""
    xp = namespace_of(gamma)
    gap = xp.minimum(_WARM_SHARE * xp.sqrt(distance), _LARGEST_WARM_GAP)
    squared_smoothing = gap * (1 + xp.abs(problem.objective(gamma))) / problem.rank
    constraint = problem.constraint_matrix(gamma)
    tau = balance(multiplier, constraint)
    values, basis = eigh(multiplier / tau - tau * constraint)
    features = basis.T @ problem.features
    return state_on_path(problem, gamma, basis, features, values, tau, squared_smoothing)


def _semismooth_step(
    problem: Problem, state: SemismoothNewtonState, aim: Any
) -> SemismoothNewtonState:
    """Return the state on the path nearest to the Newton point.

    Each stage lets go of its matrices before the next one makes its own.
    """
    sound, gamma, multiplier, values, rotation, cut, last = _newton_point(problem, state, aim)
    multiplier = _rotated(multiplier, rotation, last)
    features = rotation.T @ state.features
    basis = inplace.multiply(rotation.T, state.basis.T).T  # in the place of the rotation
    del rotation
    squared_smoothing = cut * state.squared_smoothing
    return branch(
        sound,
        lambda: state_on_path(
            problem, gamma, basis, features, values, state.tau, squared_smoothing, last, multiplier
        ),
        lambda: replace(state, failure=factorization_code(False, state.gamma)),
    )


class _NewtonPoint(NamedTuple):
    """Where a step leads, in the basis of the state.

    `sound` says whether the Newton matrix has a factor, `last` whether no further step is needed;
    `values` and `rotation` are eigenvalues and eigenvectors of the multiplier less the constraint,
    `cut` is the factor of the squared smoothing parameter.
    """

    sound: Any
    gamma: Array
    multiplier: Array
    values: Array
    rotation: Array
    cut: Any
    last: Any


class _NewtonPair(NamedTuple):
    """What the linear equations give: `d_gamma` is what the last step adds to gamma."""

    sound: Any
    gamma: Array
    d_gamma: Array
    multiplier: Array
    constraint: Array
    cut: Any
    last: Any


def _newton_point(problem: Problem, state: SemismoothNewtonState, aim: Any) -> _NewtonPoint:
    """Return the point that the step leads to."""
    xp = namespace_of(state.gamma)
    V, x, tau = state.features, state.positive, state.tau
    sound, gamma, d_gamma, multiplier, constraint, cut, last = _newton_pair(problem, state, aim)
    multiplier = branch(
        last,
        lambda: inplace.add_scaled(
            multiplier,
            -1 / state.squared_smoothing,
            inplace.scale_both_sides(weighted_gram(V, tau * d_gamma), x),
        ),
        lambda: multiplier,
    )
    constraint *= -1
    difference = inplace.add_scaled(constraint, 1.0, multiplier)
    # Only the last X is not put on the path.
    multiplier = branch(last, lambda: multiplier, lambda: zero_matrix(multiplier))
    values, rotation = branch(
        sound, lambda: eigh(difference), lambda: (x, xp.eye(problem.rank, dtype=x.dtype))
    )
    return _NewtonPoint(sound, gamma + d_gamma, multiplier, values, rotation, cut, last)


def _newton_pair(problem: Problem, state: SemismoothNewtonState, aim: Any) -> _NewtonPair:
    """Return what the linear equations give."""
    xp = namespace_of(state.gamma)
    x, z, tau, V = state.positive, state.negative, state.tau, state.features
    factor = newton_factor(problem, state)
    sound = xp.isfinite(factor[-1, -1])
    # The Newton point is affine in the cut: gamma = start + cut * slope. Its right-hand side is
    # that of the change of gamma, the path's own terms cancelled by hand: they are larger by
    # 1 / eps^2 than what is left.
    off_path = weighted_gram(V, tau * state.gamma)
    off_path = inplace.add_to_diagonal(off_path, tau * problem.reg_sos - z)
    pull = quadratic_forms(inplace.scale_both_sides(off_path, xp.sqrt(x)), V, x)
    del off_path
    descent = -problem.gradient(state.gamma) - tau / state.squared_smoothing * pull
    start = state.gamma + cholesky_solve(factor, descent)
    slope = cholesky_solve(factor, tau * weighted_squares(x, V))
    change = Change(V, xp.sqrt(tau / z), tau * problem.reg_sos / z - 1)

    def bent(bend: Array) -> Array:
        return start - cholesky_solve(factor, tau * quadratic_forms(bend, V, x))

    line, cut, damping = boldest_line(change, start, slope, least_cut(state, aim), bent)
    gamma = line.gamma + cut * slope
    constraint = change.matrix(gamma)
    multiplier = inplace.add_scaled(line.bend, 1.0, constraint)
    del line
    gamma = (1 - damping) * state.gamma + damping * gamma
    multiplier *= -damping
    multiplier = inplace.add_to_diagonal(multiplier, 1 + damping * (cut - 1))
    multiplier = inplace.scale_both_sides(multiplier, xp.sqrt(x))
    constraint *= damping
    constraint = inplace.scale_both_sides(inplace.add_to_diagonal(constraint, 1.0), xp.sqrt(z))

    # The Newton matrix is large where the smoothing is small, and so is its solution's rounding
    # error: at the end stationarity is restored by one more solve with the same factor.
    last = cut * state.gap <= aim
    d_gamma = branch(
        last,
        lambda: cholesky_solve(
            factor, tau * quadratic_forms(multiplier, V) - problem.gradient(gamma)
        ),
        lambda: xp.zeros_like(gamma),
    )
    return _NewtonPair(sound, gamma, d_gamma, multiplier, constraint, cut, last)


def _rotated(matrix: Array, rotation: Array, last: Any) -> Array:
    """Return `rotation' matrix rotation`, in the last step only."""
    return branch(last, lambda: inplace.multiply(rotation.T @ matrix, rotation), lambda: matrix)
