"""Perturbations that nothing was optimised for: the controls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poisoning_study.data import ImageSet

#: Side of a block as a share of the image's: 4 pixels of 32.
_BLOCKS_A_SIDE = 8


def _add(images: NDArray[np.uint8], change: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(images.astype(np.int64) + change, 0, 255), dtype=np.uint8)


def random_noise(data: ImageSet, radius: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Add independent random signs times `radius`: the largest noise that the bound allows."""
    return _add(data.images, radius * rng.choice([-1, 1], size=data.images.shape))


def class_blocks(data: ImageSet, radius: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Add one pattern of coloured blocks, plus or minus `radius`, for each class.

    A linearly separable perturbation (Yu et al. 2022) that needs no surrogate.
    """
    height, width = data.images.shape[1:3]
    coarse = rng.choice([-1, 1], size=(data.n_classes, _BLOCKS_A_SIDE, _BLOCKS_A_SIDE, 3))
    rows = np.arange(height) * _BLOCKS_A_SIDE // height
    columns = np.arange(width) * _BLOCKS_A_SIDE // width
    return _add(data.images, radius * coarse[:, rows][:, :, columns][data.labels])
