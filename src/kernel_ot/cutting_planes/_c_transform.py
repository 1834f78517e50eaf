r"""The c-transform :math:`u^c(y) = \min_x |x - y|^2 / 2 - u(x)`, minimised over all x."""

from __future__ import annotations

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes._pairs import scan_pairs
from kernel_ot.potentials import PotentialFunction, value_and_gradient

_MAX_STEPS = 50


def c_transform(
    potential: PotentialFunction,
    y: Array,
    candidates: Array,
    starts: Array | None = None,
    tol: float = 1e-10,
) -> Array:
    r"""Return :math:`\min_x |x - y_j|^2 / 2 - u(x)` for every row of `y`.

    The best of the candidates, and of `starts`, is followed downhill in all points at once: steps
    :math:`x \leftarrow x - t (x - y - \nabla u(x))`, halved where they do not descend and
    lengthened where they do. A step of length 1 is Newton's where the map is near the identity,
    which it is in preconditioned coordinates. A descent ends in a stationary point, so for a u
    that is far from c-concave the value is an upper bound of the minimum.

    Parameters
    ----------
    potential : PotentialFunction
        u.
    y : ndarray of shape (k, d)
    candidates : ndarray of shape (n, d)
        Where the search begins, usually the sample of x.
    starts : ndarray of shape (k, d), optional
        One more start for each y_j, usually S(y_j).
    tol : float, default 1e-10
        A point is done where a step gains less than this relative to `1 + |value|`.

    Returns
    -------
    ndarray of shape (k,)

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot.kernels import Linear
    >>> from kernel_ot.potentials import KernelExpansion
    >>> u = KernelExpansion(Linear(), np.array([[1.0]]), np.array([2.0]))
    >>> c_transform(u, np.array([[0.5]]), candidates=np.zeros((1, 1)))  # -2 y - 2
    array([-3.])
    """
    scan = scan_pairs(candidates, y, potential(candidates), np.zeros(len(y)))
    points, values = candidates[scan.column_partner], -scan.column_best
    if starts is not None:
        others = _objective(potential, starts, y)
        better = others < values
        points, values = np.where(better[:, None], starts, points), np.where(better, others, values)
    return descend(potential, y, points, tol, values=values)[1]


def descend(
    potential: PotentialFunction,
    y: Array,
    points: Array,
    tol: float,
    *,
    values: Array | None = None,
    radius: float = np.inf,
) -> tuple[Array, Array]:
    """Return where the descent of `c_transform` ends that starts at `points`, and the values there.

    Parameters
    ----------
    potential : PotentialFunction
        u.
    y, points : ndarray of shape (k, d)
    tol : float
    values : ndarray of shape (k,), optional
        Those at `points`, where they are known.
    radius : float, optional
        Steps end within this distance of the origin.

    Returns
    -------
    points : ndarray of shape (k, d)
    values : ndarray of shape (k,)
    """
    points = points.copy()
    values = _objective(potential, points, y) if values is None else values.copy()
    # The value at the best start is known; what is asked for here is its gradient.
    slopes = points - y - potential.gradient(points)
    length = np.ones(len(y))
    open_ = np.arange(len(y))
    for _ in range(_MAX_STEPS):
        here, slope = points[open_], slopes[open_]
        trial = here - length[open_, None] * slope
        if radius < np.inf:
            norms = np.linalg.norm(trial, axis=1, keepdims=True)
            farthest = np.maximum(norms, max(radius, np.finfo(float).tiny))
            trial *= np.minimum(1.0, radius / farthest)
        value, gradient = value_and_gradient(potential, trial)
        trial_values = np.sum(np.square(trial - y[open_]), axis=1) / 2 - value
        gain = values[open_] - trial_values
        better = gain > 0
        moved = open_[better]
        points[moved], values[moved] = trial[better], trial_values[better]
        slopes[moved] = (trial - y[open_] - gradient)[better]
        length[open_] *= np.where(better, 1.3, 0.3)
        settled = np.where(better, gain, length[open_] * np.sum(np.square(slope), axis=1))
        open_ = open_[settled > tol * (1 + np.abs(values[open_]))]
        if not open_.size:
            break
    return points, values


def _objective(potential: PotentialFunction, x: Array, y: Array) -> Array:
    return np.asarray(np.sum(np.square(x - y), axis=1) / 2 - potential(x))
