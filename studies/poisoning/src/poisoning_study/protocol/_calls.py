"""When, where and for how long a study was run."""

from __future__ import annotations

import json
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from poisoning_study.devices import device
from poisoning_study.files import write_json
from poisoning_study.protocol._store import processor_seconds


def _processor() -> str:
    """Return the processor's name, where the system tells it."""
    table = Path("/proc/cpuinfo")
    if table.is_file():
        for line in table.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _load() -> float | None:
    """Return the load average of the last minute, where the system tells it."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


class Call:
    """One call of `poisoning-study run`.

    Parameters
    ----------
    workers : int
        Processes.
    """

    def __init__(self, workers: int) -> None:
        self.n_jobs = 0
        self._begun, self._processor_begun = time.perf_counter(), processor_seconds()
        self._facts: dict[str, Any] = {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "workers": workers,
            "processors": os.cpu_count(),
            "processor": _processor(),
            "device": torch.cuda.get_device_name() if device().type == "cuda" else "cpu",
            "capability": torch.backends.cpu.get_cpu_capability(),
            "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
            "load_at_start": _load(),
        }

    def record(self, root: Path) -> None:
        """Add this call to `root/calls.json`."""
        facts = self._facts | {
            "jobs": self.n_jobs,
            "seconds": round(time.perf_counter() - self._begun, 1),
            "processor_seconds": round(processor_seconds() - self._processor_begun, 1),
            "load_at_end": _load(),
        }
        write_json(root / "calls.json", [*recorded_calls(root), facts])


def recorded_calls(root: Path) -> list[dict[str, Any]]:
    """Return the calls that left results under `root`, oldest first."""
    path = root / "calls.json"
    calls: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    return calls
