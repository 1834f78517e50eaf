"""The estimators that are compared: each maps two samples to a map and a cost."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import ot

from benchmarks.accuracy._families import Case
from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.distances import energy_distance
from kernel_ot.kernels import Gaussian, Kernel, Linear, Polynomial, median_distance
from kernel_ot.preconditioning import fit_conjugation
from kernel_ot.samples import Samples
from kernel_ot.selection import random_splits

if TYPE_CHECKING:
    from ott.problems.linear.potentials import DualPotentials

Map = Callable[[Array], Array]
# Entropic regularisations, relative to the mean cost of a pair.
ENTROPIC_GRID = (0.003, 0.01, 0.03, 0.1, 0.3)


def entropic_grid(d: int) -> tuple[float, ...]:
    """Return the regularisations that are tried; small ones, the slowest, never win from d = 5."""
    return ENTROPIC_GRID if d < 5 else ENTROPIC_GRID[1:]


@dataclass(frozen=True)
class Estimate:
    """What a method says: its map at new points, its cost (|x - y|^2 / 2) and interval, if any."""

    transport: Map
    cost: float | None
    interval: tuple[float, float] | None = None


def uvp(images: Array, truth: Array) -> float:
    """Return E|T_hat - T|^2 / Var(T), the unexplained variance."""
    error = np.mean(np.sum(np.square(images - truth), axis=1))
    return float(error / np.sum(np.var(truth, axis=0)))


def _half_squares(x: Array, y: Array) -> Array:
    return np.asarray(ot.dist(x, y) / 2)


def _uniform(n: int) -> Array:
    return np.full(n, 1 / n)


def kernel_ot_default(case: Case) -> Iterator[Estimate]:
    """KernelOT() with nothing set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KernelOT().fit(case.x, case.y)
    yield Estimate(model.transform, model.cost_, model.cost_interval_)


def gaussian(case: Case) -> Iterator[Estimate]:
    """Yield the optimal map between Gaussians with Ledoit-Wolf covariances."""
    weights = _uniform(len(case.x)), _uniform(len(case.y))
    change = fit_conjugation(case.x, case.y, "gaussian", *weights)
    cost = change.cost(0.0, case.x, case.y, *weights)
    yield Estimate(lambda x: change.backward_y(change.forward_x(x)), cost)


def nearest_neighbour(case: Case) -> Iterator[Estimate]:
    """POT's exact plan; a new point moves as its nearest neighbour in x does."""
    cost = _half_squares(case.x, case.y)
    plan, log = ot.emd(_uniform(len(case.x)), _uniform(len(case.y)), cost, log=True)
    images = plan @ case.y * len(case.x)
    yield Estimate(lambda x: images[_half_squares(x, case.x).argmin(axis=1)], float(log["cost"]))


def entropic(case: Case) -> Iterator[Estimate]:
    """POT's entropic map, one estimate for each regularisation of the grid."""
    yield from entropic_path(case, entropic_grid(case.x.shape[1]))


def entropic_cross_validated(case: Case) -> Iterator[Estimate]:
    """POT's entropic map, its regularisation by the energy distance on KernelOT's own splits."""
    grid = entropic_grid(case.x.shape[1])
    weights = _uniform(len(case.x)), _uniform(len(case.y))
    splits = random_splits(Samples(case.x, case.y, *weights), 3, np.random.default_rng(0))
    distances = np.zeros(len(grid))
    for split in splits:
        part = replace(case, x=split.train.x, y=split.train.y)
        for position, estimate in enumerate(entropic_path(part, grid)):
            distances[position] += energy_distance(estimate.transport(split.test.x), split.test.y)
    yield entropic_path(case, grid)[int(np.argmin(distances))]


@lru_cache(maxsize=1)
def entropic_path(case: Case, grid: tuple[float, ...]) -> tuple[Estimate, ...]:
    """Return POT's entropic maps for an increasing grid, each from the next larger one.

    The last case is remembered: both ways to choose take the same maps, and the one that comes
    first has their time.
    """
    cost = _half_squares(case.x, case.y)
    weights = _uniform(len(case.x)), _uniform(len(case.y))
    f = cost.min(axis=1)
    g = (cost - f[:, None]).min(axis=0)
    estimates = []
    for relative in reversed(grid):
        reg = relative * float(cost.mean())
        plan, f, g = _sinkhorn(*weights, cost, f, g, reg)
        estimates.append(Estimate(_entropic_map(case.y, g / reg, reg), float(np.sum(plan * cost))))
    return tuple(reversed(estimates))


