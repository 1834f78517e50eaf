"""Where the semismooth Newton method begins: the central path, followed in gamma alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from kernel_ot._arrays import Array, branch, namespace_of, while_loop
from kernel_ot._linalg import (
    cholesky,
    cholesky_solve,
    eigh,
    extreme_eigenvalues,
    solve_lower,
    squared_lengths,
    zero_matrix,
)
from kernel_ot.problem import Problem, complementarity, stationarity
from kernel_ot.solvers._scaling import (
    balance,
    central_weight,
    uniform_plan,
)
from kernel_ot.solvers._status import factorization_code
from kernel_ot.solvers.interior_point._steps import cholesky_along
from kernel_ot.solvers.semismooth._state import (
    SemismoothNewtonState,
    least_cut,
    newton_factor,
    state_on_path,
)

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
# Products spent on the ends of a spectrum.
_PRODUCTS = 6


def central_start(problem: Problem) -> SemismoothNewtonState:
    """Return the state `X = mu M(gamma)^-1` at the uniform plan."""
    gamma = uniform_plan(problem)
    factor = cholesky(problem.constraint_matrix(gamma))
    features = solve_lower(factor, problem.features)
    mu = central_weight(problem, gamma, squared_lengths(features))
    return _central_state(problem, gamma, factor, features, mu)


def central_step(problem: Problem, state: SemismoothNewtonState, aim: Any) -> SemismoothNewtonState:
    """Take one Newton step for `f(gamma) - mu log det M(gamma)`, with a mu as small as it allows.

    The classical barrier method (Fiacco and McCormick 1968). Its Newton matrix is that of the
    smoothed conditions on the path, since there `X = mu M^-1`: no eigen-decomposition is needed.
    Where the path is still far the step is damped and mu stays.
    """
    xp = namespace_of(state.gamma)
    sound, change, cut, damping = _direction(problem, state, aim)
    step, factor = cholesky_along(
        lambda t: problem.constraint_matrix(state.gamma + t * change),
        damping,
        partial(cholesky, overwrite=True),
    )
    gamma = state.gamma + step * change
    mu = xp.where(step < damping, 1.0, cut) * state.squared_smoothing
    gap = complementarity(problem, gamma, mu * problem.rank)

    def moved() -> SemismoothNewtonState:
        return branch(
            (gap > _HANDOVER) & (step > _STUCK),
            lambda: _central_state(
                problem, gamma, factor, solve_lower(factor, problem.features), mu
            ),
            lambda: _handed_over(problem, gamma, mu),
        )

    return branch(
        sound, moved, lambda: replace(state, failure=factorization_code(False, state.gamma))
    )


def _direction(
    problem: Problem, state: SemismoothNewtonState, aim: Any
) -> tuple[Any, Array, Any, Any]:
    """Return whether the Newton matrix has a factor, the step, its cut of mu and its damping."""
    xp = namespace_of(state.gamma)
    newton = newton_factor(problem, state)
    sound = xp.isfinite(newton[-1, -1])

    def solved(values: Array) -> Array:  # without a factor there is nowhere to go
        solution: Array = xp.where(sound, cholesky_solve(newton, values), 0.0)
        return solution

    start = solved(-problem.gradient(state.gamma))
    slope = solved(state.squared_smoothing * squared_lengths(state.features))
    cut, damping = _boldest_cut(state.features, start, slope, least_cut(state, aim))
    cut, damping = _raised(state.features, start, slope, cut, damping)
    return sound, start + cut * slope, cut, damping


def _boldest_cut(W: Array, start: Array, slope: Array, least: Any) -> tuple[Any, Any]:
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


def _ends(W: Array, weights: Array) -> tuple[Any, Any]:
    """Return the ends of the spectrum of `W diag(weights) W'`."""
    return extreme_eigenvalues(lambda v: W @ (weights * (W.T @ v).T).T, W, _PRODUCTS)


def _damping(lowest: Any, highest: Any, like: Array) -> Any:
    """Return the share of a step with these ends that keeps M(gamma) near; more than 1 for all."""
    xp = namespace_of(like)
    tiny = xp.finfo(like.dtype).eps
    return xp.minimum(
        -_LOWEST / xp.maximum(-lowest, tiny), _DAMPED_HIGHEST / xp.maximum(highest, tiny)
    )


def _raised(W: Array, start: Array, slope: Array, cut: Any, damping: Any) -> tuple[Any, Any]:
    """Return a larger mu and the damping of its step where that of this one is too short.

    Near the boundary the step to the path of a small mu leads out at once; the path of a larger
    one is nearer.
    """
    xp = namespace_of(W)

    def is_short(tried: tuple[Any, Any]) -> Any:
        return (tried[1] < _SHORT) & (tried[0] < _LARGEST_RAISE)

    def raised(tried: tuple[Any, Any]) -> tuple[Any, Any]:
        larger = _RAISE * tried[0]
        lowest, highest = _ends(W, start + larger * slope)
        return larger, xp.minimum(1.0, _damping(lowest, highest, W))

    return while_loop(is_short, raised, (cut, damping))


def _central_state(
    problem: Problem, gamma: Array, factor: Array, features: Array, mu: Any
) -> SemismoothNewtonState:
    """Return the state `X = mu M(gamma)^-1`, in the coordinates of the factor of M(gamma)."""
    xp = namespace_of(gamma)
    ones = xp.ones_like(features[:, 0])
    gap = complementarity(problem, gamma, mu * problem.rank)
    error = stationarity(problem, gamma, mu * squared_lengths(features)).largest
    residual = xp.maximum(error, gap)
    return SemismoothNewtonState(
        gamma,
        factor,
        features,
        deviation=zero_matrix(factor),
        positive=mu * ones,
        negative=ones,
        tau=xp.ones_like(mu),
        squared_smoothing=mu,
        gap=gap,
        is_central=xp.ones_like(gap, dtype=bool),
        residual=residual,
        # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
        failure=factorization_code(xp.isfinite(residual), gamma),
    )


def _handed_over(problem: Problem, gamma: Array, mu: Any) -> SemismoothNewtonState:
    """Return the state `X = mu M(gamma)^-1`, in the eigenbasis."""
    constraint, basis = eigh(problem.constraint_matrix(gamma))
    tau = balance(mu / constraint, constraint)
    values = mu / (tau * constraint) - tau * constraint
    return state_on_path(problem, gamma, basis, basis.T @ problem.features, values, tau, mu)
