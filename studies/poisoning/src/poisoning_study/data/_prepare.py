"""Crop, resize and arrange the benchmark once, with checksums; and read it back."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from poisoning_study.data._gtsrb import N_CLASSES, Record, find_layout, read_test, read_training
from poisoning_study.data._image_set import ImageSet
from poisoning_study.errors import StudyError
from poisoning_study.files import sha256_of, write_atomically, write_json

CROPS = ("roi", "square")
_FORMAT = 1


def _load(record: Record, size: int, crop: str) -> NDArray[np.uint8]:
    try:
        with Image.open(record.path) as opened:
            picture = opened.convert("RGB")
    except FileNotFoundError:
        raise StudyError(
            f"{record.path} is listed in its table but missing; unpack the archive again."
        ) from None
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise StudyError(
            f"{record.path} is truncated or no image ({error}); unpack the archive again."
        ) from None
    if picture.size != record.size:
        raise StudyError(
            f"{record.path} is {picture.size[0]} x {picture.size[1]} pixels, but its table says "
            f"{record.size[0]} x {record.size[1]}."
        )
    if crop == "roi":
        left, upper, right, lower = record.roi
        if not (0 <= left < right < picture.width and 0 <= upper < lower < picture.height):
            raise StudyError(f"{record.path}: region {record.roi} is not inside the image.")
        picture = picture.crop((left, upper, right + 1, lower + 1))
    else:
        # The original study's crop: the top left square.
        side = min(picture.size)
        picture = picture.crop((0, 0, side, side))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def _save(arrays: dict[str, Any], stream: IO[bytes]) -> None:
    np.savez(stream, allow_pickle=False, **arrays)


def _digest(records: list[Record], root: Path) -> str:
    """Digest of the table entries and file sizes that a part depends on."""
    lines = []
    for record in records:
        length = record.path.stat().st_size if record.path.is_file() else -1
        lines.append(f"{record.path.relative_to(root)}|{record.label}|{record.roi}|{length}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def prepare(
    root: Path, out: Path, *, size: int = 32, crop: str = "roi", progress: bool = True
) -> Path:
    """Write the benchmark under `root` as arrays into `out`, one part a class, and a manifest.

    A part is written whole or not at all and is skipped when it is there with the right checksum,
    so an interrupted call continues where it stopped. The manifest is written last: a folder
    without one is unfinished and is not read.

    Parameters
    ----------
    root : Path
        Either layout of `find_layout`.
    out : Path
        Folder to write to.
    size : int
        Side of the written images, in pixels. The original study used 128.
    crop : {"roi", "square"}
        The sign's region from the table, or the original study's top left square.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    StudyError
        Missing folder, wrong columns, a truncated image: the first one found is named.
    """
    if crop not in CROPS:
        raise StudyError(f"crop must be one of {', '.join(CROPS)}, not {crop!r}.")
    if size < 8:
        raise StudyError(f"size must be at least 8 pixels, not {size}.")
    layout = find_layout(root)
    parts: dict[str, list[Record]] = {}
    for record in read_training(layout):
        parts.setdefault(f"train-{record.label:02d}", []).append(record)
    parts["test"] = read_test(layout)
    settings = {"format": _FORMAT, "size": size, "crop": crop}
    manifest_path = out / "manifest.json"
    manifest_path.unlink(missing_ok=True)
    entries = {}
    for name, records in tqdm(parts.items(), desc="prepare", unit="part", disable=not progress):
        path, note = out / f"{name}.npz", out / f"{name}.json"
        source = _digest(records, root)
        entry = _finished_part(path, note, {**settings, "source": source})
        if entry is None:
            arrays: dict[str, Any] = {
                "images": np.stack([_load(record, size, crop) for record in records]),
                "labels": np.array([record.label for record in records], dtype=np.int64),
                "tracks": np.array([record.track for record in records], dtype=np.int64),
            }
            write_atomically(path, partial(_save, arrays))
            entry = {**settings, "source": source, "n": len(records), "sha256": sha256_of(path)}
            write_json(note, entry)
        entries[name] = entry
    write_json(manifest_path, {**settings, "layout": layout.name, "parts": entries})
    return manifest_path


def _finished_part(path: Path, note: Path, wanted: dict[str, object]) -> dict[str, object] | None:
    if not (path.is_file() and note.is_file()):
        return None
    entry: dict[str, object] = json.loads(note.read_text())
    same = all(entry.get(key) == value for key, value in wanted.items())
    return entry if same and entry.get("sha256") == sha256_of(path) else None


def load_prepared(folder: Path) -> dict[str, ImageSet]:
    """Return {"train", "test"} from a folder that `prepare` finished, checksums verified.

    Raises
    ------
    StudyError
        No manifest (never prepared, or interrupted), or a part that differs from its checksum.
    """
    manifest_path = folder / "manifest.json"
    if not manifest_path.is_file():
        raise StudyError(
            f"{folder} has no manifest.json: it was never prepared, or preparing was interrupted. "
            "Run `poisoning-study prepare ARCHIVE FOLDER` (it continues where it stopped)."
        )
    manifest = json.loads(manifest_path.read_text())
    loaded: dict[str, list[ImageSet]] = {"train": [], "test": []}
    for name, entry in manifest["parts"].items():
        path = folder / f"{name}.npz"
        if not path.is_file() or sha256_of(path) != entry["sha256"]:
            raise StudyError(f"{path} is missing or changed since it was prepared; prepare again.")
        with np.load(path) as arrays:
            part = ImageSet(arrays["images"], arrays["labels"], arrays["tracks"], N_CLASSES)
        loaded[name.partition("-")[0]].append(part)
    return {
        name: ImageSet(
            np.concatenate([part.images for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.tracks for part in parts]),
            N_CLASSES,
        )
        for name, parts in loaded.items()
    }
