r"""Adaptive filling: cutting planes over all sample pairs and the pairs that the maps propose.

Each round solves the problem on the present filling points, evaluates
:math:`u(x) + v(y) - c(x, y)` on all n x m sample pairs and on the pairs :math:`(x_i, T(x_i))` and
:math:`(S(y_j), y_j)`, where the constraint has its own minimisers off the samples, drops points
whose multiplier is zero, and adds the violated pairs. The filling points that are left at the end
are the contact points of the constraint. Before the end, among many features, pairs are looked at
that S returns from: potentials that shift all of T can satisfy the constraint at all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import NamedTuple

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.cutting_planes._contact import ContactPoints, Embeddings, SampleValues
from kernel_ot.cutting_planes._pairs import scan_pairs
from kernel_ot.kernels import Kernel
from kernel_ot.potentials import Potentials
from kernel_ot.samples import Samples

# A round adds half as many points as it holds, and at least this many: what is not in contact makes
# the next programme larger for nothing.
_FIRST_POINTS, _FEWEST_ADDED = 100, 100
_TIGHTENING = 0.2
_LAST_LEEWAY = 0.01
# In tolerances: where sample pairs violate by more, the maps' pairs are not looked at yet.
_NEARLY = 10.0
# Above so many features, in tolerances, what pairs that S returns from may violate by: 1.1 in sound
# fits, like their neighbours, 13 in one to cells that ended with all of T shifted, which one look
# mends. Single rows of rough maps do too: filling would not end if it had to look again and again.
_FEW_FEATURES, _NOT_RETURNING, _MOST_LOOKS = 20, 2.0, 3


@dataclass(frozen=True)
class FillingRound:
    """One round of adaptive filling.

    Attributes
    ----------
    n_fill : int
        Filling points of the round.
    violation : float
        Largest violation over sample pairs and, once these nearly satisfy the constraint, the
        maps' pairs; relative to the mean cost of a pair.
    dual : float
        mean u + mean v on the samples, in the coordinates of the fit.
    seconds : float
        Since the first round began.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, x + 3)
    >>> model.rounds_[-1].violation <= model.violation_tol
    True
    """

    n_fill: int
    violation: float
    dual: float
    seconds: float


@dataclass(frozen=True, eq=False)
class AdaptiveFit:
    """Where adaptive filling ended.

    Attributes
    ----------
    points : ContactPoints
        The contact points with their multipliers.
    reg_potential : float
        lambda_2.
    rounds : tuple of FillingRound
    complete : bool
        Whether no violation above the tolerance was left; the round with the smallest one else.
    """

    points: ContactPoints
    reg_potential: float
    rounds: tuple[FillingRound, ...]
    complete: bool

    @property
    def potentials(self) -> Potentials:
        """In the coordinates of the fit."""
        return self.points.potentials(self.reg_potential)


# Two pools of threads would wait for each other on the cores, many times as long as they compute.
@blas_on_one_thread()
def adaptive_filling(
    samples: Samples,
    kernel: Kernel,
    reg_potential: float,
    *,
    start: AdaptiveFit | None = None,
    tol: float = 2e-3,
    max_fill: int = 4000,
    max_rounds: int = 60,
    exact: bool = True,
    on_round: Callable[[FillingRound], bool] | None = None,
) -> AdaptiveFit:
    """Solve with filling points chosen by cutting planes.

    Parameters
    ----------
    samples : Samples
    kernel : Kernel
        Of both potentials.
    reg_potential : float
        lambda_2.
    start : AdaptiveFit, optional
        A fit of the same samples and kernel with another lambda_2, whose contact points, matrices
        and embeddings are used again; by default (x_i, x_i) and (y_j, y_j), the contact points
        of the identity map, which is what preconditioned samples start from.
    tol : float, default 2e-3
        Violations up to this part of the mean cost of a pair are left.
    max_fill : int, default 4000
        The most violated pairs are added first, and no more than this are held.
    max_rounds : int, default 60
    exact : bool, default True
        Whether the multipliers that are returned are exact to rounding, and a fit counts as
        complete only if these leave no violation either. Rounds solve with a small ridge, which
        moves the potentials by a tenth of `tol` at most; choosing settings needs no more.
    on_round : callable, optional
        Called after each round; True ends the filling.

    Returns
    -------
    AdaptiveFit
    """
    began = perf_counter()
    unit = samples.mean_cost() or 1.0  # two samples of one and the same point: any length will do
    points = _identity_start(samples, kernel, max_fill) if start is None else start.points
    rounds: list[FillingRound] = []
    leeway = tol * unit
    best: _Best | None = None
    looks = _MOST_LOOKS if samples.dimension > _FEW_FEATURES else 0
    while True:
        points = points.solved(reg_potential, leeway)
        violated = _violated_pairs(samples, points, reg_potential, tol * unit)
        if exact and violated.largest <= tol * unit:
            points = points.polished(reg_potential)
            violated = _violated_pairs(samples, points, reg_potential, tol * unit)
            if looks and violated.largest <= tol * unit:
                looks -= 1
                potentials = points.potentials(reg_potential)
                violated = _with_returning(violated, samples, potentials, tol * unit)
            # What the exact multipliers violate must not be forgiven again by the next round.
            leeway *= _TIGHTENING
        rounds.append(
            FillingRound(
                n_fill=len(points.x),
                violation=violated.largest / unit,
                dual=violated.dual,
                seconds=perf_counter() - began,
            )
        )
        if best is None or rounds[-1].violation <= best.violation:
            best = _Best(points, rounds[-1].violation)
        complete = rounds[-1].violation <= tol
        stopped = on_round is not None and on_round(rounds[-1]) is True
        room = max_fill - len(points.x)
        if complete or stopped or room <= 0 or len(rounds) >= max_rounds:
            break
        order = worst_spread(violated.by, tol * unit, len(points.x), room)
        points = points.extended(violated.x[order], violated.y[order])
    if not exact:
        found = best.points.solved(reg_potential, _LAST_LEEWAY * tol * unit)
    else:  # the multipliers of a complete round are exact already
        found = best.points if complete else best.points.polished(reg_potential)
    return AdaptiveFit(found, reg_potential, tuple(rounds), complete)


class _Best(NamedTuple):
    """The round that has left the smallest violation."""

    points: ContactPoints
    violation: float


def worst_spread(by: Array, tolerance: float, n_held: int, room: int) -> Array:
    """Return which pairs a round adds to the `n_held` that it has, of those that violate `by`.

    Neighbours violate together and are cured together: a spread over all that violate by more than
    `tolerance`, the worst first, does as well as all and keeps the round's matrices small.
    """
    order = np.argsort(-by, kind="stable")
    order = order[by[order] > tolerance]
    count = min(room, max(_FEWEST_ADDED, n_held // 2))
    chosen: Array = order[np.unique(np.linspace(0, len(order) - 1, count).astype(np.intp))]
    return chosen


def started_at(
    samples: Samples, kernel: Kernel, reg_potential: float, x: Array, y: Array
) -> AdaptiveFit:
    """Return what `adaptive_filling` starts from: given pairs that no programme was solved on."""
    points = ContactPoints.at(Embeddings(samples, kernel), x, y)
    return AdaptiveFit(points, reg_potential, (), complete=False)


def _identity_start(samples: Samples, kernel: Kernel, max_fill: int) -> ContactPoints:
    half = max(1, min(max_fill, _FIRST_POINTS) // 2)
    x, y = samples.x, samples.y
    points = np.concatenate([x[_spread(len(x), half)], y[_spread(len(y), half)]])[:max_fill]
    return ContactPoints.at(Embeddings(samples, kernel), points, points)


def _spread(n: int, count: int) -> Array:
    """Return at most `count` indices below `n`, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, count)).astype(np.intp))


