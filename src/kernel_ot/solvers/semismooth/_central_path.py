"""Where the semismooth Newton method begins: the central path, followed in gamma alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, branch, namespace_of, pytree, while_loop
from kernel_ot._linalg import (
    cholesky,
    cholesky_solve,
    eigh,
    extreme_eigenvalues,
    inverse_from_cholesky,
    solve_lower,
    squared_lengths,
    zero_matrix,
)
from kernel_ot.problem import Problem, complementarity, stationarity
from kernel_ot.solvers._method import Opening, StartingPoint
from kernel_ot.solvers._scaling import (
    balance,
    central_weight,
    rescaled,
    start_distance,
    start_error,
    uniform_plan,
)
from kernel_ot.solvers._status import factorization_code, stopped_by_factorization
from kernel_ot.solvers._steps import cholesky_along
from kernel_ot.solvers.semismooth._newton import aimed_gap, least_cut, newton_factor
from kernel_ot.solvers.semismooth._state import Eigenbasis, SemismoothNewtonState, state_on_path

# The path is left to semismooth steps at this relative complementarity, or where a step gets less
# than this share of its way.
_HANDOVER = 1e-5
_STUCK = 0.02
# Where a step may lead the eigenvalues of M(gamma), relative to where they are. With -0.85, close
# to the boundary, some problems take half as many steps again.
_LOWEST, _HIGHEST = -0.75, 4.0
# From far away steps are damped to end below that, so that the next one need not be as well.
_DAMPED_HIGHEST = 1.4
_SMALLEST_CUT = 0.02
# A step shorter than this is taken to the path of a larger mu instead.
_SHORT, _RAISE, _LARGEST_RAISE = 0.25, 10.0, 1e3
# A start further away, in its own scale or the problem's, is no help: the path from a
# cold one takes more steps, but cheaper ones and less time in all.
_USELESS_DISTANCE = 30.0
USEFUL_ERROR = 1e-2
# Products spent on the ends of a spectrum.
_PRODUCTS = 6


@pytree()
@dataclass(frozen=True, eq=False)
class CentralPathState:
    """An iterate with `X = mu M(gamma)^-1`: both are multiples of I in the coordinates of L.

    Attributes
    ----------
    gamma : array of shape (l,)
    factor : array of shape (r, r)
        Lower Cholesky factor L of M(gamma).
    features : array of shape (r, l)
        `W = L^-1 Phi`.
    mu : array of shape ()
        Weight of the barrier.
    gap : array of shape ()
        Relative complementarity.
    arrived : array of shape ()
        Whether the path is to be left here.
    residual : array of shape ()
    failure : array of shape ()
        Code of the `Status` that ends the solve here, 0 while there is none.
    """

    gamma: Array
    factor: Array
    features: Array
    mu: Scalar
    gap: Scalar
    arrived: Array
    residual: Scalar
    failure: Scalar = 0


@dataclass(frozen=True)
class CentralPath(Opening[CentralPathState, SemismoothNewtonState]):
    """Newton steps for `f(gamma) - mu log det M(gamma)`, each with a mu as small as it allows.

    The classical barrier method (Fiacco and McCormick 1968). On the path `X = mu M^-1`, so that
    its Newton matrix is that of the smoothed conditions, and needs a Cholesky factor instead of
    eigenvectors. It leads to where X and M(gamma) begin to be singular.
    """

    name: str = "central_path"
    max_iter: int = 300
    patience: int = 60

    def init(self, problem: Problem, start: StartingPoint | None) -> CentralPathState:
        """Start on the path above the uniform plan, whatever the start."""
        gamma = uniform_plan(problem)
        factor = cholesky(problem.constraint_matrix(gamma))
        features = solve_lower(factor, problem.features)
        mu = central_weight(problem, gamma, squared_lengths(features))
        return _state(problem, gamma, factor, features, mu, namespace_of(gamma).asarray(False))

    def step(self, problem: Problem, state: CentralPathState, tol: Scalar) -> CentralPathState:
        """Take one Newton step; where the path is still far it is damped and mu stays."""
        xp = namespace_of(state.gamma)
        sound, change, cut, damping = _direction(problem, state, aimed_gap(tol, state.gamma))
        step, factor = cholesky_along(
            lambda t: problem.constraint_matrix(state.gamma + t * change),
            damping,
            partial(cholesky, overwrite=True),
        )
        gamma = state.gamma + step * change
        mu = xp.where(step < damping, 1.0, cut) * state.mu
        gap = complementarity(problem, gamma, mu * problem.rank)
        goes_on = (gap > _HANDOVER) & (step > _STUCK)
        arrived: Array = xp.logical_not(goes_on)
        return branch(
            sound,
            lambda: _state(
                problem, gamma, factor, solve_lower(factor, problem.features), mu, arrived
            ),
            lambda: stopped_by_factorization(state),
        )

    def multiplier(self, problem: Problem, state: CentralPathState) -> Array:
        """Return `X = mu M(gamma)^-1`."""
        return state.mu * inverse_from_cholesky(state.factor)

    def kept(self, state: CentralPathState) -> CentralPathState:
        """Return the state without the features in its coordinates."""
        return replace(state, features=zero_matrix(state.features))

    def is_needed(self, problem: Problem, start: StartingPoint) -> Array:
        """Return whether the start is so far away that the path from a cold one costs less."""
        scaled = rescaled(problem, start)
        distance, error = start_distance(problem, scaled), start_error(problem, scaled)
        is_useful = (distance <= _USELESS_DISTANCE) & (error <= USEFUL_ERROR)
        needed: Array = namespace_of(is_useful).logical_not(is_useful)
        return needed

    def has_arrived(self, state: CentralPathState) -> Array:
        """Return whether mu is small, or a step got hardly anywhere."""
        return state.arrived

    def handed_over(self, problem: Problem, state: CentralPathState) -> SemismoothNewtonState:
        """Return the same point in its eigenbasis."""
        constraint, basis = eigh(problem.constraint_matrix(state.gamma))
        tau = balance(state.mu / constraint, constraint)
        eigenvalues = state.mu / (tau * constraint) - tau * constraint
        eigenbasis = Eigenbasis(basis, basis.T @ problem.features, eigenvalues, tau)
        return state_on_path(problem, state.gamma, eigenbasis, state.mu)


def _state(
    problem: Problem, gamma: Array, factor: Array, features: Array, mu: Scalar, arrived: Array
) -> CentralPathState:
    xp = namespace_of(gamma)
    gap = complementarity(problem, gamma, mu * problem.rank)
    error = stationarity(problem, gamma, mu * squared_lengths(features)).largest
    residual = xp.maximum(error, gap)
    # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
    failure = factorization_code(xp.isfinite(residual), gamma)
    return CentralPathState(gamma, factor, features, mu, gap, arrived, residual, failure)


class _Direction(NamedTuple):
    """Whether the Newton matrix has a factor, the step, its cut of mu, and its damping."""

    sound: Array
    change: Array
    cut: Scalar
    damping: Scalar


def _direction(problem: Problem, state: CentralPathState, aim: Scalar) -> _Direction:
    """Return the direction with the smallest mu that its neighbourhood allows."""
    xp = namespace_of(state.gamma)
    W = state.features
    newton = newton_factor(problem, state.mu * xp.ones_like(W[:, 0]) / xp.sqrt(state.mu), W)
    sound = xp.isfinite(newton[-1, -1])

    def solved(values: Array) -> Array:  # without a factor there is nowhere to go
        solution: Array = xp.where(sound, cholesky_solve(newton, values), 0.0)
        return solution

    start = solved(-problem.gradient(state.gamma))
    slope = solved(state.mu * squared_lengths(W))
    cut, damping = _boldest_cut(W, start, slope, least_cut(state.gap, aim))
    cut, damping = _raised(W, start, slope, cut, damping)
    return _Direction(sound, start + cut * slope, cut, damping)


def _boldest_cut(W: Array, start: Array, slope: Array, least: Scalar) -> tuple[Scalar, Scalar]:
    """Return the smallest cut of mu whose step keeps M(gamma) near, and the step's damping.

    The step changes M(gamma), relative to itself, by `W diag(start + cut slope) W'`. The ends of
    its spectrum are bounded by those at cut 1, the step to the path as it is, and of the slope.
    """
    xp = namespace_of(W)

    lowest, highest = _ends(W, start + slope)
    slope_lowest, slope_highest = _ends(W, slope)
    tiny = xp.finfo(W.dtype).eps
    fall = xp.minimum(
        (lowest - _LOWEST) / xp.maximum(slope_highest, tiny),
        (_HIGHEST - highest) / xp.maximum(-slope_lowest, tiny),
    )
    smallest = xp.minimum(1.0, xp.maximum(least, _SMALLEST_CUT))
    cut = xp.clip(1 - fall, smallest, 1.0)
    damping = xp.minimum(1.0, _damping(lowest, highest, W))
    return cut, xp.where(fall >= 0, 1.0, damping)


def _ends(W: Array, weights: Array) -> tuple[Scalar, Scalar]:
    """Return the ends of the spectrum of `W diag(weights) W'`."""
    return extreme_eigenvalues(lambda v: W @ (weights * (W.T @ v).T).T, W, _PRODUCTS)


def _damping(lowest: Scalar, highest: Scalar, like: Array) -> Scalar:
    """Return the share of a step with these ends that keeps M(gamma) near; more than 1 for all."""
    xp = namespace_of(like)
    tiny = xp.finfo(like.dtype).eps
    share: Scalar = xp.minimum(
        -_LOWEST / xp.maximum(-lowest, tiny), _DAMPED_HIGHEST / xp.maximum(highest, tiny)
    )
    return share


def _raised(
    W: Array, start: Array, slope: Array, cut: Scalar, damping: Scalar
) -> tuple[Scalar, Scalar]:
    """Return a larger mu and the damping of its step where that of this one is too short.

    Near the boundary the step to the path of a small mu leads out at once; the path of a larger
    one is nearer.
    """
    xp = namespace_of(W)

    def is_short(tried: tuple[Scalar, Scalar]) -> Scalar:
        return (tried[1] < _SHORT) & (tried[0] < _LARGEST_RAISE)

    def raised(tried: tuple[Scalar, Scalar]) -> tuple[Scalar, Scalar]:
        larger = _RAISE * tried[0]
        lowest, highest = _ends(W, start + larger * slope)
        return larger, xp.minimum(1.0, _damping(lowest, highest, W))

    return while_loop(is_short, raised, (cut, damping))
