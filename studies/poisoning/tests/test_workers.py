"""Processes that are killed, one of them or all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from poisoning_study.protocol import RunStore, load_study
from poisoning_study.protocol._workers import Workers
from poisoning_study.torch_setup import with_baseline

_LONGEST = 120.0


@dataclass(frozen=True)
class PerhapsDeadlyJob:
    """A job that kills its own process, or not."""

    kind: ClassVar[str] = "deadly"
    number: int
    deadly: bool = False

    def compute(self, store: RunStore) -> int:
        if self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.number


def test_a_job_whose_process_dies_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    jobs = [PerhapsDeadlyJob(number, deadly=number == 1) for number in range(5)]
    workers = Workers(store, 2)
    outcomes = list(workers.run(jobs))
    workers.close()
    assert outcomes.count(None) == 4
    (message,) = (outcome for outcome in outcomes if outcome is not None)
    assert "it was killed, or the machine has too little memory" in message
    assert store.failures() == [f"deadly: {message}"]
    records = [store.find(job) for job in jobs]
    assert [record and record["result"] for record in records] == [0, None, 2, 3, 4]


def _instructions(environment: str) -> str:
    return os.environ[environment]


@dataclass(frozen=True)
class BaselineJob:
    """A job that needs a process of its own."""

    kind: ClassVar[str] = "baseline"
    number: int

    def compute(self, store: RunStore) -> list[str]:
        own = os.environ["ATEN_CPU_CAPABILITY"]
        return [own, with_baseline(_instructions, "ATEN_CPU_CAPABILITY"), str(os.getpid())]


def test_workers_end_with_the_processes_that_they_started(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    jobs = [BaselineJob(number) for number in range(4)]
    workers = Workers(store, 2)
    assert list(workers.run(jobs)) == [None] * 4
    ending = threading.Thread(target=workers.close, daemon=True)
    ending.start()
    ending.join(_LONGEST)
    assert not ending.is_alive(), "a worker waits for a process that waits for it"
    for job in jobs:
        own, other, process = store.result(job)
        assert (own, other) == (os.environ["ATEN_CPU_CAPABILITY"], "default")
        assert not _is_there(int(process))


def _workers_of(parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [int(r[0]) for r in rows if int(r[1]) == parent and "spawn_main" in r[-1]]


def _is_there(process: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True)
    return listed.stdout.strip() not in (b"", b"Z")


def _wait_for(what: str, folder: Path, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _LONGEST
    while not list(folder.glob("*.json")):
        assert running.poll() is None, f"ended before there were {what}"
        assert time.monotonic() < deadline, f"no {what} after {_LONGEST} s"
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")
def test_a_study_that_is_killed_twice_comes_to_the_same_results(
    finished: tuple[Path, Path], tmp_path: Path
) -> None:
    configs, whole = finished
    command = [sys.executable, "-m", "poisoning_study", "run", str(configs)]
    command += ["--out", str(tmp_path), "--workers", "2"]

    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _wait_for("pools", tmp_path / "runs/pools", first)
    orphans = _workers_of(first.pid)
    assert len(orphans) == 2
    first.kill()
    first.wait()
    deadline = time.monotonic() + _LONGEST
    while any(map(_is_there, orphans)):
        assert time.monotonic() < deadline, "workers outlive the process that started them"
        time.sleep(0.05)

    second = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _wait_for("backbones", tmp_path / "runs/backbones", second)
    os.kill(_workers_of(second.pid)[0], signal.SIGKILL)
    assert second.wait() == 0

    uninterrupted, resumed = RunStore(whole / "runs"), RunStore(tmp_path / "runs")
    for run in load_study(configs).runs():
        record, again = uninterrupted.find(run.job), resumed.find(run.job)
        assert record is not None
        assert again is not None
        assert again["result"] == record["result"]
