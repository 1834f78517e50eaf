"""scikit-learn's conventions, input that cannot be used, files."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from kernel_ot import KernelOT, divergence, two_sample_test
from kernel_ot._arrays import Array
from kernel_ot.distances import energy_distance
from kernel_ot.estimator import KernelOT as SameClass, certify
from kernel_ot.kernels import Gaussian, Linear, median_distance
from kernel_ot.solvers import Progress

KERNEL = Gaussian(1.5)


def model(**parameters: Any) -> KernelOT:
    return KernelOT(**{"kernel": KERNEL, "reg_potential": 1e-2, **parameters})


@pytest.fixture(scope="module")
def samples() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 2)), rng.normal(size=(40, 2)) + 1


@pytest.fixture(scope="module")
def fitted(samples: tuple[Array, Array]) -> KernelOT:
    return model().fit(*samples)


def test_parameters_are_only_stored_and_cloned() -> None:
    marker: Any = object()
    estimator = KernelOT(kernel=marker, n_fill=marker, tol=marker)
    parameters = estimator.get_params()
    assert parameters["kernel"] is marker
    assert parameters["tol"] is marker
    copy = clone(model(n_splits=3))
    assert copy.get_params() == model(n_splits=3).get_params()
    assert copy.set_params(tol=1e-3).tol == 1e-3
    assert SameClass is KernelOT


def test_fit_sets_only_underscored_attributes(samples: tuple[Array, Array]) -> None:
    estimator = model()
    before = set(vars(estimator))
    assert estimator.fit(*samples) is estimator
    new = set(vars(estimator)) - before
    assert all(name.endswith("_") for name in new)
    assert estimator.n_features_in_ == 2
    assert estimator.get_params() == model().get_params()


def test_fitting_twice_is_fitting_once(samples: tuple[Array, Array], fitted: KernelOT) -> None:
    x, y = samples
    again = model().fit(x + 3, y * 2).fit(x, y)
    np.testing.assert_array_equal(again.transform(x), fitted.transform(x))


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "save"])
def test_unfitted_use_says_so(method: str, tmp_path: Path) -> None:
    argument = tmp_path / "m" if method == "save" else np.zeros((2, 2))
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(model(), method)(argument)


def test_html_repr_and_pickle(samples: tuple[Array, Array], fitted: KernelOT) -> None:
    assert "KernelOT" in fitted._repr_html_()
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.transform(samples[0]), fitted.transform(samples[0]))


def test_rows_are_mapped_one_by_one(samples: tuple[Array, Array], fitted: KernelOT) -> None:
    whole = fitted.transform(samples[0])
    one_by_one = np.concatenate([fitted.transform(row[None]) for row in samples[0]])
    np.testing.assert_allclose(one_by_one, whole, atol=1e-10)
    np.testing.assert_allclose(fitted.transform(samples[0][::-1]), whole[::-1], atol=1e-10)


def test_float32_in_float32_out(samples: tuple[Array, Array], fitted: KernelOT) -> None:
    x, y = (sample.astype(np.float32) for sample in samples)
    single = model().fit(x, y)
    assert single.transform(x).dtype == np.float32
    assert single.inverse_transform(y).dtype == np.float32
    assert single.transform(x.astype(np.float64)).dtype == np.float64
    np.testing.assert_allclose(single.transform(x), fitted.transform(samples[0]), atol=1e-2)


def test_read_only_fortran_and_integer_input(samples: tuple[Array, Array]) -> None:
    x, y = (np.asfortranarray(sample.copy()) for sample in samples)
    copies = x.copy(), y.copy()
    for array in (x, y):
        array.flags.writeable = False
    model().fit(x, y).transform(x)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(y, copies[1])
    grid = np.arange(20).reshape(10, 2)
    assert model().fit(grid, grid.tolist()).transform(grid).dtype == np.float64


def test_data_frames_keep_their_names(samples: tuple[Array, Array]) -> None:
    x, y = (pd.DataFrame(sample, columns=["a", "b"]) for sample in samples)
    named = model().fit(x, y)
    assert named.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"columns .* of x are not those of x in fit"):
        named.transform(x[["b", "a"]])
    other = y[["b", "a"]]
    uses: tuple[Callable[..., object], ...] = (named.summary, named.score, partial(certify, named))
    for use in uses:
        with pytest.raises(ValueError, match=r"columns .* of y are not those of x"):
            use(x, other)
    median: Callable[..., object] = median_distance
    uses = (model().fit, divergence, two_sample_test, energy_distance, partial(median, rng=0))
    for use in uses:
        with pytest.raises(ValueError, match=r"columns .* of y are not those of x, "):
            use(x, other)
    unnamed = model().fit(*samples)
    with pytest.raises(ValueError, match=r"columns .* of y are not those of x, "):
        unnamed.summary(x, other)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[np.nan, 1.0], [0, 0]], np.zeros((3, 2)), "x contains nan"),
        (np.zeros((3, 2)), [[np.inf, 1.0], [0, 0]], "y contains inf"),
        (np.zeros((3, 2), complex), np.zeros((3, 2)), "x is complex"),
        ([[1.0], [1.0, 2.0]], np.zeros((3, 2)), "x is ragged"),
        (np.zeros((0, 2)), np.zeros((3, 2)), "x is empty"),
        (np.zeros((3, 2)), np.zeros((3, 4)), "x has 2 columns and y has 4"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "x has 1 point"),
        (np.zeros(3), np.zeros((3, 2)), "reshape"),
        (np.zeros((3, 2)), None, "second sample"),
    ],
)
def test_samples_that_cannot_be_used(x: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model().fit(x, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"reg_potential": -1.0}, "reg_potential = -1.0 must be positive"),
        ({"reg_sos": 0}, "reg_sos = 0.0 must be positive"),
        ({"kernel": "rbf"}, "kernel = 'rbf' must be 'auto' or a kernel"),
        ({"n_fill": 2.5}, "n_fill = 2.5 must be an integer"),
        ({"n_fill": 0}, "n_fill = 0 must be an integer, at least 1"),
        ({"n_splits": 0}, "n_splits = 0"),
        ({"max_iter": -1}, "max_iter = -1"),
        ({"tol": 0}, "tol = 0.0 must be positive"),
        ({"preconditioner": "pca"}, "preconditioner = 'pca'"),
        ({"filling": "everywhere"}, "filling = 'everywhere' must be one of"),
        ({"filling": 3}, "filling = 3 must be"),
        ({"filling": (np.zeros((2, 2)), np.zeros((3, 2)))}, "pairs"),
        ({"method": "magic"}, "method = 'magic'"),
    ],
)
def test_parameters_that_cannot_be_used(
    samples: tuple[Array, Array], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        model(**parameters).fit(*samples)


def test_new_points_of_another_dimension(fitted: KernelOT) -> None:
    with pytest.raises(ValueError, match="x has 3 columns but 2 are needed"):
        fitted.transform(np.zeros((2, 3)))


def test_memory_is_estimated_first(
    samples: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel_ot._arrays._memory.available_bytes", lambda: 1000)
    with pytest.raises(ValueError, match=r"needs about .* GiB .* available"):
        model().fit(*samples)


def test_stopping_early_warns_and_keeps_the_best_point(samples: tuple[Array, Array]) -> None:
    seen: list[Progress] = []

    def stop(progress: Progress) -> bool:
        seen.append(progress)
        return len(seen) == 1

    estimator = model(callback=stop, reg_potential=1e-4)
    with pytest.warns(ConvergenceWarning, match="Stopped by the callback"):
        estimator.fit(*samples)
    assert np.isfinite(estimator.transform(samples[0])).all()
    with pytest.warns(ConvergenceWarning, match="Adaptive filling stopped after 1 round"):
        model(max_iter=1, reg_potential=1e-4).fit(*samples)
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        model(time_limit=1e-9).fit(*samples)


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
@pytest.mark.parametrize("parameters", [{}, {"filling": "pairs", "n_fill": 20, "tol": 1e-6}])
def test_saved_models_come_back_whole(
    samples: tuple[Array, Array], tmp_path: Path, parameters: dict[str, Any]
) -> None:
    x, y = samples
    kernel = 0.5 * Gaussian(1.0) + Gaussian(2.0) + Linear()
    first = model(kernel=kernel, **parameters).fit(pd.DataFrame(x, columns=["a", "b"]), y)
    file = tmp_path / "model.kot"
    first.save(file)
    assert [path.name for path in tmp_path.iterdir()] == ["model.kot"]
    second = KernelOT.load(file)
    np.testing.assert_allclose(second.transform(x), first.transform(x), rtol=1e-12)
    np.testing.assert_allclose(second.x_fill_, first.x_fill_)
    assert second.cost_ == pytest.approx(first.cost_)
    assert second.kernel_ == kernel
    assert second.get_params()["kernel"] == kernel
    assert second.solution_.status is first.solution_.status
    assert second.solution_.history == first.solution_.history
    assert second.rounds_ == first.rounds_
    assert second.certificate_.lower_bound == pytest.approx(first.certificate_.lower_bound)
    assert second.feature_names_in_.tolist() == ["a", "b"]
    assert second.score(x, y) == pytest.approx(first.score(x, y))


def test_files_that_are_no_models_are_refused(fitted: KernelOT, tmp_path: Path) -> None:
    file = tmp_path / "model.kot"
    fitted.save(file)
    whole = file.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="not a whole kernel-ot model"):
            KernelOT.load(file)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="not a whole kernel-ot model"):
        KernelOT.load(tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError):
        KernelOT.load(tmp_path / "missing.kot")


def test_models_of_a_newer_format_are_refused(fitted: KernelOT, tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    fitted.save(file)
    with np.load(file) as archive:
        arrays = dict(archive)
    header = json.loads(str(arrays.pop("header")))
    header["format_version"] += 1
    np.savez(file, header=np.array(json.dumps(header)), **arrays)
    with pytest.raises(ValueError, match="Upgrade kernel-ot"):
        KernelOT.load(file)


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
def test_two_identical_samples_and_identical_points() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 3))
    same = model().fit(x, x)
    np.testing.assert_allclose(same.transform(x), x, atol=0.1)
    assert abs(same.cost_) < 1e-2
    point = np.tile([[1.0, 2.0, 3.0]], (5, 1))
    to_point = model(reg_potential=1e-3).fit(x, point)
    np.testing.assert_allclose(to_point.transform(x), point[:1] + np.zeros((40, 1)), atol=0.05)
    exact = np.mean(np.sum((x - point[0]) ** 2, axis=1)) / 2
    assert to_point.cost_ == pytest.approx(exact, rel=1e-2)
    both = KernelOT().fit(point, point + 1)
    assert both.cost_ == pytest.approx(1.5)


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
@pytest.mark.parametrize("case", ["wide", "far", "binary", "constant", "outliers"])
def test_hard_samples_give_sensible_answers(case: str) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 3)) + 1
    if case == "wide":
        x, y = rng.normal(size=(12, 60)), rng.normal(size=(14, 60)) + 1
    elif case == "far":
        y = y + 1e5
    elif case == "binary":
        x, y = (x > 0).astype(float), (y > 0).astype(float)
    elif case == "constant":
        x[:, 1] = y[:, 1] = 7.0
    elif case == "outliers":
        x[0] *= 1e6
        y[1] *= 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator = model(outliers="keep").fit(x, y)
    images = estimator.transform(x)
    assert np.isfinite(images).all()
    assert np.isfinite(estimator.cost_)
    exact = pytest.importorskip("ot", reason="the exact cost comes from POT")
    plan_cost = exact.emd2([], [], exact.dist(x, y) / 2)
    assert estimator.certificate_.lower_bound <= plan_cost * (1 + 1e-9) + 1e-9
    if case != "outliers":
        gap = np.linalg.norm(images.mean(axis=0) - y.mean(axis=0))
        assert gap < 0.3 * max(1.0, float(np.std(y)))
    if case == "constant":
        np.testing.assert_allclose(images[:, 1], 7.0, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["choose_settings", "fill_and_solve", "certify_samples", "placed_like"]
)
def test_a_second_fit_cut_off_anywhere_leaves_the_first(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    model = KernelOT(Gaussian(1.5), reg_potential=1e-2).fit(points, points + 1)
    before = dict(vars(model))

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    module = "_derived" if name == "certify_samples" else "_kernel_ot"
    monkeypatch.setattr(f"kernel_ot.estimator.{module}.{name}", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(points[:, :1], points[:, :1] + 3)
    after = vars(model)
    assert after.keys() == before.keys()
    assert all(after[key] is before[key] for key in before)
