"""Shrunk covariances and the linear part of the optimal map between two Gaussians."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from kernel_ot._arrays import Array

# Of the root mean standard deviation of all features.
_SMALL_FEATURE = 0.05


def shrunk_covariance(centred: Array, weights: Array) -> tuple[Array, float]:
    r"""Return the Ledoit-Wolf covariance of a weighted, centred sample, and its shrinkage.

    The estimate is :math:`(1 - \rho) S + \rho\,(\mathrm{tr} S / d) I` with the weighted covariance
    :math:`S = \sum_i w_i x_i x_i^\top` and
    :math:`\rho = \min(1, \sum_i w_i^2 |x_i x_i^\top - S|_F^2 / |S - (\mathrm{tr} S / d) I|_F^2)`.

    Features that vary by less than a twentieth of what all do in the root mean are in another unit:
    their rows and columns are shrunk in units of their own spread, or :math:`I` would swamp them.

    Parameters
    ----------
    centred : ndarray of shape (n, d)
        Points with weighted mean zero.
    weights : ndarray of shape (n,)
        Masses that sum to one; with equal masses this is Ledoit and Wolf's estimator.

    Returns
    -------
    covariance : ndarray of shape (d, d)
        Positive semidefinite; singular only where the shrinkage is 0.
    shrinkage : float
        The weight of the multiple of the identity, in [0, 1].

    References
    ----------
    O. Ledoit, M. Wolf, A well-conditioned estimator for large-dimensional covariance matrices,
    Journal of Multivariate Analysis 88 (2004), equations 9-14.

    Examples
    --------
    >>> import numpy as np
    >>> covariance, shrinkage = shrunk_covariance(np.array([[1.0, 0], [-1.0, 0]]), np.full(2, 0.5))
    >>> np.round(covariance, 6).tolist(), round(shrinkage, 6)
    ([[1.0, 0.0], [0.0, 0.0]], 0.0)
    """
    units = _units(centred, weights)
    shrunk, shrinkage = _ledoit_wolf(centred / units, weights)
    return shrunk * np.outer(units, units), shrinkage


def small_features(variances: Array) -> Array:
    """Return which features vary so little beside the others that they are in another unit."""
    return np.asarray((variances > 0) & (variances < _SMALL_FEATURE**2 * variances.mean()))


def _units(centred: Array, weights: Array) -> Array:
    """Return units in which small features vary as the others do in the mean; 1 for the others."""
    variances = weights @ np.square(centred)
    small = small_features(variances)
    if not small.any():
        return np.ones(len(variances))
    return np.where(small, np.sqrt(variances / variances[~small].mean()), 1.0)


def _ledoit_wolf(centred: Array, weights: Array) -> tuple[Array, float]:
    d = centred.shape[1]
    covariance = (centred * weights[:, None]).T @ centred
    level = float(np.trace(covariance)) / d
    dispersion = float(np.sum(np.square(covariance - level * np.eye(d))))
    if dispersion <= 0:
        return covariance, 0.0
    # |x x' - S|^2 = |x|^4 - 2 x'Sx + |S|^2, so no n x d x d array is needed.
    deviations = (
        np.sum(np.square(centred), axis=1) ** 2
        - 2 * np.sum(centred * (centred @ covariance), axis=1)
        + float(np.sum(np.square(covariance)))
    )
    shrinkage = min(1.0, max(0.0, float(np.square(weights) @ deviations)) / dispersion)
    return (1 - shrinkage) * covariance + shrinkage * level * np.eye(d), shrinkage


def gaussian_map(covariance_x: Array, covariance_y: Array) -> Array:
    r"""Return the matrix A of the optimal map between centred Gaussians, :math:`x \mapsto A x`.

    :math:`A = \Sigma_x^{-1/2} (\Sigma_x^{1/2} \Sigma_y \Sigma_x^{1/2})^{1/2} \Sigma_x^{-1/2}`.

    Parameters
    ----------
    covariance_x, covariance_y : ndarray of shape (d, d)
        Symmetric; `covariance_x` positive definite, `covariance_y` positive semidefinite.

    Returns
    -------
    ndarray of shape (d, d)
        Symmetric positive semidefinite, with :math:`A \Sigma_x A = \Sigma_y`.

    References
    ----------
    G. Peyre, M. Cuturi, Computational Optimal Transport (2019), remark 2.31.

    Examples
    --------
    >>> import numpy as np
    >>> gaussian_map(np.array([[4.0]]), np.array([[9.0]])).tolist()
    [[1.5]]
    """
    values, vectors = scipy.linalg.eigh(covariance_x)
    roots = np.sqrt(np.maximum(values, np.finfo(float).tiny))
    root = (vectors * roots) @ vectors.T
    inverse_root = (vectors / roots) @ vectors.T
    inner_values, inner_vectors = scipy.linalg.eigh(root @ covariance_y @ root)
    inner = (inner_vectors * np.sqrt(np.maximum(inner_values, 0))) @ inner_vectors.T
    matrix = inverse_root @ inner @ inverse_root
    return np.asarray((matrix + matrix.T) / 2)
