"""What a study would cost: operations and memory of every job, before anything is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch

from poisoning_study.data import N_CLASSES, SIGNS, TEST_COUNT, TRAINING_COUNTS, read_manifest
from poisoning_study.defences import DEFENCES
from poisoning_study.errors import StudyError
from poisoning_study.models import (
    PASS,
    Classifier,
    NetworkCost,
    PerturbationGenerator,
    TrainingSettings,
    network_cost,
    seeded_backbone,
)
from poisoning_study.objectives import CraftSettings
from poisoning_study.protocol._jobs import (
    BackboneJob,
    DetectionJob,
    NetworkJob,
    PoisonJob,
    VictimJob,
)
from poisoning_study.protocol._pools import POOLS, PoolJob, SplitJob
from poisoning_study.protocol._runner import AnyJob, stages
from poisoning_study.protocol._settings import DataSettings, PoolSize
from poisoning_study.protocol._store import RunStore
from poisoning_study.protocol._study import Study

#: A backward pass costs about two forward ones: gradients of inputs and of weights.
_TRAINED = 3
#: Through fixed weights only the gradients of inputs are taken.
_THROUGH = 2
#: Weights, gradients and Adam's two moments.
_ADAM = 4
#: Of a process with torch, MONAI and their buffers: measured on crafting and training tiny sets.
_PROCESS_BYTES = 650_000_000
#: Images of the whole benchmark, for a set that is not prepared yet.
_WHOLE = {"train": sum(TRAINING_COUNTS), "test": TEST_COUNT}


@dataclass(frozen=True)
class Cost:
    """Operations of a job; bytes in the machine's memory and on the device that networks are on."""

    flops: float
    host_bytes: float
    network_bytes: float


@dataclass
class Group:
    """Jobs of one stage that differ in seed, data or share alone."""

    stage: str
    name: str
    n_to_run: int = 0
    n_found: int = 0
    flops: float = 0.0
    host_bytes: float = 0.0
    network_bytes: float = 0.0


@dataclass
class Forecast:
    """Groups of jobs, and the networks that could not be built and so are not counted."""

    groups: list[Group] = field(default_factory=list)
    not_counted: list[str] = field(default_factory=list)

    @property
    def flops(self) -> float:
        """Return the operations of all jobs that are to be run."""
        return sum(group.flops for group in self.groups)

    @property
    def n_to_run(self) -> int:
        """Return how many jobs are to be run."""
        return sum(group.n_to_run for group in self.groups)

    def most(self, workers: int, *, on_device: bool) -> tuple[float, float]:
        """Return the most bytes needed at once, in memory and on a device, by `workers`."""
        host = device = 0.0
        for group in self.groups:
            busy = min(workers, sum(g.n_to_run for g in self.groups if g.stage == group.stage))
            networks = busy * group.network_bytes
            host = max(host, busy * group.host_bytes + (0 if on_device else networks))
            device = max(device, networks if on_device else 0.0)
        return host, device


@lru_cache(maxsize=128)
def _backbone_cost(name: str, size: int, n_classes: int) -> NetworkCost:
    network = Classifier(seeded_backbone(name, 0), n_classes)
    return network_cost(network, torch.zeros(1, 3, size, size))


@lru_cache(maxsize=32)
def _generator_cost(features: tuple[int, ...], told: int, size: int) -> NetworkCost:
    with torch.random.fork_rng(devices=[]):
        network = PerturbationGenerator(features, told)
    return network_cost(network, torch.zeros(1, 3, size, size), torch.zeros(1, dtype=torch.int64))


@lru_cache(maxsize=8)
def pool_sizes(data: DataSettings) -> dict[str, int]:
    """Return how many pictures each pool has; of the whole benchmark where nothing is prepared."""
    if data.source == "rendered":
        sizes: dict[str, PoolSize] = {name: getattr(data, name) for name in POOLS}
        classes = dict.fromkeys(POOLS, data.classes) | {"auxiliary": len(SIGNS) - 12}
        return {name: classes[name] * one.tracks * one.frames for name, one in sizes.items()}
    found = dict(_WHOLE)
    if (Path(data.folder) / "manifest.json").is_file():
        parts = read_manifest(Path(data.folder))["parts"]
        found = {
            kind: sum(int(entry["n"]) for name, entry in parts.items() if name.startswith(kind))
            for kind in _WHOLE
        }
    pools = {name: round(share * found["train"]) for name, share in data.shares.items()}
    return {**pools, "test": found["test"]}


def _n_classes(data: DataSettings) -> int:
    return data.classes if data.source == "rendered" else N_CLASSES


def _fit(cost: NetworkCost, training: TrainingSettings, n: int) -> tuple[float, float]:
    """Return operations and bytes of training on `n` pictures."""
    memory = _ADAM * cost.parameter_bytes + training.batch_size * cost.saved_bytes
    return _TRAINED * float(training.epochs) * n * cost.flops, float(memory)


def _passes(cost: NetworkCost, n: int) -> tuple[float, float]:
    """Return operations and bytes of passes without gradients over `n` pictures."""
    return float(n) * cost.flops, float(cost.parameter_bytes + min(PASS, n) * cost.pass_bytes)


def _victim(job: VictimJob, cost: NetworkCost, n_train: int, n_test: int) -> tuple[float, float]:
    training = job.victim.training
    tested, testing = _passes(cost, n_test)
    if job.victim.style == "scratch":
        flops, memory = _fit(cost, training, n_train)
        flops *= DEFENCES[job.defence].passes
        return flops + training.epochs * tested, max(memory, testing)
    once, passing = _passes(cost, n_train)
    if job.victim.as_published:
        return training.epochs * once + tested, max(passing, testing)
    repeated = training.epochs if DEFENCES[job.defence].loss is not None else 1
    return repeated * (once + tested), max(passing, testing)


