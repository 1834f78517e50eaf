"""A whole study, tiny, through the command; and what happens when something is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from conftest import TRAINING, write_benchmark
from poisoning_study import StudyError
from poisoning_study.cli import main
from poisoning_study.data import prepare
from poisoning_study.defences import DEFENCES, Defence
from poisoning_study.models import FrozenEncoder, plain_loss
from poisoning_study.protocol import (
    BackboneJob,
    PoisonJob,
    RunStore,
    VictimJob,
    load_pool,
    load_study,
    recorded_calls,
    run_study,
    stages,
)
from poisoning_study.report._numbers import Results
from poisoning_study.torch_setup import require_torch


def test_a_finished_study_runs_nothing_again(finished: tuple[Path, Path]) -> None:
    configs, out = finished
    assert run_study(load_study(configs), out, progress=False) == 0
    # Only calls that ran something are kept.
    (call,) = recorded_calls(out / "runs")
    assert call["jobs"] == sum(len(jobs) for _, jobs in stages(load_study(configs)))
    assert call["processor_seconds"] > 0
    assert f"{call['jobs']} jobs in " in (out / "report.html").read_text()


def test_results_hold_what_was_trained(finished: tuple[Path, Path]) -> None:
    configs, out = finished
    store = RunStore(out / "runs")
    sizes = {}
    for run in load_study(configs).runs():
        record = store.find(run.job)
        assert record is not None
        if isinstance(run.job, VictimJob) and run.job.detection is None:
            sizes[run.experiment, run.fraction] = (
                record["result"]["n_train"],
                record["result"]["n_poisoned"],
            )
            assert record["result"]["peak"] == max(record["result"]["by_epoch"])
    # Of 2 classes with 10 images each, the published loader misses the first class.
    assert sizes["1-table", 1.0] == (20, 10)
    assert sizes["2-victims", 0.5] == (20, 10)
    assert sizes["3-smaller", 0.5] == (10, 0)


def test_filters_train_on_what_their_detector_takes_for_clean(
    finished: tuple[Path, Path],
) -> None:
    configs, out = finished
    store, found = RunStore(out / "runs"), 0
    for run in load_study(configs).runs():
        if isinstance(run.job, VictimJob) and run.job.detection is not None:
            result, listed = store.result(run.job), store.result(run.job.detection)
            accused = listed["flagged"]["energy distance"]
            assert result["n_filtered"] == accused["n"] > 0
            assert result["n_filtered_poisoned"] == accused["n_poisoned"]
            assert result["n_train"] == 20 - accused["n"]
            found += 1
    assert found == 6  # 0, 50 and 100%, two seeds


def test_runs_repeat_exactly(finished: tuple[Path, Path], tmp_path: Path) -> None:
    configs, out = finished
    store, fresh = RunStore(out / "runs"), RunStore(tmp_path)
    job = next(
        run.job
        for run in load_study(configs).runs()
        if isinstance(run.job, VictimJob) and run.fraction == 0.5 and run.defence == "cutout"
    )
    assert fresh.result(job) == store.result(job)


def test_an_interrupted_study_continues(
    finished: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load_study(finished[0])
    original = BackboneJob.compute
    calls = []

    def interrupted(job: BackboneJob, store: RunStore) -> Any:
        calls.append(job)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(job, store)

    monkeypatch.setattr(BackboneJob, "compute", interrupted)
    with pytest.raises(StudyError, match=r"Stopped in 'backbones' with 1 of 4 done"):
        run_study(study, tmp_path, progress=False)
    assert len(list((tmp_path / "runs/backbones").glob("*.json"))) == 1
    assert [call["jobs"] for call in recorded_calls(tmp_path / "runs")] == [11]
    # Taken up again, it comes to what the uninterrupted one did, to the last digit.
    monkeypatch.setattr(BackboneJob, "compute", original)
    run_study(study, tmp_path, progress=False)
    whole, resumed = RunStore(finished[1] / "runs"), RunStore(tmp_path / "runs")
    for run in study.runs():
        assert resumed.result(run.job) == whole.result(run.job)


def test_an_incomplete_study_says_so(finished: tuple[Path, Path], tmp_path: Path) -> None:
    assert main(["report", str(finished[0]), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "not run</td>" in page
    assert "runs of these configurations are missing" in page


def test_a_prepared_benchmark_is_split_by_track(tmp_path: Path) -> None:
    archive = write_benchmark(tmp_path / "archive", "torchvision")
    prepared = tmp_path / "prepared"
    assert main(["prepare", str(archive), str(prepared), "--size", "16", "--partial"]) == 0
    (tmp_path / "study.toml").write_text(
        f'name = "p"\nseeds = [0]\n[data]\nsource = "prepared"\nfolder = "{prepared}"\nsize = 16\n'
        '[victims.v]\nbackbone = "small/residual"\n'
    )
    (tmp_path / "e.toml").write_text(
        'title = "t"\nquestion = "q"\nvictims = ["v"]\nfractions = [0]'
    )
    study, store = load_study(tmp_path), RunStore(tmp_path / "runs")
    data = study.settings.data
    parts = [load_pool(store, data, 0, name) for name in ("train", "trusted", "reference")]
    assert [len(part) for part in parts] == [12, 6, 6]
    assert all(isinstance(part.images, np.memmap) for part in parts)
    everything = replace(data, trusted_share=0.0, reference_share=0.0)
    assert len(load_pool(store, everything, 0, "train")) == 24
    with pytest.raises(StudyError, match=r"no pool 'trusted', only train, test.*trusted_share"):
        load_pool(store, everything, 0, "trusted")
    with pytest.raises(StudyError, match=r"leave something to train on, not 0.5 and 0.5"):
        replace(data, trusted_share=0.5, reference_share=0.5)
    with pytest.raises(StudyError, match="no pool 'auxiliary'"):
        load_pool(store, data, 0, "auxiliary")
    run_study(study, tmp_path, progress=False)


def test_new_pictures_are_never_answered_with_old_results(tmp_path: Path) -> None:
    archive = write_benchmark(tmp_path / "archive", "official")
    (tmp_path / "study.toml").write_text(
        'name = "p"\nseeds = [0]\n[data]\nsource = "prepared"\nfolder = "-"\nsize = 16\n'
        f'[victims.v]\nbackbone = "small/residual"\ntraining = {TRAINING}\n'
    )
    (tmp_path / "e.toml").write_text(
        'title = "t"\nquestion = "q"\nvictims = ["v"]\nfractions = [0]'
    )
    prepared, out, runs = tmp_path / "prepared", tmp_path / "out", []
    for crop in ("roi", "square", "roi"):
        prepare(archive, prepared, size=16, crop=crop, partial=True, progress=False)
        runs.append(run_study(load_study(tmp_path, prepared), out, progress=False))
    # The set is cut, then the victim trained.
    assert runs == [2, 2, 0]
    # Two classes of 43 are there, so guessing is right half of the time.
    (job,) = (run.job for run in load_study(tmp_path, prepared).runs())
    assert RunStore(out / "runs").result(job)["chance"] == 0.5


def test_one_failing_job_does_not_stop_the_others(
    finished: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original = PoisonJob.compute

    def failing(job: PoisonJob, store: RunStore) -> Any:
        if job.settings.objective == "adversarial" and job.seed == 1:
            raise RuntimeError("out of memory")
        return original(job, store)

    monkeypatch.setattr(PoisonJob, "compute", failing)
    command = ["run", str(finished[0]), "--out", str(tmp_path), "--workers", "1"]
    assert main(command) == 1
    assert "failed: poisons: RuntimeError: out of memory" in capsys.readouterr().err
    page = (tmp_path / "report.html").read_text()
    assert "poisons: RuntimeError: out of memory" in page
    assert "It needs a job of poisons that failed" in page
    # One poison and the three victims trained on it are missing; the next call tries them again.
    monkeypatch.setattr(PoisonJob, "compute", original)
    assert run_study(load_study(finished[0]), tmp_path, progress=False) == 4
    assert RunStore(tmp_path / "runs").failures() == []


def test_replicates_differ_only_in_the_order_of_sums(
    finished: tuple[Path, Path], tmp_path: Path
) -> None:
    configs = tmp_path / "configs"
    shutil.copytree(finished[0], configs)
    for path in configs.glob("[1-9]*.toml"):
        path.unlink()
    (configs / "noise.toml").write_text(
        'title = "Noise"\nquestion = "q"\nvictims = ["scratch"]\nfractions = [0]\n'
        'replicates = ["two-threads", "plain-kernels"]\n'
    )
    study = load_study(configs)
    assert len(study.runs()) == 6
    run_study(study, tmp_path, progress=False)
    results = Results(study, RunStore(tmp_path / "runs"))
    floor = results.floor(("scratch", "sound"))
    assert floor is not None
    assert floor.degrees == 4
    assert results.floor(("scratch", "as-published")) == floor
    assert results.floor(("another", "sound")) == floor
    # Equal accuracies would have an interval of no width, were it not for the floor.
    results.replicates = {key: [0.4, 0.6] for key in results.replicates}
    (cell,) = results.cells
    mean = results.paired(cell, cell)
    assert mean is not None
    assert mean.value == 0
    assert mean.half_width is not None
    assert mean.half_width > 0.1
    (configs / "noise.toml").write_text(
        'title = "n"\nquestion = "q"\nvictims = ["scratch"]\nreplicates = ["luck"]\n'
    )
    with pytest.raises(StudyError, match="replicates are among"):
        load_study(configs)


def test_replicates_without_avx_are_computed_in_a_process_of_their_own(
    finished: tuple[Path, Path], tmp_path: Path
) -> None:
    configs, out = finished
    job = next(
        run.job
        for run in load_study(configs).runs()
        if isinstance(run.job, VictimJob) and run.victim == "scratch" and run.fraction == 0
    )
    shutil.copytree(out / "runs", tmp_path / "runs")
    before = dict(os.environ)
    store = RunStore(tmp_path / "runs")
    result = store.result(replace(job, arithmetic="baseline"))
    assert dict(os.environ) == before
    usual = store.result(job)
    has_avx = usual["capability"].startswith("AVX")
    assert result["capability"] == ("DEFAULT" if has_avx else usual["capability"])
    assert result["n_train"] == usual["n_train"]
    assert len(result["by_epoch"]) == len(usual["by_epoch"])


def test_without_real_signs_the_study_is_skipped_with_a_sentence(
    finished: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "nowhere")
    assert main(["run", str(finished[0]), "--data", nowhere]) == 0
    assert "Skipped: there are no real signs at" in capsys.readouterr().out
    (tmp_path / "file").write_text("")
    assert main(["run", str(finished[0]), "--out", str(tmp_path / "file")]) == 1
    assert "is a file; name a folder" in capsys.readouterr().err


def test_messages_instead_of_tracebacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["prepare", str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 1
    assert "There is no folder" in capsys.readouterr().err
    (tmp_path / "out/manifest.json").mkdir(parents=True)
    archive = write_benchmark(tmp_path / "archive", "official")
    assert main(["prepare", str(archive), str(tmp_path / "out"), "--partial"]) == 1
    assert "out/manifest.json" in capsys.readouterr().err
    assert main(["run", str(tmp_path)]) == 1
    assert "study.toml" in capsys.readouterr().err
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    assert main(["run", str(tmp_path)]) == 1
    assert "needs torch, which is not installed" in capsys.readouterr().err
    with pytest.raises(StudyError, match="in one command"):
        require_torch()


def test_frozen_features_are_computed_once_and_equal(
    finished: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs, out = finished
    job = next(
        run.job
        for run in load_study(configs).runs()
        if isinstance(run.job, VictimJob) and run.victim == "published" and run.fraction == 0
    )
    sound = replace(job, victim=replace(job.victim, as_published=False))
    store = RunStore(out / "runs")
    passes: list[int] = []
    forward = FrozenEncoder.forward

    def counted(encoder: FrozenEncoder, images: Tensor) -> Tensor:
        passes.append(len(images))
        return forward(encoder, images)

    monkeypatch.setattr(FrozenEncoder, "forward", counted)
    by_epoch = sound.compute(store)["by_epoch"]
    assert not passes
    # The slow way: a loss of its own forbids to keep the features.
    same = Defence("none", "", loss=plain_loss)
    monkeypatch.setitem(DEFENCES, "none", same)
    assert sound.compute(store)["by_epoch"] == pytest.approx(by_epoch, abs=0.051)
    assert passes
