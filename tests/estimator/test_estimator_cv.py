"""KernelOTCV: what it chooses, what it reports, and what it refuses."""

from __future__ import annotations

from functools import partial
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import KFold, ShuffleSplit

from kernel_ot import KernelOT, KernelOTCV
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian, Linear

GRID: dict[str, Any] = {"kernels": (0.5, 1.0), "reg_potentials": (1e-1, 1e-2, 1e-3), "cv": 3}


@pytest.fixture(scope="module")
def samples() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(45, 2)), rng.normal(size=(54, 2))
    return x, y + np.tanh(3 * y) + 1


@pytest.fixture(scope="module")
def fitted(samples: tuple[Array, Array]) -> KernelOTCV:
    return KernelOTCV(**GRID).fit(*samples)


def test_results_hold_both_criteria_for_every_setting(fitted: KernelOTCV) -> None:
    results = fitted.cv_results_
    assert len(results["params"]) == 6
    assert len(fitted.candidates_) == 7
    assert fitted.baseline_.is_baseline
    for criterion in ("semi_dual", "energy"):
        folds = np.stack([results[f"split{k}_test_{criterion}"] for k in range(3)])
        np.testing.assert_allclose(results[f"mean_test_{criterion}"], folds.mean(axis=0))
        error = folds.std(axis=0, ddof=1) / np.sqrt(3)
        np.testing.assert_allclose(results[f"standard_error_test_{criterion}"], error)
        assert sorted(results[f"rank_test_{criterion}"]) == [1, 2, 3, 4, 5, 6]
    assert results["mean_test_semi_dual"].argmax() == fitted.best_index_
    assert results["rank_test_semi_dual"][fitted.best_index_] == 1
    assert results["rank_test_energy"][results["mean_test_energy"].argmin()] == 1
    assert fitted.best_score_ == results["mean_test_semi_dual"].max()
    assert (results["mean_fit_time"] > 0).all()


def test_best_parameters_are_those_of_the_refitted_model(
    samples: tuple[Array, Array], fitted: KernelOTCV
) -> None:
    x, y = samples
    again = KernelOT(**fitted.best_params_).fit(x, y)
    np.testing.assert_allclose(fitted.transform(x), again.transform(x))
    np.testing.assert_allclose(fitted.inverse_transform(y), again.inverse_transform(y))
    assert fitted.score(x, y) == pytest.approx(again.score(x, y))
    assert fitted.summary().cost == pytest.approx(again.cost_)
    chosen = fitted.cv_results_["params"][fitted.best_index_]
    assert again.reg_potential_ == chosen["reg_potential"]


def test_criteria_agree_with_a_fit_by_hand(samples: tuple[Array, Array]) -> None:
    from kernel_ot.distances import energy_distance

    x, y = samples
    kernel, reg = Gaussian(1.5), 1e-2
    folds = KFold(3)
    search = KernelOTCV(kernels=[kernel], reg_potentials=[reg], cv=folds, refit=False).fit(x, y)
    pairs = zip(folds.split(x), folds.split(y), strict=True)
    close = partial(pytest.approx, rel=1e-3)  # settings are compared with nearly exact multipliers
    for k, ((train_x, test_x), (train_y, test_y)) in enumerate(pairs):
        model = KernelOT(kernel, reg_potential=reg, violation_tol=5e-3).fit(x[train_x], y[train_y])
        by_hand = model.score(x[test_x], y[test_y])
        assert search.cv_results_[f"split{k}_test_semi_dual"][0] == close(by_hand)
        distance = energy_distance(model.transform(x[test_x]), y[test_y])
        assert search.cv_results_[f"split{k}_test_energy"][0] == close(distance)


def test_a_setting_whose_filling_did_not_end_is_not_chosen(
    samples: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two rounds are enough for much regularisation and too few for little.
    monkeypatch.setattr("kernel_ot.selection._paths._MAX_ROUNDS", 2)
    x, y = samples
    search = KernelOTCV(kernels=[0.5], reg_potentials=[1e2, 1e-4], cv=3, refit=False).fit(x, y)
    assert search.cv_results_["complete"].tolist() == [True, False]
    assert search.best_index_ == 0
    search = KernelOTCV(kernels=[0.5], reg_potentials=[1e-4], cv=3, refit=False)
    with pytest.warns(ConvergenceWarning, match="Filling ended for none of the settings"):
        search.fit(x, y)


@pytest.mark.parametrize("criterion", ["semi_dual", "energy"])
def test_a_planted_truth_is_found(criterion: Any) -> None:
    # A steep map needs a narrow kernel and little regularisation, and wins by both criteria.
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(120, 1)), rng.normal(size=(120, 1))
    y = y / 2 + 2 * np.tanh(4 * y)
    search = KernelOTCV(
        kernels=(Linear(), 0.5), reg_potentials=(10.0, 1e-3), cv=4, criterion=criterion
    ).fit(x, y)
    assert search.cv_results_["params"][search.best_index_] == {
        "kernel": 0.5,
        "reg_sos": 1e-3,
        "reg_potential": 1e-3,
    }
    assert search.candidates_[1 + search.best_index_].gain(criterion) > search.baseline_.gain(
        criterion
    )


