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


def fortran_npy(folder: Path) -> str:
    np.save(folder / "x.npy", np.asfortranarray(POINTS))
    return str(folder / "x.npy")


def big_endian_npy(folder: Path) -> str:
    np.save(folder / "x.npy", POINTS.astype(">f8"))
    return str(folder / "x.npy")


def zarr_group(folder: Path) -> str:
    zarr = pytest.importorskip("zarr")
    deep = zarr.open_group(folder / "x.zarr", mode="w").create_group("deep")
    deep.create_array("points", data=POINTS)
    return f"{folder / 'x.zarr'}:deep/points"


def cells_in_zarr(folder: Path) -> str:
    anndata = pytest.importorskip("anndata")
    from scipy.sparse import csr_matrix

    anndata.AnnData(X=csr_matrix(POINTS)).write_zarr(folder / "x.zarr")
    return str(folder / "x.zarr")


def layer_by_columns(folder: Path) -> str:
    anndata = pytest.importorskip("anndata")
    from scipy.sparse import csc_matrix

    cells = anndata.AnnData(X=2 * POINTS, layers={"counts": csc_matrix(POINTS)})
    cells.write_h5ad(folder / "x.h5ad")
    return f"{folder / 'x.h5ad'}:counts"


@pytest.mark.parametrize(
    "write",
    [
        *(npy, fortran_npy, big_endian_npy, zarr_array, zarr_group),
        *(dense_h5ad, sparse_h5ad, layer_by_columns),
        pytest.param(cells_in_zarr, marks=pytest.mark.filterwarnings("ignore:Writing zarr v2")),
    ],
)
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


