r"""Weights of the kernel's potential, of others and of the Gaussian map, by held-out points.

In the preconditioned coordinates the Gaussian map has the potentials zero. The semi-dual value of
:math:`u_w = \sum_k w_k u_k` on held-out points,

.. math:: J(w) = \operatorname{mean}_i u_w(x_i)
   + \operatorname{mean}_j \min_{|x| \le R} \tfrac12 |x - y_j|^2 - u_w(x),

is concave in w, with the derivative :math:`\operatorname{mean}_i u_k(x_i) - \operatorname{mean}_j
u_k(x^*_j)`, :math:`x^*_j` where the minimum is reached. Near the identity :math:`x^*_j` moves by
:math:`\nabla u_k(x^*_j)` with :math:`w_k`, so the second derivative is close to
:math:`-\operatorname{mean}_j \langle \nabla u_k(x^*_j), \nabla u_l(x^*_j) \rangle`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize

from kernel_ot._arrays import Array
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.cutting_planes import descend, scan_pairs
from kernel_ot.potentials import (
    EntropicPotentials,
    PotentialFunction,
    Potentials,
    WeightedSum,
    weighted_sum,
)
from kernel_ot.samples import Samples
from kernel_ot.selection._entropic import entropic_potentials, means_of_parts
from kernel_ot.selection._paths import Pair, Trial
from kernel_ot.selection._spline import spline_potentials
from kernel_ot.selection._splits import MAX_SEMI_DUAL_DIMENSION, is_trusted

# Relative to the mean cost of a pair. From five features on the smallest never carried weight.
_REGULARISATIONS, _REGULARISATIONS_UP_TO_FOUR_FEATURES = (0.1, 0.03, 0.01), (0.1, 0.03, 0.01, 0.003)
_FEW_FEATURES = 4
# Of many points in more features than that, each half of the one before, to be extrapolated: taking
# out the bias of a large one costs less than the noise of a small one.
_HALVED = (0.1, 0.05, 0.025)
# Of splines on the line, from nearly straight ones to such as follow every few points.
_SMOOTHINGS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
# The ball that minima are sought in, in the largest norm of a training point: outside of the hull
# of their centres entropic potentials have no c-transform.
_RADIUS = 1.05
# The share of training points in the ball where extrapolated potentials are weighed: half of them
# are better for rough maps, but give smooth ones entropic parts.
_NEAR = 0.9
# Of a potential and that at half of its regularisation: a bias that is linear in it cancels.
_EXTRAPOLATING = (-1.0, 2.0)
_MAX_STEPS, _SHORTEST_STEP, _DESCENT_TOL, _GAIN_TOL = 8, 0.1, 1e-6, 1e-5
# What carries less costs time and memory for nothing that can be seen.
_SMALLEST_WEIGHT = 0.05
# Where minima are sought from, the descent does the rest.
_MAX_STARTS = 5000
# The noise of the criterion needs no more held-out points than this.
_MAX_HELD_OUT = 500


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
        be trusted.
    """
    few = trials[0].train.dimension <= _FEW_FEATURES
    extrapolate = many_points and not few
    regularisations = _REGULARISATIONS_UP_TO_FOUR_FEATURES if few else _REGULARISATIONS
    if extrapolate:
        regularisations = _HALVED
    entropic = [entropic_potentials(trial.train, regularisations) for trial in trials]
    return weigh(trials, regularisations, entropic, extrapolate=extrapolate)


@blas_on_one_thread()
def weigh(
    trials: tuple[Trial, ...],
    regularisations: tuple[float, ...],
    entropic: Sequence[tuple[EntropicPotentials, ...]],
    *,
    extrapolate: bool = False,
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
        the one before, and to seek minima in a smaller ball, see `_HeldOut.of`.
    clearly : float, optional
        By how many of its standard errors the kernel alone has to be beaten; by default only among
        many features.
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
        splits.append(_HeldOut.of(offered, trial.train, test, trial.unit, near=extrapolate))
    summed = [[split] for split in splits] if dimension == 1 else [splits]
    weights = _pruned(np.mean([_Criterion(together).best() for together in summed], axis=0))
    if clearly is not None or dimension > MAX_SEMI_DUAL_DIMENSION:
        gain, error = _Criterion(splits).gain(weights)
        if gain <= (clearly or 0.0) * error or not is_trusted(gain, error, dimension):
            return Combination()
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
        _HeldOut.of(spline_potentials(train, _SMOOTHINGS), train, test.thinned(_MAX_HELD_OUT), unit)
        for train, test, unit in parts
    ]
    first, gaussian, *others = _pruned(_Criterion(splits).best())
    weights = zip(_SMOOTHINGS, (first, *others), strict=True)
    splines = tuple((smoothing, float(weight)) for smoothing, weight in weights if weight)
    return Combination(kernel=0.0, gaussian=float(gaussian), splines=splines)


def _pruned(weights: Array) -> Array:
    kept = np.where(weights < _SMALLEST_WEIGHT, 0.0, weights)
    return np.asarray(kept / kept.sum())


