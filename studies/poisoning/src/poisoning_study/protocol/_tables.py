"""Dataclasses from TOML tables, with errors that name the file and the key."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from poisoning_study.errors import StudyError

_T = TypeVar("_T")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises
    ------
    StudyError
        No such file, or not TOML.
    """
    if not path.is_file():
        raise StudyError(f"There is no configuration {path}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path} is not valid TOML: {error}.") from None


def _convert(value: Any, wanted: Any, where: str) -> Any:
    origin = typing.get_origin(wanted)
    if origin in (types.UnionType, typing.Union):
        options = [option for option in typing.get_args(wanted) if option is not type(None)]
        return _convert(value, options[0], where)
    if origin is tuple:
        if not isinstance(value, list):
            raise StudyError(f"{where} must be a list, not {value!r}.")
        item = typing.get_args(wanted)[0]
        return tuple(_convert(one, item, where) for one in value)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return from_table(wanted, value, where)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise StudyError(f"{where} must be of type {wanted.__name__}, not {value!r}.")
    return value


def from_table(cls: type[_T], table: Any, where: str) -> _T:
    """Return the dataclass `cls` made of a TOML table.

    Raises
    ------
    StudyError
        Unknown or missing key, wrong type; `where` and the key are named.
    """
    if not isinstance(table, dict):
        raise StudyError(f"{where} must be a table, not {table!r}.")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise StudyError(
            f"{where} has the unknown keys {', '.join(unknown)}; "
            f"known: {', '.join(sorted(fields))}."
        )
    missing = [
        name
        for name, f in fields.items()
        if name not in table
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise StudyError(f"{where} lacks the keys {', '.join(missing)}.")
    values = {
        name: _convert(value, hints[name], f"{where}, key {name},") for name, value in table.items()
    }
    try:
        return cls(**values)
    except StudyError as error:
        raise StudyError(f"{where}: {error}") from None
