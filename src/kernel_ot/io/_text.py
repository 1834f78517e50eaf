"""Comma-separated and tab-separated tables, written by a program or by a spreadsheet."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from kernel_ot._arrays import Array, block_slices, counted
from kernel_ot.io._row_names import (
    NO_INDEX,
    TableQuestionError,
    check_no_id,
    is_missing,
    is_number,
    kind_of,
)
from kernel_ot.io._table import Table

_DELIMITERS = {".csv": (";", "\t", ","), ".tsv": ("\t",)}
_QUOTE = '"'
_LIKE_A_NUMBER = re.compile(r"[+-]?[\d.,' ]+")  # with a mark that may group its digits
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,(?!\d{3}$)\d+")
_REMEDY = "say which by header=True or False (--header, --no-header)"


def _decoded(raw: bytes) -> str:
    """Return the text in UTF-8, in UTF-16 with its mark, or in Windows' western code page."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    if b"\x00" in raw:
        raise ValueError("it holds null bytes, so it is no text")
    try:
        return raw.decode("utf-8-sig")  # spreadsheets put a mark in front, no part of a name
    except UnicodeDecodeError:
        return raw.decode("cp1252")


def _without_preamble(text: str) -> str:
    """Return a text whose first lines are the table, with as many lines as before.

    Spreadsheets may put `sep=;` first, and NumPy puts names behind `#`; other comments say nothing.
    """
    lines = text.split("\n")
    if lines[0].lower().startswith("sep="):
        lines[0] = ""
    n_comments = 0
    while n_comments < len(lines) and lines[n_comments].lstrip().startswith("#"):
        n_comments += 1
    if n_comments:
        last = lines[n_comments - 1].lstrip().lstrip("#").strip()
        below = next((line for line in lines[n_comments:] if line.strip()), "")
        alike = any(last.count(d) == below.count(d) > 0 for d in ",;\t")
        names = last if alike or (below and not any(d in last + below for d in " ,;\t")) else ""
        lines[:n_comments] = [""] * (n_comments - 1) + [names]
    return "\n".join(lines)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the last line from 1, cells) of every record, blank ones too."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise ValueError(
            f"line {reader.line_num}: {error}; a quote may not be closed, or stands inside a cell"
        ) from error


