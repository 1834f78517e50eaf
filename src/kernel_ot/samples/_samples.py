"""Two samples with their masses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array


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

    @property
    def dimension(self) -> int:
        """Number of features."""
        return int(self.x.shape[1])

    def restrict(self, rows: Array, columns: Array) -> Samples:
        """Return those rows of x and of y, masses rescaled to sum to one."""
        weights_x, weights_y = self.weights_x[rows], self.weights_y[columns]
        return Samples(
            self.x[rows],
            self.y[columns],
            weights_x / weights_x.sum(),
            weights_y / weights_y.sum(),
        )

    def mean_cost(self) -> float:
        """Return the mean of c over all pairs under the product of both distributions."""
        gap = self.weights_x @ self.x - self.weights_y @ self.y
        spread = self.weights_x @ np.sum(np.square(self.x - self.weights_x @ self.x), axis=1)
        spread += self.weights_y @ np.sum(np.square(self.y - self.weights_y @ self.y), axis=1)
        return float(spread + gap @ gap) / 2
