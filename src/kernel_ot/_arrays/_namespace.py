"""Find the array library that an array belongs to."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from kernel_ot._arrays._pytrees import register_pytrees

# JAX arrays satisfy the same calls; NumPy's types are what a type checker can verify.
Array: TypeAlias = np.ndarray
# One number: a float, or an array of shape ().
Scalar: TypeAlias = Array | float
Namespace: TypeAlias = ModuleType


def namespace_of(*arrays: object) -> Namespace:
    """Return the array namespace of the arguments: `jax.numpy` if any is a JAX array, else `numpy`.

    JAX is never imported here: an array can only be a JAX array if its user imported it.

    Parameters
    ----------
    *arrays : array
        Arrays of one library; Python scalars are ignored.

    Returns
    -------
    module
        `numpy` or `jax.numpy`.

    Examples
    --------
    >>> import numpy as np
    >>> namespace_of(np.zeros(3)).__name__
    'numpy'
    """
    jax = sys.modules.get("jax")
    # A module that is still being imported has no attributes yet.
    if jax is not None and hasattr(jax, "Array"):
        for array in arrays:
            # Asking JAX takes ten times as long as this, at every tile of every sum.
            if type(array) is not np.ndarray and isinstance(array, jax.Array):
                register_pytrees()
                found: Namespace = jax.numpy
                return found
    return np


def as_float(value: Scalar) -> float:
    """Return one number of NumPy's as Python's; an array of JAX, which may be traced, as it is.

    Examples
    --------
    >>> import numpy as np
    >>> as_float(np.ones(3).sum())
    3.0
    """
    kept: Any = value  # no type says that an array of JAX, and so a traced one, is used as a float
    return float(kept) if namespace_of(kept) is np else kept


def is_traced(*arrays: object) -> bool:
    """Return whether an argument is a value that JAX traces, so that it cannot be looked at."""
    jax = sys.modules.get("jax")
    if jax is None or not hasattr(jax, "core"):
        return False
    return any(isinstance(array, jax.core.Tracer) for array in arrays)