def _sinkhorn(
    a: Array, b: Array, cost: Array, f: Array, g: Array, reg: float
) -> tuple[Array, Array, Array]:
    """Return POT's entropic plan, exp((f_i + g_j - cost_ij) / reg), with f and g, from a start."""
    iterations, tolerance = 1000, 1e-6
    # Plain scaling is ten times as fast as logarithms; from a start near it rarely overflows.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan, log = ot.bregman.sinkhorn_knopp(
            *(a, b, cost - f[:, None] - g, reg),
            numItermax=iterations,
            stopThr=tolerance,
            log=True,
            warn=False,
        )
        found_f, found_g = f + reg * np.log(log["u"]), g + reg * np.log(log["v"])
    # Too few iterations are the same in logarithms; underflow is not.
    if np.isfinite(found_f).all() and np.isfinite(found_g).all() and abs(plan.sum() - 1) < 1e-3:
        return plan, found_f, found_g
    plan, log = ot.bregman.sinkhorn_log(
        *(a, b, cost, reg),
        numItermax=iterations,
        stopThr=tolerance,
        log=True,
        warn=False,
        warmstart=(f / reg, g / reg),
    )
    return plan, reg * log["log_u"], reg * log["log_v"]


def _entropic_map(y: Array, log_v: Array, reg: float) -> Map:
    def transport(x: Array) -> Array:
        exponent = log_v - _half_squares(x, y) / reg
        plan = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        return np.asarray(plan @ y / plan.sum(axis=1, keepdims=True))

    return transport


def ott_entropic(case: Case) -> Iterator[Estimate]:
    """OTT-JAX's entropic map over the same grid; needs ott-jax."""
    import jax
    from ott.geometry import pointcloud
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn

    jax.config.update("jax_enable_x64", True)
    mean_cost = float(_half_squares(case.x, case.y).mean())
    for relative in entropic_grid(case.x.shape[1]):
        # OTT's SqEuclidean is |x - y|^2, so the same plan needs twice the regularisation.
        geometry = pointcloud.PointCloud(case.x, case.y, epsilon=2 * relative * mean_cost)
        output = sinkhorn.Sinkhorn(max_iterations=1000)(linear_problem.LinearProblem(geometry))
        potentials = output.to_dual_potentials()
        yield Estimate(partial(_transported, potentials), float(output.primal_cost) / 2)


def _transported(potentials: DualPotentials, points: Array) -> Array:
    return np.asarray(potentials.transport(points))


def mapping(case: Case) -> Iterator[Estimate]:
    """POT's MappingTransport: linear with bias, then a Gaussian kernel at three bandwidths."""
    median = median_distance(case.x, case.y, np.random.default_rng(0))
    models = [
        ot.da.MappingTransport(kernel="linear", bias=True, max_iter=20),
        *(
            ot.da.MappingTransport(kernel="gaussian", sigma=factor * median)
            for factor in (0.5, 1.0, 2.0)
        ),
    ]
    for model in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(Xs=case.x, Xt=case.y)
        yield Estimate(partial(_mapped, model), None)


def _mapped(model: ot.da.MappingTransport, points: Array) -> Array:
    return np.asarray(model.transform(Xs=points))


def _kernel_ot_variant(case: Case, preconditioner: str | None, extra: float) -> Iterator[Estimate]:
    """Yield KernelOT with 0.7 x median as bandwidth, one estimate for each regularisation."""
    change = fit_conjugation(case.x, case.y, preconditioner)
    median = median_distance(
        change.forward_x(case.x), change.forward_y(case.y), np.random.default_rng(0)
    )
    kernel: Kernel = Gaussian(0.7 * median)
    if extra:
        kernel = kernel + extra * Linear() + extra * Polynomial(2)
    for reg_potential in (1e-1, 1e-2, 1e-3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = KernelOT(kernel, reg_potential=reg_potential, preconditioner=preconditioner)
            model.fit(case.x, case.y)
        yield Estimate(model.transform, model.cost_)


VARIANTS: dict[str, Callable[[Case], Iterator[Estimate]]] = {
    "gaussian, Gaussian kernel": lambda case: _kernel_ot_variant(case, "gaussian", 0.0),
    "gaussian, with polynomial": lambda case: _kernel_ot_variant(case, "gaussian", 1.0),
    "scale, Gaussian kernel": lambda case: _kernel_ot_variant(case, "scale", 0.0),
    "scale, with polynomial": lambda case: _kernel_ot_variant(case, "scale", 1.0),
    "scale, with 100 x polynomial": lambda case: _kernel_ot_variant(case, "scale", 100.0),
}
"""Preconditioner against a linear and a quadratic kernel; the best of three regularisations."""

METHODS: dict[str, Callable[[Case], Iterator[Estimate]]] = {
    "kernel-ot": kernel_ot_default,
    "Gaussian map": gaussian,
    "nearest neighbour": nearest_neighbour,
    "entropic (best)": entropic,
    "entropic (cross-validated)": entropic_cross_validated,
    "OTT entropic (best)": ott_entropic,
    "MappingTransport": mapping,
}
"""Every method; of several estimates the one that is best with the truth counts."""
