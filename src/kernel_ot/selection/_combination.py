"""Weights of the kernel's potential, of entropic ones and of the Gaussian map, by held-out points.

In the preconditioned coordinates the Gaussian map has the potentials zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.potentials import (
    EntropicPotentials,
    Potentials,
    weighted_sum,
)
from kernel_ot.samples import Samples
from kernel_ot.selection._criterion import Criterion, HeldOut
from kernel_ot.selection._entropic import entropic_potentials, means_of_parts
from kernel_ot.selection._paths import Trial
from kernel_ot.selection._spline import spline_potentials
from kernel_ot.selection._splits import MAX_SEMI_DUAL_DIMENSION, is_trusted

# Relative to the mean cost of a pair. From five features on the smallest never carried weight.
_REGULARISATIONS, _REGULARISATIONS_UP_TO_FOUR_FEATURES = (0.1, 0.03, 0.01), (0.1, 0.03, 0.01, 0.003)
_FEW_FEATURES = 4
# Of many points in more features than that, each half of the one before, to be extrapolated: taking
# out the bias of a large one costs less than the noise of a small one.
_HALVED = (0.1, 0.05, 0.025)
# Of splines on the line, from nearly straight ones to such as follow jumps between clusters.
_SMOOTHINGS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
# Of a potential and that at half of its regularisation: a bias that is linear in it cancels.
_EXTRAPOLATING = (-1.0, 2.0)
# What carries less costs time and memory for nothing that can be seen.
_SMALLEST_WEIGHT = 0.05
# The noise of the criterion needs no more held-out points than this.
_MAX_HELD_OUT = 500
# In standard errors on the first split: three gains that are no larger are never trusted together.
_HOPELESS = 2.5


@dataclass(frozen=True)
class Combination:
    """Weights of the potentials that a fit combines; they sum to one.

    Attributes
    ----------
    kernel : float
        Of the kernel's potentials.
    gaussian : float
        Of the preconditioner alone, which has the potentials zero.
    entropic : tuple of (float, float)
        Regularisation, relative to the mean cost of a pair in the preconditioned coordinates, and
        weight of each entropic potential, from large to small. Weights are negative where
        potentials are extrapolated to less regularisation.
    splines : tuple of (float, float)
        Smoothing and weight of each spline, on the line, from smooth to rough.

    Examples
    --------
    >>> Combination(kernel=0.7, gaussian=0.1, entropic=((0.03, 0.2),)).entropic
    ((0.03, 0.2),)
    """

    kernel: float = 1.0
    gaussian: float = 0.0
    entropic: tuple[tuple[float, float], ...] = ()
    splines: tuple[tuple[float, float], ...] = ()

    @property
    def regularisations(self) -> tuple[float, ...]:
        """Those of the entropic potentials that carry weight."""
        return tuple(regularisation for regularisation, _ in self.entropic)

    def potentials(
        self, kernel: Potentials, entropic: tuple[EntropicPotentials, ...], samples: Samples
    ) -> Potentials:
        """Return the weighted sum, in the coordinates of the fit to `samples`.

        Of several parts' entropic potentials each carries an equal share of the weight. Splines
        take a thousandth of the time of a fit, so they are fitted where they are asked for.
        """
        parts = len(entropic) // max(len(self.entropic), 1)
        shares = (weight / parts for _, weight in self.entropic for _ in range(parts))
        smoothings = tuple(smoothing for smoothing, _ in self.splines)
        splines = spline_potentials(samples, smoothings) if smoothings else ()
        return weighted_sum(
            (kernel, *entropic, *splines),
            (self.kernel, *shares, *(weight for _, weight in self.splines)),
        )


@blas_on_one_thread()
def combine(trials: tuple[Trial, ...], *, many_points: bool = False) -> Combination:
    """Return the weights with the largest held-out semi-dual value.

    Of its sum over the splits; on the line the mean of each split's own weights, which single
    points far out cannot move to a corner.

    Parameters
    ----------
    trials : tuple of Trial
        The kernel's fit with one setting on each split.
    many_points : bool, default False
        Whether these are fits of `MANY_POINTS` or more, whose entropic potentials are extrapolated
        from five features on.

    Returns
    -------
    Combination
        Of candidates that carry a twentieth or more; the kernel alone where a gain on it is not to
        be trusted, which among many features the first split mostly tells.
    """
    dimension = trials[0].train.dimension
    few = dimension <= _FEW_FEATURES
    extrapolate = many_points and not few
    regularisations = _REGULARISATIONS_UP_TO_FOUR_FEATURES if few else _REGULARISATIONS
    if extrapolate:
        regularisations = _HALVED
    first, *others = trials
    entropic = [entropic_potentials(first.train, regularisations)]
    many_features = dimension > MAX_SEMI_DUAL_DIMENSION
    # Mostly nothing is gained among many features, and the comparison takes a third of the fit.
    screened = others and many_features
    if screened and _is_hopeless(first, means_of_parts(entropic[0], len(regularisations))):
        return Combination()
    entropic += [entropic_potentials(trial.train, regularisations) for trial in others]
    again = not (few or extrapolate or many_features)
    return weigh(trials, regularisations, entropic, extrapolate=extrapolate, again=again)


@blas_on_one_thread()
def weigh(
    trials: tuple[Trial, ...],
    regularisations: tuple[float, ...],
    entropic: Sequence[tuple[EntropicPotentials, ...]],
    *,
    extrapolate: bool = False,
    again: bool = False,
    clearly: float | None = None,
    max_held_out: int = _MAX_HELD_OUT,
) -> Combination:
    """Return the weights of entropic potentials that are there, as `combine` does.

    Parameters
    ----------
    trials : tuple of Trial
    regularisations : tuple of float
    entropic : sequence of tuple of EntropicPotentials
        For each trial, those of its training points at these regularisations.
    extrapolate : bool, default False
        Each regularisation being half of the one before: whether to weigh twice a potential minus
        the one before, and to seek minima in a smaller ball, see `HeldOut.of`.
    again : bool, default False
        Whether to weigh once more, with minima drawn to the inverse map in that smaller ball, where
        another regularisation than the largest carries weight: then the map is rough.
    clearly : float, optional
        By how many of its standard errors the kernel alone has to be beaten, by the weights that
        are found first; by default only among many features.
    max_held_out : int, optional
        Of each trial at most so many points of either sample are used.
    """
    dimension = trials[0].train.dimension
    splits = []
    for trial, found in zip(trials, entropic, strict=True):
        offered = means_of_parts(found, len(regularisations))
        if extrapolate:
            offered = tuple(weighted_sum(pair, _EXTRAPOLATING) for pair in pairwise(offered))
        test = trial.test.thinned(max_held_out)
        offered = (trial.potentials, *offered)
        splits.append(HeldOut.of(offered, trial.train, test, trial.unit, near=extrapolate))
    summed = [[split] for split in splits] if dimension == 1 else [splits]
    weights = _pruned(np.mean([Criterion(together).best() for together in summed], axis=0))
    if clearly is not None or dimension > MAX_SEMI_DUAL_DIMENSION:
        gain, error = Criterion(splits).gain(weights)
        if gain <= (clearly or 0.0) * error or not is_trusted(gain, error, dimension):
            return Combination()
    if again and weights[3:].any():
        drawn = [split.drawn_to_inverse(weights) for split in splits]
        weights = _pruned(Criterion(drawn).best())
    carried = weights[2:]
    if extrapolate:
        of_larger, of_half = np.outer(_EXTRAPOLATING, carried)
        carried = np.append(of_larger, 0.0) + np.append(0.0, of_half)
    return Combination(
        float(weights[0]),
        float(weights[1]),
        tuple(
            (reg, float(weight))
            for reg, weight in zip(regularisations, carried, strict=True)
            if weight != 0
        ),
    )


def _is_hopeless(trial: Trial, entropic: Sequence[Potentials]) -> bool:
    """Return whether one split gains so little that the others cannot make it a gain to trust."""
    test = trial.test.thinned(_MAX_HELD_OUT)
    offered = (trial.potentials, *entropic)
    criterion = Criterion([HeldOut.of(offered, trial.train, test, trial.unit)])
    gain, error = criterion.gain(criterion.best())
    return gain <= _HOPELESS * error


@blas_on_one_thread()
def weigh_splines(parts: Sequence[tuple[Samples, Samples, float]]) -> Combination:
    """Return the weights of splines and the Gaussian map on the line, of all parts together.

    Without the kernel's potentials: from some hundred points on splines are nearer, and what the
    held-out value prefers among both is not.

    Parameters
    ----------
    parts : sequence of (Samples, Samples, float)
        What splines are fitted to, what was held out, and the `unit` of a `Trial`.
    """
    splits = [
        HeldOut.of(spline_potentials(train, _SMOOTHINGS), train, test.thinned(_MAX_HELD_OUT), unit)
        for train, test, unit in parts
    ]
    first, gaussian, *others = _pruned(Criterion(splits).best())
    weights = zip(_SMOOTHINGS, (first, *others), strict=True)
    splines = tuple((smoothing, float(weight)) for smoothing, weight in weights if weight)
    return Combination(kernel=0.0, gaussian=float(gaussian), splines=splines)


def _pruned(weights: Array) -> Array:
    kept = np.where(weights < _SMALLEST_WEIGHT, 0.0, weights)
    return np.asarray(kept / kept.sum())