def test_the_choice_depends_on_the_seed_only(
    samples: tuple[Array, Array], fitted: KernelOTCV
) -> None:
    x, y = samples
    for n_jobs in (1, 2):
        with joblib.parallel_config(backend="threading"):
            other = KernelOTCV(**GRID, n_jobs=n_jobs).fit(x, y)
        assert other.best_params_ == fitted.best_params_
        for name in ("mean_test_semi_dual", "mean_test_energy"):
            np.testing.assert_allclose(other.cv_results_[name], fitted.cv_results_[name])
    shuffled = KernelOTCV(**GRID, random_state=1, refit=False).fit(x, y)
    assert (
        shuffled.cv_results_["mean_test_energy"] != fitted.cv_results_["mean_test_energy"]
    ).any()


def test_processes_give_the_same_result(samples: tuple[Array, Array], fitted: KernelOTCV) -> None:
    with joblib.parallel_config(backend="loky"):
        other = KernelOTCV(**GRID, n_jobs=2, refit=False).fit(*samples)
    assert other.best_params_ == fitted.best_params_
    np.testing.assert_allclose(
        other.cv_results_["mean_test_semi_dual"], fitted.cv_results_["mean_test_semi_dual"]
    )


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
def test_fixed_filling_points_take_a_grid_of_reg_sos(samples: tuple[Array, Array]) -> None:
    estimator = KernelOT(filling="pairs", n_fill=25)
    search = KernelOTCV(
        estimator, kernels=[2.0], reg_sos=(1e-3, 1e-1), reg_potentials=(1e-2, 1e-3), cv=2
    ).fit(*samples)
    assert [(p["reg_sos"], p["reg_potential"]) for p in search.cv_results_["params"]] == [
        (1e-1, 1e-2),
        (1e-1, 1e-3),
        (1e-3, 1e-2),
        (1e-3, 1e-3),
    ]
    assert len(search.best_estimator_.x_fill_) == 25
    assert estimator.get_params()["kernel"] == "auto"


def test_scikit_learn_conventions(samples: tuple[Array, Array], fitted: KernelOTCV) -> None:
    copy = clone(fitted)
    assert copy.get_params()["kernels"] == (0.5, 1.0)
    with pytest.raises(NotFittedError):
        copy.transform(samples[0])
    unrefitted = KernelOTCV(**GRID, refit=False).fit(*samples)
    with pytest.raises(AttributeError, match="refit=False"):
        unrefitted.transform(samples[0])
    single = KernelOTCV(kernels=[1.0], reg_potentials=[1e-2], cv=ShuffleSplit(1, random_state=0))
    errors = single.fit(*samples).cv_results_["standard_error_test_energy"]
    assert np.isnan(errors).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"estimator": 3}, "estimator = 3 must be a KernelOT"),
        ({"estimator": KernelOT(tol=-1.0)}, "tol = -1.0 must be positive"),
        ({"kernels": ()}, "kernels is empty"),
        ({"kernels": "auto"}, "kernels = 'auto' must be a sequence"),
        ({"kernels": (0.5, -1)}, r"kernels\[1\] = -1"),
        ({"reg_potentials": 1e-3}, "reg_potentials = 0.001 must be a sequence"),
        ({"reg_potentials": (0.0,)}, r"reg_potentials\[0\] = 0.0"),
        ({"reg_sos": (1e-3, 1e-2)}, "reg_sos has 2 values"),
        ({"criterion": "uvp"}, "criterion = 'uvp' must be one of"),
        ({"cv": 1}, "cv = 1 must be at least 2"),
        ({"cv": 46}, "cv = 46 must be at least 2 and at most the 45 points"),
        ({"cv": "five"}, "cv = 'five' must be a number of folds"),
        ({"cv": True}, "cv = True"),
        ({"n_jobs": 0}, "n_jobs = 0 must be None"),
    ],
)
def test_what_cannot_be_used_is_refused(
    samples: tuple[Array, Array], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        KernelOTCV(**parameters).fit(*samples)
    with pytest.raises(ValueError, match="second sample"):
        KernelOTCV().fit(samples[0], None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["_set_best", "_set_results"])
def test_a_second_search_cut_off_leaves_the_first(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.default_rng(0).normal(size=(24, 2))
    search = KernelOTCV(kernels=(1.0,), reg_potentials=(1e-2,), cv=2).fit(points, points + 1)
    before = dict(vars(search))

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(KernelOTCV, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        search.fit(points[:, :1], points[:, :1] + 3)
    after = vars(search)
    assert after.keys() == before.keys()
    assert all(after[key] is before[key] for key in before)
