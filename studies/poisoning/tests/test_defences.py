from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from poisoning_study.data import ImageSet
from poisoning_study.defences import DEFENCES
from poisoning_study.detection import DETECTORS


@pytest.mark.parametrize("name", DEFENCES)
def test_defences_keep_shape_and_inputs(signs: ImageSet, name: str) -> None:
    before = signs.images.copy()
    prepared = np.stack(list(DEFENCES[name].prepare(signs.images)))
    assert (signs.images == before).all()
    assert prepared.shape == before.shape
    assert prepared.dtype == np.uint8
    assert (prepared != before).any() == (name in ("jpeg", "grey", "blur"))


def test_grey_has_no_colour_and_blur_less_noise(signs: ImageSet) -> None:
    grey = np.stack(list(DEFENCES["grey"].prepare(signs.images)))
    assert (grey == grey[..., :1]).all()
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (4, 32, 32, 3)).astype(np.uint8)
    assert np.std(list(DEFENCES["blur"].prepare(noise))) < 0.7 * noise.std()


class _Watched(nn.Module):
    """A linear classifier that remembers what it was shown, and whether it was learning."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * 16 * 16, 2)
        self.shown: list[tuple[bool, torch.Tensor]] = []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.shown.append((self.training, batch.detach().clone()))
        logits: torch.Tensor = self.layer(batch.flatten(1))
        return logits


def _loss(name: str, model: nn.Module, batch: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    loss = DEFENCES[name].loss
    assert loss is not None
    return loss(model, batch, labels, np.random.default_rng(0))


def test_cutout_hides_a_square_of_training_batches_only() -> None:
    model, batch, labels = _Watched(), torch.ones(5, 3, 16, 16), torch.zeros(5, dtype=torch.long)
    _loss("cutout", model, batch, labels)
    ((_, hidden),) = model.shown
    assert (batch == 1).all()
    assert ((hidden == 0.5).sum((1, 2, 3)) == 3 * 8 * 8).all()
    assert len({tuple(np.flatnonzero(image[0, :, :] == 0.5)) for image in hidden.numpy()}) > 1


def test_mixup_learns_mixtures_of_images_from_mixtures_of_labels() -> None:
    torch.manual_seed(0)
    model, labels = _Watched(), torch.tensor([0, 1, 0, 1])
    batch = torch.arange(4.0)[:, None, None, None].expand(4, 3, 16, 16) / 4
    loss = _loss("mixup", model, batch, labels)
    ((_, mixed),) = model.shown
    rng = np.random.default_rng(0)
    share, order = rng.beta(1, 1), rng.permutation(4)
    assert 0 < share < 1
    assert torch.allclose(mixed, share * batch + (1 - share) * batch[order])
    targets = share * one_hot(labels, 2) + (1 - share) * one_hot(labels[order], 2)
    logits = model.layer(mixed.flatten(1))
    assert loss.item() == pytest.approx(cross_entropy(logits, targets.float()).item(), rel=1e-5)


def test_adversarial_training_learns_from_worse_images_within_its_budget() -> None:
    torch.manual_seed(0)
    model, labels = _Watched(), torch.tensor([0, 1, 0, 1])
    batch = torch.rand(4, 3, 16, 16) * 0.8 + 0.1
    loss = _loss("adversarial training", model, batch, labels)
    *searches, (learning, learned) = model.shown
    assert learning
    assert [training for training, _ in searches] == [False] * 3
    assert len(model.shown) == DEFENCES["adversarial training"].passes
    assert (learned - batch).abs().max().item() == pytest.approx(8 / 255, rel=1e-4)
    # Of a linear classifier the worst images within the bound are known.
    weights = model.layer.weight.detach()
    away = (weights[1 - labels] - weights[labels]).sign().reshape(4, 3, 16, 16)
    worst = cross_entropy(model.layer((batch + 8 / 255 * away).flatten(1)), labels)
    plain = cross_entropy(model.layer(batch.flatten(1)), labels)
    assert plain.item() < 0.8 * loss.item()
    assert loss.item() == pytest.approx(worst.item(), rel=0.02)


def test_every_detector_has_a_filter() -> None:
    assert {d.detector for d in DEFENCES.values() if d.detector} == set(DETECTORS)
