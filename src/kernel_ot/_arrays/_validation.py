"""Turn what a user passes into arrays, or say what is wrong with it and what to do."""

from __future__ import annotations

from typing import Protocol, SupportsFloat, TypeAlias

import numpy as np

from kernel_ot._arrays._containers import refuse_containers
from kernel_ot._arrays._namespace import Array, as_float, is_traced, namespace_of
from kernel_ot._arrays._words import counted, shown

RandomState: TypeAlias = int | np.integer | np.random.Generator | None

# Squares and products of squares of what is larger are no float64 numbers.
_LARGEST_COORDINATE = 1e150
_PLAIN = (np.dtype(np.float64), np.dtype(np.float32))


class _Table(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...


def as_numbers(value: object, name: str) -> Array:
    """Return `value` as a floating-point array, float32 kept, everything else float64.

    Entries are not looked at, shapes not checked; see `check_points` for that.

    Raises
    ------
    ValueError
        Complex numbers, words, dates, masked entries, rows of unequal length, a sparse matrix, a
        number beyond float64.

    Examples
    --------
    >>> as_numbers([[1, 2]], "x").dtype
    dtype('float64')
    >>> as_numbers([[1j]], "x")
    Traceback (most recent call last):
    ...
    ValueError: Complex data not supported: x is complex; pass its real part, or real and
    imaginary columns.
    """
    if type(value) is np.ndarray and value.dtype in _PLAIN:  # at every sum over a kernel
        return value
    refuse_containers(value, name)
    try:
        array: Array = namespace_of(value).asarray(value)
    except ValueError as error:  # rows of unequal length
        raise ValueError(f"{name} is ragged: all its rows must have the same length.") from error
    if array.dtype.kind == "f" and array.dtype.itemsize in (4, 8):
        # Of a file from elsewhere, perhaps: the other byte order.
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind in "biu":
        # JAX's widest type is float32 unless its user switched float64 on.
        return array.astype(namespace_of(array).result_type(float))
    _refuse_entries(value, array, name)
    try:
        with np.errstate(over="raise"):
            return array.astype(np.float32 if array.dtype == np.float16 else np.float64)
    except (FloatingPointError, OverflowError) as error:
        raise ValueError(
            f"{name} contains a number beyond the range of float64 (about 1.8e308); "
            "rescale that feature."
        ) from error
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} has dtype {array.dtype}; it must hold numbers in a rectangular array."
            + _columns_without_numbers(value)
        ) from error


def _refuse_entries(value: object, array: Array, name: str) -> None:
    """Raise ValueError for entries that could be read as numbers and are none."""
    entries = array.ravel() if array.dtype.kind == "O" else ()

    def first(*kinds: type) -> object:
        return next((entry for entry in entries if isinstance(entry, kinds)), None)

    if array.dtype.kind == "c" or first(complex, np.complexfloating) is not None:
        raise ValueError(
            f"Complex data not supported: {name} is complex; pass its real part, or real and "
            "imaginary columns." + _columns_without_numbers(value)
        )
    time = array.dtype if array.dtype.kind in "mM" else first(np.datetime64, np.timedelta64)
    if time is not None:
        raise ValueError(
            f"{name} holds dates or times ({time!r}), which have no unit of length; "
            "pass numbers, for instance hours since a date." + _columns_without_numbers(value)
        )


def _columns_without_numbers(table: object) -> str:
    """Return a sentence that names the columns of a data frame that are not numeric."""
    if not (hasattr(table, "dtypes") and hasattr(table, "columns")):
        return ""
    if hasattr(table, "isna"):
        missing = list(table.isna().any())
    elif hasattr(table, "get_column"):  # polars
        missing = [bool(table.get_column(name).null_count()) for name in table.columns]
    else:
        return ""
    wrong = [
        str(column)
        for column, dtype, incomplete in zip(table.columns, table.dtypes, missing, strict=True)
        if incomplete or not is_numeric(dtype)
    ]
    return f" Columns without numbers or with missing ones: {', '.join(wrong[:5])}."


