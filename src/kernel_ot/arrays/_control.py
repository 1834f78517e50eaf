"""Decisions and loops that depend on values: Python's for NumPy, `jax.lax`'s in traced code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from kernel_ot.arrays._namespace import Array, namespace_of

_State = TypeVar("_State")


def while_loop(
    condition: Callable[[_State], Any], body: Callable[[_State], _State], state: _State
) -> _State:
    """Return `state` after `body` has been applied to it as long as `condition` holds.

    Parameters
    ----------
    condition : callable
        Takes a state, returns a Boolean of its array library.
    body : callable
        Takes a state, returns the next one, of the same structure, shapes and types.
    state : tuple of arrays

    Examples
    --------
    >>> import numpy as np
    >>> while_loop(lambda s: s[0] < 100, lambda s: (2 * s[0],), (np.asarray(3.0),))[0].item()
    192.0
    """
    leaves = state if isinstance(state, tuple) else (state,)
    if namespace_of(*leaves) is not np:
        from jax import lax

        looped: _State = lax.while_loop(condition, body, state)
        return looped
    while bool(condition(state)):
        state = body(state)
    return state


def branch(
    predicate: Any, when_true: Callable[[], _State], when_false: Callable[[], _State]
) -> _State:
    """Return `when_true()` or `when_false()`; both must return the same structure of arrays."""
    if namespace_of(predicate) is not np:
        from jax import lax

        chosen: _State = lax.cond(predicate, when_true, when_false)
        return chosen
    return when_true() if bool(predicate) else when_false()


def with_entry(array: Array, index: Any, value: Any) -> Array:
    """Return `array` with `array[index] = value`; NumPy's array itself is written to.

    Only for arrays that the caller made and nobody else sees.
    """
    if namespace_of(array) is not np:
        changed: Array = array.at[index].set(value)  # type: ignore[attr-defined]
        return changed
    array[index] = value
    return array
