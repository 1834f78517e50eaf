"""Two samples with their masses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, counted, pytree
from kernel_ot.samples._alone import rows_alone
from kernel_ot.samples._outliers import far_rows, outlying_rows

_LARGEST_SPREAD = 1e70


@pytree()
@dataclass(frozen=True, eq=False)
class Samples:
    """Two samples with their masses.

    Attributes
    ----------
    x, y : ndarray of shape (n, d) and (m, d)
        The points, one a row.
    weights_x, weights_y : ndarray of shape (n,) and (m,)
        Their masses, each summing to one.

    Examples
    --------
    >>> import numpy as np
    >>> samples = Samples(np.zeros((2, 1)), np.ones((2, 1)), np.full(2, 0.5), np.full(2, 0.5))
    >>> samples.mean_cost()
    0.5
    """

    x: Array
    y: Array
    weights_x: Array
    weights_y: Array

    def __repr__(self) -> str:
        return (
            f"Samples({len(self.x)} and {len(self.y)} points, {counted(self.dimension, 'feature')})"
        )

    @property
    def dimension(self) -> int:
        """Number of features."""
        return int(self.x.shape[1])

    @property
    def one_is_a_point(self) -> bool:
        """Whether all rows of one of the samples, but not of the other, are equal."""
        return bool((self.x == self.x[0]).all() != (self.y == self.y[0]).all())

    def restrict(self, rows: Array, columns: Array) -> Samples:
        """Return those rows of x and of y, masses rescaled to sum to one.

        Raises
        ------
        ValueError
            None of those rows carries mass.
        """
        weights_x, weights_y = self.weights_x[rows], self.weights_y[columns]
        if not (weights_x.any() and weights_y.any()):
            raise ValueError(
                "A part of the samples holds only rows of weight 0; leave those rows out."
            )
        return Samples(
            self.x[rows],
            self.y[columns],
            weights_x / weights_x.sum(),
            weights_y / weights_y.sum(),
        )

    def outliers(self) -> tuple[Array, Array]:
        """Return indices of the rows of x and of y that `outlying_rows` finds."""
        return (
            np.flatnonzero(outlying_rows(self.x, self.weights_x)),
            np.flatnonzero(outlying_rows(self.y, self.weights_y)),
        )

    def far_rows(self) -> tuple[Array, Array]:
        """Return indices of the rows of x and of y that lie by themselves, far from all others."""
        return far_rows(self.x, self.weights_x), far_rows(self.y, self.weights_y)

    def rows_alone(self) -> tuple[Array, Array]:
        """Return indices of rows of x and of y by themselves that the other has nothing like."""
        x, a, y, b = self.x, self.weights_x, self.y, self.weights_y
        return rows_alone(x, a, y, b), rows_alone(y, b, x, a)

    def without(self, rows: Array, columns: Array) -> Samples:
        """Return the same points, those rows of x and of y without mass."""
        weights_x, weights_y = self.weights_x.copy(), self.weights_y.copy()
        weights_x[rows] = weights_y[columns] = 0.0
        return Samples(self.x, self.y, weights_x / weights_x.sum(), weights_y / weights_y.sum())

    def check_spread(self) -> None:
        """Raise ValueError where one is so wide or narrow that its moments are no numbers."""
        for name, points in (("x", self.x), ("y", self.y)):
            spread = float(np.ptp(points, axis=0).max())
            if spread > 0 and not 1 / _LARGEST_SPREAD <= spread <= _LARGEST_SPREAD:
                raise ValueError(
                    f"{name} spreads over {spread:.3g}; fourth powers of lengths beyond "
                    f"{1 / _LARGEST_SPREAD:g} ... {_LARGEST_SPREAD:g} are no float64 numbers. "
                    "Measure both samples in another unit."
                )

    def with_mass(self) -> Samples:
        """Return the rows that carry mass."""
        rows, columns = (
            np.flatnonzero(weights > 0) for weights in (self.weights_x, self.weights_y)
        )
        if len(rows) == len(self.x) and len(columns) == len(self.y):
            return self
        return Samples(self.x[rows], self.y[columns], self.weights_x[rows], self.weights_y[columns])

    def thinned(self, limit: int) -> Samples:
        """Return at most `limit` rows of each sample, evenly spread, masses rescaled."""
        if max(len(self.x), len(self.y)) <= limit:
            return self
        rows, columns = (
            np.unique(np.linspace(0, n - 1, min(n, limit)).astype(np.intp))
            for n in (len(self.x), len(self.y))
        )
        return self.restrict(rows, columns)

    def distinct(self) -> Samples:
        """Return every point that carries mass once, with the mass of all rows equal to it.

        The empirical distributions stay what they are. Rows keep the order in which they first
        occur; samples without equal or massless rows are returned as they are. Of a sample that is
        one point two rows stay, so that it is a sample still.

        Examples
        --------
        >>> import numpy as np
        >>> x, y = np.array([[2.0], [1.0], [2.0]]), np.array([[0.0], [1.0]])
        >>> tied = Samples(x, y, np.full(3, 1 / 3), np.full(2, 0.5))
        >>> merged = tied.distinct()
        >>> merged.x.tolist(), merged.weights_x.round(3).tolist()
        ([[2.0], [1.0]], [0.667, 0.333])
        """
        massive = self.with_mass()
        x, weights_x = _distinct(massive.x, massive.weights_x)
        y, weights_y = _distinct(massive.y, massive.weights_y)
        if len(x) == len(self.x) and len(y) == len(self.y):
            return self
        return Samples(x, y, weights_x, weights_y)

    def mean_cost(self) -> float:
        """Return the mean of c over all pairs under the product of both distributions."""
        gap = self.weights_x @ self.x - self.weights_y @ self.y
        spread = self.weights_x @ np.sum(np.square(self.x - self.weights_x @ self.x), axis=1)
        spread += self.weights_y @ np.sum(np.square(self.y - self.weights_y @ self.y), axis=1)
        return float(spread + gap @ gap) / 2

    def standard_error(self, of_x: Array, of_y: Array) -> float:
        """Return the standard error of the mean of `of_x` over x plus that of `of_y` over y.

        Parameters
        ----------
        of_x, of_y : ndarray of shape (n,) and (m,)
            A value for every point.

        Returns
        -------
        float
            Infinite where one point carries all the mass.

        Examples
        --------
        >>> import numpy as np
        >>> x = np.zeros((4, 1))
        >>> samples = Samples(x, x, np.full(4, 0.25), np.full(4, 0.25))
        >>> samples.standard_error(np.array([0.0, 0.0, 6.0, 6.0]), np.zeros(4))
        1.7320508075688772
        """
        variance = 0.0
        for values, weights in ((of_x, self.weights_x), (of_y, self.weights_y)):
            share = float(np.square(weights).sum())
            if share >= 1:
                return float("inf")
            deviations = np.square(values - weights @ values)
            variance += float(np.square(weights) @ deviations) / (1 - share)
        return float(np.sqrt(variance))


def _distinct(points: Array, weights: Array) -> tuple[Array, Array]:
    """Return the distinct rows, in order of occurrence, and their masses."""
    _, first, group = np.unique(points, axis=0, return_index=True, return_inverse=True)
    if len(first) == len(points):
        return points, weights
    if len(first) == 1:
        return np.repeat(points[:1], 2, axis=0), np.full(2, 0.5)
    order = np.argsort(first)
    masses = np.bincount(group.ravel(), weights, minlength=len(first))
    return points[first[order]], masses[order]
