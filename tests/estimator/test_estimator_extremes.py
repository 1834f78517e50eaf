"""Samples and settings at the edge: a right answer, a clear error or one warning, nothing else."""

from __future__ import annotations

import warnings
from time import process_time
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from kernel_ot import KernelOT, KernelOTCV
from kernel_ot._arrays import Array
from kernel_ot.diagnostics import CautionWarning
from kernel_ot.estimator import FitProgress
from kernel_ot.kernels import Gaussian


def normal(seed: int, n: int = 60, d: int = 2) -> Array:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("size", [1e-160, 1e-90, 1e80, 1e140])
def test_spreads_without_moments_are_refused_by_name(size: float) -> None:
    with pytest.raises(ValueError, match=r"x spreads over .* another unit"):
        KernelOT().fit(normal(0) * size, normal(1) * size)
    with pytest.raises(ValueError, match=r"y spreads over"):
        KernelOTCV().fit(normal(0), normal(1) * size)


@pytest.mark.parametrize(("size_x", "size_y"), [(1e-60, 1e-60), (1e60, 1e60), (1e-6, 1.0)])
def test_the_unit_is_of_no_importance(size_x: float, size_y: float) -> None:
    x, y = normal(0), normal(1) + 1
    model = KernelOT(Gaussian(1.5), reg_potential=1e-2)
    images = model.fit(x, y).transform(x)
    found = model.fit(size_x * x, size_y * y).transform(size_x * x)
    np.testing.assert_allclose(found / size_y, images, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("size_x", "size_y"), [(1.0, 1e-30), (1e-30, 1.0), (1e60, 1.0)])
def test_maps_have_the_digits_of_the_sample_that_they_lead_to(size_x: float, size_y: float) -> None:
    x, y = normal(0), normal(1) + 1
    model = KernelOT(Gaussian(1.5), reg_potential=1e-2)
    images, origins = model.fit(x, y).transform(x), model.inverse_transform(y)
    model.fit(size_x * x, size_y * y)
    np.testing.assert_allclose(model.transform(size_x * x) / size_y, images, rtol=1e-9)
    np.testing.assert_allclose(model.inverse_transform(size_y * y) / size_x, origins, rtol=1e-9)


# Without the Gaussian change of coordinates regularisation takes from the cost.
@pytest.mark.parametrize(
    ("preconditioner", "error"), [("gaussian", 2e-3), ("scale", 0.2), (None, 0.2)]
)
def test_a_single_point_has_its_cost(preconditioner: str | None, error: float) -> None:
    point, y = np.ones((80, 2)), normal(1, 80) + 1
    exact = float(np.mean(np.sum(np.square(y - 1), axis=1))) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in (
            KernelOT(preconditioner=preconditioner).fit(point, y),
            KernelOT(preconditioner=preconditioner).fit(y, point),
        ):
            assert model.cost_ == pytest.approx(exact, rel=error)
    np.testing.assert_allclose(model.transform(y), 1, atol=0.01)
    np.testing.assert_allclose(model.inverse_transform(point[:1])[0], y.mean(axis=0), atol=1e-9)


def test_a_few_points_without_preconditioner_are_not_wrong_in_silence() -> None:
    point, y = np.ones((5, 2)), normal(1, 8) + 1
    with pytest.warns(CautionWarning, match=r"The mean of S\(y\)|The mean of T\(x\)"):
        KernelOT(preconditioner=None).fit(y, point)


@pytest.mark.parametrize("preconditioner", ["scale", None])
@pytest.mark.parametrize(("size_x", "size_y"), [(1.0, 1e-30), (1e-8, 1.0), (1e60, 1e60)])
def test_other_preconditioners_are_right_or_warn(
    preconditioner: str | None, size_x: float, size_y: float
) -> None:
    x, y = size_x * normal(0), size_y * (normal(1) + 1)
    model = KernelOT(preconditioner=preconditioner, verdict=False)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        missed = model.fit(x, y).transform(x).mean(axis=0) - y.mean(axis=0)
    assert told or np.linalg.norm(missed) < 0.3 * np.linalg.norm(y.std(axis=0))


def test_two_constant_samples_are_mapped_by_the_translation() -> None:
    x, y = np.full((30, 2), 1e9), np.full((20, 2), 2.5)
    model = KernelOT().fit(x, y)
    np.testing.assert_array_equal(model.transform(x), 2.5)
    np.testing.assert_array_equal(model.inverse_transform(y), 1e9)
    assert model.cost_ == pytest.approx((1e9 - 2.5) ** 2)


