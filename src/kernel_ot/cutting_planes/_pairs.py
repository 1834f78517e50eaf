"""The constraint on all sample pairs, n x m of them never in memory at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, block_slices, rows_per_block

# One tile of pairs stays in cache, and is the same memory for all of them.
_TILE_BYTES, _TILE_COLUMNS = 2 * 2**20, 2048


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
    """Evaluate the constraint on all n x m pairs in tiles.

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
    # Far from the origin the squares below would lose the digits of their difference.
    origin = x.mean(axis=0)
    x, y = x - origin, y - origin
    # u_i + v_j - |x_i - y_j|^2 / 2 is one matrix product after completing the squares.
    left = np.column_stack([x, u - np.sum(np.square(x), axis=1) / 2, np.ones(len(x))])
    right = np.column_stack([y, np.ones(len(y)), v - np.sum(np.square(y), axis=1) / 2]).T
    row_best, row_partner = np.full(len(x), -np.inf), np.zeros(len(x), dtype=np.intp)
    column_best, column_partner = np.full(len(y), -np.inf), np.zeros(len(y), dtype=np.intp)
    width = min(len(y), _TILE_COLUMNS)
    space = np.empty(min(len(x), rows_per_block(width, block_bytes=_TILE_BYTES)) * width)
    for columns in block_slices(len(y), 1, 1, _TILE_COLUMNS):
        for rows in block_slices(len(x), width, block_bytes=_TILE_BYTES):
            shape = rows.stop - rows.start, columns.stop - columns.start
            violation = space[: shape[0] * shape[1]].reshape(shape)
            np.matmul(left[rows], right[:, columns], out=violation)
            partner = violation.argmax(axis=1)
            best = violation[np.arange(len(violation)), partner]
            better = np.flatnonzero(best > row_best[rows])
            row_best[rows.start + better] = best[better]
            row_partner[rows.start + better] = partner[better] + columns.start
            # The largest entries of columns take a tenth of the time of their places, which only
            # the few columns need that have a new one.
            best = violation.max(axis=0)
            better = np.flatnonzero(best > column_best[columns])
            column_best[columns.start + better] = best[better]
            partner = violation[:, better].argmax(axis=0)
            column_partner[columns.start + better] = partner + rows.start
    return PairScan(row_best, row_partner, column_best, column_partner)
