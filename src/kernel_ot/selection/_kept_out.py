"""Of many points: the chosen settings once more, on two thirds of all that a fit has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.cutting_planes import AdaptiveFit, adaptive_filling
from kernel_ot.potentials import Potentials
from kernel_ot.preconditioning import Conjugation, fit_conjugation
from kernel_ot.samples import Samples
from kernel_ot.selection._combination import Combination, combine
from kernel_ot.selection._entropic import entropic_potentials
from kernel_ot.selection._paths import OnRound, Pair, Trial, chosen_kernel, semi_dual
from kernel_ot.selection._selection import Candidate
from kernel_ot.selection._splits import random_splits

# As where settings are compared: this fit is judged, not kept.
_VIOLATION_TOL, _MAX_ROUNDS = 5e-3, 40


@dataclass(frozen=True, eq=False)
class KeptOut:
    """Chosen settings fitted without a third of the points, and what these say of it.

    Three quarters of them give the weights of what is combined, the others judge the map.

    Attributes
    ----------
    combination : Combination
    potentials : Potentials
        What is combined, in the coordinates of this fit.
    change : Conjugation
    contacts : pair of ndarray
        Contact points of the kernel's potentials, in the user's coordinates.
    judges : Samples
        Points that neither the fit nor the weights have seen, in the user's coordinates.
    terms : pair of ndarray
        Terms of the semi-dual value at them, in the coordinates of the fit.
    """

    combination: Combination
    potentials: Potentials
    change: Conjugation
    contacts: Pair
    judges: Samples
    terms: Pair


@blas_on_one_thread()
def combine_on_kept_out(
    samples: Samples,
    preconditioner: str | None,
    best: Candidate,
    rng: np.random.Generator,
    on_round: OnRound | None = None,
) -> KeptOut:
    """Return the weights of what is combined for fits of many points.

    Weights from small fits are not those of a large one: entropic potentials gain more by points
    than a kernel's do where the map has kinks.

    Parameters
    ----------
    samples : Samples
        In the user's coordinates, none without mass.
    preconditioner : {"gaussian", "scale", None}
    best : Candidate
        The settings that were chosen on smaller parts, whose share lambda_2 is lowered by.
    rng : numpy.random.Generator
    on_round : callable, optional
        Called after each round of filling; True ends it.
    """
    (split,) = random_splits(samples, 1, rng)
    train, test = split.train, split.test
    change = fit_conjugation(train.x, train.y, preconditioner, train.weights_x, train.weights_y)
    inner = change.changed(train.distinct())
    compared_on = min(len(split.kernel_points().x), len(split.kernel_points().y))
    fit = adaptive_filling(
        inner,
        chosen_kernel(best.kernel_choice, inner, np.random.default_rng(split.seed)),
        best.reg_potential * compared_on / min(len(inner.x), len(inner.y)),
        tol=_VIOLATION_TOL,
        max_rounds=_MAX_ROUNDS,
        exact=False,
        on_round=on_round,
    )
    weighing, judges = three_quarters_and_the_rest(test)
    trial = Trial(fit.potentials, inner, change.changed(weighing), change.scale**2)
    combination = combine((trial,), many_points=True)
    entropic = entropic_potentials(inner, combination.regularisations)
    potentials = combination.potentials(fit.potentials, entropic, inner)
    return KeptOut(
        combination,
        potentials,
        change,
        _in_user_coordinates(fit, change),
        judges,
        semi_dual(potentials, inner.x, change.forward_x(judges.x), change.forward_y(judges.y)),
    )


def three_quarters_and_the_rest(samples: Samples) -> tuple[Samples, Samples]:
    """Return two parts: from half of the points weights were noisy, a verdict needs fewer."""
    in_rest: list[Array] = [np.arange(len(p)) % 4 == 3 for p in (samples.x, samples.y)]
    return (
        samples.restrict(*(np.flatnonzero(~chosen) for chosen in in_rest)),
        samples.restrict(*(np.flatnonzero(chosen) for chosen in in_rest)),
    )


def _in_user_coordinates(fit: AdaptiveFit, change: Conjugation) -> Pair:
    return change.backward_x(fit.points.x), change.backward_y(fit.points.y)
