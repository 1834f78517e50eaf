"""The archive of a saved model: named arrays, a JSON header and a digest of both, checked."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kernel_ot._arrays import Array, require_memory
from kernel_ot._files import atomic_path
from kernel_ot._version import __version__
from kernel_ot.estimator._header import Header
from kernel_ot.samples import Samples

FORMAT = "kernel-ot model"
# 1 had no digest and no list of arrays, 2 another residual, 3 no combined potentials, 4 those of
# one part only, 5 no splines
FORMAT_VERSION = 6
# The shape of every array: n and m points, d features, l filling points, r features of the pairs,
# p and q landmarks, s and t centres of the entropic potentials at k regularisations.
_SHAPES = {
    "x": "nd",
    "y": "md",
    "weights_x": "n",
    "weights_y": "m",
    "x_fill": "ld",
    "y_fill": "ld",
    "gamma": "l",
    "mean_x": "d",
    "mean_y": "d",
    "root": "dd",
    "inverse_root": "dd",
    "multiplier": "rr",
    "landmarks_x": "pd",
    "landmarks_y": "qd",
    "masses_x": "p",
    "masses_y": "q",
    "entropic_x": "sd",
    "entropic_y": "td",
    "entropic_heights_x": "ks",
    "entropic_heights_y": "kt",
    "entropic_regularisations": "k",
}
_ENTROPIC = {name for name in _SHAPES if name.startswith("entropic_")}
# Zeros are left out; only fits of many points have landmarks, only some combine potentials.
_OPTIONAL = {"multiplier", "landmarks_x", "landmarks_y", "masses_x", "masses_y"} | _ENTROPIC
_TEXTS = {"header", "digest"}


class ModelFileError(ValueError):
    """A file that is no whole and true model; the message is for the user as it is."""


def damaged(path: Path, reason: str) -> ModelFileError:
    """Return the error for a file that cannot be believed."""
    return ModelFileError(
        f"{path} is not a whole kernel-ot model: {reason}. It is truncated, damaged, or another "
        "file; save the model again."
    )


def write_archive(path: Path, header: Mapping[str, object], arrays: Mapping[str, Array]) -> None:
    """Write a model's file, whole or not at all."""
    text = json.dumps(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "kernel_ot_version": __version__,
            "arrays": sorted(arrays),
            **header,
        }
    )
    members: dict[str, Any] = {  # NumPy's types take any name for `allow_pickle`
        "header": np.array(text),
        "digest": np.array(_digest(text, arrays)),
        **arrays,
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **members)


def read_archive(path: Path) -> tuple[Header, dict[str, Array]]:
    """Return header and arrays of a model's file, complete, of matching shapes, and finite.

    Raises
    ------
    ModelFileError
        Whatever else the file is.
    MemoryLimitError
        It does not fit into memory.
    """
    try:
        members = _members(path)
    except zipfile.BadZipFile as error:
        raise damaged(path, f"it is no archive ({error})") from error
    if "header" not in members:
        raise damaged(path, "it holds no header")
    text = str(members.pop("header"))
    header: Header = json.loads(text)
    if not _is_of_a_model(header):
        raise damaged(path, "its header is not that of a model")
    version = header["format_version"]
    if type(version) is not int or version < 1:
        raise damaged(path, f"its format_version is {version!r}")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} was written by kernel-ot {header['kernel_ot_version']} in format {version}; "
            f"this is {__version__}, which reads up to {FORMAT_VERSION}. Upgrade kernel-ot."
        )
    digest = members.pop("digest", None)
    if version > 1:
        if digest is None or str(digest) != _digest(text, members):
            raise damaged(path, "its content does not have the digest that was saved with it")
        if header["arrays"] != sorted(members):
            raise damaged(path, f"it should hold {header['arrays']} and holds {sorted(members)}")
    _check_shapes(path, members)
    return header, members


def _is_of_a_model(header: object) -> bool:
    return isinstance(header, dict) and header.get("format") == FORMAT


