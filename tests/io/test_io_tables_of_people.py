"""Tables as people have them: no point lost, none too many, no identifier taken for a feature."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from kernel_ot.io import Table, read_table, write_table


def written(tmp_path: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


VALUES = np.random.default_rng(0).normal(size=(3, 2))


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("columns", [None, ["a", "b"], ["größe", "p 53, nuclear"]])
def test_what_pandas_writes_is_what_is_read(tmp_path: Path, index: bool, columns: Any) -> None:
    frame = pd.DataFrame(VALUES, columns=columns)
    frame.to_csv(tmp_path / "t.csv", index=index)
    table = read_table(tmp_path / "t.csv")
    np.testing.assert_array_equal(table.values, VALUES)
    assert table.feature_names == tuple(map(str, frame.columns))
    assert table.row_names == (("0", "1", "2") if index else None)
    frame.to_csv(tmp_path / "t.csv.gz", index=index)
    np.testing.assert_array_equal(read_table(tmp_path / "t.csv.gz").values, VALUES)


@pytest.mark.parametrize(
    ("text", "expected", "names", "rows"),
    [
        # An id column of text, with any name or none.
        ("barcode,a\nAAC,1\nGGT,2\n", [[1], [2]], ("a",), ("AAC", "GGT")),
        ("AAC-1,0.5,2\nGGT-1,1.5,3\n", [[0.5, 2], [1.5, 3]], None, ("AAC-1", "GGT-1")),
        # R's write.table names rows, and not their column.
        ('"a","b"\n"r1",1,2\n"r2",3,4\n', [[1, 2], [3, 4]], ("a", "b"), ("r1", "r2")),
        # German and French spreadsheets.
        ("a;b\r\n1,5;2\r\n3,25;-4e-1\r\n", [[1.5, 2], [3.25, -0.4]], ("a", "b"), None),
        ("1,5;2,5\n3,5;4,5\n", [[1.5, 2.5], [3.5, 4.5]], None, None),
        ("a\tb\n1,5\t2,5\n", [[1.5, 2.5]], ("a", "b"), None),
        ("a;b\n1;2\n1,5;3\n", [[1, 2], [1.5, 3]], ("a", "b"), None),
        # Names with separators, quotes and line ends in them.
        ('"a;b","say ""hi"""\n1,2\n', [[1, 2]], ("a;b", 'say "hi"'), None),
        ('"two\nlines",b\n1,2\n', [[1, 2]], ("two\nlines", "b"), None),
        ('"1.5","2"\n1,2\n', [[1, 2]], ("1.5", "2"), None),
        # Quoted numbers under no names are points.
        ('"1","2"\n"3","4"\n', [[1, 2], [3, 4]], None, None),
        # Lines that other programs put in front.
        ("sep=;\r\na;b\r\n1;2\r\n", [[1, 2]], ("a", "b"), None),
        ("# a,b\n1,2\n", [[1, 2]], ("a", "b"), None),
        ("# made on Monday, by hand, twice\n# unit: nM\n1,2\n", [[1, 2]], None, None),
        ("#x\n1.5\n2\n", [[1.5], [2]], ("x",), None),
        ("2020,2021\n1,2\n", [[2020, 2021], [1, 2]], None, None),
    ],
)
def test_dialects(tmp_path: Path, text: str, expected: Any, names: Any, rows: Any) -> None:
    table = read_table(written(tmp_path, text))
    np.testing.assert_array_equal(table.values, expected)
    assert table.feature_names == names
    assert table.row_names == rows


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_accents_in_any_encoding_of_spreadsheets(tmp_path: Path, encoding: str) -> None:
    file = written(tmp_path, "größe;naïve\r\n1;2\r\n", "Meßwerte 1.csv", encoding)
    assert read_table(file).feature_names == ("größe", "naïve")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1\n5,6\n", "may be the numbers of the columns or a point"),
        ("0\n5\n", "may be the numbers of the columns or a point"),
        ("1,x\n2,3\n", r"text \('x'\) and numbers \(1\), so it may be names or a point"),
        ("gene,2020,2021\nA,1,2\n", "names or a named point"),
        ("id,a\n7,1.5\n3,2.5\n", r"first column \(id\) is 7, 3.*--index id"),
        ("a,b\n1,.5\n2,.5\n3,.5\n4,.7\n", r"first column \(a\) is 1, 2, 3.*--index none"),
        ("0,.5\n1,.5\n2,.5\n3,.7\n", r"first column is 0, 1, 2.*--index 1"),
        ("x\n1,5\n2,5\n", r"decimal=','"),
        ("a,b\nr,1\n5,2\n", r"holds names \('r'\) in some lines and numbers \(5\)"),
        ("NA,1\n2,3\n", r"missing values in 1 of 2 rows, by column: column 1 \(1\)"),
        (
            "x\n1\n\n2\n",
            r"missing values in 1 of 3 rows, by column: x \(1\); the first is in row 2",
        ),
        ("a\tb\n1,234\t2\n", "column 1 .* is '1,234', not a number"),
        ("a,b\n1,2\n" * 2, r"line 3, column 1 \(a\) is 'a'"),
    ],
)
def test_what_could_be_two_things_is_asked(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_table(written(tmp_path, text))


def test_questions_are_answered_by_arguments(tmp_path: Path) -> None:
    ids = written(tmp_path, "id,a\n7,1.5\n3,2.5\n")
    assert read_table(ids, index="id").row_names == ("7", "3")
    assert read_table(ids, index="id").feature_names == ("a",)
    assert read_table(ids, index="none").values.tolist() == [[7, 1.5], [3, 2.5]]
    last = written(tmp_path, "a,b,name\n1,2,u\n3,4,v\n", "last.csv")
    assert read_table(last, index="3").row_names == ("u", "v")
    assert read_table(last, index="name").values.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match=r"no column 'c' for the index; there is: a, b, name"):
        read_table(last, index="c")
    one = written(tmp_path, "x\n1,5\n2,5\n", "one.csv")
    assert read_table(one, decimal=",").values.tolist() == [[1.5], [2.5]]
    numbers = written(tmp_path, "0,1\n5,6\n", "numbers.csv")
    assert read_table(numbers, header=True).feature_names == ("0", "1")
    with pytest.raises(ValueError, match="decimal = 'x'"):
        read_table(numbers, decimal="x")
    np.save(tmp_path / "a.npy", np.eye(2))
    with pytest.raises(ValueError, match="no column of row names"):
        read_table(tmp_path / "a.npy", index="a")