def _crafting(
    settings: CraftSettings, costs: list[NetworkCost], size: int, n_classes: int, n: int
) -> tuple[float, float]:
    """Return operations and bytes of crafting a perturbation of `n` pictures."""
    if settings.attack.surrogates == "none":
        return 0.0, 0.0
    surrogates = float(sum(cost.flops for cost in costs))
    memory = float(settings.batch_size * sum(cost.saved_bytes for cost in costs))
    memory += _ADAM * sum(cost.parameter_bytes for cost in costs)
    warmup = 0.0
    if settings.attack.surrogates == "learning":
        a_picture = _TRAINED * surrogates
    elif settings.attack.surrogates == "trained":
        a_picture = _THROUGH * surrogates
        warmup = _TRAINED * float(settings.warmup_epochs) * n * surrogates
    else:
        # Poisoned pictures forth and back, real ones forth.
        a_picture = (_THROUGH + 1) * surrogates
    if settings.form.endswith("generator"):
        told = n_classes if settings.form == "label-generator" else 0
        cost = _generator_cost(settings.features, told, size)
        flops, generating = _fit(cost, TrainingSettings(settings.epochs, settings.batch_size), n)
        flops += float(n) * cost.flops
        memory = max(memory + generating, _passes(cost, n)[1])
    else:
        rows = n_classes if settings.form == "class-wise" else n
        flops = 0.0
        a_picture *= settings.pgd_steps + 1
        # The table and its gradient.
        memory += 2 * 4 * rows * 3 * size**2
    return flops + warmup + settings.epochs * n * a_picture, memory


def job_cost(job: AnyJob) -> Cost:
    """Return what a job costs, without the jobs that it needs.

    Operations are those of networks: rendering, defences and the detectors' statistics are not
    counted.

    Raises
    ------
    StudyError
        A network that cannot be built here.
    """
    pools, size, n_classes = pool_sizes(job.data), job.data.size, _n_classes(job.data)
    # Pools and poisons are memory maps. A split has the whole set twice, crafting the training set
    # and its poison; a defence changes all pictures at once, beside the list of them.
    whole = float(sum(pools.values()) if isinstance(job, SplitJob) else pools["train"])
    host = _PROCESS_BYTES + 2.0 * 3 * size**2 * whole
    flops = memory = 0.0
    if isinstance(job, BackboneJob):
        cost = _backbone_cost(job.victim.backbone, size, n_classes)
        flops, memory = _fit(cost, job.victim.training, pools[job.pool])
        flops += _passes(cost, pools[job.pool])[0]
    elif isinstance(job, PoisonJob):
        used = () if job.settings.attack.surrogates == "none" else job.settings.surrogates
        costs = [_backbone_cost(name, size, n_classes) for name in used]
        flops, memory = _crafting(job.settings, costs, size, n_classes, pools["train"])
    elif isinstance(job, VictimJob):
        kept = 1 - job.fraction if job.fate == "remove" else 1.0
        cost = _backbone_cost(job.victim.backbone, size, n_classes)
        flops, memory = _victim(job, cost, round(kept * pools["train"]), pools["test"])
    elif isinstance(job, DetectionJob):
        cost = _backbone_cost(job.reference.backbone, size, n_classes)
        flops, memory = _passes(cost, pools["train"] + pools["trusted"])
    if isinstance(job, NetworkJob) and job.arithmetic == "baseline":
        host += _PROCESS_BYTES
    # Networks are counted in float32.
    double = isinstance(job, NetworkJob) and job.precision == "double"
    return Cost(flops, host, 2 * memory if double else memory)


def _name(job: AnyJob) -> str:
    if isinstance(job, PoolJob):
        return f"render {job.pool}"
    if isinstance(job, SplitJob):
        return "cut the prepared set by track"
    if isinstance(job, BackboneJob):
        return f"{job.victim.backbone} on {job.pool}"
    if isinstance(job, PoisonJob):
        settings = job.settings
        if settings.attack.surrogates == "none":
            return f"pattern {settings.objective}"
        bound = (
            f"radius {settings.radius}" if settings.alpha is None else f"alpha {settings.alpha:g}"
        )
        words = f"{settings.objective} {settings.form}, {bound}"
        return f"{words}, {len(settings.surrogates)} surrogates"
    if isinstance(job, VictimJob):
        published = ", as published" if job.victim.as_published else ""
        return f"victim {job.victim.backbone}, {job.victim.style}{published}, {job.defence}"
    return f"detectors on features of {job.reference.backbone}"


def forecast(study: Study, out: Path) -> Forecast:
    """Return the jobs of a study that are to be run and those found done, with their costs.

    Parameters
    ----------
    study : Study
        What is asked for.
    out : Path
        Where finished runs are looked for; nothing is written.
    """
    store = RunStore(out / "runs")
    groups: dict[tuple[str, str], Group] = {}
    troubles: dict[str, None] = {}
    for stage, jobs in stages(study):
        for job in jobs:
            group = groups.setdefault((stage, _name(job)), Group(stage, _name(job)))
            if store.find(job) is not None:
                group.n_found += 1
                continue
            group.n_to_run += 1
            try:
                cost = job_cost(job)
            except StudyError as error:
                troubles[f"{group.name}: {error}"] = None
                continue
            group.flops += cost.flops
            group.host_bytes = max(group.host_bytes, cost.host_bytes)
            group.network_bytes = max(group.network_bytes, cost.network_bytes)
    return Forecast(list(groups.values()), list(troubles))
