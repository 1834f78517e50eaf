"""Rows by themselves, such as the other sample has none: too near to be left out, to be named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.samples._outliers import Reach

# Beyond which share of the mass a sample's width is measured, from so many widths on and so many
# times as far as all others, and up to which part of the mass: few rows, and a group in one place.
# benchmarks/results/ has how often honest samples have such rows.
_SHARE_OF_FEW, _REACH_OF_FEW, _GAP_OF_FEW = 0.02, 0.75, 4.0
_SHARE_OF_GROUP, _REACH_OF_GROUP, _GAP_OF_GROUP, _LARGEST_GROUP = 0.1, 1.0, 2.0, 0.05
_FEWEST_IN_GROUP = 3
# Of its distance from the middle, how far a group may spread about its own.
_ONE_PLACE = 0.5
# So far out as a part of the distance, and of so much of the mass, rows of the other sample are a
# counterpart: a part of both distributions, however small, is no fault.
_PART_OF_DISTANCE, _PART_OF_MASS = 0.5, 1 / 3
_FEWEST_ROWS = 20
_NONE: Array = np.zeros(0, dtype=np.intp)


def rows_alone(points: Array, weights: Array, others: Array, weights_of_others: Array) -> Array:
    """Return indices of rows that lie by themselves and have no counterpart in the other sample.

    From about 6 standard deviations of normal points on: 2 % of the mass and one row, or a group
    in one place of at most 5 % and one row.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y, masses = rng.normal(size=(150, 2)), rng.normal(size=(150, 2)), np.full(150, 1 / 150)
    >>> x[:5] += [9.0, 0.0]
    >>> rows_alone(x, masses, y, masses).tolist()
    [0, 1, 2, 3, 4]
    >>> y[:5] -= [9.0, 0.0]
    >>> rows_alone(x, masses, y, masses).tolist()
    []
    """
    massive, massive_others = np.flatnonzero(weights > 0), np.flatnonzero(weights_of_others > 0)
    both = points[massive], weights[massive]
    few, wide = (_Outside.of(*both, share) for share in (_SHARE_OF_FEW, _SHARE_OF_GROUP))
    other = _Outside.of(others[massive_others], weights_of_others[massive_others], _SHARE_OF_GROUP)
    found = np.zeros(len(points), dtype=bool)
    if few is not None and wide is not None and other is not None:
        for rows in (few.few(), wide.group()):
            far, mass = float(wide.beyond[rows].min(initial=np.inf)), wide.weights[rows].sum()
            if other.mass_beyond(_PART_OF_DISTANCE * far) < _PART_OF_MASS * mass:
                found[massive[rows]] = True
    return np.flatnonzero(found)


@dataclass(frozen=True, eq=False)
class _Outside:
    """Rows with their places in widths of the sample, and how far they are outside of it."""

    along: Array
    beyond: Array
    weights: Array

    @classmethod
    def of(cls, points: Array, weights: Array, share: float) -> _Outside | None:
        reach = Reach.of(points, weights, share, _FEWEST_ROWS, largest_group=_LARGEST_GROUP)
        if reach is None:
            return None
        along = reach.along(points)
        return cls(along, reach.beyond_the_share(along, weights, share), weights)

    def mass_beyond(self, distance: float) -> float:
        return float(self.weights[self.beyond >= distance].sum())

    def few(self) -> Array:
        found = self._by_themselves(_REACH_OF_FEW, _GAP_OF_FEW, _SHARE_OF_FEW)
        return np.asarray(found[-1] if found else _NONE)

    def group(self) -> Array:
        for rows in reversed(self._by_themselves(_REACH_OF_GROUP, _GAP_OF_GROUP, _LARGEST_GROUP)):
            middle = self.along[rows].mean(axis=0)
            spread = np.linalg.norm(self.along[rows] - middle, axis=1).max()
            if len(rows) >= _FEWEST_IN_GROUP and spread <= _ONE_PLACE * np.linalg.norm(middle):
                return np.asarray(rows)
        return _NONE

    def _by_themselves(self, reach: float, gap: float, share: float) -> list[Array]:
        """Return the furthest rows, up to each that ends before a gap, the fewest first."""
        order = np.argsort(-self.beyond, kind="stable")
        far = np.append(self.beyond[order], 0.0)
        most = (share + 1 / len(order)) * (1 + 1e-9)
        is_few = np.cumsum(self.weights[order]) <= most
        ends = is_few & (far[:-1] > reach) & (far[:-1] > gap * np.maximum(far[1:], 0.0))
        return [order[: end + 1] for end in np.flatnonzero(ends)]
