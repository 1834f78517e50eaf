"""Dataclasses as JAX pytrees, without importing JAX before its user does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from types import ModuleType
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)
# Classes that JAX has not been told of, with the names of their static fields.
_waiting: dict[type, tuple[str, ...]] = {}


def pytree(*, static: tuple[str, ...] = ()) -> Callable[[_Class], _Class]:
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
    if not _waiting or jax is None or not hasattr(jax, "tree_util"):  # JAX may be half imported
        return
    while _waiting:
        _register(jax, *_waiting.popitem())


def _register(jax: ModuleType, cls: type, static: tuple[str, ...]) -> None:
    names = tuple(f.name for f in fields(cls))
    children = tuple(name for name in names if name not in static)
    keys = tuple(jax.tree_util.GetAttrKey(name) for name in children)

    def flatten_with_keys(
        instance: object,
    ) -> tuple[tuple[tuple[object, object], ...], tuple[object, ...]]:
        values = (getattr(instance, name) for name in children)
        return tuple(zip(keys, values, strict=True)), _constants(instance)

    def flatten(instance: object) -> tuple[tuple[object, ...], tuple[object, ...]]:
        return tuple(getattr(instance, name) for name in children), _constants(instance)

    def unflatten(constants: tuple[object, ...], values: Iterable[object]) -> object:
        instance: object = object.__new__(cls)
        for name, value in zip((*static, *children), (*constants, *values), strict=True):
            object.__setattr__(instance, name, value)
        return instance

    def _constants(instance: object) -> tuple[object, ...]:
        return tuple(getattr(instance, name) for name in static)

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
