r"""Cutting planes from batches: violated pairs among few random rows, and off the samples.

A round looks at all pairs among random rows of both samples, and for each row follows
:math:`u(x) + v(y) - |x - y|^2 / 2` uphill from the image T(x), where the worst partner off the
samples is. That costs the same however many rows there are; what it leaves is known by the share
of rows that are violated, since every round draws anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.cutting_planes import (
    AdaptiveFit,
    ContactPoints,
    FillingRound,
    scan_pairs,
    violation,
    worst_spread,
)
from kernel_ot.large_samples._monitor import Monitor
from kernel_ot.potentials import PotentialFunction, Potentials, value_and_gradient
from kernel_ot.samples import Samples

# Few violated rows in a batch: more batches are drawn, since a programme takes longer than these.
_ENOUGH_VIOLATED = 100
# Steps uphill from T(x).
_STEPS = 1
_TIGHTENING = 0.5


@dataclass(frozen=True)
class Ending:
    """When filling by batches ends.

    Attributes
    ----------
    tol : float
        Violations up to this part of the mean cost of a pair are left.
    share : float
        The share of a batch's rows that may be violated beyond that.
    max_fill : int
        Points that are held at most.
    max_rounds : int
    exact : bool, default False
        Whether multipliers that are exact to rounding have to end so, too.
    batch : int, default 2000
        Rows of either sample that are drawn at once.
    max_batches : int, default 1
        So many are drawn in a round as long as few rows are violated.
    """

    tol: float
    share: float
    max_fill: int
    max_rounds: int
    exact: bool = False
    batch: int = 2000
    max_batches: int = 1


@blas_on_one_thread()
def fill_by_batches(
    points: ContactPoints,
    reg_potential: float,
    rows: Samples,
    unit: float,
    ending: Ending,
    rng: np.random.Generator,
    monitor: Monitor,
) -> AdaptiveFit:
    """Solve with filling points from batches of rows.

    Parameters
    ----------
    points : ContactPoints
        Where to start; their embeddings are those of the landmarks.
    reg_potential : float
        lambda_2.
    rows : Samples
        Where batches are drawn from, in the coordinates of the fit.
    unit : float
        The mean cost of a pair.
    ending : Ending
    rng : numpy.random.Generator
    monitor : Monitor
        Told of every round, asked after it whether to go on.

    Returns
    -------
    AdaptiveFit
        Complete where the last batch had no larger share of violated rows than `ending` allows.
    """
    began = perf_counter()
    rounds: list[FillingRound] = []
    tolerance = leeway = ending.tol * unit
    while True:
        points = points.solved(reg_potential, leeway)
        found = _drawn(points.potentials(reg_potential), rows, tolerance, ending, rng)
        complete = found.share_above(tolerance) <= ending.share
        if complete and ending.exact:
            points = points.polished(reg_potential)
            found = _drawn(points.potentials(reg_potential), rows, tolerance, ending, rng)
            complete = found.share_above(tolerance) <= ending.share
            leeway *= _TIGHTENING
        rounds.append(
            FillingRound(
                n_fill=len(points.x),
                violation=float(found.by.max()) / unit,
                dual=found.dual,
                seconds=perf_counter() - began,
            )
        )
        monitor.on_round(rounds[-1])
        room = ending.max_fill - len(points.x)
        last = complete or room <= 0 or len(rounds) >= ending.max_rounds
        if last or monitor.stop():
            if ending.exact and not complete:
                points = points.polished(reg_potential)
            return AdaptiveFit(points, reg_potential, tuple(rounds), complete)
        order = worst_spread(found.by, tolerance, len(points.x), room)
        points = points.extended(found.x[order], found.y[order])


@dataclass(frozen=True, eq=False)
class _Violated:
    """The worst pair of every row of a batch of either sample, and by how much it violates."""

    x: Array
    y: Array
    by: Array
    of_x: Array
    dual: float

    def share_above(self, tolerance: float) -> float:
        """Return the larger of the shares of both samples' rows that violate by more."""
        beyond = self.by > tolerance
        return float(max(beyond[self.of_x].mean(), beyond[~self.of_x].mean()))


def _drawn(
    potentials: Potentials,
    rows: Samples,
    tolerance: float,
    ending: Ending,
    rng: np.random.Generator,
) -> _Violated:
    """Draw batches until enough rows are violated, or they are as many as they may be."""
    batches: list[_Violated] = []
    n_violated = 0
    while n_violated < _ENOUGH_VIOLATED and len(batches) < ending.max_batches:
        batches.append(_violated(potentials, rows, ending.batch, rng))
        n_violated += int(np.count_nonzero(batches[-1].by > tolerance))
    return _Violated(
        x=np.concatenate([batch.x for batch in batches]),
        y=np.concatenate([batch.y for batch in batches]),
        by=np.concatenate([batch.by for batch in batches]),
        of_x=np.concatenate([batch.of_x for batch in batches]),
        dual=float(np.mean([batch.dual for batch in batches])),
    )


def _violated(
    potentials: Potentials, rows: Samples, batch: int, rng: np.random.Generator
) -> _Violated:
    count = min(batch, len(rows.x), len(rows.y))
    x = rows.x[rng.choice(len(rows.x), count, replace=False)]
    y = rows.y[rng.choice(len(rows.y), count, replace=False)]
    u, slope_u = value_and_gradient(potentials.u, x)
    v, slope_v = value_and_gradient(potentials.v, y)
    scan = scan_pairs(x, y, u, v)
    partner_x, by_x = _uphill(u, potentials.v, x, x - slope_u)
    partner_y, by_y = _uphill(v, potentials.u, y, y - slope_v)
    off_x, off_y = by_x > scan.row_best, by_y > scan.column_best
    return _Violated(
        x=np.concatenate([x, np.where(off_y[:, None], partner_y, x[scan.column_partner])]),
        y=np.concatenate([np.where(off_x[:, None], partner_x, y[scan.row_partner]), y]),
        by=np.concatenate([np.maximum(scan.row_best, by_x), np.maximum(scan.column_best, by_y)]),
        of_x=np.arange(2 * count) < count,
        dual=float(u.mean() + v.mean()),
    )


def _uphill(
    values: Array, other: PotentialFunction, points: Array, start: Array
) -> tuple[Array, Array]:
    """Return partners off the samples, the worst that were met, and the violation there."""
    partner, by = start, np.full(len(start), -np.inf)
    trial = start
    for _ in range(_STEPS):
        at_trial, slope = value_and_gradient(other, trial)
        partner, by = _worse(partner, by, trial, violation(values, at_trial, points, trial))
        trial = points + slope  # Newton's step where the slope of the constraint is the identity
    return _worse(partner, by, trial, violation(values, other(trial), points, trial))


def _worse(partner: Array, by: Array, trial: Array, by_trial: Array) -> tuple[Array, Array]:
    better = by_trial > by
    return np.where(better[:, None], trial, partner), np.where(better, by_trial, by)
