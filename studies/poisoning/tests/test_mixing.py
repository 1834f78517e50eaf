from __future__ import annotations

import numpy as np
import pytest

from poisoning_study import StudyError
from poisoning_study.data import ImageSet
from poisoning_study.models import Pictures
from poisoning_study.protocol import chosen_rows, mix


def test_every_class_loses_the_same_share(signs: ImageSet) -> None:
    chosen = chosen_rows(signs.labels, 0.25, seed=0)
    assert [int(chosen[signs.labels == label].sum()) for label in range(4)] == [3, 3, 3, 3]
    assert (chosen <= chosen_rows(signs.labels, 0.5, seed=0)).all()
    assert (chosen != chosen_rows(signs.labels, 0.25, seed=1)).any()


def test_sound_mixing_replaces_and_scales_once(signs: ImageSet) -> None:
    poisoned = 255 - signs.images
    mixed = mix(signs, poisoned, 0.5, 0)
    assert mixed.poisoned.sum() == len(signs) // 2
    assert (mixed.images[mixed.poisoned] == poisoned[mixed.poisoned]).all()
    assert (mixed.images[~mixed.poisoned] == signs.images[~mixed.poisoned]).all()
    assert torch_max(mixed.images, mixed.scale) > 0.9


def torch_max(images: np.ndarray, scale: np.ndarray) -> float:
    return float(Pictures(images, scale).batch(np.arange(len(images))).max())


def test_the_published_loader_darkens_and_misses_classes(signs: ImageSet) -> None:
    mixed = mix(signs, signs.images, 1.0, 0, loader="as-published", unreplaced_classes=1)
    assert not mixed.poisoned[signs.labels == 0].any()
    assert mixed.poisoned[signs.labels > 0].all()
    dark = Pictures(mixed.images, mixed.scale).batch(np.flatnonzero(mixed.poisoned))
    assert dark.max() <= 1 / 255 + 1e-7
    # The rescale-only control: the pictures themselves are untouched.
    assert (mixed.images == signs.images).all()


def test_removing_leaves_the_rest(signs: ImageSet) -> None:
    mixed = mix(signs, signs.images, 0.5, 0, fate="remove")
    assert len(mixed.labels) == len(signs) // 2
    assert not mixed.poisoned.any()
    with pytest.raises(StudyError, match="Nothing would be left"):
        mix(signs, signs.images, 1.0, 0, fate="remove")


def test_mixing_checks_its_arguments(signs: ImageSet) -> None:
    with pytest.raises(StudyError, match="between 0 and 1"):
        mix(signs, signs.images, 1.5, 0)
    with pytest.raises(StudyError, match="do not match"):
        mix(signs, signs.images[1:], 0.5, 0)
    assert not mix(signs, None, 0.0, 0).poisoned.any()
