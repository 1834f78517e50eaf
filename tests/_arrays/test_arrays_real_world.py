"""Containers of the real world: each is read as its owner means it, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

from kernel_ot import KernelOT
from kernel_ot._arrays import check_points, check_weights
from kernel_ot.distances import mmd_test
from kernel_ot.kernels import Gaussian

POINTS = np.random.default_rng(0).normal(size=(30, 2))


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
        (pd.DataFrame({"a": [1, 2], "b": pd.array([1, pd.NA])}), "samples .*: b\\."),
        (anndata.AnnData(np.ones((2, 2))), r"samples is an AnnData object; .*samples\.obsm"),
    ],
    ids=["masked", "dates", "durations", "date frame", "huge", "text", "missing", "anndata"],
)
def test_what_holds_no_plain_numbers_is_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_points(value, "samples")


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


def test_potentials_print_in_a_few_lines() -> None:
    assert len(repr(fitted().potentials_)) < 1500


def test_the_mmd_test_takes_a_seed() -> None:
    generator = np.random.default_rng(0)
    assert mmd_test(POINTS, POINTS + 1, 0) == mmd_test(POINTS, POINTS + 1, generator)
