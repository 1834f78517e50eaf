"""What identifies a result: settings, without what only says where or how it is called."""

from __future__ import annotations

import dataclasses
from typing import Any

#: Metadata of a field that is no part of a job's key.
NOT_IN_KEYS = {"in_keys": False}
#: Of a field that came later: at its default, jobs keep the key that they had before.
LATER = {"later": True}


def key_settings(value: Any) -> Any:
    """Return what identifies `value`: its fields, but for `NOT_IN_KEYS` and unused `LATER` ones."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: key_settings(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.metadata.get("in_keys", True)
            and not (field.metadata.get("later") and getattr(value, field.name) == field.default)
        }
    return value
