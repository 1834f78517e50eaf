r"""Adaptive filling: cutting planes over all sample pairs and the pairs that the maps propose.

Each round solves the problem on the present filling points, evaluates
:math:`u(x) + v(y) - c(x, y)` on all n x m sample pairs and on the pairs :math:`(x_i, T(x_i))` and
:math:`(S(y_j), y_j)`, where the constraint has its own minimisers off the samples, drops points
whose multiplier is zero, and adds the violated pairs. The filling points that are left at the end
are the contact points of the constraint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes._pairs import PairScan, scan_pairs
from kernel_ot.cutting_planes._programme import polish, solve_pointwise
from kernel_ot.kernels import Kernel
from kernel_ot.potentials import KernelExpansion, Potentials
from kernel_ot.samples import Samples

# A round adds as many points as it holds, and at least this many.
_MIN_ADDED = 400


@dataclass(frozen=True)
class FillingRound:
    """One round of adaptive filling.

    Attributes
    ----------
    n_fill : int
        Filling points of the round.
    violation : float
        Largest violation over sample pairs and map pairs, relative to the mean cost of a pair.
    dual : float
        mean u + mean v on the samples, in the coordinates of the fit.
    seconds : float
        Since the first round began.
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
    x_fill, y_fill : ndarray of shape (l, d)
        The contact points.
    gamma : ndarray of shape (l,)
        Their multipliers.
    potentials : Potentials
        In the coordinates of the fit.
    scan : PairScan
        The constraint on all sample pairs for these potentials.
    rounds : tuple of FillingRound
    complete : bool
        Whether no violation above the tolerance was left; the round with the smallest one else.
    """

    x_fill: Array
    y_fill: Array
    gamma: Array
    potentials: Potentials
    scan: PairScan
    rounds: tuple[FillingRound, ...]
    complete: bool


def adaptive_filling(
    samples: Samples,
    kernel: Kernel,
    reg_potential: float,
    *,
    start: tuple[Array, Array] | None = None,
    tol: float = 2e-3,
    max_fill: int = 2000,
    max_rounds: int = 30,
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
    start : tuple of two ndarray of shape (l, d), optional
        Filling points of the first round; by default (x_i, x_i) and (y_j, y_j), the contact points
        of the identity map, which is what preconditioned samples start from.
    tol : float, default 2e-3
        Violations up to this part of the mean cost of a pair are left.
    max_fill : int, default 2000
        The most violated pairs are added first, and no more than this are held.
    max_rounds : int, default 30
    on_round : callable, optional
        Called after each round; True ends the filling.

    Returns
    -------
    AdaptiveFit
    """
    began = perf_counter()
    x, y = samples.x, samples.y
    x_fill, y_fill = _identity_start(x, y, max_fill) if start is None else start
    unit = max(samples.mean_cost(), np.finfo(float).tiny)
    rounds: list[FillingRound] = []
    while True:
        quadratic, linear = _quadratic_form(samples, x_fill, y_fill, kernel, reg_potential)
        kept, gamma = polish(quadratic, linear, solve_pointwise(quadratic, linear))
        x_fill, y_fill = x_fill[kept], y_fill[kept]
        potentials = _potentials(samples, x_fill, y_fill, gamma, kernel, reg_potential)
        scan, new_x, new_y, violation = _violated_pairs(samples, potentials)
        dual = potentials.u(x) @ samples.weights_x + potentials.v(y) @ samples.weights_y
        rounds.append(
            FillingRound(
                n_fill=len(kept),
                violation=float(violation.max()) / unit,
                dual=float(dual),
                seconds=perf_counter() - began,
            )
        )
        if rounds[-1].violation <= min(step.violation for step in rounds):
            best = AdaptiveFit(x_fill, y_fill, gamma, potentials, scan, (), False)
        complete = rounds[-1].violation <= tol
        stopped = on_round is not None and on_round(rounds[-1]) is True
        room = max_fill - len(x_fill)
        if complete or stopped or room <= 0 or len(rounds) >= max_rounds:
            return replace(best, rounds=tuple(rounds), complete=complete)
        order = np.argsort(-violation, kind="stable")
        order = order[violation[order] > tol * unit]
        # Neighbours violate together and are cured together: a spread over all of them, the worst
        # first, does as well as all and keeps the round's matrices small.
        count = min(room, max(_MIN_ADDED, len(x_fill)))
        order = order[np.unique(np.linspace(0, len(order) - 1, count).astype(np.intp))]
        x_fill = np.concatenate([x_fill, new_x[order]])
        y_fill = np.concatenate([y_fill, new_y[order]])


def _identity_start(x: Array, y: Array, max_fill: int) -> tuple[Array, Array]:
    half = max(1, max_fill // 2)
    points = np.concatenate([x[_spread(len(x), half)], y[_spread(len(y), half)]])
    return points, points


def _spread(n: int, count: int) -> Array:
    """Return at most `count` indices below `n`, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, count)).astype(np.intp))


def _quadratic_form(
    samples: Samples, x_fill: Array, y_fill: Array, kernel: Kernel, reg_potential: float
) -> tuple[Array, Array]:
    """Return Q and z of the finite-dimensional dual (Vacher et al. 2021, equation 9)."""
    quadratic = kernel(x_fill, x_fill) + kernel(y_fill, y_fill)
    embedding = kernel.apply(x_fill, samples.x, samples.weights_x)
    embedding = embedding + kernel.apply(y_fill, samples.y, samples.weights_y)
    cost = np.sum(np.square(x_fill - y_fill), axis=1) / 2
    return quadratic, embedding - 2 * reg_potential * cost


def _potentials(
    samples: Samples,
    x_fill: Array,
    y_fill: Array,
    gamma: Array,
    kernel: Kernel,
    reg_potential: float,
) -> Potentials:
    scale = 2 * reg_potential
    sides = [
        KernelExpansion(
            kernel, np.concatenate([points, fill]), np.concatenate([weights, -gamma]) / scale
        )
        for points, fill, weights in (
            (samples.x, x_fill, samples.weights_x),
            (samples.y, y_fill, samples.weights_y),
        )
    ]
    return Potentials(*sides)


def _violated_pairs(
    samples: Samples, potentials: Potentials
) -> tuple[PairScan, Array, Array, Array]:
    """Return the scan, and the worst pair of every row, column and map, with its violation."""
    x, y = samples.x, samples.y
    u_x, v_y = potentials.u(x), potentials.v(y)
    scan = scan_pairs(x, y, u_x, v_y)
    moved_x, moved_y = potentials.transport(x), potentials.inverse_transport(y)
    off_x = u_x + potentials.v(moved_x) - np.sum(np.square(x - moved_x), axis=1) / 2
    off_y = v_y + potentials.u(moved_y) - np.sum(np.square(y - moved_y), axis=1) / 2
    new_x = np.concatenate([x, x[scan.column_partner], x, moved_y])
    new_y = np.concatenate([y[scan.row_partner], y, moved_x, y])
    violation = np.concatenate([scan.row_best, scan.column_best, off_x, off_y])
    # A pair that is the worst of its row and of its column is one pair.
    columns = np.arange(len(y)) + len(x)
    violation[columns[scan.row_partner[scan.column_partner] == np.arange(len(y))]] = -np.inf
    return scan, new_x, new_y, violation