def test_rows_with_missing_values_are_counted_and_left_out_when_asked(tmp_path: Path) -> None:
    text = "cell,a,b\nu,1,NA\nv,2,3\nw,,\nx,4,5\n"
    file = written(tmp_path, text)
    with pytest.raises(ValueError, match=r"in 2 of 4 rows, by column: b \(2\), a \(1\); .*'u'"):
        read_table(file)
    with pytest.warns(UserWarning, match=r"in 2 of 4 rows, by column: b \(2\), a \(1\); those"):
        table = read_table(file, drop_missing=True)
    assert table.values.tolist() == [[2, 3], [4, 5]]
    assert table.row_names == ("v", "x")
    with pytest.raises(ValueError, match="no row is left"):
        read_table(written(tmp_path, "a,b\n1,NA\n2,NA\n"), drop_missing=True)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_frames_of_other_programs(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"barcode": ["AAC", "GGT"], "ERK": [1.5, np.nan], "n": [1, 2]})
    file = tmp_path / f"t{suffix}"
    (frame.to_parquet if suffix == ".parquet" else frame.to_feather)(file)
    with pytest.raises(ValueError, match=r"by column: ERK \(1\); the first is in 'GGT'"):
        read_table(file)
    with pytest.warns(UserWarning, match="left out"):
        table = read_table(file, drop_missing=True)
    assert table.feature_names == ("ERK", "n")
    assert table.row_names == ("AAC",)
    words = pd.DataFrame({"a": [1.0, 2.0], "kind": ["u", "v"]})
    (words.to_parquet if suffix == ".parquet" else words.to_feather)(file)
    with pytest.raises(ValueError, match=r"columns kind \(object\) hold no numbers"):
        read_table(file)
    assert read_table(file, index="kind").row_names == ("u", "v")
    counted = pd.DataFrame({"id": [9, 4], "a": [1.0, 2.0]})
    (counted.to_parquet if suffix == ".parquet" else counted.to_feather)(file)
    with pytest.raises(ValueError, match="--index id"):
        read_table(file)
    with pytest.raises(ValueError, match="stands twice"):
        write_table(tmp_path / f"u{suffix}", Table(VALUES, ("a", "a")))


