"""Find the array library that an array belongs to."""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

import numpy as np

# JAX arrays satisfy the same calls; NumPy's types are what a type checker can verify.
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
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
    jax = sys.modules.get("jax")
    if jax is not None and any(isinstance(array, jax.Array) for array in arrays):
        return jax.numpy
    return np
