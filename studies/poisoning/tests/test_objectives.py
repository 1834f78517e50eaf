from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from poisoning_study import StudyError
from poisoning_study.data import ImageSet
from poisoning_study.models import Classifier, Discriminator, FrozenEncoder, seeded_backbone
from poisoning_study.objectives import FORMS, CraftSettings, craft, perturbation_size
from poisoning_study.objectives._adversarial import AdversarialObjective
from poisoning_study.objectives._error import ErrorObjective
from poisoning_study.objectives._perturbations import Perturbation

TINY = CraftSettings(
    "error-minimising",
    radius=8,
    surrogates=("small/residual",),
    epochs=2,
    batch_size=16,
    learning_rate=1e-2,
    features=(4, 4, 4, 4, 4, 4),
    warmup_epochs=3,
)

LAST_BIAS = "form.generator.network.final_conv_0_4.bias"


def _encoder(name: str) -> FrozenEncoder:
    return FrozenEncoder(seeded_backbone(name, 3))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("objective", ["error-minimising", "error-maximising"])
def test_the_radius_holds_after_rounding(signs: ImageSet, form: str, objective: str) -> None:
    crafted = craft(signs, replace(TINY, objective=objective, form=form), 0, _encoder)
    size = perturbation_size(signs.images, crafted.images)
    assert 0 < size["linf"] <= 8  # type: ignore[operator]
    assert crafted.images.dtype == np.uint8
    assert len(crafted.curves) == 2


def test_crafting_is_seeded_and_leaves_torch_alone(signs: ImageSet) -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    first = craft(signs, TINY, 0, _encoder)
    assert torch.equal(torch.rand(2), expected)
    assert (craft(signs, TINY, 0, _encoder).images == first.images).all()
    assert (craft(signs, TINY, 1, _encoder).images != first.images).any()


def test_class_wise_changes_are_one_a_class(signs: ImageSet) -> None:
    settings = replace(TINY, form="class-wise", learning_rate=0.1)
    crafted = craft(signs, settings, 0, _encoder)
    inside = (signs.images > 10) & (signs.images < 245)  # not clipped
    change = crafted.images.astype(int) - signs.images
    for label in range(4):
        rows = signs.labels == label
        both = inside[rows][0] & inside[rows][1]
        # Rounding of image plus change can differ by one step.
        assert (np.abs(change[rows][0] - change[rows][1])[both] <= 1).all()


def test_error_maximising_raises_the_error_of_clean_surrogates(signs: ImageSet) -> None:
    settings = replace(TINY, objective="error-maximising", form="sample-wise", epochs=6, radius=24)
    settings = replace(settings, learning_rate=0.1)
    losses = [epoch["surrogates"] for epoch in craft(signs, settings, 0, _encoder).curves]
    assert losses[-1] > losses[0] + 0.3
    towards = replace(settings, target="next-class")
    losses = [epoch["surrogates"] for epoch in craft(signs, towards, 0, _encoder).curves]
    assert losses[-1] < losses[0] - 0.3


def test_error_minimising_surrogates_learn_the_perturbation(signs: ImageSet) -> None:
    # Without labels in the pictures, only the perturbation tells the classes apart.
    same = ImageSet(np.full_like(signs.images, 128), signs.labels, signs.tracks, 4)
    settings = replace(TINY, form="class-wise", epochs=12)
    losses = [epoch["surrogates"] for epoch in craft(same, settings, 0, _encoder).curves]
    assert losses[-1] < 0.3 * losses[0]


def test_a_larger_alpha_means_a_smaller_change(signs: ImageSet) -> None:
    sizes = []
    for alpha in (0.0, 10.0, 10_000.0):
        settings = replace(TINY, objective="adversarial", radius=None, alpha=alpha, epochs=3)
        crafted = craft(signs, settings, 0, _encoder)
        sizes.append(perturbation_size(signs.images, crafted.images)["mse"])
    assert sizes[0] > sizes[1] > sizes[2]  # type: ignore[operator]


