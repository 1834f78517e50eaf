"""Crop, resize and arrange the benchmark once, with checksums; and read it back."""

from __future__ import annotations

import functools
import hashlib
import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from poisoning_study.data._gtsrb import (
    N_CLASSES,
    Record,
    find_layout,
    missing_images,
    read_test,
    read_training,
)
from poisoning_study.data._image_set import ImageSet
from poisoning_study.errors import StudyError
from poisoning_study.files import require_folder, sha256_of, write_atomically, write_json

CROPS = ("roi", "square")
_FORMAT = 1
#: Side in pixels; the benchmark's own pictures have at most 250.
_LARGEST = 1024


def _load(record: Record, size: int, crop: str) -> NDArray[np.uint8]:
    try:
        with Image.open(record.path) as opened:
            found = opened.size
            picture = opened.convert("RGB") if found == record.size else None
    except FileNotFoundError:
        raise StudyError(
            f"{record.path} is listed in its table but missing; unpack the archive again."
        ) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StudyError(
            f"{record.path} is truncated or no image ({error}); unpack the archive again."
        ) from None
    if picture is None:
        raise StudyError(
            f"{record.path} is {found[0]} x {found[1]} pixels, but its table says "
            f"{record.size[0]} x {record.size[1]}; unpack the archive again."
        )
    if crop == "roi":
        left, upper, right, lower = record.roi
        if not (0 <= left < right < picture.width and 0 <= upper < lower < picture.height):
            raise StudyError(
                f"{record.path}: region {record.roi} is not inside the image; unpack the "
                "archive again, or take --crop square, which needs no region."
            )
        picture = picture.crop((left, upper, right + 1, lower + 1))
    else:
        # The original study's crop: the top left square.
        side = min(picture.size)
        picture = picture.crop((0, 0, side, side))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


class Part(TypedDict):
    """A file of a prepared set: how many images, and its checksum."""

    n: int
    sha256: str


class Manifest(TypedDict):
    """What `prepare` writes last about a set."""

    format: int
    size: int
    crop: str
    layout: str
    partial: str
    parts: dict[str, Part]


def _save(arrays: Mapping[str, NDArray[np.generic]], stream: IO[bytes]) -> None:
    np.savez(stream, allow_pickle=False, **arrays)


