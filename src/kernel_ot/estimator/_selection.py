"""Choose bandwidth and regularisation by the held-out semi-dual value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from kernel_ot.arrays import Array
from kernel_ot.estimator._adaptive import WeightedSamples, adaptive_filling
from kernel_ot.estimator._ctransform import c_transform
from kernel_ot.kernels import Gaussian, Kernel, median_distance
from kernel_ot.potentials import Potentials
from kernel_ot.preconditioning import Conjugation, fit_conjugation

Pair: TypeAlias = tuple[Array, Array]

# Wider kernels were never best on 300 points with a nonlinear map, see docs/accuracy.md.
BANDWIDTH_FACTORS = (0.5, 0.7, 1.0)
REG_POTENTIALS = (1e-1, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
# Of each sample, held out in a split.
TEST_FRACTION = 1 / 3
# The criterion's noise needs no more points than this; the time of a fit grows as their cube.
_MAX_TRAIN = 400
# Choosing needs a fit less exact than the one that is kept.
_TOL = 5e-3


@dataclass(frozen=True)
class Candidate:
    """One setting and how it did on held-out points.

    Attributes
    ----------
    bandwidth_factor : float
        Bandwidth over the median distance of the preconditioned samples; infinite for the
        preconditioner alone (zero potentials).
    reg_potential : float
        lambda_2.
    semi_dual : tuple of float
        mean u(x_test) + mean u^c(y_test) of each split, in squared user units.
    """

    bandwidth_factor: float
    reg_potential: float
    semi_dual: tuple[float, ...]

    @property
    def is_baseline(self) -> bool:
        """Whether this is the preconditioner alone."""
        return bool(np.isinf(self.reg_potential))

    @property
    def score(self) -> float:
        """Mean over the splits; larger is better."""
        return float(np.mean(self.semi_dual))


def semi_dual(potentials: Potentials, candidates: Array, x: Array, y: Array) -> Pair:
    """Return u at `x` and its c-transform at `y`, the terms of the semi-dual value."""
    return potentials.u(x), c_transform(
        potentials.u, y, candidates, potentials.inverse_transport(y)
    )


def split_sample(n: int, fraction: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return indices of training and test points, at least 2 and 1 of them."""
    order = rng.permutation(n)
    n_test = min(max(1, round(fraction * n)), n - 2)
    return np.sort(order[n_test:]), np.sort(order[:n_test])


@dataclass(frozen=True)
class Grid:
    """The settings that are compared.

    Attributes
    ----------
    bandwidth_factors : tuple of float
        Multiples of the median distance of the preconditioned samples; one entry if the kernel is
        fixed.
    reg_potentials : tuple of float
        lambda_2, from large to small: each fit starts from the filling points of the one before.
    kernel : Kernel, optional
        A fixed kernel instead of Gaussians with those bandwidths.
    """

    bandwidth_factors: tuple[float, ...] = BANDWIDTH_FACTORS
    reg_potentials: tuple[float, ...] = REG_POTENTIALS
    kernel: Kernel | None = None

    def kernel_for(self, factor: float, median: float) -> Kernel:
        """Return the kernel that a factor stands for."""
        return Gaussian(factor * median) if self.kernel is None else self.kernel


def select(
    samples: WeightedSamples,
    preconditioner: str | None,
    grid: Grid,
    rng: np.random.Generator,
    *,
    n_splits: int = 2,
    test_fraction: float = TEST_FRACTION,
) -> tuple[Candidate, ...]:
    """Return the settings that were tried; the best is the one with the largest score.

    Parameters
    ----------
    samples : WeightedSamples
        In the user's coordinates.
    preconditioner : {"gaussian", "scale", None}
        Fitted on each training part anew.
    grid : Grid
    rng : numpy.random.Generator
        Draws the splits; each sample is split independently.
    n_splits : int, default 2
    test_fraction : float, default 1/3

    Returns
    -------
    tuple of Candidate
        Settings that were scored on every split; a path of regularisations ends early on a split
        where the score has fallen by more than its noise.
    """
    scores: dict[tuple[float, float], list[float]] = {}
    for _ in range(n_splits):
        # One seed for both, so that swapping samples of equal size does not change the splits.
        seed = int(rng.integers(2**63))
        train_x, test_x = split_sample(len(samples.x), test_fraction, np.random.default_rng(seed))
        train_y, test_y = split_sample(len(samples.y), test_fraction, np.random.default_rng(seed))
        train = restrict(samples, train_x[:_MAX_TRAIN], train_y[:_MAX_TRAIN])
        test = restrict(samples, test_x, test_y)
        for key, value in _score_split(train, test, preconditioner, grid, rng):
            scores.setdefault(key, []).append(value)
    return tuple(
        Candidate(*key, tuple(values)) for key, values in scores.items() if len(values) == n_splits
    )


def _score_split(
    train: WeightedSamples,
    test: WeightedSamples,
    preconditioner: str | None,
    grid: Grid,
    rng: np.random.Generator,
) -> Iterator[tuple[tuple[float, float], float]]:
    change = fit_conjugation(train.x, train.y, preconditioner, train.weights_x, train.weights_y)
    inner = changed_samples(change, train)
    held_out = changed_samples(change, test)
    base = change.cost(0.0, test.x, test.y, test.weights_x, test.weights_y)
    yield (np.inf, np.inf), base
    median = typical_distance(inner, rng)
    for factor in grid.bandwidth_factors:
        kernel = grid.kernel_for(factor, median)
        start, best, best_terms = None, 0.0, (np.zeros(len(test.x)), np.zeros(len(test.y)))
        for reg_potential in grid.reg_potentials:
            fit = adaptive_filling(
                inner, kernel, reg_potential, start=start, tol=_TOL, max_rounds=15
            )
            start = fit.x_fill, fit.y_fill
            terms = semi_dual(fit.potentials, inner.x, held_out.x, held_out.y)
            value = float(test.weights_x @ terms[0] + test.weights_y @ terms[1])
            yield (factor, reg_potential), base + change.scale**2 * value
            if value > best:
                best, best_terms = value, terms
            elif value < best - 2 * _standard_error(terms, best_terms, test):
                break


def _standard_error(terms: Pair, others: Pair, test: WeightedSamples) -> float:
    """Return the standard error of the difference of two semi-dual values on the same points."""
    variance = 0.0
    weighted = zip(terms, others, (test.weights_x, test.weights_y), strict=True)
    for mine, other, weights in weighted:
        difference = mine - other
        centred = difference - weights @ difference
        variance += float(np.square(weights) @ np.square(centred))
    return float(np.sqrt(variance))


def typical_distance(samples: WeightedSamples, rng: np.random.Generator) -> float:
    """Return the median distance of the pooled samples; 1 where all points are equal."""
    points = np.concatenate([samples.x, samples.y])
    if (points == points[0]).all():
        return 1.0
    return median_distance(samples.x, samples.y, rng)


def changed_samples(change: Conjugation, samples: WeightedSamples) -> WeightedSamples:
    """Return the samples in the coordinates of `change`, with the same masses."""
    return WeightedSamples(
        change.forward_x(samples.x),
        change.forward_y(samples.y),
        samples.weights_x,
        samples.weights_y,
    )


def restrict(samples: WeightedSamples, rows: Array, columns: Array) -> WeightedSamples:
    """Return the samples with those rows of x and of y, masses rescaled to sum to one."""
    weights_x, weights_y = samples.weights_x[rows], samples.weights_y[columns]
    return WeightedSamples(
        samples.x[rows],
        samples.y[columns],
        weights_x / weights_x.sum(),
        weights_y / weights_y.sum(),
    )
