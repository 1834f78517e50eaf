"""KernelOT among scikit-learn's tools: containers, names, output, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from kernel_ot import KernelOT, KernelOTCV
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian


def model(**parameters: Any) -> KernelOT:
    return KernelOT(**{"kernel": Gaussian(1.5), "reg_potential": 1e-2, **parameters})


@pytest.fixture(scope="module")
def samples() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 2)), rng.normal(size=(40, 2)) + 1


@pytest.fixture(scope="module")
def frames(samples: tuple[Array, Array]) -> tuple[pd.DataFrame, pd.DataFrame]:
    x, y = samples
    names = ["ERK", "p53"]
    rows = [f"cell {i}" for i in range(len(x))]
    return pd.DataFrame(x, rows, columns=names), pd.DataFrame(y, columns=names)


def test_a_pandas_frame_comes_back_as_one(frames: Any, samples: Any) -> None:
    fitted = model().fit(*frames)
    expected = model().fit(*samples)
    for name, frame in zip(("transform", "inverse_transform"), frames, strict=True):
        images = getattr(fitted, name)(frame)
        assert isinstance(images, pd.DataFrame)
        assert images.columns.tolist() == ["ERK", "p53"]
        assert images.index.equals(frame.index)
        np.testing.assert_array_equal(images, getattr(expected, name)(frame.to_numpy()))


def test_a_polars_frame_comes_back_as_one(frames: Any) -> None:
    x, y = (pl.DataFrame(frame) for frame in frames)
    fitted = model().fit(x, y)
    images = fitted.transform(x)
    assert isinstance(images, pl.DataFrame)
    assert images.columns == ["ERK", "p53"]
    assert isinstance(fitted.inverse_transform(y), pl.DataFrame)
    expected = model().fit(*frames).transform(frames[0])
    np.testing.assert_allclose(images.to_numpy(), expected, rtol=1e-9)
    with pytest.raises(ValueError, match="columns"):
        fitted.transform(x.select("p53", "ERK"))


def test_columns_of_polars_without_numbers_are_named() -> None:
    good = pl.DataFrame({"a": [1.0, 3.0, 2.0], "b": [1, 2, 3]})
    words = good.with_columns(b=pl.Series(["u", "v", "w"]))
    with pytest.raises(ValueError, match=r"missing ones: b\.$"):
        model().fit(words, good)
    with pytest.raises(ValueError, match="Columns: a"):
        model().fit(good, good.with_columns(a=pl.Series([1.0, None, 2.0])))


@pytest.mark.parametrize(("wanted", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output_chooses_the_container(samples: Any, wanted: str, kind: type) -> None:
    x, y = samples
    fitted = model().set_output(transform=wanted).fit(x, y)
    for images in (fitted.transform(x), fitted.inverse_transform(x), model().fit_transform(x, y)):
        names = list(getattr(images, "columns", ["x0", "x1"]))
        assert names == ["x0", "x1"]
    assert isinstance(fitted.transform(x), kind)
    assert isinstance(fitted.inverse_transform(y), kind)
    with config_context(transform_output=wanted):
        assert isinstance(model().fit(x, y).transform(x), kind)


def test_set_output_default_gives_arrays_even_for_frames(frames: Any) -> None:
    fitted = model().set_output(transform="default").fit(*frames)
    assert isinstance(fitted.transform(frames[0]), np.ndarray)
    assert isinstance(fitted.inverse_transform(frames[1]), np.ndarray)
    search = KernelOTCV(model(), kernels=[1.0], reg_potentials=[1e-2], cv=2).fit(*frames)
    assert isinstance(search.transform(frames[0]), pd.DataFrame)
    assert isinstance(search.set_output(transform="default").transform(frames[0]), np.ndarray)


def test_names_of_the_columns_that_come_out(frames: Any, samples: Any) -> None:
    named, nameless = model().fit(*frames), model().fit(*samples)
    assert named.get_feature_names_out().tolist() == ["ERK", "p53"]
    assert nameless.get_feature_names_out().tolist() == ["x0", "x1"]
    assert nameless.get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="length equal to number of features"):
        nameless.get_feature_names_out(["a"])
    with pytest.raises(ValueError, match="not equal to feature_names_in_"):
        named.get_feature_names_out(["p53", "ERK"])


def test_the_number_of_steps(samples: Any) -> None:
    fitted = model().fit(*samples)
    assert fitted.n_iter_ == fitted.solution_.iterations >= 1
    assert not hasattr(model(), "n_iter_")


def test_verbose_says_what_a_fit_does(samples: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fitted = model().fit(*samples)
    assert capsys.readouterr().out == ""
    model(verbose=1).fit(*samples)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "fit: 100%" in shown.err
    assert f"CONVERGED, cost {fitted.cost_:.6g}" in shown.err
    model(verbose=2).fit(*samples)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[KernelOT] filling round 1, residual")
    assert len(lines) == len(fitted.rounds_) + 2


def test_settings_compared_by_two_processes_are_those_of_one(samples: Any) -> None:
    seen: list[object] = []
    one = KernelOT(n_splits=2, kernel=Gaussian(1.5)).fit(*samples)
    two = KernelOT(n_splits=2, kernel=Gaussian(1.5), n_jobs=2, callback=seen.append).fit(*samples)
    assert len(seen) > len(two.rounds_) + 1  # settings too
    assert two.reg_potential_ == one.reg_potential_
    assert [c.reg_potential for c in two.candidates_] == [c.reg_potential for c in one.candidates_]
    np.testing.assert_allclose(two.transform(samples[0]), one.transform(samples[0]), rtol=1e-8)


@pytest.mark.parametrize("call", ["fit", "fit_transform"])
@pytest.mark.parametrize("estimator", [model(), KernelOTCV(model())])
def test_a_pipeline_that_changes_one_sample_is_refused(
    samples: Any, call: str, estimator: Any
) -> None:
    pipeline = make_pipeline(StandardScaler(), estimator)
    with pytest.raises(ValueError, match=r"'standardscaler' to x and not.*make_two_sample_pip"):
        getattr(pipeline, call)(*samples)
    middle = make_pipeline(StandardScaler(), estimator, StandardScaler())
    with pytest.raises(ValueError, match="make_two_sample_pipeline"):
        getattr(middle, call)(*samples)


def test_pipelines_that_change_nothing_before_are_served(samples: Any) -> None:
    x, y = samples
    expected = model().fit(x, y).transform(x)
    for steps in ([("ot", model())], [("none", "passthrough"), ("ot", model())]):
        np.testing.assert_array_equal(Pipeline(steps).fit(x, y).transform(x), expected)
    first = make_pipeline(model(), StandardScaler()).fit(x, y)
    np.testing.assert_allclose(first.transform(x).mean(axis=0), 0, atol=1e-12)
    whole = ColumnTransformer([("ot", model(), [0, 1])]).fit(x, y)
    np.testing.assert_allclose(whole.transform(x), expected, rtol=1e-9)


def test_searches_that_cut_both_samples_by_one_index_are_refused(samples: Any) -> None:
    x, y = samples[0], samples[1][:30]
    search = GridSearchCV(model(), {"reg_potential": [1e-2, 1e-3]}, error_score="raise")
    with pytest.raises(ValueError, match="Use KernelOTCV"):
        search.fit(x, y)
    with pytest.raises(ValueError, match="KernelOTCV"):
        cross_val_score(model(), x, y, error_score="raise")
