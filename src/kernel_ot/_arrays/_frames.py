"""Which library a data frame belongs to, and its columns, without importing any."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from pandas import DataFrame

FRAME_LIBRARIES = ("pandas", "polars")


def frame_library(points: object) -> str | None:
    """Return "pandas" or "polars" where `points` is one's data frame, without importing either."""
    for name in FRAME_LIBRARIES:
        module = sys.modules.get(name)
        if module is not None and isinstance(points, getattr(module, "DataFrame", ())):
            return name
    return None


def is_pandas(points: object) -> TypeGuard[DataFrame]:
    """Return whether `points` is a data frame of pandas, without importing it."""
    return frame_library(points) == "pandas"


def as_pandas(points: object) -> DataFrame | None:
    """Return a data frame of either library as one of pandas; None for anything else."""
    if is_pandas(points):
        return points
    if frame_library(points) != "polars" or not hasattr(points, "to_pandas"):
        return None
    frame: DataFrame = points.to_pandas()
    return frame


def check_same_names(x: object, y: object) -> None:
    """Raise ValueError if a data frame has a column twice, or both have not the same in order."""
    for name, table in (("x", x), ("y", y)):
        columns = list(getattr(table, "columns", ()))
        twice = next((column for column in columns if columns.count(column) > 1), None)
        if twice is not None:
            raise ValueError(
                f"{name} has {columns.count(twice)} columns called {twice!r}; give each feature a "
                "name of its own, or pass the values alone."
            )
    check_feature_names(getattr(x, "columns", None), y, "y", of="x")


def check_feature_names(
    expected: Iterable[object] | None, table: object, name: str, *, of: str = "x in fit"
) -> None:
    """Raise ValueError if `table` is a data frame with other columns than expected.

    `name` is what the table is called, and `of` what has the expected columns.
    """
    columns = getattr(table, "columns", None)
    if expected is None or columns is None or list(columns) == list(expected):
        return
    wrong = next(
        (pair for pair in zip(columns, expected, strict=False) if pair[0] != pair[1]),
        ("", ""),
    )
    raise ValueError(
        f"The columns {list(columns)[:5]}... of {name} are not those of {of}, "
        f"{list(expected)[:5]}... (first difference: {wrong[0]!r} for {wrong[1]!r}); "
        "pass the same features in the same order."
    )
