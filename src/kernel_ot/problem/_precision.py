"""The precision that a problem is built and solved in, and whether its numbers fit into it."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import DTypeLike

from kernel_ot._arrays import Namespace, is_traced


def solving_precision(namespace: Namespace, dtype: DTypeLike | None) -> np.dtype:
    """Return float64, or the `dtype` that was asked for; warn where JAX has no float64.

    Raises
    ------
    ValueError
        A dtype that is neither float64 nor float32, or float64 that was asked for while JAX has
        it switched off.
    """
    wanted = np.dtype(np.float64 if dtype is None else dtype)
    if wanted not in (np.float64, np.float32):
        raise ValueError(f"dtype = {dtype!r} must be float64 or float32.")
    if namespace is np or wanted == np.float32:
        return wanted
    import jax

    if jax.config.jax_enable_x64:
        return wanted
    remedy = "Call jax.config.update('jax_enable_x64', True) before any array is made"
    if dtype is not None:
        raise ValueError(f"dtype = float64, but JAX has float64 switched off. {remedy}.")
    warnings.warn(
        f"JAX has float64 switched off, so this problem is solved in float32, where residuals "
        f"below about 1e-4 are out of reach. {remedy}, or pass dtype='float32' if that is meant.",
        UserWarning,
        stacklevel=3,
    )
    return np.dtype(np.float32)


def check_finite(values: object, name: str) -> None:
    """Raise ValueError if there is NaN or infinity in what can be looked at."""
    if is_traced(values):
        return
    array = np.asarray(values)  # on the host: under jit JAX would trace the count of known numbers
    n_bad = np.count_nonzero(~np.isfinite(array))
    if n_bad:
        raise ValueError(
            f"{name} of the problem has {n_bad} of {array.size} entries that are NaN or infinite "
            f"in {array.dtype}: the samples are too large or too small for it. Scale them to "
            "about 1, and use float64."
        )
