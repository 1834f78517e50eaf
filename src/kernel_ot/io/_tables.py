"""Choose the format by the file's suffix; one place where every reading error gets its words."""

from __future__ import annotations

import sys
import warnings
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from kernel_ot._arrays import check_points
from kernel_ot._files import atomic_path, check_destination
from kernel_ot.io._binary import read_mat, read_npy, read_npz, write_mat, write_npy, write_npz
from kernel_ot.io._frames import read_frame, write_frame
from kernel_ot.io._row_names import TableQuestionError
from kernel_ot.io._single_cell import read_h5ad, write_h5ad, write_h5ad_like
from kernel_ot.io._table import Table
from kernel_ot.io._text import read_text, write_stream, write_text
from kernel_ot.io._where import table_where

SUFFIXES = (
    *(
        ".npy",
        ".npz",
        ".csv",
        ".tsv",
        ".csv.gz",
        ".tsv.gz",
        ".parquet",
        ".feather",
        ".mat",
        ".h5ad",
    ),
)
STREAM = "-"
"""Standard input or output, a table as text."""
_WITH_ROW_NAMES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".feather")
_WITH_VARIABLES = (".npz", ".mat", ".h5ad")
_RESERVED = ("file", "allow_pickle")  # arguments of numpy.savez, which would take them for its own
# What the libraries below raise for a file that is not what its suffix says.
_DAMAGE = (
    *(ValueError, TypeError, KeyError, IndexError, EOFError, OSError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, MemoryError, OverflowError, AttributeError),
)


def split_variable(source: str | Path) -> tuple[Path, str | None]:
    """Split "FILE:VARIABLE" into its parts; a colon elsewhere belongs to the file's name.

    Examples
    --------
    >>> split_variable("cells.mat:X")[1]
    'X'
    >>> split_variable("C:/cells.mat")[1] is None
    True
    """
    text = str(source)
    for suffix in _WITH_VARIABLES:
        position = text.lower().rfind(suffix + ":")
        if position >= 0 and not Path(text).exists():
            end = position + len(suffix)
            return Path(text[:end]), text[end + 1 :] or None
    return Path(text), None


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = Path(path.stem).suffix.lower() + suffix
    if suffix not in SUFFIXES:
        raise ValueError(
            f"{path} has the suffix {suffix or '(none)'}, which says no format; "
            f"use one of {', '.join(SUFFIXES)}."
        )
    return suffix


def read_table(
    source: str | Path,
    *,
    variable: str | None = None,
    header: bool | None = None,
    index: str | None = None,
    decimal: str | None = None,
    drop_missing: bool = False,
    where: str | None = None,
) -> Table:
    r"""Read points from a file.

    Parameters
    ----------
    source : str or Path
        A .npy, .npz, .csv, .tsv (also .gz), .parquet, .feather (with the extra `tables`), .mat
        (level 4 or 5; 7.3 with the extra `matlab73`) or .h5ad (with `single-cell`) file.
        "FILE.mat:NAME", "FILE.npz:NAME" and "FILE.h5ad:NAME" choose what is read from a file that
        holds several arrays; in .h5ad NAME is X, a key of `layers` or of `obsm`. "-" reads text
        from standard input.
    variable : str, optional
        The same choice as an argument; it wins over the one in `source`.
    header : bool, optional
        Whether the first line of a text names its columns; by default what its first two lines say.
        Where they could say either, that is an error. A .csv file may separate by commas,
        semicolons or tabs, and quote by double quotes; UTF-8, UTF-16 and Windows' western letters
        are read.
    index : str, optional
        The column with the names of the rows, by name or number from 1; "none" for no such column.
        By default a first column of text or without a name. A first column of numbers that looks
        like identifiers is an error, neither a feature nor names.
    decimal : str, optional
        "," for decimal commas; found by itself where semicolons or tabs separate.
    drop_missing : bool, default False
        Leave out rows with missing values, with a warning that counts them by column.
    where : str, optional
        Use only rows that meet this condition, as in "cell_type == 'T'": on the columns of `obs` in
        a .h5ad file, of the table itself else.

    Returns
    -------
    Table
        `values` of shape (n, d), finite; float32 and float64 are kept, other numbers become
        float64.

    Raises
    ------
    FileNotFoundError
        No such file.
    ImportError
        .h5ad without anndata.
    ValueError
        Unknown suffix, damaged or wrong file, ambiguous or missing variable, not a matrix, missing
        values (counted by column). The message names the file and the remedy.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "points.csv"
    ...     _ = file.write_text("height,weight\n1.5,60\n1.7,70\n")
    ...     table = read_table(file)
    >>> table.feature_names, table.shape
    (('height', 'weight'), (2, 2))
    """
    path, named = split_variable(source)
    variable = variable or named
    if decimal not in (None, ",", "."):
        raise ValueError(f"decimal = {decimal!r} must be ',' or '.'.")
    stream = str(source) == STREAM
    suffix = ".csv" if stream else _suffix(path)
    if not stream and not path.is_file():
        raise FileNotFoundError(f"{path} does not exist or is not a file; check its name.")
    if variable is not None and suffix not in _WITH_VARIABLES:
        raise ValueError(f"{path} holds one table; leave the variable {variable!r} out.")
    if index is not None and suffix not in _WITH_ROW_NAMES:
        raise ValueError(f"{path} has no column of row names; leave the index {index!r} out.")
    name = "standard input" if stream else str(path)
    try:
        if suffix == ".npy":
            table = read_npy(path)
        elif suffix == ".npz":
            table = read_npz(path, variable)
        elif suffix == ".mat":
            table = read_mat(path, variable)
        elif suffix == ".h5ad":
            table = read_h5ad(path, variable, where)
        elif suffix in (".parquet", ".feather"):
            table = read_frame(path, suffix, index=index)
        else:
            content = sys.stdin.buffer.read() if stream else path.read_bytes()
            table = read_text(
                content, suffix.removesuffix(".gz"), header=header, index=index, decimal=decimal
            )
    except TableQuestionError as question:
        raise ValueError(f"{name}: {question}.") from question
    except _DAMAGE as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise ValueError(
            f"{name} cannot be read as {suffix}: {reason}. "
            "If that is unexpected, the file is damaged or not what its suffix says."
        ) from error
    if where is not None and suffix != ".h5ad":
        table = table_where(table, where, name)
    table = _without_missing(table, name, drop=drop_missing)
    return replace(table, values=check_points(table.values, name))


