"""What a user passes to the estimator, checked before anything is computed."""

from __future__ import annotations

from operator import index
from typing import Any

from kernel_ot.arrays import (
    Array,
    check_positive,
    check_same_dimension,
    check_sample,
    require_memory,
)
from kernel_ot.preconditioning import PRECONDITIONERS
from kernel_ot.solvers import check_method_name

# Copies of both samples in either coordinates, of a fold of them, and in the potentials' centres.
_COPIES_OF_SAMPLES = 8


def check_parameters(model: Any) -> None:
    """Raise ValueError for a parameter that no data could make sense of."""
    check_positive(model.tol, "tol")
    check_positive(model.violation_tol, "violation_tol")
    if model.preconditioner not in PRECONDITIONERS:
        raise ValueError(
            f"preconditioner = {model.preconditioner!r} must be one of {PRECONDITIONERS}."
        )
    if isinstance(model.method, str):
        check_method_name(model.method)
    if model.time_limit is not None:
        check_positive(model.time_limit, "time_limit")
    for name in ("n_fill", "n_splits"):
        value = getattr(model, name)
        if isinstance(value, str) and value == "auto":
            continue
        _check_count(value, name, smallest=1)
    if model.max_iter is not None:
        _check_count(model.max_iter, "max_iter", smallest=0)


def _check_count(value: Any, name: str, *, smallest: int) -> None:
    try:
        count = index(value)
    except TypeError:
        raise ValueError(f"{name} = {value!r} must be an integer.") from None
    if isinstance(value, bool) or count < smallest:
        raise ValueError(f"{name} = {value!r} must be an integer, at least {smallest}.")


def check_samples(x: Any, y: Any) -> tuple[Array, Array]:
    """Return both samples as arrays, or raise ValueError; memory for them is checked first."""
    x, y = check_sample(x, "x"), check_sample(y, "y")
    check_same_dimension(x, y)
    require_memory(
        8.0 * _COPIES_OF_SAMPLES * (x.size + y.size),
        purpose=f"copies of {len(x)} + {len(y)} points with {x.shape[1]} features",
        remedy="Fit on a subsample, or on fewer features.",
    )
    return x, y


def check_feature_names(model: Any, table: Any) -> None:
    """Raise ValueError if `table` is a data frame whose columns are not those of the fit."""
    expected = getattr(model, "feature_names_in_", None)
    columns = getattr(table, "columns", None)
    if expected is None or columns is None or list(columns) == list(expected):
        return
    wrong = next(
        (pair for pair in zip(columns, expected, strict=False) if pair[0] != pair[1]),
        ("", ""),
    )
    raise ValueError(
        f"The columns {list(columns)[:5]}... are not those of x in fit, {list(expected)[:5]}... "
        f"(first difference: {wrong[0]!r} for {wrong[1]!r}); "
        "pass the same features in the same order."
    )
