from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from conftest import FILES
from poisoning_study.cli import main
from poisoning_study.models import network_cost
from poisoning_study.protocol import (
    RunStore,
    _budget,
    budget_lines,
    forecast,
    job_cost,
    load_study,
    run_study,
    stages,
)

MORE = """
[poisons.minimising]
objective = "error-minimising"
form = "sample-wise"
radius = 16
surrogates = ["small/residual"]
epochs = 2
[poisons.maximising]
objective = "error-maximising"
form = "label-generator"
features = [4, 4, 4, 4, 4, 4]
radius = 16
surrogates = ["small/dense"]
epochs = 2
[victims.frozen]
backbone = "small/residual"
style = "frozen"
"""
EXPERIMENT = """
title = "t"
question = "q"
poisons = ["game", "minimising", "maximising"]
fractions = [0, 1]
victims = ["scratch", "published", "frozen"]
seeds = [0]
"""


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configs")
    (folder / "study.toml").write_text(FILES["study"] + MORE)
    (folder / "1-all.toml").write_text(EXPERIMENT)
    (folder / "2-noticed.toml").write_text(FILES["4-detection"] + "seeds = [0]\n")
    return folder


def test_costs_of_a_convolution_are_those_of_its_formula() -> None:
    convolution = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    cost = network_cost(convolution, torch.zeros(1, 3, 32, 32))
    # A product and a sum for each weight of each of 8 x 32 x 32 results.
    assert cost.flops == 2 * 27 * 8 * 32 * 32
    assert cost.parameter_bytes == 4 * 27 * 8
    assert cost.pass_bytes == 4 * (3 + 8) * 32 * 32
    # For the gradient of its weights it keeps its input.
    assert cost.saved_bytes == 4 * 3 * 32 * 32


def test_operations_foreseen_are_those_of_the_jobs_when_run(configs: Path, tmp_path: Path) -> None:
    study, store = load_study(configs), RunStore(tmp_path / "runs")
    run_study(study, tmp_path, progress=False)
    kinds = set()
    for job in (job for _, jobs in stages(study) for job in jobs):
        counter = FlopCounterMode(display=False)
        with counter:
            job.compute(store)
        # The first layer takes no gradient of its input; heads on kept features are left out.
        foreseen = pytest.approx(job_cost(job).flops, rel=0.25, abs=1)
        assert counter.get_total_flops() == foreseen, job
        kinds.add(job.kind)
    assert kinds == {"pools", "backbones", "poisons", "victims", "detections"}


def test_a_dry_run_prints_everything_and_writes_nothing(
    configs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["run", str(configs), "--out", str(out), "--dry-run", "--workers", "1"]
    assert main([*arguments, "--rate", "2"]) == 0
    printed = capsys.readouterr().out
    for words in (
        "nothing is computed or written",
        "signs",
        "backbones",
        "poisons",
        "0 found done",
        "detectors",
        "victims",
        "TFLOP",
        "at 2 GFLOP/s a worker",
        "GB of memory",
    ):
        assert words in printed
    assert not out.exists()
    run_study(load_study(configs), out, progress=False)
    before = sorted(out.rglob("*"))
    assert main(arguments) == 0
    assert "0 jobs to run" in capsys.readouterr().out
    assert sorted(out.rglob("*")) == before
    assert main([*arguments, "--rate", "0"]) == 1
    assert "--rate must be positive" in capsys.readouterr().err


def test_hours_follow_from_the_rate_and_the_workers(configs: Path, tmp_path: Path) -> None:
    found = forecast(load_study(configs), tmp_path)
    hours = found.flops / 1e9 / 5 / 4 / 3600
    assert f"About {hours:.2f} hours at 5 GFLOP/s a worker, 4 workers" in "\n".join(
        budget_lines(found, workers=4, rate=5)
    )


def test_a_run_that_cannot_fit_is_refused_with_the_numbers(
    configs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = _budget.memory_of_machine()
    assert there is None or there > 1e8
    monkeypatch.setattr(_budget, "memory_of_machine", lambda: 6e8)
    arguments = ["run", str(configs), "--out", str(tmp_path / "out"), "--workers", "3"]
    assert main(arguments) == 1
    needed, _ = forecast(load_study(configs), tmp_path / "out").most(3, on_device=False)
    numbers = f"3 workers need about {needed / 1e9:.1f} GB of memory, and there are 0.6 GB"
    assert needed > 6e8
    assert numbers in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "--dry-run"]) == 0
    assert "it CANNOT fit" in capsys.readouterr().out


def test_archives_that_are_not_prepared_count_as_the_whole_benchmark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.toml").write_text(
        'name = "p"\nseeds = [0]\n[data]\nsource = "prepared"\nfolder = "nowhere"\n'
        '[victims.v]\nbackbone = "small/residual"\n'
        '[victims.w]\nbackbone = "timm/no-such-model"\n'
    )
    (tmp_path / "e.toml").write_text(
        'title = "t"\nquestion = "q"\nvictims = ["v", "w"]\nfractions = [0]'
    )
    assert main(["run", str(tmp_path), "--out", str(tmp_path / "out"), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "counted as the whole benchmark" in printed
    assert "Not counted: victim timm/no-such-model" in printed
    assert job_cost(load_study(tmp_path).runs()[0].job).host_bytes > 2 * 39_209 * 3 * 32**2
