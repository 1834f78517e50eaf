"""Two samples through the same steps, and the map back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from kernel_ot import KernelOT, KernelOTCV
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian
from kernel_ot.pipeline import MixedColumns, TwoSamplePipeline, make_two_sample_pipeline

POINTS = np.random.default_rng(0).normal(size=(40, 2))


def ot(**parameters: Any) -> KernelOT:
    return KernelOT(**{"kernel": Gaussian(1.5), "reg_potential": 1e-2, **parameters})


@pytest.fixture(scope="module")
def samples() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(50, 3)) + 1
    return x * [1, 1000, 1e-3], y * [1, 1000, 1e-3]


def test_it_is_scaling_both_by_hand_and_back(samples: Any) -> None:
    x, y = samples
    model = make_two_sample_pipeline(StandardScaler(), ot(preconditioner="scale")).fit(x, y)
    scaler = StandardScaler().fit(np.concatenate([x, y]))
    by_hand = ot(preconditioner="scale").fit(scaler.transform(x), scaler.transform(y))
    assert model.transport_.cost_ == by_hand.cost_
    images = scaler.inverse_transform(by_hand.transform(scaler.transform(x)))
    np.testing.assert_allclose(model.transform(x), images, rtol=1e-9)
    back = scaler.inverse_transform(by_hand.inverse_transform(scaler.transform(y)))
    np.testing.assert_allclose(model.inverse_transform(y), back, rtol=1e-9)
    expected = by_hand.score(scaler.transform(x), scaler.transform(y))
    assert model.score(x, y) == pytest.approx(expected)


def test_what_pca_leaves_out_is_kept_or_dropped(samples: Any) -> None:
    x, y = (sample / [1, 1000, 1e-3] for sample in samples)
    kept = make_two_sample_pipeline(PCA(1), ot()).fit(x, y)
    dropped = make_two_sample_pipeline(PCA(1), ot(), residual="drop").fit(x, y)
    moved = kept.transform(x) - x
    assert np.linalg.matrix_rank(moved, tol=1e-8) == 1
    assert np.linalg.matrix_rank(dropped.transform(x) - x.mean(axis=0), tol=1e-8) <= 2
    pca = kept.steps_[-1]
    np.testing.assert_allclose(
        pca.transform(kept.transform(x)), pca.transform(dropped.transform(x))
    )


def test_frames_come_back_with_their_columns_and_rows(samples: Any) -> None:
    names = ["a", "b", "c"]
    x, y = (pd.DataFrame(s, columns=names, index=[f"r{i}" for i in range(len(s))]) for s in samples)
    model = make_two_sample_pipeline(StandardScaler(), PCA(2), ot()).fit(x, y[["c", "b", "a"]])
    images = model.transform(x)
    assert images.index.equals(x.index)
    assert images.columns.tolist() == names == model.get_feature_names_out().tolist()
    np.testing.assert_allclose(images, model.fit(x, y).transform(x))
    out = model.set_output(transform="polars").transform(x)
    assert isinstance(out, pl.DataFrame)
    polars = make_two_sample_pipeline(StandardScaler(), PCA(2), ot()).fit(
        pl.DataFrame(x), pl.DataFrame(y)
    )
    np.testing.assert_allclose(polars.transform(pl.DataFrame(x)), images)
    with pytest.raises(ValueError, match="same order"):
        model.transform(x[["b", "a", "c"]])


def test_parameters_of_steps_are_set_and_cloned(samples: Any) -> None:
    model = make_two_sample_pipeline(StandardScaler(), ot())
    model.set_params(kernelot__reg_potential=0.5, standardscaler__with_std=False)
    copy = clone(model)
    assert copy.get_params()["kernelot__reg_potential"] == 0.5
    fitted = copy.fit(*samples)
    assert fitted.transport_.reg_potential_ == 0.5
    assert not hasattr(model.steps[0][1], "mean_")  # steps are cloned, not fitted
    assert "TwoSamplePipeline" in fitted._repr_html_()


def test_the_search_over_settings_may_stand_at_the_end(samples: Any) -> None:
    search = KernelOTCV(kernels=[1.0], reg_potentials=[1e-1, 1e-2], cv=2)
    model = make_two_sample_pipeline(StandardScaler(), search).fit(*samples)
    assert model.transform(samples[0]).shape == samples[0].shape
    assert model.transport_.best_params_["reg_potential"] in (1e-1, 1e-2)


@pytest.mark.filterwarnings("ignore:Feature 2")
def test_no_steps_are_no_change(samples: Any) -> None:
    images = make_two_sample_pipeline(ot()).fit(*samples).transform(samples[0])
    np.testing.assert_allclose(images, ot().fit(*samples).transform(samples[0]))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([StandardScaler()], "last step is StandardScaler"),
        ([PolynomialFeatures(), ot()], "no inverse_transform"),
        ([StandardScaler(), ot(n_fill=-1)], "n_fill"),
    ],
)
def test_steps_that_cannot_be_used_are_refused(samples: Any, steps: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_two_sample_pipeline(*steps).fit(*samples)


def test_wrong_calls_name_their_remedy(samples: Any) -> None:
    x, y = samples
    model = make_two_sample_pipeline(StandardScaler(), ot())
    with pytest.raises(ValueError, match="x has 3 columns and y has 2"):
        model.fit(x, y[:, :2])
    with pytest.raises(ValueError, match="x has 2 columns but 3"):
        model.fit(x, y).transform(x[:, :2])
    with pytest.raises(ValueError, match="residual = 'no'"):
        TwoSamplePipeline(model.steps, residual="no").fit(x, y)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="make_two_sample_pipeline"):
        make_pipeline(StandardScaler(), model).fit(x, y)
    search = GridSearchCV(model, {"kernelot__reg_potential": [1e-1]}, error_score="raise")
    with pytest.raises(ValueError, match="KernelOTCV"):
        search.fit(x, y[:40])


def test_a_failed_fit_leaves_the_old_one(samples: Any) -> None:
    x, y = samples
    model = make_two_sample_pipeline(StandardScaler(), ot()).fit(x, y)
    before = model.transform(x)
    with pytest.raises(ValueError, match="nan"):
        model.fit(np.where(x > 1, np.nan, x), y)
    np.testing.assert_array_equal(model.transform(x), before)


def _patients() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return patients with small and with large progression: ages and counts are tied integers."""
    table = load_diabetes(as_frame=True, scaled=False).frame
    table["sex"] = table["sex"].map({1.0: "a", 2.0: "b"})
    table["age"] = table["age"].astype(int)
    large = table["target"] > 200
    chosen = table[["age", "sex", "bmi", "s5"]]
    return chosen[~large][:120], chosen[large][:90]


