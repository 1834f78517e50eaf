"""Choose the change of coordinates from two samples."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from kernel_ot._arrays import Array
from kernel_ot.preconditioning._conjugation import Conjugation
from kernel_ot.preconditioning._covariance import gaussian_map, shrunk_covariance

PRECONDITIONERS = ("gaussian", "scale", None)
"""Values of `preconditioner`, best first."""

# Standard deviations below this part of the pooled one are treated as this large: a constant
# direction then has a finite, nearly trivial map instead of a division by zero.
_RELATIVE_FLOOR = 1e-3


def fit_conjugation(
    x: Array,
    y: Array,
    kind: str | None = "gaussian",
    weights_x: Array | None = None,
    weights_y: Array | None = None,
) -> Conjugation:
    r"""Return the change of coordinates for two samples.

    Parameters
    ----------
    x, y : ndarray of shape (n, d) and (m, d)
        The samples, in the user's units.
    kind : {"gaussian", "scale", None}
        `"gaussian"`: both are centred and :math:`B = A^{1/2}`, where A is the linear part of the
        optimal map between Gaussians with the samples' Ledoit-Wolf covariances. Both changed
        samples then have the same covariance and zero potentials mean the Gaussian map, so
        regularisation shrinks towards that map. `"scale"`: both are centred, B = I; zero potentials
        mean the translation. None: neither, B = I and s = 1.
    weights_x, weights_y : ndarray of shape (n,) and (m,), optional
        Masses that sum to one; equal ones if not given.

    Returns
    -------
    Conjugation
        With s such that a coordinate of the changed samples has variance 1 on average (pooled over
        both samples); 1 if all points of both samples are equal.

    Raises
    ------
    ValueError
        `kind` is none of the above.

    Notes
    -----
    Sample sizes at most d, singular covariances and constant columns are fine: eigenvalues of a
    covariance are not let below :math:`10^{-6}` of the average variance of its own sample (of the
    other's where all its points are equal), so a direction that is constant in both samples keeps
    :math:`A \approx 1` times the ratio of the samples' sizes.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(500, 1))
    >>> change = fit_conjugation(x, 3 * x + 1)
    >>> np.allclose(change.forward_x(x), change.forward_y(3 * x + 1))
    True
    """
    d = x.shape[1]
    if kind is None:
        return Conjugation(np.zeros(d), np.zeros(d), np.eye(d), np.eye(d), 1.0)
    if kind not in PRECONDITIONERS:
        raise ValueError(f"preconditioner = {kind!r} must be one of {PRECONDITIONERS}.")
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    weights_x = np.full(len(x), 1 / len(x)) if weights_x is None else weights_x
    weights_y = np.full(len(y), 1 / len(y)) if weights_y is None else weights_y
    mean_x, mean_y = _mean(x, weights_x), _mean(y, weights_y)
    centred_x, centred_y = x - mean_x, y - mean_y
    root = inverse_root = np.eye(d)
    if kind == "gaussian":
        covariance_x, _ = shrunk_covariance(centred_x, weights_x)
        covariance_y, _ = shrunk_covariance(centred_y, weights_y)
        level_x = _level(covariance_x, float(np.abs(mean_x).max()))
        level_y = _level(covariance_y, float(np.abs(mean_y).max()))
        root, inverse_root = _gaussian_roots(covariance_x, covariance_y, level_x, level_y)
    spread = _mean_variance(centred_x @ root, weights_x)
    spread += _mean_variance(centred_y @ inverse_root, weights_y)
    # Rounding of the mean is not a spread: two samples of identical points have none.
    rounding = np.finfo(float).eps * (
        np.abs(mean_x).max() * np.abs(root).max()
        + np.abs(mean_y).max() * np.abs(inverse_root).max()
    )
    scale = float(np.sqrt(spread / 2))
    return Conjugation(mean_x, mean_y, root, inverse_root, scale if scale > 8 * rounding else 1.0)


def _mean(points: Array, weights: Array) -> Array:
    """Return the mean; of equal points it is the point itself, not one beside it by rounding."""
    middle = np.median(points, axis=0)
    return np.asarray(middle + weights @ (points - middle))


def _mean_variance(centred: Array, weights: Array) -> float:
    return float(weights @ np.mean(np.square(centred), axis=1))


def _gaussian_roots(
    covariance_x: Array, covariance_y: Array, level_x: float, level_y: float
) -> tuple[Array, Array]:
    d = covariance_x.shape[0]
    if max(level_x, level_y) <= 0:
        return np.eye(d), np.eye(d)
    floor_x = _RELATIVE_FLOOR**2 * (level_x if level_x > 0 else level_y)
    floor_y = _RELATIVE_FLOOR**2 * (level_y if level_y > 0 else level_x)
    matrix = gaussian_map(_floored(covariance_x, floor_x), _floored(covariance_y, floor_y))
    values, vectors = scipy.linalg.eigh(matrix)
    roots = np.sqrt(values)
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T


def _level(covariance: Array, magnitude: float) -> float:
    """Return the average variance of a coordinate; 0 if it is only the rounding of the mean."""
    level = float(np.trace(covariance)) / covariance.shape[0]
    return level if level > (8 * np.finfo(float).eps * magnitude) ** 2 else 0.0


def _floored(covariance: Array, floor: float) -> Array:
    values, vectors = scipy.linalg.eigh(covariance)
    return np.asarray((vectors * np.maximum(values, floor)) @ vectors.T)
