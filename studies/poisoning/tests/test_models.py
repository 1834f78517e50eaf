from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from poisoning_study import StudyError
from poisoning_study.data import ImageSet
from poisoning_study.models import (
    Classifier,
    Discriminator,
    FrozenClassifier,
    FrozenEncoder,
    PerturbationGenerator,
    Pictures,
    TrainingSettings,
    accuracy,
    batches,
    build_backbone,
    fit_classifier,
    parameter_count,
    seeded_backbone,
)

FAMILIES = ("residual", "inverted", "split-attention", "grouped", "dense")


@pytest.mark.parametrize("family", FAMILIES)
def test_small_backbones_make_features(family: str) -> None:
    small, deep = build_backbone(f"small/{family}"), build_backbone(f"deep/{family}")
    assert small(torch.rand(2, 3, 32, 32)).shape == (2, small.feature_size)
    assert parameter_count(deep) > 1.5 * parameter_count(small)


def test_seeded_backbones_leave_torch_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, two = seeded_backbone("small/residual", 1), seeded_backbone("small/residual", 1)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_unknown_backbones_and_missing_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudyError, match="Unknown backbone 'small/vgg'"):
        build_backbone("small/vgg")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(StudyError, match=r"timm/resnet34 needs timm.*use the small backbones"):
        build_backbone("timm/resnet34")


@pytest.mark.parametrize("drifting", [False, True])
def test_frozen_encoders_change_only_where_asked(drifting: bool) -> None:
    encoder = FrozenEncoder(build_backbone("small/residual"), drifting_norm=drifting).train()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    images = torch.rand(8, 3, 16, 16)
    alone, together = encoder(images[:4]), encoder(images)[:4]
    changed = {k for k, v in encoder.state_dict().items() if not torch.equal(v, before[k])}
    assert bool(changed) == drifting
    assert all("running" in name or "tracked" in name for name in changed)
    assert torch.allclose(alone, together, atol=1e-5) != drifting
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_discriminator_has_two_shared_heads() -> None:
    encoders = [FrozenEncoder(build_backbone(f"small/{family}")) for family in FAMILIES[:3]]
    discriminator = Discriminator(encoders, 5)
    outputs = discriminator(torch.rand(2, 3, 16, 16))
    assert [(a.shape, b.shape) for a, b in outputs] == [((2, 5), (2, 2))] * 3
    assert len(discriminator.projections) == 1
    published = Discriminator(encoders, 5, relu_logits=True)
    assert all((a >= 0).all() for a, _ in published(torch.rand(2, 3, 16, 16)))


def test_relu_on_the_logits_can_kill_every_gradient() -> None:
    encoder = FrozenEncoder(build_backbone("small/residual"))
    model = FrozenClassifier(encoder, 3, relu_logits=True)
    last = model.head[2]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.constant_(last.bias, -1e3)
    logits = model(torch.rand(4, 3, 16, 16))
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    assert last.weight.grad is not None
    assert (last.weight.grad == 0).all()


def test_generators_start_from_nothing_and_hear_the_class() -> None:
    generator = PerturbationGenerator((4, 4, 4, 4, 4, 4), n_classes=3)
    images = torch.rand(2, 3, 32, 32)
    assert (generator(images, torch.tensor([0, 1])) == 0).all()
    for parameter in generator.network.final_conv_0_4.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    same = images[:1].expand(2, -1, -1, -1)
    first, second = generator(same, torch.tensor([0, 2]))
    assert not torch.allclose(first, second)


def test_training_learns(signs: ImageSet) -> None:
    model = Classifier(seeded_backbone("small/residual", 0), 4)
    images = Pictures(signs.images)
    settings = TrainingSettings(6, 16, 1e-2, 1e-4, "one-cycle")
    fit_classifier(model, images, signs.labels, settings, np.random.default_rng(0))
    assert accuracy(model, images, signs.labels) > 0.8


def test_batches_cover_every_row_once_and_skip_a_single_one() -> None:
    parts = list(batches(9, 4, np.random.default_rng(0)))
    assert [len(part) for part in parts] == [4, 4]
    whole = np.sort(np.concatenate(list(batches(10, 4, np.random.default_rng(0)))))
    assert (whole == np.arange(10)).all()


def test_training_settings_are_checked() -> None:
    with pytest.raises(StudyError, match="epochs"):
        TrainingSettings(epochs=0)
    with pytest.raises(StudyError, match="schedule"):
        TrainingSettings(schedule="cosine")
