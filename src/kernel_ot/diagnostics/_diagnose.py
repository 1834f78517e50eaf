"""The diagnostics of a fitted model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernel_ot._arrays import Array, check_points
from kernel_ot.diagnostics._transport import FittedTransport
from kernel_ot.distances import energy_distance, mmd_test

# Quadratic-time quantities are computed on at most this many points of each sample.
_MAX_POINTS = 1000


@dataclass(frozen=True)
class Diagnostics:
    """Numbers to judge a fit by; lengths and costs in the user's units.

    Attributes
    ----------
    held_out : bool
        Whether fresh samples were given; otherwise everything is on the training samples and so
        too good.
    cost, wasserstein : float
        The estimate.
    cost_interval : tuple of float
        95 % bootstrap interval of the cost: points resampled, potentials held fixed. To first order
        the cost fluctuates as mean u + mean v does (del Barrio and Loubes 2019).
    lower_bound : float
        Proven lower bound of the empirical cost between the training samples.
    semi_dual, semi_dual_error : float
        mean u + mean u^c and its standard error.
    violation : float
        Largest u(x) + v(y) - c(x, y) over all pairs, relative to the mean cost of a pair.
    energy_distance, energy_distance_before : float
        Between T(x) and y, and between x and y.
    mmd, mmd_p_value : float
        Squared maximum mean discrepancy between T(x) and y, permutation p-value.
    monotone_fraction : float
        Part of the pairs with <T(x) - T(x'), x - x'> >= 0; 1 for an optimal map.
    cycle_error : float
        Mean `|S(T(x)) - x|^2` over the total variance of x.
    n_fill : int
        Filling points.
    effective_fill : float
        `(sum |gamma|)^2 / sum gamma^2`.
    """

    held_out: bool
    cost: float
    wasserstein: float
    cost_interval: tuple[float, float]
    lower_bound: float
    semi_dual: float
    semi_dual_error: float
    violation: float
    energy_distance: float
    energy_distance_before: float
    mmd: float
    mmd_p_value: float
    monotone_fraction: float
    cycle_error: float
    n_fill: int
    effective_fill: float

    def rows(self) -> list[tuple[str, str]]:
        """Return label and value of every line of the summary."""
        low, high = self.cost_interval
        return [
            ("evaluated on", "fresh samples" if self.held_out else "the training samples"),
            ("cost |x - y|^2 / 2", f"{self.cost:.5g}  (95 %: {low:.5g} to {high:.5g})"),
            ("Wasserstein distance", f"{self.wasserstein:.5g}"),
            ("proven lower bound of the empirical cost", f"{self.lower_bound:.5g}"),
            ("semi-dual value", f"{self.semi_dual:.5g} +- {self.semi_dual_error:.2g}"),
            ("largest violation / mean cost", f"{self.violation:.2e}"),
            (
                "energy distance of T(x) to y",
                f"{self.energy_distance:.4g}  (before: {self.energy_distance_before:.4g})",
            ),
            ("MMD^2 of T(x) to y", f"{self.mmd:.3g}  (p = {self.mmd_p_value:.3g})"),
            ("monotone pairs", f"{100 * self.monotone_fraction:.1f} %"),
            ("|S(T(x)) - x|^2 / variance", f"{self.cycle_error:.3g}"),
            ("filling points, effective", f"{self.n_fill}, {self.effective_fill:.1f}"),
        ]

    def __str__(self) -> str:
        rows = self.rows()
        width = max(len(label) for label, _ in rows)
        return "\n".join(f"{label:<{width}}  {value}" for label, value in rows)


def diagnose(
    model: FittedTransport,
    x: Any = None,
    y: Any = None,
    *,
    random_state: Any = 0,
    n_bootstrap: int = 1000,
) -> Diagnostics:
    """Return the diagnostics of a fitted `KernelOT`.

    Parameters
    ----------
    model : KernelOT
        Fitted.
    x, y : array-like of shape (k, d) and (l, d), optional
        Fresh samples; the training samples if not given.
    random_state : int, Generator or None, default 0
        Subsamples, bootstrap and permutations.
    n_bootstrap : int, default 1000

    Returns
    -------
    Diagnostics

    Raises
    ------
    ValueError
        Only one of x and y, or unusable points.
    """
    if (x is None) != (y is None):
        raise ValueError("x and y must be given together, or neither.")
    rng = np.random.default_rng(random_state)
    held_out = x is not None
    samples = model.samples_.with_mass()
    dimension = model.n_features_in_
    x = check_points(x, "x", dimension=dimension).astype(np.float64) if held_out else samples.x
    y = check_points(y, "y", dimension=dimension).astype(np.float64) if held_out else samples.y
    x, y = _subsample(x, rng), _subsample(y, rng)
    u, transformed = model.semi_dual_terms(x, y)
    v = model.potentials_.v(y)
    images = model.potentials_.transport(x)
    pairs = rng.integers(len(x), size=(2, 20_000))
    products = np.sum((images[pairs[0]] - images[pairs[1]]) * (x[pairs[0]] - x[pairs[1]]), axis=1)
    cycle = np.mean(np.sum(np.square(model.potentials_.inverse_transport(images) - x), axis=1))
    cost_matrix = _half_squares(x, y)
    gamma = np.abs(model.solution_.gamma)
    mmd, p_value = mmd_test(images, y, rng)
    return Diagnostics(
        held_out=held_out,
        cost=model.cost_,
        wasserstein=model.wasserstein_,
        cost_interval=_bootstrap(model, rng, n_bootstrap),
        lower_bound=model.certificate_.lower_bound,
        semi_dual=float(u.mean() + transformed.mean()),
        semi_dual_error=_standard_error(u, transformed),
        violation=float(np.max(u[:, None] + v - cost_matrix)) / _positive(cost_matrix.mean()),
        energy_distance=energy_distance(images, y),
        energy_distance_before=energy_distance(x, y),
        mmd=mmd,
        mmd_p_value=p_value,
        monotone_fraction=float(np.mean(products >= 0)),
        cycle_error=float(cycle) / _positive(np.sum(np.var(x, axis=0))),
        n_fill=len(gamma),
        effective_fill=float(gamma.sum() ** 2 / _positive(np.sum(np.square(gamma)))),
    )


def _subsample(points: Array, rng: np.random.Generator) -> Array:
    if len(points) <= _MAX_POINTS:
        return points
    return np.asarray(points[rng.choice(len(points), _MAX_POINTS, replace=False)])


def _half_squares(x: Array, y: Array) -> Array:
    squares = np.sum(np.square(x), axis=1)[:, None] + np.sum(np.square(y), axis=1)
    return np.asarray(squares / 2 - x @ y.T)


def _positive(value: Any) -> float:
    return max(float(value), float(np.finfo(float).tiny))


def _standard_error(u: Array, v: Array) -> float:
    """Return the standard error of mean u + mean v; NaN for a single point."""
    if min(len(u), len(v)) < 2:
        return float("nan")
    return float(np.sqrt(np.var(u, ddof=1) / len(u) + np.var(v, ddof=1) / len(v)))


def _bootstrap(
    model: FittedTransport, rng: np.random.Generator, n_bootstrap: int
) -> tuple[float, float]:
    samples = model.samples_.with_mass()
    fluctuation = np.zeros(n_bootstrap)
    for values, weights in (
        (model.potentials_.u(samples.x), samples.weights_x),
        (model.potentials_.v(samples.y), samples.weights_y),
    ):
        centred = values - weights @ values
        for repeat in range(n_bootstrap):
            drawn = rng.choice(len(centred), len(centred), p=weights)
            fluctuation[repeat] += centred[drawn].mean()
    low, high = np.quantile(fluctuation, [0.025, 0.975])
    return float(model.cost_ + low), float(model.cost_ + high)
