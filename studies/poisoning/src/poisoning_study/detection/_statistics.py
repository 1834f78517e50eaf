"""Statistics of two samples at many exchanges at once: the larger, the more the samples differ.

What all exchanges share (distances, kernel values, products) is computed once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

_Floats = NDArray[np.float64]
_Masks = NDArray[np.bool_]


def median_distance(points: _Floats) -> float:
    """Return the median distance between different points, 1 where all are equal."""
    distances = cdist(points, points)
    return float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0


def gaussian_kernel(points: _Floats, others: _Floats, bandwidth: float) -> _Floats:
    """Return `exp(-|x - y|^2 / (2 h^2))`."""
    return np.asarray(np.exp(-cdist(points, others, "sqeuclidean") / (2 * bandwidth**2)))


def quadratic_forms(matrix: _Floats, masks: _Masks) -> _Floats:
    """Return `w' A w` for each mask, w being 1/n on its points and -1/m on the others.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> masks = np.array([[False, False, True, True], [False, True, False, True]])
    >>> (-quadratic_forms(cdist(line, line), masks)).tolist()  # the energy distance
    [-0.0, 2.0]
    """
    mine, others = masks.astype(np.float64), (~masks).astype(np.float64)
    weights = mine / mine.sum(1, keepdims=True) - others / others.sum(1, keepdims=True)
    return np.asarray(((weights @ matrix) * weights).sum(1))


def _moments(points: _Floats, masks: _Masks) -> tuple[_Floats, _Floats]:
    """Return means (masks, d) and covariances (masks, d, d) of the points of each mask."""
    shares = masks / masks.sum(1, keepdims=True)
    products = (points[:, :, None] * points[:, None, :]).reshape(len(points), -1)
    means = shares @ points
    second = (shares @ products).reshape(-1, points.shape[1], points.shape[1])
    return means, second - means[:, :, None] * means[:, None, :]


def leading_variances(points: _Floats, masks: _Masks) -> _Floats:
    """Return the largest variance along a direction: what spectral signatures look for."""
    return np.asarray(np.linalg.eigvalsh(_moments(points, masks)[1])[:, -1])


def two_means(
    points: _Floats, masks: _Masks, n_iterations: int = 20
) -> tuple[NDArray[np.int64], _Floats]:
    """Return Lloyd's two clusters in each mask, starting from a cut along its first component.

    Returns
    -------
    side : int64 array (masks, n)
        Nearer centre of every point, in the mask or not.
    centres : float64 array (masks, 2, d)
        Both equal to the mean where there is nothing to part.
    """
    means, covariances = _moments(points, masks)
    direction = np.linalg.eigh(covariances)[1][:, :, -1]
    side = (direction @ points.T > (direction * means).sum(1, keepdims=True)).astype(np.int64)
    centres = np.stack([means, means], axis=1)
    squares = (points**2).sum(1)
    for _ in range(n_iterations):
        member = np.stack([masks & (side == cluster) for cluster in (0, 1)], axis=1)
        counts = member.sum(2)
        found = (member @ points) / np.maximum(counts, 1)[:, :, None]
        centres = np.where((counts.min(1) > 0)[:, None, None], found, means[:, None])
        distances = squares - 2 * centres @ points.T + (centres**2).sum(2)[:, :, None]
        new = distances.argmin(1)
        if (new == side).all():
            break
        side = new
    return side, centres


def cluster_separations(points: _Floats, masks: _Masks) -> _Floats:
    """Return the share of variance between two clusters: what activation clustering looks for."""
    side, centres = two_means(points, masks)
    means, covariances = _moments(points, masks)
    total = np.trace(covariances, axis1=1, axis2=2)
    between = np.zeros(len(masks))
    for cluster in (0, 1):
        share = (masks & (side == cluster)).sum(1) / masks.sum(1)
        between += share * ((centres[:, cluster] - means) ** 2).sum(1)
    return np.asarray(np.divide(between, total, out=np.zeros(len(masks)), where=total > 1e-12))
