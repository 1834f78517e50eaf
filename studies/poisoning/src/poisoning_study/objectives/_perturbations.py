"""The forms a perturbation can take: modules from (images, labels, rows) to additive changes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from poisoning_study.models import PerturbationGenerator
from poisoning_study.objectives._settings import CraftSettings


class _Free(nn.Module):
    """A table of free perturbations, one row a class or an image."""

    def __init__(self, n_rows: int, shape: tuple[int, int], by_class: bool) -> None:
        super().__init__()
        self.table = nn.Parameter(0.01 * torch.randn(n_rows, 3, *shape))
        self.by_class = by_class

    def forward(self, images: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        return self.table[labels if self.by_class else rows]


class _Generated(nn.Module):
    """UNet++ on the image, and on the class if it is told."""

    def __init__(self, features: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.generator = PerturbationGenerator(features, n_classes)

    def forward(self, images: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        change: Tensor = self.generator(images, labels)
        return change


class Perturbation(nn.Module):
    """Perturbed images from images, labels and their rows in the training set.

    With a radius, changes are `radius / 255 * tanh(...)` and the result is clipped to [0, 1]; with
    a penalty they are unbounded and not clipped while crafting, as in the original.
    """

    def __init__(
        self, settings: CraftSettings, n_images: int, n_classes: int, shape: tuple[int, int]
    ) -> None:
        super().__init__()
        self.radius = settings.radius
        self.form: nn.Module
        if settings.form == "class-wise":
            self.form = _Free(n_classes, shape, by_class=True)
        elif settings.form == "sample-wise":
            self.form = _Free(n_images, shape, by_class=False)
        else:
            told = n_classes if settings.form == "label-generator" else 0
            self.form = _Generated(settings.features, told)

    def forward(self, images: Tensor, labels: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return (perturbed images, perturbations)."""
        raw: Tensor = self.form(images, labels, rows)
        if self.radius is None:
            return images + raw, raw
        change = self.radius / 255 * torch.tanh(raw)
        return (images + change).clamp(0, 1), change
