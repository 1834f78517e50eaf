r"""What potentials say about the cost between two samples of any size, from passes over blocks.

Rows :math:`x_i` are held, both potentials' values are computed block by block, and each row keeps
the largest violation :math:`u(x_i) + v(y_j) - c(x_i, y_j)` that it has met. With all rows that is
exact. With N random ones, M their largest violation, and k of them above a tolerance, the share of
all rows above it has the binomial bound of Clopper and Pearson, :math:`1 - 0.05^{1/N} \approx 3 /
N` for k = 0. The same holds for the share above M, whose rows violate by at most :math:`\max u +
\max v`; so the dual value minus :math:`M + (3 / N) (\max u + \max v - M)_+` is a lower bound of the
cost with the same probability. That is no proof: what is proven needs all pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from operator import add

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import beta

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes import CONFIDENCE, Certificate, scan_pairs
from kernel_ot.potentials import PotentialFunction, Potentials
from kernel_ot.preconditioning import Conjugation
from kernel_ot.samples import Cloud

N_ROWS = 3000
"""Rows of a sampled certificate: none violated then bounds the share of all by 1e-3."""

# A tree takes 20 to 30 us for the worst of 1e5 partners in two and three dimensions, a scan 160 us.
# In more dimensions, or on the line, where the added one is most of the distance, it takes as long.
_TREE_DIMENSION, _TREE_POINTS = 3, 50_000

MOST_EXACT_PAIRS = 10**9
"""Fits look at all pairs up to so many, which takes about two seconds, so that their bound is
proven; `estimator.certify` at any number.
"""

OnPart = Callable[[float], None]


def upper_share(n_found: int, n: int) -> float:
    """Return the 95 % bound of a share of which n random draws found `n_found`.

    Examples
    --------
    >>> round(upper_share(0, 3000), 5), round(upper_share(3, 3000), 5)
    (0.001, 0.00258)
    """
    return 1.0 if n_found >= n else float(beta.ppf(CONFIDENCE, n_found + 1, n - n_found))


@dataclass(frozen=True, eq=False)
class _Values:
    """One potential over a sample: its mean's parts, its maximum, what it leaves to given rows."""

    mass: float
    total: float
    offset: float
    largest: float
    count: int
    row_best: Array

    def __add__(self, other: _Values) -> _Values:
        return _Values(
            self.mass + other.mass,
            self.total + other.total,
            self.offset + other.offset,
            max(self.largest, other.largest),
            self.count + other.count,
            np.maximum(self.row_best, other.row_best),
        )


@dataclass(frozen=True, eq=False)
class _EvaluateBlock:
    """The work on one block, to be sent wherever the block is.

    Returns the sums, and for each point of the block its largest violation with the rows.
    """

    change: Conjugation
    second: bool
    potential: PotentialFunction
    rows: Array
    row_values: Array

    def __call__(self, points: Array, masses: Array) -> tuple[_Values, Array]:
        forward = self.change.forward_y if self.second else self.change.forward_x
        changed = forward(points)
        values = self.potential(changed)
        offsets = self.change.offsets(points, points)[int(self.second)]
        row_best = column_best = np.empty(0)
        if len(self.rows):
            scan = scan_pairs(self.rows, changed, self.row_values, values)
            row_best, column_best = scan.row_best, scan.column_best
        sums = _Values(
            float(masses.sum()),
            float(masses @ values),
            float(masses @ offsets),
            float(values.max()),
            len(points),
            row_best,
        )
        return sums, column_best


def _pass(cloud: Cloud, work: _EvaluateBlock, on_count: OnPart) -> tuple[_Values, Array]:
    """Return the sums over a sample, and the largest violation of each of its points."""
    total: _Values | None = None
    columns: list[Array] = []
    for sums, column_best in cloud.map_blocks(work):
        total = sums if total is None else total + sums
        columns.append(column_best)
        on_count(total.count)
    assert total is not None  # a cloud has points
    return total, np.concatenate(columns)


def certify_clouds(
    potentials: Potentials,
    change: Conjugation,
    x: Cloud,
    y: Cloud,
    *,
    exact: bool,
    tolerance: float,
    rng: np.random.Generator,
    on_part: OnPart = lambda done: None,
) -> Certificate:
    """Return what potentials say about the cost between two samples: a proof, or with 95 %.

    Parameters
    ----------
    potentials : Potentials
        In the coordinates of the fit.
    change : Conjugation
    x, y : Cloud
        The samples in the user's coordinates.
    exact : bool
        All pairs, or all partners of `N_ROWS` random x_i.
    tolerance : float
        Violations below are not counted, in the units of the fit.
    rng : numpy.random.Generator
        Draws the rows.
    on_part : callable, optional
        Told which part is done.
    """
    if exact:
        return _exact(potentials, change, x, y, tolerance, on_part)
    # Rows that were kept for the fit are those its potentials were made for.
    points, masses = x.draw_anew(min(x.n, 10 * N_ROWS), rng)
    count = min(N_ROWS, len(points))
    heavy = bool((masses != masses[0]).any())
    # Draws in proportion to the masses make the share one of mass.
    share = masses / masses.sum() if heavy else None
    chosen = rng.choice(len(points), count, replace=heavy, p=share)
    rows = change.forward_x(points[chosen])
    here = potentials.u(rows)
    n_all = x.n + y.n
    to_rows = _EvaluateBlock(change, True, potentials.v, rows, here)
    of_y, _ = _pass(y, to_rows, lambda n: on_part(n / n_all))
    alone = _EvaluateBlock(change, False, potentials.u, rows[:0], here[:0])
    of_x, _ = _pass(x, alone, lambda n: on_part((y.n + n) / n_all))
    largest = float(of_y.row_best.max())
    n_violated = int(np.count_nonzero(of_y.row_best > tolerance))
    # The rows above the largest one found are none of those drawn.
    beyond = max(of_x.largest + of_y.largest - largest, 0.0)
    allowance = max(largest + upper_share(0, count) * beyond, 0.0)
    return Certificate(
        lower_bound=_bound(change, of_x, of_y, allowance),
        largest_violation=change.scale**2 * largest,
        n_pairs=count * y.n,
        kind="sampled",
        n_rows=count,
        violated_rows=n_violated,
        violated_share=upper_share(n_violated, count),
    )