def _first_records(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    found = []
    for number, cells in _records(text, delimiter):
        if cells:
            found.append((number, [cell.strip() for cell in cells]))
        if len(found) == 2:
            break
    return found


def _delimiter(text: str, suffix: str, decimal: str | None) -> str:
    """Return the delimiter that cuts the first two lines alike; a comma only if no other does."""
    candidates = [d for d in _DELIMITERS[suffix] if d != decimal]
    for delimiter in candidates:
        try:
            widths = [len(cells) for _, cells in _first_records(text, delimiter)]
        except ValueError:  # a quote that ends before a delimiter that is none
            continue
        if widths and min(widths) > 1 and max(widths) - widths[0] in (0, 1):
            return delimiter
    return candidates[-1]


def _only_first_quoted(text: str, n_cells: int) -> bool:
    """Return whether every cell of the first line is in quotes and the second begins without."""
    lines = [line for line in text.split("\n", 20) if line.strip()][:2]
    if len(lines) < 2 or lines[1].startswith(_QUOTE):
        return False
    return lines[0].startswith(_QUOTE) and lines[0].count(_QUOTE) >= 2 * n_cells


def _has_header(first: list[str], second: list[str] | None, quoted: bool) -> bool:
    """Return whether the first line names the columns; raise ValueError where it could be either.

    A point taken for names is lost, and names taken for a point are a point too many.
    """
    kinds = [kind_of(cell) for cell in first]
    if quoted:
        return True  # `write_text` does so for names that are numbers
    numbered = [cell for cell, kind in zip(first, kinds, strict=True) if kind == "number"]
    if not numbered:
        return "text" in kinds
    texts = [i for i, kind in enumerate(kinds) if kind == "text"]
    named = texts == [0] or (first[0] == "" and "missing" not in kinds[1:])
    if texts and not named:
        raise TableQuestionError(
            f"its first line holds text ({first[texts[0]]!r}) and numbers ({numbered[0]}), so it "
            f"may be names or a point; {_REMEDY}"
        )
    # Whole numbers above decimals: pandas names columns 0, 1, ... where they have no names.
    counted = numbered == [str(i) for i in range(len(numbered))]
    if counted and len(numbered) == len(first) - named and second is not None:
        below = [cell for cell in second if is_number(cell)]
        if any(not cell.lstrip("+-").isdigit() for cell in below):
            return True
        raise TableQuestionError(
            f"its first line is {', '.join(first[:4])}, which may be the numbers of the columns "
            f"or a point; {_REMEDY}"
        )
    if named and first[0] and all(cell.isdigit() for cell in numbered):
        raise TableQuestionError(
            f"its first line is {', '.join(first[:4])}, names or a named point; {_REMEDY}"
        )
    if first[0] or second is None or not second[0]:
        return False
    # An empty corner above the rows' names: words stand over numbers only in a line of names.
    return named and all(is_number(second[i]) for i in texts if i < len(second))


def _index_column(
    index: str | None, names: list[str] | None, first: list[str], second: list[str] | None
) -> int | None:
    """Return the position of the column of row names, or None."""
    if index == NO_INDEX:
        return None
    if index is not None:
        if names is not None and index in names:
            return names.index(index)
        if index.isdigit() and 1 <= int(index) <= len(first):
            return int(index) - 1
        listed = f"; there is: {', '.join(names[:8])}" if names else ""
        raise ValueError(f"it has no column {index!r} for the index{listed}")
    row = second if names is not None else first
    if row is None:
        return None
    if names is not None and (names[0] == "" or len(row) == len(names) + 1):
        return 0
    named = kind_of(row[0]) == "text" and not _LIKE_A_NUMBER.fullmatch(row[0])
    return 0 if len(row) > 1 and named else None


def read_text(
    raw: bytes,
    suffix: str,
    *,
    header: bool | None,
    index: str | None = None,
    decimal: str | None = None,
) -> Table:
    """Read the content of a .csv or .tsv file; missing values are NaN. See `read_table`."""
    if raw.startswith(b"\x1f\x8b"):
        raw = gzip.decompress(raw)
    text = _without_preamble(_decoded(raw))
    delimiter = _delimiter(text, suffix, decimal)
    found = _first_records(text, delimiter)
    if not found:
        raise ValueError("it is empty")
    (first_line, first), second = found[0], found[1][1] if len(found) > 1 else None
    if decimal is None and _has_decimal_commas(text, delimiter, second or first):
        decimal = ","
    pointed = [_pointed(cell, decimal) for cell in first]
    below = None if second is None else [_pointed(cell, decimal) for cell in second]
    if header is None:
        header = _has_header(pointed, below, _only_first_quoted(text, len(first)))
    names = first if header else None
    if header and second is None:
        raise ValueError("it has a header and no rows")
    at = _index_column(index, names, pointed, below)
    if names and index is None and second and names[0] and len(second) == len(names) + 1:
        if is_number(second[0]):
            raise TableQuestionError(
                f"line 2 has {counted(len(second), 'cell')} and the first line {len(names)}; if "
                "its commas are decimal, say so by decimal=',' (--decimal ,)"
            )
        names = ["", *names]  # R names rows without naming their column
    width = len(names if names is not None else first)
    values = np.empty((0, 0))
    row_names: list[str] | None = None
    blank_may_be_missing = width == 1 and "\n\n" in text.replace("\r", "").rstrip("\n")
    if at is None and decimal != "," and not blank_may_be_missing:
        values = _fast(text, delimiter, skip=first_line if header else 0)
    if values.shape[1] != width:
        values, row_names = _careful(
            text, delimiter, decimal, skip=first_line if header else 0, names=names, at=at,
            width=width,
        )  # fmt: skip
    features = None if names is None else tuple(n for i, n in enumerate(names) if i != at)
    if at is None and index is None:
        check_no_id(values[:, 0], None if features is None else features[0], width)
    return Table(values, features, None if row_names is None else tuple(row_names))


def _fast(text: str, delimiter: str, *, skip: int) -> Array:
    """Return the numbers of a table that holds nothing else, or an empty array."""
    try:
        return np.loadtxt(
            io.StringIO(text), delimiter=delimiter, skiprows=skip, comments=None,
            quotechar=_QUOTE, ndmin=2,
        )  # fmt: skip
    except ValueError:
        return np.empty((0, 0))


def _careful(
    text: str,
    delimiter: str,
    decimal: str | None,
    *,
    skip: int,
    names: list[str] | None,
    at: int | None,
    width: int,
) -> tuple[Array, list[str] | None]:
    """Return numbers and row names cell by cell, and say where the table stops being one."""
    rows: list[list[float]] = []
    row_names: list[str] = []
    blank = 0
    for number, record in _records(text, delimiter):
        if number <= skip:
            continue
        cells = [cell.strip() for cell in record]
        if not cells:
            blank += 1
            continue
        if width == 1 and blank:  # a cell without a value, not a line without cells
            rows += [[float("nan")]] * blank
        blank = 0
        if len(cells) != width:
            raise ValueError(
                f"line {number} has {counted(len(cells), 'cell')} and the first line {width}; "
                "every line needs the same number"
            )
        values = []
        for column, cell in enumerate(cells):
            if column == at:
                row_names.append(cell)
                continue
            pointed = _pointed(cell, decimal)
            if is_number(pointed):
                values.append(float(pointed))
            elif is_missing(cell):
                values.append(float("nan"))
            else:
                called = f" ({names[column]})" if names and names[column] else ""
                raise ValueError(
                    f"line {number}, column {column + 1}{called} is {cell!r}, not a number; mend, "
                    "impute or remove that line, or leave a column of words out"
                )
        rows.append(values)
    if not rows:
        raise ValueError("it has no rows")
    if at is not None:
        _check_names(row_names, names)
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1), (
        None if at is None else row_names
    )


