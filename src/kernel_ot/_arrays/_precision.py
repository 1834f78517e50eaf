"""In which precision results are given."""

from __future__ import annotations

import sys

import numpy as np

from kernel_ot._arrays._namespace import Array, Namespace, namespace_of

_LARGEST_SINGLE = float(np.finfo(np.float32).max)


def kept_type(xp: Namespace, points: Array) -> np.dtype:
    """Return float32 for float32 points, and for all others the widest type there is.

    Examples
    --------
    >>> kept_type(np, np.zeros(2, dtype=np.float32)), kept_type(np, np.zeros(2, dtype=int))
    (dtype('float32'), dtype('float64'))
    """
    # JAX's widest type is float32 unless its user switched float64 on.
    widest: np.dtype = xp.result_type(float)
    dtype: np.dtype = xp.asarray(points).dtype
    return dtype if dtype == np.float32 else widest


def rounded_to(dtype: np.dtype, values: Array, name: str = "points") -> Array:
    """Return values in a type, or raise ValueError where NumPy would make them infinite.

    Examples
    --------
    >>> rounded_to(np.dtype(np.float32), np.array([1e60]), "x")
    Traceback (most recent call last):
    ...
    ValueError: float32, the type of x, ends at 3.4e+38, and what was asked for there reaches
    1e+60; pass x.astype(float).
    """
    if namespace_of(values) is np and dtype == np.float32 and values.dtype != np.float32:
        largest = float(np.abs(values).max(initial=0.0))
        if largest > _LARGEST_SINGLE:
            raise ValueError(
                f"float32, the type of {name}, ends at {_LARGEST_SINGLE:.2g}, and what was asked "
                f"for there reaches {largest:.2g}; pass {name}.astype(float)."
            )
    rounded: Array = values.astype(dtype)
    return rounded


def refuse_beyond_single(*arrays: Array) -> None:
    """Raise ValueError for NumPy's numbers that JAX, with float64 off, would make infinite."""
    jax = sys.modules.get("jax")
    if jax is None or jax.config.jax_enable_x64:
        return
    for array in arrays:
        if namespace_of(array) is not np:
            continue
        largest = float(np.abs(np.asarray(array)).max(initial=0.0))
        if largest > _LARGEST_SINGLE:
            raise ValueError(
                f"A sample reaches {largest:.2g}, but JAX has float64 switched off, and its "
                f"float32 ends at {_LARGEST_SINGLE:.2g}: call jax.config.update('jax_enable_x64', "
                "True), measure in a larger unit, or pass NumPy arrays."
            )
