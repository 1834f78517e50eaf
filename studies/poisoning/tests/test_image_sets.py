from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poisoning_study import StudyError
from poisoning_study.data import ImageSet, map_images, render, split_by_track, write_images


def test_rendering_is_seeded_and_pools_differ(signs: ImageSet) -> None:
    arguments = {"classes": range(4), "tracks": 6, "frames": 2, "size": 32}
    again = render(**arguments, seed=0, pool="tests")  # type: ignore[arg-type]
    assert (again.images == signs.images).all()
    other = render(**arguments, seed=0, pool="other")  # type: ignore[arg-type]
    assert (other.images != signs.images).any(axis=(1, 2, 3)).all()


def test_frames_of_a_track_are_alike(signs: ImageSet) -> None:
    pixels = signs.images.reshape(4, 6, 2, -1).astype(float)
    within = np.linalg.norm(pixels[:, :, 0] - pixels[:, :, 1], axis=-1).mean()
    between = np.linalg.norm(pixels[:, :-1, 0] - pixels[:, 1:, 0], axis=-1).mean()
    assert within < 0.6 * between


def test_every_class_of_signs_is_distinct() -> None:
    data = render(classes=range(24), tracks=12, frames=1, size=16, seed=0, pool="distinct")
    means = data.images.reshape(24, 12, -1).mean(1)
    gaps = np.linalg.norm(means[:, None] - means[None], axis=-1)[np.triu_indices(24, 1)]
    assert gaps.min() > 50
    with pytest.raises(StudyError, match="24 rendered classes"):
        render(classes=range(25), tracks=1, frames=1, size=16, seed=0, pool="x")


def test_splits_share_no_track(signs: ImageSet) -> None:
    parts = split_by_track(signs, {"a": 0.5, "b": 0.4, "c": 0.1}, seed=3)
    tracks = [set(part.tracks) for part in parts.values()]
    assert len(set.union(*tracks)) == sum(map(len, tracks))
    assert sum(len(part) for part in parts.values()) == len(signs)
    for part in parts.values():
        assert set(part.labels) == {0, 1, 2, 3}
    other = split_by_track(signs, {"a": 0.5, "b": 0.4, "c": 0.1}, seed=4)
    assert set(other["a"].tracks) != tracks[0]


def test_splits_that_cannot_be_made(signs: ImageSet) -> None:
    with pytest.raises(StudyError, match="add up to 1"):
        split_by_track(signs, {"a": 0.5, "b": 0.4}, seed=0)
    with pytest.raises(StudyError, match="too few for 7 parts"):
        split_by_track(signs, dict.fromkeys("abcdefg", 1 / 7), seed=0)
    trackless = ImageSet(signs.images, signs.labels, np.full(len(signs), -1), 4)
    with pytest.raises(StudyError, match="no track"):
        split_by_track(trackless, {"a": 0.5, "b": 0.5}, seed=0)


def test_image_sets_check_their_arrays(signs: ImageSet) -> None:
    with pytest.raises(StudyError, match="uint8"):
        ImageSet(signs.images.astype(float), signs.labels, signs.tracks, 4)
    with pytest.raises(StudyError, match=r"0..2"):
        ImageSet(signs.images, signs.labels, signs.tracks, 3)
    with pytest.raises(StudyError, match="as many labels"):
        ImageSet(signs.images, signs.labels[1:], signs.tracks, 4)


def test_stored_sets_are_mapped_and_equal(signs: ImageSet, tmp_path: Path) -> None:
    path = tmp_path / "signs.npz"
    with path.open("wb") as stream:
        write_images(signs, stream)
    mapped = map_images(path)
    assert isinstance(mapped.images, np.memmap)
    assert not mapped.images.flags.writeable
    assert (mapped.images == signs.images).all()
    assert (mapped.labels == signs.labels).all()
    assert (mapped.tracks == signs.tracks).all()
    assert mapped.n_classes == signs.n_classes