@dataclass(eq=False)
class _HeldOut:
    """The terms of J on one split; the Gaussian map's are zero and left out."""

    functions: tuple[PotentialFunction, ...]
    test: Samples
    unit: float
    radius: float
    at_x: Array
    minimisers: Array

    @classmethod
    def of(
        cls,
        potentials: Sequence[Potentials],
        train: Samples,
        test: Samples,
        unit: float,
        *,
        near: bool = False,
    ) -> _HeldOut:
        """Evaluate all potentials at the held-out points.

        Points y that no image comes near have their minimum at the ball's surface. They say how far
        images reach, not where each point goes: in a ball that holds all points they favour maps
        that overshoot, the more the more features there are. With `near` it is a ball of nine in
        ten training points, in which they weigh less.
        """
        functions = tuple(of_one.u for of_one in potentials)
        u = functions[0]
        starts = train.x[:: -(-len(train.x) // _MAX_STARTS)]
        scan = scan_pairs(starts, test.y, u(starts), np.zeros(len(test.y)))
        norms = np.linalg.norm(train.x, axis=1)
        return cls(
            functions,
            test,
            unit,
            float(np.quantile(norms, _NEAR) if near else _RADIUS * norms.max()),
            np.stack([function(test.x) for function in functions], axis=1),
            starts[scan.column_partner],
        )

    def value(self, weights: Array) -> tuple[float, Array]:
        """Return J and the minimisers, sought from those of the last weights that were kept."""
        (at_x, at_y), points = self.terms(weights)
        return float(self.test.weights_x @ at_x + self.test.weights_y @ at_y), points

    def terms(self, weights: Array) -> tuple[Pair, Array]:
        """Return what J is the mean of, at the points of x and of y, and the minimisers."""
        carried = np.flatnonzero(weights) if weights.any() else np.zeros(1, dtype=np.intp)
        u: PotentialFunction = WeightedSum(
            tuple(self.functions[k] for k in carried), tuple(weights[carried])
        )
        points, transformed = descend(
            u, self.test.y, self.minimisers, _DESCENT_TOL, radius=self.radius
        )
        return (self.at_x @ weights, transformed), points

    def gain(self, weights: Array) -> tuple[float, float]:
        """Return J minus that of the kernel's potential alone, and its standard error."""
        (mine_x, mine_y), _ = self.terms(weights)
        (kernel_x, kernel_y), _ = self.terms(np.eye(len(weights))[0])
        at_x, at_y = mine_x - kernel_x, mine_y - kernel_y
        gain = float(self.test.weights_x @ at_x + self.test.weights_y @ at_y)
        return gain, self.test.standard_error(at_x, at_y)

    def derivatives(self) -> tuple[Array, Array]:
        """Return gradient and minus the second derivative at the minimisers that are kept."""
        points, b = self.minimisers, self.test.weights_y
        values = np.stack([function(points) for function in self.functions], axis=1)
        slopes = np.stack([function.gradient(points) for function in self.functions], axis=2)
        gradient = self.test.weights_x @ self.at_x - b @ values
        return gradient, np.einsum("j,jdk,jdl->kl", b, slopes, slopes)


class _Criterion:
    """J over all splits, in units of the largest of their scales."""

    def __init__(self, splits: list[_HeldOut]) -> None:
        self.splits = splits
        total = sum(split.unit for split in splits)
        self.shares = [split.unit / total for split in splits]

    def value(self, weights: Array) -> tuple[float, list[Array]]:
        found = [split.value(weights) for split in self.splits]
        value = sum(share * j for share, (j, _) in zip(self.shares, found, strict=True))
        return float(value), [points for _, points in found]

    def keep(self, minimisers: list[Array]) -> None:
        for split, points in zip(self.splits, minimisers, strict=True):
            split.minimisers = points

    def gain(self, weights: Array) -> tuple[float, float]:
        """Return J of weights from `best` minus that of the kernel alone, and its error."""
        functions = np.delete(weights, 1)  # the Gaussian map's potential is zero
        gains, errors = np.transpose([split.gain(functions) for split in self.splits])
        shares = np.array(self.shares)
        return float(shares @ gains), float(np.linalg.norm(shares * errors))

    def best(self) -> Array:
        """Return the weights, the Gaussian map's in the second place."""
        n = len(self.splits[0].functions)
        weights = np.zeros(n)
        weights[0] = 1.0
        value, minimisers = self.value(weights)
        for _ in range(_MAX_STEPS):
            self.keep(minimisers)
            gradient, curvature = np.zeros(n), np.zeros((n, n))
            for share, split in zip(self.shares, self.splits, strict=True):
                slope, bend = split.derivatives()
                gradient += share * slope
                curvature += share * bend
            direction = _quadratic_step(weights, gradient, curvature)
            length = 1.0
            while length > _SHORTEST_STEP:
                trial = weights + length * direction
                trial_value, trial_minimisers = self.value(trial)
                if trial_value > value:
                    break
                length *= 0.4
            else:
                break
            gain = trial_value - value
            weights, value, minimisers = trial, trial_value, trial_minimisers
            if gain < _GAIN_TOL * (1 + abs(value)):
                break
        rest = max(0.0, 1 - weights.sum())
        return np.concatenate([weights[:1], [rest], weights[1:]])


def _quadratic_step(weights: Array, gradient: Array, curvature: Array) -> Array:
    """Return the step to the best weights of the model, non-negative with sum at most one."""

    def objective(step: Array) -> tuple[float, Array]:
        bend = curvature @ step
        return float(step @ (bend / 2 - gradient)), bend - gradient

    with warnings.catch_warnings():  # SciPy 1.15 warns of a rounding error beyond the bounds
        warnings.filterwarnings("ignore", "Values in x were outside bounds", RuntimeWarning)
        found = minimize(
            objective,
            np.zeros_like(weights),
            jac=True,
            method="SLSQP",
            bounds=[(-weight, 1 - weight) for weight in weights],
            constraints={
                "type": "ineq",
                "fun": lambda step: 1 - weights.sum() - step.sum(),
                "jac": lambda step: -np.ones_like(step),
            },
            options={"ftol": 1e-12, "maxiter": 100},
        )
    return np.asarray(np.maximum(found.x, -weights))