def test_weights_go_with_their_points(tmp_path: Path) -> None:
    da = pytest.importorskip("dask.array")
    expected = MASSES @ POINTS
    halves = [POINTS[:100], POINTS[100:]], [MASSES[:100], MASSES[100:]]
    lazy = da.from_array(POINTS, chunks=(70, 2))
    np.save(tmp_path / "masses.npy", MASSES)
    sources: list[tuple[Any, Any]] = [
        (POINTS, MASSES),
        (POINTS, list(MASSES)),
        (POINTS, halves[1]),
        (POINTS, lambda: iter(halves[1])),
        (POINTS, da.from_array(MASSES, chunks=40)),
        (POINTS, tmp_path / "masses.npy"),
        (POINTS, np.load(tmp_path / "masses.npy", mmap_mode="r")),
        (lazy, list(MASSES)),
        (lazy, lambda: iter(halves[1])),
        (lazy, str(tmp_path / "masses.npy")),
        ([POINTS[:0], *halves[0]], [MASSES[:0], *halves[1]]),
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


def test_rows_for_a_certificate_are_not_those_that_were_kept() -> None:
    of = cloud([POINTS[:37], POINTS[37:]], [MASSES[:37], MASSES[37:]], keep=100)
    rng = np.random.default_rng(3)
    kept = {float(value) for value in of.draw(100, rng)[0][:, 0]}
    anew, masses = of.draw_anew(150, rng)
    assert len(np.unique(anew[:, 0])) == 150
    # A third of any rows were kept; all of those that `draw` gives.
    assert 30 < len(kept & set(anew[:, 0])) < 70
    places = [int(np.flatnonzero(POINTS[:, 0] == value)[0]) for value in anew[:, 0]]
    np.testing.assert_array_equal(masses, MASSES[places])


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
        ([np.ones((5, 2)), np.ones((5, 3))], "block 1 of x has 3 columns and 2 are needed"),
        (lambda: iter(()), "gives no points"),
        (iter([np.ones((5, 2))]), "used up after one pass"),
        (shorter_each_time(), "gave 8 points when it was first read and 0 now"),
        (lambda: None, "function that returned NoneType; it must return an iterable"),
        (lambda: np.ones((5, 2)), "function that returned ndarray"),
        ([np.ones((0, 2))], "gives no points"),
        ({"a": np.ones((5, 2))}, r"has several \(a\); pass one of them"),
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
    with pytest.raises(ValueError, match=r"weights_x contains -1.0 in block 0, row 7"):
        sums(cloud(POINTS, wrong))
    with pytest.raises(ValueError, match="weights_x ends after 1 blocks, x goes on"):
        cloud([POINTS, POINTS], [MASSES])
    with pytest.raises(ValueError, match="x ends after 1 blocks, weights_x goes on"):
        cloud([POINTS], [MASSES, MASSES])
    with pytest.raises(ValueError, match=r"have shape \(50,\); they must be \(300,\)"):
        cloud([POINTS], [MASSES[:50]])
    with pytest.raises(ValueError, match=r"weights_x has shape \(290,\)"):
        cloud(POINTS, [MASSES[:100], MASSES[110:]])
    with pytest.raises(ValueError, match=r"weights_x = 2.0 is no array"):
        cloud(POINTS, 2.0)
    with pytest.raises(ValueError, match="weights_x is one array, but x comes in blocks"):
        cloud([POINTS], MASSES)


def test_cells_that_stay_in_their_file_are_read_by_blocks(tmp_path: Path) -> None:
    source = sparse_h5ad(tmp_path)
    import anndata

    backed = anndata.read_h5ad(source, backed="r")
    assert is_lazy(backed.X)
    np.testing.assert_allclose(sums(cloud(backed.X)), POINTS.sum(axis=0))


@pytest.mark.parametrize("dtype", [np.int16, np.float16, np.float32, bool, object])
def test_numbers_of_any_type_are_read(dtype: Any, tmp_path: Path) -> None:
    points = np.round(10 * POINTS).astype(dtype)
    halves = cloud([points[:100], points[100:]])
    np.testing.assert_allclose(sums(halves), points.astype(float).sum(axis=0))
    np.save(tmp_path / "x.npy", points)
    if dtype is object:
        with pytest.raises(ValueError, match=r"Python objects, .* save array.astype\(float\)"):
            open_points(tmp_path / "x.npy")
        return
    np.testing.assert_allclose(sums(cloud(tmp_path / "x.npy")), points.astype(float).sum(axis=0))


def test_a_fault_in_rows_that_were_drawn_is_named_by_its_place_in_the_sample() -> None:
    da = pytest.importorskip("dask.array")
    points = np.ones((200_000, 3))
    points[150_003, 1] = np.nan
    rows = np.array([7, 150_003, 199_999])
    with pytest.raises(ValueError, match=r"row 150003 of all, column 1"):
        cloud(points).take(rows)
    lazy = da.from_array(points, chunks=(20_000, 3))
    with pytest.raises(ValueError, match=r"block 7, row 10003 \(row 150003 of all, column 1\)"):
        cloud(lazy).take(rows)


def test_empty_chunks_of_a_filtered_dask_array_are_passed_over() -> None:
    da = pytest.importorskip("dask.array")
    lazy = da.from_array(POINTS, chunks=(100, 3))
    left = lazy[da.from_array(np.arange(300) // 100 != 1, chunks=100)].compute_chunk_sizes()
    assert left.chunks[0] == (100, 0, 100)
    np.testing.assert_allclose(sums(cloud(left)), POINTS[:100].sum(0) + POINTS[200:].sum(0))


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
    with pytest.raises(ValueError, match="cut short since it was opened"):
        sums(of)
    with pytest.raises(ValueError, match=r"cannot be opened as .npy"):
        open_points(tmp_path / "x.npy")
    np.save(tmp_path / "view.npy", np.ones((10_000, 3)))
    view = cloud(np.asarray(np.load(tmp_path / "view.npy", mmap_mode="r")[100:]))
    with (tmp_path / "view.npy").open("r+b") as file:
        file.truncate(5000)
    with pytest.raises(ValueError, match="cut short since it was opened"):
        view.take(np.arange(5))


def test_a_file_whose_name_is_gone_is_still_read(tmp_path: Path) -> None:
    source = npy(tmp_path)
    of = cloud(source)
    Path(source).unlink()
    np.testing.assert_allclose(sums(of), POINTS.sum(axis=0))


def test_chunks_of_zarr_that_are_damaged_or_gone_are_named(tmp_path: Path) -> None:
    source = zarr_array(tmp_path)
    of = cloud(source)
    [chunk] = [p for p in Path(source).rglob("*") if p.is_file() and p.suffix != ".json"]
    with chunk.open("r+b") as file:
        file.truncate(50)
    with pytest.raises(ValueError, match="x cannot be read from its file"):
        sums(of)
    chunk.unlink()
    with pytest.warns(UserWarning, match="lacks 1 of its 1 chunks, which are read as 0.0"):
        open_points(source)


def test_what_is_no_matrix_is_named_with_what_there_is(tmp_path: Path) -> None:
    source = zarr_group(tmp_path).removesuffix(":deep/points")
    with pytest.raises(ValueError, match="no entry 'X'; it has deep"):
        open_points(source)
    with pytest.raises(ValueError, match="'deep' is no matrix; it has points"):
        open_points(f"{source}:deep")
    (tmp_path / "archive.npy").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(ValueError, match="magic string is not correct"):
        open_points(tmp_path / "archive.npy")


def test_a_missing_file_and_an_unknown_suffix_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.npy does not exist"):
        open_points(tmp_path / "nothing.npy")
    (tmp_path / "x.parquet").write_text("")
    with pytest.raises(ValueError, match=r"suffix '.parquet'; use one of .npy"):
        open_points(tmp_path / "x.parquet")
