from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import FILES
from poisoning_study import StudyError, devices
from poisoning_study.cli import main
from poisoning_study.data import ImageSet
from poisoning_study.defences import DEFENCES
from poisoning_study.files import write_json
from poisoning_study.models import (
    Classifier,
    FrozenEncoder,
    PerturbationGenerator,
    Pictures,
    TrainingSettings,
    extract_features,
    fit_classifier,
    plain_loss,
    seeded_backbone,
)
from poisoning_study.objectives import CraftSettings, craft
from poisoning_study.protocol import (
    BackboneJob,
    DetectionJob,
    NetworkJob,
    PoisonJob,
    RunStore,
    VictimJob,
    job_cost,
    load_study,
    replicate,
    run_study,
    stages,
)
from poisoning_study.report import write_report
from poisoning_study.report._numbers import Results
from poisoning_study.torch_setup import require_torch, with_baseline

DOUBLE = 'name = "Tiny study"\nprecision = "double"'
#: Everything that is trained, crafted or applied, each with its replicate.
EXPERIMENT = """
title = "All"
question = "q"
poisons = ["game", "minimising"]
fractions = [0, 1]
victims = ["scratch", "published"]
defences = ["none", "adversarial training"]
seeds = [0]
"""
MINIMISING = """
[poisons.minimising]
objective = "error-minimising"
form = "class-wise"
radius = 16
rms = 8
surrogates = ["small/inverted"]
epochs = 1
"""


def _configs(folder: Path, study: str, experiment: str = EXPERIMENT) -> Path:
    folder.mkdir()
    (folder / "study.toml").write_text(study + MINIMISING)
    (folder / "1-all.toml").write_text(experiment)
    return folder


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Path:
    longer = FILES["study"].replace("epochs = 1", "epochs = 4")
    folder = tmp_path_factory.mktemp("double") / "configs"
    return _configs(folder, longer.replace('name = "Tiny study"', DOUBLE))


@pytest.fixture
def in_double() -> Iterator[None]:
    with devices.precision("double"):
        yield


def _accuracies(configs: Path, out: Path) -> tuple[str, list[list[float]]]:
    """Return the instructions that were used and every accuracy after every epoch."""
    require_torch()
    study, store = load_study(configs), RunStore(out / "runs")
    run_study(study, out, progress=False)
    assert not store.failures()
    found = [store.result(run.job) for run in study.runs()]
    return found[0]["capability"], [result["by_epoch"] for result in found]


def test_in_double_precision_accuracies_do_not_depend_on_the_instructions(
    double: Path, tmp_path: Path
) -> None:
    usual, accuracies = _accuracies(double, tmp_path / "usual")
    other, same = with_baseline(_accuracies, double, tmp_path / "baseline")
    if usual == other:
        pytest.skip(f"this processor has no instructions beyond {usual}")
    assert same == accuracies
    assert len({accuracy for run in accuracies for accuracy in run}) > 5
    page = write_report(load_study(double), tmp_path / "usual").read_text()
    assert "crafted is in double precision (float64): training amplifies rounding" in page


@pytest.mark.parametrize("named", [None, "avx2", "default"])
def test_every_run_has_the_same_instructions_but_for_those_that_are_named(
    named: str | None,
) -> None:
    script = (
        "from poisoning_study.torch_setup import require_torch; require_torch(); "
        "import torch; print(torch.backends.cpu.get_cpu_capability())"
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ATEN_", "ONEDNN_", "MKL_"))
    }
    if named:
        environment["ATEN_CPU_CAPABILITY"] = named
    found = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    if "avx2" not in platform_flags():
        pytest.skip("this processor has no AVX2")
    assert found == ("DEFAULT" if named == "default" else "AVX2")


def platform_flags() -> set[str]:
    """Return what the processor says it can do, where the system tells."""
    information = Path("/proc/cpuinfo")
    return set(information.read_text().split()) if information.is_file() else set()


