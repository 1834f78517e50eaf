"""Perturbations that no network is trained for: patterns, shortcuts and the controls."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from poisoning_study.data import ImageSet
from poisoning_study.objectives._strength import Family, added, with_rms

_Pixels = NDArray[np.uint8]
_Floats = NDArray[np.float64]
#: Side of a block as a share of the image's: 4 pixels of 32.
_BLOCKS_A_SIDE = 8
#: Patches a side of separable perturbations: 8 pixels of 32, as published.
_PATCHES_A_SIDE = 4
#: Distance of classes from the origin in each coordinate, as published.
_CLASS_SEPARATION = 10.0


def untouched(data: ImageSet, bound: int, rms: float | None, rng: np.random.Generator) -> _Pixels:
    """Change nothing."""
    return data.images.copy()


def random_noise(
    data: ImageSet, bound: int, rms: float | None, rng: np.random.Generator
) -> _Pixels:
    """Add independent random signs times the bound, on as many pixels as `rms` allows."""
    signs = bound * rng.choice([-1, 1], size=data.images.shape)
    order = rng.random(data.images.shape)
    return _by_share(data.images, lambda share: np.where(order < share, signs, 0), rms)


def class_blocks(
    data: ImageSet, bound: int, rms: float | None, rng: np.random.Generator
) -> _Pixels:
    """Add one pattern of coloured blocks, plus or minus the bound, for each class.

    With `rms`, only as many blocks of each pattern are there as it allows.
    """
    shape = (data.n_classes, _BLOCKS_A_SIDE, _BLOCKS_A_SIDE, 3)
    blocks, order = bound * rng.choice([-1, 1], size=shape), rng.random(shape)
    size = data.images.shape[1:3]

    def at_share(share: float) -> _Floats:
        return _enlarged(np.where(order < share, blocks, 0.0), size)[data.labels]

    return _by_share(data.images, at_share, rms)


def separable(data: ImageSet, bound: int, rms: float | None, rng: np.random.Generator) -> _Pixels:
    """Add patches drawn from one Gaussian a class (LSP, Yu et al. 2022).

    Each class has a corner of a hypercube and a random linear map; each image a draw of its own,
    scaled to one Euclidean norm, `rms` a pixel, as published, and cut off at the bound.
    """
    n_coordinates = 3 * _PATCHES_A_SIDE**2
    points = np.empty((len(data), n_coordinates))
    for label in range(data.n_classes):
        centre = _CLASS_SEPARATION * rng.choice([-1.0, 1.0], size=n_coordinates)
        spread = rng.uniform(-1, 1, size=(n_coordinates, n_coordinates))
        rows = data.labels == label
        points[rows] = centre + rng.normal(size=(rows.sum(), n_coordinates)) @ spread
    points /= np.sqrt((points**2).mean(1, keepdims=True))
    patches = points.reshape(-1, _PATCHES_A_SIDE, _PATCHES_A_SIDE, 3)
    change = _enlarged(patches, data.images.shape[1:3])

    def at_share(share: float) -> _Pixels:
        # Cut off at the bound, the norm falls short: up to eight times as much makes up for it.
        scaled = 8 * share * (rms or bound) * change
        return added(data.images, np.clip(scaled, -bound, bound))

    return with_rms(data.images, at_share, rms)


def one_pixel(data: ImageSet, bound: int, rms: float | None, rng: np.random.Generator) -> _Pixels:
    """Set one pixel of every image of a class to one extreme colour (OPS, Wu et al. 2023).

    For each class the pixel and colour are sought whose distance to what is there is largest in the
    mean and steadiest over the class: the mean over the variance. No two classes share both.
    """
    images = data.images.copy()
    used: set[tuple[int, int]] = set()
    colours = np.array(list(product((0, 255), repeat=3)))
    width = images.shape[2]
    for label in np.unique(data.labels):
        rows = np.flatnonzero(data.labels == label)
        own = data.images[rows].reshape(len(rows), -1, 3).astype(np.float64) / 255
        ratios = []
        for colour in colours / 255:
            distances = np.abs(own - colour).sum(2)
            ratios.append(distances.mean(0) / (distances.var(0) + 1e-6))
        for best in np.argsort(-np.ravel(ratios)):
            which, pixel = divmod(int(best), own.shape[1])
            if (which, pixel) not in used:
                break
        used.add((which, pixel))
        row, column = divmod(pixel, width)
        change = colours[which] - images[rows, row, column].astype(np.int64)
        images[rows, row, column] = added(images[rows, row, column], np.clip(change, -bound, bound))
    return images


def _enlarged(coarse: _Floats, size: tuple[int, ...]) -> _Floats:
    """Return coarse pictures (k, a, b, 3) with each cell drawn as a block."""
    rows = np.arange(size[0]) * coarse.shape[1] // size[0]
    columns = np.arange(size[1]) * coarse.shape[2] // size[1]
    return coarse[:, rows][:, :, columns]


def _by_share(images: _Pixels, change: Family, rms: float | None) -> _Pixels:
    return with_rms(images, lambda share: added(images, change(share)), rms)
