"""Tables of points survive every format, and a bad file says what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from kernel_ot._files import atomic_path
from kernel_ot.io import SUFFIXES, Table, read_table, write_table

anndata = pytest.importorskip("anndata", reason=".h5ad files need the extra single-cell")


def points(dtype: type = np.float64) -> Any:
    return np.random.default_rng(0).normal(size=(7, 3)).astype(dtype)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_is_exact(tmp_path: Path, suffix: str, dtype: type) -> None:
    file = write_table(tmp_path / f"points{suffix}", Table(points(dtype)))
    back = read_table(file).values
    expected = points(dtype)
    if ".csv" in suffix or ".tsv" in suffix:  # text has no dtype, but keeps every digit
        assert back.dtype == np.float64
        back = back.astype(dtype)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, expected)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]  # no temporary file stays


@pytest.mark.parametrize("suffix", [".csv", ".tsv.gz", ".h5ad", ".parquet", ".feather"])
def test_names_are_kept(tmp_path: Path, suffix: str) -> None:
    rows = tuple(f"cell, {i}" for i in range(7))
    table = Table(points(), ("ERK", "p53 (nuclear)", "area"), rows)
    back = read_table(write_table(tmp_path / f"cells{suffix}", table))
    assert back.feature_names == table.feature_names
    assert back.row_names == rows


@pytest.mark.parametrize(
    ("text", "expected", "names"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]], None),
        ("a,b\n1,2\n", [[1, 2]], ("a", "b")),
        ("\ufeffa;b\r\n1;2\r\n\r\n3;4\r\n", [[1, 2], [3, 4]], ("a", "b")),
        ('"","a"\n"r1",2e0\n"r2",-3\n', [[2], [-3]], ("a",)),
        ("x\n1\n2\n", [[1], [2]], ("x",)),
    ],
)
def test_csv_dialects(tmp_path: Path, text: str, expected: Any, names: Any) -> None:
    file = tmp_path / "t.csv"
    file.write_text(text, newline="", encoding="utf-8")
    table = read_table(file)
    np.testing.assert_array_equal(table.values, expected)
    assert table.feature_names == names


def test_header_of_numbers_can_be_declared(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("0,1\n5,6\n")
    assert read_table(file, header=False).shape == (2, 2)
    assert read_table(file, header=True).values.tolist() == [[5, 6]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a,b\n", "header and no rows"),
        ("1,2\n3\n", "line 2 has 1 cell and the first line 2"),
        ("a,b\n1,2\n3,x\n", r"line 3, column 2 \(b\) is 'x', not a number"),
        ("a,b\n1,\n", r"missing values in 1 of 1 rows, by column: b \(1\)"),
        (",a\nr,1,2\n", "line 2 has 3 cells"),
        ("1,nan\n", r"by column: column 2 \(1\); the first is in row 1"),
        ('a,b\n1,"2\n', "line 2: .*a quote may not be closed"),
    ],
)
def test_bad_text_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_table(file)
    assert "t.csv" in str(caught.value)


def test_several_arrays_have_to_be_named(tmp_path: Path) -> None:
    arrays = {"X": points(), "Y": points() + 1, "label": np.array(["a"])}
    np.savez(tmp_path / "two.npz", **arrays)
    scipy.io.savemat(tmp_path / "two.mat", arrays)
    for file in ("two.npz", "two.mat"):
        with pytest.raises(ValueError, match=r"several matrices: X \(7 x 3\), Y \(7 x 3\)"):
            read_table(tmp_path / file)
        with pytest.raises(ValueError, match="holds no 'Z'; there is: X"):
            read_table(f"{tmp_path / file}:Z")
        np.testing.assert_array_equal(read_table(f"{tmp_path / file}:Y").values, points() + 1)
        by_argument = read_table(tmp_path / file, variable="Y").values
        np.testing.assert_array_equal(by_argument, points() + 1)


def test_matlab_integers_and_sparse(tmp_path: Path) -> None:
    counts = np.arange(6, dtype=np.uint8).reshape(3, 2)
    scipy.io.savemat(tmp_path / "c.mat", {"X": counts, "S": scipy.sparse.csc_array(counts * 1.0)})
    np.testing.assert_array_equal(read_table(f"{tmp_path}/c.mat:X").values, counts)
    np.testing.assert_array_equal(read_table(f"{tmp_path}/c.mat:S").values, counts)


def test_h5ad_layers_and_embeddings(tmp_path: Path) -> None:
    data = anndata.AnnData(scipy.sparse.csr_matrix(points(np.float32)))
    data.var_names = ["a", "b", "c"]
    data.layers["raw"] = points() * 2
    data.obsm["X_pca"] = points()[:, :2]
    data.layers["twice"] = points()
    data.obsm["twice"] = points()
    file = tmp_path / "cells.h5ad"
    data.write_h5ad(file)
    table = read_table(file)
    assert table.values.dtype == np.float32
    assert table.feature_names == ("a", "b", "c")
    np.testing.assert_array_equal(table.values, points(np.float32))
    np.testing.assert_array_equal(read_table(f"{file}:raw").values, points() * 2)
    np.testing.assert_array_equal(read_table(f"{file}:obsm/X_pca").values, points()[:, :2])
    with pytest.raises(ValueError, match=r"several entries called 'twice'.*layers/raw"):
        read_table(f"{file}:twice")
    with pytest.raises(ValueError, match="no 'umap'; there is: X, "):
        read_table(f"{file}:umap")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files_are_value_errors(tmp_path: Path, suffix: str) -> None:
    big = np.random.default_rng(0).normal(size=(400, 3))
    whole = write_table(tmp_path / f"whole{suffix}", Table(big)).read_bytes()
    for name, content in (("cut", whole[: len(whole) // 2]), ("junk", b"\x00\x01not this\xff" * 9)):
        if name == "cut" and suffix in (".csv", ".tsv"):  # as text
            content = content[: content.rindex(b"\n") + 3]  # a cut inside a line can be seen
        file = tmp_path / f"{name}{suffix}"
        file.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}{suffix} cannot be read as {suffix}: "):
            read_table(file)


def test_wrong_shape_and_unknown_suffix(tmp_path: Path) -> None:
    np.save(tmp_path / "line.npy", np.arange(4.0))
    with pytest.raises(ValueError, match=r"shape \(4,\); points are rows of a matrix"):
        read_table(tmp_path / "line.npy")
    np.save(tmp_path / "objects.npy", np.array([None, 1], dtype=object))
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        read_table(tmp_path / "objects.npy")
    with pytest.raises(ValueError, match=r"suffix \.xlsx, which says no format; use one of \.npy"):
        read_table(tmp_path / "t.xlsx")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_table(tmp_path / "t.npy")
    with pytest.raises(ValueError, match="make the folder"):
        write_table(tmp_path / "no" / "t.npy", Table(points()))
    with pytest.raises(ValueError, match="'1x' is no name"):
        write_table(f"{tmp_path}/t.mat:1x", Table(points()))


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"
    file.write_text("old")

    def interrupted() -> None:
        with atomic_path(file) as temporary:
            temporary.write_text("half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_table_counts_its_names() -> None:
    with pytest.raises(ValueError, match="feature_names has 1 entry"):
        Table(points(), ("a",))
