"""The kernel of `kernel="auto"`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers import equally_weighted
from kernel_ot import KernelOT, KernelOTCV
from kernel_ot._arrays import Array
from kernel_ot.kernels import Anisotropic, Gaussian, median_distance
from kernel_ot.selection._default_kernel import default_kernel
from kernel_ot.selection._selection import Candidate, least_regularised


def two_samples(n: int, m: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2))
    return x, np.tanh(2 * rng.normal(size=(m, 2))) + [1.0, 0.0]


def test_it_looks_along_the_directions_of_large_spread() -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(4000, 2)) * [3.0, 1.0] for _ in range(2))
    kernel = default_kernel(0.5, equally_weighted(x, y), rng)
    assert isinstance(kernel, Anisotropic)
    # The pooled covariance over the average variance is diag(9, 1) / 5.
    np.testing.assert_allclose(kernel.matrix, np.diag(np.sqrt([9 / 5, 1 / 5])), atol=0.05)
    assert isinstance(kernel.kernel, Gaussian)
    median = median_distance(x @ kernel.matrix, y @ kernel.matrix, rng)
    assert kernel.kernel.bandwidth == pytest.approx(0.5 * median, rel=0.05)


def test_it_turns_and_scales_with_the_points() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)) * [3.0, 1.0, 0.2], rng.normal(size=(40, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    plain = default_kernel(0.5, equally_weighted(x, y), np.random.default_rng(1))
    moved = default_kernel(
        0.5, equally_weighted(7 * x @ turn + 100, 7 * y @ turn + 100), np.random.default_rng(1)
    )
    np.testing.assert_allclose(
        moved(7 * x @ turn + 100, 7 * y @ turn + 100), plain(x, y), rtol=1e-8, atol=1e-12
    )


def test_it_is_a_plain_gaussian_where_there_are_no_directions() -> None:
    rng = np.random.default_rng(0)
    on_the_line = equally_weighted(rng.normal(size=(9, 1)), np.ones((9, 1)))
    assert isinstance(default_kernel(0.5, on_the_line, rng), Gaussian)
    same = np.ones((5, 3))
    assert default_kernel(0.5, equally_weighted(same, same), rng) == Gaussian(0.5)


def test_fits_use_it_and_are_saved_with_it(tmp_path: Path) -> None:
    x, y = two_samples(40, 40)
    model = KernelOT(reg_potential=1e-2, n_splits=1).fit(x, y)
    assert isinstance(model.kernel_, Anisotropic)
    model.save(tmp_path / "model")
    loaded = KernelOT.load(tmp_path / "model")
    assert loaded.kernel_ == model.kernel_
    np.testing.assert_allclose(loaded.transform(x), model.transform(x), rtol=1e-12)
    search = KernelOTCV(kernels=(0.7,), reg_potentials=(1e-2,), cv=2).fit(x, y)
    assert isinstance(search.best_params_["kernel"], Anisotropic)


def test_among_many_features_the_least_regularised_that_is_not_clearly_worse_is_taken() -> None:
    def candidate(reg: float, *energy: float) -> Candidate:
        return Candidate(0.35, reg, (0.0,) * len(energy), energy)

    baseline = candidate(np.inf, 1.0, 2.0, 3.0)
    strong = candidate(1e-1, 0.9, 1.9, 2.9)
    assert least_regularised((baseline, strong)) is strong
    noisy = candidate(1e-2, 0.8, 2.0, 3.1)  # 0.07 worse on average, standard error 0.09
    assert least_regularised((baseline, strong, noisy)) is noisy
    worse = candidate(1e-2, 1.0, 2.0, 3.05)  # worse on every split
    assert least_regularised((baseline, strong, worse)) is strong
    assert least_regularised((candidate(1e-1, 1.0), candidate(1e-2, 1.1))).reg_potential == 1e-1
