"""The problems that are solved: three families at any dimension, size and seed.

`narrow` and `wide` are the experiment of Lin, Cuturi and Jordan (2024), section 6 (two and three
Gaussians in the unit cube, a Sobol sequence as filling points, lambda_1 = 1 / l and
lambda_2 = 1 / sqrt(l)), with the papers' bandwidth and with one at the median distance. `pairs`
holds the constraint at pairs of samples instead, with the smaller regularisations that go with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import pdist
from scipy.stats import qmc

from kernel_ot._arrays import Array
from kernel_ot.filling import mixed_pairs
from kernel_ot.kernels import Gaussian
from kernel_ot.problem import Problem

FAMILIES = ("wide", "narrow", "pairs")

# exp(-|a - b|^2 / sigma) of both papers' experiments.
_NARROW_SIGMA = 0.005
_SOBOL_SKIP = 3000
_PAIRS_REGULARISATION = 1e-3


@dataclass(frozen=True, order=True)
class Case:
    """Names one problem; `rank_tol` is 0 for a K that is not truncated."""

    family: str
    d: int
    l: int  # noqa: E741  (the papers' letter for the number of filling points)
    seed: int
    rank_tol: float = 0.0

    @property
    def n_samples(self) -> int:
        """As many samples as filling points, but enough pairs to choose from and no more."""
        return self.l if self.family != "pairs" else min(self.l, 1000)


def make_problem(
    case: Case, *, n_fill: int | None = None, sos_factor: float = 1.0, potential_factor: float = 1.0
) -> Problem:
    """Build the problem of `case`.

    Parameters
    ----------
    case : Case
    n_fill : int, optional
        Take this many filling points instead of l, the first l of them the same.
    sos_factor, potential_factor : float
        Multiply the two regularisations.
    """
    if case.family not in FAMILIES:
        raise ValueError(f"family = {case.family!r} is unknown; use one of {', '.join(FAMILIES)}.")
    x, y = _samples(case)
    n_fill = case.l if n_fill is None else n_fill
    # Generated to the largest size asked for, so that a larger problem contains the smaller one.
    x_fill, y_fill = _filling_points(case, x, y, max(n_fill, enlarged(case.l)))
    sigma = _NARROW_SIGMA if case.family == "narrow" else np.median(pdist(np.vstack([x, y]))) ** 2
    if case.family == "wide":
        sigma = sigma / 2
    elif case.family == "pairs":
        sigma = 4 * sigma
    reg_sos, reg_potential = _regularisations(case)
    return Problem.from_samples(
        x,
        y,
        x_fill[:n_fill],
        y_fill[:n_fill],
        kernel=Gaussian(float(np.sqrt(sigma / 2))),
        reg_sos=sos_factor * reg_sos,
        reg_potential=potential_factor * reg_potential,
        rank_tol=case.rank_tol or None,
    )


def enlarged(n_fill: int) -> int:
    """Return the number of filling points with a tenth added."""
    return n_fill + max(1, n_fill // 10)


def _regularisations(case: Case) -> tuple[float, float]:
    if case.family == "pairs":
        return _PAIRS_REGULARISATION, _PAIRS_REGULARISATION
    return 1 / case.l, 1 / np.sqrt(case.l)


def _samples(case: Case) -> tuple[Array, Array]:
    n, d = case.n_samples, case.d
    rng = np.random.default_rng([case.seed, d, case.l])
    centres_x, centres_y = rng.random((2, d)), rng.random((3, d))
    x = centres_x[rng.choice(2, n, p=[0.4, 0.6])] + 0.09 * rng.standard_normal((n, d))
    y = centres_y[rng.choice(3, n, p=[0.2, 0.2, 0.6])] + 0.075 * rng.standard_normal((n, d))
    return x, y


def _filling_points(case: Case, x: Array, y: Array, count: int) -> tuple[Array, Array]:
    if case.family == "pairs":
        x_fill, y_fill = mixed_pairs(x, y, count, rng=np.random.default_rng([case.seed, 1]))
        # Plan pairs come first; mixed, so that every leading part holds both kinds.
        order = np.random.default_rng([case.seed, 2]).permutation(len(x_fill))
        return x_fill[order], y_fill[order]
    engine = qmc.Sobol(2 * case.d, scramble=False)
    engine.fast_forward(_SOBOL_SKIP)
    points = engine.random(count)
    return points[:, : case.d], points[:, case.d :]


def untruncated(case: Case) -> Case:
    """Return the same problem with all of K."""
    return replace(case, rank_tol=0.0)
