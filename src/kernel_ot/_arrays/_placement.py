"""Results where the data were."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeGuard, TypeVar

import numpy as np

from kernel_ot._arrays._namespace import Array, namespace_of

if TYPE_CHECKING:
    from torch import Tensor

_Tree = TypeVar("_Tree")
_Value = TypeVar("_Value")


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Return whether a value is a PyTorch tensor, without importing PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "Tensor") and isinstance(value, torch.Tensor)


def on_host(value: _Value) -> _Value | Array:
    """Return a tensor's numbers as a NumPy array, and anything else as it is."""
    if not is_tensor(value):
        return value
    numbers: Array = value.detach().cpu().numpy()
    return numbers


def placed_like(tree: _Tree, *arrays: object) -> _Tree:
    """Return a pytree with its NumPy arrays as JAX arrays, if one of `arrays` is a JAX array.

    They go to the device of the first of those; without any, `tree` itself is returned.

    Examples
    --------
    >>> import numpy as np
    >>> placed_like([1.0, np.zeros(2)], np.zeros(3))
    [1.0, array([0., 0.])]
    """
    first = next((array for array in arrays if namespace_of(array) is not np), None)
    if not hasattr(first, "devices"):
        return tree
    import jax

    device = next(iter(first.devices()))
    moved: _Tree = jax.tree.map(
        lambda leaf: jax.device_put(leaf, device) if isinstance(leaf, np.ndarray) else leaf, tree
    )
    return moved