def _digest(records: list[Record], root: Path) -> str:
    """Digest of the table entries and file sizes that a part depends on."""
    lines = []
    for record in records:
        length = record.path.stat().st_size if record.path.is_file() else -1
        lines.append(f"{record.path.relative_to(root)}|{record.label}|{record.roi}|{length}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def prepare(
    root: Path,
    out: Path,
    *,
    size: int = 32,
    crop: str = "roi",
    partial: bool = False,
    progress: bool = True,
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
    partial : bool
        Go on with an archive that has not the official 39,209 and 12,630 images.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    StudyError
        Missing folder, wrong columns, a truncated image: the first one found is named; or other
        numbers of images than the official ones, unless `partial`.
    """
    if crop not in CROPS:
        raise StudyError(f"crop must be one of {', '.join(CROPS)}, not {crop!r}.")
    if not 8 <= size <= _LARGEST:
        raise StudyError(f"size must be from 8 to {_LARGEST} pixels, not {size}.")
    layout = find_layout(root)
    training, test = read_training(layout), read_test(layout)
    differs = missing_images(training, test)
    if differs and not partial:
        raise StudyError(
            f"{root} is not the whole benchmark ({differs}). Unpack the archives again, or go on "
            "knowingly with --partial: what is found then is not about the whole benchmark."
        )
    require_folder(out)
    parts: dict[str, list[Record]] = {}
    for record in training:
        parts.setdefault(f"train-{record.label:02d}", []).append(record)
    parts["test"] = test
    settings = {"format": _FORMAT, "size": size, "crop": crop}
    manifest_path = out / "manifest.json"
    manifest_path.unlink(missing_ok=True)
    entries = {}
    for name, records in tqdm(parts.items(), desc="prepare", unit="part", disable=not progress):
        path, note = out / f"{name}.npz", out / f"{name}.json"
        source = _digest(records, root)
        entry = _finished_part(path, note, {**settings, "source": source})
        if entry is None:
            arrays: dict[str, NDArray[np.generic]] = {
                "images": np.stack([_load(record, size, crop) for record in records]),
                "labels": np.array([record.label for record in records], dtype=np.int64),
                "tracks": np.array([record.track for record in records], dtype=np.int64),
            }
            write_atomically(path, functools.partial(_save, arrays))
            entry = {**settings, "source": source, "n": len(records), "sha256": sha256_of(path)}
            write_json(note, entry)
        entries[name] = entry
    facts = {**settings, "layout": layout.name, "partial": differs, "parts": entries}
    write_json(manifest_path, facts)
    return manifest_path


def _finished_part(path: Path, note: Path, wanted: dict[str, object]) -> dict[str, object] | None:
    if not (path.is_file() and note.is_file()):
        return None
    try:
        entry: dict[str, object] = json.loads(note.read_text())
    except ValueError:
        return None
    same = all(entry.get(key) == value for key, value in wanted.items())
    return entry if same and entry.get("sha256") == sha256_of(path) else None


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest that `prepare` wrote last into `folder`.

    Raises
    ------
    StudyError
        There is none (never prepared, or interrupted), or it is damaged.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise StudyError(
            f"{folder} has no manifest.json: it was never prepared, or preparing was interrupted. "
            "Run `poisoning-study prepare ARCHIVE FOLDER` (it continues where it stopped)."
        )
    try:
        manifest = json.loads(path.read_text())
        described = [
            (name, entry["sha256"], entry["n"]) for name, entry in manifest["parts"].items()
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"{path} is damaged ({error!r}); prepare again.") from None
    kinds = {name.partition("-")[0] for name, _, _ in described}
    if kinds != {"train", "test"} or not {"size", "crop", "partial"} <= set(manifest):
        raise StudyError(f"{path} lacks entries of this version; prepare again.")
    found: Manifest = manifest
    return found


def digest_of(manifest: Manifest) -> str:
    """Return the digest of everything that a prepared set consists of, wherever it lies."""
    checksums = {name: entry["sha256"] for name, entry in manifest["parts"].items()}
    text = json.dumps([manifest["size"], manifest["crop"], checksums], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def load_prepared(folder: Path) -> dict[str, ImageSet]:
    """Return {"train", "test"} from a folder that `prepare` finished, checksums verified.

    Raises
    ------
    StudyError
        See `read_manifest`; or a part that differs from its checksum.
    """
    manifest = read_manifest(folder)
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


def prepared_from(data: Path, out: Path, *, size: int, crop: str, partial: bool) -> Path:
    """Return a prepared folder made of whatever a user has, written below `out` where needed.

    Parameters
    ----------
    data : Path
        A prepared folder, unpacked archives, a zip file, or a folder of zip files.
    out : Path
        Where zip files are unpacked and prepared sets are written.
    size, crop, partial
        As in `prepare`.

    Raises
    ------
    StudyError
        A zip file is damaged, or what `prepare` raises.
    """
    if (data / "manifest.json").is_file():
        return data
    archives = [data] if data.is_file() else sorted(data.glob("*.zip"))
    if archives:
        names = [(str(path.resolve()), path.stat().st_size) for path in archives]
        key = hashlib.sha256(json.dumps(names).encode()).hexdigest()[:12]
        root = out / f"archive-{key}"
        if not (root / "unpacked").is_file():
            try:
                for path in archives:
                    with zipfile.ZipFile(path) as opened:
                        opened.extractall(root)
            except (RuntimeError, NotImplementedError) as error:  # a password, another method
                raise StudyError(f"{path} cannot be unpacked here ({error}); unpack it.") from None
            except (zipfile.BadZipFile, EOFError, lzma.LZMAError, zlib.error) as error:
                raise StudyError(f"{path} is damaged ({error}); download it again.") from None
            write_json(root / "unpacked", [path.name for path in archives])
        data = root
    target = out / f"signs-{size}-{crop}"
    prepare(data, target, size=size, crop=crop, partial=partial)
    return target
