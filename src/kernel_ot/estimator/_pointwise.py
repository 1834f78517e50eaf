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

import numpy as np
import scipy.linalg

from kernel_ot.arrays import Array

_MAX_STEPS = 60
# A point whose multiplier is below this part of the average carries no weight in the potentials.
_ACTIVE = 1e-4


def solve_pointwise(quadratic: Array, linear: Array, tol: float = 1e-9) -> Array:
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
        Positive; zero multipliers are tiny, see `active_points`.

    Examples
    --------
    >>> import numpy as np
    >>> np.round(solve_pointwise(np.eye(2), np.array([3.0, -1.0])), 6).tolist()
    [3.0, 0.0]
    """
    n_fill = len(linear)
    scale = max(float(np.abs(linear).max()), np.finfo(float).tiny)
    level = max(float(np.trace(quadratic)) / n_fill, np.finfo(float).tiny)
    gamma = np.full(n_fill, scale / level / n_fill)
    slack = np.full(n_fill, scale)
    for _ in range(_MAX_STEPS):
        stationarity = quadratic @ gamma - linear - slack
        gap = float(gamma @ slack)
        if np.abs(stationarity).max() <= tol * scale and gap <= tol * scale * gamma.sum():
            break
        matrix = quadratic.copy()
        matrix.flat[:: n_fill + 1] += slack / gamma
        factor = scipy.linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
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


def active_points(gamma: Array) -> Array:
    """Return the mask of the points whose multiplier is more than the method's rounding."""
    return np.asarray(gamma > _ACTIVE * gamma.mean())


def refine(quadratic: Array, linear: Array, gamma: Array, steps: int = 5) -> Array:
    r"""Return gamma corrected towards :math:`Q \gamma = z`, exact to rounding where Q allows it.

    Corrections, not a fresh solve: directions in which Q is singular keep their multipliers.
    """
    jitter = 1e-13 * float(np.trace(quadratic)) / len(gamma)
    matrix = quadratic + jitter * np.eye(len(gamma))
    try:
        factor = scipy.linalg.cho_factor(matrix, lower=True, overwrite_a=True)
    except np.linalg.LinAlgError:
        return gamma
    best, error = gamma, float(np.linalg.norm(quadratic @ gamma - linear))
    for _ in range(steps):
        gamma = gamma + scipy.linalg.cho_solve(factor, linear - quadratic @ gamma)
        now = float(np.linalg.norm(quadratic @ gamma - linear))
        if not now < error:
            break
        best, error = gamma, now
    return best


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
