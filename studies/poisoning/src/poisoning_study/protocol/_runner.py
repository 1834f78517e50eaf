"""Run everything a study asks for, in processes, and pick up where the last call stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from poisoning_study.errors import StudyError
from poisoning_study.files import require_folder
from poisoning_study.protocol._calls import Call
from poisoning_study.protocol._jobs import (
    BackboneJob,
    DetectionJob,
    Job,
    PoisonJob,
    VictimJob,
    encoder_job,
)
from poisoning_study.protocol._pools import POOLS, PoolJob, SplitJob
from poisoning_study.protocol._store import RunStore
from poisoning_study.protocol._study import Study
from poisoning_study.protocol._workers import Workers

AnyJob = PoolJob | SplitJob | BackboneJob | Job


def _unique(jobs: Iterable[AnyJob]) -> list[AnyJob]:
    return list({(job.kind, RunStore.key(job)): job for job in jobs}.values())


def _backbones_of(job: AnyJob) -> Iterator[BackboneJob]:
    """Yield the backbones that `job` needs, apart from those of its poison."""
    if isinstance(job, DetectionJob):
        yield job.reference_job
        return
    names: tuple[str, ...] = ()
    if isinstance(job, PoisonJob) and job.settings.attack.surrogates == "encoders":
        names = job.settings.surrogates
    if isinstance(job, VictimJob) and job.victim.style == "frozen":
        names = (job.victim.backbone,)
    if isinstance(job, PoisonJob | VictimJob):
        for name in names:
            trained = encoder_job(job, name)
            if trained is not None:
                yield trained


def stages(study: Study) -> list[tuple[str, list[AnyJob]]]:
    """Return the jobs of a study in the order in which they depend on each other."""
    asked: list[AnyJob] = [run.job for run in study.runs()]
    poisons: list[AnyJob] = [job for job in asked if isinstance(job, PoisonJob)]
    poisons += [
        job.poison
        for job in asked
        if isinstance(job, VictimJob | DetectionJob) and job.poison is not None
    ]
    asked += [
        job.detection for job in asked if isinstance(job, VictimJob) and job.detection is not None
    ]
    backbones = [backbone for job in (*asked, *poisons) for backbone in _backbones_of(job)]
    data, seeds = study.settings.data, sorted({job.seed for job in asked})
    pools: list[AnyJob] = [SplitJob(data, seed) for seed in seeds]
    if data.source == "rendered":
        pools = [PoolJob(data, pool, seed) for seed in seeds for pool in POOLS]
    found = [
        ("signs", pools),
        ("backbones", _unique(backbones)),
        ("poisons", _unique(poisons)),
        ("detectors", _unique(job for job in asked if isinstance(job, DetectionJob))),
        ("victims", _unique(job for job in asked if isinstance(job, VictimJob))),
    ]
    return [(title, jobs) for title, jobs in found if jobs]


def run_study(study: Study, out: Path, *, workers: int = 1, progress: bool = True) -> int:
    """Run what is not yet there; return the number of jobs that were run.

    Parameters
    ----------
    study : Study
        What is asked for.
    out : Path
        Where results go, and where finished ones are found.
    workers : int
        Processes, each on one thread. 1 runs in this process.
    progress : bool
        Show progress bars.

    Raises
    ------
    StudyError
        Stopped by the keyboard (says how far it came). A job that fails is recorded by the store,
        and the others go on.
    """
    if workers < 1:
        raise StudyError(f"workers must be at least 1, not {workers}.")
    require_folder(out)
    store = RunStore(out / "runs")
    store.forget_failures()
    call = Call(workers)
    try:
        with contextlib.closing(Workers(store, workers)) as pool:
            for title, jobs in stages(study):
                missing = [job for job in jobs if store.find(job) is None]
                n_whole = len(jobs) - len(missing)
                bar = tqdm(total=len(jobs), initial=n_whole, desc=title, disable=not progress)
                try:
                    for failure in pool.run(missing):
                        bar.update()
                        if failure is None:
                            call.n_jobs += 1
                            n_whole += 1
                except KeyboardInterrupt:
                    raise StudyError(
                        f"Stopped in {title!r} with {n_whole} of {len(jobs)} done. Nothing "
                        "half-written is kept; the same command continues."
                    ) from None
                finally:
                    bar.close()
    finally:
        if call.n_jobs:
            call.record(store.root)
    return call.n_jobs
