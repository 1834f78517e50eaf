"""Containers of the real world: each is read as its owner means it, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

from kernel_ot import KernelOT
from kernel_ot._arrays import check_points, check_weights
from kernel_ot.distances import energy_distance, mmd_test
from kernel_ot.filling import filling_points
from kernel_ot.kernels import Anisotropic, Gaussian, Linear, Matern, Polynomial, median_distance

POINTS = np.random.default_rng(0).normal(size=(30, 2))


@cache
def fitted() -> KernelOT:
    return KernelOT(Gaussian(1.5), reg_potential=1e-2).fit(POINTS, POINTS + 1)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            np.ma.masked_equal([[1.0, -999.0], [2.0, 3.0]], -999.0),
            r"samples .* 1 masked .*\(0, 1\)",
        ),
        (np.array([["2020-01-01"], ["2021-01-01"]], dtype="datetime64[D]"), "samples holds dates"),
        (np.array([[1], [2]], dtype="timedelta64[s]"), "samples holds dates or times"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01", "2021-01-01"])}), "samples holds dates"),
        ([[10**400, 1], [2, 3]], "samples contains a number beyond the range"),
        (pd.DataFrame({"a": [1.0, 2.0], "name": ["x", "y"]}), "samples .*: name\\."),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan, 2.0]}), "samples contains nan .*: b\\."),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [1j, 2.0]}), "samples is complex.*: b\\."),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 1e200]}), "samples contains 1e.200 .*: b\\."),
        (np.array([[np.datetime64("2020"), 1]], dtype=object), "samples holds dates"),
        (np.array([[np.timedelta64(1, "s"), 1]], dtype=object), "samples holds dates or times"),
        ([np.ma.masked_equal([1.0, -1.0], -1.0), [2.0, 3.0]], r"samples\[0\] is masked"),
        ([[np.longdouble("1e4000"), 1.0]], "samples contains a number beyond the range"),
        (pd.DataFrame({"a": [1, 2], "b": pd.array([1, pd.NA])}), "samples .*: b\\."),
        (
            pd.DataFrame({"a": [1.0, 2.0], "leiden": pd.Categorical([1, 2])}),
            r"samples has categories in leiden, .*MixedColumns",
        ),
        (None, r"samples is None; pass"),
        ("uniform", r"samples = 'uniform' is no array"),
        (anndata.AnnData(np.ones((2, 2))), r"samples is an AnnData object; .*samples\.obsm"),
    ],
)
def test_what_holds_no_plain_numbers_is_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_points(value, "samples")


def test_long_doubles_are_read() -> None:
    np.testing.assert_array_equal(check_points(POINTS.astype(np.longdouble), "x"), POINTS)


ENTRANCES: list[Callable[[Any], Any]] = [
    lambda value: Gaussian(1.0)(value, POINTS),
    lambda value: Gaussian(1.0)(POINTS, value),
    lambda value: Gaussian(1.0).apply(POINTS, value, np.ones(30)),
    lambda value: Matern(1.5, 1.0).gradient(value, POINTS, np.ones(30)),
    lambda value: Linear().diagonal(value),
    lambda value: Polynomial(2).apply(value, POINTS, np.ones(30)),
    lambda value: (Gaussian(1.0) + Linear())(value, value),
    lambda value: Anisotropic(Gaussian(1.0), np.eye(2))(value, POINTS),
    lambda value: energy_distance(value, POINTS),
    lambda value: energy_distance(POINTS, value),
    lambda value: mmd_test(value, POINTS, 0),
    lambda value: median_distance(POINTS, value, 0),
    lambda value: fitted().potentials_.u(value),
    lambda value: fitted().potentials_.gradient_v(value),
    lambda value: fitted().potentials_.transport(value),
    lambda value: fitted().score(value, POINTS),
    lambda value: fitted().summary(value, POINTS),
    lambda value: filling_points(value, POINTS, 5, rng=0),
]


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda points: np.ma.masked_greater(points, 1.0), "masked array"),
        (lambda points: (1000 * points).astype("datetime64[D]"), "holds dates"),
        (lambda points: list(np.ma.masked_greater(points, 1.0)), "is masked"),
        (lambda points: points + 1j, "is complex"),
    ],
)
def test_every_entrance_refuses_what_is_no_plain_number(
    entrance: Callable[[Any], Any], spoil: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        entrance(spoil(POINTS))


def test_weights_of_any_size_are_masses() -> None:
    for size in (1e-310, 1e-300, 1.0, 1e308):
        np.testing.assert_allclose(
            check_weights(np.array([1.0, 0.0, 1.5]) * size, 3, "w"), [0.4, 0.0, 0.6]
        )


def test_seeds_are_generators_everywhere() -> None:
    assert median_distance(POINTS, POINTS + 1, 3) == median_distance(
        POINTS, POINTS + 1, np.random.default_rng(3)
    )
    for call in (median_distance, mmd_test):
        with pytest.raises(ValueError, match="rng = 'x' must be"):
            call(POINTS, POINTS, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_a_parameter_beyond_float64_is_refused_by_name(value: int) -> None:
    with pytest.raises(ValueError, match="bandwidth is beyond the range of float64"):
        Gaussian(value)
    with pytest.raises(ValueError, match="reg_potential is beyond the range"):
        KernelOT(reg_potential=value).fit(POINTS, POINTS)


def test_a_mask_without_masked_entries_is_read_as_data() -> None:
    np.testing.assert_array_equal(check_points(np.ma.asarray(POINTS), "x"), POINTS)


def test_masks_are_refused_in_fit_transform_and_weights() -> None:
    masked = np.ma.masked_where(POINTS > 2, POINTS)
    masked[0, 0] = np.ma.masked
    with pytest.raises(ValueError, match="x is a masked array"):
        KernelOT().fit(masked, POINTS)
    with pytest.raises(ValueError, match="x is a masked array"):
        fitted().transform(masked)
    with pytest.raises(ValueError, match="weights_x is a masked array"):
        check_weights(masked[:, 0], 30, "weights_x")


def test_a_view_of_cells_is_an_array() -> None:
    names = [f"cell {i}" for i in range(60)]
    obs = pd.DataFrame({"treated": [False, True] * 30}, index=names)
    cells = anndata.AnnData(np.zeros((60, 1)), obs=obs)
    cells.obsm["X_pca"] = np.repeat(POINTS, 2, axis=0) + cells.obs[["treated"]].to_numpy()
    treated = cells.obs["treated"].to_numpy()
    views = cells[~treated].obsm["X_pca"], cells[treated].obsm["X_pca"]
    assert hasattr(views[0], "toarray")
    model = KernelOT(Gaussian(1.5), reg_potential=1e-2).fit(*views)
    np.testing.assert_allclose(model.transform(POINTS), fitted().transform(POINTS))


def test_a_seed_of_numpys_integers_is_saved(tmp_path: Path) -> None:
    model = fitted().set_params(random_state=np.int64(5))
    model.save(tmp_path / "model.kot")
    assert KernelOT.load(tmp_path / "model.kot").random_state == 5


def test_results_print_in_a_few_lines() -> None:
    model = fitted()
    problem = model.problem_
    parts = (problem, problem.provenance, model.samples_, model.potentials_, model.conjugation_)
    for part in (*parts, model.potentials_.u, model.solution_, model.certificate_, model):
        assert len(repr(part)) < 300


def test_the_mmd_test_takes_a_seed() -> None:
    generator = np.random.default_rng(0)
    assert mmd_test(POINTS, POINTS + 1, 0) == mmd_test(POINTS, POINTS + 1, generator)


def test_a_column_that_comes_twice_is_refused_by_name() -> None:
    points = np.random.default_rng(0).standard_normal((20, 2))
    twice = pd.DataFrame(points, columns=["age", "age"])
    with pytest.raises(ValueError, match="x has 2 columns called 'age'; give each feature"):
        KernelOT().fit(twice, twice)
    with pytest.raises(ValueError, match="y has 2 columns called 'age'"):
        energy_distance(pd.DataFrame(points, columns=["age", "size"]), twice)


def test_masses_that_are_no_numbers_or_all_on_one_row_are_refused_by_name() -> None:
    ones = np.ones(30)
    with pytest.raises(ValueError, match=r"weights_x contains nan .*finite mass"):
        KernelOT().fit(POINTS, POINTS, np.where(np.arange(30) == 3, np.nan, ones))
    for masses in (np.eye(30)[3], np.eye(30)[0]):
        with pytest.raises(ValueError, match="weights_y leaves y one row with mass"):
            KernelOT().fit(POINTS, POINTS, ones, masses)
