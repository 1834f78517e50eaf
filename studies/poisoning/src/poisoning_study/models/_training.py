"""Batches, one training loop for every classifier, accuracy and features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from poisoning_study.devices import device, mixed_precision
from poisoning_study.errors import StudyError
from poisoning_study.models._backbones import Backbone

#: Largest batch for passes without gradients: larger ones leave the processor's cache.
PASS = 64


@dataclass(frozen=True)
class TrainingSettings:
    """How a classifier is trained.

    Parameters
    ----------
    epochs, batch_size : int
        Passes over the training set and images a step.
    learning_rate, weight_decay : float
        Of Adam.
    schedule : {"constant", "one-cycle"}
        The original keeps the rate constant; one cycle trains from scratch in few epochs.
    """

    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 5e-4
    weight_decay: float = 1e-5
    schedule: str = "constant"

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2:
            raise StudyError(
                f"epochs must be at least 1 and batch_size at least 2, not {self.epochs} and "
                f"{self.batch_size}."
            )
        if self.schedule not in ("constant", "one-cycle"):
            raise StudyError(f"schedule must be constant or one-cycle, not {self.schedule!r}.")


#: From a model, a batch, its labels and a generator to the loss of a training step.
BatchLoss = Callable[[nn.Module, Tensor, Tensor, np.random.Generator], Tensor]


def plain_loss(model: nn.Module, batch: Tensor, labels: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the cross entropy of a batch."""
    return nn.functional.cross_entropy(model(batch), labels)


class Inputs(Protocol):
    """What a network is fed, a batch at a time."""

    def __len__(self) -> int: ...

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the given rows as floats on the device."""
        ...


class Rows(Protocol):
    """Pictures of which some rows can be had: an array, a memory map, or what makes them up."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]: ...

    def __iter__(self) -> Iterator[NDArray[np.uint8]]: ...


class Pictures:
    """Pictures that stay uint8 (in memory or in a memory map) and are scaled batch by batch.

    Parameters
    ----------
    images : uint8 array (n, h, w, 3), or what has its rows
        Pixels.
    scale : float32 array (n,), optional
        What each picture is multiplied by; division by 255 if None.
    """

    def __init__(self, images: Rows, scale: NDArray[np.float32] | None = None) -> None:
        self.images = images
        self.scale = scale

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the given rows as floats (n, 3, h, w) on the device; bytes are what travels."""
        pixels = torch.from_numpy(np.asarray(self.images[rows])).to(device())
        floats = pixels.permute(0, 3, 1, 2).to(torch.get_default_dtype())
        if self.scale is None:
            return floats / 255
        return floats * torch.from_numpy(self.scale[rows]).to(device())[:, None, None, None]


class Vectors:
    """Features (n, d) in the place of pictures, for heads trained on a fixed encoder."""

    def __init__(self, features: NDArray[np.float64]) -> None:
        self.features = features

    def __len__(self) -> int:
        return len(self.features)

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the given rows as floats (n, d) on the device."""
        return torch.from_numpy(self.features[rows]).to(device(), torch.get_default_dtype())


def passes(inputs: Inputs) -> Iterator[Tensor]:
    """Yield all rows in order, in batches for passes without gradients."""
    for start in range(0, len(inputs), PASS):
        yield inputs.batch(np.arange(start, min(start + PASS, len(inputs))))


def batches(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield rows 0..n-1 in random order, `batch_size` at a time, without a last batch of 1."""
    order = rng.permutation(n)
    for start in range(0, n, batch_size):
        rows = order[start : start + batch_size]
        # Batch normalisation has no variance on a single image.
        if len(rows) > 1:
            yield rows


@torch.no_grad()
def accuracy(model: nn.Module, images: Inputs, labels: NDArray[np.int64]) -> float:
    """Return the share of `images` that `model`, in evaluation mode, classifies as `labels`."""
    model.to(device()).eval()
    predicted = [model(part).argmax(1).cpu() for part in passes(images)]
    return float((torch.cat(predicted).numpy() == labels).mean())


@torch.no_grad()
def extract_features(backbone: Backbone, images: Inputs) -> NDArray[np.float64]:
    """Return the features of `images` in evaluation mode, (n, feature_size)."""
    backbone.to(device()).eval()
    parts = [backbone(part).cpu() for part in passes(images)]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)


def fit_classifier(
    model: nn.Module,
    images: Inputs,
    labels: NDArray[np.int64],
    settings: TrainingSettings,
    rng: np.random.Generator,
    *,
    loss: BatchLoss = plain_loss,
    after_epoch: Callable[[int], None] | None = None,
) -> None:
    """Train `model` in place.

    Parameters
    ----------
    model : nn.Module
        Images to logits, moved to the device; only parameters that require gradients change.
    images : Inputs
        Pictures, or features that stand for them.
    labels : int64 array (n,)
        Classes.
    settings : TrainingSettings
        Epochs, rates, schedule.
    rng : numpy Generator
        Order of the batches and the loss's draws.
    loss : callable, optional
        Loss of a batch; the cross entropy unless a defence has another.
    after_epoch : callable, optional
        Called with the epoch's number, from 1.
    """
    model.to(device())
    targets = torch.from_numpy(labels).to(device())
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(
        parameters, settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    steps = sum(1 for _ in batches(len(labels), settings.batch_size, np.random.default_rng(0)))
    schedule = None
    if settings.schedule == "one-cycle":
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.learning_rate, total_steps=settings.epochs * steps + 1
        )
    for epoch in range(1, settings.epochs + 1):
        model.train()
        for rows in batches(len(labels), settings.batch_size, rng):
            batch = images.batch(rows)
            with mixed_precision():
                error = loss(model, batch, targets[torch.from_numpy(rows)], rng)
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            if schedule is not None:
                schedule.step()
        if after_epoch is not None:
            after_epoch(epoch)