@pytest.mark.parametrize("counterfeit", [True, False])
def test_the_game_is_the_originals(signs: ImageSet, counterfeit: bool) -> None:
    settings = replace(
        TINY, objective="adversarial", radius=None, alpha=1000.0, counterfeit_head=counterfeit
    )
    torch.manual_seed(0)
    perturbation = Perturbation(settings, len(signs), 4, (32, 32))
    # The last layer starts at zero, where the penalty would be nothing.
    with torch.no_grad():
        dict(perturbation.named_parameters())[LAST_BIAS].fill_(0.01)
    discriminator = Discriminator([_encoder("small/residual"), _encoder("small/dense")], 4)
    images = torch.from_numpy(signs.images[:8]).permute(0, 3, 1, 2) / 255
    labels, rows = torch.from_numpy(signs.labels[:8]), torch.arange(8)
    with torch.no_grad():
        poisoned, change = perturbation(images, labels, rows)
        expected = {"poisoned": 0.0, "real": 0.0}
        for kind, batch, mark in (("poisoned", poisoned, 1), ("real", images, 0)):
            for logits, counterfeit_logits in discriminator(batch):
                expected[kind] += float(cross_entropy(logits, labels)) / 2
                if counterfeit:
                    marks = torch.full((8,), mark)
                    expected[kind] += float(cross_entropy(counterfeit_logits, marks)) / 2
    losses = AdversarialObjective(settings, perturbation, discriminator).step(images, labels, rows)
    assert losses["discriminator, poisoned"] == pytest.approx(expected["poisoned"], rel=1e-5)
    assert losses["discriminator, real"] == pytest.approx(expected["real"], rel=1e-5)
    assert losses["mean squared perturbation"] == pytest.approx(float(change.square().mean()))


def test_controls(signs: ImageSet) -> None:
    nothing = craft(signs, CraftSettings("none"), 0, _encoder).images
    assert (nothing == signs.images).all()
    assert perturbation_size(signs.images, nothing)["psnr"] is None
    grey = ImageSet(np.full_like(signs.images, 128), signs.labels, signs.tracks, 4)
    noise = craft(grey, CraftSettings("noise", radius=16), 0, _encoder).images.astype(int) - 128
    assert set(np.unique(noise)) == {-16, 16}
    blocks = craft(grey, CraftSettings("class-blocks", radius=16), 0, _encoder).images
    patterns = {label: blocks[signs.labels == label] for label in range(4)}
    assert all((images == images[0]).all() for images in patterns.values())
    assert len({images[0].tobytes() for images in patterns.values()}) == 4
    assert (blocks[0, :2, :2] == blocks[0, 0, 0]).all()


TAP = replace(TINY, objective="error-maximising", form="sample-wise", target="next-class")


def test_targeted_poisons_are_taken_for_the_next_class(signs: ImageSet) -> None:
    settings = replace(TAP, radius=24, epochs=4, pgd_steps=3)
    assert settings.is_tap
    assert not replace(settings, target="away").is_tap
    losses = [epoch["surrogates"] for epoch in craft(signs, settings, 0, _encoder).curves]
    # The surrogate's error towards the next class falls below that of guessing among four.
    assert losses[-1] < 0.7 * losses[0]
    assert losses[-1] < np.log(4)


def test_separable_perturbations_tell_the_classes_apart_linearly(signs: ImageSet) -> None:
    grey = ImageSet(np.full_like(signs.images, 128), signs.labels, signs.tracks, 4)
    images = craft(grey, CraftSettings("separable", rms=6.0), 0, _encoder).images
    change = images.astype(float) - 128
    # One norm an image, and patches of 8 pixels.
    norms = np.sqrt((change**2).mean((1, 2, 3)))
    assert norms == pytest.approx(6, rel=0.03)
    assert (change[:, :8, :8] == change[:, :1, :1]).all()
    # Images of a class differ, and yet their means part the classes without a mistake.
    flat = change.reshape(len(change), -1)
    assert len({row.tobytes() for row in flat}) == len(flat)
    centres = np.array([flat[signs.labels == label].mean(0) for label in range(4)])
    assert (((flat[:, None] - centres) ** 2).sum(2).argmin(1) == signs.labels).all()


def test_one_pixel_shortcuts_change_one_pixel_of_a_class_to_one_colour() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(60, 190, size=(12, 8, 8, 3)).astype(np.uint8)
    # A pixel that is always the same is the steadiest to change.
    images[:6, 2, 5] = 120
    images[6:, 7, 1] = (10, 200, 120)
    labels = np.repeat([0, 1], 6)
    data = ImageSet(images, labels, np.arange(12), 2)
    found = craft(data, CraftSettings("one-pixel"), 0, _encoder).images
    changed = (found != images).any(3)
    assert (changed.sum((1, 2)) == 1).all()
    assert changed[:6, 2, 5].all()
    assert changed[6:, 7, 1].all()
    # 120 is farther from 255 than from 0, and 10, 200, 120 farthest from 255, 0, 255.
    assert (found[:6, 2, 5] == 255).all()
    assert (found[6:, 7, 1] == (255, 0, 255)).all()
    bounded = craft(data, CraftSettings("one-pixel", radius=20), 0, _encoder).images
    assert perturbation_size(images, bounded)["linf"] == 20