def _without_missing(table: Table, name: str, *, drop: bool) -> Table:
    """Return the rows without missing values, or raise ValueError that counts them by column."""
    values = table.values
    if values.ndim != 2 or getattr(values, "dtype", np.dtype(object)).kind != "f":
        return table
    missing = np.isnan(values)
    rows = np.flatnonzero(missing.any(axis=1))
    if not len(rows):
        return table
    counts = missing.sum(axis=0)
    names = table.feature_names or tuple(f"column {i + 1}" for i in range(values.shape[1]))
    worst = np.argsort(-counts, kind="stable")[: min(8, int(np.count_nonzero(counts)))]
    listed = ", ".join(f"{names[i]} ({counts[i]})" for i in worst)
    said = f"{name} has missing values in {len(rows)} of {len(values)} rows, by column: {listed}"
    if not drop:
        first = f"row {rows[0] + 1}" if table.row_names is None else repr(table.row_names[rows[0]])
        raise ValueError(
            f"{said}; the first is in {first}. Impute them, or leave those rows out by "
            "drop_missing=True (--drop-missing)."
        )
    kept = np.setdiff1d(np.arange(len(values)), rows)
    if not len(kept):
        raise ValueError(f"{said}; no row is left without them. Leave such columns out.")
    warnings.warn(f"{said}; those rows are left out.", UserWarning, stacklevel=3)
    return table.at(kept)


def check_table_destination(
    destination: str | Path, like: str | Path | None = None
) -> tuple[Path, str | None]:
    """Return file and variable if `write_table` can write there; ask before a long computation."""
    if str(destination) == STREAM:
        return Path(STREAM), None
    path, variable = split_variable(destination)
    suffix = _suffix(path)
    if suffix == ".h5ad":
        if variable not in (None, "X") and not _is_h5ad(like):
            raise ValueError(f"{path} is written to X; leave {variable!r} out.")
    elif variable is not None and (not variable.isidentifier() or variable in _RESERVED):
        raise ValueError(f"{variable!r} is no name for an array; use letters and digits, as in X.")
    return check_destination(path), variable


def _is_h5ad(source: str | Path | None) -> bool:
    return source is not None and split_variable(source)[0].suffix.lower() == ".h5ad"


def write_table(destination: str | Path, table: Table, *, like: str | Path | None = None) -> Path:
    """Write points to a file, whole or not at all.

    Parameters
    ----------
    destination : str or Path
        The suffix chooses the format, as for `read_table`; "FILE.mat:NAME" and "FILE.npz:NAME" name
        the array, X by default. Names of features and rows are kept in text, .parquet, .feather
        and .h5ad files, the others have no place for them. "-" writes text to standard output. Text
        keeps every digit, but not the difference between
        float32 and float64: it is read as float64.
    table : Table
        What to write.
    like : str or Path, optional
        Where the points came from. If that and the destination are .h5ad files, the destination
        is a copy of the first with the table in place of what was read; "FILE.h5ad:NAME" as
        destination puts it elsewhere and keeps that, too.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        .h5ad without anndata.
    ValueError
        Unknown suffix, no such folder, a name for the array in a format that has none or that is
        no name.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_table(Path(folder) / "points.mat:cells", Table(np.eye(2)))
    ...     read_table(f"{file}:cells").values
    array([[1., 0.],
           [0., 1.]])
    """
    path, variable = check_table_destination(destination, like)
    if str(path) == STREAM:
        write_stream(sys.stdout, table)
        return path
    suffix = _suffix(path)
    with atomic_path(path) as temporary:
        if suffix == ".npy":
            write_npy(temporary, table)
        elif suffix == ".npz":
            write_npz(temporary, table, variable)
        elif suffix == ".mat":
            write_mat(temporary, table, variable)
        elif suffix == ".h5ad":
            if like is not None and _is_h5ad(like):
                write_h5ad_like(temporary, table, *split_variable(like), variable)
            else:
                write_h5ad(temporary, table)
        elif suffix in (".parquet", ".feather"):
            write_frame(temporary, table, suffix)
        else:
            write_text(temporary, table, suffix)
    return path