def _digest(header: str, arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of the header and of every array with its name, type and shape."""
    state = hashlib.sha256(header.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"\0{name} {array.dtype.str} {array.shape}\0".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def _members(path: Path) -> dict[str, Array]:
    """Return the arrays of the archive; no more is allocated than the file is long."""
    arrays = {}
    # One open file: another process may put a new model in its place meanwhile.
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        length = os.fstat(file.fileno()).st_size
        require_memory(
            2.0 * length,
            purpose=f"the model in {path}",
            remedy="Load it where more memory is available.",
        )
        entries = archive.infolist()
        if len({entry.filename for entry in entries}) < len(entries):
            raise damaged(path, "it holds two entries of one name")
        if sum(entry.file_size for entry in entries) > length:
            raise damaged(path, "it promises more bytes than it has")
        for entry in entries:
            name, _, suffix = entry.filename.rpartition(".")
            if suffix != "npy" or name not in _SHAPES.keys() | _TEXTS:
                raise damaged(path, f"it holds the unknown entry {entry.filename!r}")
            if entry.compress_type != zipfile.ZIP_STORED:
                raise damaged(path, f"its entry {name!r} is compressed, which no model's is")
            arrays[name] = _array(path, name, archive.read(entry))
    return arrays


def _array(path: Path, name: str, content: bytes) -> Array:
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise damaged(path, f"its entry {name!r} is no array")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    is_text = name in _TEXTS
    if is_text != (dtype.kind == "U") or not (is_text or dtype == np.float64):
        raise damaged(path, f"its array {name!r} is of type {dtype}")
    if is_text and shape != ():
        raise damaged(path, f"its entry {name!r} has shape {shape}")
    start = stream.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - start:
        raise damaged(path, f"its array {name!r} is not as long as its shape {shape} says")
    if dtype.itemsize == 0:
        raise damaged(path, f"its entry {name!r} is empty")
    values = np.frombuffer(content, dtype, offset=start)
    return values.reshape(shape, order="F" if fortran_order else "C").copy()


def _check_shapes(path: Path, arrays: Mapping[str, Array]) -> None:
    needed = _SHAPES.keys() - _OPTIONAL
    if _ENTROPIC & arrays.keys():
        needed |= _ENTROPIC
    missing = sorted(needed - arrays.keys())
    if missing:
        raise damaged(path, f"it lacks {', '.join(missing)}")
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        letters = _SHAPES[name]
        expected = tuple(
            sizes.setdefault(letter, size)
            for letter, size in zip(letters, array.shape, strict=False)
        )
        if array.ndim != len(letters) or expected != array.shape or 0 in array.shape:
            raise damaged(
                path, f"its array {name!r} has shape {array.shape}, which fits no other's"
            )
        if not np.all(np.isfinite(array)):
            raise damaged(path, f"its array {name!r} holds NaN or infinity")
    if sizes.get("r", 0) > sizes["l"]:
        raise damaged(path, f"its multiplier has {sizes['r']} rows for {sizes['l']} filling points")
    for name in ("weights_x", "weights_y"):
        if arrays[name].min() < 0 or abs(arrays[name].sum() - 1) > 1e-6:
            raise damaged(path, f"its {name} are no masses that sum to one")


def rows_without_mass(path: Path, entry: list[list[int]], samples: Samples) -> tuple[Array, Array]:
    """Return the rows that were left out; none of them has mass. Older files name none."""
    rows, columns = rows_below(path, entry, (len(samples.x), len(samples.y)))
    if samples.weights_x[rows].any() or samples.weights_y[columns].any():
        raise damaged(path, "rows that were left out have mass")
    return rows, columns


def rows_below(path: Path, entry: list[list[int]], sizes: tuple[int, int]) -> tuple[Array, Array]:
    """Return rows of x and of y, which are among so many."""
    rows, columns = (np.array(named, dtype=np.intp) for named in entry)
    for named, size in zip((rows, columns), sizes, strict=True):
        if named.min(initial=0) < 0 or named.max(initial=0) >= size:
            raise damaged(path, "it names rows that the samples do not have")
    return rows, columns
