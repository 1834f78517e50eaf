"""Wild rows among many points: found in the blocks, left out and named."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.estimator import OutlierWarning
from kernel_ot.kernels import Gaussian
from kernel_ot.samples import TrimmedCloud, as_cloud

SETTINGS: dict[str, Any] = {"kernel": Gaussian(2.0), "reg_potential": 1e-3}


def samples() -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(5200, 2)), 1.5 * rng.normal(size=(5400, 2)) + 1


@pytest.fixture(scope="module")
def tame() -> KernelOT:
    return KernelOT(**SETTINGS).fit(*samples())


@pytest.mark.parametrize("in_blocks", [False, True])
def test_one_wild_row_among_many_does_not_bend_the_map(
    tame: KernelOT, in_blocks: bool, tmp_path: Path
) -> None:
    x, y = samples()
    wild_x, wild_y = x.copy(), y.copy()
    wild_x[4321] = 1e8
    wild_y[[7, 5000], 1] = -1e8
    source: list[Any] = [wild_x, wild_y]
    if in_blocks:
        source = [np.array_split(wild_x, 7), np.array_split(wild_y, 3)]
    with pytest.warns(OutlierWarning, match=r"1 of the 5200 rows of x \(4321\) and 2 of the 5400"):
        model = KernelOT(**SETTINGS).fit(*source)
    assert [rows.tolist() for rows in model.outliers_] == [[4321], [7, 5000]]
    points = np.random.default_rng(2).normal(size=(200, 2))
    np.testing.assert_allclose(model.transform(points), tame.transform(points), atol=0.05)
    assert model.cost_ == pytest.approx(tame.cost_, rel=1e-2)
    assert model.certificate_.n_pairs == 5199 * 5398
    model.save(tmp_path / "model.kot")
    loaded = KernelOT.load(tmp_path / "model.kot")
    assert [rows.tolist() for rows in loaded.outliers_] == [[4321], [7, 5000]]


def test_wild_rows_are_kept_where_they_are_asked_for(tame: KernelOT) -> None:
    x, y = samples()
    x[0] = 1e3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KernelOT(**SETTINGS, outliers="keep").fit(x, y)
    assert not len(model.outliers_[0])
    assert model.certificate_.n_pairs == 5200 * 5400
    assert model.cost_ > 10 * tame.cost_


def test_a_block_of_wild_rows_alone_gives_nothing() -> None:
    rng = np.random.default_rng(0)
    blocks = [rng.normal(size=(500, 2)), np.full((3, 2), 1e6), rng.normal(size=(500, 2))]
    cloud = TrimmedCloud(as_cloud(blocks, None, "x", keep=2000, rng=rng), rng)
    counts = list(cloud.map_blocks(lambda points, masses: len(points)))
    assert counts == [500, 500]
    assert cloud.outliers.tolist() == [500, 501, 502]
    assert cloud.n == 1000
    assert len(cloud.draw(2000, rng)[0]) == 1000


def test_ordinary_samples_lose_no_row(tame: KernelOT) -> None:
    assert [len(rows) for rows in tame.outliers_] == [0, 0]


def test_frames_with_other_columns_are_refused_however_many_rows_they_have() -> None:
    x, y = samples()
    frames = pd.DataFrame(x, columns=["a", "b"]), pd.DataFrame(y, columns=["b", "a"])
    with pytest.raises(ValueError, match=r"columns .* of y are not those of x, \['a', 'b'\]"):
        KernelOT(**SETTINGS).fit(*frames)


def test_masses_on_a_single_row_of_many_are_refused_by_name() -> None:
    x, y = samples()
    masses = np.zeros(len(x))
    masses[7] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"weights_x has mass on so few rows .*leave out"):
            KernelOT().fit(x, y, masses)


def test_masked_masses_and_spreads_beyond_float64_are_refused() -> None:
    x, y = samples()
    masses = np.ma.masked_less(np.arange(float(len(x))), 3.0)
    with pytest.raises(ValueError, match="weights_x is a masked array with 3 masked entries"):
        KernelOT(**SETTINGS).fit(x, y, masses)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for unit in (1e100, 1e-100):
            with pytest.raises(ValueError, match=r"x spreads over .* Measure both samples in"):
                KernelOT(**SETTINGS).fit(unit * x, y)
