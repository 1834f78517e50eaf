"""Among many features filling looks, before it ends, where S returns from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from kernel_ot import KernelOT
from kernel_ot.cutting_planes import AdaptiveFit, _rounds, adaptive_filling
from kernel_ot.estimator import OutlierWarning
from kernel_ot.kernels import Gaussian
from kernel_ot.samples import Samples

TOL = 2e-3
FOUR_I = Path(__file__).parents[3] / "shared" / "data" / "4i"


def torn_samples(seed: int) -> Samples:
    d, n = 25, 100
    rng = np.random.default_rng(seed)
    x, of_y = rng.normal(size=(2, n, d))
    y = of_y + np.where(of_y[:, :1] > 0, 1.0, -1.0) * np.eye(d)[0]
    return Samples(x, y, np.full(n, 1 / n), np.full(n, 1 / n))


def filled(samples: Samples) -> AdaptiveFit:
    return adaptive_filling(samples, Gaussian(0.7 * np.sqrt(50)), 3e-4, tol=TOL)


def violation_where_inverses_return(samples: Samples, fit: AdaptiveFit) -> float:
    """Return the largest, in tolerances, at pairs one step from T to S^-1, S to T^-1."""
    x, y, u, v = samples.x, samples.y, fit.potentials.u, fit.potentials.v
    x_back = y + u.gradient(fit.potentials.inverse_transport(y))
    y_back = x + v.gradient(fit.potentials.transport(x))
    by = [u(a) + v(b) - np.sum(np.square(a - b), axis=1) / 2 for a, b in ((x, y_back), (x_back, y))]
    return float(np.max(by)) / (TOL * samples.mean_cost())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_violations_that_only_the_inverse_maps_see_are_found(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = torn_samples(seed)
    fit = filled(samples)
    monkeypatch.setattr(_rounds, "_MOST_LOOKS", 0)
    without = filled(samples)
    assert fit.complete
    assert without.complete
    unseen = violation_where_inverses_return(samples, without)
    assert unseen > 30
    assert violation_where_inverses_return(samples, fit) < 0.2 * unseen


def test_a_map_of_cells_does_not_end_shifted() -> None:
    """Without looks all of T is shifted by .3 here, at 1.6 times the energy distance."""
    if not FOUR_I.is_dir():
        pytest.skip("the 4i cells are not part of the package")
    rng = np.random.default_rng([36, 2, 0])
    x, y = (
        cells[rng.permutation(len(cells))[: round(0.6 * len(cells))]]
        for cells in (
            scipy.io.loadmat(FOUR_I / f"{drug}.mat")["X"].astype(float)
            for drug in ("trametinib_erlotinib", "erlotinib")
        )
    )
    with pytest.warns(OutlierWarning, match="rows of y .368."):
        model = KernelOT(verdict=False).fit(x, y)
    missed = model.inverse_transform(model.transform(x)) - x
    assert np.linalg.norm(missed.mean(axis=0)) < 0.02 * np.sqrt(x.var(axis=0).sum())
