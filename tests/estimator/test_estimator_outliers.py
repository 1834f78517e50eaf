"""One wild row: named, left out, and the map of the others as without it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from kernel_ot import KernelOT, KernelOTCV
from kernel_ot._arrays import Array
from kernel_ot.estimator import OutlierWarning
from kernel_ot.kernels import Gaussian


def _samples() -> tuple[Array, Array]:
    rng = np.random.default_rng(61)
    return rng.normal(size=(80, 2)), rng.normal(size=(90, 2)) + 3


@pytest.mark.parametrize("far", [1e2, 1e5, 1e12, 1e150])
def test_the_other_rows_move_as_without_the_outlier(far: float) -> None:
    x, y = _samples()
    wild_x, wild_y = np.vstack([x, np.full((1, 2), far)]), np.vstack([[[-far, 0.0]], y])
    model = KernelOT(Gaussian(1.5), reg_potential=1e-2)
    without = model.fit(x, y)
    images, cost = without.transform(x), without.cost_
    with pytest.warns(OutlierWarning, match=r"x \(80\).*y \(0\)") as caught:
        model.fit(wild_x, wild_y)
    assert len(caught) == 1
    np.testing.assert_allclose(model.transform(x), images, rtol=1e-6, atol=1e-8)
    assert model.cost_ == pytest.approx(cost)
    assert [rows.tolist() for rows in model.outliers_] == [[80], [0]]
    assert np.isfinite(model.summary().energy_distance)


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
def test_outliers_are_kept_on_request() -> None:
    x, y = _samples()
    x[0] = 50.0
    with warnings.catch_warnings():
        warnings.simplefilter("error", OutlierWarning)
        kept = KernelOT(Gaussian(1.5), reg_potential=1e-2, outliers="keep").fit(x, y)
    assert not any(len(rows) for rows in kept.outliers_)
    assert kept.samples_.weights_x[0] > 0
    with pytest.raises(ValueError, match="outliers = 'drop' must be one of"):
        KernelOT(outliers="drop").fit(x, y)


def test_a_model_with_outliers_comes_back_from_its_file(tmp_path: Path) -> None:
    x, y = _samples()
    x[3] = 1e6
    with pytest.warns(OutlierWarning):
        model = KernelOT(Gaussian(1.5), reg_potential=1e-2).fit(x, y)
    model.save(tmp_path / "model.kot")
    again = KernelOT.load(tmp_path / "model.kot")
    np.testing.assert_array_equal(again.transform(y), model.transform(y))
    assert again.outliers_[0].tolist() == [3]


def test_cross_validation_leaves_outliers_out_and_warns_once() -> None:
    x, y = _samples()
    search = KernelOTCV(kernels=(0.7,), reg_potentials=(1e-1, 1e-2), cv=2)
    best = search.fit(x, y).best_score_
    with pytest.warns(OutlierWarning) as caught:
        search.fit(np.vstack([x, np.full((1, 2), 1e6)]), y)
    assert len(caught) == 1
    assert search.best_score_ == pytest.approx(best, rel=0.2)


@pytest.mark.parametrize("kind", ["cauchy", "lognormal"])
def test_heavy_tails_are_fitted_or_named(kind: str) -> None:
    spreads = []
    for seed in range(4, 9):
        rng = np.random.default_rng(seed)
        draw = rng.standard_cauchy if kind == "cauchy" else rng.lognormal
        x, y = draw(size=(100, 2)), draw(size=(100, 2)) + 1
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = KernelOT(verdict=False).fit(x, y)
        assert len(caught) <= 2
        middle = np.abs(x - np.median(x, axis=0)).max(axis=1) < 3
        spreads.append(np.std(model.transform(x[middle]), axis=0) / np.std(x[middle], axis=0))
    assert ((np.median(spreads, axis=0) > 0.7) & (np.median(spreads, axis=0) < 1.4)).all()
    assert (np.min(spreads) > 0.3) & (np.max(spreads) < 2.5)


@pytest.mark.parametrize("side", ["x", "y"])
def test_one_row_at_ten_deviations_does_not_bend_the_map_of_the_others(side: str) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(150, 1)), rng.normal(size=(150, 1))
    y = y + 0.4 * np.tanh(2 * y)
    row = np.full((1, 1), 10.0 * float(np.std(x if side == "x" else y)))
    expected = KernelOT(verdict=False).fit(x, y).transform(x)
    with pytest.warns(OutlierWarning, match=rf"row 150 of {side}|{side}.*150"):
        found = KernelOT(verdict=False).fit(
            np.vstack([x, row]) if side == "x" else x, np.vstack([y, row]) if side == "y" else y
        )
    np.testing.assert_allclose(found.transform(x), expected, atol=1e-6)
