"""Write files so that a reader never sees half of one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_destination(path: str | Path) -> Path:
    """Return `path` if a file can be put there; ask before a long computation, not after.

    Raises
    ------
    ValueError
        Its folder does not exist, or it is itself a folder.

    Examples
    --------
    >>> check_destination("no/such/folder/x.npy")
    Traceback (most recent call last):
    ...
    ValueError: no/such/folder/x.npy cannot be written: make the folder no/such/folder first.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} cannot be written: it is a folder; name a file inside it.")
    if not path.parent.is_dir():
        raise ValueError(f"{path} cannot be written: make the folder {path.parent} first.")
    return path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Lend the name of a temporary file that replaces `path` when the block ends well.

    The temporary file lies in the same folder (a rename across file systems is no rename) and keeps
    the suffix, by which many writers choose their format. If the block raises, it is removed and
    what was at `path` stays.

    Parameters
    ----------
    path : str or Path
        The file to write.

    Yields
    ------
    Path
        Write here.

    Raises
    ------
    ValueError
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
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