def test_everything_is_float64_and_pictures_stay_bytes(signs: ImageSet, in_double: None) -> None:
    seen: set[torch.dtype] = set()
    forward = Classifier.forward

    def noted(model: Classifier, images: torch.Tensor) -> torch.Tensor:
        seen.add(images.dtype)
        return forward(model, images)

    settings = TrainingSettings(1, 16, 1e-2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Classifier, "forward", noted)
        for defence in DEFENCES.values():
            if defence.detector:
                continue
            model = Classifier(seeded_backbone("small/residual", 0), signs.n_classes)
            pictures = Pictures(defence.prepare(signs.images))
            rng = np.random.default_rng(0)
            loss = defence.loss or plain_loss
            fit_classifier(model, pictures, signs.labels, settings, rng, loss=loss)
            assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert seen == {torch.float64}
    for objective in ("adversarial", "error-minimising", "error-maximising"):
        crafting = CraftSettings(
            objective,
            radius=16,
            surrogates=("small/residual",),
            epochs=1,
            warmup_epochs=1,
            features=(4, 4, 4, 4, 4, 4),
        )
        crafted = craft(signs, crafting, 0, lambda name: FrozenEncoder(seeded_backbone(name, 0)))
        assert crafted.images.dtype == np.uint8


@pytest.mark.parametrize("depth", ["small", "deep"])
@pytest.mark.parametrize("family", ["residual", "inverted", "split-attention", "grouped", "dense"])
def test_no_gradient_is_rounding_alone(
    signs: ImageSet, in_double: None, depth: str, family: str
) -> None:
    # Adam divides a gradient by its own size: it would make steps of rounding.
    model = Classifier(seeded_backbone(f"{depth}/{family}", 0), signs.n_classes)
    batch, labels = Pictures(signs.images).batch(np.arange(32)), torch.from_numpy(signs.labels[:32])
    # A backbone is frozen and set free again where it is a surrogate.
    model.requires_grad_(False).requires_grad_(True)
    torch.nn.functional.cross_entropy(model(batch), labels).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        size = float(parameter.grad.abs().max())
        assert size == 0 or size > 1e-9, (name, size)


def test_the_layouts_that_are_fast_in_double_give_the_same(
    signs: ImageSet, in_double: None
) -> None:
    generator = PerturbationGenerator((4, 4, 4, 4, 4, 4), signs.n_classes, zero_start=False)
    generator.eval()
    images = Pictures(signs.images).batch(np.arange(40))
    labels = torch.from_numpy(signs.labels[:40])
    with torch.no_grad():
        singly = [generator(images[i : i + 1], labels[i : i + 1]) for i in range(40)]
        torch.testing.assert_close(generator(images, labels), torch.cat(singly))
    for family in ("residual", "inverted", "split-attention", "grouped", "dense"):
        backbone = seeded_backbone(f"small/{family}", 0)
        found = extract_features(backbone, Pictures(signs.images))
        with devices.precision("single"):
            single = seeded_backbone(f"small/{family}", 0)
            single.load_state_dict(backbone.state_dict())
            features = extract_features(single, Pictures(signs.images))
        np.testing.assert_allclose(found, features, rtol=1e-3, atol=1e-5)
        assert not np.array_equal(found, features)


def test_double_precision_has_keys_and_memory_of_its_own(double: Path, tmp_path: Path) -> None:
    wide = load_study(double)
    single = load_study(_configs(tmp_path / "configs", FILES["study"]))
    assert single.settings.precision == "single"
    kinds = set()
    for (_, jobs), (_, others) in zip(stages(wide), stages(single), strict=True):
        for job, other in zip(jobs, others, strict=True):
            kinds.add(job.kind)
            if not isinstance(job, NetworkJob):
                assert RunStore.key(job) == RunStore.key(other)
                continue
            assert job.precision == "double"
            assert RunStore.key(job) != RunStore.key(replace(job, precision="single"))
            narrow = job_cost(replace(job, precision="single"))
            assert job_cost(job).network_bytes == 2 * narrow.network_bytes
            assert job_cost(job).flops == narrow.flops
    assert kinds == {"pools", "backbones", "poisons", "victims"}


