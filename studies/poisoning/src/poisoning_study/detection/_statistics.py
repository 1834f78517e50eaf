"""Statistics of two samples: the larger, the more they differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from poisoning_study.detection._pair import ClassPair
from poisoning_study.detection._transport import TransportTest

_Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]
#: From the mask of suspects to a number.
Statistic = Callable[[_Mask], float]


def energy_distance(distances: _Floats, suspect: _Mask) -> float:
    """Return `2 E|a - b| - E|a - a'| - E|b - b'|` from pooled distances (Szekely and Rizzo).

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> energy_distance(cdist(line, line), np.array([False, False, True, True]))
    0.0
    """
    a, b = ~suspect, suspect
    between = distances[np.ix_(a, b)].mean()
    within = distances[np.ix_(a, a)].mean() + distances[np.ix_(b, b)].mean()
    return float(2 * between - within)


def leading_variance(points: _Floats) -> float:
    """Return the largest variance along a direction: what spectral signatures look for."""
    centred = points - points.mean(0)
    return float(np.linalg.norm(centred, 2) ** 2 / len(points))


def two_means(points: _Floats, n_iterations: int = 20) -> tuple[NDArray[np.int64], _Floats]:
    """Return (cluster of each point, both centres); starts from a cut along the first component."""
    centred = points - points.mean(0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    side = (centred @ direction > 0).astype(np.int64)
    centres = points[:2]
    for _ in range(n_iterations):
        if side.min() == side.max():
            return side, np.stack([points.mean(0)] * 2)
        centres = np.stack([points[side == cluster].mean(0) for cluster in (0, 1)])
        new = cdist(points, centres).argmin(1)
        if (new == side).all():
            break
        side = new
    return side, centres


def cluster_separation(points: _Floats) -> float:
    """Return the share of variance between two clusters: what activation clustering looks for."""
    side, centres = two_means(points)
    total = float(((points - points.mean(0)) ** 2).sum())
    if total == 0:
        return 0.0
    within = float(((points - centres[side]) ** 2).sum())
    return 1 - within / total


def statistics(pair: ClassPair, transport: TransportTest) -> dict[str, Statistic]:
    """Return every statistic of a class as a function of the mask of suspects."""
    distances = transport.distances
    return {
        "kernel OT": transport.cost,
        "energy distance": lambda mask: energy_distance(distances, mask),
        "spectral signatures": lambda mask: leading_variance(pair.points[mask]),
        "activation clustering": lambda mask: cluster_separation(pair.points[mask]),
    }
