"""Defences: what a defender can do without knowing which images are poisoned."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from poisoning_study.detection import DETECTORS
from poisoning_study.models import BatchLoss, Rows


@dataclass(frozen=True)
class Defence:
    """What is done to images, to training, or to the training set.

    Parameters
    ----------
    name, source : str
        Its name, and where it is defined.
    prepare : callable
        Applied once to uint8 images (n, h, w, 3), training and test images alike: the victim's
        new input pipeline.
    loss : callable or None
        The loss of a training batch instead of the cross entropy; test images are left alone.
    passes : int
        Forward and backward passes of a training step.
    detector : str
        Leaves out the images that this detector takes for poisoned, before training.
    """

    name: str
    source: str
    prepare: Callable[[Rows], Rows] = lambda images: images
    loss: BatchLoss | None = None
    passes: int = 1
    detector: str = ""


def _each(change: Callable[[Image.Image], Image.Image]) -> Callable[[Rows], Rows]:
    def prepare(images: Rows) -> Rows:
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


def _cutout_loss(
    model: nn.Module, batch: Tensor, labels: Tensor, rng: np.random.Generator
) -> Tensor:
    return cross_entropy(model(_cutout(batch, rng)), labels)


def _mixup_loss(
    model: nn.Module, batch: Tensor, labels: Tensor, rng: np.random.Generator
) -> Tensor:
    """Train on mixtures of two images and their labels, with uniform shares."""
    share, order = float(rng.beta(1, 1)), torch.from_numpy(rng.permutation(len(batch)))
    logits = model(share * batch + (1 - share) * batch[order])
    first, second = cross_entropy(logits, labels), cross_entropy(logits, labels[order])
    return share * first + (1 - share) * second


#: The one budget of adversarial training: largest change of a pixel, and steps to find it.
_ADVERSARY, _ADVERSARY_STEPS = 8 / 255, 3


def _adversarial_loss(
    model: nn.Module, batch: Tensor, labels: Tensor, rng: np.random.Generator
) -> Tensor:
    """Train on the images that projected gradient ascent on the loss makes of the batch."""
    start = rng.uniform(-_ADVERSARY, _ADVERSARY, size=tuple(batch.shape))
    change = torch.from_numpy(start).to(batch)
    # Statistics of batch normalisation follow the batch that is learned from alone.
    model.eval()
    for _ in range(_ADVERSARY_STEPS):
        change.requires_grad_()
        error = cross_entropy(model((batch + change).clamp(0, 1)), labels)
        (slope,) = torch.autograd.grad(error, change)
        step = 2 * _ADVERSARY / _ADVERSARY_STEPS * slope.sign()
        change = (change.detach() + step).clamp(-_ADVERSARY, _ADVERSARY)
    model.train()
    return cross_entropy(model((batch + change).clamp(0, 1)), labels)


#: Every defence by name; "none" changes nothing.
DEFENCES: dict[str, Defence] = {
    defence.name: defence
    for defence in (
        Defence("none", ""),
        Defence("grey", "Liu et al. 2023", _each(_grey)),
        Defence("jpeg", "Liu et al. 2023, quality 30", _each(_jpeg)),
        Defence("blur", "a Gaussian of one pixel in 32", _each(_blur)),
        Defence("cutout", "DeVries and Taylor 2017, half the side", loss=_cutout_loss),
        Defence("mixup", "Zhang et al. 2018", loss=_mixup_loss),
        Defence(
            "adversarial training",
            "Madry et al. 2018, 8/255, 3 steps",
            loss=_adversarial_loss,
            passes=1 + _ADVERSARY_STEPS,
        ),
        *(
            Defence(f"filter by {detector.name}", detector.source, detector=detector.name)
            for detector in DETECTORS.values()
        ),
    )
}
