"""The disjoint pools of images that one seed of a study works with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

from poisoning_study.data import (
    SIGNS,
    ImageSet,
    digest_of,
    load_prepared,
    read_manifest,
    render,
    split_by_track,
)
from poisoning_study.errors import StudyError
from poisoning_study.protocol._settings import DataSettings, PoolSize
from poisoning_study.protocol._store import RunStore

#: The task's pools, and one of other classes that only the rendered set has.
POOLS = ("train", "test", "trusted", "reference", "auxiliary")


@dataclass(frozen=True)
class PoolJob:
    """A rendered pool, kept since every run of a seed needs it."""

    kind: ClassVar[str] = "pools"
    data: DataSettings
    pool: str
    seed: int

    def compute(self, store: RunStore) -> dict[str, int]:
        """Render and keep the pool; return its size."""
        size: PoolSize = getattr(self.data, self.pool)
        task, other = range(self.data.classes), range(12, len(SIGNS))
        data = render(
            classes=other if self.pool == "auxiliary" else task,
            tracks=size.tracks,
            frames=size.frames,
            size=self.data.size,
            seed=self.seed,
            pool=self.pool,
        )

        def write(stream: IO[bytes]) -> None:
            arrays: dict[str, Any] = {
                "images": data.images,
                "labels": data.labels,
                "tracks": data.tracks,
                "n_classes": np.array(data.n_classes),
            }
            np.savez(stream, allow_pickle=False, **arrays)

        store.save(self, "npz", write)
        return {"n": len(data)}

    def load(self, store: RunStore) -> ImageSet:
        """Return the pool, rendered if it is not there."""
        store.result(self)
        with np.load(store.file(self, "npz")) as arrays:
            return ImageSet(
                arrays["images"], arrays["labels"], arrays["tracks"], int(arrays["n_classes"])
            )


@lru_cache(maxsize=2)
def _prepared(settings: DataSettings, seed: int) -> dict[str, ImageSet]:
    folder = Path(settings.folder)
    if digest_of(read_manifest(folder)) != settings.digest:
        raise StudyError(f"{folder} was prepared again while the study ran; start it again.")
    whole = load_prepared(folder)
    found = whole["train"].images.shape[1]
    if found != settings.size:
        raise StudyError(
            f"{settings.folder} was prepared at {found} pixels, but the study asks for "
            f"{settings.size}. Prepare again with --size {settings.size}."
        )
    shares = {"trusted": settings.trusted_share, "reference": settings.reference_share}
    pools = split_by_track(whole["train"], {"train": 1 - sum(shares.values()), **shares}, seed)
    return {**pools, "test": whole["test"]}


@lru_cache(maxsize=8)
def _rendered(root: Path, job: PoolJob) -> ImageSet:
    return job.load(RunStore(root))


def load_pool(store: RunStore, settings: DataSettings, seed: int, name: str) -> ImageSet:
    """Return the pool called `name`, one of `POOLS`.

    No track is in two pools. Rendered sets differ between seeds; a prepared set is split anew.

    Raises
    ------
    StudyError
        The auxiliary pool of a prepared set, which has none.
    """
    if settings.source == "rendered":
        return _rendered(store.root, PoolJob(settings, name, seed))
    pools = _prepared(settings, seed)
    if name not in pools:
        raise StudyError(
            f"A {settings.source} data set has no pool {name!r}. Set encoders.source to "
            "'reference' or 'pretrained'."
        )
    return pools[name]
