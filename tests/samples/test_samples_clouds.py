"""Samples read by blocks: every source gives the same points, and every fault is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernel_ot._arrays import Array
from kernel_ot.samples import Cloud, as_cloud, is_lazy, open_points

POINTS = np.random.default_rng(0).normal(size=(300, 3))
MASSES = np.random.default_rng(1).uniform(0.5, 1, size=300)


def cloud(points: Any, weights: Any = None, keep: int = 1000) -> Cloud:
    return as_cloud(points, weights, "x", keep=keep, rng=np.random.default_rng(0))


def sums(of: Cloud) -> Array:
    return np.asarray(sum(of.map_blocks(lambda points, masses: masses @ points)))


def npy(folder: Path) -> str:
    np.save(folder / "x.npy", POINTS)
    return str(folder / "x.npy")


def zarr_array(folder: Path) -> str:
    zarr = pytest.importorskip("zarr")
    zarr.save(str(folder / "x.zarr"), POINTS)
    return str(folder / "x.zarr")


def dense_h5ad(folder: Path) -> str:
    anndata = pytest.importorskip("anndata")
    anndata.AnnData(X=POINTS.copy()).write_h5ad(folder / "x.h5ad")
    return f"{folder / 'x.h5ad'}:X"


def sparse_h5ad(folder: Path) -> str:
    anndata = pytest.importorskip("anndata")
    from scipy.sparse import csr_matrix

    cells = anndata.AnnData(X=csr_matrix(POINTS), obsm={"X_pca": 2 * POINTS})
    cells.write_h5ad(folder / "sparse.h5ad")
    return str(folder / "sparse.h5ad")


@pytest.mark.parametrize("write", [npy, zarr_array, dense_h5ad, sparse_h5ad])
def test_files_are_read_by_blocks(write: Callable[[Path], str], tmp_path: Path) -> None:
    source = write(tmp_path)
    assert is_lazy(source)
    of = cloud(source)
    assert (of.n, of.dimension) == (300, 3)
    np.testing.assert_allclose(sums(of), POINTS.sum(axis=0))
    drawn, masses = of.draw(50, np.random.default_rng(2))
    assert len(np.unique(drawn[:, 0])) == 50
    assert set(drawn[:, 0]) <= set(POINTS[:, 0])
    assert masses.sum() == 50


def test_an_entry_of_a_file_of_cells_is_chosen_by_name(tmp_path: Path) -> None:
    source = sparse_h5ad(tmp_path)
    np.testing.assert_allclose(open_points(f"{source}:X_pca")[:4], 2 * POINTS[:4])
    with pytest.raises(ValueError, match="no entry 'X_umap'"):
        open_points(f"{source}:X_umap")


def test_weights_go_with_their_points() -> None:
    da = pytest.importorskip("dask.array")
    expected = MASSES @ POINTS
    halves = [POINTS[:100], POINTS[100:]], [MASSES[:100], MASSES[100:]]
    sources: list[tuple[Any, Any]] = [
        (POINTS, MASSES),
        halves,
        (lambda: iter(halves[0]), lambda: iter(halves[1])),
        (da.from_array(POINTS, chunks=(70, 2)), da.from_array(MASSES, chunks=40)),
    ]
    for points, weights in sources:
        of = cloud(points, weights)
        np.testing.assert_allclose(sums(of), expected)
        drawn, masses = of.draw(300, np.random.default_rng(0))
        np.testing.assert_allclose(np.sort(masses @ drawn), np.sort(expected))


def test_an_iterable_keeps_a_uniform_part() -> None:
    counts = np.zeros(300)
    for seed in range(60):
        of = as_cloud(
            [POINTS[:37], POINTS[37:200], POINTS[200:]],
            None,
            "x",
            keep=100,
            rng=np.random.default_rng(seed),
        )
        drawn, _ = of.draw(100, np.random.default_rng(0))
        counts += np.isin(POINTS[:, 0], drawn[:, 0])
    # 60 draws of a third: each third of the rows is drawn 2000 times but for chance.
    assert counts.sum() == 6000
    assert abs(counts.reshape(3, 100).sum(axis=1) - 2000).max() < 6 * np.sqrt(6000 * 2 / 9)


def nan_in_block_17() -> list[Array]:
    blocks = [np.ones((5, 2)) for _ in range(20)]
    blocks[17][3, 1] = np.nan
    return blocks


def shorter_each_time() -> Callable[[], Iterator[Array]]:
    given = iter([np.ones((4, 2)), np.ones((4, 2))])
    return lambda: given


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (nan_in_block_17(), r"nan in block 17, row 3 \(row 88 of all, column 1\)"),
        ([np.ones((5, 2)), np.ones((5, 3))], "block 1 of x has 3 columns .* have 2"),
        (lambda: iter(()), "gives no points"),
        (iter([np.ones((5, 2))]), "used up after one pass"),
        (shorter_each_time(), "gave 8 points when it was first read and 0 now"),
    ],
)
def test_blocks_that_cannot_be_used_are_named(points: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sums(cloud(points))


def test_weights_that_cannot_be_used_are_named() -> None:
    with pytest.raises(ValueError, match=r"weights_x has shape \(299,\)"):
        cloud(POINTS, MASSES[1:])
    wrong = MASSES.copy()
    wrong[7] = -1
    with pytest.raises(ValueError, match=r"contain -1.0 in row 7"):
        sums(cloud(POINTS, wrong))
    with pytest.raises(ValueError, match="ends after 1 blocks"):
        cloud([POINTS, POINTS], [MASSES])


def test_a_dask_array_of_unknown_size_is_refused() -> None:
    da = pytest.importorskip("dask.array")
    points = da.from_array(POINTS, chunks=(100, 3))
    with pytest.raises(ValueError, match="unknown chunk sizes; call"):
        cloud(points[points[:, 0] > 0])


def test_a_file_that_shrank_is_an_error_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((10_000, 3)))
    of = cloud(str(tmp_path / "x.npy"))
    with (tmp_path / "x.npy").open("r+b") as file:
        file.truncate(5000)
    with pytest.raises(ValueError, match="cut short or replaced"):
        sums(of)
    with pytest.raises(ValueError, match=r"cannot be opened as .npy"):
        open_points(tmp_path / "x.npy")


def test_a_missing_file_and_an_unknown_suffix_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.npy does not exist"):
        open_points(tmp_path / "nothing.npy")
    (tmp_path / "x.parquet").write_text("")
    with pytest.raises(ValueError, match=r"suffix '.parquet'; use one of .npy"):
        open_points(tmp_path / "x.parquet")