def test_double_precision_and_cuda_exclude_each_other(
    double: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(devices, "_device", torch.device("cpu"))
    assert main(["run", str(double), "--out", str(tmp_path / "out"), "--device", "cuda"]) == 1
    message = capsys.readouterr().err
    assert "exclude each other" in message
    assert 'Use --device cpu, or set precision = "single" in study.toml' in message
    assert not (tmp_path / "out").exists()
    # Where it may choose, such a study stays on the processor.
    devices.choose_device("auto", "double")
    assert devices.device().type == "cpu"
    devices.choose_device("auto")
    assert devices.device().type == "cuda"
    with pytest.raises(StudyError, match="exclude each other"), devices.precision("double"):
        pass


def test_another_precision_is_refused(tmp_path: Path) -> None:
    study = FILES["study"].replace('name = "Tiny study"', 'name = "n"\nprecision = "half"')
    with pytest.raises(StudyError, match="precision must be one of single, double, not 'half'"):
        load_study(_configs(tmp_path / "configs", study))


def test_a_replicate_repeats_encoder_and_poison(double: Path) -> None:
    study = load_study(double)
    job = next(run.job for run in study.runs() if run.victim == "published" and run.poison)
    assert isinstance(job, VictimJob)
    detection = DetectionJob(
        job.data,
        study.settings.reference,
        study.settings.detection,
        job.poison,
        1.0,
        0,
        precision="double",
    )
    other = replicate(replace(job, detection=detection), "plain-kernels")
    assert isinstance(other.poison, PoisonJob)
    assert isinstance(other.detection, DetectionJob)
    assert isinstance(other.detection.poison, PoisonJob)
    for part in (other, other.poison, other.detection, other.detection.poison):
        assert part.arithmetic == "plain-kernels"
        assert part.precision == "double"
    assert replicate(other, "default") == replace(job, detection=detection)


def test_replicates_ask_for_encoders_and_poisons_of_their_own(tmp_path: Path) -> None:
    experiment = EXPERIMENT.replace('defences = ["none", "adversarial training"]', "")
    configs = _configs(tmp_path / "configs", FILES["study"], experiment)
    once = dict(stages(load_study(configs)))
    (configs / "1-all.toml").write_text(experiment + 'replicates = ["plain-kernels"]\n')
    study = load_study(configs)
    twice = dict(stages(study))
    for title in ("backbones", "poisons", "victims"):
        assert len(twice[title]) == 2 * len(once[title])
    run_study(study, tmp_path / "out", progress=False)
    store = RunStore(tmp_path / "out/runs")
    for job in twice["backbones"]:
        assert isinstance(job, BackboneJob)
        if job.arithmetic == "default":
            weights, others = (
                one.load(store).state_dict() for one in (job, replicate(job, "plain-kernels"))
            )
            assert any(not torch.equal(weights[name], others[name]) for name in weights)
    results = Results(study, store)
    assert set(results.floors) == {("scratch", "sound"), ("published", "sound")}
    # Clean, and with each of two poisons.
    assert {floor.degrees for floor in results.floors.values()} == {3}
    page = write_report(study, tmp_path / "out").read_text()
    largest = max(floor.largest for floor in results.floors.values())
    assert f"The order of sums moves no accuracy by more than {largest:.3f}" in page
    assert "single precision (float32) for speed" in page


def test_the_same_instructions_twice_are_no_replicate(double: Path, tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    for file in double.iterdir():
        (tmp_path / "configs" / file.name).write_text(file.read_text())
    experiment = EXPERIMENT.replace('["game", "minimising"]', "[]").replace("[0, 1]", "[0]")
    (tmp_path / "configs/1-all.toml").write_text(experiment + 'replicates = ["baseline"]\n')
    study, store = load_study(tmp_path / "configs"), RunStore(tmp_path / "out/runs")
    run_study(study, tmp_path / "out", progress=False)
    if len({store.result(run.job)["capability"] for run in study.runs()}) > 1:
        assert {floor.spread for floor in Results(study, store).floors.values()} == {0.0}
    for run in study.runs():
        result = dict(store.result(run.job), capability="AVX2")
        record = {"result": result, "processor_seconds": 0.0, "files": {}}
        write_json(store.path(run.job), record)
    assert Results(study, store).floors == {}