def is_numeric(dtype: object) -> bool:
    """Return whether a data frame's type, NumPy's, pandas' or polars', is one of numbers."""
    asked = getattr(dtype, "is_numeric", None)
    if asked is not None and not hasattr(dtype, "kind"):
        return bool(asked()) or str(dtype) == "Boolean"
    return getattr(dtype, "kind", "O") in "biuf"


def _check_finite(array: Array, name: str, remedy: str, table: object = None) -> None:
    if is_traced(array):  # its entries cannot be looked at; a solve of NaN ends with a status
        return
    finite = np.isfinite(np.asarray(array))
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"{name} contains {array[where]} (first at index {where}, "
            f"{counted(int((~finite).sum()), 'entry')} in all); {remedy}"
            + _columns_with(~finite, table)
        )


def _check_magnitude(array: Array, name: str, table: object) -> None:
    if is_traced(array) or array.dtype == np.float32:  # whose range ends far below
        return
    large = np.abs(np.asarray(array)) > _LARGEST_COORDINATE
    if large.any():
        where = tuple(int(i) for i in np.argwhere(large)[0])
        raise ValueError(
            f"{name} contains {array[where]} (at index {where}); above "
            f"{_LARGEST_COORDINATE:g} squared distances are beyond float64, so use a larger unit."
            + _columns_with(large, table)
        )


def _columns_with(wrong: Array, table: object) -> str:
    """Return a sentence that names the columns of a data frame with a wrong entry."""
    columns = getattr(table, "columns", None)
    if columns is None or wrong.ndim != 2:
        return ""
    names = [str(columns[number]) for number in np.flatnonzero(wrong.any(axis=0))[:5]]
    return f" Columns: {', '.join(names)}."


def check_points(value: object, name: str, *, dimension: int | None = None) -> Array:
    """Return `value` as a finite (n, d) float array, float32 kept, everything else float64.

    Parameters
    ----------
    value : array-like
        Points, one a row. A 1-D array is refused since its meaning is ambiguous. JAX arrays stay
        JAX arrays; entries of traced ones are not checked.
    name : str
        The argument's name in messages.
    dimension : int, optional
        The number of columns that is needed.

    Returns
    -------
    ndarray of shape (n, d)
        Not a copy where none is needed; never written to.

    Raises
    ------
    ValueError
        Complex, ragged, sparse, non-numeric, empty, not 2-D, not finite, above 1e150, wrong
        dimension.

    Examples
    --------
    >>> check_points([[1, 2], [3, 4]], "x").dtype
    dtype('float64')
    >>> check_points([[float("nan")]], "x")
    Traceback (most recent call last):
    ...
    ValueError: x contains nan (first at index (0, 0), 1 entry in all); remove or impute
    those rows, NaN and infinity are no coordinates.
    """
    array = as_numbers(value, name)
    if array.shape == (0,):
        raise ValueError(f"{name} is empty; pass at least one point, a row of a 2-D array.")
    if array.ndim == 1:
        raise ValueError(
            f"{name} has shape {array.shape}; points are rows of a 2-D array. Reshape your data. "
            f"Use {name}.reshape(-1, 1) for points on a line, {name}.reshape(1, -1) for one point."
        )
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}; it must be 2-D, one point a row.")
    if array.size == 0:
        raise ValueError(
            f"{name} is empty (shape {array.shape}); pass at least one point: "
            f"{array.shape[1]} feature(s) (shape={array.shape}) while a minimum of 1 is required."
        )
    remedy = "remove or impute those rows, NaN and infinity are no coordinates."
    _check_finite(array, name, remedy, value)
    _check_magnitude(array, name, value)
    if dimension is not None and array.shape[1] != dimension:
        raise ValueError(
            f"{name} has {counted(array.shape[1], 'column')} but {dimension} are needed: "
            "both samples and new points must have the same features."
        )
    return array


def check_sample(value: object, name: str) -> Array:
    """Return `value` as `check_points` does, with at least two points.

    Raises
    ------
    ValueError
        As `check_points`; and for a single point, which says nothing about a distribution.
    """
    array = check_points(value, name)
    if array.shape[0] < 2:
        raise ValueError(
            f"{name} has 1 point; a sample needs at least 2 (n_samples=1). "
            "The optimal map to or from a single point is constant, no estimate is needed."
        )
    return array


