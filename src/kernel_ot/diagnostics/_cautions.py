"""What a user should know before trusting a fit, each with its cause and its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from kernel_ot._arrays import Array, agreeing, counted
from kernel_ot.diagnostics._flat import flat_caution
from kernel_ot.diagnostics._of_rows import (
    Caution,
    caution_of_rows,
    far_rows,
    listed,
    outlier_caution,
    sample_sizes,
)
from kernel_ot.diagnostics._transport import FittedTransport
from kernel_ot.preconditioning import small_features
from kernel_ot.samples import Samples

# The thresholds lie between what the families of the accuracy benchmark show and what fits with a
# known fault show; see benchmarks/results/2026-11-27-verdict-and-cautions.md.
_FEWEST_POINTS_A_FEATURE = 2
_CYCLE_ERROR = 0.25
# Of the mean of the images from the mean of the other sample, in standard deviations of it.
_MEAN_ERROR = 0.25
# Maps that are continuous pass between modes of y, at most some deviations from either.
_TIMES_THE_WIDEST_GAP, _FAR = 3.0, 4.0
_TIMES_THE_NEIGHBOURS, _SHARE_OF_COST, _SHARE_OF_VARIANCE = 6.0, 0.1, 0.03
# Fits of many points leave a share of rows violated, a thousandth by default.
_VIOLATED_SHARE = 0.01
# Nearest neighbours and maps are looked at for at most this many points of each sample.
_MAX_POINTS = 1000
# By how much the spread of small features' images may be wrong.
_WRONG_SPREAD = 1.5


def cautions(model: FittedTransport) -> tuple[Caution, ...]:
    """Return what a user should know before trusting a fitted transport.

    Parameters
    ----------
    model : FittedTransport

    Returns
    -------
    tuple of Caution
        Empty for a fit without a known fault.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, x + 3)
    >>> cautions(model)
    ()
    """
    seen = _seen(model)
    outliers = outlier_caution(sample_sizes(model), model.outliers_)
    far = far_rows(model)
    alone = tuple(map(np.union1d, far, model.samples_.rows_alone()))
    named = outliers is not None or any(map(len, far))
    fitted = caution_of_rows(model, (alone[0], alone[1]))
    found: list[Caution | None] = [outliers, fitted, _few_points(model.samples_), _violation(model)]
    flat, y_is_flat = flat_caution(seen.samples)
    found.extend([_small_features(seen), flat])
    found.extend(_of_maps(model, seen, far_rows_are_named=named, returns=not y_is_flat))
    return tuple(caution for caution in found if caution is not None)


@dataclass(frozen=True, eq=False)
class _Seen:
    """The rows that are looked at, evenly chosen, without massless ones, and where T takes x."""

    rows: Array
    samples: Samples
    images: Array


def _seen(model: FittedTransport) -> _Seen:
    samples = model.samples_

    def some(weights: Array) -> Array:
        carrying = np.flatnonzero(weights)
        return carrying[np.unique(np.linspace(0, len(carrying) - 1, _MAX_POINTS).astype(np.intp))]

    rows = some(samples.weights_x)
    chosen = samples.restrict(rows, some(samples.weights_y))
    return _Seen(rows, chosen, np.asarray(model.potentials_.transport(chosen.x)))


def _few_points(samples: Samples) -> Caution | None:
    d = samples.dimension
    sizes = {
        name: 1 / float(np.square(weights).sum())
        for name, weights in (("x", samples.weights_x), ("y", samples.weights_y))
    }
    name = min(sizes, key=lambda key: sizes[key])
    if sizes[name] >= (1 - 1e-9) * _FEWEST_POINTS_A_FEATURE * d:  # sums of masses are rounded
        return None
    return Caution(
        "few points",
        f"{name} has {counted(round(sizes[name]), 'point')} (counted by their masses) for "
        f"{counted(d, 'feature')}: even the linear part of the map is mostly a guess.",
        "Give more points, or fewer features (principal components, for instance).",
    )


def _small_features(seen: _Seen) -> Caution | None:
    """Name features in another unit, in which the map misses the spread that y has."""
    samples = seen.samples
    of_x, of_y, of_images = (
        _variances(points, weights)
        for points, weights in (
            (samples.x, samples.weights_x),
            (samples.y, samples.weights_y),
            (seen.images, samples.weights_x),
        )
    )
    small = small_features(of_x) & small_features(of_y)
    missed = (of_images > _WRONG_SPREAD**2 * of_y) | (_WRONG_SPREAD**2 * of_images < of_y)
    wrong = np.flatnonzero(small & missed)
    if not len(wrong):
        return None
    return Caution(
        "small features",
        agreeing(len(wrong), f"[Feature|Features] {listed(wrong)} (counted from 0) [varies|vary] ")
        + "by less than a twentieth of the others, and T(x) misses "
        + agreeing(len(wrong), "[its|their] spread in y ")
        + f"by more than {_WRONG_SPREAD:g} times.",
        "Bring all features to one scale: kernel_ot.pipeline.make_two_sample_pipeline("
        "StandardScaler(), KernelOT()) fits and maps so.",
    )


def _variances(points: Array, weights: Array) -> Array:
    """Return the variance of each feature, 0 of constant ones, which rounding would move."""
    constant = (points == points[0]).all(axis=0)
    return np.where(constant, 0.0, weights @ np.square(points - weights @ points))


def relative_violation(model: FittedTransport) -> float:
    """Return the largest violation over the sample pairs relative to the mean cost of a pair."""
    # In the coordinates of the fit, where tolerances are meant.
    unit = model.conjugation_.changed(model.samples_).mean_cost() or 1.0  # as rounds have it
    return model.certificate_.largest_violation / (model.conjugation_.scale**2 * unit)


def _violation(model: FittedTransport) -> Caution | None:
    violation = relative_violation(model)
    of_many = model.summary_of_all_ is not None
    if of_many and model.certificate_.violated_share <= _VIOLATED_SHARE:
        return None
    if not violation > 1.01 * model.violation_tol:  # rounding of what adaptive filling ended at
        return None
    remedy = (
        "Raise reg_potential, n_fill or max_iter."
        if model.rounds_
        else "Use filling='adaptive', which looks at all pairs, or more filling points, or a "
        "larger reg_potential."
    )
    return Caution(
        "violation",
        f"The potentials violate their constraint u(x) + v(y) <= c(x, y) by {violation:.1e} of the "
        f"mean cost of a pair (violation_tol = {model.violation_tol:.1e}), so that cost and maps "
        "may be far off.",
        remedy,
    )


def _of_maps(
    model: FittedTransport, seen: _Seen, *, far_rows_are_named: bool, returns: bool
) -> Iterator[Caution | None]:
    change, samples, images = model.conjugation_, seen.samples, seen.images
    found: list[Caution | None] = []
    if not samples.one_is_a_point:  # from where no map returns, beside which all others are far
        found.append(_no_return(model, samples, images) if returns else None)
        inner = change.changed(samples)
        off = _off_the_support(inner, change.forward_y(images), seen.rows)
        # Points that are far from all others part cost and bound too: one cause, one caution.
        if not far_rows_are_named:
            found.append(off or _parted_bound(model, samples, inner))
    yield from found if any(found) else [_other_mean(model, samples, images)]


def _no_return(model: FittedTransport, samples: Samples, images: Array) -> Caution | None:
    error = cycle_error(model, samples, images)
    if error <= _CYCLE_ERROR:
        return None
    distinct, rows = model.samples_.distinct(), model.samples_.with_mass()
    if any(2 * len(d) <= len(p) for d, p in ((distinct.x, rows.x), (distinct.y, rows.y))):
        remedy = (
            f"Among {len(rows.x)} rows of x {len(distinct.x)} differ, of y {len(distinct.y)} among "
            f"{len(rows.y)}: equal rows are one point, which no map can split. Take images for "
            "means of what a point should become, or add features that tell the rows apart."
        )
    elif model.preconditioner != "gaussian":
        remedy = "Use preconditioner='gaussian', which leaves less to the potentials."
    else:
        remedy = (
            "Fit with a larger reg_potential or a wider kernel, with filling='adaptive' if it was "
            "another, or with more points."
        )
    return Caution(
        "no return",
        f"S(T(x)) comes back to x only to within {np.sqrt(error):.2g} standard deviations of x: "
        "the two maps are not each other's inverse.",
        remedy,
    )


def _other_mean(model: FittedTransport, samples: Samples, images: Array) -> Caution | None:
    """Compare the means of T(x) with y, and of S(y) with x."""
    back = np.asarray(model.potentials_.inverse_transport(samples.y))
    x, a, y, b = samples.x, samples.weights_x, samples.y, samples.weights_y
    width_x, width_y = _width(x, a), _width(y, b)
    for name, of, moved, weights, target, width, other in (
        ("T(x)", "y", images, a, (y, b), width_y, width_x),
        ("S(y)", "x", back, b, (x, a), width_x, width_y),
    ):
        points, masses = target
        near = points[0]  # far from the origin the means themselves are rounded
        missed = float(np.linalg.norm(weights @ (moved - near) - masses @ (points - near)))
        unit = width
        if width == 0:  # a single point, which every image is to be
            missed, unit = np.hypot(missed, _width(moved, weights)), other
        if missed > _MEAN_ERROR * unit > 0:
            return Caution(
                "mean",
                f"The mean of {name} misses that of {of} by {missed / unit:.2g} standard "
                "deviations: the map does not move one sample onto the other.",
                "Use preconditioner='gaussian', let kernel and reg_potential be 'auto', or measure "
                "both samples in a unit in which they are about 1.",
            )
    return None


def _width(points: Array, weights: Array) -> float:
    """Return the root of the total variance, 0 where all points are equal."""
    if (points == points[0]).all():
        return 0.0
    return float(np.sqrt(weights @ np.sum(np.square(points - weights @ points), axis=1)))


def cycle_error(model: FittedTransport, samples: Samples, images: Array) -> float:
    """Return the mean of |S(T(x)) - x|^2 over the total variance of x; 0 for inverse maps."""
    x, weights = samples.x, samples.weights_x
    back = np.asarray(model.potentials_.inverse_transport(images))
    variance = weights @ np.sum(np.square(x - weights @ x), axis=1)
    error = weights @ np.sum(np.square(back - x), axis=1)
    return float(error) / max(float(variance), float(np.finfo(float).tiny))


def _off_the_support(inner: Samples, images: Array, rows: Array) -> Caution | None:
    y = np.unique(inner.y, axis=0)
    if len(y) < 2:
        return None
    distance = cKDTree(y).query(images)[0]
    # A coordinate has variance 1 on average.
    limit = max(_TIMES_THE_WIDEST_GAP * _neighbours(y).max(), _FAR * np.sqrt(inner.dimension))
    off = np.flatnonzero(distance > limit)
    if not len(off):
        return None
    return Caution(
        "off the support",
        f"T(x) leaves the samples of y at {len(off)} of {counted(len(images), 'point')} "
        f"({'row' if len(off) == 1 else 'rows'} {listed(rows[off])} of x), by up to "
        f"{distance.max() / np.sqrt(inner.dimension):.2g} standard deviations.",
        "Look at those rows of x: far from all others the map only continues linearly. If they are "
        "ordinary points, the fit is at fault: use filling='adaptive' or a larger reg_potential.",
    )


def _parted_bound(model: FittedTransport, samples: Samples, inner: Samples) -> Caution | None:
    """Compare cost and bound with what dimension makes of them.

    The cost estimates the population's. The bound is of the cost between these samples, which is
    larger, since a point's partner is at best its nearest neighbour: by half the squared distance
    between neighbours, in the coordinates of the fit.
    """
    squares = [float(np.median(np.square(_neighbours(p)))) for p in (inner.x, inner.y)]
    explained = model.conjugation_.scale**2 * max(squares) / 2
    excess = model.certificate_.lower_bound - model.cost_
    # Moving the mean is exact, and its cost hides all else where the samples are far apart.
    shift = float(np.square(samples.weights_x @ samples.x - samples.weights_y @ samples.y).sum())
    usual = max(
        _TIMES_THE_NEIGHBOURS * explained,
        _SHARE_OF_COST * abs(model.cost_ - shift / 2),
        _SHARE_OF_VARIANCE * (samples.mean_cost() - shift / 2),
    )
    if excess <= usual:
        return None
    return Caution(
        "bound",
        f"The cost {model.cost_:.3g} lies {excess:.2g} below the lower bound of the cost between "
        f"these samples ({model.certificate_.assurance}), and their dimension explains "
        f"{explained:.2g} of it: a few far points carry much of the cost, or the potentials are "
        "too smooth for these samples.",
        "Look for rows far from all others; give a lower reg_potential"
        + ("." if model.candidates_ else ", or let it and kernel be 'auto'."),
    )


def _neighbours(points: Array) -> Array:
    """Return every distinct point's distance to the nearest other; 0 for a single one."""
    points = np.unique(points, axis=0)
    if len(points) < 2:
        return np.zeros(1)
    return np.asarray(cKDTree(points).query(points, k=2)[0][:, 1])
