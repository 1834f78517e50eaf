"""An order of the rows that is the samples' own, whatever order they came in."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from kernel_ot._arrays import Array
from kernel_ot.samples._samples import Samples

# Lengths are compared to so many decimals of their median: the rounding of a mean is no order.
_DECIMALS = 9
# Standard deviations of the ranks' correlation over all ways to pair the rows.
_CLEARLY_PAIRED = 5.0


def in_own_order(samples: Samples) -> Samples:
    """Return the same rows in an order that depends on the points and masses alone.

    Rows are ordered by distance from the sample's mean, which no rotation changes, and shuffled by
    fixed seeds: any part of them is as good as a random one. Each sample has a seed of its own,
    or parts of both would have the same quantiles and hold out nothing; which one it has does not
    change where samples are swapped. Rows that come in pairs, as before and after, stay pairs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y, weights = rng.normal(size=(5, 2)), rng.normal(size=(4, 2)), np.full(5, 0.2)
    >>> one = in_own_order(Samples(x, y, weights, np.full(4, 0.25)))
    >>> other = in_own_order(Samples(x[::-1], y[[2, 0, 1, 3]], weights, np.full(4, 0.25)))
    >>> bool((one.x == other.x).all() and (one.y == other.y).all())
    True
    """
    x, y = samples.x, samples.y
    keys_x, keys_y = _keys(x, samples.weights_x), _keys(y, samples.weights_y)
    if rows_are_pairs(x, y):
        rows = columns = _shuffled([keys_x[0] + keys_y[0], *keys_x[1:], *keys_y[1:]], seed=0)
    else:
        x_first = _shape(x, keys_x[0]) < _shape(y, keys_y[0])
        rows, columns = _shuffled(keys_x, seed=not x_first), _shuffled(keys_y, seed=x_first)
    return Samples(x[rows], y[columns], samples.weights_x[rows], samples.weights_y[columns])


def rows_are_pairs(x: Array, y: Array) -> bool:
    """Return whether row i of x and row i of y belong together, as the ranks of features show.

    Not where both are sorted, nor on the line, where sorting could be all that shows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 40, 2))
    >>> rows_are_pairs(x, y), rows_are_pairs(x, x + 0.5 * y), rows_are_pairs(x, x[:30])
    (False, True, False)
    """
    if len(x) != len(y) or x.shape[1] == 1:
        return False
    if all((np.diff(points[:, 0]) >= 0).all() for points in (x, y)):
        return False
    ranks_x, ranks_y = (rankdata(points, axis=0) - (len(points) + 1) / 2 for points in (x, y))
    # Over all permutations of the rows the sum has mean 0 and this variance.
    variance = np.sum((ranks_x.T @ ranks_x) * (ranks_y.T @ ranks_y)) / max(len(x) - 1, 1)
    return bool(abs(np.sum(ranks_x * ranks_y)) > _CLEARLY_PAIRED * np.sqrt(variance))


def _shape(points: Array, lengths: Array) -> tuple[float, ...]:
    """Return what tells samples apart in any unit, and, of two in one shape, size and place."""
    middle = np.median(points, axis=0)
    size = np.median(np.abs(points - middle))
    return (*np.round([lengths.max(), lengths.min()], _DECIMALS), size, *middle)


def _keys(points: Array, weights: Array) -> list[Array]:
    """Return what rows are ordered by, the first key first."""
    centred = points - np.median(points, axis=0)
    lengths = np.linalg.norm(centred - weights @ centred, axis=1)
    rounded = np.round(lengths / (np.median(lengths) or 1.0), _DECIMALS)
    return [rounded, *points.T, weights]


def _shuffled(keys: list[Array], seed: int) -> Array:
    order = np.lexsort(keys[::-1])
    return order[np.random.default_rng(int(seed)).permutation(len(order))]
