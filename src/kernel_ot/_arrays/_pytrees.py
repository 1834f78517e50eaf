"""Dataclasses as JAX pytrees, without importing JAX before its user does."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any, TypeVar

_Class = TypeVar("_Class", bound=type)
# Classes that JAX has not been told of, with the names of their static fields.
_waiting: dict[type, tuple[str, ...]] = {}


def pytree(*, static: tuple[str, ...] = ()) -> Any:
    """Return a class decorator that makes a dataclass a JAX pytree once JAX is imported.

    Fields are children, except those named in `static`, which are part of the structure: they
    must be hashable, and a change of them compiles anew. Rebuilding an object skips its
    `__init__`, so that neither checks nor conversions see the placeholders of traced code.

    Parameters
    ----------
    static : tuple of str

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @pytree(static=("name",))
    ... @dataclass(frozen=True)
    ... class Named:
    ...     name: str
    ...     value: float
    """

    def decorate(cls: _Class) -> _Class:
        _waiting[cls] = static
        register_pytrees()
        return cls

    return decorate


def register_pytrees() -> None:
    """Tell JAX, if it is imported, of every class that waits for it."""
    jax = sys.modules.get("jax")
    if not _waiting or not hasattr(jax, "tree_util"):  # JAX may be half imported
        return
    while _waiting:
        _register(jax, *_waiting.popitem())


def _register(jax: Any, cls: type, static: tuple[str, ...]) -> None:
    names = tuple(f.name for f in fields(cls))
    children = tuple(name for name in names if name not in static)
    keys = tuple(jax.tree_util.GetAttrKey(name) for name in children)

    def flatten_with_keys(instance: Any) -> tuple[Any, Any]:
        values = (getattr(instance, name) for name in children)
        return tuple(zip(keys, values, strict=True)), _constants(instance)

    def flatten(instance: Any) -> tuple[Any, Any]:
        return tuple(getattr(instance, name) for name in children), _constants(instance)

    def unflatten(constants: tuple[Any, ...], values: Any) -> Any:
        instance: Any = object.__new__(cls)
        for name, value in zip((*static, *children), (*constants, *values), strict=True):
            object.__setattr__(instance, name, value)
        return instance

    def _constants(instance: Any) -> tuple[Any, ...]:
        return tuple(getattr(instance, name) for name in static)

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
