"""Cheap defences: what a defender can do to every image without knowing which are poisoned."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

_Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Defence:
    """What is done to images.

    Parameters
    ----------
    name : str
        Its name.
    prepare : callable
        Applied once to uint8 images (n, h, w, 3), training and test images alike: the victim's
        new input pipeline.
    augment : callable or None
        Applied to every training batch with a random generator, never to test images.
    """

    name: str
    prepare: Callable[[_Pixels], _Pixels]
    augment: Callable[[Tensor, np.random.Generator], Tensor] | None = None


def _each(change: Callable[[Image.Image], Image.Image]) -> Callable[[_Pixels], _Pixels]:
    def prepare(images: _Pixels) -> _Pixels:
        return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])

    return prepare


def _jpeg(image: Image.Image, quality: int = 30) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    buffer.seek(0)
    with Image.open(buffer) as opened:
        return opened.convert("RGB")


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def _blur(image: Image.Image) -> Image.Image:
    # One pixel in 32; the radius grows with the image so that the defence means the same.
    return image.filter(ImageFilter.GaussianBlur(image.width / 32))


def _cutout(batch: Tensor, rng: np.random.Generator) -> Tensor:
    """Set a random square of half the side to grey in every image (DeVries and Taylor 2017)."""
    batch = batch.clone()
    n, _, height, width = batch.shape
    side = min(height, width) // 2
    tops, lefts = rng.integers(0, height - side + 1, n), rng.integers(0, width - side + 1, n)
    for image, top, left in zip(batch, tops, lefts, strict=True):
        image[:, top : top + side, left : left + side] = 0.5
    return batch


#: Every defence by name; "none" changes nothing.
DEFENCES: dict[str, Defence] = {
    defence.name: defence
    for defence in (
        Defence("none", lambda images: images),
        Defence("jpeg", _each(_jpeg)),
        Defence("grey", _each(_grey)),
        Defence("blur", _each(_blur)),
        Defence("cutout", lambda images: images, _cutout),
    )
}
