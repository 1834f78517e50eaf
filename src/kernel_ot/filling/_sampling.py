"""Draw points and pairs of points by their weights, none of them twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import (
    Array,
    check_points,
    check_same_dimension,
    check_same_names,
    check_weights,
)

# Above this many points a sample is thinned first: finding equal rows would take seconds.
_MOST_POINTS = 20_000
_ROUNDS = 20
_LARGEST_BATCH = 2**20
# Up to this many pairs a list of all of them is affordable (32 MiB).
_FEW_PAIRS = 2**22


@dataclass(frozen=True, eq=False)
class PairSampler:
    """The distinct points of two samples with their masses; a pair is the code `i * m + j`."""

    x: Array
    y: Array
    weights_x: Array
    weights_y: Array

    @property
    def n_pairs(self) -> int:
        """Number of distinct pairs of points that carry mass."""
        return len(self.x) * len(self.y)

    def encode(self, rows_x: Array, rows_y: Array) -> Array:
        """Return the codes of pairs of rows."""
        codes: Array = rows_x.astype(np.int64) * len(self.y) + rows_y
        return codes

    def points(self, codes: Array) -> tuple[Array, Array]:
        """Return the two halves of the pairs, both (l, d)."""
        return self.x[codes // len(self.y)], self.y[codes % len(self.y)]

    def random_codes(self, count: int, rng: np.random.Generator, taken: Array) -> Array:
        """Return up to `count` codes not in `taken`, one after the other by their mass.

        Drawing with replacement and dropping repetitions is drawing without replacement. What
        carries so little mass that it never shows up is filled in with equal probability.
        """
        target = min(taken.size + count, self.n_pairs)
        found = taken
        for round_ in range(_ROUNDS):
            missing = target - found.size
            if missing <= 0:
                break
            batch = min(2 * missing * 2**round_, max(missing, _LARGEST_BATCH))
            rows_x = rng.choice(len(self.x), batch, p=self.weights_x)
            rows_y = rng.choice(len(self.y), batch, p=self.weights_y)
            found = first_distinct(np.concatenate([found, self.encode(rows_x, rows_y)]))[:target]
        while found.size < target:
            missing = target - found.size
            if self.n_pairs <= _FEW_PAIRS:
                rest = np.setdiff1d(np.arange(self.n_pairs), found)
                more = rng.choice(rest, missing, replace=False)
            else:
                more = rng.integers(self.n_pairs, size=2 * missing)
            found = first_distinct(np.concatenate([found, more]))[:target]
        return found[taken.size :]


def pair_sampler(
    x: ArrayLike,
    y: ArrayLike,
    n_fill: int,
    weights_x: ArrayLike | None,
    weights_y: ArrayLike | None,
    rng: np.random.Generator,
) -> PairSampler:
    """Check both samples, thin very large ones by their weights, and merge equal points."""
    x, y, weights_x, weights_y = checked_inputs(x, y, weights_x, weights_y)
    most = max(_MOST_POINTS, 4 * n_fill)
    x, weights_x = _distinct(x, weights_x, most, rng)
    y, weights_y = _distinct(y, weights_y, most, rng)
    return PairSampler(x, y, weights_x, weights_y)


def checked_inputs(
    x: ArrayLike, y: ArrayLike, weights_x: ArrayLike | None, weights_y: ArrayLike | None
) -> tuple[Array, Array, Array, Array]:
    """Return samples and weights checked, points without mass left out."""
    check_same_names(x, y)
    x, y = check_points(x, "x"), check_points(y, "y")
    check_same_dimension(x, y)
    weights_x = check_weights(weights_x, len(x), "weights_x")
    weights_y = check_weights(weights_y, len(y), "weights_y")
    has_x, has_y = weights_x > 0, weights_y > 0
    return x[has_x], y[has_y], weights_x[has_x], weights_y[has_y]


def first_distinct(codes: Array) -> Array:
    """Return the distinct entries in the order of their first appearance."""
    _, first = np.unique(codes, return_index=True)
    return codes[np.sort(first)]


def systematic_rows(weights: Array, count: int, rng: np.random.Generator) -> Array:
    """Return `count` rows, row i either floor or ceil of `count weights_i` times.

    Systematic resampling of a shuffled sample: equal weights and `count` <= n give distinct rows.
    """
    order = rng.permutation(len(weights))
    ends = np.cumsum(weights[order])
    marks = (np.arange(count) + rng.random()) / count * ends[-1]
    rows: Array = order[np.minimum(np.searchsorted(ends, marks, side="right"), len(order) - 1)]
    return rows


def _distinct(
    points: Array, weights: Array, most: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the distinct points in their first order, and the mass of each."""
    if len(points) > most:
        points = points[systematic_rows(weights, most, rng)]
        weights = np.full(most, 1.0 / most)
    _, first, inverse = np.unique(points, axis=0, return_index=True, return_inverse=True)
    mass = np.bincount(inverse.reshape(-1), weights=weights)
    # The order of the sample, not of sorted coordinates: rotating the points changes no draw.
    order = np.argsort(first)
    return points[first[order]], mass[order] / mass.sum()