def test_a_real_table_of_mixed_columns_with_ties_comes_back_as_one() -> None:
    x, y = _patients()
    model = make_two_sample_pipeline(MixedColumns(), ot(), residual="drop").fit(x, y)
    images = model.transform(x)
    assert images.dtypes.equals(x.dtypes)
    assert set(images["sex"]) <= {"a", "b"}
    assert images.index.equals(x.index)
    for column in ("bmi", "s5"):
        gap = abs(y[column].mean() - x[column].mean())
        assert abs(images[column].mean() - y[column].mean()) < gap / 3
    share = [(frame["sex"] == "b").mean() for frame in (images, y)]
    assert abs(share[0] - share[1]) < 0.15
    doubled = x.iloc[[0, 0, 1]]
    assert model.transform(doubled).iloc[0].equals(model.transform(doubled).iloc[1])


def test_categories_can_be_left_out_and_codes_be_declared() -> None:
    x, y = _patients()
    without = MixedColumns(handling="drop").fit(x)
    assert without.get_feature_names_out().tolist() == ["age", "bmi", "s5"]
    assert without.inverse_transform(without.transform(x))["sex"].isna().all()
    codes = MixedColumns(categories=["sex", "age"]).fit(pd.concat([x, y]))
    assert codes.inverse_transform(codes.transform(y)).equals(y.reset_index(drop=True))
    names = codes.get_feature_names_out().tolist()
    assert names[:2] == ["bmi", "s5"]
    assert "sex=a" in names


def test_rows_that_differ_in_a_category_are_so_far_apart() -> None:
    frame = pd.DataFrame({"kind": ["a", "b"], "n": [1.0, 1.0]})
    points = MixedColumns(category_distance=3.0).fit(frame).transform(frame)
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MixedColumns().fit(np.eye(2)), "needs a data frame"),
        (lambda: MixedColumns().fit(pd.DataFrame({"a": [1.0, None]})), r"by column: a \(1\)"),
        (lambda: MixedColumns(["b"]).fit(pd.DataFrame({"a": [1.0]})), "no columns for"),
        (lambda: MixedColumns([]).fit(pd.DataFrame({"a": ["u"]})), "hold no numbers"),
        (
            lambda: (
                MixedColumns().fit(pd.DataFrame({"a": ["u"]})).transform(pd.DataFrame({"a": ["v"]}))
            ),
            "did not see",
        ),
        (
            lambda: (
                make_two_sample_pipeline(MixedColumns(), ot())
                .fit(*(table.head(20) for table in _patients()))
                .transform(_patients()[0])
            ),
            "residual='drop'",
        ),
    ],
)
def test_mixed_columns_say_what_is_wrong(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("x", "steps", "message"),
    [
        (np.ma.masked_greater(POINTS, 1.0), StandardScaler(), r"x is a masked array with \d+"),
        (scipy.sparse.csr_array(POINTS), StandardScaler(), "x is a sparse matrix"),
        ("x", StandardScaler(), "x = 'x' is no array"),
        (POINTS.round(), OneHotEncoder(handle_unknown="ignore"), "steps make a sparse matrix"),
    ],
)
def test_what_is_no_array_is_refused_by_name(x: Any, steps: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_two_sample_pipeline(steps, KernelOT()).fit(x, POINTS.round() + 1)
