"""A path of regularisations from large to small, each fit scored on points that were kept out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from kernel_ot.cutting_planes import AdaptiveFit, ContactPoints
from kernel_ot.large_samples._batches import Ending, fill_by_batches
from kernel_ot.large_samples._monitor import Monitor
from kernel_ot.preconditioning import Conjugation
from kernel_ot.samples import Samples
from kernel_ot.selection import (
    MAX_SEMI_DUAL_DIMENSION,
    REG_SOS,
    Baseline,
    Pair,
    Score,
    held_out_energy,
    semi_dual,
    standard_error,
)

# Where the search for the minimum of the c-transform begins; its descent does the rest.
_CANDIDATES = 2000
# Far below the noise of a mean over thousands of points.
_DESCENT_TOL = 1e-8
# A gain below this part of its noise is the last; what is still to gain is about as much.
_SETTLED = 0.25
# A setting is chosen by less than this part of the mean cost, and less than this share of rows. A
# filling that takes more rounds is the end: most of the time was spent on those, for nothing.
_CHOOSING = Ending(tol=5e-3, share=2e-3, max_fill=3000, max_rounds=25)
# In many features a round takes longer, and weak regularisation gained nothing on cells kept out.
_CHOOSING_OF_MANY_FEATURES = replace(_CHOOSING, max_rounds=15)
# Kernels are compared by fits that are small: one that needs more is not the one to take.
COMPARING = Ending(tol=5e-3, share=4e-3, max_fill=700, max_rounds=12, batch=1000)


def choosing(dimension: int) -> Ending:
    """Return when fillings of a path end, for points of so many features."""
    return _CHOOSING if dimension <= MAX_SEMI_DUAL_DIMENSION else _CHOOSING_OF_MANY_FEATURES


@dataclass(frozen=True, eq=False)
class Bench:
    """Points that were kept out, and what the preconditioner alone scores on them.

    Attributes
    ----------
    rows : Samples
        Training points, in the coordinates of the fit; batches are drawn from them.
    test, changed : Samples
        Held-out points in the user's coordinates, y near x, and in those of the fit.
    change : Conjugation
        Of `test`.
    """

    rows: Samples
    test: Samples
    changed: Samples
    change: Conjugation

    def zero_terms(self) -> Pair:
        """Return the terms of the semi-dual value of zero potentials."""
        return np.zeros(len(self.test.x)), np.zeros(len(self.test.y))

    def baseline(self) -> Baseline:
        """Return the score of the preconditioner alone."""
        test = self.test
        base = self.change.cost(0.0, test.x, test.y, test.weights_x, test.weights_y)
        energy = held_out_energy(self.change.backward_y(self.changed.x), test)
        return Baseline(base, energy)

    def score(self, fit: AdaptiveFit, before: Pair) -> tuple[Score, Pair]:
        """Return the score of a fit and its terms; its error is that of the gain over `before`."""
        test, potentials = self.test, fit.potentials
        starts, x, y = self.rows.x[:_CANDIDATES], self.changed.x, self.changed.y
        terms = semi_dual(potentials, starts, x, y, _DESCENT_TOL)
        value = float(test.weights_x @ terms[0] + test.weights_y @ terms[1])
        base = self.change.cost(0.0, test.x, test.y, test.weights_x, test.weights_y)
        scale = self.change.scale**2
        score = Score(
            REG_SOS,
            fit.reg_potential,
            base + scale * value,
            held_out_energy(self.change.backward_y(potentials.transport(self.changed.x)), test),
            scale * standard_error(terms, before, test),
            fit.rounds[-1].violation,
            fit.rounds[-1].seconds,
        )
        return score, terms


@dataclass(frozen=True, eq=False)
class Best:
    """The fit of a path that scored best.

    Attributes
    ----------
    fit : AdaptiveFit
    gain : float
        Its score, larger is better.
    terms : pair of ndarray
        Of its semi-dual value.
    """

    fit: AdaptiveFit
    gain: float
    terms: Pair


@dataclass(frozen=True, eq=False)
class Walked:
    """Where a path ended.

    Attributes
    ----------
    best : Best, optional
        None where no fit ended.
    scores : tuple of Score
        Of every fit that ended.
    """

    best: Best | None
    scores: tuple[Score, ...]


def walk(
    points: ContactPoints,
    reg_potentials: Iterable[float],
    held_out: Bench,
    unit: float,
    ending: Ending,
    rng: np.random.Generator,
    monitor: Monitor,
    patience: int = 1,
) -> Walked:
    """Fit along a path until it gains no more than its noise, or a filling does not end.

    Parameters
    ----------
    points : ContactPoints
        Where the first fit starts; each other starts where the one before ended.
    reg_potentials : iterable of float
        lambda_2, from large to small.
    held_out : Bench
    unit : float
        The mean cost of a pair.
    ending : Ending
    rng : numpy.random.Generator
    monitor : Monitor
    patience : int, default 1
        So many settings in a row that gain nothing end the path. Strong regularisations, of which
        none has much to gain, are no reason to stop.
    """
    best: Best | None = None
    by_energy = held_out.test.dimension > MAX_SEMI_DUAL_DIMENSION
    scores: list[Score] = []
    waited = 0
    for reg_potential in reg_potentials:
        fit = fill_by_batches(points, reg_potential, held_out.rows, unit, ending, rng, monitor)
        points = fit.points
        if not fit.complete:
            break
        score, terms = held_out.score(fit, held_out.zero_terms() if best is None else best.terms)
        scores.append(score)
        monitor.on_score(score)
        gain = -score.energy if by_energy else score.semi_dual
        clearly = 0.0 if by_energy else _SETTLED * score.standard_error
        waited = 0 if best is None or gain > best.gain + clearly else waited + 1
        if best is None or gain > best.gain:
            best = Best(fit, gain, terms)
        if waited >= patience or monitor.stop():
            break
    return Walked(best, tuple(scores))
