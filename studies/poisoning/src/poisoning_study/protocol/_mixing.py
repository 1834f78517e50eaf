"""From clean and poisoned copies of a training set to what a victim is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisoning_study.data import ImageSet
from poisoning_study.errors import StudyError
from poisoning_study.seeds import generator


@dataclass(frozen=True)
class MixedPictures:
    """Clean and poisoned copies of a set, of which a batch is put together when it is asked for.

    Both may be memory maps: no mixed copy of the whole is kept.
    """

    clean: NDArray[np.uint8]
    poisoned: NDArray[np.uint8]
    chosen: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.clean)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.uint8]:
        chosen = self.chosen[rows][:, None, None, None]
        return np.where(chosen, self.poisoned[rows], self.clean[rows])

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Yield one picture after the other."""
        for row, chosen in enumerate(self.chosen):
            yield self.poisoned[row] if chosen else self.clean[row]


@dataclass(frozen=True)
class TrainingSet:
    """What a victim is trained on.

    Parameters
    ----------
    images : uint8 array (n, h, w, 3), or MixedPictures
        Pixels.
    labels : int64 array (n,)
        Classes.
    scale : float32 array (n,)
        What each image is multiplied by on loading: 1/255, or 1/255^2 for the published loader's
        poisoned images.
    poisoned : bool array (n,)
        Which images were replaced.
    """

    images: NDArray[np.uint8] | MixedPictures
    labels: NDArray[np.int64]
    scale: NDArray[np.float32]
    poisoned: NDArray[np.bool_]

    def keep(self, which: NDArray[np.bool_]) -> TrainingSet:
        """Return the images marked in `which`."""
        return TrainingSet(
            self.images[which], self.labels[which], self.scale[which], self.poisoned[which]
        )


def chosen_rows(labels: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Mark `fraction` of each class, at random from `seed`.

    The choices of one seed are nested: what is replaced at 10% is among what is replaced at 50%.

    Examples
    --------
    >>> chosen_rows(np.array([0, 0, 1, 1]), 0.5, seed=0).sum()
    np.int64(2)
    """
    if not 0 <= fraction <= 1:
        raise StudyError(f"fraction must lie between 0 and 1, not {fraction}.")
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = generator(seed, "mixing", int(label)).permutation(np.flatnonzero(labels == label))
        chosen[members[: round(fraction * len(members))]] = True
    return chosen


def first_names(labels: NDArray[np.int64], fraction: float) -> NDArray[np.bool_]:
    """Mark the first `fraction` of all images by the original's names, "10@..." before "4@...".

    It takes the first N of a directory's listing, whose order is its file system's; sorted here.

    Examples
    --------
    >>> first_names(np.array([4, 4, 10, 10]), 0.75)
    array([ True, False,  True,  True])
    """
    order = sorted(range(len(labels)), key=lambda row: (f"{labels[row]}@", row))
    chosen = np.zeros(len(labels), dtype=bool)
    chosen[order[: round(fraction * len(labels))]] = True
    return chosen


def mix(
    clean: ImageSet,
    poisoned: NDArray[np.uint8] | None,
    fraction: float,
    seed: int,
    *,
    loader: str = "sound",
    fate: str = "replace",
    choice: str = "seeded",
    unreplaced_classes: int = 0,
) -> TrainingSet:
    """Replace (or remove) a share of every class.

    Parameters
    ----------
    clean : ImageSet
        The training set.
    poisoned : uint8 array like `clean.images`, or None
        The poisoned copy of every image; None for a clean set.
    fraction : float
        Share of each class.
    seed : int
        Which images.
    loader : {"sound", "as-published"}
        The published loader looks poisoned files of one-digit classes up under another name, so
        never replaces them, and divides the others by 255 a second time.
    fate : {"replace", "remove"}
        "remove" leaves the chosen images out: the smaller clean set.
    choice : {"seeded", "first-names"}
        A share of every class by `chosen_rows`, or the original's `first_names`.
    unreplaced_classes : int
        How many first classes the published loader misses.
    """
    n = len(clean)
    scale = np.full(n, 1 / 255, dtype=np.float32)
    if poisoned is None or fraction == 0:
        return TrainingSet(clean.images, clean.labels, scale, np.zeros(n, dtype=bool))
    if poisoned.shape != clean.images.shape:
        raise StudyError(
            f"Poisoned images {poisoned.shape} do not match the training set {clean.images.shape}."
        )
    if choice == "first-names":
        chosen = first_names(clean.labels, fraction)
    else:
        chosen = chosen_rows(clean.labels, fraction, seed)
    if fate == "remove":
        if chosen.all():
            raise StudyError("Nothing would be left to train on; remove less than everything.")
        return TrainingSet(clean.images, clean.labels, scale, chosen).keep(~chosen)
    if loader == "as-published":
        chosen &= clean.labels >= unreplaced_classes
        scale[chosen] = 1 / 255**2
    return TrainingSet(MixedPictures(clean.images, poisoned, chosen), clean.labels, scale, chosen)
