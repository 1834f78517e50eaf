"""Experiments from configuration files: mixing, jobs, the store of results, the runner."""

from poisoning_study.protocol._calls import recorded_calls
from poisoning_study.protocol._jobs import (
    BackboneJob,
    DetectionJob,
    Job,
    PoisonJob,
    VictimJob,
    load_encoder,
)
from poisoning_study.protocol._mixing import TrainingSet, chosen_rows, mix
from poisoning_study.protocol._pools import POOLS, PoolJob, load_pool
from poisoning_study.protocol._runner import run_study, stages
from poisoning_study.protocol._settings import (
    DataSettings,
    EncoderSettings,
    Experiment,
    PoolSize,
    StudySettings,
    VictimSettings,
)
from poisoning_study.protocol._store import CODE_VERSION, RunStore
from poisoning_study.protocol._study import Run, Study, load_study
from poisoning_study.protocol._tables import from_table, read_toml

__all__ = [
    "CODE_VERSION",
    "POOLS",
    "BackboneJob",
    "DataSettings",
    "DetectionJob",
    "EncoderSettings",
    "Experiment",
    "Job",
    "PoisonJob",
    "PoolJob",
    "PoolSize",
    "Run",
    "RunStore",
    "Study",
    "StudySettings",
    "TrainingSet",
    "VictimJob",
    "VictimSettings",
    "chosen_rows",
    "from_table",
    "load_encoder",
    "load_pool",
    "load_study",
    "mix",
    "read_toml",
    "recorded_calls",
    "run_study",
    "stages",
]
