"""How far one sample of colours is from another."""

from __future__ import annotations

from scipy.spatial.distance import cdist, pdist

from kernel_ot.arrays import Array


def energy_distance(x: Array, y: Array) -> float:
    """Return the unbiased estimate of 2 E|X - Y| - E|X - X'| - E|Y - Y'|.

    It is 0 in expectation if and only if both distributions are the same (Szekely and Rizzo 2013),
    and can therefore come out slightly negative.

    Parameters
    ----------
    x, y : ndarray of shape (n, d) and (m, d)
        Samples; O(n m) memory.

    Returns
    -------
    float
        In the samples' unit.

    Examples
    --------
    >>> import numpy as np
    >>> energy_distance(np.array([[0.0], [0.0]]), np.array([[3.0], [3.0]]))
    6.0
    """
    return float(2 * cdist(x, y).mean() - pdist(x).mean() - pdist(y).mean())
