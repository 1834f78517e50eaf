"""The disjoint pools of images that one seed of a study works with."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from poisoning_study.data import (
    SIGNS,
    ImageSet,
    digest_of,
    load_prepared,
    map_images,
    read_manifest,
    render,
    split_by_track,
    write_images,
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

        store.save(self, "npz", lambda stream: write_images(data, stream))
        return {"n": len(data)}

    def load(self, store: RunStore) -> ImageSet:
        """Return the pool, rendered if it is not there; its pictures are mapped."""
        store.result(self)
        return map_images(store.file(self, "npz"))


@dataclass(frozen=True)
class SplitJob:
    """The pools of a prepared set for one seed, cut by track and kept apart from each other."""

    kind: ClassVar[str] = "pools"
    data: DataSettings
    seed: int

    def compute(self, store: RunStore) -> dict[str, int]:
        """Cut and keep the pools; return their sizes."""
        folder = Path(self.data.folder)
        if digest_of(read_manifest(folder)) != self.data.digest:
            raise StudyError(f"{folder} was prepared again while the study ran; start it again.")
        whole = load_prepared(folder)
        found = whole["train"].images.shape[1]
        if found != self.data.size:
            raise StudyError(
                f"{folder} was prepared at {found} pixels, but the study asks for "
                f"{self.data.size}. Prepare again with --size {self.data.size}."
            )
        pools = split_by_track(whole["train"], self.data.shares, self.seed)
        pools["test"] = whole["test"]
        for name, data in pools.items():
            store.save(self, f"{name}.npz", functools.partial(write_images, data))
        return {name: len(data) for name, data in pools.items()}

    def load(self, store: RunStore) -> dict[str, ImageSet]:
        """Return the pools, cut if they are not there; their pictures are mapped."""
        names: dict[str, int] = store.result(self)
        return {name: map_images(store.file(self, f"{name}.npz")) for name in names}


@lru_cache(maxsize=2)
def _prepared(root: Path, job: SplitJob) -> dict[str, ImageSet]:
    return job.load(RunStore(root))


@lru_cache(maxsize=8)
def _rendered(root: Path, job: PoolJob) -> ImageSet:
    return job.load(RunStore(root))


def load_pool(store: RunStore, settings: DataSettings, seed: int, name: str) -> ImageSet:
    """Return the pool called `name`, one of `POOLS`.

    No track is in two pools. Rendered sets differ between seeds; a prepared set is split anew.

    Raises
    ------
    StudyError
        The auxiliary pool of a prepared set, which has none, or a pool whose share is 0.
    """
    if settings.source == "rendered":
        return _rendered(store.root, PoolJob(settings, name, seed))
    pools = _prepared(store.root, SplitJob(settings, seed))
    if name not in pools:
        raise StudyError(
            f"This prepared set has no pool {name!r}, only {', '.join(pools)}. Set encoders.source "
            "to 'reference' or 'pretrained', and give detectors a trusted_share and a "
            "reference_share."
        )
    return pools[name]
