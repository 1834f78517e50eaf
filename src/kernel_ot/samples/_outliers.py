"""Rows so far outside of their sample that one of them would bend every estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array

# Of the mass, what may lie beyond the width on either side: a group that is larger is a part of
# the distribution, however far away.
_SHARE = 0.02
# In widths: normal, uniform and exponential samples have no such rows in hundreds of draws.
_REACH = 3.0
# Few rows that lie by themselves are outlying from here on and so many times as far outside as all
# others, for normal points about 8 standard deviations from the centre: one of them in 150 points
# can double the error of the others, see benchmarks/results/ for how often honest rows do.
_REACH_BY_ITSELF, _GAP = 1.25, 5.0
# In median distances from the centre: rare ones among zeros have no width, and are no outliers.
_SMALLEST_WIDTH = 0.5
_FEWEST_ROWS = 20
# Zeros that were measured with noise are one point still: more than a quarter of the rows, with
# nothing for ten times as far.
_TIMES_THE_NOISE = 10.0
# Rows that are fitted are named where they lie by themselves, so many times as far as any between,
# up to this part of the mass, beyond which the width is narrower. Groups of more than are left out,
# and rows of samples too small to leave any out, further still: healthy ones reach less far.
_LARGEST_GROUP, _FEWEST_BESIDE, _BY_ITSELF, _REACH_OF_ROWS, _REACH_OF_GROUPS = (
    0.1,
    5,
    3.0,
    4.0,
    10.0,
)


def outlying_rows(points: Array, weights: Array) -> Array:
    r"""Return which rows lie far outside of the sample, as a mask.

    The width of the sample in a direction is the distance between two of its quantiles: at most 2 %
    of the mass and one row lie beyond either. A row is outlying where it is more than three widths
    beyond them, for normal points about 14 standard deviations from the centre, in one of the
    directions of spherical principal components: the eigenvectors of the covariance of
    :math:`(x_i - m) / |x_i - m|`, m the coordinates' medians, which no few rows can turn.
    So are few rows that lie by themselves, with no others between: in the norm of their distances
    in all directions, 1.25 widths beyond where 2 % lie and five times as far as all others, for
    normal points about 8 standard deviations.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
        Masses that sum to one; rows without mass are never outlying.

    Returns
    -------
    ndarray of bool, shape (n,)
        None where fewer than 20 rows differ from m, which are too few to say.

    References
    ----------
    N. Locantore et al., Robust principal component analysis for functional data, Test 8 (1999),
    section 3.

    Examples
    --------
    >>> points = np.append(np.random.default_rng(0).normal(size=50), 1000.0)[:, None]
    >>> np.flatnonzero(outlying_rows(points, np.full(51, 1 / 51))).tolist()
    [50]
    """
    found = Reach.of(points, weights)
    if found is None:
        return np.zeros(len(points), dtype=bool)
    return np.asarray(found.outside(points, weights) | found.by_themselves(points, weights))


def far_rows(points: Array, weights: Array) -> Array:
    """Return indices of few rows that lie by themselves, far outside of all others.

    At most a tenth of the mass and one row; of what `outlying_rows` finds those without others
    between, and groups that are too large for it, or in samples that are.

    Examples
    --------
    >>> points = np.append(np.random.default_rng(0).normal(size=45), np.full(5, 100.0))[:, None]
    >>> weights = np.full(50, 1 / 50)
    >>> bool(outlying_rows(points, weights).any()), far_rows(points, weights).tolist()
    (False, [45, 46, 47, 48, 49])
    """
    found = Reach.of(points, weights, _LARGEST_GROUP, _FEWEST_BESIDE)
    if found is None:
        return np.zeros(0, dtype=np.intp)
    massive = np.flatnonzero(weights > 0)
    beyond = found.beyond(points[massive])
    few = np.zeros(0, dtype=np.intp)
    for reach in (_REACH_OF_GROUPS, _REACH_OF_ROWS):
        far = beyond > reach
        if not far.any() or beyond[far].min() <= _BY_ITSELF * beyond[~far].max(initial=0.0):
            continue
        mass = float(weights[massive[far]].sum())
        is_few = mass <= (_SHARE + 1 / len(massive)) * (1 + 1e-9) and len(massive) >= _FEWEST_ROWS
        # A share in each direction: together they may be more, and are then no few rows.
        is_group = reach == _REACH_OF_GROUPS and mass <= (_LARGEST_GROUP + 1 / len(massive)) * (
            1 + 1e-9
        )
        if is_few or is_group:
            return massive[far]
    return few


@dataclass(frozen=True, eq=False)
class Reach:
    """How far a sample reaches in the directions of its principal components.

    Attributes
    ----------
    centre : ndarray of shape (d,)
    directions : ndarray of shape (d, k)
        In columns.
    low, high : ndarray of shape (k,)
        Between these, along the directions from the centre, lies all but a share of the mass.
    width : ndarray of shape (k,)
        Their distance, or more.
    """

    centre: Array
    directions: Array
    low: Array
    high: Array
    width: Array

    @classmethod
    def of(
        cls,
        points: Array,
        weights: Array,
        share: float = _SHARE,
        fewest: int = _FEWEST_ROWS,
        *,
        largest_group: float = 1.0,
    ) -> Reach | None:
        """Return the reach of a sample; None where too few rows differ from its median.

        Rows that are one point up to noise count as that point, where more than `largest_group`
        of all rows lie beside it.
        """
        massive = np.flatnonzero(weights > 0)
        if not len(massive):
            return None
        centre = np.median(points[massive], axis=0)
        centred = points[massive] - centre
        lengths = np.linalg.norm(centred, axis=1)
        # Where most rows are one point, as zeros in counts are, those beside it say what is usual.
        beside = lengths > _noise(lengths, largest_group)
        massive, centred, lengths = massive[beside], centred[beside], lengths[beside]
        if len(massive) < fewest:
            return None
        masses = weights[massive] / weights[massive].sum()
        unit = centred / lengths[:, None]
        if unit.shape[1] > len(unit):  # among many features those that the rows span say all
            directions = np.linalg.svd(unit, full_matrices=False)[2].T
        else:
            _, directions = np.linalg.eigh(unit.T @ unit)
        low, high = _quantiles(centred @ directions, masses, share + 1 / len(massive))
        width = np.maximum(high - low, _SMALLEST_WIDTH * np.median(lengths))
        return cls(centre, directions, low, high, width)

    def beyond(self, points: Array) -> Array:
        """Return by how many widths points lie outside, in the direction where that is most."""
        along = (points - self.centre) @ self.directions
        over = np.maximum(along - self.high, self.low - along) / self.width
        return np.asarray(over.max(axis=1))

    def outside(self, points: Array, weights: Array) -> Array:
        """Return which of any points with mass lie outside, as a mask."""
        return np.asarray((self.beyond(points) > _REACH) & (weights > 0))

    def along(self, points: Array) -> Array:
        """Return the places of points along the directions, in widths from the middle."""
        middle = (self.low + self.high) / 2
        return np.asarray(((points - self.centre) @ self.directions - middle) / self.width)

    @staticmethod
    def beyond_the_share(along: Array, weights: Array, share: float) -> Array:
        """Return how much further out rows are than those that a share of the mass lies beyond.

        In the norm: along the directions alone a row between two of them is nearer.
        """
        distances = np.linalg.norm(along, axis=1)
        share += 1 / np.count_nonzero(weights)
        return np.asarray(distances - _quantiles(distances[:, None], weights, share)[1])

    def by_themselves(self, points: Array, weights: Array) -> Array:
        """Return which of the rows whose reach this is are few, and far from all others."""
        share = _SHARE + 1 / np.count_nonzero(weights)
        beyond = self.beyond_the_share(self.along(points), weights, _SHARE)
        order = np.argsort(np.where(weights > 0, -beyond, np.inf), kind="stable")
        far = np.append(beyond[order], 0.0)
        is_few = np.cumsum(weights[order]) <= share * (1 + 1e-9)
        ends = is_few & (far[:-1] > _REACH_BY_ITSELF) & (far[:-1] > _GAP * np.maximum(far[1:], 0.0))
        found = np.zeros(len(points), dtype=bool)
        found[order[: int(np.flatnonzero(ends).max(initial=-1)) + 1]] = True
        return found


def _noise(lengths: Array, largest_group: float) -> float:
    """Return within what distance of the median rows are one point; 0 where there is no gap."""
    ordered = np.sort(lengths)
    fewest, most = len(ordered) // 4, max(int((1 - largest_group) * len(ordered)) - 1, 0)
    inside, outside = ordered[fewest:most], ordered[fewest + 1 : most + 1]
    gaps = np.flatnonzero(outside > _TIMES_THE_NOISE * inside)
    return float(inside[gaps[-1]]) if len(gaps) else 0.0


def _quantiles(values: Array, weights: Array, share: float) -> tuple[Array, Array]:
    """Return in each column the first value from below, and from above, past `share` of mass."""
    order = np.argsort(values, axis=0)
    ordered, masses = np.take_along_axis(values, order, axis=0), weights[order]
    columns = np.arange(values.shape[1])
    slightly_more = share * (1 + 1e-9)
    low = np.argmax(np.cumsum(masses, axis=0) > slightly_more, axis=0)
    high = len(values) - 1 - np.argmax(np.cumsum(masses[::-1], axis=0) > slightly_more, axis=0)
    return ordered[low, columns], ordered[high, columns]
