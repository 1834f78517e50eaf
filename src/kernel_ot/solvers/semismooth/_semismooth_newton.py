"""Semismooth Newton on the smoothed optimality conditions, made fast by their structure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, branch, namespace_of
from kernel_ot._linalg import (
    add_diagonal,
    cholesky_solve,
    eigh,
    inplace,
    quadratic_forms,
    weighted_gram,
    weighted_squares,
    zero_matrix,
)
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import AnyMethod, Method, OpeningOf, StartingPoint
from kernel_ot.solvers._scaling import balance, rescaled, start_distance
from kernel_ot.solvers._status import stopped_by_factorization
from kernel_ot.solvers.semismooth._central_path import CentralPath
from kernel_ot.solvers.semismooth._line import Change, boldest_line
from kernel_ot.solvers.semismooth._newton import aimed_gap, least_cut, newton_factor
from kernel_ot.solvers.semismooth._state import Eigenbasis, SemismoothNewtonState, state_on_path

# A warm start enters the path where the relative complementarity is this share of the root of the
# start's distance, at most the second number. Lower, it would return to the path by damped steps.
_WARM_SHARE = 0.5
_LARGEST_WARM_GAP = 3e-2

_FROM_NOTHING = CentralPath()


@dataclass(frozen=True)
class SemismoothNewton(Method[SemismoothNewtonState]):
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

    From nothing its `opening` leads to a relative complementarity of 1e-5: on the path with
    M(gamma) exact, X is ``eps^2 M(gamma)^-1``, the Newton equations are those of the barrier
    function in gamma alone, and need a Cholesky factor instead of eigenvectors. Only the last
    steps, where X and M(gamma) become singular, are semismooth.

    A step of the opening costs about three products of r x r by r x l and two Cholesky factors; a
    semismooth one an eigen-decomposition, about seven such products, and three more for each
    correction.

    Attributes
    ----------
    opening : Opening, optional
        By default `CentralPath`; None takes semismooth steps from the start.

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
    opening: OpeningOf[SemismoothNewtonState] | None = _FROM_NOTHING
    successor: AnyMethod | None = None
    warm: bool = True

    def init(self, problem: Problem, start: StartingPoint | None) -> SemismoothNewtonState:
        """Start on the smoothed path above the uniform plan, or project `start` on it."""
        if start is None:
            return _FROM_NOTHING.handed_over(problem, _FROM_NOTHING.init(problem, None))
        xp = namespace_of(problem.features)
        scaled = rescaled(problem, start)
        distance = start_distance(problem, scaled)
        gap = xp.minimum(_WARM_SHARE * xp.sqrt(distance), _LARGEST_WARM_GAP)
        squared_smoothing = gap * (1 + xp.abs(problem.objective(scaled.gamma))) / problem.rank
        constraint = problem.constraint_matrix(scaled.gamma)
        tau = balance(scaled.multiplier, constraint)
        eigenvalues, basis = eigh(scaled.multiplier / tau - tau * constraint)
        eigenbasis = Eigenbasis(basis, basis.T @ problem.features, eigenvalues, tau)
        return state_on_path(problem, scaled.gamma, eigenbasis, squared_smoothing)

    def step(
        self, problem: Problem, state: SemismoothNewtonState, tol: Scalar
    ) -> SemismoothNewtonState:
        """Take one step along the smoothed path, as bold as its neighbourhood allows.

        Each stage lets go of its matrices before the next one makes its own.
        """
        aim = aimed_gap(tol, state.gamma)
        sound, gamma, multiplier, eigenvalues, rotation, cut, last = _newton_point(
            problem, state, aim
        )
        multiplier = _rotated(multiplier, rotation, last)
        features = rotation.T @ state.features
        basis = inplace.multiply(rotation.T, state.basis.T).T  # in the place of the rotation
        del rotation
        eigenbasis = Eigenbasis(basis, features, eigenvalues, state.tau)
        squared_smoothing = cut * state.squared_smoothing
        return branch(
            sound,
            lambda: state_on_path(problem, gamma, eigenbasis, squared_smoothing, last, multiplier),
            lambda: stopped_by_factorization(state),
        )

    def multiplier(self, problem: Problem, state: SemismoothNewtonState) -> Array:
        """Return X in the features' basis."""
        X = add_diagonal(state.deviation, state.positive)
        X = inplace.multiply(X, state.basis.T)
        X = inplace.multiply(X.T, state.basis.T)  # both in place; X was symmetric
        X *= state.tau
        return inplace.symmetrise(X)

    def kept(self, state: SemismoothNewtonState) -> SemismoothNewtonState:
        """Return the state without the features in its basis."""
        return replace(state, features=zero_matrix(state.features))


class _NewtonPoint(NamedTuple):
    """Where a step leads, in the basis of the state.

    `sound` says whether the Newton matrix has a factor, `last` whether no further step is needed;
    `eigenvalues` and `rotation` (eigenvectors) are those of the multiplier less the constraint,
    `cut` is the factor of the squared smoothing parameter.
    """

    sound: Array
    gamma: Array
    multiplier: Array
    eigenvalues: Array
    rotation: Array
    cut: Scalar
    last: Scalar


class _NewtonPair(NamedTuple):
    """What the linear equations give: `d_gamma` is what the last step adds to gamma."""

    sound: Array
    gamma: Array
    d_gamma: Array
    multiplier: Array
    constraint: Array
    cut: Scalar
    last: Scalar


def _newton_point(problem: Problem, state: SemismoothNewtonState, aim: Scalar) -> _NewtonPoint:
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
    eigenvalues, rotation = branch(
        sound, lambda: eigh(difference), lambda: (x, xp.eye(problem.rank, dtype=x.dtype))
    )
    return _NewtonPoint(sound, gamma + d_gamma, multiplier, eigenvalues, rotation, cut, last)


def _newton_pair(problem: Problem, state: SemismoothNewtonState, aim: Scalar) -> _NewtonPair:
    """Return what the linear equations give."""
    xp = namespace_of(state.gamma)
    x, z, tau, V = state.positive, state.negative, state.tau, state.features
    factor = newton_factor(problem, x * tau / xp.sqrt(state.squared_smoothing), V)
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
        moved: Array = start - cholesky_solve(factor, tau * quadratic_forms(bend, V, x))
        return moved

    line, cut, damping = boldest_line(change, start, slope, least_cut(state.gap, aim), bent)
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


def _rotated(matrix: Array, rotation: Array, last: Scalar) -> Array:
    """Return `rotation' matrix rotation`, in the last step only."""
    return branch(last, lambda: inplace.multiply(rotation.T @ matrix, rotation), lambda: matrix)
