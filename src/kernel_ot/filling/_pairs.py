"""Filling points that are pairs of sample points."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from kernel_ot._arrays import Array
from kernel_ot.filling._sampling import (
    PairSampler,
    first_distinct,
    pair_sampler,
    systematic_rows,
)

_PLAN_POINTS = 1000
_PLAN_ROUNDS = 20
_NONE = np.zeros(0, dtype=np.int64)


def random_pairs(
    x: Array,
    y: Array,
    n_fill: int,
    *,
    rng: np.random.Generator,
    weights_x: Array | None = None,
    weights_y: Array | None = None,
) -> tuple[Array, Array]:
    """Return independent random pairs of sample points, none of them twice.

    Parameters
    ----------
    x : array of shape (n, d)
        Source sample. Equal points count as one with the sum of their weights.
    y : array of shape (m, d)
        Target sample.
    n_fill : int
        Number of pairs; all pairs are returned where there are fewer distinct ones.
    rng : numpy.random.Generator
    weights_x, weights_y : arrays of shape (n,) and (m,), optional
        Masses: a pair is drawn with probability proportional to the product, without
        replacement. Points of mass 0 are never used. Equal by default.

    Returns
    -------
    x_fill, y_fill : arrays of shape (l, d)
        l <= n_fill, in the samples' precision.

    Raises
    ------
    ValueError
        Samples or weights that are not usable, different dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.array([[0.0], [1.0]]), np.array([[5.0], [6.0]])
    >>> x_fill, y_fill = random_pairs(x, y, 9, rng=np.random.default_rng(0))
    >>> sorted(zip(x_fill[:, 0].tolist(), y_fill[:, 0].tolist()))
    [(0.0, 5.0), (0.0, 6.0), (1.0, 5.0), (1.0, 6.0)]
    """
    sampler = pair_sampler(x, y, n_fill, weights_x, weights_y, rng)
    return sampler.points(sampler.random_codes(n_fill, rng, _NONE))


def plan_pairs(
    x: Array,
    y: Array,
    n_fill: int,
    *,
    rng: np.random.Generator,
    weights_x: Array | None = None,
    weights_y: Array | None = None,
) -> tuple[Array, Array]:
    """Return pairs that an optimal plan between subsamples joins, none of them twice.

    The plan for the cost `|x - y|^2 / 2` between at most 1000 points of each sample, drawn by
    weight, is an assignment (`scipy.optimize.linear_sum_assignment`). Where it has fewer
    than `n_fill` pairs, plans between resampled points follow, and then random pairs.

    Parameters
    ----------
    x, y, n_fill, rng, weights_x, weights_y
        As in `random_pairs`.

    Returns
    -------
    x_fill, y_fill : arrays of shape (l, d)
        l <= n_fill, in the samples' precision.

    Raises
    ------
    ValueError
        As `random_pairs`.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.array([[0.0], [1.0]]), np.array([[6.0], [5.0]])
    >>> x_fill, y_fill = plan_pairs(x, y, 2, rng=np.random.default_rng(0))
    >>> sorted(zip(x_fill[:, 0].tolist(), y_fill[:, 0].tolist()))
    [(0.0, 5.0), (1.0, 6.0)]
    """
    sampler = pair_sampler(x, y, n_fill, weights_x, weights_y, rng)
    return sampler.points(_plan_codes(sampler, n_fill, rng))


def mixed_pairs(
    x: Array,
    y: Array,
    n_fill: int,
    *,
    rng: np.random.Generator,
    weights_x: Array | None = None,
    weights_y: Array | None = None,
) -> tuple[Array, Array]:
    """Return half pairs of an optimal plan on a subsample, half random pairs, none twice.

    The plan puts the constraint where the mass is and where it binds, the random pairs everywhere
    else that the marginals see.

    Parameters
    ----------
    x, y, n_fill, rng, weights_x, weights_y
        As in `random_pairs`. For odd `n_fill` the plan has one pair more.

    Returns
    -------
    x_fill, y_fill : arrays of shape (l, d)
        l <= n_fill, pairs of the plan first, in the samples' precision.

    Raises
    ------
    ValueError
        As `random_pairs`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x_fill, y_fill = mixed_pairs(rng.random((50, 2)), rng.random((40, 2)), 30, rng=rng)
    >>> x_fill.shape, y_fill.shape
    ((30, 2), (30, 2))
    """
    sampler = pair_sampler(x, y, n_fill, weights_x, weights_y, rng)
    planned = _plan_codes(sampler, (n_fill + 1) // 2, rng)
    others = sampler.random_codes(n_fill - planned.size, rng, planned)
    return sampler.points(np.concatenate([planned, others]))


def _plan_codes(sampler: PairSampler, count: int, rng: np.random.Generator) -> Array:
    size = min(len(sampler.x), len(sampler.y), _PLAN_POINTS)
    found = _NONE
    for round_ in range(_PLAN_ROUNDS):
        if round_ == 0:
            rows_x = systematic_rows(sampler.weights_x, size, rng)
            rows_y = systematic_rows(sampler.weights_y, size, rng)
        else:
            rows_x = rng.choice(len(sampler.x), size, p=sampler.weights_x)
            rows_y = rng.choice(len(sampler.y), size, p=sampler.weights_y)
        # |x - y|^2 / 2 is -<x, y>, of centred points too, up to terms every assignment pays alike.
        points_x, points_y = sampler.x[rows_x], sampler.y[rows_y]
        cost = -(points_x - points_x.mean(axis=0)) @ (points_y - points_y.mean(axis=0)).T
        left, right = linear_sum_assignment(cost)
        new = sampler.encode(rows_x[left], rows_y[right])
        found = first_distinct(np.concatenate([found, rng.permutation(new)]))[:count]
        if found.size >= min(count, sampler.n_pairs):
            return found
    return np.concatenate([found, sampler.random_codes(count - found.size, rng, found)])
