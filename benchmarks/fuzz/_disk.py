"""Full disks, read-only folders, kill -9 and two writers: old file or new file, whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.fuzz._files import fingerprint, small_models
from benchmarks.fuzz._record import Record
from kernel_ot import KernelOT

# The largest file is limited as a full disk limits it: the write fails in the middle.
_FULL = """
import resource, signal, sys
from pathlib import Path
from kernel_ot import KernelOT
model, target = KernelOT.load(sys.argv[1]), Path(sys.argv[2])
old = target.read_bytes()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for limit in map(int, sys.argv[3:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        model.save(target)
    except OSError as error:
        said = type(error).__name__
    else:
        said = "saved"
    left = [path.name for path in target.parent.glob("*target*") if path != target]
    print(limit, said, "whole" if target.read_bytes() == old else "damaged", *left)
"""
_READ_ONLY = """
import os, sys
from kernel_ot import KernelOT
model = KernelOT.load(sys.argv[1])
model.save(sys.argv[1] + ".warm")
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    model.save(sys.argv[2])
except OSError as error:
    print(type(error).__name__)
else:
    print("saved")
"""
_WRITER = """
import sys
from kernel_ot import KernelOT
models = [KernelOT.load(path) for path in sys.argv[2:]]
print("begins", flush=True)
while True:
    for model in models:
        model.save(sys.argv[1])
"""


def _python(program: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", program, *map(str, arguments)]


def disk(folder: Path, kills: int = 20, seconds: float = 3.0) -> Record:
    """Save where it cannot be done, kill writers, and read while two of them write."""
    record = Record("Disk", "After everything that happens there is the old file or the new one.")
    folder.chmod(0o755)
    sources = []
    for number, model in enumerate(small_models()[:2]):
        sources.append(folder / f"source{number}.kot")
        model.save(sources[-1])
    states = {fingerprint(KernelOT.load(path)) for path in sources}
    target = folder / "target.kot"
    _full(record, sources, target)
    _read_only(record, sources, folder / "read_only")
    for number in range(kills):
        _kill(record, number, sources, target, states)
    _two_writers(record, sources, target, states, seconds)
    return record


def _full(record: Record, sources: list[Path], target: Path) -> None:
    target.write_bytes(sources[0].read_bytes())
    limits = np.unique(np.linspace(0, len(sources[1].read_bytes()) - 1, 20).astype(int))
    done = subprocess.run(
        _python(_FULL, sources[1], target, *limits), capture_output=True, text=True, check=False
    )
    for limit, line in zip(limits, [*done.stdout.splitlines(), *[""] * len(limits)], strict=False):
        fault = "" if line == f"{limit} OSError whole" else f"{line} {done.stderr[-200:]}"
        record.ended("full disk", f"full disk at {limit} bytes", fault)


def _read_only(record: Record, sources: list[Path], folder: Path) -> None:
    folder.mkdir()
    target = folder / "target.kot"
    target.write_bytes(sources[0].read_bytes())
    folder.chmod(0o555)
    done = subprocess.run(
        _python(_READ_ONLY, sources[1], target), capture_output=True, text=True, check=False
    )
    folder.chmod(0o755)
    whole = target.read_bytes() == sources[0].read_bytes()
    refused = done.stdout.strip() == "PermissionError"
    fault = "" if whole and refused else f"said {done.stdout.strip()!r} {done.stderr[-200:]}"
    record.ended("read-only folder", "read-only folder", fault)


def _kill(
    record: Record, number: int, sources: list[Path], target: Path, states: set[bytes]
) -> None:
    process = subprocess.Popen(_python(_WRITER, target, *sources), stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(float(np.random.default_rng([7, number]).uniform(0, 0.2)))
    process.kill()
    process.wait()
    process.stdout.close()
    record.ended("kill -9", f"kill {number}", _unlike(target, states))


def _two_writers(
    record: Record, sources: list[Path], target: Path, states: set[bytes], seconds: float
) -> None:
    writers = [
        subprocess.Popen(_python(_WRITER, target, *order), stdout=subprocess.PIPE)
        for order in (sources, sources[::-1])
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        record.ended("read beside two writers", "two writers", _unlike(target, states))
    for writer in writers:
        writer.kill()
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()


def _unlike(target: Path, states: set[bytes]) -> str:
    try:
        return "" if fingerprint(KernelOT.load(target)) in states else "another model"
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