def _check_names(row_names: list[str], names: list[str] | None) -> None:
    """Raise ValueError if a column was taken for names by its first cell and holds numbers too."""
    if names is not None and names[0] == "":
        return
    kinds = {kind_of(name) for name in row_names}
    if kinds == {"text", "number"}:
        number = next(name for name in row_names if is_number(name))
        text = next(name for name in row_names if kind_of(name) == "text")
        raise TableQuestionError(
            f"its first column holds names ({text!r}) in some lines and numbers ({number}) in "
            "others; mend it, or say index='1' (--index 1) if all of them are names"
        )


def _has_decimal_commas(text: str, delimiter: str, cells: list[str]) -> bool:
    """Return whether commas are decimal: between semicolons they are, between tabs if they look so.

    `1,234` between tabs may be a thousand, so that line is left to be refused.
    """
    if delimiter == ";":
        return "," in text
    return delimiter == "\t" and any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)


def _pointed(cell: str, decimal: str | None) -> str:
    return cell.replace(",", ".") if decimal == "," else cell


def write_text(path: Path, table: Table, suffix: str) -> None:
    """Write a .csv or .tsv file, each number with the fewest digits that give it back exactly."""
    with path.open("wb") as binary:
        # No time and no name inside: the same table is the same file.
        packed = (
            gzip.GzipFile("", "wb", fileobj=binary, mtime=0) if suffix.endswith(".gz") else None
        )
        with io.TextIOWrapper(packed or binary, encoding="utf-8", newline="") as file:
            write_stream(file, table, _DELIMITERS[suffix.removesuffix(".gz")][-1])


def write_stream(file: TextIO, table: Table, delimiter: str = ",") -> None:
    """Write a table as text to an open file."""
    names, rows = table.feature_names, table.row_names
    if names is not None and (not names[0].strip() and rows is None):
        raise ValueError("its first feature has no name, which means row names in a text table")
    first = () if rows is None else ("",)
    n, d = table.shape
    writer = csv.writer(file, delimiter=delimiter)
    if names is not None:
        # Names that are numbers would be read as a point; quotes say that they are names.
        like_numbers = any(kind_of(name) != "text" for name in names)
        quoted = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        (quoted if like_numbers else writer).writerow(first + names)
    elif first:
        writer.writerow(first + tuple(f"x{column}" for column in range(d)))
    for block in block_slices(n, d, itemsize=128):  # a number as text takes 32 characters
        text = table.values[block].astype(str).tolist()
        if rows is not None:
            text = [[name, *row] for name, row in zip(rows[block], text, strict=True)]
        writer.writerows(text)