def test_matlab_files_of_level_7_3(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "new.mat", "w", userblock_size=512) as file:
        file["X"] = VALUES.T
        file["X"].attrs["MATLAB_class"] = np.bytes_("double")
        file["word"] = np.array([[104], [105]], dtype=np.uint16)
        file["word"].attrs["MATLAB_class"] = np.bytes_("char")
        sparse = file.create_group("S")
        sparse.attrs["MATLAB_sparse"] = 3
        sparse["data"], sparse["ir"], sparse["jc"] = [5.0, 7.0], [2, 0], [0, 1, 2]
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    with (tmp_path / "new.mat").open("r+b") as raw:
        raw.write(head)
    np.testing.assert_array_equal(read_table(f"{tmp_path}/new.mat:X").values, VALUES)
    expected = [[0, 7], [0, 0], [5, 0]]
    assert read_table(f"{tmp_path}/new.mat:S").values.tolist() == expected
    with pytest.raises(ValueError, match=r"several matrices: X \(3 x 2\), S \(3 x 2\)"):
        read_table(tmp_path / "new.mat")


def test_standard_input_and_output(monkeypatch: pytest.MonkeyPatch) -> None:
    class Standard:
        buffer = io.BytesIO(gzip.compress(b"a,b\n1,2\n"))

    monkeypatch.setattr(sys, "stdin", Standard)
    table = read_table("-")
    assert table.feature_names == ("a", "b")
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    write_table("-", table)
    assert out.getvalue() == "a,b\r\n1.0,2.0\r\n"
    monkeypatch.setattr(Standard, "buffer", io.BytesIO(b"a\nx\n"))
    with pytest.raises(ValueError, match=r"standard input cannot be read as \.csv: line 2"):
        read_table("-")


@pytest.mark.parametrize("names", [("0", ":"), ("1", "2"), ("nan", "a")])
def test_names_that_are_numbers_come_back_above_named_rows(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    table = Table(np.arange(4.0).reshape(2, 2) + 0.5, names, ("r,1", 'r"2'))
    back = read_table(write_table(tmp_path / "t.csv", table))
    assert (back.feature_names, back.row_names) == (table.feature_names, table.row_names)
    np.testing.assert_array_equal(back.values, table.values)


_NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp", "Cs")), min_size=1
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_NAMES, min_size=2, max_size=4, unique=True), st.booleans())
def test_hostile_names_come_back(tmp_path_factory: Any, names: list[str], rows: bool) -> None:
    folder = tmp_path_factory.mktemp("names")
    values = np.arange(2.0 * len(names)).reshape(2, -1) + 0.5
    table = Table(values, tuple(names), ("r,1", 'r"2') if rows else None)
    back = read_table(write_table(folder / "t.csv", table))
    assert back.feature_names == table.feature_names
    assert back.row_names == table.row_names
    np.testing.assert_array_equal(back.values, values)
