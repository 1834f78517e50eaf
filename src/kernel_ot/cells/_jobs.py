"""One map a job: what a worker gets, does and hands back, and where finished maps are kept."""

from __future__ import annotations

import hashlib
import re
import tempfile
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from kernel_ot._arrays import Array
from kernel_ot._files import atomic_path
from kernel_ot._version import __version__
from kernel_ot.estimator import KernelOT
from kernel_ot.progress import count_progress

Pair: TypeAlias = tuple[str, str]
"""From which group of cells to which."""
# A loaded model holds its problem; more of them than this would fill the memory.
_MODELS_IN_MEMORY = 4


@dataclass(frozen=True, eq=False)
class Job:
    """Samples of one map, masses for the first, and the estimator to fit."""

    pair: Pair
    x: Array
    y: Array
    weights_x: Array | None
    estimator: KernelOT

    def digest(self) -> str:
        """Return what tells this job from every other, settings and version included."""
        found = hashlib.sha256(f"{__version__} {self.estimator!r}".encode())
        for array in (self.x, self.y, self.weights_x):
            if array is not None:
                found.update(repr((array.shape, array.dtype)).encode())
                found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]

    def file_name(self) -> str:
        """Return a name that a reader and every file system understand."""
        words = re.sub(r"[^A-Za-z0-9.+-]+", "_", "-to-".join(self.pair))[:80].strip("._")
        return f"{words or 'map'}-{self.digest()}.kot"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a job: the saved model, or the reason why there is none."""

    pair: Pair
    model: bytes | None
    error: str | None
    warnings: tuple[str, ...]
    seconds: float


def run_job(job: Job) -> Outcome:
    """Fit one map; an error is part of the outcome, so that other maps go on."""
    began = perf_counter()
    model: bytes | None = None
    error: str | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fitted = clone(job.estimator).fit(job.x, job.y, job.weights_x)
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "model.kot"
                fitted.save(file)
                model = file.read_bytes()
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
    texts = tuple(dict.fromkeys(str(w.message) for w in caught if w.category is not ImportWarning))
    return Outcome(job.pair, model, error, texts, perf_counter() - began)


class ModelStore:
    """Models by pair, as files of a folder or as bytes, loaded when they are asked for."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.files: dict[Pair, Path] = {}
        self._bytes: dict[Pair, bytes] = {}
        self._loaded: OrderedDict[Pair, KernelOT] = OrderedDict()

    def __contains__(self, pair: object) -> bool:
        return pair in self.files or pair in self._bytes

    def __iter__(self) -> Iterator[Pair]:
        return iter([*self.files, *self._bytes])

    def keep(self, pair: Pair, model: bytes, name: str) -> None:
        """Keep a saved model, in the folder if there is one."""
        if self.folder is None:
            self._bytes[pair] = model
            return
        self.files[pair] = self.folder / name
        with atomic_path(self.files[pair]) as temporary:
            temporary.write_bytes(model)

    def content(self, pair: Pair) -> bytes:
        """Return the saved model."""
        return self.files[pair].read_bytes() if pair in self.files else self._bytes[pair]

    def load(self, pair: Pair) -> KernelOT:
        """Return the model; the last few are kept in memory."""
        if pair not in self._loaded:
            if pair in self.files:
                model = KernelOT.load(self.files[pair])
            else:
                with tempfile.TemporaryDirectory() as folder:
                    file = Path(folder) / "model.kot"
                    file.write_bytes(self._bytes[pair])
                    model = KernelOT.load(file)
            self._loaded[pair] = model
            while len(self._loaded) > _MODELS_IN_MEMORY:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(pair)
        return self._loaded[pair]


def run_jobs(
    jobs: Iterable[Job], store: ModelStore, *, n_jobs: int | None, progress: bool | None
) -> Iterator[Outcome]:
    """Yield outcomes as they come; what the store's folder already has is not fitted again."""
    waiting = []
    for job in jobs:
        known = store.folder / job.file_name() if store.folder else None
        if known is not None and known.is_file():
            store.files[job.pair] = known
            yield Outcome(job.pair, None, None, (), 0.0)
        else:
            waiting.append(job)
    names = {job.pair: job.file_name() for job in waiting}
    left = list(names)
    with count_progress(progress, len(waiting), "conditions") as advance:
        advance(0, f"left: {_listed(left)}")
        done = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
            delayed(run_job)(job) for job in waiting
        )
        for outcome in done:
            if outcome.model is not None:
                store.keep(outcome.pair, outcome.model, names[outcome.pair])
            left.remove(outcome.pair)
            advance(1, f"left: {_listed(left)}" if left else "")
            yield outcome


def _listed(pairs: list[Pair]) -> str:
    names = [target for _, target in pairs]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
