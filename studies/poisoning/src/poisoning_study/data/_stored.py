"""Image sets in files, whose pictures are mapped into memory instead of read."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from poisoning_study.data._image_set import ImageSet

#: Of a member's local header in a zip file: its length without names, and where their lengths are.
_HEADER, _LENGTHS = 30, 26


def write_images(data: ImageSet, stream: IO[bytes]) -> None:
    """Write an image set as NumPy's uncompressed .npz."""
    np.savez(
        stream,
        allow_pickle=False,
        images=data.images,
        labels=data.labels,
        tracks=data.tracks,
        n_classes=np.array(data.n_classes),
    )


def map_images(path: Path) -> ImageSet:
    """Return an image set that `write_images` wrote; its pictures stay in the file until used."""
    with np.load(path) as arrays:
        labels, tracks = arrays["labels"], arrays["tracks"]
        n_classes = int(arrays["n_classes"])
    return ImageSet(_mapped(path, "images.npy"), labels, tracks, n_classes)


def _mapped(path: Path, member: str) -> NDArray[np.uint8]:
    """Map a member of an uncompressed .npz, which lies in it as it would in a file of its own."""
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(member).header_offset
    with path.open("rb") as stream:
        stream.seek(start + _LENGTHS)
        stream.seek(start + _HEADER + sum(struct.unpack("<HH", stream.read(4))))
        np.lib.format.read_magic(stream)
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        return np.memmap(path, dtype, "r", stream.tell(), shape)
