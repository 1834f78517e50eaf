from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from poisoning_study import StudyError
from poisoning_study.files import write_atomically
from poisoning_study.protocol import (
    DataSettings,
    EncoderSettings,
    RunStore,
    VictimJob,
    VictimSettings,
)


@dataclass(frozen=True)
class CountingJob:
    kind: ClassVar[str] = "counting"
    calls: ClassVar[int] = 0
    number: int
    fails: bool = False

    def compute(self, store: RunStore) -> dict[str, int]:
        type(self).calls += 1
        store.save(self, "bin", lambda stream: stream.write(b"payload"))
        if self.fails:
            raise KeyboardInterrupt
        return {"square": self.number**2}


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    CountingJob.calls = 0
    return RunStore(tmp_path)


def test_results_are_computed_once(store: RunStore) -> None:
    assert store.result(CountingJob(3)) == store.result(CountingJob(3)) == {"square": 9}
    assert CountingJob.calls == 1
    assert store.result(CountingJob(4)) == {"square": 16}
    assert RunStore.key(CountingJob(3)) != RunStore.key(CountingJob(4))


def test_an_interrupted_job_leaves_no_record(store: RunStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        store.result(CountingJob(3, fails=True))
    assert store.find(CountingJob(3, fails=True)) is None


@pytest.mark.parametrize("suffix", ["json", "bin"])
def test_damaged_records_are_computed_again(store: RunStore, suffix: str) -> None:
    job = CountingJob(5)
    store.result(job)
    path = store.path(job).with_suffix(f".{suffix}")
    path.write_bytes(path.read_bytes()[:-3])
    assert store.find(job) is None
    assert store.result(job) == {"square": 25}
    assert CountingJob.calls == 2


def test_files_are_whole_or_absent(tmp_path: Path) -> None:
    def fail(stream: object) -> None:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_atomically(tmp_path / "file", fail)
    assert list(tmp_path.iterdir()) == []


def test_keys_hold_what_data_are_and_not_where_they_lie() -> None:
    job = VictimJob(
        DataSettings("prepared", folder="here", digest="a"),
        EncoderSettings(),
        None,
        0.0,
        "sound",
        "replace",
        VictimSettings("small/residual"),
        "none",
        0,
    )
    moved = replace(job, data=replace(job.data, folder="there"))
    other = replace(job, data=replace(job.data, digest="b"))
    assert RunStore.key(job) == RunStore.key(moved) != RunStore.key(other)
    # A setting that came later: at its default, jobs keep the key that they had before.
    assert RunStore.key(job) == "f83cd8dc60ec9f05014c"
    assert RunStore.key(replace(job, choice="first-names")) != RunStore.key(job)


def test_what_needs_a_failed_job_fails_at_once(store: RunStore) -> None:
    store.record_failure(CountingJob(3), "no weights")
    with pytest.raises(StudyError, match="needs a job of counting that failed: no weights"):
        store.result(CountingJob(3))
    assert CountingJob.calls == 0
    assert store.failures() == ["counting: no weights"]
    store.forget_failures()
    assert store.result(CountingJob(3)) == {"square": 9}
