"""Results where the data were."""

from __future__ import annotations

import sys
from typing import Any, TypeVar

import numpy as np

from kernel_ot._arrays._namespace import namespace_of

_Tree = TypeVar("_Tree")


def is_tensor(value: object) -> bool:
    """Return whether a value is a PyTorch tensor, without importing PyTorch."""
    torch: Any = sys.modules.get("torch")
    return hasattr(torch, "Tensor") and isinstance(value, torch.Tensor)


def on_host(value: Any) -> Any:
    """Return a tensor's numbers as a NumPy array, and anything else as it is."""
    return value.detach().cpu().numpy() if is_tensor(value) else value


def placed_like(tree: _Tree, *arrays: object) -> _Tree:
    """Return a pytree with its NumPy arrays as JAX arrays, if one of `arrays` is a JAX array.

    They go to the device of the first of those; without any, `tree` itself is returned.

    Examples
    --------
    >>> import numpy as np
    >>> placed_like([1.0, np.zeros(2)], np.zeros(3))
    [1.0, array([0., 0.])]
    """
    jax_arrays: list[Any] = [array for array in arrays if namespace_of(array) is not np]
    if not jax_arrays:
        return tree
    import jax

    device = next(iter(jax_arrays[0].devices()))
    moved: _Tree = jax.tree.map(
        lambda leaf: jax.device_put(leaf, device) if isinstance(leaf, np.ndarray) else leaf, tree
    )
    return moved