def check_same_dimension(x: _Table, y: _Table, name_x: str = "x", name_y: str = "y") -> None:
    """Raise ValueError unless `x` and `y` have equally many columns."""
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"{name_x} has {counted(x.shape[1], 'column')} and {name_y} has {y.shape[1]}; "
            "both must be measured in the same features."
        )


def check_weights(value: object, n: int, name: str) -> Array:
    """Return weights that are positive somewhere and sum to one; None means equal weights.

    Raises
    ------
    ValueError
        Wrong shape, negative, not finite, or all zero.

    Examples
    --------
    >>> check_weights(None, 4, "weights_x")
    array([0.25, 0.25, 0.25, 0.25])
    >>> check_weights([1, 3], 2, "weights_x")
    array([0.25, 0.75])
    """
    if value is None:
        return np.full(n, 1.0 / n)
    weights = as_numbers(value, name)
    if namespace_of(weights) is np:
        weights = weights.astype(np.float64)
    if weights.shape != (n,):
        raise ValueError(f"{name} has shape {weights.shape}; it must be ({n},), one a point.")
    _check_finite(weights, name, "give each of these rows a finite mass, or leave them out.")
    if not is_traced(weights):
        masses = np.asarray(weights)
        if (masses < 0).any():
            raise ValueError(f"{name} has a negative entry ({masses.min()}); weights are masses.")
        if masses.max() <= 0:
            raise ValueError(f"{name} sums to 0; at least one weight must be positive.")
    # By the largest first: a sum of huge weights is infinite, and one of tiny ones has no digits.
    parts: Array = weights / weights.max()
    scaled: Array = parts / parts.sum()
    return scaled


def _check_number(value: object, name: str) -> float:
    """Return a finite float; a traced value, which stands for one, as it is."""
    xp = namespace_of(value)
    if xp is not np:
        array: Array = xp.asarray(value)
        if array.ndim != 0:
            raise ValueError(f"{name} has shape {array.shape}; it must be a single number.")
        if is_traced(array):
            return as_float(array)
        value = array.item()
    not_numbers = (bool, np.bool_, str, bytes, complex, np.complexfloating)
    if (
        isinstance(value, not_numbers)
        or not np.isscalar(value)
        or not isinstance(value, SupportsFloat)
    ):
        raise ValueError(f"{name} = {shown(value)} is not a number.")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name} is beyond the range of float64 (about 1.8e308).") from None
    if not np.isfinite(number):
        raise ValueError(f"{name} = {number} must be finite.")
    return number


def check_generator(value: RandomState, name: str = "rng") -> np.random.Generator:
    """Return `value` if it is a generator, a new one if it is a seed or None.

    Examples
    --------
    >>> check_generator("seven")
    Traceback (most recent call last):
    ...
    ValueError: rng = 'seven' must be a numpy.random.Generator, or an integer, which is a seed.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        return np.random.default_rng(value)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} = {shown(value)} must be a numpy.random.Generator, or an integer, which is a "
            "seed."
        ) from error


def check_positive(value: object, name: str, remedy: str = "") -> float:
    """Return `value` as a positive finite float, or raise ValueError naming it.

    Examples
    --------
    >>> check_positive(0, "bandwidth")
    Traceback (most recent call last):
    ...
    ValueError: bandwidth = 0.0 must be positive.
    """
    number = _check_number(value, name)
    if not is_traced(number) and number <= 0:
        raise ValueError(f"{name} = {number} must be positive.{' ' + remedy if remedy else ''}")
    return number


def check_jobs(value: object, name: str = "n_jobs") -> None:
    """Raise ValueError unless `value` is a number of processes: None, or an integer but 0."""
    if value is None:
        return
    is_count = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_count or value == 0:
        raise ValueError(
            f"{name} = {shown(value)} must be None, a number of processes, or -1 for all "
            "processors."
        )


def check_non_negative(value: object, name: str) -> float:
    """Return `value` as a non-negative finite float, or raise ValueError naming it."""
    number = _check_number(value, name)
    if not is_traced(number) and number < 0:
        raise ValueError(f"{name} = {number} must not be negative.")
    return number
