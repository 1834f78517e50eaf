"""Find the array library that an array belongs to."""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

import numpy as np

from kernel_ot._arrays._pytrees import register_pytrees

# JAX arrays satisfy the same calls; NumPy's types are what a type checker can verify.
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
# One number: a float, or an array of shape ().
Scalar: TypeAlias = Array | float
Namespace: TypeAlias = Any


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
    jax: Any = sys.modules.get("jax")
    # A module that is still being imported has no attributes yet.
    if hasattr(jax, "Array"):
        for array in arrays:
            # Asking JAX takes ten times as long as this, at every tile of every sum.
            if type(array) is not np.ndarray and isinstance(array, jax.Array):
                register_pytrees()
                return jax.numpy
    return np


def is_traced(*arrays: object) -> bool:
    """Return whether an argument is a value that JAX traces, so that it cannot be looked at."""
    jax: Any = sys.modules.get("jax")
    return hasattr(jax, "core") and any(isinstance(array, jax.core.Tracer) for array in arrays)
