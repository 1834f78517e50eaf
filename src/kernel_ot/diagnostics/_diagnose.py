"""The diagnostics of a fitted model."""

from __future__ import annotations

import numpy as np

from kernel_ot._arrays import (
    RandomState,
    Scalar,
    check_feature_names,
    check_points,
    check_same_names,
)
from kernel_ot.cutting_planes import scan_pairs
from kernel_ot.diagnostics._cautions import cautions, cycle_error, relative_violation
from kernel_ot.diagnostics._diagnostics import Diagnostics
from kernel_ot.diagnostics._transport import FittedTransport
from kernel_ot.diagnostics._verdict import verdict_on
from kernel_ot.distances import energy_distance, mmd_test
from kernel_ot.samples import Points, Samples

# Quadratic-time quantities are computed on at most this many points of each sample.
_MAX_POINTS = 1000
_NORMAL_95 = 1.96


def diagnose(
    model: FittedTransport,
    x: Points | None = None,
    y: Points | None = None,
    *,
    random_state: RandomState = 0,
) -> Diagnostics:
    """Return the diagnostics of a fitted `KernelOT`.

    Parameters
    ----------
    model : FittedTransport
        A fitted `KernelOT`.
    x, y : array-like of shape (k, d) and (l, d), optional
        Fresh samples; the training samples if not given.
    random_state : int, Generator or None, default 0
        Subsamples and permutations.

    Returns
    -------
    Diagnostics

    Raises
    ------
    ValueError
        Only one of x and y, or unusable points.
    """
    rng = np.random.default_rng(random_state)
    fresh = fresh_samples(model, x, y)
    held_out = fresh is not None
    verdict = model.verdict_ if fresh is None else verdict_on(model, _some(fresh, rng))
    points = _some(model.samples_.with_mass() if fresh is None else fresh, rng)
    u, transformed = model.semi_dual_terms(points.x, points.y)
    images = np.asarray(model.potentials_.transport(points.x))
    pairs = rng.integers(len(points.x), size=(2, 20_000))
    moved, apart = (p[pairs[0]] - p[pairs[1]] for p in (images, points.x))
    gamma = np.abs(model.solution_.gamma)
    mmd, p_value = mmd_test(images, points.y, rng)
    low, high = cost_interval(model)
    weights = points.weights_x, points.weights_y
    return Diagnostics(
        verdict=verdict,
        cautions=cautions(model),
        held_out=held_out,
        cost=model.cost_,
        cost_interval=(low, high),
        wasserstein=model.wasserstein_,
        wasserstein_interval=(float(np.sqrt(2 * low)), float(np.sqrt(2 * high))),
        sample_cost_lower_bound=model.certificate_.lower_bound,
        sample_cost_lower_bound_assurance=model.certificate_.assurance,
        semi_dual=float(weights[0] @ u + weights[1] @ transformed),
        semi_dual_error=points.standard_error(u, transformed),
        violation=_violation(model, points) if held_out else relative_violation(model),
        energy_distance=energy_distance(images, points.y, *weights),
        energy_distance_before=energy_distance(points.x, points.y, *weights),
        mmd=mmd,
        mmd_p_value=p_value,
        monotone_fraction=float(np.mean(np.sum(moved * apart, axis=1) >= 0)),
        cycle_error=cycle_error(model, points, images),
        n_fill=len(gamma),
        effective_fill=float(gamma.sum() ** 2 / _positive(np.sum(np.square(gamma)))),
    )


def fresh_samples(model: FittedTransport, x: Points | None, y: Points | None) -> Samples | None:
    """Return fresh points as samples of equal masses, None where there are none.

    Raises
    ------
    ValueError
        Only one of x and y, or unusable points.
    """
    if x is None and y is None:
        return None
    if x is None or y is None:
        raise ValueError("x and y must be given together, or neither.")
    check_same_names(x, y)
    check_feature_names(getattr(model, "feature_names_in_", None), x, "x")
    points = [
        check_points(given, name, dimension=model.n_features_in_).astype(np.float64)
        for given, name in ((x, "x"), (y, "y"))
    ]
    return Samples(*points, *(np.full(len(p), 1 / len(p)) for p in points))


def _some(samples: Samples, rng: np.random.Generator) -> Samples:
    if max(len(samples.x), len(samples.y)) <= _MAX_POINTS:
        return samples
    rows, columns = (
        np.sort(rng.permutation(len(points))[:_MAX_POINTS]) for points in (samples.x, samples.y)
    )
    return samples.restrict(rows, columns)


def _violation(model: FittedTransport, points: Samples) -> float:
    """Return the largest violation over pairs of fresh points, measured as on the samples.

    Of the kernel's potentials, in the coordinates of the fit: entropic ones and splines, which a
    fit may combine with them, violate the constraint wherever their plan has mass.
    """
    changed = model.conjugation_.changed(points)
    kernel = model.problem_.potentials(model.solution_.gamma)
    scan = scan_pairs(changed.x, changed.y, kernel.u(changed.x), kernel.v(changed.y))
    return scan.largest / _positive(changed.mean_cost())


def _positive(value: Scalar) -> float:
    return max(float(value), float(np.finfo(float).tiny))


def cost_interval(model: FittedTransport) -> tuple[float, float]:
    """Return an interval for the transport cost between the populations.

    To first order the estimate fluctuates as mean u + mean v does (del Barrio and Loubes 2019), of
    which the interval has 1.96 standard errors on either side. The bias of the estimate does not
    show in that. Held-out points give a value that is too small on average; where it is below the
    estimate, the interval goes down by the difference, but not below 0, which no cost is.
    benchmarks/results/ has how often it held the true cost.
    """
    samples, potentials = model.samples_.with_mass(), model.potentials_
    values = np.asarray(potentials.u(samples.x)), np.asarray(potentials.v(samples.y))
    half = _NORMAL_95 * samples.standard_error(*values)
    held_out = max((candidate.score for candidate in model.candidates_), default=model.cost_)
    low, high = min(model.cost_, held_out) - half, model.cost_ + half
    return max(low, 0.0), max(high, 0.0)
