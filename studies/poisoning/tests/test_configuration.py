from __future__ import annotations

from pathlib import Path

import pytest

from poisoning_study import StudyError
from poisoning_study.defences import DEFENCES
from poisoning_study.objectives import ATTACKS
from poisoning_study.protocol import Study, load_study, stages

CONFIGS = Path(__file__).parents[1] / "configs"
STUDY = """
name = "tiny"
seeds = [0]
[poisons.noise]
objective = "noise"
radius = 8
[victims.small]
backbone = "small/residual"
"""
EXPERIMENT = """
title = "t"
question = "q"
poisons = ["noise"]
victims = ["small"]
"""


def _write(folder: Path, study: str = STUDY, experiment: str = EXPERIMENT) -> Path:
    (folder / "study.toml").write_text(study)
    (folder / "one.toml").write_text(experiment)
    return folder


@pytest.mark.parametrize("name", ["reduced", "matrix", "gtsrb", "real"])
def test_shipped_configurations_are_whole(name: str) -> None:
    study = load_study(CONFIGS / name)
    assert len(study.settings.seeds) >= 3
    for experiment in study.experiments.values():
        # Fewer seeds only for pictures, replicates (each a degree of freedom) and marked leads.
        lead = "one seed" in experiment.title
        if experiment.kind != "pictures" and not experiment.replicates and not lead:
            assert len(study.seeds(experiment)) >= 3, experiment.title
    assert {"poisons", "victims"} <= {title for title, _ in stages(study)}


def test_both_studies_ask_the_same_questions() -> None:
    reduced, full = load_study(CONFIGS / "reduced"), load_study(CONFIGS / "gtsrb")
    assert set(reduced.experiments) <= set(full.experiments)


@pytest.mark.parametrize("name", ["reduced", "matrix", "gtsrb"])
def test_permutations_are_enough_for_holm_at_one_in_200(name: str) -> None:
    settings = load_study(CONFIGS / name).settings
    classes = settings.data.classes if settings.data.source == "rendered" else 43
    assert classes / (settings.detection.permutations + 1) <= 0.005


def test_the_matrix_has_every_defence_and_three_families() -> None:
    study = load_study(CONFIGS / "matrix")
    matrices = [e for e in study.experiments.values() if e.kind == "matrix"]
    assert {name for e in matrices for name in e.defences} == set(DEFENCES)
    for experiment in matrices:
        families = {study.victims[name].backbone.partition("/")[2] for name in experiment.victims}
        filtered = all(DEFENCES[name].detector for name in experiment.defences[1:])
        assert len(families) == (1 if filtered else 3)
        used = {study.poisons[name].objective for name in experiment.poisons}
        assert used == set(ATTACKS) - {"none"}


def test_shared_jobs_are_run_once(tmp_path: Path) -> None:
    _write(tmp_path, experiment=EXPERIMENT + "fractions = [0, 0.5, 1]\n")
    (tmp_path / "two.toml").write_text(EXPERIMENT + "fractions = [0, 1]\n")
    study: Study = load_study(tmp_path)
    assert len(study.runs()) == 5
    counts = {title: len(jobs) for title, jobs in stages(study)}
    assert counts == {"signs": 5, "poisons": 1, "victims": 3}


@pytest.mark.parametrize(
    ("study", "experiment", "message"),
    [
        (STUDY.replace("radius = 8", "radus = 8"), EXPERIMENT, "poison noise has the unknown keys"),
        (STUDY.replace("8", '"8"'), EXPERIMENT, "key radius, must be of type int"),
        (STUDY.replace("seeds = [0]", "seeds = [0, 0]"), EXPERIMENT, "seeds must be given"),
        (STUDY.replace('name = "tiny"', ""), EXPERIMENT, "lacks the keys name"),
        (STUDY + "]", EXPERIMENT, "not valid TOML"),
        (STUDY, EXPERIMENT.replace('"noise"', '"nois"'), "names the poison 'nois'"),
        (STUDY, EXPERIMENT + 'defences = ["prayer"]', "names the defence 'prayer'"),
        (
            STUDY,
            EXPERIMENT + 'fate = "remove"\ndefences = ["filter by MMD"]',
            r"filters by a detector \(filter by MMD\)",
        ),
        (STUDY, EXPERIMENT + "fractions = [10]", "between 0 and 1"),
        (STUDY, EXPERIMENT + 'loader = "fast"', "loader must be one of"),
        (STUDY, EXPERIMENT.replace('victims = ["small"]', ""), "must name at least one"),
    ],
)
def test_bad_configurations_are_explained(
    tmp_path: Path, study: str, experiment: str, message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        load_study(_write(tmp_path, study, experiment))


def test_missing_configurations(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no configuration .*study.toml"):
        load_study(tmp_path)
    (tmp_path / "study.toml").write_text(STUDY)
    with pytest.raises(StudyError, match="no experiment beside"):
        load_study(tmp_path)
