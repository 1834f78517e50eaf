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
    scaled = Pictures(mixed.images, mixed.scale).batch(np.arange(len(signs)))
    assert scaled.max() > 0.9
    # Put together batch by batch, in any order, or one by one.
    whole = np.where(mixed.poisoned[:, None, None, None], poisoned, signs.images)
    rows = np.random.default_rng(0).permutation(len(signs))
    assert (mixed.images[rows] == whole[rows]).all()
    assert (np.stack(list(mixed.images)) == whole).all()
    assert len(mixed.images) == len(signs)


def test_the_originals_choice_is_the_first_names_and_not_a_share_of_each_class() -> None:
    labels = np.repeat([0, 2, 10], 4)
    images = np.zeros((12, 32, 32, 3), np.uint8)
    clean = ImageSet(images, labels, np.arange(12), 43)
    mixed = mix(clean, images + 1, 0.5, 0, choice="first-names")
    # "0@" sorts before "10@", which sorts before "2@"; no seed changes it.
    assert mixed.poisoned.tolist() == [True] * 4 + [False] * 4 + [True] * 2 + [False] * 2
    other = mix(clean, images + 1, 0.5, 1, choice="first-names")
    assert (other.poisoned == mixed.poisoned).all()


def test_the_published_loader_darkens_and_misses_classes(signs: ImageSet) -> None:
    mixed = mix(signs, signs.images, 1.0, 0, loader="as-published", unreplaced_classes=1)
    assert not mixed.poisoned[signs.labels == 0].any()
    assert mixed.poisoned[signs.labels > 0].all()
    dark = Pictures(mixed.images, mixed.scale).batch(np.flatnonzero(mixed.poisoned))
    assert dark.max() <= 1 / 255 + 1e-7
    # The rescale-only control: the pictures themselves are untouched.
    assert (np.stack(list(mixed.images)) == signs.images).all()


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
