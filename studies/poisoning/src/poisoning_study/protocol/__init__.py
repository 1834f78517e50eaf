"""Experiments from configuration files: mixing, jobs, the store of results, the runner."""

from poisoning_study.protocol._budget import DEFAULT_RATES, budget_lines, require_memory
from poisoning_study.protocol._calls import recorded_calls
from poisoning_study.protocol._forecast import Forecast, forecast, job_cost
from poisoning_study.protocol._jobs import (
    BackboneJob,
    DetectionJob,
    Job,
    NetworkJob,
    PoisonJob,
    VictimJob,
    load_encoder,
    replicate,
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
    "DEFAULT_RATES",
    "POOLS",
    "BackboneJob",
    "DataSettings",
    "DetectionJob",
    "EncoderSettings",
    "Experiment",
    "Forecast",
    "Job",
    "NetworkJob",
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
    "budget_lines",
    "chosen_rows",
    "forecast",
    "from_table",
    "job_cost",
    "load_encoder",
    "load_pool",
    "load_study",
    "mix",
    "read_toml",
    "recorded_calls",
    "replicate",
    "require_memory",
    "run_study",
    "stages",
]
