r"""The quadratic programme that is left of the problem where the sum of squares vanishes.

On a set of filling points where the constraint is active, :math:`c - u - v = 0`, the optimal
sum-of-squares operator is A = 0, and the finite-dimensional dual (Vacher et al. 2021, equation 9)
becomes

.. math:: \min_{\gamma \ge 0} \; \tfrac12 \gamma^\top Q \gamma - z^\top \gamma .

Its solution, kept at the points with positive multiplier, solves the semidefinite problem on those
points for every :math:`\lambda_1 > 0`: :math:`\gamma \ge 0` makes
:math:`M(\gamma) \succeq \lambda_1 I`, so X = 0 is complementary, and :math:`Q \gamma = z` is
stationary.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.linalg

from kernel_ot._arrays import Array

_MAX_STEPS = 60
# A point whose multiplier is below this part of the average carries no weight in the potentials.
_ACTIVE = 1e-4
# Makes Q definite; moves the potentials by this part of their size over lambda_2.
_RIDGE = 1e-11
# Relative to the average diagonal entry of Q.
_JITTER = 1e-13
_MAX_POLISHING_STEPS = 100


class Contact(NamedTuple):
    """Where the constraint is active.

    Attributes
    ----------
    points : ndarray of bool, shape (l,)
        Which of the filling points.
    gamma : ndarray of shape (number of these points,)
        Their multipliers, positive.
    """

    points: Array
    gamma: Array


def solve_pointwise(quadratic: Array, linear: Array, tol: float = 1e-10) -> Array:
    r"""Return the minimiser of :math:`\gamma^\top Q \gamma / 2 - z^\top \gamma` over gamma >= 0.

    A predictor-corrector interior point method (Mehrotra 1992) with one Cholesky factorisation of
    an l x l matrix a step; 10-25 steps whatever the conditioning of Q, which may be singular.

    Parameters
    ----------
    quadratic : ndarray of shape (l, l)
        Q, symmetric positive semidefinite.
    linear : ndarray of shape (l,)
        z.
    tol : float
        Bound on the duality gap and on the stationarity, relative to the size of z.

    Returns
    -------
    ndarray of shape (l,)
        Positive; zero multipliers are tiny, see `polish`.

    Examples
    --------
    >>> from typing import NamedTuple

    import numpy as np
    >>> np.round(solve_pointwise(np.eye(2), np.array([3.0, -1.0])), 6).tolist()
    [3.0, 0.0]
    """
    n_fill = len(linear)
    scale = max(float(np.abs(linear).max()), np.finfo(float).tiny)
    level = max(float(np.trace(quadratic)) / n_fill, np.finfo(float).tiny)
    quadratic = quadratic + _RIDGE * level * np.eye(n_fill)
    gamma = np.full(n_fill, scale / level / n_fill)
    slack = np.full(n_fill, scale)
    for _ in range(_MAX_STEPS):
        stationarity = quadratic @ gamma - linear - slack
        gap = float(gamma @ slack)
        if np.abs(stationarity).max() <= tol * scale and gap <= tol * scale * gamma.sum():
            break
        matrix = quadratic.copy()
        matrix.flat[:: n_fill + 1] += slack / gamma
        try:
            factor = scipy.linalg.cho_factor(
                matrix, lower=True, overwrite_a=True, check_finite=False
            )
        except np.linalg.LinAlgError:
            break  # rounding has the last word; what is reached is near the solution
        products = gamma * slack
        change, change_slack = _direction(factor, stationarity, gamma, slack, products)
        predicted = (gamma + _step(gamma, change) * change) @ (
            slack + _step(slack, change_slack) * change_slack
        )
        centring = (predicted / gap) ** 3 * gap / n_fill
        target = products + change * change_slack - centring
        change, change_slack = _direction(factor, stationarity, gamma, slack, target)
        gamma = gamma + min(1.0, 0.99 * _step(gamma, change)) * change
        slack = slack + min(1.0, 0.99 * _step(slack, change_slack)) * change_slack
    return gamma


def polish(quadratic: Array, linear: Array, gamma: Array) -> Contact:
    r"""Return the points that carry weight with their multipliers, exact to rounding.

    Starts from the points whose multiplier is more than the interior method's rounding, and goes
    from there to the solution of :math:`Q \gamma = z` on them; points whose multiplier reaches zero
    on the way are dropped (the inner loop of Lawson and Hanson 1974, chapter 23). Where points are
    so close that Q is singular, this keeps one of several.

    """
    active = gamma > _ACTIVE * gamma.mean()
    jitter = _JITTER * float(np.trace(quadratic)) / len(gamma)
    gamma = np.where(active, gamma, 0.0)
    for _ in range(_MAX_POLISHING_STEPS):
        matrix = quadratic[np.ix_(active, active)]
        matrix.flat[:: len(matrix) + 1] += jitter
        try:
            factor = scipy.linalg.cho_factor(matrix, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            break
        here = gamma[active]
        plain = quadratic[np.ix_(active, active)]
        change = scipy.linalg.cho_solve(factor, linear[active] - plain @ here)
        step = _step(here, change)
        here = np.maximum(here + step * change, 0)
        gamma[active] = here
        if step == 1.0:
            # One more correction takes out what the jitter left.
            trial = here + scipy.linalg.cho_solve(factor, linear[active] - plain @ here)
            gamma[active] = trial if trial.min() > 0 else here
            break
        leaving = (change < 0) & (here <= _ACTIVE * here.mean())
        active[np.flatnonzero(active)[leaving]] = False
        gamma[~active] = 0
    return Contact(active, gamma[active])


def _direction(
    factor: tuple[Array, bool], stationarity: Array, gamma: Array, slack: Array, target: Array
) -> tuple[Array, Array]:
    """Return the Newton direction that brings the products gamma * slack down by `target`."""
    change = scipy.linalg.cho_solve(factor, -stationarity - target / gamma, check_finite=False)
    return change, -(target + slack * change) / gamma


def _step(point: Array, change: Array) -> float:
    """Return the largest step in [0, 1] along which `point` stays non-negative."""
    falling = change < 0
    if not falling.any():
        return 1.0
    return min(1.0, float((-point[falling] / change[falling]).min()))
