"""Processes that compute jobs, and what happens when one of them dies."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from poisoning_study.devices import choose_device, device
from poisoning_study.errors import StudyError
from poisoning_study.protocol._store import RunStore, StorableJob
from poisoning_study.torch_setup import end_with_parent, require_torch

_DIED = (
    "The process that computed it died: it was killed, or the machine has too little memory for "
    "this many --workers"
)


def _start(device_name: str) -> None:
    end_with_parent()
    require_torch()
    choose_device(device_name)


def _work(root: Path, job: StorableJob) -> str | None:
    """Compute a job; return None, or why it failed, which is kept while the others go on."""
    store = RunStore(root)
    try:
        store.result(job)
    except StudyError as error:
        message = str(error)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
    else:
        return None
    store.record_failure(job, message)
    return message


class Workers:
    """Processes that last for all stages: each spends seconds on importing torch.

    Parameters
    ----------
    store : RunStore
        Where results go.
    n : int
        Processes; 1 computes in this process.
    """

    def __init__(self, store: RunStore, n: int) -> None:
        self.store = store
        self.n = n
        self._pool: ProcessPoolExecutor | None = None

    def run(self, jobs: Sequence[StorableJob]) -> Iterator[str | None]:
        """Yield for each job None when it is done, or why it failed."""
        if self.n == 1 or not jobs:
            require_torch()
            for job in jobs:
                yield _work(self.store.root, job)
            return
        waiting = list(jobs)
        while waiting:
            lost: list[StorableJob] = []
            yield from self._together(waiting, lost)
            # Jobs begin in their order: what a process died at is among the first ones.
            for job in lost[: self.n]:
                alone: list[StorableJob] = []
                yield from self._together([job], alone)
                if alone:
                    self.store.record_failure(job, _DIED)
                    yield _DIED
            waiting = lost[self.n :]

    def _together(self, jobs: list[StorableJob], lost: list[StorableJob]) -> Iterator[str | None]:
        """Yield as `run` does; add to `lost`, in their order, jobs not done as a process died."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.n, context, _start, (device().type,))
        futures: list[Future[str | None]] = []
        # A process may die while jobs are still handed out; those handed out are kept.
        with contextlib.suppress(BrokenProcessPool):
            futures.extend(self._pool.submit(_work, self.store.root, job) for job in jobs)
        broken = set(futures)
        for future in as_completed(futures):
            try:
                outcome = future.result()
            except BrokenProcessPool:
                continue
            broken.discard(future)
            yield outcome
        unfinished = [job for job, future in zip(jobs, futures, strict=False) if future in broken]
        lost += [*unfinished, *jobs[len(futures) :]]
        if lost:
            self.close()

    def close(self) -> None:
        """Begin nothing more; jobs that have begun are finished and kept."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
