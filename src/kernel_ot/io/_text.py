"""Comma-separated and tab-separated tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from kernel_ot._arrays import block_slices
from kernel_ot.io._table import Table

_DELIMITERS = {".csv": (",", ";", "\t"), ".tsv": ("\t",)}
_ENCODING = "utf-8-sig"  # spreadsheets put a byte-order mark in front, which is no part of a name


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number from 1, cells) of every line that is not blank."""
    with path.open(newline="", encoding=_ENCODING) as file:
        reader = csv.reader(file, delimiter=delimiter)
        for cells in reader:
            if cells:
                yield reader.line_num, [cell.strip() for cell in cells]


def _first_fault(path: Path, delimiter: str, *, n_columns: int, n_header: int, skip: int) -> str:
    """Say where the table stops being one: slow, so only called once reading failed."""
    for index, (number, cells) in enumerate(_lines(path, delimiter)):
        if index < n_header:
            continue
        if len(cells) != n_columns:
            return (
                f"line {number} has {len(cells)} cells and the first line {n_columns}; "
                "every line needs the same number"
            )
        for column, cell in enumerate(cells[skip:], start=skip + 1):
            if not _is_number(cell):
                what = "is empty" if not cell else f"is {cell!r}, not a number"
                return f"line {number}, column {column} {what}; mend, impute or remove that line"
    return "it cannot be parsed as a table of numbers"


def _split(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def read_text(path: Path, *, header: bool | None) -> Table:
    """Read a .csv or .tsv file; see `read_table`."""
    with path.open(encoding=_ENCODING) as file:
        lines = (line for line in file if line.strip())
        head = next(lines, None)
        if head is None:
            raise ValueError("it is empty")
        delimiter = max(_DELIMITERS[path.suffix.lower()], key=head.count)
        names = _split(head, delimiter)
        if header is None:
            header = not all(_is_number(cell) for cell in names)
        first = next(lines, None) if header else head
        if first is None:
            raise ValueError("it has a header and no rows")
        # An empty first name is how R and pandas head a column of row names.
        skip = int(header and names[0] == "" and len(names) > 1)
        columns = range(skip, len(names)) if skip else None
        try:
            values = np.loadtxt(
                chain([first], lines),
                delimiter=delimiter,
                usecols=columns,
                comments=None,
                quotechar='"',
                ndmin=2,
            )
        except ValueError:
            values = np.empty((0, 0))
    rows = [cells for _, cells in _lines(path, delimiter)][int(header) :] if skip else []
    well_formed = all(len(cells) == len(names) for cells in rows)
    if values.shape[1] != len(names) - skip or not well_formed:
        raise ValueError(
            _first_fault(path, delimiter, n_columns=len(names), n_header=int(header), skip=skip)
        )
    return Table(
        values,
        tuple(names[skip:]) if header else None,
        tuple(cells[0] for cells in rows) if skip else None,
    )


def write_text(path: Path, table: Table) -> None:
    """Write a .csv or .tsv file, each number with the fewest digits that give it back exactly."""
    first = () if table.row_names is None else ("",)
    n, d = table.shape
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=_DELIMITERS[path.suffix.lower()][0])
        if table.feature_names is not None:
            writer.writerow(first + table.feature_names)
        elif first:
            writer.writerow(first + tuple(f"x{column}" for column in range(d)))
        for rows in block_slices(n, d, itemsize=128):  # a number as text takes 32 characters
            text = table.values[rows].astype(str).tolist()
            if table.row_names is not None:
                text = [[name, *row] for name, row in zip(table.row_names[rows], text, strict=True)]
            writer.writerows(text)
