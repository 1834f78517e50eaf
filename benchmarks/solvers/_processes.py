"""Peers run in a process of their own, which can be ended when its budget is spent."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.solvers._measuring import thread_environment

# Start-up and reading the problem do not count for the peer's budget.
_GRACE = 8.0
_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    """How a process ended; `error` is what it said on stderr if it failed."""

    in_time: bool
    error: str | None


def run_process(command: Sequence[str], *, budget: float, threads: int) -> Ended:
    """Run `command` from the repository's root, and end it `_GRACE` after its budget."""
    try:
        done = subprocess.run(
            command,
            cwd=_REPOSITORY,
            env=thread_environment(threads),
            timeout=budget + _GRACE,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ended(in_time=False, error=None)
    if done.returncode == 0:
        return Ended(in_time=True, error=None)
    return Ended(in_time=True, error=_reason(done.stderr) or f"exit code {done.returncode}")


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    # Octave says first what was wrong, Python says it last.
    errors = [line for line in lines if line.startswith("error:")]
    return (errors[:1] or lines[-1:] or [""])[0]
