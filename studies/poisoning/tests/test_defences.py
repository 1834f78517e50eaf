from __future__ import annotations

import numpy as np
import pytest
import torch

from poisoning_study.data import ImageSet
from poisoning_study.defences import DEFENCES


@pytest.mark.parametrize("name", DEFENCES)
def test_defences_keep_shape_and_inputs(signs: ImageSet, name: str) -> None:
    before = signs.images.copy()
    prepared = DEFENCES[name].prepare(signs.images)
    assert (signs.images == before).all()
    assert prepared.shape == before.shape
    assert prepared.dtype == np.uint8
    assert (prepared != before).any() == (name in ("jpeg", "grey", "blur"))


def test_grey_has_no_colour_and_blur_less_noise(signs: ImageSet) -> None:
    grey = DEFENCES["grey"].prepare(signs.images)
    assert (grey == grey[..., :1]).all()
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (4, 32, 32, 3)).astype(np.uint8)
    assert DEFENCES["blur"].prepare(noise).std() < 0.7 * noise.std()


def test_cutout_hides_a_square_of_training_batches_only() -> None:
    cutout = DEFENCES["cutout"]
    assert cutout.augment is not None
    batch = torch.ones(5, 3, 16, 16)
    hidden = cutout.augment(batch, np.random.default_rng(0))
    assert (batch == 1).all()
    assert ((hidden == 0.5).sum((1, 2, 3)) == 3 * 8 * 8).all()
    assert len({tuple(np.flatnonzero(image[0, :, :] == 0.5)) for image in hidden.numpy()}) > 1
