from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from poisoning_study import StudyError, devices
from poisoning_study.cli import main
from poisoning_study.data import ImageSet
from poisoning_study.models import (
    Classifier,
    FrozenEncoder,
    Pictures,
    TrainingSettings,
    Vectors,
    accuracy,
    extract_features,
    fit_classifier,
    seeded_backbone,
)
from poisoning_study.objectives import CraftSettings, craft
from poisoning_study.protocol import DataSettings, PoolJob, RunStore

CONFIGS = Path(__file__).parents[1] / "configs"
SETTINGS = TrainingSettings(epochs=2, batch_size=16, learning_rate=1e-2)


@dataclass
class Whole:
    """All pixels as floats at once, as the study held them before."""

    floats: Tensor

    def __len__(self) -> int:
        return len(self.floats)

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        return self.floats[torch.from_numpy(rows)]


def _whole(images: NDArray[np.uint8], scale: NDArray[np.float32] | None) -> Whole:
    floats = torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32)
    scaled = (
        floats / 255 if scale is None else floats * torch.from_numpy(scale)[:, None, None, None]
    )
    return Whole(scaled)


@pytest.mark.parametrize("scaled", [False, True])
def test_pictures_scaled_by_batch_train_to_the_same_bits(
    signs: ImageSet, scaled: bool, tmp_path: Path
) -> None:
    scale = np.linspace(0.001, 0.004, len(signs), dtype=np.float32) if scaled else None
    np.save(tmp_path / "pictures.npy", signs.images)
    mapped = np.load(tmp_path / "pictures.npy", mmap_mode="r")
    found = []
    for inputs in (Pictures(mapped, scale), _whole(signs.images, scale)):
        model = Classifier(seeded_backbone("small/residual", 0), signs.n_classes)
        nn.init.constant_(model.head.weight, 0.01)
        nn.init.zeros_(model.head.bias)
        fit_classifier(model, inputs, signs.labels, SETTINGS, np.random.default_rng(0))
        score = accuracy(model, inputs, signs.labels)
        found.append((model.state_dict(), score, extract_features(model.backbone, inputs)))
    (weights, score, features), (same, same_score, same_features) = found
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    assert score == same_score
    assert np.array_equal(features, same_features)


def test_inputs_stay_small_until_a_batch_is_asked_for(signs: ImageSet) -> None:
    pictures = Pictures(signs.images)
    assert pictures.images[np.array([3, 1])].dtype == np.uint8
    assert pictures.batch(np.array([3, 1])).shape == (2, 3, 32, 32)
    assert Vectors(np.ones((4, 2))).batch(np.array([0])).dtype == torch.float32


def test_on_the_processor_nothing_is_rounded_and_keys_have_no_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    devices.choose_device("cpu")
    assert devices.device() == torch.device("cpu")
    with devices.mixed_precision():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == torch.float32
    job = PoolJob(DataSettings(), "train", 0)
    # The key that this job has since version 4 of the code.
    assert RunStore.key(job) == "dac76c397dda4ceaec2b"
    monkeypatch.setattr(devices, "_device", torch.device("cuda"))
    assert RunStore.key(job) != "dac76c397dda4ceaec2b"


def test_a_device_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    asked = ["run", str(CONFIGS / "reduced"), "--out", str(tmp_path / "out"), "--device", "cuda"]
    assert main(asked) == 1
    message = capsys.readouterr().err
    assert "--device cuda was asked for, but" in message
    assert "Use --device cpu" in message
    with pytest.raises(StudyError, match="must be one of auto, cpu, cuda"):
        devices.choose_device("tpu")
    devices.choose_device("auto")
    assert devices.device().type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_trains(signs: ImageSet) -> None:
    devices.choose_device("cuda")
    try:
        model = Classifier(seeded_backbone("small/residual", 0), signs.n_classes)
        settings = TrainingSettings(8, 16, 1e-2, 1e-4, "one-cycle")
        pictures = Pictures(signs.images)
        fit_classifier(model, pictures, signs.labels, settings, np.random.default_rng(0))
        assert next(model.parameters()).is_cuda
        assert accuracy(model, pictures, signs.labels) > 0.5
    finally:
        devices.choose_device("cpu")


@pytest.mark.parametrize("objective", ["adversarial", "error-minimising", "error-maximising"])
@pytest.mark.parametrize("form", ["label-generator", "sample-wise"])
def test_crafting_and_training_hold_with_bfloat16_steps(
    signs: ImageSet, monkeypatch: pytest.MonkeyPatch, objective: str, form: str
) -> None:
    # The precision of CUDA's steps, tried on the processor: dtypes meet in the same places.
    entered = []

    def rounded() -> torch.autocast:
        entered.append(1)
        return torch.autocast("cpu", torch.bfloat16)

    for module in ("models._training", "objectives._adversarial", "objectives._error"):
        monkeypatch.setattr(f"poisoning_study.{module}.mixed_precision", rounded)
    few = signs.take(np.arange(16))
    settings = CraftSettings(
        objective,
        form,
        radius=16,
        surrogates=("small/residual",),
        epochs=1,
        batch_size=8,
        warmup_epochs=1,
        learning_rate=0.05,
        zero_start=False,
        features=(4, 4, 4, 4, 4, 4),
    )
    crafted = craft(few, settings, 0, lambda name: FrozenEncoder(seeded_backbone(name, 0)))
    assert entered
    assert np.isfinite(list(crafted.curves[0].values())).all()
    change = np.abs(crafted.images.astype(int) - few.images)
    assert 0 < change.max() <= 16
    model = Classifier(seeded_backbone("small/residual", 0), signs.n_classes)
    longer = TrainingSettings(8, 16, 1e-2, 1e-4, "one-cycle")
    fit_classifier(model, Pictures(signs.images), signs.labels, longer, np.random.default_rng(0))
    assert next(model.parameters()).dtype == torch.float32
    assert accuracy(model, Pictures(signs.images), signs.labels) > 0.5
