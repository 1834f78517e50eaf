"""The one in-memory form of a data set, and its cuts by track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisoning_study.errors import StudyError
from poisoning_study.seeds import generator


@dataclass(frozen=True)
class ImageSet:
    """Labelled images that know the track (the recorded approach to one sign) they come from.

    Parameters
    ----------
    images : uint8 array (n, height, width, 3)
        Pixels.
    labels : int64 array (n,)
        Classes, 0 to `n_classes - 1`.
    tracks : int64 array (n,)
        A number for each track, unique over classes; -1 where unknown.
    n_classes : int
        Number of classes of the task, present here or not.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    tracks: NDArray[np.int64]
    n_classes: int

    def __post_init__(self) -> None:
        n = len(self.images)
        if self.images.dtype != np.uint8 or self.images.ndim != 4 or self.images.shape[3] != 3:
            raise StudyError(
                f"images must be uint8 of shape (n, height, width, 3), not "
                f"{self.images.dtype} {self.images.shape}."
            )
        if self.labels.shape != (n,) or self.tracks.shape != (n,):
            raise StudyError(
                f"{n} images need as many labels and tracks, not {self.labels.shape} and "
                f"{self.tracks.shape}."
            )
        if n and not 0 <= self.labels.min() <= self.labels.max() < self.n_classes:
            raise StudyError(
                f"Labels must lie in 0..{self.n_classes - 1}; found {self.labels.min()}.."
                f"{self.labels.max()}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ImageSet:
        """Return the set of the given rows (indices or mask)."""
        return ImageSet(self.images[rows], self.labels[rows], self.tracks[rows], self.n_classes)


def split_by_track(data: ImageSet, shares: dict[str, float], seed: int) -> dict[str, ImageSet]:
    """Cut `data` into named parts, class by class, so that no track is in two parts.

    Frames of a track are nearly the same picture: cutting by frame would let a model see its test.

    Parameters
    ----------
    data : ImageSet
        Every image must have a track.
    shares : dict of str to float
        Part name to share of each class's tracks; must add up to 1.
    seed : int
        Decides which tracks go where.

    Raises
    ------
    StudyError
        Shares that do not add up to 1, images without a track, or a class with fewer tracks than
        parts.
    """
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) <= 0:
        raise StudyError(f"shares must be positive and add up to 1, not {shares}.")
    if (data.tracks < 0).any():
        raise StudyError("Some images have no track; a split by frame would leak. Split by hand.")
    rows: dict[str, list[NDArray[np.int64]]] = {name: [] for name in shares}
    edges = np.cumsum(list(shares.values()))[:-1]
    for label in np.unique(data.labels):
        members = np.flatnonzero(data.labels == label)
        tracks = np.unique(data.tracks[members])
        if len(tracks) < len(shares):
            raise StudyError(
                f"Class {label} has {len(tracks)} tracks, too few for {len(shares)} parts. "
                "Use fewer parts or leave the class out."
            )
        order = generator(seed, "split", int(label)).permutation(tracks)
        cuts = np.round(edges * len(order)).astype(int)
        # Every part gets at least one track, however small its share.
        lower = np.arange(1, len(shares))
        cuts = np.clip(
            np.maximum.accumulate(np.maximum(cuts, lower)), lower, len(order) - lower[::-1]
        )
        for name, part in zip(shares, np.split(order, cuts), strict=True):
            rows[name].append(members[np.isin(data.tracks[members], part)])
    return {name: data.take(np.sort(np.concatenate(parts))) for name, parts in rows.items()}
