"""Distances between samples that no potential enters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from kernel_ot._arrays import (
    Array,
    Scalar,
    block_slices,
    check_generator,
    check_points,
    check_same_dimension,
    check_same_names,
    check_weights,
    namespace_of,
)
from kernel_ot.kernels import Gaussian, Kernel, median_distance


def energy_distance(
    x: ArrayLike,
    y: ArrayLike,
    weights_x: ArrayLike | None = None,
    weights_y: ArrayLike | None = None,
) -> float:
    """Return the energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| between two samples.

    Parameters
    ----------
    x, y : array-like of shape (n, d) and (m, d)
    weights_x, weights_y : array-like of shape (n,) and (m,), optional
        Masses, rescaled to sum to one; equal ones if not given.

    Returns
    -------
    float
        In the samples' units; at least 0, and 0 only for equal empirical distributions.

    Raises
    ------
    ValueError
        Points or weights that are no finite numbers, or of shapes that do not fit.

    References
    ----------
    G. J. Szekely, M. L. Rizzo, Energy statistics, J. Stat. Plan. Inference 143 (2013), equation
    1.1.

    Examples
    --------
    >>> import numpy as np
    >>> energy_distance(np.array([[0.0]]), np.array([[3.0]]))
    6.0
    """
    x, y = _checked(x, y)
    a = check_weights(weights_x, len(x), "weights_x")
    b = check_weights(weights_y, len(y), "weights_y")
    return 2 * _mean_distance(x, y, a, b) - _mean_distance(x, x, a, a) - _mean_distance(y, y, b, b)


def _checked(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    check_same_names(x, y)
    x, y = np.asarray(check_points(x, "x")), np.asarray(check_points(y, "y"))
    check_same_dimension(x, y)
    return x, y


def _mean_distance(x: Array, y: Array, a: Array, b: Array) -> float:
    blocks = block_slices(len(x), len(y))
    return sum(float(a[rows] @ (cdist(x[rows], y) @ b)) for rows in blocks)


def squared_mmd(x: Array, y: Array, kernel: Kernel, weights_x: Array, weights_y: Array) -> Scalar:
    r"""Return the squared maximum mean discrepancy of two samples.

    :math:`|\sum_i a_i k(x_i, \cdot) - \sum_j b_j k(y_j, \cdot)|^2` in the kernel's space, with
    every pair of points counted, those of a point with itself too (the V-statistic).

    Parameters
    ----------
    x, y : array of shape (n, d) and (m, d)
        Of NumPy or of JAX.
    kernel : Kernel
    weights_x, weights_y : array of shape (n,) and (m,)
        Masses, each summing to one.

    Returns
    -------
    float
        Not negative; NaN where an argument is.

    References
    ----------
    A. Gretton et al., A kernel two-sample test, JMLR 13 (2012), equation 5.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot.kernels import Linear
    >>> half = np.full(2, 0.5)
    >>> float(squared_mmd(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]), Linear(), half, half))
    9.0
    """
    xp = namespace_of(x, y)
    own = weights_x @ kernel.apply(x, x, weights_x) + weights_y @ kernel.apply(y, y, weights_y)
    discrepancy = own - 2 * (weights_x @ kernel.apply(x, y, weights_y))
    # Rounding alone makes it negative; NaN stays NaN.
    squared: Scalar = xp.where(discrepancy < 0, 0.0, discrepancy)
    return squared


def mmd_test(
    x: ArrayLike,
    y: ArrayLike,
    rng: np.random.Generator | int,
    *,
    n_permutations: int = 200,
    max_points: int = 500,
) -> tuple[float, float]:
    """Return the squared maximum mean discrepancy and its permutation p-value.

    Gaussian kernel with the median distance as bandwidth; biased (V-) statistic; p-value
    (1 + number of permutations at least as large) / (1 + number of permutations).

    Parameters
    ----------
    x, y : array-like of shape (n, d) and (m, d)
    rng : numpy.random.Generator or int
        A number is a seed.
    n_permutations : int, default 200
    max_points : int, default 500
        Larger samples are subsampled to this many points each.

    Returns
    -------
    statistic : float
    p_value : float
        Small where both samples are unlikely to be of one distribution.

    References
    ----------
    A. Gretton et al., A kernel two-sample test, JMLR 13 (2012), equation 5.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> statistic, p_value = mmd_test(x, x + 1, 0)
    >>> p_value < 0.05
    True
    """
    rng = check_generator(rng)
    x, y = (
        points[rng.choice(len(points), max_points, replace=False)]
        if len(points) > max_points
        else points
        for points in _checked(x, y)
    )
    pooled = np.concatenate([x, y]).astype(np.float64)
    if (pooled == pooled[0]).all():
        return 0.0, 1.0
    gram = Gaussian(median_distance(x, y, rng))(pooled, pooled)
    signs = np.concatenate([np.full(len(x), 1 / len(x)), np.full(len(y), -1 / len(y))])
    orders = np.stack([rng.permutation(signs) for _ in range(n_permutations)])
    observed = float(signs @ gram @ signs)
    permuted = np.sum((orders @ gram) * orders, axis=1)
    p_value = (1 + int(np.sum(permuted >= observed * (1 - 1e-12)))) / (1 + n_permutations)
    return observed, p_value
