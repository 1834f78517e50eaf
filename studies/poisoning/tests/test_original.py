"""The preset that repeats the original: its settings, and a run of it on a few pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import write_benchmark
from poisoning_study.data import prepare
from poisoning_study.models import TrainingSettings
from poisoning_study.protocol import RunStore, Study, VictimJob, load_study, run_study
from poisoning_study.torch_setup import declare_torchvision_operators

CONFIGS = Path(__file__).parents[1] / "configs" / "original"


def test_the_preset_has_the_settings_of_the_original() -> None:
    study = load_study(CONFIGS)
    data = study.settings.data
    assert study.settings.seeds == (0,)
    assert (data.size, data.crop, data.unreplaced_classes) == (128, "square", 10)
    assert data.shares == {"train": 1}
    assert study.settings.encoders.source == "pretrained"
    for name, n in (("game-3", 3), ("game-5", 5)):
        game = study.poisons[name]
        assert len(game.surrogates) == n
        assert all(surrogate.startswith("timm/") for surrogate in game.surrogates)
        assert (game.epochs, game.batch_size, game.alpha, game.radius) == (15, 32, 1000, None)
        assert (game.learning_rate, game.weight_decay) == (5e-4, 1e-4)
        assert game.features == (32, 32, 64, 128, 256, 32)  # MONAI's
        assert game.as_published
        assert not game.zero_start
    for victim in study.victims.values():
        assert victim.training == TrainingSettings(5, 128, 5e-4, 1e-5)
        assert victim.style == "frozen"
        assert victim.as_published
    table = study.experiments["1-table"]
    assert (table.loader, table.choice) == ("as-published", "first-names")
    assert table.fractions == (0, 0.1, 0.5, 1)


def _small(study: Study) -> Study:
    """Return the study of two victims with one epoch each, at 32 pixels and fewer channels."""
    once = TrainingSettings(1, 8, 5e-4, 1e-5)
    return replace(
        study,
        settings=replace(study.settings, data=replace(study.settings.data, size=32)),
        poisons={
            name: replace(poison, epochs=1, batch_size=8, features=(4, 4, 4, 4, 4, 4))
            for name, poison in study.poisons.items()
        },
        victims={name: replace(victim, training=once) for name, victim in study.victims.items()},
        experiments={
            name: replace(
                experiment,
                victims=("tiny-vit", "resnet34"),
                poisons=tuple(poison for poison in experiment.poisons if poison != "game-5"),
            )
            for name, experiment in study.experiments.items()
        },
    )


def test_the_preset_runs_on_a_few_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare_torchvision_operators()
    timm = pytest.importorskip("timm", reason="the preset needs the extra timm")
    create: Any = timm.create_model

    def without_weights(name: str, *, pretrained: bool, num_classes: int) -> Any:
        assert pretrained
        return create(name, pretrained=False, num_classes=num_classes)

    monkeypatch.setattr(timm, "create_model", without_weights)
    archive = write_benchmark(tmp_path / "archive", "official", classes=(0, 12))
    prepared = tmp_path / "prepared"
    prepare(archive, prepared, size=32, crop="square", partial=True, progress=False)
    study = _small(load_study(CONFIGS, prepared))
    run_study(study, tmp_path / "out", progress=False)
    store = RunStore(tmp_path / "out/runs")
    assert store.failures() == []
    poisoned: dict[tuple[str, float], int] = {}
    for run in study.runs():
        assert isinstance(run.job, VictimJob)
        record = store.find(run.job)
        assert record is not None
        assert 0 <= record["result"]["final"] <= 1
        assert record["result"]["n_train"] == 24
        poisoned[run.experiment, run.fraction] = record["result"]["n_poisoned"]
    # The first names are class 0's, which the published loader misses; the sound one does not.
    assert poisoned == {
        ("1-table", 0.0): 0,
        ("1-table", 0.1): 0,
        ("1-table", 0.5): 0,
        ("1-table", 1.0): 12,
        ("2-rescale-only", 0.0): 0,
        ("2-rescale-only", 0.1): 0,
        ("2-rescale-only", 0.5): 0,
        ("2-rescale-only", 1.0): 12,
        ("3-loaded-as-made", 0.0): 0,
        ("3-loaded-as-made", 1.0): 24,
    }