def _exact(
    potentials: Potentials,
    change: Conjugation,
    x: Cloud,
    y: Cloud,
    tolerance: float,
    on_part: OnPart,
) -> Certificate:
    if 1 < x.dimension <= _TREE_DIMENSION and min(x.n, y.n) >= _TREE_POINTS:
        return _exact_by_tree(potentials, change, x, y, tolerance, on_part)
    done, n_violated, largest, row_total = 0, 0, -np.inf, 0.0
    parts: list[_Values] = []
    column_best = np.full(y.n, -np.inf)
    for points, masses in x.map_blocks(_both):
        rows = change.forward_x(points)
        here = potentials.u(rows)
        own = _EvaluateBlock(change, False, potentials.u, rows[:0], here[:0])
        parts.append(own(points, masses)[0])
        to_rows = _EvaluateBlock(change, True, potentials.v, rows, here)
        of_y, found = _pass(y, to_rows, partial(_tell, on_part, done / x.n, len(rows) / x.n / y.n))
        row_best = of_y.row_best
        largest = max(largest, float(row_best.max()))
        n_violated += int(np.count_nonzero(row_best > tolerance))
        row_total += float(masses @ row_best)
        np.maximum(column_best, found, out=column_best)
        done += len(rows)
    of_x = reduce(add, parts)
    masses_y = np.concatenate(list(y.map_blocks(_masses)))
    column_total = float(masses_y @ column_best)
    allowance = min(max(largest, 0.0), row_total / of_x.mass, column_total / of_y.mass)
    return Certificate(
        lower_bound=_bound(change, of_x, of_y, allowance),
        largest_violation=change.scale**2 * largest,
        n_pairs=x.n * y.n,
        kind="exact",
        n_rows=x.n,
        violated_rows=n_violated,
        violated_share=n_violated / x.n,
    )


def _exact_by_tree(
    potentials: Potentials,
    change: Conjugation,
    x: Cloud,
    y: Cloud,
    tolerance: float,
    on_part: OnPart,
) -> Certificate:
    r"""Find each row's worst partner as its nearest neighbour in d + 1 dimensions.

    With M the largest v, :math:`u(x_i) + v(y_j) - |x_i - y_j|^2 / 2` is :math:`u(x_i) + M - |(x_i,
    0) - (y_j, \sqrt{2 (M - v(y_j))})|^2 / 2`. All y are in memory; bounds are those of rows alone.
    """
    places, sums_y = zip(*y.map_blocks(_PlaceBlock(change, True, potentials.v)), strict=True)
    of_y = reduce(add, sums_y)
    placed = np.concatenate(places)
    placed[:, -1] = np.sqrt(2 * np.maximum(of_y.largest - placed[:, -1], 0.0))
    tree = cKDTree(placed)
    done, n_violated, largest, row_total = 0, 0, -np.inf, 0.0
    parts: list[_Values] = []
    for points, masses in x.map_blocks(_both):
        rows, sums = _PlaceBlock(change, False, potentials.u)(points, masses)
        values = rows[:, -1].copy()
        rows[:, -1] = 0.0
        row_best = values + of_y.largest - np.square(tree.query(rows)[0]) / 2
        parts.append(sums)
        largest = max(largest, float(row_best.max()))
        n_violated += int(np.count_nonzero(row_best > tolerance))
        row_total += float(masses @ row_best)
        done += len(rows)
        on_part(done / x.n)
    of_x = reduce(add, parts)
    return Certificate(
        lower_bound=_bound(change, of_x, of_y, min(max(largest, 0.0), row_total / of_x.mass)),
        largest_violation=change.scale**2 * largest,
        n_pairs=x.n * y.n,
        kind="exact",
        n_rows=x.n,
        violated_rows=n_violated,
        violated_share=n_violated / x.n,
    )


@dataclass(frozen=True, eq=False)
class _PlaceBlock:
    """A block's points in the coordinates of the fit beside its potential, and the sums of it."""

    change: Conjugation
    second: bool
    potential: PotentialFunction

    def __call__(self, points: Array, masses: Array) -> tuple[Array, _Values]:
        forward = self.change.forward_y if self.second else self.change.forward_x
        nothing = np.empty((0, points.shape[1]))
        alone = _EvaluateBlock(self.change, self.second, self.potential, nothing, np.empty(0))
        changed = forward(points)
        return np.column_stack([changed, self.potential(changed)]), alone(points, masses)[0]


def _bound(change: Conjugation, of_x: _Values, of_y: _Values, allowance: float) -> float:
    """Return the dual value less an allowance for what violates, in the user's units."""
    dual = of_x.total / of_x.mass + of_y.total / of_y.mass
    offset = of_x.offset / of_x.mass + of_y.offset / of_y.mass
    return change.scale**2 * (dual - allowance) + offset


def _tell(on_part: OnPart, start: float, step: float, count: float) -> None:
    on_part(start + step * count)


def _both(points: Array, masses: Array) -> tuple[Array, Array]:
    return points, masses


def _masses(points: Array, masses: Array) -> Array:
    return masses
