"""The forms a perturbation can take: modules from (images, labels, rows) to additive changes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from poisoning_study.models import PerturbationGenerator
from poisoning_study.objectives._settings import CraftSettings


class _Free(nn.Module):
    """A table of free perturbations in [-1, 1], one row a class or an image.

    It learns by signed gradient steps (PGD) of the rows that a batch has. An optimiser with
    momentum would go on moving the rows of earlier batches, and weaken them.
    """

    def __init__(self, n_rows: int, shape: tuple[int, int], by_class: bool) -> None:
        super().__init__()
        self.table = nn.Parameter(0.01 * torch.randn(n_rows, 3, *shape))
        self.by_class = by_class

    @torch.no_grad()
    def descend(self, step: float) -> None:
        """Move against the sign of the gradient; rows without one stay."""
        assert self.table.grad is not None
        self.table.sub_(step * self.table.grad.sign()).clamp_(-1, 1)
        self.table.grad = None

    def forward(self, images: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        return self.table[labels if self.by_class else rows]


class _Generated(nn.Module):
    """UNet++ on the image, and on the class if it is told."""

    def __init__(self, features: tuple[int, ...], n_classes: int, zero_start: bool) -> None:
        super().__init__()
        self.generator = PerturbationGenerator(features, n_classes, zero_start=zero_start)

    def forward(self, images: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        change: Tensor = self.generator(images, labels)
        return change


class Perturbation(nn.Module):
    """Perturbed images from images, labels and their rows in the training set.

    With a radius, changes are `radius / 255` times a generator's tanh or a free row in [-1, 1], and
    the result is clipped to [0, 1]; with
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
            self.form = _Generated(settings.features, told, settings.zero_start)

    @property
    def free(self) -> _Free | None:
        """The table of free perturbations, None for a generator."""
        return self.form if isinstance(self.form, _Free) else None

    def forward(self, images: Tensor, labels: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return (perturbed images, perturbations)."""
        raw: Tensor = self.form(images, labels, rows)
        if self.radius is None:
            return images + raw, raw
        bounded = raw if isinstance(self.form, _Free) else torch.tanh(raw)
        change = self.radius / 255 * bounded
        return (images + change).clamp(0, 1), change
