"""Results on disk: one JSON a job, named by the hash of its settings, whole or absent."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol

from poisoning_study.devices import key_suffix
from poisoning_study.errors import StudyError
from poisoning_study.files import sha256_of, write_atomically, write_json
from poisoning_study.keys import key_settings

#: Raise when a change of the code changes results, so that old ones are not taken for new.
CODE_VERSION = 4


def processor_seconds() -> float:
    """Return what this process and its finished children have used."""
    return sum(os.times()[:4])


class StorableJob(Protocol):
    """What the store needs to know of a job: a dataclass with a kind and a computation."""

    @property
    def kind(self) -> str:
        """Folder of its results."""
        ...

    def compute(self, store: RunStore) -> object:
        """Return its result, ready for JSON."""
        ...


class RunStore:
    """Results of jobs under a folder.

    A record is written after everything it refers to, in one rename. Whatever was interrupted is
    absent, and is computed again.

    Parameters
    ----------
    root : Path
        Folder, made when needed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, job: StorableJob) -> Path:
        """Return where the record of `job` lies."""
        return self.root / job.kind / f"{self.key(job)}.json"

    @staticmethod
    def key(job: StorableJob) -> str:
        """Return the hash of the job's settings, the code's version and a device but cpu."""
        settings = key_settings(job)
        text = json.dumps([CODE_VERSION, job.kind, settings, *key_suffix()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def find(self, job: StorableJob) -> dict[str, Any] | None:
        """Return the record of `job`, or None if there is none that is whole."""
        path = self.path(job)
        if not path.is_file():
            return None
        try:
            record: dict[str, Any] = json.loads(path.read_text())
        except json.JSONDecodeError:
            return None
        for name, digest in record.get("files", {}).items():
            file = path.with_name(name)
            if not file.is_file() or sha256_of(file) != digest:
                return None
        return record

    def result(self, job: StorableJob) -> Any:
        """Return the result of `job`, computed and recorded if it is not there."""
        record = self.find(job)
        if record is None:
            failure = self.failure(job)
            if failure is not None:
                raise StudyError(f"It needs a job of {job.kind} that failed: {failure}")
            start, processor = time.perf_counter(), processor_seconds()
            result = job.compute(self)
            record = {
                "settings": dataclasses.asdict(job),  # type: ignore[call-overload]
                "result": result,
                "seconds": round(time.perf_counter() - start, 3),
                "processor_seconds": round(processor_seconds() - processor, 3),
                "files": self._files_of(job),
            }
            write_json(self.path(job), record)
        return record["result"]

    def failure(self, job: StorableJob) -> str | None:
        """Return why `job` failed in the present call, or None."""
        path = self._failure_path(job)
        return str(json.loads(path.read_text())["message"]) if path.is_file() else None

    def record_failure(self, job: StorableJob, message: str) -> None:
        """Keep why `job` failed, so that what needs it does not try it again."""
        write_json(self._failure_path(job), {"kind": job.kind, "message": message})

    def forget_failures(self) -> None:
        """Let jobs that failed in an earlier call be tried again."""
        for path in (self.root / "failures").glob("*.json"):
            path.unlink()

    def failures(self) -> list[str]:
        """Return the messages of all recorded failures, each once, with how often it occurred."""
        records = [json.loads(p.read_text()) for p in (self.root / "failures").glob("*.json")]
        counts = Counter(f"{record['kind']}: {record['message']}" for record in records)
        return [f"{text} ({n} jobs)" if n > 1 else text for text, n in sorted(counts.items())]

    def _failure_path(self, job: StorableJob) -> Path:
        return self.root / "failures" / f"{self.key(job)}.json"

    def save(self, job: StorableJob, suffix: str, write: Callable[[IO[bytes]], object]) -> None:
        """Write a file that belongs to `job`; to be called while it is computed."""
        write_atomically(self.file(job, suffix), write)

    def file(self, job: StorableJob, suffix: str) -> Path:
        """Return where a file of `job` lies."""
        return self.path(job).with_suffix(f".{suffix}")

    def _files_of(self, job: StorableJob) -> dict[str, str]:
        path = self.path(job)
        return {
            file.name: sha256_of(file)
            for file in sorted(path.parent.glob(f"{path.stem}.*"))
            if file != path
        }
