"""Files that are either whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from poisoning_study.errors import StudyError


def require_folder(path: Path) -> None:
    """Refuse to write below a file.

    Raises
    ------
    StudyError
        `path` or a folder above it is a file.
    """
    for place in (path, *path.parents):
        if place.exists() and not place.is_dir():
            raise StudyError(f"{place} is a file; name a folder to write to.")


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file next to `path` with `write(stream)`, then rename it: never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            write(stream)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON with sorted keys, atomically."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_atomically(path, lambda stream: stream.write(text.encode()))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's contents, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
