"""The one atomic writer: the old file or the new one, whole."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_LONGEST_SUFFIX = 32
_LEFT_OVER = 3600.0  # seconds without a change, after which a temporary is of a killed process


class Kind(NamedTuple):
    """What files of one kind begin with, and what they are called."""

    begins: bytes
    name: str


PAGE = Kind(b"<!doctype html>", "page (HTML)")
ARCHIVE = Kind(b"PK", "kernel-ot model")


def check_destination(path: str | Path, kind: Kind | None = None) -> Path:
    """Return `path` if a file can be put there; ask before a long computation, not after.

    Where a kind is given, a file that is there is replaced only if it is of that kind or empty.

    Raises
    ------
    ValueError
        Its folder does not exist; it is itself a folder, a symbolic link (the message names where
        it points), a device, a pipe or a socket; a file of another kind is there.
    PermissionError
        The folder or the file that is there may not be written.

    Examples
    --------
    >>> check_destination("no/such/folder/x.npy")
    Traceback (most recent call last):
    ...
    ValueError: no/such/folder/x.npy cannot be written: make the folder no/such/folder first.
    """
    path = Path(path)
    if path.is_symlink():
        raise ValueError(
            f"{path} cannot be written: it is a symbolic link to {path.readlink()}; "
            "name the file itself."
        )
    if path.is_dir():
        raise ValueError(f"{path} cannot be written: it is a folder; name a file inside it.")
    if not path.parent.is_dir():
        raise ValueError(f"{path} cannot be written: make the folder {path.parent} first.")
    if path.exists() and not path.is_file():
        raise ValueError(
            f"{path} cannot be written: it is a device, a pipe or a socket; name a regular file."
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(
            f"{path} cannot be written: the folder {path.parent} is read-only; "
            "choose another or change its permissions."
        )
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(
            f"{path} cannot be written: it is read-only; choose another name or change its "
            "permissions."
        )
    if kind is not None and path.exists() and path.stat().st_size:
        with path.open("rb") as file:
            if not file.read(len(kind.begins)).lower().startswith(kind.begins.lower()):
                raise ValueError(
                    f"{path} cannot be written: a file is there that is no {kind.name}; name "
                    "another, or delete that one first."
                )
    return path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Lend the name of a temporary file that replaces `path` when the block ends well.

    The temporary file lies in the same folder (a rename across file systems is no rename) and keeps
    the suffix, by which many writers choose their format. A file that is replaced hands on its mode
    and, where the system lets us, its owner. If the block raises, the temporary is removed and what
    was at `path` stays. A process that is killed leaves its temporary; the next write to `path`
    an hour later removes it.

    Parameters
    ----------
    path : str or Path
        The file to write; a regular file or none. Symbolic links are refused, not followed.

    Yields
    ------
    Path
        Write here.

    Raises
    ------
    ValueError, PermissionError
        As `check_destination`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "note.txt") as temporary:
    ...         _ = temporary.write_text("done")
    ...     [file.name for file in Path(folder).iterdir()]
    ['note.txt']
    """
    path = check_destination(path)
    replaced = path.stat() if path.exists() else None
    # In small letters: numpy.save adds ".npy" to a name that ends in ".NPY".
    suffix = path.suffix.lower() if len(path.suffix) <= _LONGEST_SUFFIX else ""
    stem = f".kernel-ot-{hashlib.sha256(path.name.encode(errors='replace')).hexdigest()[:12]}-"
    _remove_left_overs(path.parent, stem)
    temporary = path.with_name(f"{stem}{secrets.token_hex(4)}{suffix}")
    try:
        # Private until the mode is handed on: no other may read half of a 0600 file.
        mode = 0o666 if replaced is None else 0o600
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        yield temporary
        _hand_on(replaced, temporary)
        check_destination(path)  # it may have become a folder or a link meanwhile
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _hand_on(replaced: os.stat_result | None, temporary: Path) -> None:
    """Put the content on the disk, and the owner and the mode of the replaced file on it."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    if replaced is not None:
        if hasattr(os, "chown"):
            with suppress(OSError):  # only the administrator may give files away
                os.chown(temporary, replaced.st_uid, replaced.st_gid)
        temporary.chmod(stat.S_IMODE(replaced.st_mode))


def _remove_left_overs(folder: Path, stem: str) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(stem):
                with suppress(OSError):
                    age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                    if age > _LEFT_OVER:
                        Path(entry.path).unlink()
