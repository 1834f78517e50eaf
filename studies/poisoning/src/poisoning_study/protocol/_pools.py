"""The disjoint pools of images that one seed of a study works with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from poisoning_study.data import SIGNS, ImageSet, load_prepared, render, split_by_track
from poisoning_study.errors import StudyError
from poisoning_study.protocol._settings import DataSettings, PoolSize


def _rendered(settings: DataSettings, seed: int) -> dict[str, ImageSet]:
    task = range(settings.classes)
    other = range(12, len(SIGNS))
    sizes: dict[str, tuple[range, PoolSize]] = {
        "train": (task, settings.train),
        "test": (task, settings.test),
        "trusted": (task, settings.trusted),
        "reference": (task, settings.reference),
        "auxiliary": (other, settings.auxiliary),
    }
    return {
        name: render(
            classes=classes,
            tracks=size.tracks,
            frames=size.frames,
            size=settings.size,
            seed=seed,
            pool=name,
        )
        for name, (classes, size) in sizes.items()
    }


def _prepared(settings: DataSettings, seed: int) -> dict[str, ImageSet]:
    whole = load_prepared(Path(settings.folder))
    found = whole["train"].images.shape[1]
    if found != settings.size:
        raise StudyError(
            f"{settings.folder} was prepared at {found} pixels, but the study asks for "
            f"{settings.size}. Prepare again with --size {settings.size}."
        )
    shares = {"trusted": settings.trusted_share, "reference": settings.reference_share}
    pools = split_by_track(whole["train"], {"train": 1 - sum(shares.values()), **shares}, seed)
    return {**pools, "test": whole["test"]}


@lru_cache(maxsize=4)
def pools(settings: DataSettings, seed: int) -> dict[str, ImageSet]:
    """Return the pools "train", "test", "trusted", "reference" and, if rendered, "auxiliary".

    No track is in two pools. Rendered sets differ between seeds; a prepared set is split anew.
    """
    return _rendered(settings, seed) if settings.source == "rendered" else _prepared(settings, seed)