@pytest.mark.parametrize("seed", range(3))
def test_parts_of_tied_samples_may_be_one_point(seed: int) -> None:
    # In some splits all training points of both samples are equal.
    rng = np.random.default_rng(seed)
    x, y = rng.poisson(0.05, (14, 1)).astype(float), rng.poisson(0.1, (13, 1)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = KernelOT().fit(x, y)
    assert np.isfinite(model.transform(x)).all()


def test_rows_without_weight_do_not_count() -> None:
    x, y = normal(0), normal(1) + 1
    weights = np.zeros(60)
    weights[::4] = 1e308
    spoilt = np.where(weights[:, None] > 0, x, 1e140)
    few = KernelOT().fit(x[::4], y)
    many = KernelOT().fit(spoilt, y, weights_x=weights)
    np.testing.assert_allclose(many.transform(x), few.transform(x), atol=1e-12)
    folds = KernelOTCV(kernels=(0.7,), reg_potentials=(1e-2,), cv=5).fit(spoilt, y, weights)
    assert np.isfinite(folds.transform(x)).all()


def test_points_beyond_squares_are_refused_and_far_ones_mapped() -> None:
    model = KernelOT(Gaussian(1.5), reg_potential=1e-2).fit(normal(0), normal(1))
    with pytest.raises(ValueError, match=r"x contains 1e\+200 .* use a larger unit"):
        model.transform(np.full((1, 2), 1e200))
    assert np.isfinite(model.transform(np.full((1, 2), 1e149))).all()
    assert np.isfinite(model.potentials_.u(np.full((1, 2), 1e149))).all()


@pytest.mark.parametrize("filling", ["pairs", "plan_pairs", "sobol"])
def test_fixed_filling_points_that_are_too_few_are_warned_of_once(filling: str) -> None:
    x, y = normal(0, 45, 3), normal(1, 30, 3)
    model = KernelOT(Gaussian(1.0), reg_potential=3e-4, filling=filling, n_fill=50)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(x, y)
    told = [str(warning.message) for warning in caught if "violate" in str(warning.message)]
    assert len(told) == 1
    assert "adaptive" in told[0]


def test_a_time_limit_holds_for_selection_and_fit() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(1500, 6)), rng.uniform(size=(1500, 6)) ** 2
    told: list[tuple[float, FitProgress]] = []
    model = KernelOT(time_limit=1.0, callback=lambda step: told.append((process_time(), step)))
    began = process_time()  # which other programs do not lengthen
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(x, y)
    messages = [str(warning.message) for warning in caught]
    assert any("ended the comparison of settings" in message for message in messages)
    assert not any("init=" in message for message in messages)
    assert told[-1][0] - began < 3.5
    assert {step.phase for _, step in told} >= {"filling", "solve"}
    assert np.isfinite(model.transform(x)).all()


def test_a_callback_may_stop_the_first_setting_of_a_given_regularisation() -> None:
    model = KernelOT(reg_potential=1e-3, callback=lambda step: True)
    with pytest.warns(ConvergenceWarning, match="Stopped by the callback") as caught:
        model.fit(normal(0), normal(1) + 1)
    assert "init=" not in str(caught[0].message)


def test_an_interrupted_solve_interrupts_the_fit() -> None:
    def interrupt(step: FitProgress) -> None:
        raise KeyboardInterrupt

    model = KernelOT(Gaussian(2.0), reg_potential=1e-2, filling="pairs", callback=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(normal(0), normal(1))
    assert not hasattr(model, "solution_")


@pytest.mark.parametrize("seed", ["0", -1, True, [1, "a"]])
def test_seeds_are_checked(seed: Any) -> None:
    for model in (KernelOT(random_state=seed), KernelOTCV(random_state=seed)):
        with pytest.raises(ValueError, match=r"random_state = .* must be"):
            model.fit(normal(0), normal(1))


@pytest.mark.parametrize("seed", range(6))
def test_cauchy_samples_end_without_internal_messages(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_cauchy((100, 2)), rng.standard_cauchy((100, 2)) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", CautionWarning)
        model = KernelOT(Gaussian(0.3), reg_potential=1e-3, outliers="keep").fit(x, y)
    assert np.isfinite(model.transform(x)).all()


@pytest.mark.parametrize("apart", [1e5, 1e8])
def test_settings_are_told_apart_however_far_the_samples_are(apart: float) -> None:
    """The cost of the shift, 1e16 times that of the rest, leaves a sum no digits for settings."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(50, 2)) * [1, 2] + 1
    near, far = (KernelOT(verdict=False).fit(x, y + b) for b in (0.0, apart))
    np.testing.assert_allclose(far.transform(x) - apart, near.transform(x), atol=1e-6)
    assert far.reg_potential_ == near.reg_potential_
    assert far.candidates_[0].score == pytest.approx(apart**2, rel=1e-4)


@pytest.mark.parametrize("apart", [1e5, 1e8])
def test_cross_validation_is_the_same_however_far_the_samples_are(apart: float) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(50, 2)) * [1, 2] + 1
    search = KernelOTCV(kernels=(0.7, 1.4), reg_potentials=(1e-1, 1e-2, 1e-3), cv=2)
    near, far = (clone(search).fit(x, y + b) for b in (0.0, apart))
    assert far.best_index_ == near.best_index_
    np.testing.assert_array_equal(
        far.cv_results_["rank_test_semi_dual"], near.cv_results_["rank_test_semi_dual"]
    )
    np.testing.assert_allclose(far.transform(x) - apart, near.transform(x), atol=1e-6)
    # The cost of the shift is in the values that are told.
    assert far.best_score_ == pytest.approx(apart**2, rel=1e-4)
    assert far.candidates_[1 + far.best_index_].score == far.best_score_
    assert far.baseline_.score == pytest.approx(apart**2, rel=1e-4)