@pytest.mark.parametrize(
    "settings",
    [
        CraftSettings("noise", radius=16, rms=9.0),
        CraftSettings("class-blocks", radius=16, rms=9.0),
        CraftSettings("separable", radius=16, rms=9.0),
        replace(TINY, form="class-wise", radius=16, rms=9.0, epochs=6),
        replace(TINY, form="sample-wise", radius=16, rms=9.0, pgd_steps=8),
        replace(TAP, radius=16, rms=9.0, pgd_steps=8),
    ],
)
def test_attacks_have_one_bound_and_one_root_mean_square(
    signs: ImageSet, settings: CraftSettings
) -> None:
    middle = ImageSet(signs.images // 2 + 64, signs.labels, signs.tracks, 4)
    size = perturbation_size(middle.images, craft(middle, settings, 0, _encoder).images)
    assert size["linf"] == 16
    # As near as rounding to 8 bits allows: changes of one size are rounded together.
    assert size["rms"] == pytest.approx(9.0, rel=0.03)


def test_a_root_mean_square_out_of_reach_is_refused(signs: ImageSet) -> None:
    white = ImageSet(np.full_like(signs.images, 255), signs.labels, signs.tracks, 4)
    settings = CraftSettings("noise", radius=16, rms=15.0)
    with pytest.raises(StudyError, match=r"15 of 255 was asked for.*reaches 11\.3"):
        craft(white, settings, 0, _encoder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "evil"}, "objective must be one of"),
        ({"objective": "adversarial", "surrogates": ("a",)}, "either alpha or radius"),
        ({"objective": "adversarial", "alpha": 1.0}, "at least one surrogate"),
        ({"objective": "noise"}, "needs radius"),
        ({"objective": "noise", "radius": 300}, "from 1 to 255"),
        ({"objective": "none", "alpha": -1.0}, "not be negative"),
        ({"objective": "separable", "radius": 8}, "separable needs rms"),
        ({"objective": "separable", "rms": 9.0, "radius": 8}, "no more than radius"),
        ({"objective": "adversarial", "alpha": 1.0, "rms": 3.0}, "rms needs a radius"),
        ({"objective": "none", "form": "free"}, "form must be one of"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        CraftSettings(**settings)  # type: ignore[arg-type]


def test_images_that_unet_cannot_halve(signs: ImageSet) -> None:
    odd = ImageSet(signs.images[:, :16, :16], signs.labels, signs.tracks, 4)
    with pytest.raises(StudyError, match="multiples of 16, at least 32, not 16 x 16"):
        craft(odd, TINY, 0, _encoder)


def test_sample_wise_strength_grows_with_the_steps(signs: ImageSet) -> None:
    sizes = []
    for epochs in (1, 3, 8):
        settings = replace(TINY, form="sample-wise", epochs=epochs, batch_size=8)
        sizes.append(perturbation_size(signs.images, craft(signs, settings, 0, _encoder).images))
    strengths = [size["rms"] for size in sizes]
    assert strengths[0] < strengths[1] < strengths[2]  # type: ignore[operator]
    # An eighth of the bound a step: an image is seen once an epoch.
    assert strengths[0] < 1.5 < 2.5 < strengths[2]  # type: ignore[operator]


def test_rows_outside_of_the_batch_stay(signs: ImageSet) -> None:
    settings = replace(TINY, form="sample-wise")
    torch.manual_seed(0)
    perturbation = Perturbation(settings, len(signs), 4, (32, 32))
    surrogates = [Classifier(seeded_backbone("small/residual", 0), 4)]
    objective = ErrorObjective(settings, perturbation, surrogates)
    assert perturbation.free is not None
    images = torch.from_numpy(signs.images[:8]).permute(0, 3, 1, 2) / 255
    labels = torch.from_numpy(signs.labels[:8])
    objective.step(images, labels, torch.arange(8))
    before = perturbation.free.table.detach().clone()
    objective.step(images, labels, torch.arange(8, 16))
    moved = (perturbation.free.table != before).flatten(1).any(1)
    assert moved.nonzero().flatten().tolist() == list(range(8, 16))


def test_the_strength_of_noise_is_its_bound_and_root_mean_square(signs: ImageSet) -> None:
    grey = np.full_like(signs.images, 128)
    assert perturbation_size(grey, grey + np.uint8(16))["rms"] == pytest.approx(16)