@dataclass(frozen=True, eq=False)
class _ViolatedPairs:
    """The worst pair of every row, column and map, and by how much it violates."""

    x: Array
    y: Array
    by: Array
    dual: float
    at_samples: SampleValues

    @property
    def largest(self) -> float:
        """The largest violation; negative where the constraint has room everywhere."""
        return float(self.by.max())


def _violated_pairs(
    samples: Samples, points: ContactPoints, reg_potential: float, leeway: float
) -> _ViolatedPairs:
    x, y = samples.x, samples.y
    here, potentials = points.at_samples(reg_potential), points.potentials(reg_potential)
    scan = scan_pairs(x, y, here.u, here.v)
    off_x, off_y = np.full(len(x), -np.inf), np.full(len(y), -np.inf)
    # Maps that are still far off propose nothing of use, and their pairs cost as much as the rest.
    if scan.largest <= _NEARLY * leeway:
        off_x = violation(here.u, potentials.v(here.images_x), x, here.images_x)
        off_y = violation(here.v, potentials.u(here.images_y), y, here.images_y)
    by = np.concatenate([scan.row_best, scan.column_best, off_x, off_y])
    # A pair that is the worst of its row and of its column is one pair.
    columns = np.arange(len(y)) + len(x)
    by[columns[scan.row_partner[scan.column_partner] == np.arange(len(y))]] = -np.inf
    return _ViolatedPairs(
        x=np.concatenate([x, x[scan.column_partner], x, here.images_y]),
        y=np.concatenate([y[scan.row_partner], y, here.images_x, y]),
        by=by,
        dual=float(samples.weights_x @ here.u + samples.weights_y @ here.v),
        at_samples=here,
    )


def _with_returning(
    found: _ViolatedPairs, samples: Samples, potentials: Potentials, leeway: float
) -> _ViolatedPairs:
    """Add the pairs (x, S^-1(x)) and (T^-1(y), y) that violate by more than twice the leeway.

    With x fixed y = S^-1(x) = x + grad v(y) is where the constraint is tightest; one step towards
    it from T(x), where it is T(x) already unless S(T(x)) misses x.
    """
    x, y, here = samples.x, samples.y, found.at_samples
    return_x = x + potentials.v.gradient(here.images_x)
    return_y = y + potentials.u.gradient(here.images_y)
    off_x = violation(here.u, potentials.v(return_x), x, return_x)
    off_y = violation(here.v, potentials.u(return_y), y, return_y)
    far_x, far_y = off_x > _NOT_RETURNING * leeway, off_y > _NOT_RETURNING * leeway
    return replace(
        found,
        x=np.concatenate([found.x, x[far_x], return_y[far_y]]),
        y=np.concatenate([found.y, return_x[far_x], y[far_y]]),
        by=np.concatenate([found.by, off_x[far_x], off_y[far_y]]),
    )


def violation(values: Array, other_values: Array, points: Array, others: Array) -> Array:
    """Return by how much pairs violate the constraint, from both potentials' values there."""
    by: Array = values + other_values - np.sum(np.square(points - others), axis=1) / 2
    return by
