"""From a training set and settings to the same set perturbed, whole and rounded to 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poisoning_study.data import ImageSet
from poisoning_study.devices import device
from poisoning_study.errors import StudyError
from poisoning_study.models import (
    PASS,
    Classifier,
    Discriminator,
    FrozenEncoder,
    Pictures,
    TrainingSettings,
    batches,
    fit_classifier,
    passes,
    seeded_backbone,
)
from poisoning_study.objectives._adversarial import AdversarialObjective
from poisoning_study.objectives._error import ErrorObjective
from poisoning_study.objectives._perturbations import Perturbation
from poisoning_study.objectives._pixels import to_8_bits
from poisoning_study.objectives._settings import CraftSettings
from poisoning_study.objectives._strength import equalised
from poisoning_study.seeds import derived_seed, generator

#: A backbone's name to its encoder, trained on another task.
EncoderSource = Callable[[str], FrozenEncoder]


class _Objective(Protocol):
    def step(self, images: Tensor, labels: Tensor, rows: Tensor) -> dict[str, float]: ...


@dataclass(frozen=True)
class Crafted:
    """Perturbed images and how they came about.

    Parameters
    ----------
    images : uint8 array (n, h, w, 3)
        Every training image, perturbed.
    curves : list of dict
        Mean losses of each epoch; empty for controls.
    """

    images: NDArray[np.uint8]
    curves: list[dict[str, float]]


def _classifiers(settings: CraftSettings, data: ImageSet, seed: int) -> list[Classifier]:
    models = []
    for index, name in enumerate(settings.surrogates):
        backbone = seeded_backbone(name, derived_seed(seed, "surrogate", index))
        model = Classifier(backbone, data.n_classes)
        if settings.attack.surrogates == "trained":
            training = TrainingSettings(
                settings.warmup_epochs, settings.batch_size, 1e-2, 1e-4, "one-cycle"
            )
            rng = generator(seed, "surrogate order", index)
            fit_classifier(model, Pictures(data.images), data.labels, training, rng)
        models.append(model.to(device()))
    return models


def _objective(
    settings: CraftSettings,
    perturbation: Perturbation,
    data: ImageSet,
    seed: int,
    encoder: EncoderSource,
) -> _Objective:
    if settings.attack.surrogates == "encoders":
        encoders = [encoder(name) for name in settings.surrogates]
        discriminator = Discriminator(
            encoders, data.n_classes, relu_logits=settings.as_published
        ).train()
        discriminator.to(device())
        return AdversarialObjective(settings, perturbation, discriminator)
    return ErrorObjective(settings, perturbation, _classifiers(settings, data, seed))


def craft(data: ImageSet, settings: CraftSettings, seed: int, encoder: EncoderSource) -> Crafted:
    """Perturb every image of `data`.

    Parameters
    ----------
    data : ImageSet
        The training set. UNet++ needs sides that are multiples of 16, at least 32.
    settings : CraftSettings
        Objective, form, strength, surrogates, budget.
    seed : int
        Initial weights, order of batches, controls' draws. Torch's own random state is untouched.
    encoder : callable
        Frozen encoder of a name, for the adversarial objective; a new object each call.

    Raises
    ------
    StudyError
        Image sides that UNet++ cannot halve four times, losses that are no longer finite, or a root
        mean square that cannot be reached within the radius.
    """
    pattern = settings.attack.pattern
    if pattern is not None:
        rng = generator(seed, settings.objective)
        return Crafted(pattern(data, settings.radius or 255, settings.rms, rng), [])
    height, width = data.images.shape[1:3]
    divisible = height % 16 == width % 16 == 0 and min(height, width) >= 32
    if settings.form.endswith("generator") and not divisible:
        raise StudyError(
            f"UNet++ needs sides that are multiples of 16, at least 32, not {height} x {width}."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "crafting"))
        perturbation = Perturbation(settings, len(data), data.n_classes, (height, width))
        perturbation.to(device())
        objective = _objective(settings, perturbation, data, seed, encoder)
        crafted = _run(data, settings, seed, perturbation, objective)
    if settings.rms is None or settings.radius is None:
        return crafted
    rng = generator(seed, "strength")
    equal = equalised(data.images, crafted.images, settings.radius, settings.rms, rng)
    return Crafted(equal, crafted.curves)


def _run(
    data: ImageSet,
    settings: CraftSettings,
    seed: int,
    perturbation: Perturbation,
    objective: _Objective,
) -> Crafted:
    images, labels = Pictures(data.images), torch.from_numpy(data.labels).to(device())
    rng = generator(seed, "crafting order")
    curves = []
    for epoch in range(1, settings.epochs + 1):
        perturbation.train()
        losses = []
        for part in batches(len(data), settings.batch_size, rng):
            rows = torch.from_numpy(part).to(device())
            losses.append(objective.step(images.batch(part), labels[rows], rows))
        means = {name: float(np.mean([loss[name] for loss in losses])) for name in losses[0]}
        if not all(np.isfinite(value) for value in means.values()):
            raise StudyError(
                f"Crafting diverged in epoch {epoch}: {means}. Lower learning_rate or raise alpha."
            )
        curves.append(means)
    perturbation.eval()
    with torch.no_grad():
        every = torch.arange(len(data), device=device()).split(PASS)
        parts = [
            to_8_bits(perturbation(batch, labels[rows], rows)[0])
            for batch, rows in zip(passes(images), every, strict=True)
        ]
    return Crafted(np.concatenate(parts), curves)
