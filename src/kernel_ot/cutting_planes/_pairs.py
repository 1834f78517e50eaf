"""The constraint on all sample pairs, n x m of them never in memory at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, block_slices


@dataclass(frozen=True, eq=False)
class PairScan:
    """What one pass over all pairs found; violation means u(x_i) + v(y_j) - c(x_i, y_j).

    Attributes
    ----------
    row_best : ndarray of shape (n,)
        For each x_i the largest violation over the y_j; negative where there is room.
    row_partner : ndarray of shape (n,)
        The index j where it is reached.
    column_best, column_partner : ndarray of shape (m,)
        The same for each y_j over the x_i.
    """

    row_best: Array
    row_partner: Array
    column_best: Array
    column_partner: Array

    @property
    def largest(self) -> float:
        """The largest violation over all pairs; at most 0 if (u, v) is feasible."""
        return float(self.row_best.max())


def scan_pairs(x: Array, y: Array, u: Array, v: Array) -> PairScan:
    """Evaluate the constraint on all n x m pairs in blocks of rows.

    Parameters
    ----------
    x, y : ndarray of shape (n, d) and (m, d)
    u, v : ndarray of shape (n,) and (m,)
        The potentials' values there.

    Returns
    -------
    PairScan

    Examples
    --------
    >>> import numpy as np
    >>> points = np.array([[0.0], [2.0]])
    >>> scan_pairs(points, points, np.array([0.0, 1.0]), np.zeros(2)).largest
    1.0
    """
    # u_i + v_j - |x_i - y_j|^2 / 2 is one matrix product after completing the squares.
    from_x = u - np.sum(np.square(x), axis=1) / 2
    from_y = v - np.sum(np.square(y), axis=1) / 2
    row_best, row_partner = np.empty(len(x)), np.empty(len(x), dtype=np.intp)
    column_best = np.full(len(y), -np.inf)
    column_partner = np.zeros(len(y), dtype=np.intp)
    columns = np.arange(len(y))
    for rows in block_slices(len(x), len(y)):
        violation = x[rows] @ y.T
        violation += from_x[rows, None]
        violation += from_y
        row_partner[rows] = violation.argmax(axis=1)
        row_best[rows] = violation[np.arange(len(violation)), row_partner[rows]]
        partner = violation.argmax(axis=0)
        best = violation[partner, columns]
        better = best > column_best
        column_best[better] = best[better]
        column_partner[better] = partner[better] + rows.start
    return PairScan(row_best, row_partner, column_best, column_partner)
