"""Samples with equal rows: counts, categories, constants."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.diagnostics import CautionWarning
from kernel_ot.kernels import Gaussian


def _counts(n: int = 60) -> tuple[Array, Array]:
    rng = np.random.default_rng(61)
    return rng.poisson(0.6, (n, 2)).astype(float), rng.poisson(1.5, (n, 2)).astype(float)


def test_equal_rows_are_fitted_as_one_point_with_their_mass() -> None:
    x, y = _counts()
    points_x, rows_x = np.unique(x, axis=0, return_counts=True)
    points_y, rows_y = np.unique(y, axis=0, return_counts=True)
    model = KernelOT(Gaussian(1.0), reg_potential=1e-2, preconditioner="scale")
    tied = clone(model).fit(x, y)
    weighted = clone(model).fit(points_x, points_y, rows_x, rows_y)
    np.testing.assert_allclose(tied.cost_, weighted.cost_, rtol=1e-3)
    np.testing.assert_allclose(tied.transform(x), weighted.transform(x), atol=2e-2)
    assert tied.certificate_.n_pairs == len(points_x) * len(points_y)


def test_a_model_of_equal_rows_comes_back_from_its_file(tmp_path: Path) -> None:
    x, y = _counts()
    model = KernelOT().fit(x, y)
    model.save(tmp_path / "counts.kot")
    again = KernelOT.load(tmp_path / "counts.kot")
    np.testing.assert_array_equal(again.transform(x), model.transform(x))


@pytest.mark.parametrize("preconditioner", ["gaussian", "scale"])
def test_one_point_goes_to_the_mean_of_the_other_sample(preconditioner: str) -> None:
    y = np.random.default_rng(61).normal(size=(80, 2))
    x = np.full((50, 2), 3.0)
    there = KernelOT(preconditioner=preconditioner).fit(x, y)
    np.testing.assert_allclose(there.transform(x[:1])[0], y.mean(axis=0), atol=1e-3)
    back = KernelOT(preconditioner=preconditioner).fit(y, x)
    np.testing.assert_allclose(back.inverse_transform(x[:1])[0], y.mean(axis=0), atol=1e-3)
    exact = float(np.mean(np.sum(np.square(y - 3.0), axis=1)) / 2)
    if preconditioner == "gaussian":
        assert there.cost_ == pytest.approx(exact, rel=1e-3)
        np.testing.assert_allclose(back.transform(y), 3.0, atol=1e-2)


def test_images_of_counts_have_the_mean_of_the_target() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.poisson(0.1, (100, 5)).astype(float), rng.poisson(0.2, (100, 5)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CautionWarning)  # ties are split, so no map returns
        model = KernelOT(verdict=False).fit(x, y)
    np.testing.assert_allclose(model.transform(x).mean(axis=0), y.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(model.inverse_transform(y).mean(axis=0), x.mean(axis=0), atol=1e-9)


def test_categories_as_zeros_and_ones_are_fitted() -> None:
    rng = np.random.default_rng(0)
    x, y = np.eye(4)[rng.integers(0, 4, 150)], np.eye(4)[rng.integers(0, 3, 150)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CautionWarning)
        images = KernelOT(verdict=False).fit(x, y).transform(x)
    np.testing.assert_allclose(images.mean(axis=0), y.mean(axis=0), atol=1e-9)
