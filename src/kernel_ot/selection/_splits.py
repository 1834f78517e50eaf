"""Which points settings are compared on: random splits and folds, each sample cut on its own."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Protocol, SupportsIndex, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, shown
from kernel_ot.samples import Samples
from kernel_ot.selection._paths import Split

MAX_SEMI_DUAL_DIMENSION = 20
"""Among more features the semi-dual value prefers settings whose maps overshoot, and the energy
distance, which does not, chooses. See benchmarks/results/."""
# Among more features the semi-dual value is trusted where it gains this many standard errors: 17 to
# 20 on rough maps of 32, at most 3 on cells, whose images were none the nearer for it.
_CLEAR_GAIN = 5.0
# Of each sample, held out in a split.
_TEST_FRACTION = 1 / 3
# The criterion's noise needs no more points than this; the time of a fit grows as their cube.
_MAX_KERNEL_POINTS, _MAX_KERNEL_POINTS_OF_MANY_FEATURES = 400, 1000


def split_sample(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return indices of training and test points, at least 2 and 1 of them."""
    order = rng.permutation(n)
    n_test = min(max(1, round(_TEST_FRACTION * n)), n - 2)
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def random_splits(samples: Samples, n_splits: int, rng: np.random.Generator) -> tuple[Split, ...]:
    """Return random splits, each sample split on its own, a third of it held out."""
    splits = []
    for _ in range(n_splits):
        # One seed for both, so that swapping samples of equal size does not change the splits.
        seed = int(rng.integers(2**63))
        train_x, test_x = split_sample(len(samples.x), np.random.default_rng(seed))
        train_y, test_y = split_sample(len(samples.y), np.random.default_rng(seed))
        splits.append(
            Split(
                samples.restrict(train_x, train_y),
                samples.restrict(test_x, test_y),
                int(rng.integers(2**63)),
                _max_kernel_points(samples.x.shape[1]),
            )
        )
    return tuple(splits)


def is_trusted(gain: float, error: float, dimension: int) -> bool:
    """Return whether a gain of the semi-dual value, with its standard error, says something."""
    return dimension <= MAX_SEMI_DUAL_DIMENSION or gain > _CLEAR_GAIN * error


def error_over_splits(values: ArrayLike) -> float:
    """Return the standard error of the mean of a value for each split; NaN for a single split."""
    of_splits = np.asarray(values)
    if len(of_splits) < 2:
        return np.nan
    return float(np.std(of_splits, ddof=1) / np.sqrt(len(of_splits)))


def share_in_splits(samples: Samples) -> float:
    """Return which share of the smaller sample's points the kernel part of a random split has."""
    fewest = min(len(samples.x), len(samples.y))
    return min(1 - _TEST_FRACTION, _max_kernel_points(samples.x.shape[1]) / fewest)


def _max_kernel_points(dimension: int) -> int:
    many = dimension > MAX_SEMI_DUAL_DIMENSION
    return _MAX_KERNEL_POINTS_OF_MANY_FEATURES if many else _MAX_KERNEL_POINTS


@runtime_checkable
class Splitter(Protocol):
    """scikit-learn's, such as `KFold`."""

    def split(self, points: Array) -> Iterable[tuple[Array, Array]]:
        """Return indices of training and test points of every fold."""


def fold_splits(samples: Samples, cv: object, rng: np.random.Generator) -> tuple[Split, ...]:
    """Return the splits of a cross-validation, each sample cut into folds on its own.

    Parameters
    ----------
    samples : Samples
    cv : int or splitter
        Number of folds, or an object with scikit-learn's `split(points)`.
    rng : numpy.random.Generator
        Shuffles the points, where `cv` is a number.

    Raises
    ------
    ValueError
        Fewer than 2 folds, more folds than points, fewer than 2 training points, or a splitter that
        cuts both samples into different numbers of folds.
    """
    if not isinstance(cv, str) and isinstance(cv, Splitter):
        both = [list(cv.split(points)) for points in (samples.x, samples.y)]
    else:
        # One seed for both: rows that come in pairs, as before and after, stay together.
        seed = int(rng.integers(2**63))
        both = [
            _folds(len(points), cv, np.random.default_rng(seed))
            for points in (samples.x, samples.y)
        ]
    if len(both[0]) != len(both[1]):
        raise ValueError(f"cv cuts x into {len(both[0])} folds and y into {len(both[1])}.")
    splits = []
    for (train_x, test_x), (train_y, test_y) in zip(*both, strict=True):
        if min(len(train_x), len(train_y)) < 2:
            raise ValueError("cv leaves fewer than 2 points to fit; more points are needed.")
        train = samples.restrict(train_x, train_y)
        test = samples.restrict(test_x, test_y)
        splits.append(Split(train, test, int(rng.integers(2**63))))
    return tuple(splits)


def _folds(n: int, n_folds: object, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    try:
        if not isinstance(n_folds, SupportsIndex):
            raise TypeError
        count = index(n_folds)
    except TypeError:
        raise ValueError(
            f"cv = {shown(n_folds)} must be a number of folds or a splitter."
        ) from None
    if isinstance(n_folds, bool) or not 2 <= count <= n:
        raise ValueError(f"cv = {shown(n_folds)} must be at least 2 and at most the {n} points.")
    order = rng.permutation(n)
    return [
        (np.sort(np.setdiff1d(order, fold)), np.sort(fold)) for fold in np.array_split(order, count)
    ]
