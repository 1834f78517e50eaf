"""Decisions and loops that depend on values: Python's for NumPy, `jax.lax`'s in traced code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import numpy as np

from kernel_ot._arrays._namespace import Array, Scalar, namespace_of

_State = TypeVar("_State")
Index: TypeAlias = int | slice | Array


def while_loop(
    condition: Callable[[_State], Scalar], body: Callable[[_State], _State], state: _State
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
    if namespace_of(*(state if isinstance(state, tuple) else (state,))) is not np:
        from jax import lax

        looped: _State = lax.while_loop(condition, body, state)
        return looped
    while bool(condition(state)):
        state = body(state)
    return state


def branch(
    predicate: Scalar, when_true: Callable[[], _State], when_false: Callable[[], _State]
) -> _State:
    """Return `when_true()` or `when_false()`; both must return the same structure of arrays."""
    if namespace_of(predicate) is not np:
        from jax import lax

        chosen: _State = lax.cond(predicate, when_true, when_false)
        return chosen
    return when_true() if bool(predicate) else when_false()


def with_entry(array: Array, index: Index, value: Scalar) -> Array:
    """Return `array` with `array[index] = value`; NumPy's array itself is written to.

    Only for arrays that the caller made and nobody else sees.
    """
    if namespace_of(array) is not np:
        changed: Array = array.at[index].set(value)  # type: ignore[attr-defined]
        return changed
    array[index] = value
    return array


def one_by_one_on_cpu(function: Callable[..., _State]) -> Callable[..., _State]:
    """Return the JAX function with another rule for `jax.vmap`: on a CPU, a loop over the batch.

    Elsewhere it is batched as any function is. On a CPU a batch of LAPACK calls is no faster than
    one after the other, and inside of a `while_loop` it deadlocks where XLA has two worker threads
    (jax 0.10.2).

    Parameters
    ----------
    function : callable
        Takes and returns pytrees of JAX arrays.
    """
    import jax

    batched = jax.custom_batching.custom_vmap(function)

    def rule(axis_size: int, in_batched: object, *args: object) -> tuple[_State, object]:
        leaves, structure = jax.tree.flatten(args)
        along = jax.tree.leaves(in_batched)

        def at(entries: list[Array]) -> tuple[object, ...]:
            entry = iter(entries)
            arguments: tuple[object, ...] = structure.unflatten(
                [next(entry) if b else leaf for b, leaf in zip(along, leaves, strict=True)]
            )
            return arguments

        def one_by_one(entries: list[Array]) -> _State:
            result: _State = jax.lax.map(lambda entry: batched(*at(entry)), entries)
            return result

        def at_once(entries: list[Array]) -> _State:
            result: _State = jax.vmap(lambda entry: function(*at(entry)))(entries)
            return result

        entries = [leaf for b, leaf in zip(along, leaves, strict=True) if b]
        result = jax.lax.platform_dependent(entries, cpu=one_by_one, default=at_once)
        return result, jax.tree.map(lambda _: True, result)

    batched.def_vmap(rule)
    mapped: Callable[..., _State] = batched
    return mapped
